"""Pictures, several at once: hands wishes to workers and gives back what became of them.

What goes in is an attachment, what comes out is a MediaResult, and neither holds a connection or a row, so that
the workers may be threads of this process (``Downloads``) or of another one (``jobs.crew``).
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Event
from types import TracebackType
from typing import Protocol, Self

from jobs.errors import Interrupted
from scraper.capture import Access
from scraper.media import Incoming, Stream, take
from scraper.model import Attachment, MediaResult, MediaState
from scraper.settings import HttpSettings

Take = Callable[[Attachment], MediaResult]


class Workers(Protocol):
    """Whatever takes attachments: threads, or a process."""

    #: handed in and not yet given back
    open: int

    def submit(self, number: int, attachment: Attachment) -> None:
        """Hand in an attachment under the number by which its result will be known."""

    def finished(self, *, at_least: int = 0) -> list[tuple[int, MediaResult]]:
        """What is finished by now; waits until there are ``at_least`` so many or nothing is open.

        What a worker raised (a full disk) is raised here, where it can stop the run.
        """
        ...

    def stop(self) -> list[tuple[int, MediaResult]]:
        """Finish what has begun, begin nothing more; what came back. Nothing may be handed in afterwards."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def always() -> bool:
    """True: a disk that nobody looks at has room."""
    return True


def taker(
    stream: Stream,
    incoming: Callable[[], Incoming],
    settings: HttpSettings,
    access: Access,
    stop: Event,
    room: Callable[[], bool] = always,
    max_film_bytes: int | None = None,
) -> Take:
    """What a worker does with one attachment; it is left pending once ``stop`` is set, or while there is no room.

    No token goes with it: what a post shows to all needs none, and files often live on another host.
    """

    def take_one(attachment: Attachment) -> MediaResult:
        if stop.is_set() or not room():
            return MediaResult(state=MediaState.PENDING)
        try:
            return take(
                attachment,
                stream=stream,
                incoming=incoming,
                settings=settings,
                access=access,
                max_film_bytes=max_film_bytes,
            )
        except Interrupted:
            return MediaResult(state=MediaState.PENDING)

    return take_one


class Downloads:
    """Threads of this process.

    Args:
        take: one attachment in, its result out; called in a worker.
        workers: how many work at once.
    """

    def __init__(self, take: Take, workers: int) -> None:
        self._take = take
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="media")
        self._done: queue.SimpleQueue[tuple[int, MediaResult | BaseException]] = queue.SimpleQueue()
        self.open = 0

    def submit(self, number: int, attachment: Attachment) -> None:
        """See ``Workers``."""
        self.open += 1
        self._pool.submit(copy_context().run, self._work, number, attachment)

    def _work(self, number: int, attachment: Attachment) -> None:
        try:
            self._done.put((number, self._take(attachment)))
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that can act on it
            self._done.put((number, error))

    def finished(self, *, at_least: int = 0) -> list[tuple[int, MediaResult]]:
        """See ``Workers``."""
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

    def stop(self) -> list[tuple[int, MediaResult]]:
        """See ``Workers``; what was not begun is dropped, and stays pending in the archive."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        return self.finished()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
