"""A lease per source: who may write for it right now. Every function works inside the caller's write transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from storage.errors import SourceBusy
from storage.processes import Process
from storage.schema import LeaseRecord, RunRecord, rows_of
from storage.states import RunStatus

LEASE = timedelta(seconds=60)

_leases, _runs = rows_of(LeaseRecord), rows_of(RunRecord)


def clear(connection: Connection, source_id: str, now: datetime) -> int | None:
    """Take away a lease that has expired or whose process has died on this machine.

    Returns:
        The run that had it, or None when the source was free.

    Raises:
        SourceBusy: its holder may be at work.
    """
    held = _held(connection, source_id)
    if held is None:
        return None
    if held["expires_at"] > now and not Process.of_row(held).is_dead():
        raise _busy(held)
    # compared and set in one statement: a renewal that came between would be seen
    same = (_leases.c.run_id == held["run_id"], _leases.c.renewed_at == held["renewed_at"])
    if connection.execute(delete(_leases).where(_leases.c.source_id == source_id, *same)).rowcount != 1:
        raise _busy(held)
    run_id: int = held["run_id"]
    return run_id


def ensure_free(connection: Connection, source_id: str, now: datetime) -> None:
    """Nothing, or SourceBusy: a run may be at work on the source."""
    held = _held(connection, source_id)
    if held is not None and held["expires_at"] > now and not Process.of_row(held).is_dead():
        raise _busy(held)


def grant(connection: Connection, source_id: str, run_id: int, process: Process, now: datetime) -> None:
    """Give a free source to a run for 60 s; a second holder would break the table's key."""
    connection.execute(
        insert(_leases).values(
            source_id=source_id,
            run_id=run_id,
            renewed_at=now,
            expires_at=now + LEASE,
            **process.columns,
        )
    )


def prolong(connection: Connection, source_id: str, run_id: int, now: datetime) -> None:
    """Let the run keep the source for another 60 s.

    Raises:
        SourceBusy: it lost its lease to another run.
    """
    mine = (_leases.c.source_id == source_id, _leases.c.run_id == run_id)
    prolonged = connection.execute(update(_leases).where(*mine).values(renewed_at=now, expires_at=now + LEASE))
    if prolonged.rowcount != 1:
        raise lost(connection, source_id)


def give_back(connection: Connection, run_id: int) -> None:
    """End the lease of a run."""
    connection.execute(delete(_leases).where(_leases.c.run_id == run_id))


def ended(connection: Connection, now: datetime) -> list[str]:
    """The sources whose lease has expired, or whose holder died on this machine; none of this process's own."""
    held = connection.execute(select(_leases)).mappings().all()
    mine = Process.current()
    others = [row for row in held if Process.of_row(row) != mine]
    return [row["source_id"] for row in others if row["expires_at"] <= now or Process.of_row(row).is_dead()]


def of_process(connection: Connection, source_id: str, process: Process) -> int | None:
    """The run by which a process has a source; None when it has not."""
    held = _held(connection, source_id)
    return held["run_id"] if held is not None and Process.of_row(held) == process else None


def ensure_running(connection: Connection, run_id: int) -> None:
    """Nothing, or SourceBusy: a run that lost its lease (a machine that slept, say) must write no more."""
    row = connection.execute(select(_runs.c.status, _runs.c.source_id).where(_runs.c.id == run_id)).first()
    if row is None or row.status is not RunStatus.RUNNING:
        raise lost(connection, row.source_id if row else "")


def lost(connection: Connection, source_id: str) -> SourceBusy:
    """The error for a run that has no lease any more."""
    held = _held(connection, source_id)
    if held is not None:
        return _busy(held)
    message = f"this run of {source_id} is closed or its lease was taken over, so it writes no more; run it again"
    return SourceBusy(message, source_id=source_id, holder="nobody")


def _held(connection: Connection, source_id: str) -> Mapping[Any, Any] | None:
    return connection.execute(select(_leases).where(_leases.c.source_id == source_id)).mappings().first()


def _busy(lease: Mapping[Any, Any]) -> SourceBusy:
    holder = (
        f"{Process.of_row(lease)}, run {lease['run_id']}, last heard of at {lease['renewed_at']:%Y-%m-%d %H:%M:%S} UTC"
    )
    message = f"{lease['source_id']} is being worked on by {holder}; wait until it is done, or stop it"
    return SourceBusy(message, source_id=lease["source_id"], holder=holder)
