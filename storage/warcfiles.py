"""The WARC files of an archive: their names, appending a whole record or nothing, walking and cutting them.

Every run writes files of its own, ``warc/<source>-<began>-<run>.warc.gz``; when one is as big as it may be, the
next is ``…-<run>-2.warc.gz``. Knows no rows.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from storage.durable import sync_folder

FOLDER = "warc"
#: where damaged records are kept, below the folder; nothing is ever removed from there but by ``storage.forget``
ASIDE = ".damaged"
_NAME = re.compile(r"(?P<stem>.+-\d{8}T\d{6}Z-(?P<run>\d+))(?:-(?P<part>\d+))?\.warc\.gz")
_TYPE = re.compile(rb"^WARC-Type:\s*([a-z]+)", re.IGNORECASE | re.MULTILINE)
#: a record's own headers are found in its first bytes
_HEAD = 2048
_CHUNK = 2**18
#: with which a member of a gzip file begins
_MAGIC = b"\x1f\x8b\x08"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A whole record in a file: where it lies, and its ``WARC-Type``."""

    offset: int
    length: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What lies between whole records and is none, and why not."""

    offset: int
    length: int
    why: str


def file_name(source_id: str, started_at: datetime, run_id: int, part: int = 1) -> str:
    """The path of a run's file within the archive, with ``/``; ``part`` counts from 1."""
    stem = f"{source_id}-{started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{run_id}"
    return f"{FOLDER}/{stem}.warc.gz" if part == 1 else f"{FOLDER}/{stem}-{part}.warc.gz"


def run_of(name: str) -> int | None:
    """The run that a file in ``warc/`` is of, by its bare name; None when that is no name of ours."""
    found = _NAME.fullmatch(name)
    return int(found["run"]) if found else None


def part_of(name: str) -> int:
    """Which of its run's files this is, by its path or bare name, from 1; ValueError when that is no name of ours."""
    found = _NAME.fullmatch(Path(name).name)
    if found is None:
        raise ValueError(f"{name} is no file of a run")
    return int(found["part"] or 1)


def files_of(folder: Path, source_id: str, started_at: datetime, run_id: int) -> list[str]:
    """The paths (within the archive in ``folder``) of the files of a run that are there."""
    first = Path(file_name(source_id, started_at, run_id))
    stem = first.name.removesuffix(".warc.gz")
    held = (folder / FOLDER).glob("*.warc.gz")
    found = {path.name: _NAME.fullmatch(path.name) for path in held if path.name.startswith(stem)}
    return sorted(f"{FOLDER}/{name}" for name, match in found.items() if match and match["stem"] == stem)


def beside(folder: Path, name: str) -> str:
    """The path, within the archive in ``folder``, of a file of the same run that is not there yet."""
    stem = name.removesuffix(".warc.gz")
    part = part_of(name)
    first = stem if part == 1 else stem.rpartition("-")[0]
    while (folder / (target := f"{first}-{part + 1}.warc.gz")).exists():
        part += 1
    return target


def aside(folder: Path) -> list[str]:
    """Damaged records that were put aside, as paths within the archive in ``folder``."""
    kept = folder / FOLDER / ASIDE
    return sorted(f"{FOLDER}/{ASIDE}/{path.name}" for path in kept.iterdir()) if kept.is_dir() else []


def run_of_aside(name: str) -> int | None:
    """The run whose file a damaged record was in, by the path or bare name that it was put aside under."""
    return run_of(Path(name.removesuffix(".part")).name.rsplit(".", 2)[0])


def append(path: Path, data: bytes) -> int:
    """Append all of ``data`` durably, or nothing; where it begins.

    Raises:
        OSError: the disk is at fault.
    """
    is_new = not path.exists()
    with path.open("ab", buffering=0) as file:
        start = file.seek(0, os.SEEK_END)
        try:
            view = memoryview(data)
            while view:
                view = view[file.write(view) or 0 :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(start)
            raise
    if is_new:
        sync_folder(path.parent)
    return start


def take_back(path: Path, start: int, end: int) -> None:
    """Cut off what was appended between two places, unless somebody has written behind it; an empty file goes."""
    if path.stat().st_size != end:
        return
    if start:
        os.truncate(path, start)
    else:
        path.unlink()


def members(file: BinaryIO, start: int = 0, end: int | None = None) -> Iterator[Member]:
    """The whole records between two places of a file, in order, each unpacked to its last byte and checksum.

    Memory does not grow with a record's size.

    Args:
        file: open for reading; where it stands does not matter.
        start: where a record begins.
        end: where to stop; the end of the file when not given.

    Raises:
        ValueError: what comes after the last record given is no whole one.
    """
    at = start
    while end is None or at < end:
        file.seek(at)
        unpack, head, length = zlib.decompressobj(wbits=31), b"", 0
        while not unpack.eof:
            chunk = file.read(_CHUNK if end is None else min(_CHUNK, end - at - length))
            if not chunk and not length:
                return
            try:
                rest, out = chunk, b""
                while not unpack.eof:
                    out = unpack.decompress(rest, _CHUNK)
                    head += out[: _HEAD - len(head)]
                    rest = unpack.unconsumed_tail
                    if not rest and len(out) < _CHUNK:
                        break
            except zlib.error as error:
                raise ValueError(f"no whole record at byte {at} ({error})") from error
            if not chunk and not unpack.eof:
                raise ValueError(f"the record at byte {at} is cut short")
            length += len(chunk) - len(unpack.unused_data)
        kind = _TYPE.search(head)
        if not head.startswith(b"WARC/") or kind is None:
            raise ValueError(f"what begins at byte {at} is no record")
        yield Member(offset=at, length=length, kind=kind[1].decode().lower())
        at += length


def gaps(file: BinaryIO, start: int, end: int) -> Iterator[Gap]:
    """What is no whole record between two places of a file, in order; each ends where the next whole record begins.

    Raises:
        OSError: the disk is at fault.
    """
    at = start
    while at < end:
        last = at
        try:
            for member in members(file, at, end):
                last = member.offset + member.length
            return
        except ValueError as error:
            at = _next_member(file, last + 1, end)
            yield Gap(offset=last, length=at - last, why=str(error))


def _next_member(file: BinaryIO, start: int, end: int) -> int:
    """Where the next whole record begins; ``end`` when there is none."""
    at = start
    while at < end:
        file.seek(at)
        chunk = file.read(min(_CHUNK, end - at))
        found = chunk.find(_MAGIC)
        if found < 0:
            # the beginning of a record may be cut in two
            at += max(len(chunk) - len(_MAGIC) + 1, 1)
            continue
        at += found
        try:
            next(members(file, at, end))
        except ValueError:
            at += 1
        else:
            return at
    return end


def end_of_revisits(path: Path, start: int) -> int:
    """Where the last whole pair of request and revisit ends that follows on ``start``; ``start`` if none does.

    A response that no row points to, and a record that is cut short, end it: they are what a killed run left.
    """
    end = start
    with path.open("rb") as file:
        try:
            for member in members(file, start):
                if member.kind == "revisit":
                    end = member.offset + member.length
                elif member.kind not in ("request", "warcinfo"):
                    break
        except ValueError:
            pass
    return end
