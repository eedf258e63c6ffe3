"""What can be wrong with what is held, as a value; and the part of it that one look is about."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Trouble(StrEnum):
    """What is wrong with something that is held."""

    #: the file is not there
    MISSING = "missing"
    #: the bytes or the size are not those recorded
    MISMATCH = "mismatch"
    #: the disk or the record's own form does not let it be read
    UNREADABLE = "unreadable"
    #: a picture is called stored, but nothing says which bytes it is
    UNHELD = "unheld"
    #: the database file itself
    DATABASE = "database"
    #: what posts are found by is not what they say
    INDEX = "index"


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One thing that is wrong; ``what`` is a path within the archive, or a post's key and picture.

    ``sha256`` tells a media file, ``file`` and ``offset`` an answer's record (None: the whole file).
    """

    trouble: Trouble
    what: str
    message: str
    sha256: str | None = None
    file: str | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One of ``of`` parts of an archive, counted from 0; together they are all of it, and none is in two.

    A picture's part is told by its hash, an answer's by a hash of the name of its file. Both are laid out on one ring,
    of which a part is a stretch: so parts of different sizes can follow one another without a gap.
    """

    part: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.part < self.of <= 2**32:
            raise ValueError(f"there is no part {self.part} of {self.of}")

    @classmethod
    def from_place(cls, place: Fraction, of: int) -> Share:
        """The part that goes on from a place on the ring (0 to 1): it begins there, or less than a part before."""
        return cls(part=int(place * of) % of, of=of)

    @property
    def end(self) -> Fraction:
        """The place on the ring where the next part goes on."""
        return Fraction((self.part + 1) % self.of, self.of)

    @property
    def start(self) -> str:
        """The least hash of a picture in this part."""
        return f"{self._bound(self.part):08x}" if self.part else ""

    @property
    def stop(self) -> str:
        """The least hash beyond this part; ``g`` comes after all hex digits."""
        return f"{self._bound(self.part + 1):08x}" if self.part + 1 < self.of else "g"

    def holds(self, file: str) -> bool:
        """Whether the answers of a file are in this part."""
        return zlib.crc32(file.encode()) * self.of >> 32 == self.part

    def _bound(self, part: int) -> int:
        return -(-(part << 32) // self.of)
