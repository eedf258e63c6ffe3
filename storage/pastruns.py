"""The journal of runs as it is read: what came of them, what failed in them, and where the next one goes on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from storage.engine import Database
from storage.schema import FailureRecord, PostRecord, RunRecord, SightingRecord, SourceRecord, rows_of
from storage.states import RunStatus, Stage

_runs, _failures = rows_of(RunRecord), rows_of(FailureRecord)
_posts, _sources, _sightings = rows_of(PostRecord), rows_of(SourceRecord), rows_of(SightingRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run as the journal has it; ``ended_at`` is None while it runs, ``counts`` are by name."""

    id: int
    source_id: str
    status: RunStatus
    started_at: datetime
    ended_at: datetime | None
    since: datetime | None
    until: datetime | None
    cursor: datetime | None
    host: str
    pid: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that failed in a run; ``error`` is the error's class, ``evidence`` its other attributes."""

    run_id: int
    source_id: str
    at: datetime
    stage: Stage
    error: str
    message: str
    url: str | None
    key: str | None
    capture_id: int | None
    evidence: tuple[tuple[str, str], ...]


class PastRuns:
    """What the journal of one archive says of its runs; times are aware UTC."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def first_run_at(self, source_id: str) -> datetime | None:
        """When a source was visited for the first time; None before."""
        with self._database.read() as connection:
            found: datetime | None = connection.scalar(
                select(_sources.c.first_run_at).where(_sources.c.id == source_id)
            )
        return found

    def known(self, source_id: str) -> tuple[str, str | None] | None:
        """The kind and the address of a source as it was configured last; None when no run has met it."""
        with self._database.read() as connection:
            row = connection.execute(select(_sources.c.kind, _sources.c.url).where(_sources.c.id == source_id)).first()
        return None if row is None else (row.kind, row.url)

    def of_kinds(self, kinds: Collection[str]) -> list[tuple[str, str]]:
        """The sources of these kinds, each with its kind, in the order of their ids."""
        query = select(_sources.c.id, _sources.c.kind).where(_sources.c.kind.in_(kinds)).order_by(_sources.c.id)
        with self._database.read() as connection:
            return [(row.id, row.kind) for row in connection.execute(query)]

    def has_failed(self, source_id: str, key: str, error: type[Exception]) -> bool:
        """Whether any run has recorded such a failure of a post."""
        mine = (_failures.c.source_id == source_id, _failures.c.key == key, _failures.c.error == error.__name__)
        with self._database.read() as connection:
            return connection.scalar(select(_failures.c.id).where(*mine).limit(1)) is not None

    def cursor(self, source_id: str, scope: str | None = None) -> datetime | None:
        """Where the next run goes on: from the last run that moved it; None before the first.

        Args:
            source_id: the source.
            scope: only of runs of this scope: what was read elsewhere, or under other options, says nothing here.
        """
        query = select(_runs.c.cursor).where(_runs.c.source_id == source_id, _runs.c.cursor.is_not(None))
        if scope is not None:
            query = query.where(_runs.c.scope == scope)
        with self._database.read() as connection:
            found: datetime | None = connection.scalar(query.order_by(_runs.c.id.desc()).limit(1))
        return found

    def newest_before(self, source_id: str, when: datetime, *, but: int = 0, scope: str | None = None) -> str | None:
        """The native id of the newest post, leaving out ``but`` newer ones, that was published before ``when``.

        None when there is none. With ``scope`` only posts that a run of this scope has seen last: another place of
        the source had ids of its own.
        """
        query = select(_posts.c.native_id).where(_posts.c.source_id == source_id, _posts.c.published_at < when)
        if scope is not None:
            query = query.join(_sightings, _sightings.c.post_id == _posts.c.id)
            query = query.join(_runs, _runs.c.id == _sightings.c.run_id).where(_runs.c.scope == scope)
        with self._database.read() as connection:
            found: str | None = connection.scalar(
                query.order_by(_posts.c.published_at.desc(), _posts.c.id.desc()).limit(1).offset(but)
            )
        return found

    def runs(self, source_id: str | None = None, *, limit: int = 20) -> list[RunSummary]:
        """The last runs, newest first."""
        query = select(*(_runs.c[name] for name in RunSummary.__slots__)).order_by(_runs.c.id.desc()).limit(limit)
        if source_id is not None:
            query = query.where(_runs.c.source_id == source_id)
        with self._database.read() as connection:
            return [RunSummary(**row) for row in connection.execute(query).mappings()]

    def failures(self, run_id: int) -> list[Failure]:
        """What failed in a run, in the order in which it happened."""
        query = select(*(_failures.c[name] for name in Failure.__slots__)).where(_failures.c.run_id == run_id)
        with self._database.read() as connection:
            return [Failure(**row) for row in connection.execute(query.order_by(_failures.c.id)).mappings()]
