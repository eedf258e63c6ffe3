"""Lines of an export, one at a time: the header, then records; one that is none costs itself alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from storage.errors import ImportRefused
from storage.transfer.plain import told

#: what the first line of such a file calls it
FORMAT = "cupola-archive"
VERSION = 1
#: bytes of the longest line that is read: a post with all its history is far below
LONGEST = 32 * 2**20
_CHUNK = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the first line says: kinds and addresses of the sources by their ids, and how many posts follow."""

    sources: Mapping[str, tuple[str, str | None]]
    posts: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line: its number from 1, and the object in it, or what is wrong with it; ``end`` is where it ends in bytes."""

    number: int
    end: int
    record: Mapping[str, Any] | None = None
    fault: str | None = None
    is_cut: bool = False


def read_header(file: BinaryIO, path: Path) -> Header:
    """The header, which ``file`` is at the start of.

    Raises:
        ImportRefused: it is none, or of a version or kind that cannot be brought in; says what to do.
    """
    first = file.readline(LONGEST + 1)
    if not first.strip():
        raise ImportRefused(f"{path} is empty; export it again with `cupola export jsonl`")
    try:
        said = orjson.loads(first)
    except ValueError as error:
        raise ImportRefused(f"{path}, line 1: this is no JSON ({error}); {_WANTED}") from error
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise ImportRefused(f"{path}, line 1: the header of an export of Cupola is missing; {_WANTED}")
    version = said.get("version")
    if type(version) is not int or version < 1:
        raise ImportRefused(f"{path}, line 1: {told(version)} is no version; {_WANTED}")
    if version > VERSION:
        raise ImportRefused(
            f"{path} was written by a newer Cupola (version {version}, this one reads {VERSION}); upgrade Cupola"
        )
    if said.get("records_only"):
        raise ImportRefused(
            f"{path} holds the public records only, not what an archive is restored from; export it again without "
            "--records-only"
        )
    posts = said.get("posts")
    return Header(sources=dict(_sources(said.get("sources"))), posts=posts if type(posts) is int else None)


def read_lines(file: BinaryIO) -> Iterator[Line]:
    """The lines after the header; memory does not grow with them, nor with a line that is too long."""
    number, end = 1, file.tell()
    while data := file.readline(LONGEST + 1):
        number += 1
        end += len(data)
        if len(data) > LONGEST:
            while data and not data.endswith(b"\n"):
                data = file.readline(_CHUNK)
                end += len(data)
            yield Line(number=number, end=end, fault=f"the line is longer than {LONGEST:,} bytes")
            continue
        if not data.strip():
            continue
        try:
            record = orjson.loads(data)
        except ValueError as error:
            cut = not data.endswith(b"\n")
            yield Line(number=number, end=end, fault="the line is cut off" if cut else f"no JSON ({error})", is_cut=cut)
            continue
        if isinstance(record, dict):
            yield Line(number=number, end=end, record=record)
        else:
            yield Line(number=number, end=end, fault=f"expected an object, found {told(record)}")


_WANTED = "only what `cupola export jsonl` has written can be brought in"


def _sources(said: Any) -> Iterator[tuple[str, tuple[str, str | None]]]:
    for item in said if isinstance(said, list) else ():
        if isinstance(item, dict) and isinstance(item.get("id"), str) and isinstance(item.get("kind"), str):
            url = item.get("url")
            yield item["id"], (item["kind"], url if isinstance(url, str) else None)
