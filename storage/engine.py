"""Opens the archive's database: connections, pragmas, transactions, and no foreign exception beyond this point."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError, StatementError

from storage import migrations
from storage.errors import (
    ArchiveDamaged,
    ArchiveLocked,
    ArchiveMissing,
    ArchiveReadOnly,
    DiskFull,
    RowRefused,
    SchemaOutOfDate,
    StorageError,
)

FILE = "cupola.db"

#: seconds that a writer waits for another one
BUSY_TIMEOUT = 30.0


class Database:
    """The database of one archive. Transactions are for one thread each; the object may be shared.

    Every exception of the database leaves as a ``StorageError``.
    """

    def __init__(self, engine: Engine, path: Path) -> None:
        self.path = path
        self._engine = engine
        # a write that began as a read could not be waited for: SQLite refuses to upgrade it when another one wrote
        self._writer = engine.execution_options(begin="BEGIN IMMEDIATE")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the archive from its first statement to its last."""
        with translated(self.path), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that has the write lock from its start; committed at the end, rolled back by an exception.

        Raises:
            ArchiveLocked: another writer kept it for longer than the busy time-out.
            ArchiveReadOnly, DiskFull, ArchiveDamaged, RowRefused: as they say.
        """
        with translated(self.path), self._writer.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._engine.dispose()

    def __repr__(self) -> str:
        return f"Database({str(self.path)!r})"


def open_database(folder: Path, *, read_only: bool = False, busy_timeout: float = BUSY_TIMEOUT) -> Database:
    """The database of the archive in ``folder``; for a writer a new archive is made by itself.

    Args:
        folder: the archive's folder; made when it is missing, but not by a reader.
        read_only: for readers; works on a folder or medium that cannot be written to.
        busy_timeout: seconds that a writer waits for another one.

    Raises:
        ArchiveMissing: a reader found nothing.
        SchemaOutOfDate: it was made by another version of Cupola.
        ArchiveReadOnly, ArchiveLocked, ArchiveDamaged, DiskFull: as they say.
    """
    path = (folder / FILE).absolute()
    if read_only:
        return _checked(_for_reading(path, busy_timeout))
    with translated(path):
        folder.mkdir(parents=True, exist_ok=True)
    database = _connect(path, "mode=rwc", busy_timeout)
    if _found(database) is None:
        with database.write() as connection:
            # of two processes that make it at once, the second one finds it made
            if _version(connection, path) is None:
                migrations.upgrade(connection)
    return _checked(database)


def upgrade_database(folder: Path, *, busy_timeout: float = BUSY_TIMEOUT) -> tuple[str, str]:
    """Bring an older archive up to this version's schema, whole or not at all; the schema found, and the one now.

    Raises:
        ArchiveMissing: there is none.
        SchemaOutOfDate, ArchiveDamaged: it is newer than this program, or of no step that there ever was.
    """
    path = (folder / FILE).absolute()
    if not path.exists():
        raise _missing(path)
    database = _connect(path, "mode=rw", busy_timeout)
    try:
        with database.write() as connection:
            found = _version(connection, path)
            if found is not None and found > migrations.HEAD:
                raise _out_of_date(path, found)
            if found is not None and not migrations.knows(found):
                raise ArchiveDamaged(f"{path} has the schema {found or 'none'}, which no Cupola made; restore a backup")
            if found != migrations.HEAD:
                migrations.upgrade(connection)
        return found or "", migrations.HEAD
    finally:
        database.close()


def translate(error: Exception, path: Path) -> StorageError | None:
    """The error of this room for one of the database's or of the disk's; None when it is neither."""
    cause = error.orig if isinstance(error, StatementError) and error.orig is not None else error
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        return _of_sqlite(code, cause, path)
    if isinstance(cause, OSError):
        return _of_disk(cause, path)
    if isinstance(error, SQLAlchemyError):
        return RowRefused(f"the database cannot hold this: {cause}")
    return None


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Errors of the database and of the disk leave this block as a ``StorageError``; others as they are."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        own = translate(error, path)
        if own is None:
            raise
        raise own from error


def _of_sqlite(code: int, cause: sqlite3.Error, path: Path) -> StorageError:
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return ArchiveLocked(
                f"{path} is being written to by another process; wait until it is done, or stop it, then try again"
            )
        case sqlite3.SQLITE_FULL:
            return _disk_full(path)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return _read_only(path)
        case sqlite3.SQLITE_CANTOPEN:
            if os.access(path, os.R_OK) and not os.access(path.parent, os.W_OK) and not _is_quiet(path):
                return ArchiveReadOnly(
                    f"{path} was left in the middle of a write and its folder cannot be written to;"
                    " copy the whole folder to a disk that can, and open it there"
                )
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


def _missing(path: Path) -> ArchiveMissing:
    return ArchiveMissing(
        f"there is no archive in {path.parent}; check --archive or the configuration's archive.folder,"
        " or make one with `cupola scrape`"
    )


def _out_of_date(path: Path, found: str) -> SchemaOutOfDate:
    if found > migrations.HEAD:
        message = (
            f"{path} was made by a newer Cupola (schema {found}, this one knows {migrations.HEAD}); upgrade Cupola"
        )
    else:
        message = f"{path} has the older schema {found} (this one needs {migrations.HEAD}); run `cupola db upgrade`"
    return SchemaOutOfDate(message, found=found, expected=migrations.HEAD)


def _no_space(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < 2**20
    except OSError:
        return False


def _connect(path: Path, mode: str, busy_timeout: float) -> Database:
    address = f"{path.as_uri()}?{mode}"

    def connect() -> sqlite3.Connection:
        # isolation_level None: the driver begins nothing by itself, the listener below does
        connection = sqlite3.connect(
            address, uri=True, timeout=busy_timeout, isolation_level=None, check_same_thread=False
        )
        if mode == "mode=rwc":
            _use_wal(connection, busy_timeout)
            connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return Database(engine, path)


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


def _for_reading(path: Path, busy_timeout: float) -> Database:
    if not path.exists():
        raise _missing(path)
    database = _connect(path, "mode=ro", busy_timeout)
    if _is_quiet(path) and not os.access(path.parent, os.W_OK):
        # nobody is writing: SQLite need not look for that, and could not
        database = _connect(path, "immutable=1", busy_timeout)
    return database


def _is_quiet(path: Path) -> bool:
    """Whether no write is under way or was left half done."""
    journal, index = path.with_name(f"{FILE}-wal"), path.with_name(f"{FILE}-shm")
    return not index.exists() and not (journal.exists() and journal.stat().st_size)


def _version(connection: Connection, path: Path) -> str | None:
    names = set(connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars())
    if not names:
        return None
    if "alembic_version" not in names:
        raise ArchiveDamaged(f"{path} is a database, but not one of Cupola's; choose another folder for the archive")
    version: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return version or ""


def _found(database: Database) -> str | None:
    with database.read() as connection:
        return _version(connection, database.path)


def _checked(database: Database) -> Database:
    try:
        found = _found(database)
        if found is None:
            raise _missing(database.path)
        if found != migrations.HEAD:
            raise _out_of_date(database.path, found)
    except StorageError:
        database.close()
        raise
    return database
