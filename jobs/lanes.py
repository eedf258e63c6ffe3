"""Works in threads: those of one lane one after the other, lanes side by side; a hung one gives its place away."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition, Thread

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Work:
    """A work that runs: since when, by a clock that only goes forward."""

    name: str
    lane: str
    since: float
    #: whether its place was given to another
    is_retired: bool = False
    thread: Thread | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Waiting:
    name: str
    lane: str
    do: Callable[[], None]


class Lanes:
    """Takes works and does them in threads of its own, which end when there is nothing to do.

    Args:
        workers: how many are done at once; those that were retired are not counted.
        clock: seconds that only go forward.
        changed: told whenever a work begins or ends.
    """

    def __init__(
        self,
        workers: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._workers, self._clock, self._changed = workers, clock, changed
        self._state = Condition()
        self._waiting: deque[_Waiting] = deque()
        self._running: dict[str, Work] = {}
        self._retired: list[Work] = []
        self._threads = 0
        self._is_open = True

    def submit(self, lane: str, name: str, do: Callable[[], None]) -> bool:
        """Hand in a work; False when one of that name waits already, or nothing is taken any more.

        One whose namesake runs waits for its end: that may have done all but end when it was called for again.
        """
        with self._state:
            if not self._is_open or any(item.name == name for item in self._waiting):
                return False
            self._waiting.append(_Waiting(name, lane, do))
            self._hire()
        return True

    def running(self) -> list[Work]:
        """What runs now, without what was retired."""
        with self._state:
            return list(self._running.values())

    def retired(self) -> list[Work]:
        """What was retired and has not ended yet."""
        with self._state:
            self._retired = [work for work in self._retired if work.thread is not None and work.thread.is_alive()]
            return list(self._retired)

    def waiting(self) -> int:
        """How many works wait."""
        with self._state:
            return len(self._waiting)

    def knows(self, name: str) -> bool:
        """Whether a work of that name waits or runs."""
        with self._state:
            return name in self._running or any(item.name == name for item in self._waiting)

    def resize(self, workers: int) -> None:
        """Do so many at once from now on; what runs goes on."""
        with self._state:
            self._workers = workers
            self._hire()

    def retire(self, work: Work) -> bool:
        """Give the place of a work that hangs to another; False when it has just ended by itself."""
        with self._state:
            if self._running.get(work.name) is not work:
                return False
            del self._running[work.name]
            work.is_retired = True
            self._retired.append(work)
            self._threads -= 1
            self._hire()
            self._state.notify_all()
        return True

    def close(self) -> None:
        """Take nothing more, and drop what waits; what runs goes on."""
        with self._state:
            self._is_open = False
            self._waiting.clear()

    def drained(self, seconds: float) -> bool:
        """Wait until nothing runs or waits, so long at most; whether that is so."""
        with self._state:
            return self._state.wait_for(lambda: not self._running and not self._waiting, seconds)

    def _hire(self) -> None:
        """Begin what may begin. Called with the state held."""
        while self._threads < self._workers and (item := self._next()) is not None:
            self._threads += 1
            work = self._begun(item)
            work.thread = Thread(target=self._serve, args=(item, work), name=f"lane {item.lane}", daemon=True)
            work.thread.start()

    def _next(self) -> _Waiting | None:
        """The first that waits and whose lane and name are free, taken."""
        taken = {work.lane for work in self._running.values()}
        for position, item in enumerate(self._waiting):
            if item.lane not in taken and item.name not in self._running:
                del self._waiting[position]
                return item
        return None

    def _begun(self, item: _Waiting) -> Work:
        work = self._running[item.name] = Work(item.name, item.lane, self._clock())
        return work

    def _serve(self, item: _Waiting | None, work: Work) -> None:
        thread = work.thread
        while item is not None:
            self._changed()
            try:
                item.do()
            except BaseException:  # a work says itself what failed; what it does not say is a defect, and is told
                logger.exception("%s ended with an error of its own", item.name)
            with self._state:
                if work.is_retired:
                    return
                del self._running[work.name]
                item = self._next() if self._threads <= self._workers else None
                if item is None:
                    self._threads -= 1
                else:
                    work = self._begun(item)
                    work.thread = thread
                self._state.notify_all()
            self._changed()
