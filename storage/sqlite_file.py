"""An archive's database as one file: how SQLite is opened and told to behave, and what its errors mean here."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import StatementError

from storage.errors import (
    ArchiveDamaged,
    ArchiveLocked,
    ArchiveMissing,
    ArchiveReadOnly,
    DiskFull,
    RowRefused,
    StorageError,
)

FILE = "cupola.db"

#: how many lines of SQLite's own complaints are told
COMPLAINTS = 20

#: rows of each index that are looked at for statistics, at most; see ``optimise``
ROWS_LOOKED_AT = 1000
#: bytes of the journal above which it is emptied after a write
LONGEST_JOURNAL = 2**26
#: KiB of the file that a connection keeps in memory; with SQLite's own 2 MB, posts that are far apart
#: in a large file are read from the disk again and again
PAGES_KEPT = 65_536
#: seconds to wait, when it is emptied, for those who read what was there before
PATIENCE = 1.0


class SqliteFile:
    """The file ``cupola.db`` of an archive.

    Args:
        folder: the archive's folder; made for a writer.
        read_only: for readers; works on a folder or medium that cannot be written to.
        create: whether the file is made when it is not there.
        busy_timeout: seconds that a writer waits for another one.

    Raises:
        ArchiveMissing: it is not there, and is not to be made.
    """

    def __init__(self, folder: Path, *, read_only: bool, create: bool, busy_timeout: float) -> None:
        self.path = (folder / FILE).absolute()
        if read_only or not create:
            if not self.path.exists():
                raise self.missing()
        else:
            folder.mkdir(parents=True, exist_ok=True)
        if read_only:
            _roll_back(self.path, busy_timeout)
        mode = "mode=ro" if read_only else "mode=rwc" if create else "mode=rw"
        if read_only and _is_quiet(self.path) and not os.access(self.path.parent, os.W_OK):
            # nobody is writing: SQLite need not look for that, and could not
            mode = "immutable=1"
        self.engine = _engine(self.path, mode, busy_timeout)
        self.reading: Engine = self.engine
        # a write that began as a read could not be waited for: SQLite refuses to upgrade it when another one wrote
        self.writing: Engine = self.engine.execution_options(begin="BEGIN IMMEDIATE")
        self._empty_at = LONGEST_JOURNAL

    def __str__(self) -> str:
        return str(self.path)

    @property
    def file(self) -> Path:
        """The database's file."""
        return self.path

    def missing(self) -> ArchiveMissing:
        """The error when there is no archive in the folder."""
        return ArchiveMissing(
            f"there is no archive in {self.path.parent}; check --archive or the configuration's archive.folder,"
            " or make one with `cupola scrape`"
        )

    def translate(self, error: Exception) -> StorageError | None:
        """See ``translate``."""
        return translate(error, self.path)

    def tables(self, connection: Connection) -> set[str]:
        """The names of the tables that are there."""
        return set(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars())

    def faults(self, connection: Connection) -> Iterator[str]:
        """Where the file is not well-formed, and rows that point to one that is not there."""
        for (line,) in connection.exec_driver_sql(f"PRAGMA quick_check({COMPLAINTS})"):
            if line != "ok":
                yield line
        if words := self._words_faults():
            yield words
        orphaned = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(COMPLAINTS)
        for table, row, parent, _ in orphaned:
            yield f"row {row} of {table} points to nothing in {parent}"

    def _words_faults(self) -> str | None:
        """What FTS5 finds wrong with itself, within a second for 100,000 posts; it wants to be asked by a writer.

        Where nobody may write, or somebody does all the time, it is not asked: the words of each post are compared
        in any case (``storage.indexcheck``). See https://www.sqlite.org/fts5.html#the_integrity_check_command
        """
        address = f"{self.path.as_uri()}?mode=rw"
        with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None)) as own:
            try:
                own.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return None
            try:
                own.execute("INSERT INTO post_search(post_search) VALUES ('integrity-check')")
            except sqlite3.Error as error:
                return f"the words of posts are not as they were written ({error}); run `cupola db reindex`"
            finally:
                own.rollback()
        return None

    def wrote(self) -> None:
        """Empty the journal when it has grown long.

        SQLite goes on from the journal's start only at a moment when nobody reads what is in it; with readers that
        overlap there may never be one, so they are waited for. One who stays is not: the next try is when the
        journal has grown by as much again. See https://www.sqlite.org/wal.html#avoiding_excessively_large_wal_files
        """
        journal = self.path.with_name(f"{FILE}-wal")
        # what was written stays so, whatever becomes of the journal; a disk that is at fault is told of by the next one
        with suppress(OSError, sqlite3.Error):
            if journal.stat().st_size < self._empty_at:
                return
            with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=rw", uri=True, timeout=PATIENCE)) as own:
                own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._empty_at = journal.stat().st_size + LONGEST_JOURNAL

    def optimise(self) -> None:
        """Look at a part of each index, and empty the journal if nobody reads what is in it.

        ``PRAGMA optimize`` would look, before SQLite 3.46, at nothing that this very connection has not asked. See
        https://www.sqlite.org/lang_analyze.html#approx
        """
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=rw", uri=True, timeout=10 * PATIENCE)) as own:
            own.execute(f"PRAGMA analysis_limit={ROWS_LOOKED_AT}").fetchone()
            own.execute("ANALYZE")
            # while it waits for readers nobody can write
            own.execute(f"PRAGMA busy_timeout={round(PATIENCE * 1000)}").fetchone()
            own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def scrub(self) -> None:
        """Write the file anew, so that nothing is left of what was deleted, in it or in its journal.

        Raises:
            ArchiveLocked: somebody keeps reading what was there before.
        """
        # outside of a transaction, hence not by way of SQLAlchemy
        pooled = self.engine.raw_connection()
        try:
            cursor = pooled.cursor()
            # what was deleted from FTS5 stays in it until all its parts are made one
            cursor.execute("INSERT INTO post_search(post_search) VALUES ('optimize')")
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            is_busy, *_ = cursor.fetchone() or (0,)
        finally:
            pooled.close()
        if is_busy:
            raise ArchiveLocked(
                f"{self.path} is being read, so that its journal cannot be emptied; wait until that is done,"
                " or stop it, then try again"
            )


