"""Reads all that is held and compares it with what was recorded; changes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Select, exists, func, select

from storage import answers, indexcheck, warcfiles
from storage.blobs import Blob, Blobs, relative_path
from storage.damage import Damage, Share, Trouble
from storage.engine import Database
from storage.errors import ArchiveDamaged, BlobMismatch, BlobMissing, StorageError
from storage.views import assets, attachments, captures, posts

__all__ = ["Damage", "Progress", "Report", "Share", "Trouble", "verify"]

#: rows that are read at once, each time in a transaction of its own: a run may write meanwhile
BATCH = 500
#: files that are hashed at once
THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was read (media files, their bytes, answers) and what was found.

    ``orphans`` are files in ``media/`` and ``warc/`` that nothing points to: what a killed run left between file and
    row, or what a run that is under way has not recorded yet. ``unreferenced`` are held pictures that no post
    points to, nor ever did; ``aside`` are damaged files and records that a sound copy, or another picture, has
    replaced. They take room and do no harm.
    """

    files: int
    bytes: int
    answers: int
    damage: tuple[Damage, ...]
    orphans: tuple[str, ...]
    unreferenced: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    share: Share = field(default_factory=Share)

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
            "unreferenced": list(self.unreferenced),
            "aside": list(self.aside),
        }


#: told as it goes on: ``media`` or ``warc``, how many are read, of how many
Progress = Callable[[str, int, int], None]


def verify(
    database: Database,
    folder: Path,
    *,
    share: Share | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Report:
    """Check the database, every media file against its size and hash, and every WARC file from end to end.

    Memory does not grow with what is held, only with what is wrong.

    Args:
        database: of the archive.
        folder: the archive's folder.
        share: the part of media and WARC files that is read; all when not given.
        progress: told every so often; a total of 0 is not known. It may raise to end the look.
    """
    check = _Check(database, folder, share or Share(), progress)
    for step in (check.database_file, check.index, check.media, check.unheld, check.answers, check.orphans):
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
        unreferenced=tuple(check.without_post),
        aside=(*Blobs(folder).aside(), *warcfiles.aside(folder)),
        share=check.share,
    )


def pictures(database: Database) -> int:
    """How many pictures are held."""
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(assets)).scalar_one()


class _Check:
    def __init__(self, database: Database, folder: Path, share: Share, progress: Progress) -> None:
        self.share = share
        self._database = database
        self._folder = folder
        self._blobs = Blobs(folder)
        self._progress = progress
        self.damage: list[Damage] = []
        self.without_row: list[str] = []
        self.without_post: list[str] = []
        self.files = self.bytes = self.records = 0

    def add(self, trouble: Trouble, what: str, message: str) -> None:
        self.damage.append(Damage(trouble=trouble, what=what, message=message))

    def database_file(self) -> None:
        """Ask the database whether it is well-formed and no row points to one that is not there."""
        with self._database.read() as connection:
            for line in self._database.faults(connection):
                self.add(Trouble.DATABASE, self._database.name, line)

    def index(self) -> None:
        """Compare what posts are found by with what they say."""
        self.damage += indexcheck.damages(self._database, self.share)

    def media(self) -> None:
        """Read every file that a row says is held, several at once: hashing needs no lock of the interpreter."""
        within = (assets.c.sha256 >= self.share.start, assets.c.sha256 < self.share.stop)
        total = self._count(assets.c.sha256, *within)
        used = exists().where(attachments.c.sha256 == assets.c.sha256)
        columns = select(assets.c.sha256, assets.c.extension, assets.c.size, used.label("used")).where(*within)
        statement = columns.order_by(assets.c.sha256).limit(BATCH)
        last, replaced = "", self._blobs.aside_of()
        with _given_up_at_once(ThreadPoolExecutor(THREADS, thread_name_prefix="verify")) as pool:
            while rows := self._rows(statement.where(assets.c.sha256 > last)):
                for row, found in zip(rows, pool.map(self._file, rows), strict=True):
                    self.files += 1
                    if isinstance(found, Damage):
                        # put aside because its posts show another picture by now: it is told of there
                        is_replaced = found.trouble is Trouble.MISSING and not row.used
                        if not (is_replaced and f"{row.sha256}.{row.extension}" in replaced):
                            self.damage.append(found)
                    else:
                        self.bytes += found
                        if not row.used:
                            self.without_post.append(relative_path(row.sha256, row.extension))
                    self._progress("media", self.files, total)
                last = rows[-1].sha256

    def _file(self, row: Any) -> int | Damage:
        """The size of a file that is as it should be, or what is wrong with it."""
        what = f"media/{row.sha256}.{row.extension}"
        try:
            what = relative_path(row.sha256, row.extension)
            found = self._blobs.verify(row.sha256, row.extension)
        except BlobMissing as error:
            trouble, message = Trouble.MISSING, str(error)
        except BlobMismatch as error:
            trouble, message = Trouble.MISMATCH, str(error)
        except (StorageError, ValueError) as error:
            trouble, message = Trouble.UNREADABLE, str(error)
        else:
            if found == row.size:
                return found
            trouble, message = Trouble.MISMATCH, f"it has {found} bytes, its row says {row.size}"
        return Damage(trouble=trouble, what=what, message=message, sha256=row.sha256)

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
        """Read every WARC file, each answer against its row."""
        total = self._count(captures.c.id, captures.c.file.is_not(None)) if self.share.of == 1 else 0
        for name, is_ours in answers.files(self._database, self._folder, self.share):
            if not is_ours:
                self.without_row.append(name)
                continue
            for found in answers.check(self._database, self._folder, name):
                if isinstance(found, Damage):
                    self.damage.append(found)
                else:
                    self.records += found
                    self._progress("warc", self.records, total)

    def orphans(self) -> None:
        """Find media files that no row points to."""
        for batch in _batched(f"{blob.sha256}.{blob.extension}" for blob in self._walk()):
            hashes = [name.partition(".")[0] for name in batch]
            known = {
                f"{row.sha256}.{row.extension}"
                for row in self._rows(select(assets.c.sha256, assets.c.extension).where(assets.c.sha256.in_(hashes)))
            }
            self.without_row += [relative_path(*name.split(".")) for name in batch if name not in known]

    def _walk(self) -> Iterator[Blob]:
        return self._blobs.walk(self.share.start, self.share.stop)

    def _rows(self, statement: Select[Any]) -> list[Any]:
        with self._database.read() as connection:
            return list(connection.execute(statement))

    def _count(self, column: Any, *conditions: Any) -> int:
        with self._database.read() as connection:
            return connection.execute(select(func.count(column)).where(*conditions)).scalar_one()


@contextmanager
def _given_up_at_once(pool: ThreadPoolExecutor) -> Iterator[ThreadPoolExecutor]:
    """Begin nothing more when the block is left by an exception."""
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _batched(names: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for name in names:
        batch.append(name)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
