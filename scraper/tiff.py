"""The directories of a TIFF file, in which Exif is written too (TIFF 6.0, section 2).

Own code on purpose: Pillow reports a broken directory through the process-wide ``warnings`` and reads a tag
whole, however large it says it is. Here every read is bounded.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

ASCII, UNDEFINED = 2, 7
RATIONALS = (5, 10)
#: the format of one number of each TIFF type; rationals are two numbers
_NUMBERS = {1: "B", 3: "H", 4: "I", 5: "II", 6: "b", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d"}
_WIDTHS = {kind: struct.calcsize("<" + form) for kind, form in _NUMBERS.items()}
_MAX_ENTRIES = 4096  # of one directory; cameras write fewer than a hundred
_MAX_NUMBERS = 2**20  # of one tag; a strip for each row of the largest picture is a sixteenth of it
#: the tags with the offsets and with the lengths of strips, of tiles, of an old JPEG
_PARTS = ((273, 279), (324, 325), (513, 514))
_MAX_DIRECTORIES = 1000  # pictures in one file


class DirectoryError(ValueError):
    """A TIFF header or directory that cannot be followed; the message says where."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag of a directory: its number, type, count of values, and where in the file they lie."""

    tag: int
    type: int
    count: int
    offset: int


def _length(entry: Entry) -> int:
    """The bytes of a tag's value; those of an unknown type are counted as bytes."""
    return _WIDTHS.get(entry.type, 1) * entry.count


class Directories:
    """The directories (IFD) of a classic TIFF file, or of an Exif block, which is one.

    Args:
        file: seekable; it starts with the TIFF header.
        size: its length in bytes.

    Raises:
        DirectoryError: there is no TIFF header.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size
        head = self._read(0, 8)
        order = {b"II*\0": "<", b"MM\0*": ">"}.get(head[:4])
        if order is None:
            raise DirectoryError("there is no TIFF header")
        self._order = order
        (self.first,) = struct.unpack(order + "I", head[4:])

    def read(self, offset: int) -> tuple[list[Entry], int | None]:
        """The directory at ``offset`` and the offset of the next one (0: there is none; None: it is cut off there).

        Raises:
            DirectoryError: it does not lie within the file.
        """
        (count,) = struct.unpack(self._order + "H", self._read(offset, 2))
        if not 0 < count <= _MAX_ENTRIES:
            raise DirectoryError(f"the directory at byte {offset} has {count} tags")
        block = self._read(offset + 2, 12 * count)
        entries = []
        for number, (tag, kind, values, place) in enumerate(struct.iter_unpack(self._order + "HHII", block)):
            entry = Entry(tag, kind, values, place)
            if _length(entry) <= 4:  # the value itself stands in place of its offset
                entry = Entry(tag, kind, values, offset + 2 + 12 * number + 8)
            entries.append(entry)
        tail = offset + 2 + 12 * count
        following = struct.unpack(self._order + "I", self._read(tail, 4))[0] if tail + 4 <= self.size else None
        return entries, following

    def bytes_of(self, entry: Entry, limit: int) -> bytes:
        """The value of a tag of bytes or text, of at most ``limit`` bytes."""
        return self._read(entry.offset, min(entry.count, limit))

    def numbers_of(self, entry: Entry, limit: int = _MAX_NUMBERS) -> tuple[int | float, ...]:
        """The numbers of a tag; of a rational numerator and denominator in turn.

        Raises:
            DirectoryError: they do not lie within the file, are more than ``limit``, or are no numbers.
        """
        form = _NUMBERS.get(entry.type)
        if form is None or not 0 < entry.count <= limit:
            raise DirectoryError(f"tag {entry.tag} has {entry.count} values of type {entry.type}")
        block = self._read(entry.offset, _length(entry))
        return struct.unpack(f"{self._order}{len(form) * entry.count}{form[0]}", block)

    def _read(self, offset: int, length: int) -> bytes:
        if offset + length > self.size:
            raise DirectoryError(f"bytes {offset} to {offset + length} are beyond the end")
        self._file.seek(offset)
        block = self._file.read(length)
        if len(block) != length:
            raise DirectoryError(f"the file ends before byte {offset + length}")
        return block


def shapes_of(directories: Directories) -> list[tuple[int, int]]:
    """Width and height of the picture of each directory, in pixels; at least one.

    Raises:
        DirectoryError: a directory, or a strip or tile that it names, does not lie within the file.
    """
    shapes: list[tuple[int, int]] = []
    seen: set[int] = set()
    offset = directories.first
    parts = 0
    while offset and offset not in seen and len(seen) < _MAX_DIRECTORIES:
        seen.add(offset)
        entries, following = directories.read(offset)
        if following is None:
            raise DirectoryError("the last directory has no end")
        offset = following
        if any(entry.offset + _length(entry) > directories.size for entry in entries):
            raise DirectoryError("the value of a tag is beyond the end")
        tags = {entry.tag: entry for entry in entries}
        # together, not each: a thousand directories may share one long list
        parts += sum(tags[offsets].count for offsets, _ in _PARTS if offsets in tags)
        if parts > _MAX_NUMBERS:
            raise DirectoryError(f"more than {_MAX_NUMBERS:,} strips and tiles")
        shapes.append(_shape(directories, tags))
    if not shapes:
        raise DirectoryError("there is no directory")
    return shapes


def _shape(directories: Directories, tags: dict[int, Entry]) -> tuple[int, int]:
    has_picture = False
    for offsets, lengths in _PARTS:
        if offsets not in tags or lengths not in tags:
            continue
        has_picture = True
        places, counts = directories.numbers_of(tags[offsets]), directories.numbers_of(tags[lengths])
        if len(places) != len(counts) or any(a + b > directories.size for a, b in zip(places, counts, strict=True)):
            raise DirectoryError("a part of the picture is beyond the end")
    if 256 not in tags or 257 not in tags or not has_picture:
        raise DirectoryError("a directory without a picture")
    return int(directories.numbers_of(tags[256], 1)[0]), int(directories.numbers_of(tags[257], 1)[0])
