"""Posts as they are read, by the numbers of their rows: a few questions for a batch, none for a post."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, func, select

from storage.postview import COLUMNS, MediaView, PostView, SegmentView
from storage.views import archive_posts, assets, attachments, curation, posts, segments, tags


def posts_of(connection: Connection, ids: Sequence[int]) -> Iterator[PostView]:
    """The posts of these rows of ``posts``, in this order, with a query each for all of their pictures, segments, tags.

    What is not there any more is left out.
    """
    if not ids:
        return
    held = {row["id"]: row for row in connection.execute(_POSTS, {"ids": ids}).mappings()}
    media = _by_post(connection, _MEDIA, ids)
    slices = _by_post(connection, _SEGMENTS, ids)
    tagged = _by_post(connection, _TAGS, ids)
    # few posts have segments that a curator drew
    drawn = {row.post_id: row.segments for row in connection.execute(_DRAWN, {"ids": ids})}
    for row in (held[number] for number in ids if number in held):
        own = {name: row[name] for name in COLUMNS}
        own["hashtags"] = tuple(json.loads(own["hashtags"] or "[]"))
        own["corrected"] = tuple(json.loads(own["corrected"])) if own["corrected"] else None
        own["needs_review"] = bool(own["needs_review"])
        cut = drawn.get(row["id"]) or [rest for _, *rest in slices.get(row["id"], ())]
        yield PostView(
            **own,
            media=tuple(map(_medium, media.get(row["id"], ()))),
            segments=tuple(
                SegmentView(lang=lang, text=own["text"][start:stop], start=start, end=stop) for lang, start, stop in cut
            ),
            tags=tuple(tag for _, tag in tagged.get(row["id"], ())),
        )


def _by_post(connection: Connection, statement: Select[Any], ids: Sequence[int]) -> dict[int, list[Any]]:
    grouped: dict[int, list[Any]] = {}
    for row in connection.execute(statement, {"ids": ids}):
        grouped.setdefault(row[0], []).append(row)
    return grouped


_POSTS = (
    select(posts.c.id, *(archive_posts.c[name] for name in COLUMNS))
    # the view is the promise about values, the table has the numbers: one row of each is the same post
    .where(archive_posts.c.source == posts.c.source_id, archive_posts.c.native_id == posts.c.native_id)
    .where(posts.c.id.in_(bindparam("ids", expanding=True)))
)
# archive_media cannot be asked by post without reading all of it: its key is put together from two columns.
# So its columns are made here once more; a test compares every one of them with the view's.
_MEDIA = (
    select(
        attachments.c.post_id,
        attachments.c.position,
        attachments.c.state,
        attachments.c.sha256,
        assets.c.sha256.label("held"),
        assets.c.extension,
        func.coalesce(assets.c.media_type, attachments.c.media_type).label("media_type"),
        assets.c.size.label("bytes"),
        func.coalesce(assets.c.width, attachments.c.width).label("width"),
        func.coalesce(assets.c.height, attachments.c.height).label("height"),
        case(
            (attachments.c.corrected_alt.is_(None), attachments.c.alt),
            else_=func.nullif(attachments.c.corrected_alt, ""),
        ).label("alt"),
        func.coalesce(attachments.c.fetched_url, attachments.c.url).label("source_url"),
    )
    .select_from(attachments.outerjoin(assets, assets.c.sha256 == attachments.c.sha256))
    .where(attachments.c.post_id.in_(bindparam("ids", expanding=True)), attachments.c.removed_at.is_(None))
    .order_by(attachments.c.post_id, attachments.c.position, attachments.c.id)
)
_SEGMENTS = (
    select(segments.c.post_id, segments.c.lang, segments.c.start, segments.c.stop)
    .where(segments.c.post_id.in_(bindparam("ids", expanding=True)), segments.c.part == "body")
    .order_by(segments.c.post_id, segments.c.position)
)
_TAGS = (
    select(tags.c.post_id, tags.c.tag)
    .where(tags.c.post_id.in_(bindparam("ids", expanding=True)))
    .order_by(tags.c.post_id, tags.c.folded)
)
_DRAWN = select(curation.c.post_id, curation.c.segments).where(
    curation.c.post_id.in_(bindparam("ids", expanding=True)), curation.c.segments.is_not(None)
)


def _medium(row: Any) -> MediaView:
    return MediaView(
        position=row.position,
        state=row.state,
        sha256=row.sha256,
        path=f"media/{row.held[:2]}/{row.held[2:4]}/{row.held}.{row.extension}" if row.held else None,
        media_type=row.media_type,
        bytes=row.bytes,
        width=row.width,
        height=row.height,
        alt=row.alt,
        source_url=row.source_url,
    )
