"""How large an archive is, and how it grew, as far as its database knows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select, text

from storage.views import assets, captures, post_index

#: microseconds of a day
_DAY = 86_400_000_000


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


def sizes(connection: Connection, media: int | None = None) -> Sizes:
    """The size of the whole archive; that of all files need not be added up where it is known."""
    if connection.dialect.name == "postgresql":
        database = connection.scalar(text("SELECT pg_database_size(current_database())"))
    else:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        database = pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    return Sizes(
        database=int(database or 0),
        media=int(connection.scalar(select(func.sum(assets.c.size))) or 0) if media is None else media,
        warc=int(connection.scalar(select(func.sum(captures.c.length))) or 0),
    )


def growth(connection: Connection) -> tuple[Growth, ...]:
    """What was archived first in which month, in order; months in which nothing came are left out."""
    came = _posts_by_month(connection)
    held = {row.month: row for row in connection.execute(_files_by_month(connection.dialect.name))}
    return tuple(
        Growth(
            month=month,
            posts=came[month],
            files=held[month].files if month in held else 0,
            bytes=int(held[month].bytes) if month in held else 0,
        )
        for month in sorted({*came, *held})
    )


def _posts_by_month(connection: Connection) -> Counter[str]:
    """By the days of the index: whole numbers are counted in a fifth of the time of dates."""
    day = (post_index.c.seen.op("/")(literal_column(str(_DAY)))).label("came")
    found: Counter[str] = Counter()
    for number, posts in connection.execute(select(day, func.count()).group_by("came")):
        found[f"{date.fromordinal(date.min.toordinal() + number):%Y-%m}"] += posts
    return found


def _files_by_month(dialect: str) -> Select[Any, Any, Any]:
    month: ColumnElement[str] = func.substr(assets.c.first_seen_at, 1, 7)
    if dialect == "postgresql":
        month = func.to_char(func.timezone("UTC", assets.c.first_seen_at), "YYYY-MM")
    counted = func.count().label("files"), func.sum(assets.c.size).label("bytes")
    return select(month.label("month"), *counted).group_by("month")
