"""Pictures in a process of their own: the second core, where no budget of a host sets the pace.

With a budget, a picture a second is nothing for a thread, and all connections to a host share one throttle. Without one
(``http.rate: none``: one's own servers) fetching, checking and writing pictures competes with parsing and recording
posts for the interpreter, so they get an interpreter of their own. See docs/adr/0005.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Lock
from types import TracebackType
from typing import Self

from jobs.downloads import taker
from jobs.errors import CrewLost, Interrupted
from scraper.capture import Access
from scraper.model import Attachment, MediaResult
from scraper.settings import HttpSettings
from storage.blobs import Blobs
from storage.errors import StorageError

#: seconds between two looks at whether somebody asked to stop
_PATIENCE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What the process is told when it begins: plain values, since they leave this one.

    ``folder`` is the archive's, ``access`` says which rules bind the requests,
    ``max_film_bytes`` is the cap on a film where films are taken.
    """

    settings: HttpSettings
    folder: Path
    access: Access
    version: str
    max_film_bytes: int | None = None


class Crew:
    """``Workers`` in another process, which is started with the first attachment handed in.

    ``interrupted`` is set by whoever wants to stop: then nothing is waited for any longer but by ``stop``.
    """

    def __init__(self, orders: Orders, interrupted: Event | None = None) -> None:
        self._orders = orders
        self.interrupted = interrupted or Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection | None = None
        self.open = 0

    def submit(self, number: int, attachment: Attachment) -> None:
        """See ``Workers``. Raises CrewLost when the process has ended by itself."""
        if self._line is None:
            self._line = self._begin()
        try:
            self._line.send((number, attachment))
        except OSError as error:
            raise self._lost() from error
        self.open += 1

    def finished(self, *, at_least: int = 0) -> list[tuple[int, MediaResult]]:
        """See ``Workers``; fewer once ``interrupted`` is set. Raises CrewLost when the process has ended by itself."""
        return self._told(at_least, self.interrupted.is_set)

    def _told(self, at_least: int, enough: Callable[[], bool]) -> list[tuple[int, MediaResult]]:
        results: list[tuple[int, MediaResult]] = []
        while self.open and self._line is not None:
            is_waited_for = len(results) < at_least and not enough()
            try:
                if not self._line.poll(_PATIENCE if is_waited_for else 0):
                    if is_waited_for:
                        continue
                    break
                number, result = self._line.recv()
            except (EOFError, OSError) as error:
                if results:
                    break  # these first; the next call meets the same end
                raise self._lost() from error
            self.open -= 1
            if isinstance(result, BaseException):
                raise result
            results.append((number, result))
        return results

    def stop(self) -> list[tuple[int, MediaResult]]:
        """See ``Workers``; what was not begun comes back as pending, what a lost process had does not come back."""
        results: list[tuple[int, MediaResult]] = []
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.send(None)
            with contextlib.suppress(CrewLost):
                while self.open:
                    results += self._told(self.open, lambda: False)
        return results

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._line is not None and self._process is not None:
            # without its line the process ends at once, whatever it is doing: a file is whole or it is not there
            self._line.close()
            self._process.wait()

    def _begin(self) -> Connection:
        # a fresh interpreter, told where to import from: a fork would copy threads and an open database half, and
        # what multiprocessing spawns runs the caller's own script again
        near, far = socket.socketpair()
        with far:
            # rubbish is looked for as rarely as here, and not at all once the work is done
            start = (
                f"import gc, sys; gc.set_threshold(*{gc.get_threshold()}); sys.path[:] = {sys.path!r}; "
                f"from jobs.crew import serve; serve({far.fileno()}); gc.freeze()"
            )
            command = [sys.executable, "-I", "-c", start]
            with _unheard(signal.SIGINT, signal.SIGTERM):  # what is blocked here is blocked there from its start
                self._process = subprocess.Popen(command, pass_fds=[far.fileno()], stdin=subprocess.DEVNULL)  # noqa: S603 - our own interpreter and code
        line = Connection(near.detach())
        line.send(self._orders)
        return line

    def _lost(self) -> CrewLost:
        status = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = self._process.wait(timeout=1)
        return CrewLost(
            f"the process that takes pictures has ended (status {status}); what it had in hand is still wanted"
        )


@contextlib.contextmanager
def _unheard(*signals: signal.Signals) -> Iterator[None]:
    """Signals wait until the block is left."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(descriptor: int) -> None:
    """The process: its orders come along the line, then attachments; results go back; None ends it when all is told."""
    line = Connection(descriptor)
    _work(line.recv(), line)


def _work(orders: Orders, line: Connection) -> None:
    from scraper.client import PoliteClient

    # Ctrl-C reaches every process of a terminal; when to stop is the other's to say
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    stop, talking = Event(), Lock()

    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise Interrupted("asked to stop")

    client = PoliteClient(orders.settings, version=orders.version, sleep=pause)
    take = taker(
        client.stream,
        Blobs(orders.folder).incoming,
        orders.settings,
        orders.access,
        stop,
        max_film_bytes=orders.max_film_bytes,
    )

    def work(number: int, attachment: Attachment) -> None:
        result: MediaResult | BaseException
        try:
            result = take(attachment)
        except BaseException as error:  # noqa: BLE001 - it is raised again where it can stop the run
            result = _portable(error)
        with talking, contextlib.suppress(OSError):
            line.send((number, result))

    with client, ThreadPoolExecutor(orders.settings.connections, thread_name_prefix="media") as pool:
        while True:
            try:
                job = line.recv()
            except (EOFError, OSError):
                # nobody is there to be told any more; an unfinished file is swept by the next run
                os._exit(0)
            if job is None:
                stop.set()
                return
            pool.submit(work, *job)


def _portable(error: BaseException) -> BaseException:
    """``error``, or its words where it cannot go from process to process."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - what was pickled the moment before
    except Exception:  # noqa: BLE001 - whatever an exception's own constructor makes of its arguments
        return StorageError(f"{type(error).__name__}: {error}")
    return error
