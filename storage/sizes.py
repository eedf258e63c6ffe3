"""How large an archive is, and how it grew, as far as its database knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, text

from storage.views import assets, captures, posts


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bytes of the parts of an archive.

    Attributes:
        database: what the database takes of its disk.
        media: of all files in ``media/`` that are recorded.
        warc: of all answers in ``warc/`` that are recorded, compressed as they lie there.
    """

    database: int
    media: int
    warc: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What came in a month, ``2016-12`` (UTC): posts, files and the bytes of these."""

    month: str
    posts: int
    files: int
    bytes: int


def sizes(connection: Connection) -> Sizes:
    """The size of the whole archive."""
    if connection.dialect.name == "postgresql":
        database = connection.scalar(text("SELECT pg_database_size(current_database())"))
    else:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        database = pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    return Sizes(
        database=int(database or 0),
        media=int(connection.scalar(select(func.sum(assets.c.size))) or 0),
        warc=int(connection.scalar(select(func.sum(captures.c.length))) or 0),
    )


def growth(connection: Connection) -> tuple[Growth, ...]:
    """What was archived first in which month, in order; months in which nothing came are left out."""
    came = {row.month: row for row in _by_month(connection, posts.c.first_seen_at)}
    held = {row.month: row for row in _by_month(connection, assets.c.first_seen_at, func.sum(assets.c.size))}
    return tuple(
        Growth(
            month=month,
            posts=came[month].number if month in came else 0,
            files=held[month].number if month in held else 0,
            bytes=int(held[month].size) if month in held else 0,
        )
        for month in sorted(came | held)
    )


def _by_month(connection: Connection, at: Any, size: ColumnElement[Any] | None = None) -> Iterator[Any]:
    month: ColumnElement[str] = func.substr(at, 1, 7)
    if connection.dialect.name == "postgresql":
        month = func.to_char(func.timezone("UTC", at), "YYYY-MM")
    summed = [] if size is None else [size.label("size")]
    statement = select(month.label("month"), func.count().label("number"), *summed).group_by("month")
    yield from connection.execute(statement)
