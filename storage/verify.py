"""Reads all that is held and compares it with what was recorded; changes nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select, tuple_

from storage import warc
from storage.blobs import Blobs, relative_path
from storage.engine import Database
from storage.errors import ArchiveDamaged, BlobMismatch, BlobMissing, StorageError
from storage.views import assets, attachments, captures, posts

#: rows that are read at once, each time in a transaction of its own: a run may write meanwhile
BATCH = 500
#: the order in which answers are read: as they lie
_PLACE = (captures.c.file, func.coalesce(captures.c.offset, -1), captures.c.id)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One thing that is wrong; ``what`` is a path within the archive, or a post's key and picture."""

    trouble: Trouble
    what: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was read (media files, their bytes, answers) and what was found.

    ``orphans`` are media files that nothing points to: what a killed run left between file and row, or
    what a run that is under way has not recorded yet. They take room and do no harm.
    """

    files: int
    bytes: int
    answers: int
    damage: tuple[Damage, ...]
    orphans: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damage

    def as_json(self) -> dict[str, Any]:
        """The object that ``cupola verify --json`` prints."""
        return asdict(self) | {
            "sound": self.is_sound,
            "damage": [asdict(item) for item in self.damage],
            "orphans": list(self.orphans),
        }


#: told as it goes on: ``media`` or ``warc``, how many are read, of how many
Progress = Callable[[str, int, int], None]


def verify(database: Database, folder: Path, *, progress: Progress = lambda what, done, total: None) -> Report:
    """Check the database, every media file against its size and hash, and every answer's record.

    Memory does not grow with what is held, only with what is wrong.

    Args:
        database: of the archive.
        folder: the archive's folder.
        progress: told every so often.
    """
    check = _Check(database, folder, progress)
    for step in (check.database_file, check.media, check.unheld, check.answers, check.orphans):
        try:
            step()
        except ArchiveDamaged as error:
            check.add(Trouble.DATABASE, database.name, str(error))
    return Report(
        files=check.files,
        bytes=check.bytes,
        answers=check.records,
        damage=tuple(dict.fromkeys(check.damage)),
        orphans=tuple(check.without_row),
    )


class _Check:
    def __init__(self, database: Database, folder: Path, progress: Progress) -> None:
        self._database = database
        self._folder = folder
        self._blobs = Blobs(folder)
        self._progress = progress
        self.damage: list[Damage] = []
        self.without_row: list[str] = []
        self.files = self.bytes = self.records = 0

    def add(self, trouble: Trouble, what: str, message: str) -> None:
        self.damage.append(Damage(trouble=trouble, what=what, message=message))

    def database_file(self) -> None:
        """Ask the database whether it is well-formed and no row points to one that is not there."""
        with self._database.read() as connection:
            for line in self._database.faults(connection):
                self.add(Trouble.DATABASE, self._database.name, line)

    def media(self) -> None:
        """Read every file that a row says is held."""
        total = self._count(assets.c.sha256)
        last = ""
        columns = select(assets.c.sha256, assets.c.extension, assets.c.size).order_by(assets.c.sha256).limit(BATCH)
        while rows := self._rows(columns.where(assets.c.sha256 > last)):
            for row in rows:
                self._file(row.sha256, row.extension, row.size)
                self._progress("media", self.files, total)
            last = rows[-1].sha256

    def _file(self, sha256: str, extension: str, size: int) -> None:
        self.files += 1
        what = f"media/{sha256}.{extension}"
        try:
            what = relative_path(sha256, extension)
            self._blobs.verify(sha256, extension)
            with self._blobs.open(sha256, extension) as file:
                found = os.fstat(file.fileno()).st_size
        except BlobMissing as error:
            self.add(Trouble.MISSING, what, str(error))
        except BlobMismatch as error:
            self.add(Trouble.MISMATCH, what, str(error))
        except (StorageError, ValueError) as error:
            self.add(Trouble.UNREADABLE, what, str(error))
        else:
            self.bytes += found
            if found != size:
                self.add(Trouble.MISMATCH, what, f"it has {found} bytes, its row says {size}")

    def unheld(self) -> None:
        """Find pictures that are called stored without a row that says which bytes they are."""
        statement = (
            select(posts.c.source_id, posts.c.native_id, attachments.c.id, attachments.c.position)
            .join(posts, posts.c.id == attachments.c.post_id)
            .outerjoin(assets, assets.c.sha256 == attachments.c.sha256)
            .where(attachments.c.state == "stored", assets.c.sha256.is_(None))
            .order_by(attachments.c.id)
            .limit(BATCH)
        )
        last = 0
        while rows := self._rows(statement.where(attachments.c.id > last)):
            for row in rows:
                what = f"{row.source_id}:{row.native_id} picture {row.position + 1}"
                self.add(Trouble.UNHELD, what, "it is called stored, but no file is recorded for it")
            last = rows[-1].id

    def answers(self) -> None:
        """Read every answer back from its WARC record."""
        columns = select(
            captures.c.id,
            captures.c.url,
            captures.c.file,
            captures.c.offset,
            captures.c.length,
            captures.c.sha256,
            captures.c.size,
        )
        indexed = captures.c.file.is_not(None)
        total = self._count(captures.c.id, indexed)
        statement = columns.where(indexed).order_by(*_PLACE).limit(BATCH)
        missing: set[str] = set()
        place = ("", -1, -1)
        last: tuple[Any, ...] = ()
        while rows := self._rows(statement.where(tuple_(*_PLACE) > tuple_(*place))):
            for row in rows:
                self.records += 1
                # an answer that came again unchanged points to the record of the first: it is read once
                record = (row.file, row.offset, row.length, row.sha256, row.size)
                if row.file not in missing and record != last:
                    self._answer(row, missing)
                last = record
                self._progress("warc", self.records, total)
            place = (rows[-1].file, -1 if rows[-1].offset is None else rows[-1].offset, rows[-1].id)

    def _answer(self, row: Any, missing: set[str]) -> None:
        what = f"{row.file} at byte {row.offset}"
        try:
            with (self._folder / row.file).open("rb") as file:
                file.seek(row.offset)
                body = warc.body_of(file.read(row.length))
        except FileNotFoundError:
            missing.add(row.file)
            self.add(Trouble.MISSING, row.file, "the file with recorded answers is not there")
        except (OSError, ValueError, TypeError) as error:
            self.add(Trouble.UNREADABLE, what, f"the answer of {row.url} cannot be read back: {error}")
        else:
            if len(body) != row.size or hashlib.sha256(body).hexdigest() != row.sha256:
                self.add(
                    Trouble.MISMATCH, what, f"the answer of {row.url} is cut short, or is not the one that was recorded"
                )

    def orphans(self) -> None:
        """Find files that no row points to."""
        for batch in _batched(f"{blob.sha256}.{blob.extension}" for blob in self._blobs.walk()):
            hashes = [name.partition(".")[0] for name in batch]
            known = {
                f"{row.sha256}.{row.extension}"
                for row in self._rows(select(assets.c.sha256, assets.c.extension).where(assets.c.sha256.in_(hashes)))
            }
            self.without_row += [relative_path(*name.split(".")) for name in batch if name not in known]

    def _rows(self, statement: Select[Any]) -> list[Any]:
        with self._database.read() as connection:
            return list(connection.execute(statement))

    def _count(self, column: Any, *conditions: Any) -> int:
        with self._database.read() as connection:
            return connection.execute(select(func.count(column)).where(*conditions)).scalar_one()


def _batched(names: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for name in names:
        batch.append(name)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
