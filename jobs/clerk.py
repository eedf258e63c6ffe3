"""Keeps the agenda in the archive and the timetable of this process in step, and gives the daemon's signs of life."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from jobs import __version__
from jobs.duty import Duty, due_of
from jobs.lanes import Lanes
from jobs.timekeeper import Timekeeper
from jobs.timetable import Due
from storage.agenda import Agenda, Because, Ending, Matter
from storage.archive import Archive
from storage.processes import Process

logger = logging.getLogger(__name__)

Duties = Mapping[str, Duty]
#: when a matter is due and why; None: not at all
Planned = tuple[datetime | None, Because | None]


class Clerk:
    """Every call reads the agenda once and writes to it once at most, however many duties there are.

    Each of them may raise a StorageError, and can be called again then.

    Args:
        archive: the archive.
        times: when what is called for.
        lanes: what is at work, and needs no time before it has ended.
        now: the clock.
        alone: whether no other daemon may work on this archive.
        process: who this daemon is to others; this process when not given.
    """

    def __init__(
        self,
        archive: Archive,
        times: Timekeeper,
        lanes: Lanes,
        *,
        now: Callable[[], datetime],
        alone: bool,
        process: Process | None = None,
    ) -> None:
        self._process = process or Process.current()
        self._agenda, self._journal = Agenda(archive.database), archive.journal
        self._times, self._lanes, self._now, self._alone = times, lanes, now, alone

    def take_over(self, config: str) -> None:
        """Put in order what daemons and runs before left open."""
        self.beat(config, None)
        now = self._now()
        if not self._alone and len(self._agenda.daemons(now)) > 1:
            return
        for name, matter in self._agenda.matters().items():
            if matter.is_open:
                deaths = matter.detail.get("abandoned", 0) + 1
                logger.warning("%s was cut off when its process died, and comes again", name)
                detail = {**matter.detail, "abandoned": deaths}
                self._agenda.end(name, Ending.ABANDONED, now, next_at=now, why=Because.AGAIN, detail=detail)

    def beat(self, config: str, trouble: str | None) -> None:
        """Give a sign of life, and close the runs of the dead."""
        now = self._now()
        self._agenda.beat(now, version=__version__, config=config, trouble=trouble, process=self._process)
        for run_id in self._journal.sweep(now):
            logger.warning("run %d was left open by a process that died; it is marked as abandoned", run_id)

    def leave(self) -> None:
        """Give the last sign of life."""
        self._agenda.leave(process=self._process)

    def plan(self, duties: Duties) -> None:
        """Find a time for every duty that is not at work, and drop what is none any more."""
        matters, now = self._agenda.matters(), self._now()
        plans: dict[str, Planned] = {
            name: (None, None) for name, matter in matters.items() if name not in duties and matter.next_at is not None
        }
        for name in set(self._times.planned()) - set(duties):
            self._times.drop(name)
        for name, duty in duties.items():
            if self._lanes.knows(name):
                continue
            matter = self._awake(duty, matters.get(name, Matter(matter=name)))
            plans[name] = self._put(name, due_of(duty, matter, now))
        self._agenda.plan(
            {
                name: planned
                for name, planned in plans.items()
                if name not in matters or (matters[name].next_at, matters[name].why) != planned
            }
        )

    def plan_one(self, duty: Duty) -> None:
        """Find a time for a duty that was configured anew while it was being done."""
        matter = self._awake(duty, self._agenda.matter(duty.matter))
        self._agenda.plan({duty.matter: self._put(duty.matter, due_of(duty, matter, self._now()))})

    def hear(self, duties: Duties) -> None:
        """Plan those anew that somebody else has done or resumed, or that a clock that was set back would put off."""
        planned, now = self._times.planned(), self._now()
        plans: dict[str, Planned] = {}
        for name, matter in self._agenda.matters().items():
            duty, due = duties.get(name), planned.get(name)
            if duty is None or self._lanes.knows(name):
                continue
            awake = self._awake(duty, matter)
            is_as_planned = awake is matter and matter.next_at == (due.at if due else None)
            # what was at work while the clock was set back may have been planned by the time before
            is_of_later = matter.last_started_at is not None and matter.last_started_at > now
            if is_as_planned and not is_of_later:
                continue
            found = due_of(duty, awake, now)
            if is_as_planned and (found is None or due is None or found.at >= due.at):
                continue
            planned_anew = self._put(name, found)
            # one that was paused meanwhile is so on the agenda already
            if found is not None:
                plans[name] = planned_anew
        self._agenda.plan(plans)

    def _put(self, name: str, due: Due | None) -> Planned:
        """Call for a matter when it is due, or not at all; what the agenda is to say of it."""
        if due is None:
            self._times.drop(name)
            return None, Because.PAUSED
        self._times.put(name, due)
        return due.at, due.why

    def _awake(self, duty: Duty, matter: Matter) -> Matter:
        """The matter, resumed if it rests for a reason that may hold no more."""
        if matter.paused_since is None or duty.configured == matter.detail.get("configured"):
            return matter
        logger.info("%s is configured anew, and comes again", duty.matter)
        self._agenda.resume(duty.matter)
        return replace(matter, paused_since=None, failures_in_a_row=0)
