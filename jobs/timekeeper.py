"""Calls for each matter at its time; APScheduler's clock, with nothing kept but what is planned now."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger

from jobs.timetable import Due

#: between two signs of life of the thread that calls, seconds at least
PULSE = 5.0
#: calls for one name that may be under way: all. With a bound APScheduler would drop, for ever and in silence, one that
#: comes due while the last one has not returned
_ANY = 2**31
_PULSE = "the pulse of the timekeeper"


class Timekeeper:
    """One time for each name; its thread hands over and does no work.

    Args:
        call: given a name when its time has come, however late: it is never dropped, and never called twice for it.
        now: the clock by which times are meant.
    """

    def __init__(self, call: Callable[[str], None], *, now: Callable[[], datetime]) -> None:
        self._call, self._now = call, now
        self._lock = threading.Lock()
        self._due: dict[str, Due] = {}
        self._asked = float("-inf")
        #: when the thread that calls gave a sign of life, because it was asked for one; None before the start
        self.turned_at: datetime | None = None
        # what it says of every job is said by us of every duty
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": _ANY},
        )

    def start(self) -> None:
        """Begin to call."""
        self.turned_at = self._now()
        self._scheduler.start()

    def pulse(self) -> None:
        """Ask the thread that calls for a sign of life; it gives it by the same way as it calls."""
        if self._scheduler.running and time.monotonic() - self._asked >= PULSE:
            self._asked = time.monotonic()
            trigger = DateTrigger(datetime.now(UTC))
            self._scheduler.add_job(self._has_turned, trigger, id=_PULSE, replace_existing=True)

    def stop(self) -> None:
        """Call no more."""
        if self._scheduler.running:
            # waits for calls that are being handed over: APScheduler would drop their jobs a second time, and its
            # thread end by that error
            self._scheduler.remove_all_jobs()
            self._scheduler.shutdown(wait=False)

    def put(self, name: str, due: Due) -> None:
        """Call for it then, and not when it was to be before."""
        # by the scheduler's own clock
        at = datetime.now(UTC) + (due.at - self._now())
        with self._lock:
            self._due[name] = due
            self._scheduler.add_job(self._has_come, DateTrigger(at), [name, due], id=name, replace_existing=True)

    def drop(self, name: str) -> None:
        """Do not call for it."""
        with self._lock:
            if self._due.pop(name, None) is not None:
                try:
                    self._scheduler.remove_job(name)
                except JobLookupError:
                    # it is being called just now, and finds that it is not wanted
                    return

    def planned(self) -> dict[str, Due]:
        """What will be called, and when."""
        with self._lock:
            return dict(self._due)

    def _has_turned(self) -> None:
        self.turned_at = self._now()

    def _has_come(self, name: str, due: Due) -> None:
        with self._lock:
            if self._due.get(name) is not due:
                return
            del self._due[name]
        self._call(name)
