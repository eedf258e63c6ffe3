"""One duty done once: claimed on the agenda, done under the watchdog's eye, its end noted, its next time found."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from jobs import logs
from jobs.duty import Done, Duty, Turn, due_of
from jobs.errors import Interrupted, TimedOut
from jobs.patience import Patience
from jobs.secrecy import discreet
from jobs.timetable import Due
from jobs.visit import Means
from jobs.watch import Spell, Watch
from storage.agenda import Agenda, Because, Ending, source_of
from storage.archive import Archive
from storage.errors import ArchiveLocked, ArchiveReadOnly, ArchiveUnreachable, DiskFull, StorageError
from storage.runs import RunStatus

logger = logging.getLogger(__name__)

#: a source that is busy, or a matter that another daemon has, is tried again after so long
BUSY = timedelta(seconds=90)
#: what was cut short, or met an archive in trouble, is tried again after so long
AGAIN = timedelta(seconds=20)
#: the archive in trouble again and again: twice as long each time, up to this
LONGEST = timedelta(minutes=5)
#: letters that are kept of why something failed
SAID = 500

#: errors that say that the archive is in trouble, and nothing of the duty that met them
_TROUBLE = (ArchiveLocked, ArchiveReadOnly, ArchiveUnreachable, DiskFull)


class Errands:
    """Does duties, one call each, in whichever thread calls.

    Args:
        archive: the archive.
        patience: for what is written on the agenda.
        watch: told what begins and ends.
        now: the clock.
        clock: seconds that only go forward.
        stop: set when all is to end.
        alone: whether no other daemon may work on this archive.
    """

    def __init__(
        self,
        archive: Archive,
        patience: Patience,
        watch: Watch,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        stop: Event,
        alone: bool,
    ) -> None:
        self._archive, self._agenda = archive, Agenda(archive.database)
        self._patience, self._watch = patience, watch
        self._now, self._clock, self._stop, self._alone = now, clock, stop, alone

    def see_to(self, duty: Duty, means: Callable[[Event], AbstractContextManager[Means]]) -> Due | None:
        """Do a duty if it is still to be done; when it is due next, None: not at all, or somebody else says.

        Raises:
            Interrupted: asked to stop, and nothing could be noted.
        """
        with logs.about(source_of(duty.matter)):
            return self._seen_to(duty, means)

    def _seen_to(self, duty: Duty, means: Callable[[Event], AbstractContextManager[Means]]) -> Due | None:
        claimed = self._patience.through(lambda: self._claimed(duty))
        if not isinstance(claimed, Spell):
            return claimed
        self._watch.began(claimed)
        if self._stop.is_set():
            claimed.stop.set()
        try:
            with means(claimed.stop) as found:
                done = self._do(claimed, found)
        finally:
            self._watch.ended(claimed)
        return self.note(claimed, done) if claimed.settle() else None

    def _claimed(self, duty: Duty) -> Spell | Due | None:
        """The duty as ours to do now; or when it is due, because somebody else has done it, or is at it."""
        matter, now = self._agenda.matter(duty.matter), self._now()
        due = due_of(duty, matter, now)
        if due is None or due.at > now:
            if due is not None:
                self._agenda.plan({duty.matter: (due.at, due.why)})
            return due
        is_at_work = matter.is_open and not self._alone and now - (matter.last_started_at or now) < duty.limit
        if is_at_work and len(self._agenda.daemons(now)) > 1:
            return Due(now + BUSY, Because.AGAIN)
        if not self._agenda.begin(duty.matter, now, after=matter.last_started_at):
            return Due(now + BUSY, Because.AGAIN)
        return Spell(duty, matter, now, self._clock())

    def _do(self, spell: Spell, means: Means) -> Done:
        name = spell.duty.matter
        logger.log(logging.DEBUG if spell.duty.is_poll else logging.INFO, "%s begins", name)
        try:
            done = spell.duty.do(Turn(archive=self._archive, means=means, matter=spell.matter))
        except Interrupted:
            done = Done(ending=Ending.INTERRUPTED, said="stopped", detail=spell.matter.detail)
        except StorageError as error:
            if not isinstance(error, _TROUBLE):
                logger.error("%s failed: %s", name, error)
                return Done(ending=Ending.FAILED, said=str(error), detail=spell.matter.detail)
            self._patience.note(error)
            # a run that could not be closed would keep its source from us, too, until its lease runs out
            self._cut(spell, RunStatus.INTERRUPTED, error)
            detail = {**spell.matter.detail, "troubles": spell.matter.detail.get("troubles", 0) + 1}
            return Done(ending=Ending.INTERRUPTED, said=str(error), detail=detail)
        except Exception as error:  # a defect in one duty is not another's: it fails, and what was caught is kept
            logger.exception("%s ended by an error of ours; please report it", name)
            return Done(ending=Ending.FAILED, said=f"{type(error).__name__}: {error}", detail=spell.matter.detail)
        if spell.late_at is not None and done.ending is Ending.INTERRUPTED:
            # what has come far goes on soon, what has come nowhere has failed
            has_come_far = any(done.detail.get(count) for count in ("posts_added", "media_stored"))
            done = replace(done, ending=Ending.PARTIAL if has_come_far else Ending.TIMED_OUT)
        return done

    def note(self, spell: Spell, done: Done) -> Due | None:
        """Note how a spell ended; when the duty is due next.

        Raises:
            Interrupted: asked to stop, and it could not be noted.
        """
        name, now, soon = spell.duty.matter, self._now(), _soon(spell, done)
        kept = _kept(spell, done)
        failures = 0 if done.ending.is_success else spell.matter.failures_in_a_row + done.ending.is_failure
        after = replace(
            spell.matter,
            last_started_at=spell.began_at,
            last_ended_at=now,
            last_outcome=done.ending,
            failures_in_a_row=failures,
            detail=kept,
            paused_since=None,
        )
        due = due_of(spell.duty, after, now)
        if due is not None and soon is not None and due.at < now + soon:
            due = Due(now + soon, Because.AGAIN)
        if done.pause is not None:
            due = None

        def write() -> None:
            self._agenda.end(
                name,
                done.ending,
                now,
                next_at=due.at if due is not None else None,
                why=due.why if due is not None else Because.PAUSED,
                detail=kept,
            )
            if done.pause is not None:
                self._agenda.pause(name, done.pause, now)

        self._patience.through(write)
        level = logging.WARNING if done.ending.is_failure else logging.DEBUG if done.is_idle else logging.INFO
        again = f"next {due.at:%Y-%m-%d %H:%M:%S} UTC ({due.why})" if due else f"paused: {done.pause}"
        logger.log(level, "%s %s: %s; %s", name, done.ending, done.said, again)
        return due

    def give_up(self, spell: Spell, ending: Ending) -> Due | None:
        """Note that a spell hangs: its run is ended for it, and writes no more whenever it awakes.

        Raises:
            Interrupted: asked to stop, and it could not be noted.
        """
        seconds = self._clock() - spell.since
        error: Exception = Interrupted("the daemon was stopped, and this did not end within some seconds")
        status = RunStatus.INTERRUPTED
        if ending is Ending.TIMED_OUT:
            status = RunStatus.FAILED
            error = TimedOut(f"took {seconds:.0f} s, and did not end when it was asked to; see jobs.visit_limit")
        self._cut(spell, status, error)
        return self.note(spell, Done(ending=ending, said=str(error), detail=spell.matter.detail))

    def _cut(self, spell: Spell, status: RunStatus, error: Exception) -> None:
        """End the run that a spell has left open, if it has."""
        source = source_of(spell.duty.matter)
        if source is not None:
            self._patience.through(lambda: self._archive.journal.cut(source, status, error, now=self._now()))


def _goes_on(spell: Spell, done: Done) -> bool:
    """Whether it came far in its time, and was stopped before its end."""
    return spell.late_at is not None and done.ending is Ending.PARTIAL


def _soon(spell: Spell, done: Done) -> timedelta | None:
    """The rest before what could not be done, or not to its end, is tried again."""
    if done.ending is Ending.BUSY:
        return BUSY
    if done.ending is Ending.INTERRUPTED:
        troubles = int(done.detail.get("troubles", 0))
        return min(AGAIN * (1 << min(max(troubles - 1, 0), 10)), LONGEST)
    return AGAIN if _goes_on(spell, done) else None


def _kept(spell: Spell, done: Done) -> dict[str, Any]:
    """What the agenda keeps: of a failure why, until it goes well again; whether it goes on soon."""
    kept, before = done.kept, spell.matter.detail.get("error")
    for name in ("error", "goes_on"):
        kept.pop(name, None)
    if done.ending.is_failure:
        kept["error"] = discreet(done.error or done.said)[:SAID]
    elif done.ending.is_cut_short and before:
        kept["error"] = before
    if _goes_on(spell, done):
        kept["goes_on"] = 1
    if spell.duty.configured:
        kept["configured"] = spell.duty.configured
    return kept
