"""The archive in numbers: nine questions to the database, whatever its size; no post is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, select

from storage.conditions import conditions
from storage.engine import Database
from storage.filters import STATES, Filters
from storage.lookup import iso
from storage.views import archive_posts, assets, attachments, posts, runs, segments

#: which captions a post has, in the order in which they are told; ``other`` is a third language or an undecided one
CAPTIONS = ("both", "fr", "en", "other", "none")
#: runs that are told
RUNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTally:
    """One run; times as in the views, ``counts`` by name as ``scrape --json`` has them."""

    id: int
    source: str
    status: str
    started_at: str
    ended_at: str | None
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was counted. ``first`` and ``last`` are the dates of the first and the last post that has one.

    Attributes:
        posts: how many.
        first: as ``published_at`` of archive_posts.
        last: likewise.
        undated: posts without a date.
        needs_review: posts that a person should look at.
        gone: posts that are gone at their source.
        captions: posts by ``CAPTIONS``; together they are all posts.
        months: posts by month, ``2016-12``, in order; months without one are left out.
        sources: posts by source, most first.
        missions: posts by mission, most first; None for those without.
        pictures: pictures by ``STATES``; together they are all pictures.
        files: distinct files that are held for them.
        bytes: that those files have.
        runs: the last ones, newest first, of the source asked for.
    """

    posts: int
    first: str | None
    last: str | None
    undated: int
    needs_review: int
    gone: int
    captions: Mapping[str, int]
    months: Mapping[str, int]
    sources: Mapping[str, int]
    missions: Mapping[str | None, int]
    pictures: Mapping[str, int]
    files: int
    bytes: int
    runs: tuple[RunTally, ...]

    def as_json(self) -> dict[str, Any]:
        """The object that ``stats --json`` prints: months, sources and missions as lists, in order."""
        record = asdict(self)
        for plural, name in (("months", "month"), ("sources", "source"), ("missions", "mission")):
            record[plural] = [{name: key, "posts": count} for key, count in record[plural].items()]
        return record


def tally(database: Database, filters: Filters) -> Tally:
    """The numbers of the posts that pass, at one moment; ``filters.limit`` is not looked at.

    Raises:
        StorageError: the archive cannot be read.
    """
    with database.read() as connection:
        passing = conditions(connection, filters)
        view = archive_posts.c
        fr, en = view.caption_fr.is_not(None), view.caption_en.is_not(None)
        third = exists().where(segments.c.post_id == posts.c.id, segments.c.part == "body", segments.c.lang == "other")
        captions = case((and_(fr, en), "both"), (fr, "fr"), (en, "en"), (third, "other"), else_="none")
        totals = connection.execute(
            select(
                func.count().label("posts"),
                func.min(view.published_at).label("first"),
                func.max(view.published_at).label("last"),
                func.count(case((view.published_at.is_(None), 1))).label("undated"),
                func.count(case((view.needs_review == 1, 1))).label("needs_review"),
                func.count(view.gone_at).label("gone"),
            ).where(*passing)
        ).one()
        months = _counted(connection, func.substr(view.published_at, 1, 7), [*passing, view.published_at.is_not(None)])
        found = _counted(connection, captions, passing)
        pictures = _pictures(connection, passing)
        held = connection.execute(_files(passing)).one()
        return Tally(
            **totals._mapping,
            captions={name: found.get(name, 0) for name in CAPTIONS},
            months=dict(sorted(months.items())),
            sources=_most_first(_counted(connection, view.source, passing)),
            missions=_most_first(_counted(connection, view.mission, passing)),
            pictures={name: pictures.get(name, 0) for name in STATES},
            files=held.files,
            bytes=int(held.bytes or 0),
            runs=_runs(connection, filters.source),
        )


def _counted(connection: Connection, key: ColumnElement[Any], passing: list[ColumnElement[bool]]) -> dict[Any, int]:
    rows = connection.execute(select(key.label("what"), func.count()).where(*passing).group_by("what"))
    return {row[0]: row[1] for row in rows}


def _pictures(connection: Connection, passing: list[ColumnElement[bool]]) -> dict[str, int]:
    states = select(attachments.c.state, func.count()).where(*_attached(passing)).group_by(attachments.c.state)
    return {row[0]: row[1] for row in connection.execute(states)}


def _files(passing: list[ColumnElement[bool]]) -> Select[int, Any]:
    held = select(attachments.c.sha256).where(*_attached(passing), attachments.c.state == "stored")
    return select(func.count().label("files"), func.sum(assets.c.size).label("bytes")).where(assets.c.sha256.in_(held))


def _attached(passing: list[ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    return [*passing, attachments.c.post_id == posts.c.id, attachments.c.removed_at.is_(None)]


def _most_first(counts: dict[Any, int]) -> dict[Any, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, item[0] or "")))


def _runs(connection: Connection, sources: tuple[str, ...]) -> tuple[RunTally, ...]:
    last = select(runs).order_by(runs.c.id.desc()).limit(RUNS)
    if sources:
        last = last.where(runs.c.source_id.in_(sources))
    return tuple(
        RunTally(
            id=row.id,
            source=row.source_id,
            status=row.status,
            started_at=iso(row.started_at),
            ended_at=None if row.ended_at is None else iso(row.ended_at),
            counts={name: count for name, count in row.counts.items() if count},
        )
        for row in connection.execute(last)
    )
