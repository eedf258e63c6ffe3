"""Opens the archive's database, whichever it is: transactions, the schema's version, no foreign exception beyond."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from storage import migrations
from storage.errors import ArchiveDamaged, ArchiveMissing, RowRefused, SchemaOutOfDate, StorageError
from storage.settings import ArchiveSettings
from storage.sqlite_file import FILE, SqliteFile, translate

__all__ = ["BUSY_TIMEOUT", "FILE", "Database", "open_database", "translated", "upgrade_database"]

#: seconds that a writer waits for another one
BUSY_TIMEOUT = 30.0


class Backend(Protocol):
    """What differs from one kind of database to another; ``str()`` is its name in a sentence, without a password."""

    engine: Engine
    #: of ``engine``, for transactions that see one state from their first statement to their last
    reading: Engine
    #: of ``engine``, for transactions that have the archive's write lock from their start
    writing: Engine

    @property
    def file(self) -> Path | None:
        """The database's file; None when it is on a server."""

    def missing(self) -> ArchiveMissing:
        """The error when there is no archive."""

    def translate(self, error: Exception) -> StorageError | None:
        """The error of this room for one of the driver's or of the disk's; None when it is neither."""

    def tables(self, connection: Connection) -> set[str]:
        """The names of the tables that are there."""

    def faults(self, connection: Connection) -> Iterator[str]:
        """What the database itself finds wrong, a sentence each."""

    def wrote(self) -> None:
        """Do what is to be done after a write that was committed; says nothing of what fails in it."""

    def optimise(self) -> None:
        """Put the statistics in order by which questions are planned, and give back what a journal holds."""

    def scrub(self) -> None:
        """Write the database anew, so that nothing is left of what was deleted."""


class Database:
    """The database of one archive. Transactions are for one thread each; the object may be shared.

    Every exception of the database leaves as a ``StorageError``. It is closed when it is forgotten, too.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._engine = backend.engine
        weakref.finalize(self, self._engine.dispose)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @property
    def name(self) -> str:
        """What a report calls it: the file's name, or the address without a password."""
        return self._backend.file.name if self._backend.file is not None else str(self)

    @property
    def path(self) -> Path:
        """The database's file.

        Raises:
            StorageError: it is on a server.
        """
        if self._backend.file is None:
            raise StorageError(f"the archive in {self} is on a server and has no file; use the server's own tools")
        return self._backend.file

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the archive from its first statement to its last."""
        with self._translated(), self._backend.reading.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that has the write lock from its start; committed at the end, rolled back by an exception.

        Raises:
            ArchiveLocked: another writer kept it for longer than the busy time-out.
            ArchiveReadOnly, DiskFull, ArchiveDamaged, ArchiveUnreachable, RowRefused: as they say.
        """
        with self._translated(), self._backend.writing.connect() as connection, connection.begin():
            yield connection
        self._backend.wrote()

    def translate(self, error: Exception) -> StorageError | None:
        """The error of this room for one of the database's or of the disk's; None when it is neither."""
        own = self._backend.translate(error)
        if own is None and isinstance(error, SQLAlchemyError):
            return RowRefused(f"the database cannot hold this: {getattr(error, 'orig', None) or error}")
        return own

    def faults(self, connection: Connection) -> Iterator[str]:
        """What the database itself finds wrong, a sentence each."""
        return self._backend.faults(connection)

    def optimise(self) -> None:
        """Put the statistics in order by which questions are planned, and give back what a journal holds.

        Raises:
            ArchiveLocked: somebody keeps writing.
            DiskFull, ArchiveReadOnly: as they say.
        """
        with self._translated():
            self._backend.optimise()

    def scrub(self) -> None:
        """Write the whole database anew, so that no byte is left of what was deleted in it.

        Raises:
            ArchiveLocked: somebody keeps reading or writing.
            DiskFull, ArchiveReadOnly: as they say.
        """
        with self._translated():
            self._backend.scrub()

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._engine.dispose()

    def __str__(self) -> str:
        return str(self._backend)

    def __repr__(self) -> str:
        return f"Database({str(self)!r})"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except StorageError:
            raise
        except Exception as error:  # of a driver's own kind; what is none of a database's goes on as it is
            own = self.translate(error)
            if own is None:
                raise
            raise own from error

    def _version(self, connection: Connection) -> str | None:
        """The schema that is there; None when there is nothing at all."""
        names = self._backend.tables(connection)
        if not names:
            return None
        if "alembic_version" not in names:
            raise ArchiveDamaged(f"{self} is a database, but not one of Cupola's; choose another one for the archive")
        version: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return version or ""

    def _found(self) -> str | None:
        with self.read() as connection:
            return self._version(connection)


