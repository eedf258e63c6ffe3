"""Makes the items of an export out of what is read, some thousand posts at a time, and counts what it meets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import orjson
from sqlalchemy import Connection, select

from storage.export.citing import citation
from storage.export.discretion import discreet
from storage.export.formats import SourceFacts
from storage.export.items import Item, Picture
from storage.export.parts import Parts
from storage.export.publishable import Clearance, Reason, withheld
from storage.views import sources

_NO_ANSWER = (None, None, None)
#: the states of a picture that leave something missing
_LACKING = {state: f"media_{state}" for state in ("pending", "failed", "gone", "skipped")}
_IN_ORDER = ("undated", "needs_review", *_LACKING.values())


@dataclass(slots=True)
class Counts:
    """What was met: posts that passed the filters, of these what was left out and why, and what the items lack.

    ``masked`` are those that have an address with a secret in it.
    """

    found: int = 0
    masked: int = 0
    left_out: Counter[Reason] = field(default_factory=Counter)
    incomplete: Counter[str] = field(default_factory=Counter)

    def add(self, other: Counts) -> None:
        """Count what somebody else has met."""
        self.found += other.found
        self.masked += other.masked
        self.left_out.update(other.left_out)
        self.incomplete.update(other.incomplete)


def sources_of(connection: Connection, *, private: bool) -> dict[str, SourceFacts]:
    """The sources of the archive by their ids, in order; their addresses whole only for one's own hands."""
    rows = connection.execute(select(sources).order_by(sources.c.id))
    return {
        row.id: SourceFacts(id=row.id, kind=row.kind, url=row.url if private or not row.url else discreet(row.url))
        for row in rows
    }


class Reader:
    """Reads items by the numbers of their posts, in one transaction."""

    def __init__(self, connection: Connection, clearance: Clearance, *, private: bool, with_segments: bool) -> None:
        self._clearance = clearance
        self._private = private
        self._with_segments = with_segments
        self._parts = Parts(connection)
        self._sources = sources_of(connection, private=private)

    def items(self, ids: Sequence[int], counts: Counts) -> list[Item]:
        """The posts of these numbers, in this order, without those that may not leave."""
        parts, clearance = self._parts, self._clearance
        rows = {row[0]: row for row in parts.posts(ids)}
        media, pictures = parts.media(ids)
        slices = parts.slices(ids) if self._with_segments else {}
        tagged = parts.tags(ids)
        answers = parts.answers({row[1] for row in rows.values() if row[1] is not None})
        counts.found += len(rows)
        items = []
        incompletes: Counter[tuple[str, ...]] = Counter()
        # what is done here is done a million times in some seconds: no call that can be spared
        for (
            post_id, capture_id, run, source, native_id, mission, url, author, title, at, precision, origin, edited_at,
            fr, en, text, warning, hashtags, credit, licence, licence_url, review, verdict, rating, first_seen_at,
            gone_at, corrected, opt_outs, variant_of,
        ) in map(rows.__getitem__, ids):  # fmt: skip
            key = f"{source}:{native_id}"
            kept = withheld(clearance, source, mission, licence, gone_at, opt_outs)
            if kept is not None:
                counts.left_out[kept[0]] += 1
                if not self._private:
                    continue
            shown = media.get(post_id, [])
            lacking = {_LACKING[picture[1]] for picture in shown if picture[1] != "stored"} if shown else set()
            if at is None:
                lacking.add("undated")
            if review:
                lacking.add("needs_review")
            incomplete: tuple[str, ...] = ()
            if lacking:
                incomplete = tuple([word for word in _IN_ORDER if word in lacking])
                incompletes[incomplete] += 1
            facts = self._sources[source]
            capture_url, fetched_at, sha256 = answers.get(capture_id, _NO_ANSWER)
            if not self._private:
                as_they_are = url, licence_url, capture_url, shown
                url, licence_url, capture_url = map(_discreet, (url, licence_url, capture_url))
                shown = [_with_discreet_address(picture) for picture in shown]
                counts.masked += (url, licence_url, capture_url, shown) != as_they_are
            items.append(
                Item(
                    key, source, native_id, mission, url, author, title, at, precision, origin, edited_at, fr, en, text,
                    warning, _texts(hashtags), credit, licence, licence_url, bool(review), verdict, rating,
                    pictures.get(post_id, 0), variant_of, first_seen_at, gone_at, _texts(corrected),
                    tuple(tagged.get(post_id, ())), tuple(shown), tuple(slices.get(post_id, ())), facts.kind, facts.url,
                    capture_url, fetched_at, sha256, run, citation(key, author, title or text, at, url, fetched_at),
                    incomplete, kept is None, kept and kept[1], post_id, capture_id,
                )
            )  # fmt: skip
        for words, number in incompletes.items():
            counts.incomplete.update(dict.fromkeys(words, number))
        return items


@lru_cache(maxsize=4096)  # the posts of one page came with one answer, under one licence
def _discreet(url: str | None) -> str | None:
    return url and discreet(url)


def _with_discreet_address(picture: Picture) -> Picture:
    address = picture[-1]
    masked = address and discreet(address)
    return picture if masked == address else picture._replace(source_url=masked)


@lru_cache(maxsize=4096)  # hashtags come again and again
def _texts(array: str | None) -> tuple[str, ...]:
    return () if array is None or array == "[]" else tuple(orjson.loads(array))
