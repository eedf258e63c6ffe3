"""Filters in, posts out: one reading of the archive for the command line, the page and the exports alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, func, select

from storage.conditions import conditions
from storage.engine import Database
from storage.filters import Filters
from storage.postview import COLUMNS, MediaView, PostView, SegmentView
from storage.views import archive_posts, assets, attachments, curation, posts, segments, sources, tags

#: posts read at once; with each batch go one query for pictures and one for segments
BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What an archive can be asked by: its sources, and the missions that its posts have."""

    sources: tuple[str, ...]
    missions: tuple[str, ...]


def find(database: Database, filters: Filters) -> Iterator[PostView]:
    """The posts that pass, newest first and undated last, in an order that stays.

    They are read as they are taken, in one transaction that sees one state of the archive; memory does not
    grow with their number. Close the iterator (or exhaust it) to end the transaction.

    Raises:
        StorageError: the archive cannot be read.
    """
    with database.read() as connection:
        yield from read_posts(connection, filters)


def read_posts(connection: Connection, filters: Filters) -> Iterator[PostView]:
    """As ``find``, within a transaction that is open already."""
    statement = (
        select(posts.c.id, *(archive_posts.c[name] for name in COLUMNS))
        .where(*conditions(connection, filters))
        .order_by(posts.c.shown_at.desc().nulls_last(), posts.c.source_id, posts.c.native_id)
        .limit(filters.limit)
    )
    # closed by name: whoever stops in the middle leaves no cursor open on the server
    with connection.execute(statement, execution_options={"yield_per": BATCH}) as rows:
        for batch in rows.mappings().partitions():
            yield from _views(connection, batch)


def count(database: Database, filters: Filters) -> int:
    """How many posts pass; ``filters.limit`` is the most that is counted.

    Raises:
        StorageError: the archive cannot be read.
    """
    with database.read() as connection:
        found = select(posts.c.id).where(*conditions(connection, filters)).limit(filters.limit).subquery()
        return connection.execute(select(func.count()).select_from(found)).scalar_one()


def names(database: Database) -> Names:
    """The sources and missions that the archive knows, in order.

    Raises:
        StorageError: the archive cannot be read.
    """
    mission = select(posts.c.mission).where(posts.c.mission.is_not(None)).distinct()
    with database.read() as connection:
        return Names(
            sources=tuple(sorted(connection.scalars(select(sources.c.id)))),
            missions=tuple(sorted(connection.scalars(mission))),
        )


def _views(connection: Connection, batch: Sequence[Mapping[Any, Any]]) -> Iterator[PostView]:
    """The posts of a batch of rows, with what belongs to each; a query each for all pictures, segments and tags."""
    ids = [row["id"] for row in batch]
    media = _by_post(connection, _MEDIA, ids)
    slices = _by_post(connection, _SEGMENTS, ids)
    tagged = _by_post(connection, _TAGS, ids)
    # few posts have segments that a curator drew
    drawn = {row.post_id: row.segments for row in connection.execute(_DRAWN, {"ids": ids})}
    for row in batch:
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


def _by_post(connection: Connection, statement: Select[Any], ids: list[int]) -> dict[int, list[Any]]:
    grouped: dict[int, list[Any]] = {}
    for row in connection.execute(statement, {"ids": ids}):
        grouped.setdefault(row[0], []).append(row)
    return grouped


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