def open_database(
    place: Path | ArchiveSettings, *, read_only: bool = False, busy_timeout: float = BUSY_TIMEOUT
) -> Database:
    """The archive's database; for a writer a new archive is made by itself.

    Args:
        place: where the archive is, or its folder; that is made when it is missing, but not by a reader.
        read_only: for readers; works on a folder or medium that cannot be written to.
        busy_timeout: seconds that a writer waits for another one.

    Raises:
        ArchiveMissing: a reader found nothing, or a server has no such database.
        SchemaOutOfDate: it was made by another version of Cupola.
        ArchiveReadOnly, ArchiveLocked, ArchiveDamaged, ArchiveUnreachable, DiskFull: as they say.
    """
    database = _database(place, read_only=read_only, create=not read_only, busy_timeout=busy_timeout)
    if not read_only and database._found() is None:
        with database.write() as connection:
            # of two processes that make it at once, the second one finds it made
            if database._version(connection) is None:
                migrations.create(connection)
    return _checked(database)


def upgrade_database(place: Path | ArchiveSettings, *, busy_timeout: float = BUSY_TIMEOUT) -> tuple[str, str]:
    """Bring an older archive up to this version's schema, whole or not at all; the schema found, and the one now.

    Raises:
        ArchiveMissing: there is none.
        SchemaOutOfDate, ArchiveDamaged: it is newer than this program, or of no step that there ever was.
    """
    database = _database(place, read_only=False, create=False, busy_timeout=busy_timeout)
    try:
        with database.write() as connection:
            found = database._version(connection)
            if found is not None and found > migrations.HEAD:
                raise _out_of_date(database, found)
            if found and not migrations.knows(found):
                raise ArchiveDamaged(
                    f"{database} has the schema {found or 'none'}, which no Cupola made; restore a backup"
                )
            if found != migrations.HEAD:
                migrations.upgrade(connection)
        return found or "", migrations.HEAD
    finally:
        database.close()


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Errors of SQLite and of the disk leave this block as a ``StorageError``; others as they are."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        own = translate(error, path)
        if own is None:
            raise
        raise own from error


def _database(place: Path | ArchiveSettings, *, read_only: bool, create: bool, busy_timeout: float) -> Database:
    settings = place if isinstance(place, ArchiveSettings) else ArchiveSettings(folder=place)
    if settings.database is not None:
        from storage.postgresql import PostgresServer

        if create:
            with translated(settings.folder):
                settings.folder.mkdir(parents=True, exist_ok=True)
        return Database(
            PostgresServer(
                settings.database, password=settings.password, read_only=read_only, busy_timeout=busy_timeout
            )
        )
    with translated((settings.folder / FILE).absolute()):
        return Database(SqliteFile(settings.folder, read_only=read_only, create=create, busy_timeout=busy_timeout))


def _out_of_date(database: Database, found: str) -> SchemaOutOfDate:
    if found > migrations.HEAD:
        message = (
            f"{database} was made by a newer Cupola (schema {found}, this one knows {migrations.HEAD}); upgrade Cupola"
        )
    else:
        message = f"{database} has the older schema {found} (this one needs {migrations.HEAD}); run `cupola db upgrade`"
    return SchemaOutOfDate(message, found=found, expected=migrations.HEAD)


def _checked(database: Database) -> Database:
    try:
        found = database._found()
        if found is None:
            raise database._backend.missing()
        if found != migrations.HEAD:
            raise _out_of_date(database, found)
    except StorageError:
        database.close()
        raise
    return database
