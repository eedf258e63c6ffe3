"""Which posts are asked for: values that refuse to exist wrong, and the SQL conditions that they mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select

from storage.columns import safe
from storage.dialects import among, passing
from storage.folding import fold, fold_tag
from storage.postview import LANGS, VERDICTS
from storage.views import archive_posts, attachments, hashtags, posts, segments, tags

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_WIDTHS = (("day", timedelta(days=1)), ("minute", timedelta(minutes=1)), ("second", timedelta(seconds=1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which posts are asked for; what is None does not matter, and all that is given must hold.

    Attributes:
        text: stands somewhere in the body, captions, title, credit, or in the alt text or credit of a picture;
            compared as ``storage.folding`` does, so nothing in it is a wildcard.
        lang: has a caption in each of these: ``fr``, ``en``, or ``other`` for a third language or an undecided one.
        source: id of the source.
        mission: id of the mission.
        since: aware; the post's own date, an interval as wide as its precision, overlaps [since, until).
            A post without a date is left out as soon as a bound is given.
        until: aware, exclusive.
        verdict: ``unreviewed``, ``selected`` or ``rejected``.
        tag: a hashtag of the post or a tag of the curator's, with or without ``#``; case and accents do not matter.
        needs_review: whether a person should look.
        keys: one of these keys.
        limit: at most so many.
    """

    text: str | None = None
    lang: tuple[Literal["fr", "en", "other"], ...] = ()
    source: str | None = None
    mission: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    verdict: Literal["unreviewed", "selected", "rejected"] | None = None
    tag: str | None = None
    needs_review: bool | None = None
    keys: tuple[str, ...] | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.text is not None and not fold(self.text):
            raise ValueError("a text to look for holds at least one letter, digit or sign")
        if self.tag is not None and not fold_tag(self.tag):
            raise ValueError("a tag to look for holds at least one letter or digit")
        for lang in self.lang:
            if lang not in LANGS:
                raise ValueError(f"a language is one of {', '.join(LANGS)}, not {lang!r}")
        if self.verdict not in (None, *VERDICTS):
            raise ValueError(f"a verdict is one of {', '.join(VERDICTS)}, not {self.verdict!r}")
        for bound in (self.since, self.until):
            if bound is not None and bound.utcoffset() is None:
                raise ValueError(f"a bound is an aware time, not {bound!r}")
        if self.limit is not None and not 0 <= self.limit < 2**63:
            raise ValueError(f"a limit is neither negative nor beyond 2**63, as {self.limit} is")


def split_key(key: str) -> tuple[str, str]:
    """A key's source id and native id: the first colon splits, the rest is opaque."""
    source, _, native_id = key.partition(":")
    return source, native_id


def conditions(connection: Connection, filters: Filters) -> list[ColumnElement[bool]]:
    """What must hold, for a statement on this connection over ``posts`` and ``archive_posts``, which this joins."""
    found = list(_plain(connection, filters))
    if filters.text is not None:
        found.append(_text(connection, fold(filters.text), found))
    return found


def _plain(connection: Connection, filters: Filters) -> Iterator[ColumnElement[bool]]:
    # the view is the promise about values, the table has the indexes: one row of each is the same post
    yield archive_posts.c.source == posts.c.source_id
    yield archive_posts.c.native_id == posts.c.native_id
    if filters.source is not None:
        yield posts.c.source_id == filters.source
    if filters.mission is not None:
        yield archive_posts.c.mission == safe(filters.mission)
    if filters.needs_review is not None:
        yield archive_posts.c.needs_review == int(filters.needs_review)
    if filters.verdict is not None:
        yield archive_posts.c.verdict == filters.verdict
    yield from _dated(filters)
    if filters.keys is not None:
        pairs = [split_key(safe(key)) for key in filters.keys]
        yield among(connection, posts.c.source_id, posts.c.native_id, pairs)
    for lang in filters.lang:
        match lang:
            case "fr":
                yield archive_posts.c.caption_fr.is_not(None)
            case "en":
                yield archive_posts.c.caption_en.is_not(None)
            case "other":
                yield exists().where(
                    segments.c.post_id == posts.c.id, segments.c.part == "body", segments.c.lang == "other"
                )
    if filters.tag is not None:
        wanted = fold_tag(filters.tag)

        def is_tag(tag: str) -> bool:
            return fold_tag(tag) == wanted

        yield or_(
            *(
                posts.c.id.in_(
                    select(own.c.post_id).where(passing(connection, "cupola_is_tag", is_tag, own.c.tag, [own.c.tag]))
                )
                for own in (hashtags, tags)
            )
        )


def _text(connection: Connection, wanted: str, so_far: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    """A text of the post, or of one of its pictures, holds ``wanted``, folded."""

    def holds(*texts: str | None) -> bool:
        return any(text is not None and wanted in fold(text) for text in texts)

    own = [archive_posts.c[name] for name in ("text", "title", "caption_fr", "caption_en", "credit")]
    of_picture = [attachments.c[name] for name in ("corrected_alt", "alt", "credit")]
    shown = attachments.c.removed_at.is_(None)
    return or_(
        passing(connection, "cupola_holds", holds, posts.c.id, own, so_far),
        exists().where(
            attachments.c.post_id == posts.c.id,
            shown,
            passing(connection, "cupola_holds", holds, attachments.c.id, of_picture, [shown]),
        ),
    )


def _dated(filters: Filters) -> Iterator[ColumnElement[bool]]:
    """The interval of a post's date overlaps the bounds: it starts before ``until``, it ends after ``since``."""
    at = posts.c.shown_at
    if filters.until is not None:
        yield at < filters.until
    if filters.since is not None:
        since = filters.since
        starts = {precision: since - width if since - _EARLIEST > width else _EARLIEST for precision, width in _WIDTHS}
        yield at > starts["day"]  # what the index can use
        yield or_(*(and_(archive_posts.c.published_precision == name, at > start) for name, start in starts.items()))
