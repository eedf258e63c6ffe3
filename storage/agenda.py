"""The daemon's agenda: what was done when, what is due when and why; which daemons run; what people were told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select, update

from storage.dialects import upsert
from storage.engine import Database
from storage.processes import Process
from storage.schema import AgendaRecord, DaemonRecord, NoticeRecord, rows_of
from storage.states import Because, Ending

__all__ = ["Agenda", "Because", "Daemon", "Ending", "Matter"]

#: a daemon that was not heard of for so long is none
SILENCE = timedelta(minutes=3)

_agenda, _daemons, _notices = rows_of(AgendaRecord), rows_of(DaemonRecord), rows_of(NoticeRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """A matter as the archive has it; times are aware UTC, None where there was none yet.

    ``matter`` is ``visit:<source>``, ``chore:<name>`` or ``chore:<name>:<source>``.
    """

    matter: str
    source_id: str | None = None
    last_started_at: datetime | None = None
    last_ended_at: datetime | None = None
    last_outcome: Ending | None = None
    succeeded_at: datetime | None = None
    next_at: datetime | None = None
    why: Because | None = None
    failures_in_a_row: int = 0
    paused_since: datetime | None = None
    pause_reason: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether it was begun and not ended: it is at work, or its process died."""
        if self.last_started_at is None:
            return False
        return self.last_ended_at is None or self.last_ended_at < self.last_started_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A daemon that runs; ``trouble`` is what it cannot do just now, in a sentence."""

    process: Process
    started_at: datetime
    beat_at: datetime
    version: str
    config: str
    trouble: str | None = None


class Agenda:
    """The agenda of one archive; every call is one short transaction, and times are aware UTC."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def matters(self) -> dict[str, Matter]:
        """Every matter by its name."""
        query = select(*(_agenda.c[name] for name in Matter.__slots__)).order_by(_agenda.c.matter)
        with self._database.read() as connection:
            return {row["matter"]: Matter(**row) for row in connection.execute(query).mappings()}

    def matter(self, name: str) -> Matter:
        """One matter; one that was never heard of is empty."""
        query = select(*(_agenda.c[part] for part in Matter.__slots__)).where(_agenda.c.matter == name)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        return Matter(**row) if row else Matter(matter=name)

    def plan(self, plans: Mapping[str, tuple[datetime | None, Because | None]]) -> None:
        """Note when matters are due and why, all at once; None: not at all."""
        if not plans:
            return
        rows: list[dict[str, Any]] = [
            {"matter": name, "source_id": source_of(name), "next_at": at, "why": why, "detail": {}}
            for name, (at, why) in plans.items()
        ]
        with self._database.write() as connection:
            put = upsert(connection, _agenda)
            given = {name: put.excluded[name] for name in ("next_at", "why")}
            connection.execute(put.on_conflict_do_update(index_elements=["matter"], set_=given), rows)

    def begin(self, name: str, now: datetime, *, after: datetime | None) -> bool:
        """Note that a matter begins, unless another daemon has begun it since its last start known here, ``after``.

        Returns:
            Whether it is the caller's to do.
        """
        with self._database.write() as connection:
            put = upsert(connection, _agenda).values(
                matter=name, source_id=source_of(name), last_started_at=now, detail={}
            )
            unchanged = _agenda.c.last_started_at.is_(None) if after is None else _agenda.c.last_started_at == after
            put = put.on_conflict_do_update(index_elements=["matter"], set_={"last_started_at": now}, where=unchanged)
            return _has_put(connection, put)

    def end(
        self,
        name: str,
        ending: Ending,
        now: datetime,
        *,
        next_at: datetime | None,
        why: Because | None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Note how a matter ended and when it is due again.

        Success sets its failures to none, a failure counts one more; an interrupt, or a busy source, is neither.

        Args:
            name: the matter.
            ending: how.
            now: when.
            next_at: when it is due; None: not at all.
            why: the reason for that.
            detail: replaces what was kept; None leaves it.
        """
        values: dict[str, Any] = {"last_ended_at": now, "last_outcome": ending, "next_at": next_at, "why": why}
        if ending.is_success:
            values |= {"succeeded_at": now, "failures_in_a_row": 0}
        if detail is not None:
            values["detail"] = dict(detail)
        with self._database.write() as connection:
            put = upsert(connection, _agenda).values(
                {"matter": name, "source_id": source_of(name), "detail": {}}
                | {"failures_in_a_row": int(ending.is_failure)}
                | values
            )
            if ending.is_failure:
                values["failures_in_a_row"] = _agenda.c.failures_in_a_row + 1
            connection.execute(put.on_conflict_do_update(index_elements=["matter"], set_=values))

    def pause(self, name: str, reason: str, now: datetime) -> None:
        """Let a matter rest until it is resumed; a reason that is there already stays."""
        values = {"paused_since": now, "pause_reason": reason, "next_at": None, "why": Because.PAUSED}
        with self._database.write() as connection:
            put = upsert(connection, _agenda).values(
                {"matter": name, "source_id": source_of(name), "detail": {}} | values
            )
            put = put.on_conflict_do_update(
                index_elements=["matter"], set_=values, where=_agenda.c.paused_since.is_(None)
            )
            connection.execute(put)

    def resume(self, name: str) -> None:
        """Let a matter come again; its failures are forgotten, and its daemon finds a time for it."""
        values = {"paused_since": None, "pause_reason": None, "failures_in_a_row": 0, "next_at": None, "why": None}
        with self._database.write() as connection:
            connection.execute(update(_agenda).where(_agenda.c.matter == name).values(values))

    def forget(self, names: set[str]) -> None:
        """Take matters off the agenda."""
        with self._database.write() as connection:
            connection.execute(delete(_agenda).where(_agenda.c.matter.in_(names)))

    # daemons

    def beat(
        self, now: datetime, *, version: str, config: str, trouble: str | None = None, process: Process | None = None
    ) -> None:
        """Note that this process is a daemon and alive; the dead ones of this machine are taken off the list."""
        process = process or Process.current()
        key = process.columns
        with self._database.write() as connection:
            put = upsert(connection, _daemons).values(
                **key, started_at=now, beat_at=now, version=version, config=config, trouble=trouble
            )
            alive = {"beat_at": now, "version": version, "config": config, "trouble": trouble}
            connection.execute(put.on_conflict_do_update(index_elements=list(key), set_=alive))
            for row in connection.execute(select(_daemons)).mappings().all():
                if Process.of_row(row).is_dead():
                    connection.execute(delete(_daemons).where(_daemons.c.id == row["id"]))

    def leave(self, *, process: Process | None = None) -> None:
        """Note that this process is no daemon any more."""
        key = (process or Process.current()).columns
        with self._database.write() as connection:
            connection.execute(delete(_daemons).where(*(_daemons.c[name] == value for name, value in key.items())))

    def daemons(self, now: datetime) -> list[Daemon]:
        """The daemons that run: not known to be dead, and heard of within the last minutes."""
        with self._database.read() as connection:
            rows = connection.execute(select(_daemons).order_by(_daemons.c.id)).mappings().all()
        return [
            Daemon(process=Process.of_row(row), **{name: row[name] for name in Daemon.__slots__ if name != "process"})
            for row in rows
            if row["beat_at"] > now - SILENCE and not Process.of_row(row).is_dead()
        ]

    # notices

    def told(self) -> dict[str, datetime]:
        """What people were told of and was not settled since, and when last."""
        with self._database.read() as connection:
            return {row.subject: row.told_at for row in connection.execute(select(_notices))}

    def may_tell(self, subject: str, now: datetime, every: timedelta) -> bool:
        """Whether people are to be told of ``subject`` now; if so it is noted, and not again within ``every``."""
        with self._database.write() as connection:
            put = upsert(connection, _notices).values(subject=subject, told_at=now, count=1)
            # a clock that was set back must not keep us silent for longer
            is_time = (_notices.c.told_at <= now - every) | (_notices.c.told_at > now)
            put = put.on_conflict_do_update(
                index_elements=["subject"], set_={"told_at": now, "count": _notices.c.count + 1}, where=is_time
            )
            return _has_put(connection, put)

    def settle(self, subject: str) -> bool:
        """Note that a thing is in order again; whether people had been told that it was not."""
        with self._database.write() as connection:
            return connection.execute(delete(_notices).where(_notices.c.subject == subject)).rowcount == 1


def _has_put(connection: Connection, put: Any) -> bool:
    """Whether a row was written: of an INSERT SQLAlchemy keeps PostgreSQL's word on that only when asked to."""
    return connection.execute(put, execution_options={"preserve_rowcount": True}).rowcount == 1


def source_of(matter: str) -> str | None:
    """The source that a matter is about."""
    kind, _, rest = matter.partition(":")
    if kind == "visit":
        return rest
    return rest.partition(":")[2] or None
