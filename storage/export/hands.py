"""Several processes that read and write the batches of a large export, all of one state of the archive.

A post takes some 40 millionths of a second of a processor, and most machines have several. Each process has a
connection of its own; that they see what the export's own transaction sees is made sure of before they begin: a server
hands its state on, and of a file somebody asks whether it was written to meanwhile. Where it was, there are none.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import socket
import sqlite3
import subprocess
import sys
import traceback
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Line
from typing import Any

from sqlalchemy import Connection

from storage.engine import Database, open_database
from storage.errors import StorageError
from storage.export.formats import Encode
from storage.export.publishable import Clearance
from storage.export.reading import Counts, Reader
from storage.settings import ArchiveSettings

#: batches that one process has in hand or before it
_AHEAD = 2
#: processes at most; one more reads numbers and writes what they make
MOST = 4

#: number of items of a batch, what was met in it, and the bytes made of it
Made = tuple[int, Counts, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a process is told when it begins; ``snapshot`` is a server's name for the state to be seen."""

    place: ArchiveSettings
    clearance: Clearance
    private: bool
    with_segments: bool
    encode: Encode
    snapshot: str | None = None


@contextmanager
def unwritten(database: Database) -> Iterator[Callable[[], bool]]:
    """Tells, when it is asked, whether nobody has written to the archive since now; False when that is not known.

    Of an archive on a server it is not asked: there the state itself is handed on.
    """
    if database.dialect == "postgresql":
        yield lambda: True
        return
    try:
        probe = sqlite3.connect(f"{database.path.as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        yield lambda: False
        return
    with closing(probe):
        first = _version(probe)
        yield lambda: first is not None and _version(probe) == first


def _version(probe: sqlite3.Connection) -> int | None:
    """A number that another one's commit changes; None when it cannot be had."""
    try:
        number: int = probe.execute("PRAGMA data_version").fetchone()[0]
    except sqlite3.Error:
        return None
    return number


def snapshot_of(connection: Connection) -> str | None:
    """A server's name for the state that this transaction sees; None where there is none."""
    if connection.dialect.name != "postgresql" or connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar():
        return None
    return str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar())


class Hands:
    """Processes that take the numbers of posts and give back bytes, in the same order."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines

    def made(self, batches: Iterable[list[int]]) -> Iterator[Made]:
        """What the batches become, in their order.

        Raises:
            StorageError: one of them could not be read, or its process is lost.
        """
        waiting: deque[Line] = deque()
        for at, ids in enumerate(batches):
            line = self._lines[at % len(self._lines)]
            if len(waiting) == _AHEAD * len(self._lines):
                yield _received(waiting.popleft())
            with _lost():
                line.send_bytes(array("q", ids).tobytes())
            waiting.append(line)
        while waiting:
            yield _received(waiting.popleft())


@contextmanager
def hands(orders: Orders, number: int) -> Iterator[Hands]:
    """So many processes, which have all begun to see the archive; without their lines they end.

    Raises:
        StorageError: one of them cannot begin.
    """
    with ExitStack() as ends:
        lines = [ends.enter_context(_begun(orders)) for _ in range(number)]
        for line in lines:
            _received(line)
        yield Hands(lines)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def serve(number: int) -> None:
    """What a process does: batches come by the socket of that number, until it is closed.

    It hears no Ctrl-C: who started it does, and closes the line.
    """
    for heard in (signal.SIGINT, signal.SIGTERM):
        signal.signal(heard, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
    line = Line(number)
    with suppress(EOFError, OSError):
        try:
            _serve(line, line.recv())
        except (EOFError, OSError):
            raise
        except StorageError as error:
            # what another one carries beside its words does not come through, and nobody acts on it here
            line.send(StorageError(str(error)))
        except Exception:  # noqa: BLE001 - a defect of ours: told where people see it
            line.send(RuntimeError(traceback.format_exc()))


def _serve(line: Line, orders: Orders) -> None:
    database = open_database(orders.place, read_only=True)
    with database.read() as connection:
        if orders.snapshot is not None:
            connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{orders.snapshot}'")
        reader = Reader(connection, orders.clearance, private=orders.private, with_segments=orders.with_segments)
        line.send((0, Counts(), b""))
        while True:
            ids = array("q")
            ids.frombytes(line.recv_bytes())
            counts = Counts()
            items = reader.items(ids.tolist(), counts)
            line.send((len(items), counts, orders.encode(connection, items) if items else b""))


@contextmanager
def _begun(orders: Orders) -> Iterator[Line]:
    # a fresh interpreter, told where to import from: a fork would copy threads and an open database half, and what
    # multiprocessing spawns runs the caller's own script again
    near, far = socket.socketpair()
    start = (
        f"import gc, sys; gc.set_threshold(*{gc.get_threshold()}); sys.path[:] = {sys.path!r}; "
        f"from storage.export.hands import serve; serve({far.fileno()}); gc.freeze()"
    )
    with far:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
        try:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
                [sys.executable, "-I", "-c", start], pass_fds=[far.fileno()], stdin=subprocess.DEVNULL
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    line = Line(near.detach())
    try:
        with _lost():
            line.send(orders)
        yield line
    finally:
        line.close()
        # it writes nothing of its own, so it may end wherever it is
        process.terminate()
        process.kill()
        process.wait()


def _received(line: Line) -> Made:
    with _lost():
        told: Any = line.recv()
    if isinstance(told, Exception):
        raise told
    return told  # type: ignore[no-any-return] # what the other end of our own line sends


@contextmanager
def _lost() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError, pickle.UnpicklingError) as error:
        raise StorageError(
            "a process that read for the export has ended by itself, perhaps for want of memory; run it again"
        ) from error
