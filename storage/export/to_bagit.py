"""BagIt 1.0 (RFC 8493): posts and pictures with a checksum of every file, for a library, or for a disk in a drawer.

The payload is the export ``jsonl`` with its pictures, which ``cupola import cupola`` reads, and two tables. The small
files that make a bag of it are written here and not by bagit-python, because that reads every picture once more for its
checksum, holds the list of them in memory, and asks the clock; the tests have it judge what comes out.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from storage.export.cells import defused, lines
from storage.export.formats import Export, Format
from storage.export.items import Item
from storage.export.place import Place
from storage.export.to_csv import COLUMNS, encode
from storage.export.to_jsonl import POSTS, JsonlFormat

_DATA = "data"
_TABLE, _INCOMPLETE = "posts.csv", "incomplete.csv"
_DECLARATION, _INFO, _MANIFEST = "bagit.txt", "bag-info.txt", "manifest-sha256.txt"
_HASH = re.compile(r"[0-9a-f]{64}")
#: different licences that are told one by one
_TOLD = 20
_BREAK = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

Row = tuple[str, ...]


class BagitFormat(Format):
    """A bag."""

    name: ClassVar[str] = "bagit"
    summary: ClassVar[str] = "a bag for libraries (BagIt 1.0): records, a table, the pictures, a checksum of each file"
    media: ClassVar[bool | None] = True
    marks: ClassVar[tuple[str, ...]] = (_DECLARATION, _INFO, _MANIFEST)
    segments: ClassVar[bool] = JsonlFormat.segments

    @classmethod
    def is_folder(cls, *, with_media: bool) -> bool:
        """Always a folder."""
        return True

    def write(self, place: Place, export: Export) -> None:
        """Write the payload, then what says what it is."""
        told = _Told()
        _payload(place, export, told)
        with place.create(_MANIFEST) as manifest:
            for name, sha256, size in _files(place.folder / _DATA):
                # no name of ours holds a line end or a percent sign, which would have to be written otherwise
                manifest.write(f"{sha256}  {_DATA}/{name}\n".encode())
                told.files += 1
                told.bytes += size
        _tag(place, _DECLARATION, ["BagIt-Version: 1.0", "Tag-File-Character-Encoding: UTF-8"])
        _tag(place, _INFO, (f"{label}: {_line(value)}" for label, value in _info(export, told)))
        sums = [f"{_digest(place.folder / name)}  {name}" for name in (_INFO, _DECLARATION, _MANIFEST)]
        _tag(place, "tagmanifest-sha256.txt", sums)


class _Told:
    """What is counted on the way."""

    def __init__(self) -> None:
        self.posts = self.pictures = self.files = self.bytes = self.lacking = 0
        self.sources: Counter[str] = Counter()
        self.licences: Counter[str | None] = Counter()
        self.first: str | None = None
        self.last: str | None = None

    def take(self, item: Item) -> None:
        self.posts += 1
        self.sources[item.source] += 1
        if item.license in self.licences or len(self.licences) <= _TOLD:
            self.licences[item.license] += 1
        if item.published_at is not None:
            self.first = min(self.first or item.published_at, item.published_at)
            self.last = max(self.last or item.published_at, item.published_at)

    def lacks(self, rows: Iterable[Row]) -> bytes:
        """The lines of the table of what is incomplete."""
        given = [[defused(cell) for cell in row] for row in rows]
        self.lacking += len(given)
        return lines(given)


def _payload(place: Place, export: Export, told: _Told) -> None:
    """Fill the folder of the payload: the export ``jsonl``, and as its posts go by the two tables."""
    with place.create(f"{_DATA}/{_TABLE}") as table, place.create(f"{_DATA}/{_INCOMPLETE}") as incomplete:
        table.write(lines([COLUMNS]))
        incomplete.write(lines([("post_key", "what", "position", "reason", "source_url")]))
        batches = _passing(export, told, table, incomplete)
        inner = replace(
            export,
            batches=batches,
            chunks=lambda make: (make(export.connection, items) for items in batches),
            missing=[],
        )
        if export.with_media:
            JsonlFormat().write(Place(place.path / _DATA, place.folder / _DATA, None), inner)
        else:
            with place.create(f"{_DATA}/{POSTS}") as posts:
                JsonlFormat().write(Place(place.path / _DATA / POSTS, place.folder / _DATA / POSTS, posts), inner)
        incomplete.write(told.lacks(("", "media_lost", "", sentence, "") for sentence in inner.missing))
        export.missing.extend(inner.missing)


def _passing(export: Export, told: _Told, table: BinaryIO, incomplete: BinaryIO) -> Iterator[list[Item]]:
    for items in export.batches:
        table.write(encode(export.connection, items))
        for item in items:
            told.take(item)
            if item.incomplete:
                incomplete.write(told.lacks(_missing(item)))
        yield items


def _missing(item: Item) -> Iterator[Row]:
    """What a post lacks, a row each."""
    for word in item.incomplete:
        if not word.startswith("media_"):
            yield item.key, word, "", "", item.url or ""
    for picture in item.media:
        if picture.state != "stored":
            reason, where = picture.reason or "", picture.source_url or ""
            yield item.key, f"media_{picture.state}", str(picture.position), reason, where


def _files(folder: Path, below: str = "") -> Iterator[tuple[str, str, int]]:
    """The files of the payload by name: path, SHA-256 and size.

    A picture's name is its hash, with which its bytes were compared while they were copied: it is not read again.
    """
    for found in sorted(os.scandir(folder), key=lambda entry: entry.name):
        name = f"{below}{found.name}"
        if found.is_dir():
            yield from _files(Path(found.path), f"{name}/")
        else:
            stem = found.name.partition(".")[0]
            sha256 = stem if below.startswith("media/") and _HASH.fullmatch(stem) else _digest(Path(found.path))
            yield name, sha256, found.stat().st_size


def _info(export: Export, told: _Told) -> Iterator[tuple[str, str]]:
    """The elements of ``bag-info.txt``, in order; those that RFC 8493 does not know come last."""
    if export.wishes.organisation is not None:
        yield "Source-Organization", export.wishes.organisation
    dated = f", published from {told.first[:10]} to {told.last[:10]}" if told.first and told.last else ""
    pictures = "with their pictures" if export.with_media else "without their pictures"
    yield "External-Description", f"{told.posts} posts of space missions{dated}, {pictures}"
    if export.wishes.date is not None:
        yield "Bagging-Date", export.wishes.date.isoformat()
    yield "Payload-Oxum", f"{told.bytes}.{told.files}"
    for name, number in sorted(told.sources.items()):
        facts = export.sources[name]
        where = f", {facts.url}" if facts.url else ""
        yield "Internal-Sender-Description", f"{number} posts of the source {name} ({facts.kind}{where})"
    yield "Bag-Software-Agent", export.cupola
    stated = sorted(told.licences.items(), key=lambda found: (-found[1], found[0] or ""))
    for licence, number in stated[:_TOLD]:
        yield (
            "Rights",
            f"{number} posts: {licence or 'no licence stated'}; credit and license of each are in its record",
        )
    if len(stated) > _TOLD:
        yield "Rights", "others: credit and license of each are in its record"
    lacking = f"{told.lacking} things are missing or uncertain, see {_DATA}/{_INCOMPLETE}"
    yield "Incomplete", lacking if told.lacking else "nothing"
    if export.private:
        yield "Private", "records with publishable = false may not be passed on, and withheld says why"


def _tag(place: Place, name: str, told: Iterable[str]) -> None:
    with place.create(name) as file:
        file.write("".join(f"{line}\n" for line in told).encode())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _line(value: Any) -> str:
    return _BREAK.sub(" ", str(value)).strip()
