"""The journal of runs as it is written: who works on a source, what came of it and what failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, update

from storage import leases
from storage.dialects import upsert
from storage.engine import Database
from storage.errors import SourceBusy
from storage.pastruns import PastRuns
from storage.processes import Process
from storage.schema import FailureRecord, RunRecord, SourceRecord, rows_of
from storage.states import RunStatus, Stage

__all__ = ["Journal", "Run", "RunStatus", "Stage"]

RENEWAL = timedelta(seconds=15)

_runs, _failures, _sources = rows_of(RunRecord), rows_of(FailureRecord), rows_of(SourceRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that is open; times are aware UTC."""

    id: int
    source_id: str
    started_at: datetime
    since: datetime | None = None
    until: datetime | None = None


class Journal(PastRuns):
    """Runs, leases and failures of one archive, to be written and read.

    Args:
        database: the archive's.
        abandoned: told the id of a run whose process died, while nobody else can write: what it left
            half done is put in order there.
    """

    def __init__(self, database: Database, *, abandoned: Callable[[Connection, int], None] | None = None) -> None:
        super().__init__(database)
        self._abandoned = abandoned
        self._renewed: dict[int, datetime] = {}

    def begin(
        self,
        source_id: str,
        kind: str,
        url: str | None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        scope: str | None = None,
        now: datetime,
        process: Process | None = None,
    ) -> Run:
        """Open a run and take the source's lease for 60 s.

        The lease of a process that died on this machine is taken over at once, any other when it has expired.

        Args:
            source_id: the source.
            kind: its kind, as configured now.
            url: its address, as configured now.
            since: lower bound that a person gave.
            until: upper bound that a person gave.
            scope: how the source is configured; runs of one scope can be compared.
            now: aware UTC.
            process: who holds the lease; this process when not given.

        Raises:
            SourceBusy: another run has the source.
        """
        process = process or Process.current()
        with self._database.write() as connection:
            source = upsert(connection, _sources).values(id=source_id, kind=kind, url=url, first_run_at=now)
            connection.execute(source.on_conflict_do_update(index_elements=["id"], set_={"kind": kind, "url": url}))
            orphan = leases.clear(connection, source_id, now)
            if orphan is not None:
                self._abandon(connection, orphan, now)
            opened = insert(_runs).values(
                source_id=source_id,
                status=RunStatus.RUNNING,
                started_at=now,
                since=since,
                until=until,
                scope=scope,
                host=process.host,
                pid=process.pid,
                counts={},
            )
            run_id: int = connection.execute(opened.returning(_runs.c.id)).scalar_one()
            leases.grant(connection, source_id, run_id, process, now)
        self._renewed[run_id] = now
        return Run(id=run_id, source_id=source_id, started_at=now, since=since, until=until)

    def renew(self, run: Run, now: datetime) -> None:
        """Keep the lease for another 60 s; does nothing within 15 s of the last time.

        Raises:
            SourceBusy: the lease was lost to another run.
        """
        last = self._renewed.get(run.id)
        if last is not None and timedelta(0) <= now - last < RENEWAL:
            return
        with self._database.write() as connection:
            leases.prolong(connection, run.source_id, run.id, now)
        self._renewed[run.id] = now

    def close(
        self,
        run: Run,
        status: RunStatus,
        *,
        counts: Mapping[str, int] | None = None,
        cursor: datetime | None = None,
        now: datetime,
    ) -> None:
        """End a run and give its lease back.

        Args:
            run: the run.
            status: how it ended.
            counts: numbers by name.
            cursor: where the next run goes on; None leaves the source's cursor where it is.
            now: aware UTC.

        Raises:
            SourceBusy: the run lost its lease before; it stays marked as abandoned.
        """
        with self._database.write() as connection:
            closed = connection.execute(
                update(_runs)
                .where(_runs.c.id == run.id, _runs.c.status == RunStatus.RUNNING)
                .values(status=status, ended_at=now, cursor=cursor, counts=dict(counts or {}))
            )
            if closed.rowcount != 1:
                raise leases.lost(connection, run.source_id)
            leases.give_back(connection, run.id)
        self._renewed.pop(run.id, None)

    def sweep(self, now: datetime) -> list[int]:
        """Mark the runs as abandoned whose lease has ended, or whose process died on this machine; their numbers."""
        with self._database.read() as connection:
            ended = leases.ended(connection, now)
        found = []
        for source_id in ended:
            with self._database.write() as connection:
                try:
                    orphan = leases.clear(connection, source_id, now)
                except SourceBusy:
                    # it was renewed, or taken, meanwhile
                    continue
                if orphan is not None:
                    self._abandon(connection, orphan, now)
                    found.append(orphan)
        return found

    def cut(self, source_id: str, status: RunStatus, error: Exception, *, now: datetime) -> bool:
        """End the run of a source that this process has open and cannot end itself, because it hangs, say.

        From then on it writes no more, whenever it awakes; the source is free.

        Args:
            source_id: the source.
            status: how it ended.
            error: why; recorded as a failure of the run.
            now: aware UTC.

        Returns:
            Whether there was one.
        """
        with self._database.write() as connection:
            run_id = leases.of_process(connection, source_id, Process.current())
            if run_id is None:
                return False
            mine = (_runs.c.id == run_id, _runs.c.status == RunStatus.RUNNING)
            connection.execute(update(_runs).where(*mine).values(status=status, ended_at=now))
            leases.give_back(connection, run_id)
            run = Run(id=run_id, source_id=source_id, started_at=now)
            connection.execute(insert(_failures), [_failure(run, Stage.PAGE, error, None, None, None, now)])
        return True

    def fail(
        self,
        run: Run,
        stage: Stage | str,
        error: Exception,
        *,
        url: str | None = None,
        key: str | None = None,
        capture_id: int | None = None,
        now: datetime,
    ) -> None:
        """Record one failure with its evidence: the error's class, message and attributes.

        Args:
            run: the run in which it happened.
            stage: where.
            error: what was caught.
            url: address that it is about; the error's own when not given.
            key: key of the post that it is about.
            capture_id: the answer that was not understood.
            now: aware UTC.
        """
        row = _failure(run, Stage(stage), error, url, key, capture_id, now)
        with self._database.write() as connection:
            connection.execute(insert(_failures), [row])

    def _abandon(self, connection: Connection, run_id: int, now: datetime) -> None:
        connection.execute(
            update(_runs)
            .where(_runs.c.id == run_id, _runs.c.status == RunStatus.RUNNING)
            .values(status=RunStatus.ABANDONED, ended_at=now)
        )
        if self._abandoned is not None:
            self._abandoned(connection, run_id)


def _failure(
    run: Run, stage: Stage, error: Exception, url: str | None, key: str | None, capture_id: int | None, now: datetime
) -> dict[str, Any]:
    """The row of one failure."""
    attributes = {name: value for name, value in vars(error).items() if not name.startswith("_")}
    return {
        "run_id": run.id,
        "source_id": run.source_id,
        "at": now,
        "stage": stage,
        "error": type(error).__name__,
        "message": str(error),
        "url": url or attributes.pop("url", None),
        "key": key,
        "capture_id": capture_id,
        "evidence": tuple((name, str(value)) for name, value in attributes.items() if value is not None),
    }
