"""Files put beside others for good: linked or copied, synced, checked, and under their own name only when whole.

A folder that is renewed goes from one state to the next as one: what takes an old file's place is made beside it as
``<name>.new``, a mark says that all of them are whole, then they take their names. Killed before the mark, the old
state is there; killed after it, ``settle`` goes on to the new one. Knows no archive.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from storage.disk import disk_faults
from storage.durable import sync_folder

#: for whoever settles a folder with what is made here
sync = sync_folder
_PART, _NEW, _MARK = ".part", ".new", ".settled"
_CHUNK = 2**20
#: some file systems keep times to two seconds only
_TIMES_DIFFER = 2_000_000_000
_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A file that was put somewhere: its size in bytes, its SHA-256, and whether it is a link to the original."""

    size: int
    sha256: str
    linked: bool


def is_current(source: Path, target: Path, *, link: bool) -> bool:
    """Whether ``target`` is what ``source`` is, by its inode where a ``link`` will do, or by size and time."""
    try:
        here, there = source.stat(follow_symlinks=False), target.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    if (here.st_ino, here.st_dev) == (there.st_ino, there.st_dev):
        return link
    return here.st_size == there.st_size and abs(here.st_mtime_ns - there.st_mtime_ns) < _TIMES_DIFFER


def prepare(source: Path, target: Path, *, link: bool, end: int | None = None) -> Placed:
    """Put ``source`` beside ``target``, on the disk to its last byte; ``accept`` or ``refuse`` it then.

    Args:
        source: a file.
        target: the name that it may take.
        link: whether a hard link will do, where there can be one.
        end: only so many bytes of it, as a file of their own.

    Raises:
        FileNotFoundError: there is no such source.
        StorageError: the disk is at fault.
    """
    part = _beside(target)
    try:
        with disk_faults(target):
            part.unlink(missing_ok=True)
            if link and end is None and _linked(source, part):
                with part.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                    return Placed(size=os.fstat(file.fileno()).st_size, sha256=digest, linked=True)
        with source.open("rb") as file, disk_faults(target):
            return _copied(file, part, end)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def accept(target: Path, *, later: bool = False) -> None:
    """Give what was prepared its name: at once, or ``later`` with all others, when ``settle`` is called."""
    with disk_faults(target):
        os.replace(_beside(target), target.with_name(target.name + _NEW) if later else target)


def refuse(target: Path) -> None:
    """Drop what was prepared."""
    with disk_faults(target):
        _beside(target).unlink(missing_ok=True)


def new(target: Path) -> Path:
    """Where a file is made that shall take the name ``target`` when ``settle`` is called."""
    return target.with_name(target.name + _NEW)


def mark(folder: Path) -> None:
    """Say that every new file of a folder is whole and on the disk; nothing can go back from here."""
    with disk_faults(folder):
        sync_folder(folder)
        with (folder / _MARK).open("xb") as file:
            os.fsync(file.fileno())
        sync_folder(folder)


def settle(folder: Path, below: tuple[str, ...] = ("",)) -> None:
    """Bring a folder to one whole state: the new files take their names if they are marked, else they go.

    Args:
        folder: the folder.
        below: its own folders that may hold new files.
    """
    marked = (folder / _MARK).exists()
    with disk_faults(folder):
        for place in (folder / name for name in below):
            found = sorted(place.glob(f"*{_NEW}")) if place.is_dir() else []
            for path in found:
                if marked:
                    os.replace(path, path.with_name(path.name.removesuffix(_NEW)))
                else:
                    path.unlink()
            if found:
                sync_folder(place)
        if marked:
            (folder / _MARK).unlink()
            sync_folder(folder)


def is_unsettled(folder: Path) -> bool:
    """Whether somebody was killed between ``mark`` and the end of ``settle``."""
    return (folder / _MARK).exists()


def remove_tree(folder: Path) -> None:
    """Remove a folder of ours with all that is in it, as far as it can be."""
    shutil.rmtree(folder, ignore_errors=True)


def _beside(target: Path) -> Path:
    return target.with_name(target.name + _PART)


def _linked(source: Path, part: Path) -> bool:
    try:
        os.link(source, part, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_LINKS or not source.exists():
            return False
        raise
    return True


def _copied(file: BinaryIO, part: Path, end: int | None) -> Placed:
    digest, size = hashlib.sha256(), 0
    with part.open("xb") as copy:
        while chunk := file.read(_CHUNK if end is None else min(_CHUNK, end - size)):
            digest.update(chunk)
            copy.write(chunk)
            size += len(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    if end is None:
        # by which it is known again the next time
        found = os.fstat(file.fileno())
        os.utime(part, ns=(found.st_atime_ns, found.st_mtime_ns))
    return Placed(size=size, sha256=digest.hexdigest(), linked=False)
