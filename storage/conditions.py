"""The SQL conditions that filters mean."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select

from storage.columns import safe
from storage.dialects import among, passing
from storage.filters import Filters, split_key
from storage.folding import fold, fold_tag
from storage.views import archive_posts, attachments, hashtags, posts, segments, tags

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_WIDTHS = (("day", timedelta(days=1)), ("minute", timedelta(minutes=1)), ("second", timedelta(seconds=1)))


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
    if filters.source:
        yield posts.c.source_id.in_(filters.source)
    if filters.mission:
        yield archive_posts.c.mission.in_(map(safe, filters.mission))
    if filters.needs_review is not None:
        yield archive_posts.c.needs_review == int(filters.needs_review)
    if filters.verdict:
        yield archive_posts.c.verdict.in_(filters.verdict)
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
    for given in filters.tag:
        wanted = fold_tag(given)

        def is_tag(tag: str, wanted: str = wanted) -> bool:
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
