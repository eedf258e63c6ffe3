"""The daemon: every duty at its time, each noted on the agenda, until somebody asks it to stop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread

from jobs import __version__
from jobs.duty import Duty
from jobs.errand import Errands, due_of
from jobs.errors import Interrupted
from jobs.lanes import Lanes
from jobs.patience import Patience
from jobs.timekeeper import Timekeeper
from jobs.timetable import Due
from jobs.visit import Means
from jobs.watch import Spell, Watch
from storage.agenda import Agenda, Because, Ending, Matter
from storage.archive import Archive
from storage.errors import StorageError

logger = logging.getLogger(__name__)

#: between two signs of life in the archive, seconds
BEAT = 40.0
#: a clock that went so much further or less far than time did was set, or the machine slept
JUMP = 30.0
#: seconds that works have to end when the daemon is asked to stop, and then that noting it may take
FAREWELL, LAST_WORDS = 7.5, 1.5
#: a process with hung threads is replaced when nothing else runs, but not before they had so long to end
HUNG = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a daemon is to do: the duties, by what means, and the configuration that says so.

    ``means`` makes what a turn works with out of the event that ends it.
    """

    duties: Sequence[Duty]
    means: Callable[[Event], Means]
    workers: int
    config: str


class Daemon:
    """Does what a plan says, over one archive.

    Args:
        archive: the archive.
        plan: what to do; see ``follow`` for another one.
        now: the clock, aware UTC; may be set back and forth.
        clock: seconds that only go forward.
        alone: whether no other daemon may work on this archive.
        stop: ends it before it has begun, too.
        reload: asked for a new plan; None when the old one stays. What it raises is a defect.
        turned: told at each turn of the loop.
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
        reload: Callable[[], Plan | None] = lambda: None,
        turned: Callable[[], None] = lambda: None,
        beaten: Callable[[], None] = lambda: None,
    ) -> None:
        self._archive, self._agenda = archive, Agenda(archive.database)
        self._now, self._clock, self._alone = now, clock, alone
        self._reload, self._turned, self._beaten = reload, turned, beaten
        self._stop, self._wake, self._wants_reload = stop or Event(), Event(), Event()
        self._patience = Patience(self._stop)
        self._lanes = Lanes(plan.workers, clock=clock, changed=self._wake.set)
        self._watch = Watch(self._lanes, clock=clock, hung=self._hung)
        self._errands = Errands(
            archive, self._patience, self._watch, now=now, clock=clock, stop=self._stop, alone=alone
        )
        self._plan = plan
        self._duties = {duty.matter: duty for duty in plan.duties}
        self._hung_since: float | None = None
        self._times = Timekeeper(self._hand_over)
        #: what is wrong besides the archive, in a sentence
        self.trouble: str | None = None
        #: when the loop turned last
        self.turned_at = now()

    # asked from outside, by any thread

    def stop(self) -> None:
        """End after what is in hand."""
        self._stop.set()
        for spell in self._watch.spells():
            spell.stop.set()
        self._patience.give_up()
        self._wake.set()

    def load_again(self) -> None:
        """Read the configuration again, soon."""
        self._wants_reload.set()
        self._wake.set()

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    def planned(self) -> dict[str, Due]:
        """When each matter is due that is not at work."""
        return self._times.planned()

    # the loop

    def run(self, started: Callable[[], None] = lambda: None) -> bool:
        """Work until asked to stop; ``started`` is called when all is planned.

        Returns:
            Whether the process is to be replaced by a new one: threads of it hang.
        """
        heart = Thread(target=self._live, name="heart", daemon=True)
        try:
            self._patience.through(self._take_over)
            self._times.start()
            self.follow(self._plan)
            heart.start()
            started()
            return self._turn_until_stopped()
        except Interrupted:
            return False
        finally:
            self._leave()

    def _turn_until_stopped(self) -> bool:
        wall, steady = self._now(), self._clock()
        while not self._stop.is_set():
            self._wake.clear()
            self.turned_at = now = self._now()
            self._turned()
            passed = self._clock() - steady
            if abs((now - wall).total_seconds() - passed) > JUMP:
                logger.warning(
                    "the clock has jumped by %.0f s: all is planned anew", (now - wall).total_seconds() - passed
                )
                self._plan_anew()
            wall, steady = now, self._clock()
            if self._wants_reload.is_set():
                self._wants_reload.clear()
                self._load()
            pause = self._watch.look()
            if self._is_worn_out():
                return True
            self._wake.wait(min(pause, BEAT / 4))
        return False

    def _load(self) -> None:
        plan = self._reload()
        if plan is not None:
            self.follow(plan)

    def follow(self, plan: Plan) -> None:
        """Do what this plan says from now on; what is being done goes on."""
        self._plan, self._duties = plan, {duty.matter: duty for duty in plan.duties}
        for name in set(self._times.planned()) - set(self._duties):
            self._times.drop(name)
        self._lanes.resize(plan.workers)
        self._plan_anew()

    def _plan_anew(self) -> None:
        """Find a time for every duty that is not at work, from what the archive knows."""
        matters = self._patience.through(self._agenda.matters)
        now = self._now()
        plans: dict[str, tuple[datetime | None, Because | None]] = {}
        for duty in self._duties.values():
            matter = matters.get(duty.matter, Matter(matter=duty.matter))
            if self._lanes.knows(duty.matter):
                continue
            due = due_of(duty, matter, now)
            if due is None:
                self._times.drop(duty.matter)
                plans[duty.matter] = (None, Because.PAUSED)
                continue
            self._times.put(duty.matter, due)
            plans[duty.matter] = (due.at, due.why)
        gone = {name: (None, None) for name, matter in matters.items() if name not in self._duties and matter.next_at}
        changed = {
            name: plan
            for name, plan in (plans | gone).items()
            if name not in matters or (matters[name].next_at, matters[name].why) != plan
        }
        self._patience.through(lambda: self._agenda.plan(changed))

    def _hand_over(self, name: str) -> None:
        duty = self._duties.get(name)
        if duty is not None:
            self._lanes.submit(duty.lane, name, lambda: self._see_to(duty))

    def _see_to(self, duty: Duty) -> None:
        try:
            due = self._errands.see_to(duty, self._plan.means)
        except Interrupted:
            return
        self._plan_next(duty.matter, due)

    def _plan_next(self, name: str, due: Due | None) -> None:
        if due is not None and name in self._duties:
            self._times.put(name, due)

    def _hung(self, spell: Spell) -> None:
        """Note what the watchdog gave up, in a thread: the archive may be in trouble."""

        def note() -> None:
            try:
                due = self._errands.give_up(spell, Ending.TIMED_OUT)
            except Interrupted:
                return
            self._plan_next(spell.duty.matter, due)

        Thread(target=note, name="coroner", daemon=True).start()

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

    # beginning and end

    def _take_over(self) -> None:
        """Put in order what daemons and runs before left open."""
        now = self._now()
        self._beat()
        for run_id in self._archive.journal.sweep(now):
            logger.warning("run %d was left open by a process that died; it is marked as abandoned", run_id)
        if not self._alone and len(self._agenda.daemons(now)) > 1:
            return
        for name, matter in self._agenda.matters().items():
            if matter.is_open:
                detail = {**matter.detail, "abandoned": matter.detail.get("abandoned", 0) + 1}
                self._agenda.end(name, Ending.ABANDONED, now, next_at=now, why=Because.AGAIN, detail=detail)

    def _live(self) -> None:
        """Give signs of life, and hear what others did: a source that a person visited or resumed, another daemon."""
        while not self._stop.wait(BEAT):
            try:
                self._beat()
                self._archive.journal.sweep(self._now())
                self._hear()
                self._patience.well()
            except StorageError as error:
                self._patience.note(error)
            except Interrupted:
                return
            except Exception:
                logger.exception("the daemon's sign of life failed; please report it")
            self._beaten()

    def _beat(self) -> None:
        trouble = " ".join(filter(None, (self._patience.trouble, self.trouble))) or None
        self._agenda.beat(self._now(), version=__version__, config=self._plan.config, trouble=trouble)

    def _hear(self) -> None:
        """Plan those anew whose time on the agenda is not the one that is planned here."""
        planned, now = self.planned(), self._now()
        for name, matter in self._agenda.matters().items():
            duty, due = self._duties.get(name), planned.get(name)
            if duty is None or self._lanes.knows(name) or matter.next_at == (due.at if due else None):
                continue
            found = due_of(duty, matter, now)
            if found is None:
                self._times.drop(name)
            elif due is None or found.at != due.at:
                self._times.put(name, found)
                self._agenda.plan({name: (found.at, found.why)})

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
                self._agenda.leave()
            except (StorageError, Interrupted) as error:
                logger.warning("the end of the daemon could not be noted: %s", error)

        words = Thread(target=last, name="last words", daemon=True)
        words.start()
        words.join(LAST_WORDS)
