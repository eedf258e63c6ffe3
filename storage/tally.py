"""The archive in numbers: a few questions to the database, whatever its size; no post is read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, select, true

from storage.conditions import DATED, NONE
from storage.coverage import Coverage, Span, coverage
from storage.engine import Database
from storage.filters import STATES, Filters
from storage.fulltext import whole
from storage.lookup import iso
from storage.sizes import Growth, Sizes, growth, sizes
from storage.views import archive_posts, assets, attachments, post_index, posts, runs

#: which captions a post has, in the order in which they are told; ``other`` is a third language or an undecided one
CAPTIONS = ("both", "fr", "en", "other", "none")
#: runs that are told
RUNS = 5
#: the first day that an ordinal can be of
_FIRST = date.min.toordinal()


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
        coverage: by mission, in order of their beginning: the days with and without a post.
        pictures: pictures by ``STATES``; together they are all pictures.
        files: distinct files that are held for them; of a whole archive also those of pictures that were edited away.
        bytes: that those files have.
        size: of the whole archive, whatever the filters.
        growth: posts and files by the month in which they were first archived, in order; of the whole archive.
        runs: the last ones, newest first, of the sources asked for.
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
    coverage: tuple[Coverage, ...]
    pictures: Mapping[str, int]
    files: int
    bytes: int
    size: Sizes
    growth: tuple[Growth, ...]
    runs: tuple[RunTally, ...]

    def as_json(self) -> dict[str, Any]:
        """The object that ``stats --json`` prints: months, sources and missions as lists, in order."""
        record = asdict(self)
        for plural, name in (("months", "month"), ("sources", "source"), ("missions", "mission")):
            record[plural] = [{name: key, "posts": count} for key, count in record[plural].items()]
        record["coverage"] = [item.as_json() for item in self.coverage]
        return record


def tally(database: Database, filters: Filters, missions: Mapping[str, Span] | None = None) -> Tally:
    """The numbers of the posts that pass, at one moment; ``filters.limit``, ``sort`` and ``after`` are not looked at.

    Args:
        database: the archive's.
        filters: which posts.
        missions: when missions began and ended, by id: their days are counted between these two; those of others
            from their first post to their last. One that is named here and asked for is told even without a post.

    Raises:
        StorageError: the archive cannot be read.
    """
    asked = {name: span for name, span in (missions or {}).items() if not filters.mission or name in filters.mission}
    with database.read() as connection:
        passing = whole(connection, filters)
        totals = connection.execute(select(*_TOTALS).select_from(post_index).where(*passing)).one()._mapping
        days = _days(connection, passing)
        grown = growth(connection)
        held = connection.execute(_files(passing)).one() if passing else _all_files(grown)
        return Tally(
            posts=totals["posts"],
            first=_shown(connection, totals["first"]),
            last=_shown(connection, totals["last"]),
            undated=totals["undated"] or 0,
            needs_review=totals["needs_review"] or 0,
            gone=totals["gone"] or 0,
            captions={name: totals[f"captions_{name}"] or 0 for name in CAPTIONS},
            months=_months(days),
            sources=_most_first(_sources(connection, passing)),
            missions=_most_first({mission: sum(own.values()) for mission, own in days.items()}),
            coverage=coverage(days, asked),
            pictures={name: int(totals[f"media_{name}"] or 0) for name in STATES},
            files=held[0],
            bytes=int(held[1] or 0),
            size=sizes(connection, sum(month.bytes for month in grown)),
            growth=grown,
            runs=_runs(connection, filters.source),
        )


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    # FILTER, as what is rare then costs a comparison only: a third of the time of sums of ones and noughts
    return func.count().filter(condition)


def _totals() -> list[ColumnElement[Any]]:
    index = post_index.c
    fr, en, other = index.has_fr == true(), index.has_en == true(), index.has_other == true()
    no_fr, no_en = index.has_fr == false(), index.has_en == false()
    captions = {
        "both": and_(fr, en),
        "fr": and_(fr, no_en),
        "en": and_(en, no_fr),
        "other": and_(no_fr, no_en, other),
        "none": and_(no_fr, no_en, index.has_other == false()),
    }
    return [
        func.count().label("posts"),
        # the undated are below all others
        func.min(index.ordinal).filter(index.ordinal >= DATED).label("first"),
        func.max(index.ordinal).filter(index.ordinal >= DATED).label("last"),
        _number(index.ordinal < DATED).label("undated"),
        _number(index.needs_review == true()).label("needs_review"),
        _number(index.gone == true()).label("gone"),
        *(_number(captions[name]).label(f"captions_{name}") for name in CAPTIONS),
        *(
            func.sum(index[f"media_{state}"]).filter(index[f"media_{state}"] > NONE).label(f"media_{state}")
            for state in STATES
        ),
    ]


_TOTALS = _totals()


def _shown(connection: Connection, ordinal: int | None) -> str | None:
    """The date of the post at a place, as the view shows it."""
    if ordinal is None:
        return None
    of = select(archive_posts.c.published_at).where(
        posts.c.id == post_index.c.post_id,
        post_index.c.ordinal == ordinal,
        archive_posts.c.source == posts.c.source_id,
        archive_posts.c.native_id == posts.c.native_id,
    )
    found: str | None = connection.execute(of).scalar_one()
    return found


def _days(connection: Connection, passing: Sequence[ColumnElement[bool]]) -> dict[str | None, dict[date | None, int]]:
    """Posts by mission and day (UTC); None for those without."""
    group = post_index.c.mission, post_index.c.day
    statement = select(*group, func.count()).where(*passing).group_by(*group)
    found: dict[str | None, dict[date | None, int]] = defaultdict(dict)
    for mission, number, posts_then in connection.execute(statement):
        found[mission][None if number is None else date.fromordinal(_FIRST + number)] = posts_then
    return found


def _months(days: Mapping[str | None, Mapping[date | None, int]]) -> dict[str, int]:
    months: Counter[str] = Counter()
    for own in days.values():
        for day, number in own.items():
            if day is not None:
                months[f"{day:%Y-%m}"] += number
    return dict(sorted(months.items()))


def _sources(connection: Connection, passing: Sequence[ColumnElement[bool]]) -> dict[str, int]:
    source = post_index.c.source_id
    rows = connection.execute(select(source, func.count()).where(*passing).group_by(source))
    return {row[0]: row[1] for row in rows}


def _files(passing: Sequence[ColumnElement[bool]]) -> Select[int, Any]:
    found = select(func.count(), func.sum(assets.c.size))
    those = select(post_index.c.post_id).where(*passing)
    shown = (attachments.c.removed_at.is_(None), attachments.c.state == "stored", attachments.c.post_id.in_(those))
    return found.where(assets.c.sha256.in_(select(attachments.c.sha256).where(*shown)))


def _all_files(grown: Sequence[Growth]) -> tuple[int, int]:
    return sum(month.files for month in grown), sum(month.bytes for month in grown)


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
