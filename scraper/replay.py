"""The other fetcher: answers from recorded captures, with no network."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from scraper.capture import Capture, Request
from scraper.errors import FetchError, Gone


class Replay:
    """Answers each request with the capture recorded for its address.

    Args:
        captures: the recordings; of several for one address the last one is used.
        anything: answers every address that has no recording of its own.
    """

    def __init__(self, captures: Iterable[Capture] = (), *, anything: Capture | None = None) -> None:
        self._by_url = {capture.request.url: capture for capture in captures}
        self._anything = anything
        #: every request that was answered, in order
        self.asked: list[Request] = []

    def fetch(self, request: Request) -> Capture:
        """The recorded answer, as if it had been given to ``request``.

        Raises:
            FetchError: nothing is recorded for the address, or the record is of an error.
        """
        self.asked.append(request)
        capture = self._by_url.get(request.url, self._anything)
        if capture is None:
            raise Gone(f"{request.url}: nothing is recorded for this address", url=request.url)
        if capture.status in (404, 410):
            raise Gone(f"{request.url}: answered {capture.status}", url=request.url, status=capture.status)
        if capture.status >= 400:
            raise FetchError(
                f"{request.url}: answered {capture.status}", url=request.url, retriable=False, status=capture.status
            )
        return dataclasses.replace(capture, request=request)
