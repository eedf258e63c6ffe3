"""What an error of the operating system means for an archive: DiskFull, ArchiveReadOnly, or another StorageError."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import ArchiveReadOnly, DiskFull, StorageError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_FOREIGN = (errno.ELOOP, errno.ENOTDIR)


def disk_fault(error: OSError, path: Path) -> StorageError:
    """The StorageError that ``error`` at ``path`` is."""
    why = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in _FULL:
        return DiskFull(f"there is no space left for {path} ({why}); make room, and run again")
    if error.errno in _READ_ONLY:
        return ArchiveReadOnly(f"{path} may not be read or written ({why}); check the permissions of the archive")
    if error.errno in _FOREIGN:
        return StorageError(
            f"{path} holds a link or a file where a folder of the archive should be ({why}); move it away"
        )
    return StorageError(f"the disk is at fault at {path} ({why}); check the disk, then run the same again")


def place_of_pictures(folder: Path) -> Path:
    """Where to ask for the disk of an archive's pictures: its ``media``, which may be another disk, once it is there.

    Before that, and of an archive without files, the archive's folder, which may be missing.
    """
    media = folder / "media"
    return media if media.exists() else folder


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Raise errors of the operating system within as the StorageError that they are."""
    try:
        yield
    except OSError as error:
        raise disk_fault(error, path) from error
