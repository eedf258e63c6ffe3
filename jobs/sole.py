"""One daemon for each archive of this machine: a lock on a file in its folder, let go by the system itself."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from jobs.errors import AlreadyRunning
from storage.disk import disk_faults
from storage.processes import Process

LOCK = "daemon.lock"


@contextmanager
def sole(folder: Path, now: datetime) -> Iterator[None]:
    """Be the one daemon of the archive in ``folder``.

    The file stays; what counts is the lock on it, which ends with the process however that ends.

    Raises:
        AlreadyRunning: another one is.
        StorageError: the folder cannot be written to.
    """
    path = folder / LOCK
    with disk_faults(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 1000, 0).decode("utf-8", "replace").strip() or "a process that did not say"
            message = f"{folder}: a daemon is at work on this archive already: {holder}; stop it first"
            raise AlreadyRunning(message) from error
        with disk_faults(path):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{Process.current()}, since {now:%Y-%m-%d %H:%M:%S} UTC\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
