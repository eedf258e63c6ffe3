"""One state of an archive's SQLite database as a file of its own: made while it is in use, whole and checked."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from storage.engine import Database, translated
from storage.errors import ArchiveDamaged, DiskFull
from storage.sqlite_file import translate

#: pages that are copied in one step; between two somebody may say stop
_PAGES = 4096


def take_snapshot(database: Database, path: Path, told: Callable[[int, int], None]) -> sqlite3.Connection:
    """Copy one state of the database to ``path``, whole and on the disk; open to be read.

    Args:
        database: an archive's in a file; it may be in use.
        path: where nothing is that is wanted.
        told: pages that are copied, and of how many; may raise to interrupt.

    Raises:
        ArchiveDamaged: the database is.
        DiskFull, StorageError: as they say.
    """
    with translated(path), database.read() as connection:
        raw = connection.connection.driver_connection
        if not isinstance(raw, sqlite3.Connection):
            raise TypeError(f"an online backup is not written for {type(raw).__name__}")
        # the first question fixes the state that is copied, whoever writes meanwhile
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").fetchone()
        with _full_disk_is_of(path), closing(sqlite3.connect(path)) as copy:
            raw.backup(copy, pages=_PAGES, progress=lambda _, remaining, total: told(total - remaining, total))
            copy.execute("PRAGMA journal_mode=DELETE").fetchone()
        for end in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        made = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
        found = made.execute("PRAGMA integrity_check(5)").fetchall()
    if found != [("ok",)]:
        made.close()
        raise ArchiveDamaged(f"{database} is damaged ({found[0][0]}); no copy was made")
    return made


def is_of(snapshot: sqlite3.Connection, path: Path) -> bool:
    """Whether the database at ``path`` is an earlier state of the same archive: it has no run that this one has not."""
    query = "SELECT id, source_id, started_at FROM runs"
    with translated(path), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as held:
        last = held.execute(f"{query} ORDER BY id DESC LIMIT 1").fetchone()
    return bool(last is None or snapshot.execute(f"{query} WHERE id = ?", last[:1]).fetchone() == last)


@contextmanager
def _full_disk_is_of(path: Path) -> Iterator[None]:
    """A disk that is full is that of the copy; what else is wrong is told of the archive that is read."""
    try:
        yield
    except sqlite3.Error as error:
        if isinstance(own := translate(error, path), DiskFull):
            raise own from error
        raise
