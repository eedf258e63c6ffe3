"""The watchdog: a duty that takes longer than it may is asked to stop, and loses its place when it does not."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from threading import Event

from jobs.duty import Duty
from jobs.lanes import Lanes
from storage.agenda import Matter

logger = logging.getLogger(__name__)

#: seconds that a duty has to end after it was asked to
GRACE = 30.0


class Spell:
    """A duty that is being done: ``stop`` ends it alone."""

    def __init__(self, duty: Duty, matter: Matter, began_at: datetime, since: float) -> None:
        self.duty, self.matter, self.began_at, self.since = duty, matter, began_at, since
        self.stop = Event()
        #: when it was asked to stop for taking too long, by the watch's clock
        self.late_at: float | None = None
        self._lock, self._is_settled = threading.Lock(), False

    def settle(self) -> bool:
        """Whether the caller is to note how it ended: the first who asks, and nobody after that."""
        with self._lock:
            was_settled, self._is_settled = self._is_settled, True
        return not was_settled


class Watch:
    """Keeps an eye on everything that is being done.

    Args:
        lanes: where it is done.
        clock: seconds that only go forward.
        hung: given a spell that did not end when it was asked to, whose place was given away; soon done.
    """

    def __init__(self, lanes: Lanes, *, clock: Callable[[], float], hung: Callable[[Spell], None]) -> None:
        self._lanes, self._clock, self._hung = lanes, clock, hung
        self._lock = threading.Lock()
        self._spells: dict[str, Spell] = {}

    def began(self, spell: Spell) -> None:
        """Watch it from now on."""
        with self._lock:
            self._spells[spell.duty.matter] = spell

    def ended(self, spell: Spell) -> None:
        """It is over."""
        with self._lock:
            if self._spells.get(spell.duty.matter) is spell:
                del self._spells[spell.duty.matter]

    def spells(self) -> list[Spell]:
        """What is being done."""
        with self._lock:
            return list(self._spells.values())

    def look(self) -> float:
        """Do what is to be done now; the seconds after which it is worth looking again."""
        now, soonest = self._clock(), float("inf")
        for spell in self.spells():
            if spell.late_at is None:
                rest = spell.since + spell.duty.limit.total_seconds() - now
                if rest > 0:
                    soonest = min(soonest, rest)
                    continue
                logger.warning("%s takes longer than %s and is stopped", spell.duty.matter, spell.duty.limit)
                spell.late_at = now
                spell.stop.set()
            rest = spell.late_at + GRACE - now
            if rest > 0:
                soonest = min(soonest, rest)
            else:
                self._give_up(spell)
        return soonest

    def _give_up(self, spell: Spell) -> None:
        work = next((work for work in self._lanes.running() if work.name == spell.duty.matter), None)
        self.ended(spell)
        if work is not None and self._lanes.retire(work) and spell.settle():
            logger.error("%s does not end: its place is given to others", spell.duty.matter)
            self._hung(spell)
