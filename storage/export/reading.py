"""Reads the items of an export, some thousand posts at a time, and counts what it meets."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from storage.conditions import conditions
from storage.export.citing import citation
from storage.export.formats import Order, SourceFacts
from storage.export.items import Item, Picture, Slice
from storage.export.parts import Answer, Parts
from storage.export.publishable import Clearance, Reason, withheld
from storage.filters import Filters
from storage.postview import COLUMNS
from storage.views import archive_posts, posts, sources

#: posts read at once; memory is this many times a post with its parts
BATCH = 2000
_NO_ANSWER = (None, None, None)
#: the states of a picture that leave something missing
_LACKING = {state: f"media_{state}" for state in ("pending", "failed", "gone", "skipped")}
_IN_ORDER = ("undated", "needs_review", *_LACKING.values())
_COUNT = COLUMNS.index("image_count")
# the number of pictures is counted in the pictures that are read anyway
_PLAIN = tuple(name for name in COLUMNS if name != "image_count")
_AT = {name: 3 + at for at, name in enumerate(_PLAIN)}


class Reader:
    """Goes through the posts of an export once, and counts what it meets.

    Attributes:
        sources: of the archive, by id.
        found: posts that passed the filters.
        left_out: how many of them were left out, by reason.
        incomplete: how many items lack what, by ``Item.incomplete``'s words.
    """

    def __init__(
        self,
        connection: Connection,
        filters: Filters,
        clearance: Clearance,
        *,
        private: bool,
        order: Order,
        with_segments: bool,
    ) -> None:
        self._connection = connection
        self._filters = filters
        self._clearance = clearance
        self._private = private
        self._order = order
        self._with_segments = with_segments
        self._parts = Parts(connection)
        self.sources = {
            row.id: SourceFacts(id=row.id, kind=row.kind, url=row.url)
            for row in connection.execute(select(sources).order_by(sources.c.id))
        }
        self.found = 0
        self.left_out: Counter[Reason] = Counter()
        self.incomplete: Counter[str] = Counter()

    def batches(self) -> Iterator[list[Item]]:
        """The items, a batch at a time, none of them empty; what may not leave is in none of them."""
        with self._connection.execute(self._posts(), execution_options={"yield_per": BATCH}) as rows:
            for batch in rows.partitions():
                self.found += len(batch)
                items = self._items(batch)
                if items:
                    yield items

    def _posts(self) -> Select[Any]:
        statement = select(
            posts.c.id,
            posts.c.capture_id,
            posts.c.run_id,
            *(archive_posts.c[name] for name in _PLAIN),
            posts.c.opt_outs,
        ).where(archive_posts.c.source == posts.c.source_id, archive_posts.c.native_id == posts.c.native_id)
        by_key = (posts.c.source_id, posts.c.native_id)
        newest = (posts.c.shown_at.desc().nulls_last(), *by_key)
        chosen = conditions(self._connection, self._filters)
        if self._filters.limit is not None:
            newest_of_all = select(posts.c.id).where(*chosen).order_by(*newest).limit(self._filters.limit)
            statement = statement.where(posts.c.id.in_(newest_of_all))
        else:
            statement = statement.where(*chosen)
        return statement.order_by(*(by_key if self._order is Order.KEY else newest))

    def _items(self, batch: Sequence[Sequence[Any]]) -> list[Item]:
        ids = [row[0] for row in batch]
        media, pictures = self._parts.media(ids)
        slices = self._parts.slices(ids) if self._with_segments else {}
        tagged = self._parts.tags(ids)
        answers = self._parts.answers({row[1] for row in batch if row[1] is not None})
        items = []
        for row in batch:
            item = self._item(row, media, pictures, slices, tagged, answers)
            if item is not None:
                items.append(item)
        return items

    def _item(
        self,
        row: Sequence[Any],
        media: Mapping[int, list[Picture]],
        pictures: Mapping[int, int],
        slices: Mapping[int, list[Slice]],
        tagged: Mapping[int, list[str]],
        answers: Mapping[int, Answer],
    ) -> Item | None:
        post_id, capture_id, run, *own, opt_outs = row
        kept = withheld(
            self._clearance,
            source=row[_AT["source"]],
            mission=row[_AT["mission"]],
            licence=row[_AT["license"]],
            gone_at=row[_AT["gone_at"]],
            opt_outs=() if opt_outs == "[]" else json.loads(opt_outs),
        )
        if kept is not None:
            self.left_out[kept[0]] += 1
            if not self._private:
                return None
        shown = tuple(media.get(post_id, ()))
        lacking = {_LACKING[picture[1]] for picture in shown if picture[1] != "stored"}
        at, review = row[_AT["published_at"]], bool(row[_AT["needs_review"]])
        if at is None:
            lacking.add("undated")
        if review:
            lacking.add("needs_review")
        self.incomplete.update(lacking)
        own[_AT["hashtags"] - 3] = _texts(row[_AT["hashtags"]])
        own[_AT["corrected"] - 3] = _texts(row[_AT["corrected"]])
        own[_AT["needs_review"] - 3] = review
        own.insert(_COUNT, pictures.get(post_id, 0))
        facts = self.sources[row[_AT["source"]]]
        answer: Sequence[str | None] = answers.get(capture_id, _NO_ANSWER)
        return Item._make(
            (
                *own,
                tuple(tagged.get(post_id, ())),
                shown,
                tuple(slices.get(post_id, ())),
                facts.kind,
                facts.url,
                answer[0],
                answer[1],
                answer[2],
                run,
                citation(
                    key=row[_AT["key"]],
                    author=row[_AT["author"]],
                    title=row[_AT["title"]],
                    text=row[_AT["text"]],
                    date=at,
                    url=row[_AT["url"]],
                    fetched=answer[1],
                ),
                tuple([word for word in _IN_ORDER if word in lacking]) if lacking else (),
                kept is None,
                kept and kept[1],
                post_id,
                capture_id,
            )
        )


def _texts(array: str | None) -> tuple[str, ...]:
    return () if array is None or array == "[]" else tuple(json.loads(array))
