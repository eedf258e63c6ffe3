"""One budget per host."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from scraper.errors import RateLimited
from scraper.throttle import Throttle


def test_turns_of_one_host_are_an_interval_apart_and_hosts_do_not_wait_for_each_other(clock: Any) -> None:
    """Three turns at once take two intervals; another host goes at once."""
    throttle = Throttle(2.0, clock, clock.sleep)
    for _ in range(3):
        throttle.wait("a")
    throttle.wait("b")
    assert clock.slept == [2.0, 2.0]


def test_a_host_that_was_left_alone_is_asked_at_once(clock: Any) -> None:
    """Time that passed counts, but no turns are saved up."""
    throttle = Throttle(1.0, clock, clock.sleep)
    throttle.wait("a")
    clock.now += 100
    throttle.wait("a")
    throttle.wait("a")
    assert clock.slept == [1.0]


def test_many_threads_queue_for_one_budget() -> None:
    """Real threads on a real clock: turns are never closer than the interval, and nobody is left behind."""
    throttle = Throttle(0.01)
    turns: list[float] = []

    def ask() -> None:
        for _ in range(3):
            throttle.wait("a")
            turns.append(time.monotonic())

    threads = [threading.Thread(target=ask) for _ in range(5)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(turns) == 15
    assert max(turns) - began >= 0.01 * 14


def test_no_budget_means_no_waiting(clock: Any) -> None:
    """An interval of nought switches the spacing off."""
    throttle = Throttle(0.0, clock, clock.sleep)
    for _ in range(1000):
        throttle.wait("a")
    assert clock.slept == []


def test_a_pause_holds_for_the_whole_host_also_without_a_budget(clock: Any) -> None:
    """Whoever comes next waits, once; other hosts do not."""
    throttle = Throttle(0.0, clock, clock.sleep)
    throttle.pause("a", 30)
    throttle.wait("b")
    throttle.wait("a")
    throttle.wait("a")
    assert clock.slept == [30.0]


def test_a_pause_takes_back_the_turns_that_were_given_out(clock: Any) -> None:
    """Somebody who already waits for a turn when the host asks for a pause waits for its end too."""

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.slept) == 1:
            throttle.pause("a", 10)

    throttle = Throttle(1.0, clock, sleep)
    throttle.wait("a")
    throttle.wait("a")
    assert clock.slept == [1.0, 10.0]


def test_of_two_pauses_the_one_that_ends_later_holds(clock: Any) -> None:
    """A short pause does not shorten a long one."""
    throttle = Throttle(0.0, clock, clock.sleep)
    throttle.pause("a", 30)
    throttle.pause("a", 5)
    throttle.pause("a", -5)
    throttle.wait("a")
    assert clock.slept == [30.0]


def test_a_pause_longer_than_a_run_waits_is_an_error_and_nobody_sleeps(clock: Any) -> None:
    """It says for how long, and does not use up a turn."""
    throttle = Throttle(1.0, clock, clock.sleep)
    throttle.pause("a", 600)
    with pytest.raises(RateLimited, match="600 s to go") as caught:
        throttle.wait("a", url="http://a/x", at_most=120)
    assert (caught.value.retry_after, caught.value.url, caught.value.retriable) == (600.0, "http://a/x", True)
    assert clock.slept == []


def test_a_long_queue_is_no_pause(clock: Any) -> None:
    """A slow budget with many in the queue may take longer than the longest pause."""
    throttle = Throttle(60.0, clock, lambda _: None)
    for _ in range(10):
        throttle.wait("a", at_most=1.0)


def test_a_host_may_ask_for_wider_turns_but_not_for_closer_ones(clock: Any) -> None:
    """Crawl-delay counts from the last turn on, for that host only."""
    throttle = Throttle(1.0, clock, clock.sleep)
    throttle.wait("a")
    throttle.widen("a", 10.0)
    throttle.widen("a", 0.1)
    throttle.wait("a")
    throttle.wait("b")
    throttle.wait("b")
    assert clock.slept == [10.0, 1.0]


def test_an_interrupted_sleep_ends_the_wait() -> None:
    """What the sleep raises is passed on, and the next caller is served."""

    def interrupted(_: float) -> None:
        raise InterruptedError("ctrl-c")

    throttle = Throttle(5.0, lambda: 0.0, interrupted)
    throttle.wait("a")
    with pytest.raises(InterruptedError):
        throttle.wait("a")
    throttle.wait("b")


def test_each_wait_is_announced_with_its_reason(clock: Any) -> None:
    """Host, seconds, and whether it is the budget or the host's wish."""
    told: list[tuple[str, float, str]] = []
    throttle = Throttle(2.0, clock, clock.sleep, lambda *wait: told.append(wait))
    throttle.wait("a")
    throttle.wait("a")
    throttle.pause("a", 7)
    throttle.wait("a")
    assert told == [("a", 2.0, "one request in 2 s"), ("a", 7.0, "the host asked for a pause")]


def test_another_rate_keeps_what_hosts_have_asked_for(clock: Any) -> None:
    """A configuration that was read again: turns are as far apart as it says now, and a pause holds to its end."""
    throttle = Throttle(1.0, clock, clock.sleep)
    throttle.wait("a")
    throttle.pause("b", 30.0)
    throttle.reset(5.0)
    for host in ("a", "b", "new", "new"):
        throttle.wait(host)
    assert clock.slept == [5.0, 25.0, 5.0]
