"""What PATH is: a file and its folder, a folder, or a zip file. Names in it are hostile: nothing outside is opened."""

from __future__ import annotations

import io
import os
import posixpath
import re
import shutil
import stat
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from scraper.imports.records import NotReadable, shortened

_DRIVE = re.compile(r"[A-Za-z]:")
#: folders within folders that are gone into
_DEEPEST = 40


class Missing(Exception):
    """There is no such file in the bundle, or none that may be opened; the message says which and why."""


class Bundle:
    """Files by their names with ``/``, relative to the folder that PATH is or lies in, or to the root of a zip file.

    Args:
        path: a file, a folder or a zip file.
        media: another folder in which files are looked for.

    Raises:
        NotReadable: there is nothing that can be read.
    """

    def __init__(self, path: Path, media: Path | None = None) -> None:
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        self._roots: list[Path] = []
        #: the name of the one file that was given; None when it is a folder or a zip file
        self.single: str | None = None
        try:
            if path.is_dir():
                self._roots.append(path)
            elif not stat.S_ISREG(path.stat().st_mode):
                raise NotReadable(f"{path} is neither a file nor a folder")
            elif zipfile.is_zipfile(path) and not path.name.lower().endswith((".csv", ".json", ".jsonl", ".js")):
                self._zip = zipfile.ZipFile(path)
            else:
                self.single = path.name
                self._roots.append(path.parent)
        except (OSError, zipfile.BadZipFile) as error:
            raise NotReadable(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
        if media is not None:
            self._roots.append(media)
        self._names = set(self._zip.namelist()) if self._zip else set[str]()

    @property
    def is_zip(self) -> bool:
        """Whether it is a zip file."""
        return self._zip is not None

    def names(self, extension: str) -> Iterator[str]:
        """The files whose names end so, in order of their names; links to folders are not gone into."""
        if self._zip is not None:
            yield from sorted(name for name in self._names if name.lower().endswith(extension))
        elif self.single is not None:
            yield self.single
        else:
            yield from _walk(self._roots[0], "", extension, 0)

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        try:
            self.open(name).close()
        except Missing:
            return False
        return True

    def size(self, name: str) -> int | None:
        """Bytes of a file as the file system or the zip says; None when there is no telling."""
        if self._zip is not None and name in self._names:
            return self._zip.getinfo(name).file_size
        try:
            with self.open(name) as file:
                return os.fstat(file.fileno()).st_size
        except (Missing, OSError):
            return None

    def open(self, name: str) -> IO[bytes]:
        """A file, to be read from its start.

        Raises:
            Missing: it is not there, is no file, or lies outside.
        """
        plain = _inside(name)
        if self._zip is not None and plain in self._names:
            try:
                return self._zip.open(plain)
            except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError) as error:
                raise Missing(f"{shortened(name)} cannot be read out of {self.path.name}: {error}") from error
        faults = [f"{shortened(name, 200)} is not there"]
        for root in self._roots:
            try:
                return _opened(root, plain)
            except FileNotFoundError:
                continue
            except OSError as error:
                faults.append(f"{shortened(name, 200)} cannot be opened: {error.strerror or error}")
        raise Missing(faults[-1])

    def seekable(self, name: str) -> IO[bytes]:
        """A file in which one can go to any place at little cost; one that is packed in a zip file is unpacked for it.

        Raises:
            Missing: as ``open``.
        """
        if self._zip is None or name not in self._names:
            return self.open(name)
        info = self._zip.getinfo(name)
        if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
            return cast("IO[bytes]", io.BufferedReader(_Stored(self.path, info)))
        unpacked = cast("IO[bytes]", tempfile.TemporaryFile())  # noqa: SIM115 - the caller closes it
        with self.open(name) as packed:
            shutil.copyfileobj(packed, unpacked, 2**20)
        unpacked.seek(0)
        return unpacked

    def close(self) -> None:
        """Close the zip file."""
        if self._zip is not None:
            self._zip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Stored(io.RawIOBase):
    """A member of a zip file that is not packed, read from where it lies."""

    def __init__(self, path: Path, info: zipfile.ZipInfo) -> None:
        self._file = path.open("rb")
        self._file.seek(info.header_offset)
        head = self._file.read(30)
        if head[:4] != b"PK\x03\x04":
            self._file.close()
            raise Missing(f"{shortened(info.filename, 200)} is not where the zip file says it is")
        # the header in its place has its own length of name and extra field
        self._start = (
            info.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        )
        self._size, self._at = info.file_size, 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read on."""
        count = max(0, min(len(buffer), self._size - self._at))
        self._file.seek(self._start + self._at)
        chunk = self._file.read(count)
        buffer[: len(chunk)] = chunk
        self._at += len(chunk)
        return len(chunk)

    def close(self) -> None:
        """Close the zip file."""
        self._file.close()
        super().close()


def _inside(name: str) -> str:
    plain = posixpath.normpath(name.replace("\\", "/"))
    if (
        not name.strip()
        or "\0" in name
        or plain.startswith(("/", "../"))
        or plain in (".", "..")
        or _DRIVE.match(plain)
    ):
        raise Missing(f"{shortened(name, 200)} lies outside of what is imported, and is not opened")
    return plain


def _opened(root: Path, name: str) -> IO[bytes]:
    """The file, one step at a time from ``root`` and over no link, so that what is opened lies inside."""
    place = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        *folders, last = name.split("/")
        for folder in folders:
            inner = os.open(
                _spelt(place, folder), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place
            )
            os.close(place)
            place = inner
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.open(_spelt(place, last), flags, dir_fd=place)
    except UnicodeEncodeError as error:
        raise FileNotFoundError(name) from error
    finally:
        os.close(place)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(f"{name} is no file")
    return cast("IO[bytes]", os.fdopen(file, "rb"))


def _spelt(folder: int, name: str) -> str:
    """``name`` as the folder spells it: macOS writes é as two characters, and a table made elsewhere as one."""
    if name.isascii():
        return name
    for form in (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)):
        try:
            os.stat(form, dir_fd=folder, follow_symlinks=False)
        except OSError:
            continue
        return form
    return name


def _walk(folder: Path, prefix: str, extension: str, depth: int) -> Iterator[str]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise NotReadable(f"{folder} cannot be read: {error.strerror}") from error
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if depth < _DEEPEST:
                yield from _walk(folder / entry.name, f"{prefix}{entry.name}/", extension, depth + 1)
        elif entry.name.lower().endswith(extension) and entry.is_file(follow_symlinks=False):
            yield prefix + entry.name
