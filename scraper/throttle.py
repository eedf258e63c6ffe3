"""One rate budget per host, shared by all who ask it; knows no HTTP, and its clock and sleep are arguments."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from scraper.errors import RateLimited

#: the longest pause that a host can make us note, in seconds
LONGEST_PAUSE = 86_400.0


@dataclass(slots=True)
class _Host:
    interval: float
    last: float = float("-inf")  # the turn given out last
    free: float = float("-inf")  # the next turn that nobody has
    paused_until: float = float("-inf")
    pauses: int = 0


class Throttle:
    """Gives each caller its turn: turns of one host are at least ``interval`` apart.

    A turn is reserved at once and then waited for, so that several threads queue in the order in which
    they came. A pause that a host asks for takes back the turns that were given out and not yet used.

    Args:
        interval: seconds between two turns of one host; 0 switches the budget off (pauses still hold).
        clock: seconds that only go forward.
        sleep: waits; what it raises ends the wait and is passed on.
        on_wait: told host, seconds and reason before each wait.
    """

    def __init__(
        self,
        interval: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        on_wait: Callable[[str, float, str], None] | None = None,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._on_wait = on_wait
        self._interval = interval
        self._lock = threading.Lock()
        self._hosts: defaultdict[str, _Host] = defaultdict(lambda: _Host(self._interval))

    def wait(self, host: str, *, url: str = "", at_most: float = LONGEST_PAUSE) -> None:
        """Return when it is the caller's turn to ask ``host``.

        Args:
            host: the name of the budget.
            url: what is to be asked for, for the error.
            at_most: the longest pause, in seconds, that is sat out; the queue itself may be longer.

        Raises:
            RateLimited: the host is in a longer pause.
        """
        while True:
            with self._lock:
                state = self._hosts[host]
                now = self._clock()
                paused = state.paused_until - now
                if paused > at_most:
                    raise RateLimited(
                        f"{url or host}: {host} asked for a pause that has {paused:.0f} s to go, longer than a run "
                        f"waits (http.max_wait: {at_most:g}); run again later",
                        url=url,
                        retry_after=paused,
                    )
                turn = state.last = max(now, state.free)
                state.free = turn + state.interval
                pauses, interval = state.pauses, state.interval
            if turn <= now:
                return
            self.rest(
                host, turn - now, "the host asked for a pause" if paused > 0 else f"one request in {interval:g} s"
            )
            with self._lock:
                if state.pauses == pauses:
                    return

    def rest(self, host: str, seconds: float, why: str) -> None:
        """Wait, and say so; the budget is not touched."""
        if self._on_wait is not None:
            self._on_wait(host, seconds, why)
        self._sleep(seconds)

    def pause(self, host: str, seconds: float) -> None:
        """Nobody asks ``host`` for so many seconds; of two pauses the one that ends later holds."""
        with self._lock:
            state = self._hosts[host]
            until = self._clock() + min(max(seconds, 0.0), LONGEST_PAUSE)
            if until > state.paused_until:
                state.paused_until = until
                state.free = until
                state.pauses += 1

    def widen(self, host: str, interval: float) -> None:
        """Turns of ``host`` are from now on at least ``interval`` seconds apart (robots.txt: Crawl-delay)."""
        with self._lock:
            state = self._hosts[host]
            if interval > state.interval:
                state.interval = interval
                state.free = max(state.free, state.last + interval)

    def reset(self, interval: float) -> None:
        """Turns of every host are from now on ``interval`` seconds apart; pauses and turns given out still hold."""
        with self._lock:
            self._interval = interval
            for state in self._hosts.values():
                state.interval = interval
                state.free = max(state.last + interval, state.paused_until)
