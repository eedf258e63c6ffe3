"""A run's lease kept alive while its work takes its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from datetime import datetime
from threading import Event, Thread

from storage.archive import Archive
from storage.errors import StorageError
from storage.runs import Run

#: a lease is renewed this often; it lasts four times as long
RENEWAL_SECONDS = 15.0


@contextmanager
def renewed(archive: Archive, run: Run, now: Callable[[], datetime]) -> Iterator[None]:
    """Keep the run's lease alive while a page or a picture takes its time, from a thread of its own."""
    done = Event()

    def renew() -> None:
        while not done.wait(RENEWAL_SECONDS):
            try:
                archive.journal.renew(run, now())
            except StorageError:
                # a lock that lasts: tried again in a quarter of a lease
                continue

    thread = Thread(target=copy_context().run, args=(renew,), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
