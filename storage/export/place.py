"""Where an export goes: a file or a folder that has its name only when it is whole and on the disk.

It is made beside DEST under a hidden name, ``.<name>.<16 hex digits>.part``, and locked while somebody is at it. What a
kill has left there is not locked any more: the next export to the same DEST removes it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from storage.durable import sync_folder
from storage.errors import DiskFull, ExportRefused

_PART, _OLD = ".part", ".old"
_CHUNK = 2**20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)


@dataclass(frozen=True, slots=True)
class Copied:
    """A file that was put into a folder: its size in bytes and its SHA-256."""

    size: int
    sha256: str


class Place:
    """DEST while it is written."""

    def __init__(self, path: Path, part: Path, file: BinaryIO | None) -> None:
        #: the name that it will have
        self.path = path
        self._part = part
        self._file = file

    @property
    def file(self) -> BinaryIO:
        """The file to write, for a format whose DEST is one; it is not to be closed."""
        if self._file is None:
            raise TypeError(f"{self.path} is to be a folder")
        return self._file

    @property
    def folder(self) -> Path:
        """The folder to fill, empty at first, for a format whose DEST is one; ``path`` is its name when it is done."""
        if self._file is not None:
            raise TypeError(f"{self.path} is to be a file")
        return self._part

    def inside(self, name: str) -> Path:
        """The path of a file of the folder, below which it is; the folders above it are made.

        Raises:
            ValueError: the name leads out of the folder.
        """
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or not pure.parts:
            raise ValueError(f"not a name inside a folder: {name!r}")
        path = self.folder.joinpath(*pure.parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Tell errors of this disk as such, before somebody further out takes them for errors of the archive's."""
        try:
            yield
        except OSError as error:
            raise _told(error, self.path) from error

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        """A new file of the folder, open to be written and closed at the end of the block."""
        with self.inside(name).open("x+b", buffering=_CHUNK) as file:
            yield file

    def add(self, source: Path, name: str) -> Copied:
        """Copy a file into the folder, hashed on the way.

        Raises:
            OSError: the one or the other cannot be read or written.
        """
        digest, size = hashlib.sha256(), 0
        with source.open("rb") as file, self.create(name) as copy:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                copy.write(chunk)
                size += len(chunk)
        return Copied(size=size, sha256=digest.hexdigest())


@contextmanager
def placed(dest: Path, *, folder: bool, force: bool = False, marks: Sequence[str] = ()) -> Iterator[Place]:
    """A place to write to, that becomes ``dest`` when the block has ended well, and leaves nothing when it has not.

    Args:
        dest: the name that it will have; the folder above it is there.
        folder: whether it is to be a folder; else a file.
        force: take the place of what is there: of any file, and of a folder that is empty or holds all ``marks``.
        marks: names of files by which a folder is known to be an export.

    Raises:
        ExportRefused: there is something else at ``dest``, or it may not be written to.
        DiskFull: there is no room.
    """
    dest = Path(os.path.abspath(dest))
    try:
        _check(dest, folder=folder, force=force, marks=marks)
        _sweep(dest)
        part = dest.with_name(f".{dest.name}.{secrets.token_hex(8)}{_PART}")
        try:
            if folder:
                part.mkdir()
                with _locked(part):
                    yield Place(dest, part, None)
                    os.sync()  # one for all: a picture each would take a million
                    _take_name(part, dest, force=force)
            else:
                with part.open("x+b", buffering=_CHUNK) as file:
                    fcntl.flock(file.fileno(), fcntl.LOCK_EX)
                    yield Place(dest, part, file)
                    file.flush()
                    os.fsync(file.fileno())
                    _take_file_name(part, dest, force=force)
        except BaseException:
            with suppress(OSError):
                _remove(part)
            raise
        sync_folder(dest.parent)
    except OSError as error:
        raise _told(error, dest) from error


def _check(dest: Path, *, folder: bool, force: bool, marks: Sequence[str]) -> None:
    if not dest.name:
        raise ExportRefused(f"{dest} cannot be an export; name a {'folder' if folder else 'file'} in it")
    if not dest.parent.is_dir():
        raise ExportRefused(f"there is no folder {dest.parent} to write {dest.name} into; make it first")
    if not os.path.lexists(dest):
        return
    if folder and not dest.is_dir():
        raise ExportRefused(f"{dest} is a file, and this format makes a folder; choose another name")
    if not folder and dest.is_dir():
        raise ExportRefused(f"{dest} is a folder, and this format makes a file; name a file in it")
    if not folder and not dest.is_file() and not dest.is_symlink():
        raise ExportRefused(f"{dest} is a device and no file; choose another name")
    if not force:
        raise ExportRefused(f"{dest} is there already; choose another name, or say --force to replace it")
    if folder and dest.is_symlink():
        raise ExportRefused(f"{dest} is a link to a folder; name the folder itself")
    if folder and any(dest.iterdir()) and not (marks and all((dest / mark).is_file() for mark in marks)):
        raise ExportRefused(f"{dest} holds something else than such an export and is not replaced; choose another name")


def _sweep(dest: Path) -> None:
    """Remove what killed exports to the same place have left."""
    for path in dest.parent.iterdir():
        is_ours = path.name.startswith(f".{dest.name}.") and path.suffix in (_PART, _OLD)
        if not is_ours or len(path.stem.rpartition(".")[2]) != 16:
            continue
        if path.suffix == _OLD and not dest.exists():
            continue  # killed between the two names: it is the one export that there is
        with suppress(OSError), _locked(path, wait=False):
            _remove(path)


@contextmanager
def _locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _take_file_name(part: Path, dest: Path, *, force: bool) -> None:
    if force:
        os.replace(part, dest)
        return
    try:
        os.link(part, dest)  # fails where a rename would replace what has come meanwhile
    except FileExistsError:
        raise ExportRefused(
            f"{dest} has been made by somebody else meanwhile, and stays; choose another name"
        ) from None
    except OSError:  # a file system without links
        os.rename(part, dest)
        return
    part.unlink()


def _take_name(part: Path, dest: Path, *, force: bool) -> None:
    if force and dest.exists():
        old = dest.with_name(f".{dest.name}.{secrets.token_hex(8)}{_OLD}")
        os.rename(dest, old)
        os.rename(part, dest)
        shutil.rmtree(old, ignore_errors=True)
        return
    try:
        os.rename(part, dest)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        raise ExportRefused(
            f"{dest} has been made by somebody else meanwhile, and stays; choose another name"
        ) from None


def _told(error: OSError, dest: Path) -> Exception:
    why = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in _FULL:
        return DiskFull(f"there is no space left for {dest} ({why}); make room, and run again. Nothing was left there")
    if error.errno in _CLOSED:
        return ExportRefused(f"{dest.parent} may not be written to ({why}); choose another place for {dest.name}")
    return ExportRefused(f"{dest} cannot be written ({why}); nothing was left there")
