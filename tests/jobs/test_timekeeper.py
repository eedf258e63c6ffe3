"""Who calls for what is due, and whether that one is alive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from jobs import timekeeper as module
from jobs.timekeeper import Timekeeper
from jobs.timetable import Due
from storage.states import Because

SOON = 30.0


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PULSE", 0.0)


@contextmanager
def started(times: Timekeeper) -> Iterator[Timekeeper]:
    times.start()
    try:
        yield times
    finally:
        times.stop()


def test_a_sign_of_life_comes_only_from_the_thread_that_calls() -> None:
    """While what is called hangs none comes, however often it is asked for; then it comes again."""
    now, hangs, go_on = [datetime(2026, 11, 22, 12, tzinfo=UTC)], Event(), Event()

    def hang(name: str) -> None:
        hangs.set()
        go_on.wait(SOON)

    with started(Timekeeper(hang, now=lambda: now[0])) as times:
        began = times.turned_at
        assert began == now[0]
        now[0] += timedelta(minutes=1)
        until_turned(times, now[0])
        times.put("a", Due(now[0], Because.SCHEDULE))
        assert hangs.wait(SOON)
        before = now[0]
        now[0] += timedelta(minutes=5)
        times.pulse()
        assert times.turned_at == before
        go_on.set()
        until_turned(times, now[0])
    assert times.planned() == {}


def test_what_comes_due_while_it_is_called_for_is_called_for_again() -> None:
    """A clock that was set makes a matter due anew at the very moment of its call: that one is not lost."""
    called, go_on = list[str](), Event()

    def call(name: str) -> None:
        called.append(name)
        go_on.wait(SOON)

    with started(Timekeeper(call, now=lambda: datetime.now(UTC))) as times:
        times.put("a", Due(datetime.now(UTC), Because.SCHEDULE))
        until(lambda: called == ["a"])
        times.put("a", Due(datetime.now(UTC), Because.AGAIN))
        # the scheduler has handed it to the thread that calls, which is still at the first one
        until(lambda: not times._scheduler.get_jobs())
        go_on.set()
        until(lambda: called == ["a", "a"])
    assert times.planned() == {}


def test_nothing_is_asked_for_before_the_start() -> None:
    """A loop that waits for the archive turns, and nobody calls yet."""
    times = Timekeeper(lambda name: None, now=lambda: datetime.now(UTC))
    times.pulse()
    assert times.turned_at is None


def until_turned(times: Timekeeper, at: datetime) -> None:
    def has_turned() -> bool:
        times.pulse()
        return times.turned_at == at

    until(has_turned)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_who_is_stopped_while_it_calls_says_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the middle of handing over what is due, its thread ends without an error; one in six did not."""
    raised: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: raised.append(repr(args.exc_value)))

    def now() -> datetime:
        return datetime.now(UTC)

    for turn in range(100):
        with started(Timekeeper(lambda name: None, now=now)) as times:
            for number in range(20):
                times.put(str(number), Due(now(), Because.SCHEDULE))
            time.sleep(turn % 10 * 0.0002)  # each time stopped at another step
    assert raised == []
