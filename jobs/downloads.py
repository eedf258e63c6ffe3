"""Pictures, several at once: hands wishes to workers and gives back what became of them.

Today the workers are threads. The seam for a process of their own is here: what goes in is an
attachment, what comes out is a MediaResult, and neither holds a connection or a row.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from scraper.model import Attachment, MediaResult


class Downloads:
    """A bounded crew that takes attachments.

    Args:
        take: one attachment in, its result out; called in a worker. What it raises (a full disk, an
            interrupt) is raised again by ``finished``.
        workers: how many work at once.
    """

    def __init__(self, take: Callable[[Attachment], MediaResult], workers: int) -> None:
        self._take = take
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="media")
        self._done: queue.SimpleQueue[tuple[int, MediaResult | BaseException]] = queue.SimpleQueue()
        #: handed in and not yet given back
        self.open = 0

    def submit(self, number: int, attachment: Attachment) -> None:
        """Hand in an attachment under the number by which its result will be known."""
        self.open += 1
        self._pool.submit(self._work, number, attachment)

    def _work(self, number: int, attachment: Attachment) -> None:
        try:
            self._done.put((number, self._take(attachment)))
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that can act on it
            self._done.put((number, error))

    def finished(self, *, at_least: int = 0) -> list[tuple[int, MediaResult]]:
        """What is finished by now; waits until there are ``at_least`` so many or nothing is open."""
        results: list[tuple[int, MediaResult]] = []
        while self.open:
            try:
                number, result = self._done.get(block=len(results) < at_least)
            except queue.Empty:
                break
            self.open -= 1
            if isinstance(result, BaseException):
                raise result
            results.append((number, result))
        return results

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # what has begun is finished, what has not stays pending in the archive
        self._pool.shutdown(wait=True, cancel_futures=True)
