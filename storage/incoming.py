"""Files on their way in, under ``.incoming`` beside those that are held; knows no names but its own.

A file here is locked by who writes it: what a killed process left is known at once, whatever machine, container
or process number it had, and is removed when the next writer begins.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from storage.disk import disk_fault, disk_faults
from storage.durable import sync_folder

_UNFINISHED = ".part"


class IncomingFolder:
    """``media/.incoming``: on the same disk as what is held, so that a rename keeps a file.

    Args:
        media: the folder of what is held; made with the first file, and may be a link to another disk.
    """

    def __init__(self, media: Path) -> None:
        self._media = media
        self._folder = media / ".incoming"
        self._lock = threading.Lock()
        self._is_swept = False

    def sweep(self) -> int:
        """Remove what killed processes left unfinished; how many files that were.

        Done by itself before the first file comes in.

        Raises:
            StorageError: the disk is at fault, or the archive is read-only.
        """
        swept = 0
        try:
            for entry in os.scandir(self._folder):
                if entry.is_file(follow_symlinks=False) and entry.name.endswith(_UNFINISHED):
                    swept += _remove_if_abandoned(entry.path)
        except FileNotFoundError:
            return swept
        except OSError as error:
            raise disk_fault(error, self._folder) from error
        return swept

    def begin(self) -> tuple[int, Path]:
        """A new, empty, locked file of a name made up here: its descriptor (to be closed) and its path.

        Raises:
            OSError: the disk is at fault, or ``.incoming`` is a link.
        """
        with self._lock:
            if not self._is_swept:
                self._make()
                self.sweep()
                self._is_swept = True
        while True:
            path = self._folder / (secrets.token_hex(16) + _UNFINISHED)
            place = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            fcntl.flock(place, fcntl.LOCK_EX)
            if os.fstat(place).st_nlink:
                return place, path
            os.close(place)  # swept by another process between its making and its lock

    def _make(self) -> None:
        is_new = not self._media.exists()
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._folder.is_symlink():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(self._folder))
        if is_new:
            sync_folder(self._media.parent)


class IncomingBlob:
    """One file on its way in: written, then kept under its hash or dropped. For one thread.

    Every method raises DiskFull, ArchiveReadOnly or another StorageError where the disk is at fault.

    Args:
        folder: where it is written.
        media: the folder that an error names.
        keep: given descriptor, path, hash and extension, moves the file to where it stays.
    """

    def __init__(self, folder: IncomingFolder, media: Path, keep: Callable[[int, Path, str, str], None]) -> None:
        self._folder = folder
        self._media = media
        self._keep = keep
        self._begun: tuple[int, Path] | None = None

    def write(self, chunk: bytes) -> None:
        """Append ``chunk``; the file is made with the first one."""
        with disk_faults(self._media):
            place, _ = self._begin()
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(place, rest) :]

    def reset(self) -> None:
        """Drop what was written: the file begins again."""
        if self._begun is not None:
            with disk_faults(self._media):
                os.ftruncate(self._begun[0], 0)
                os.lseek(self._begun[0], 0, os.SEEK_SET)

    def open(self) -> io.BufferedReader:
        """What was written so far, to be read from its start."""
        with disk_faults(self._media):
            return self._begin()[1].open("rb")

    def commit(self, sha256: str, extension: str) -> None:
        """Keep the file: synced to the disk and renamed. ``sha256`` is the caller's word and is not computed again.

        The same bytes held already stay as they are, and this file is dropped.

        Raises:
            ValueError: not a hash, or not a plain extension.
        """
        with disk_faults(self._media):
            self._keep(*self._begin(), sha256, extension)
            self._end()

    def discard(self) -> None:
        """Drop the file; nothing happens if none was begun or it was kept."""
        if self._begun is not None:
            with disk_faults(self._media):
                self._begun[1].unlink(missing_ok=True)
                self._end()

    def _begin(self) -> tuple[int, Path]:
        if self._begun is None:
            self._begun = self._folder.begin()
        return self._begun

    def _end(self) -> None:
        if self._begun is not None:
            place, self._begun = self._begun[0], None
            os.close(place)


def _remove_if_abandoned(path: str) -> bool:
    """Remove an unfinished file unless its writer lives, which the lock tells."""
    try:
        place = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False  # finished or swept meanwhile
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    except (BlockingIOError, FileNotFoundError):
        return False
    finally:
        os.close(place)
    return True