def translate(error: Exception, path: Path) -> StorageError | None:
    """The error of this room for one of SQLite's or of the disk's; None when it is neither."""
    cause = error.orig if isinstance(error, StatementError) and error.orig is not None else error
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        return _of_sqlite(code, cause, path)
    if isinstance(cause, OSError):
        return _of_disk(cause, path)
    return None


def _of_sqlite(code: int, cause: sqlite3.Error, path: Path) -> StorageError:
    match code:
        # the last: so many came and went that a place among the readers could not be had for ten seconds
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return ArchiveLocked(
                f"{path} is being written to by another process; wait until it is done, or stop it, then try again"
            )
        case sqlite3.SQLITE_FULL:
            return _disk_full(path)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return _left(path) if _is_left(path) else _read_only(path)
        case sqlite3.SQLITE_CANTOPEN:
            if _is_left(path):
                return _left(path)
            return ArchiveReadOnly(f"{path} cannot be opened; check that the folder is yours to read and write")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_FORMAT:
            return ArchiveDamaged(
                f"{path} is not a database or is damaged ({cause}); keep it as it is and restore a backup beside it"
            )
        case sqlite3.SQLITE_IOERR:
            if _no_space(path):
                return _disk_full(path)
            return StorageError(f"{path}: the disk answered with an error ({cause}); check the disk before going on")
        case _:
            return RowRefused(f"the database cannot hold this: {cause}")


def _of_disk(cause: OSError, path: Path) -> StorageError:
    if cause.errno in (errno.ENOSPC, errno.EDQUOT):
        return _disk_full(path)
    if cause.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return _read_only(path)
    return StorageError(f"{cause.filename or path}: {cause.strerror or cause}; check the archive's folder")


def _disk_full(path: Path) -> DiskFull:
    return DiskFull(
        f"no space is left on the disk of {path.parent}; what was archived is safe: make room and run the same again"
    )


def _read_only(path: Path) -> ArchiveReadOnly:
    return ArchiveReadOnly(f"{path} may not be written to; check its permissions and those of its folder")


def _left(path: Path) -> ArchiveReadOnly:
    return ArchiveReadOnly(
        f"{path} was left in the middle of a write and its folder cannot be written to;"
        " copy the whole folder to a disk that can, and open it there"
    )


def _is_left(path: Path) -> bool:
    return os.access(path, os.R_OK) and not os.access(path.parent, os.W_OK) and not _is_quiet(path)


def _no_space(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < 2**20
    except OSError:
        return False


def _engine(path: Path, mode: str, busy_timeout: float) -> Engine:
    address = f"{path.as_uri()}?{mode}"

    def connect() -> sqlite3.Connection:
        # isolation_level None: the driver begins nothing by itself, the listener below does
        connection = sqlite3.connect(
            address, uri=True, timeout=busy_timeout, isolation_level=None, check_same_thread=False
        )
        if mode == "mode=rwc":
            _use_wal(connection, busy_timeout)
            connection.execute("PRAGMA synchronous=NORMAL")
            # a journal that readers made long is cut when SQLite begins it anew
            connection.execute(f"PRAGMA journal_size_limit={LONGEST_JOURNAL}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA cache_size=-{PAGES_KEPT}")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine


def _use_wal(connection: sqlite3.Connection, busy_timeout: float) -> None:
    """Switch to WAL; SQLite does not wait by itself when two processes make the same archive."""
    until = time.monotonic() + busy_timeout
    foreign = "SELECT max(name = 'alembic_version') = 0 FROM sqlite_master"
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            if connection.execute(foreign).fetchone() == (1,):
                return  # another program's database stays as it is
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.005)


def _roll_back(path: Path, busy_timeout: float) -> None:
    """Take back what a killed process had begun to write without WAL, if it had: a reader may not do that itself.

    An archive is without WAL until its first writer comes: a new one, a backup, one that was restored.
    """
    journal = path.with_name(f"{FILE}-journal")
    if _holds(journal) and os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=busy_timeout)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _is_quiet(path: Path) -> bool:
    """Whether no write is under way or was left half done."""
    left = (path.with_name(f"{FILE}-{end}") for end in ("wal", "journal"))
    return not path.with_name(f"{FILE}-shm").exists() and not any(map(_holds, left))


def _holds(path: Path) -> bool:
    """Whether there is something in a file."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False
