"""The daemon: every duty at its time, each noted on the agenda, until somebody asks it to stop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from threading import Event, Thread

from jobs.clerk import Clerk
from jobs.duty import Duty, Plan
from jobs.errand import Errands
from jobs.errors import Interrupted
from jobs.lanes import Lanes
from jobs.patience import FIRST, Patience
from jobs.secrecy import discreet
from jobs.timekeeper import Timekeeper
from jobs.timetable import Due
from jobs.watch import Spell, Watch
from storage.agenda import Ending
from storage.archive import Archive
from storage.errors import StorageError
from storage.processes import Process

logger = logging.getLogger(__name__)

#: between two signs of life in the archive, seconds
BEAT = 60.0
#: between two turns of the loop at most, seconds
TURN = 15.0
#: after so many seconds in which nobody is called the service manager is not told any more that all is alive
DEAD = 90.0
#: a clock that went so much further or less far than time did was set, or the machine slept
JUMP = 30.0
#: seconds that works have to end when the daemon is asked to stop, and then that noting it may take
FAREWELL, LAST_WORDS = 7.5, 1.5
#: a process with hung threads is replaced when nothing else runs, but not before they had so long to end
HUNG = 600.0


class Daemon:
    """Does what a plan says, over one archive.

    Args:
        archive: the archive.
        plan: what to do; see ``follow`` for another one.
        now: the clock, aware UTC; may be set back and forth.
        clock: seconds that only go forward.
        alone: whether no other daemon may work on this archive.
        stop: ends it before it has begun, too.
        process: who it is to others; this process when not given.
        reload: asked for a new plan; None when the old one stays. What it raises is a defect.
        turned: told at each turn of the loop, as long as what is due is called for, too.
        beaten: told after each sign of life, in a thread of its own; may take its time.
    """

    def __init__(
        self,
        archive: Archive,
        plan: Plan,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
        alone: bool = True,
        stop: Event | None = None,
        process: Process | None = None,
        reload: Callable[[], Plan | None] = lambda: None,
        turned: Callable[[], None] = lambda: None,
        beaten: Callable[[], None] = lambda: None,
    ) -> None:
        self._now, self._clock = now, clock
        self._reload, self._turned, self._beaten = reload, turned, beaten
        self._stop, self._wake = stop or Event(), Event()
        self._errand, self._wants_reload, self._wants_plan = Event(), Event(), Event()
        self._patience = Patience(self._stop)
        self._lanes = Lanes(plan.workers, clock=clock, changed=self._wake.set)
        self._watch = Watch(self._lanes, clock=clock, hung=self._hung)
        self._times = Timekeeper(self._hand_over, now=now)
        self._errands = Errands(
            archive, self._patience, self._watch, now=now, clock=clock, stop=self._stop, alone=alone
        )
        self._clerk = Clerk(archive, self._times, self._lanes, now=now, alone=alone, process=process)
        self._plan, self._duties = plan, {duty.matter: duty for duty in plan.duties}
        self._hung_since: float | None = None
        #: what is wrong besides the archive, in a sentence
        self.trouble: str | None = None
        self._looped_at = now()

    @property
    def turned_at(self) -> datetime:
        """When the loop, and the thread that calls for what is due, turned last: the older of the two."""
        called = self._times.turned_at
        return self._looped_at if called is None else min(self._looped_at, called)

    # asked from outside, by any thread

    def stop(self) -> None:
        """End after what is in hand."""
        self._stop.set()
        for spell in self._watch.spells():
            spell.stop.set()
        self._patience.give_up()
        self._errand.set()
        self._wake.set()

    def load_again(self) -> None:
        """Read the configuration again, soon."""
        self._wants_reload.set()
        self._errand.set()

    def planned(self) -> dict[str, Due]:
        """When each matter is due that is not at work."""
        return self._times.planned()

    def run(self, started: Callable[[], None] = lambda: None) -> bool:
        """Work until asked to stop; ``started`` is called when all is planned.

        Returns:
            Whether the process is to be replaced by a new one: threads of it hang.
        """
        desk = Thread(target=self._keep_books, name="clerk", daemon=True)
        try:
            # an archive in trouble is waited for, and that is no hang
            self._patience.through(lambda: self._clerk.take_over(self._plan.config), waiting=self._turn)
            self._patience.through(lambda: self._clerk.plan(self._duties), waiting=self._turn)
            started()
            self._times.start()
            desk.start()
            return self._turn_until_stopped()
        except Interrupted:
            return False
        finally:
            self._leave()

    # the loop: it waits for nothing but time, so that it tells whether this process is alive

    def _turn_until_stopped(self) -> bool:
        wall, steady = self._now(), self._clock()
        while not self._stop.is_set():
            self._wake.clear()
            self._turn()
            now, clock = self._looped_at, self._clock()
            jump = (now - wall).total_seconds() - (clock - steady)
            wall, steady = now, clock
            if abs(jump) > JUMP:
                logger.warning("the clock has jumped by %.0f s: all is planned anew", jump)
                self._wants_plan.set()
                self._errand.set()
            pause = self._watch.look()
            if self._is_worn_out():
                return True
            self._wake.wait(min(pause, TURN))
        return False

    def _turn(self) -> None:
        self._looped_at = self._now()
        self._times.pulse()
        if (self._looped_at - self.turned_at).total_seconds() < DEAD:
            self._turned()

    def _is_worn_out(self) -> bool:
        """Whether threads hang that will not end, and nothing else is at work just now."""
        if not self._lanes.retired():
            self._hung_since = None
            return False
        self._hung_since = self._hung_since if self._hung_since is not None else self._clock()
        if self._clock() - self._hung_since < HUNG or self._lanes.running() or self._lanes.waiting():
            return False
        logger.warning("threads hang and do not end: the daemon starts itself anew")
        return True

    # the books: what asks the archive, in a thread of its own

    def _keep_books(self) -> None:
        last = self._clock()
        while not self._stop.is_set():
            rest = max(last + BEAT - self._clock(), 0.0)
            self._errand.wait(min(rest, FIRST) if self._wants_plan.is_set() else rest)
            self._errand.clear()
            try:
                if self._wants_reload.is_set():
                    self._wants_reload.clear()
                    self._follow(self._reload())
                    # what is wrong with it stands in the archive at once
                    last = self._clock() - BEAT
                if self._wants_plan.is_set():
                    self._wants_plan.clear()
                    self._plan_anew()
                if self._clock() - last >= BEAT:
                    last = self._clock()
                    self._live()
            except Interrupted:
                return
            except Exception:  # a defect in one entry must not end the thread: nothing would be planned any more
                logger.exception("the books could not be kept; please report it")

    def _plan_anew(self) -> None:
        try:
            self._clerk.plan(self._duties)
            self._patience.well()
        except StorageError as error:
            # taken up again in some seconds; who waited here would neither give one nor tell people of this
            self._patience.note(error)
            self._wants_plan.set()

    def _live(self) -> None:
        trouble = " ".join(filter(None, (self._patience.trouble, self.trouble))) or None
        try:
            self._clerk.beat(self._plan.config, trouble and discreet(trouble))
            self._clerk.hear(self._duties)
            self._patience.well()
        except StorageError as error:
            self._patience.note(error)
        self._beaten()

    def _follow(self, plan: Plan | None) -> None:
        """Do what this plan says from now on; what is being done goes on."""
        if plan is None:
            return
        self._plan, self._duties = plan, {duty.matter: duty for duty in plan.duties}
        self._lanes.resize(plan.workers)
        self._wants_plan.set()

    # the work

    def _hand_over(self, name: str) -> None:
        duty = self._duties.get(name)
        if duty is not None:
            self._lanes.submit(duty.lane, name, lambda: self._see_to(name))

    def _see_to(self, name: str) -> None:
        # as it is configured now, which may not be as it was when it began to wait
        duty = self._duties.get(name)
        if duty is None:
            return
        try:
            self._plan_next(duty, self._errands.see_to(duty, self._plan.means))
        except Interrupted:
            return

    def _plan_next(self, duty: Duty, due: Due | None) -> None:
        configured = self._duties.get(duty.matter)
        if due is None or configured is None:
            return
        if configured is duty:
            self._times.put(duty.matter, due)
            return
        # configured anew meanwhile: its time is another, and a beat is too long to wait for it
        try:
            self._clerk.plan_one(configured)
        except StorageError as error:
            self._patience.note(error)
            self._wants_plan.set()
            self._errand.set()

    def _hung(self, spell: Spell) -> None:
        """Note what the watchdog gave up, in a thread: the archive may be in trouble."""

        def note() -> None:
            try:
                self._plan_next(spell.duty, self._errands.give_up(spell, Ending.TIMED_OUT))
            except Interrupted:
                return

        Thread(target=note, name="coroner", daemon=True).start()

    def _leave(self) -> None:
        """End what is in hand, or its run where it does not end; never for longer than some seconds."""
        self.stop()
        self._times.stop()
        self._lanes.close()
        self._lanes.drained(FAREWELL)

        def last() -> None:
            try:
                for spell in self._watch.spells():
                    if spell.settle():
                        logger.warning("%s does not end: its run is ended for it", spell.duty.matter)
                        self._errands.give_up(spell, Ending.INTERRUPTED)
                self._clerk.leave()
            except (StorageError, Interrupted) as error:
                logger.warning("the end of the daemon could not be noted: %s", error)

        words = Thread(target=last, name="last words", daemon=True)
        words.start()
        words.join(LAST_WORDS)
