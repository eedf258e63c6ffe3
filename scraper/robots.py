"""What robots.txt lets us read (RFC 9309, https://www.rfc-editor.org/rfc/rfc9309); fetching it is the caller's."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from protego import Protego

from scraper.address import Target
from scraper.errors import Blocked, FetchError, RateLimited, Refused

#: the product token that rules may name
AGENT = "cupola"
#: bytes of a robots.txt that are read; RFC 9309 2.5 asks for no more
LARGEST = 500 * 1024
#: seconds between two requests above which a source is not read at all
LONGEST_DELAY = 60.0
_KEPT = 86_400.0  # seconds: RFC 9309 2.4
_FAULT_KEPT = 300.0


@dataclass(frozen=True, slots=True)
class _Rules:
    until: float
    rules: Protego | None  # None: nothing is forbidden
    fault: FetchError | None = None


class _Enough(Exception):
    """As much as is wanted has come."""


class Head:
    """Takes the first ``LARGEST`` bytes of a body, then breaks off."""

    def __init__(self) -> None:
        self.body = b""

    def begin(self, url: str, headers: Mapping[str, str]) -> None:
        """A body starts, perhaps again."""
        self.body = b""

    def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.body += chunk[: LARGEST - len(self.body)]
        if len(self.body) == LARGEST:
            raise _Enough


class Robots:
    """Keeps the rules of each origin for a day, and the fault of one that could not be read for five minutes.

    Args:
        load: asks for the robots.txt at an address and writes it into the sink given; raises FetchError.
        clock: seconds that only go forward.
    """

    def __init__(self, load: Callable[[str, Head], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._load = load
        self._clock = clock
        self._known: dict[str, _Rules] = {}
        self._lock = threading.Lock()
        self._origins: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def check(self, target: Target, *, name: str) -> float:
        """Return the seconds that the host wants between two requests, if this page may be read.

        Args:
            target: the page.
            name: how to call it in a message.

        Raises:
            Refused: the rules forbid the page, or ask for longer pauses than we keep.
            FetchError: the rules could not be read (retriable): the source is put off; RateLimited where that was why.
        """
        found = self._of(target)
        if found.fault is not None:
            message = f"{name}: put off, because robots.txt could not be read: {found.fault}"
            if isinstance(found.fault, Blocked):
                raise Blocked(message, url=name, address=found.fault.address)
            if isinstance(found.fault, RateLimited):
                pause, status = found.fault.retry_after, found.fault.status
                raise RateLimited(message, url=name, retry_after=pause, status=status)
            raise FetchError(message, url=name, retriable=True, status=found.fault.status)
        if found.rules is None:
            return 0.0
        if not found.rules.can_fetch(target.url, AGENT):
            raise _forbidden(f"{name}: the robots.txt of {target.origin} asks {AGENT} not to read this", name)
        delay = found.rules.crawl_delay(AGENT) or 0.0
        if delay > LONGEST_DELAY:
            raise _forbidden(
                f"{name}: the robots.txt of {target.origin} asks for {delay:g} s between two requests, and sources "
                f"that ask for over {LONGEST_DELAY:g} s are not read; ask the site for another way",
                name,
            )
        return delay

    def _of(self, target: Target) -> _Rules:
        origin = target.origin
        known = self._known.get(origin)
        if known is not None and self._clock() < known.until:
            return known
        with self._lock:
            lock = self._origins[origin]
        with lock:  # one asks, the others of this origin wait for its answer
            known = self._known.get(origin)
            if known is None or self._clock() >= known.until:
                known = self._read(origin + "/robots.txt")
                with self._lock:
                    # what is over is let go: who runs for months meets many hosts that never come again
                    now = self._clock()
                    held = {other: rules for other, rules in self._known.items() if now < rules.until}
                    self._known = held | {origin: known}
            return known

    def _read(self, url: str) -> _Rules:
        head = Head()
        try:
            with suppress(_Enough):
                self._load(url, head)
        except FetchError as error:
            # what came and could not be read (packed in a way that was not asked for, say) may forbid anything
            was_answered = error.status is not None or (isinstance(error, Refused) and not error.retriable)
            if error.retriable or not was_answered:
                return _Rules(self._clock() + _FAULT_KEPT, None, error)
            return _Rules(self._clock() + _KEPT, None)  # RFC 9309 2.3.1.3: "unavailable" forbids nothing
        body = head.body
        if len(body) == LARGEST:
            body = body.rpartition(b"\n")[0]  # half a rule may forbid more than the whole
        return _Rules(self._clock() + _KEPT, Protego.parse(body.decode("utf-8-sig", errors="replace")))


def _forbidden(message: str, url: str) -> Refused:
    error = Refused(message, url=url)
    error.by_robots = True
    return error
