"""One visit's way to the web that all share: its waits end with that visit, and what hosts ask of us is noted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event

from jobs.errors import Interrupted
from jobs.visit import Web
from scraper.answers import fresh_until
from scraper.capture import Capture, Request
from scraper.client import PoliteClient, Sink, Streamed
from scraper.errors import FetchError, Gone, RateLimited, Refused


class Waits:
    """The sleep of a client that many visits share: each thread waits under the stop of the visit that it works for."""

    def __init__(self, stop: Event) -> None:
        self._stop = stop
        self._mine = threading.local()

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            Interrupted: the visit of this thread was stopped, or all were.
        """
        stop: Event = getattr(self._mine, "stop", self._stop)
        if stop.wait(seconds):
            raise Interrupted("asked to stop")

    def under(self, stop: Event) -> None:
        """This thread works for the visit with this stop from now on."""
        self._mine.stop = stop


class Leash:
    """The web, for one visit. May be used by several threads.

    Args:
        client: the web that all share.
        waits: the client's sleep.
        stop: the visit's own.
    """

    def __init__(self, client: Web, waits: Waits, stop: Event) -> None:
        self._client, self._waits, self._stop = client, waits, stop
        self._lock, self._asked = threading.Lock(), 0
        #: seconds that its host asked us to stay away, the longest of all
        self.pause = 0.0
        #: why the source shall not be visited again before a person has seen to it
        self.closed: str | None = None
        #: until when the first answer has nothing newer behind it
        self.fresh_until: datetime | None = None

    def fetch(self, request: Request) -> Capture:
        """See ``PoliteClient.fetch``."""
        with self._lock:
            self._asked += 1
            is_first = self._asked == 1
        self._waits.under(self._stop)
        try:
            capture = self._client.fetch(request)
        except FetchError as error:
            with self._lock:
                if isinstance(error, RateLimited):
                    self.pause = max(self.pause, error.retry_after)
                elif is_first and _is_for_good(error):
                    self.closed = str(error)
            raise
        if is_first:
            self.fresh_until = fresh_until(capture.headers, capture.fetched_at)
        return capture

    def stream(self, request: Request, sink: Sink, *, max_bytes: int | None = None) -> Streamed:
        """See ``PoliteClient.stream``; what keeps a picture back says nothing of the source."""
        self._waits.under(self._stop)
        return self._client.stream(request, sink, max_bytes=max_bytes)


class Shared:
    """The client that visits share, and its waits; closed when it is retired and the last of them has ended."""

    def __init__(self, client: PoliteClient, waits: Waits) -> None:
        self.client, self.waits = client, waits
        self._lock, self._used, self._is_retired = threading.Lock(), 0, False

    @contextmanager
    def leash(self, stop: Event) -> Iterator[Leash]:
        """The web for one visit, which ends with the block."""
        with self._lock:
            self._used += 1
        try:
            yield Leash(self.client, self.waits, stop)
        finally:
            self._let_go(used=-1)

    def retire(self) -> None:
        """No visit begins with it any more."""
        self._is_retired = True
        self._let_go()

    def _let_go(self, used: int = 0) -> None:
        with self._lock:
            self._used += used
            is_over = self._is_retired and not self._used
        if is_over:
            self.client.close()


def _is_for_good(error: FetchError) -> bool:
    """Whether a site says that there is nothing for us, now and later: 410, or its robots.txt forbids it."""
    if isinstance(error, Gone):
        return error.status == 410
    return isinstance(error, Refused) and error.by_robots
