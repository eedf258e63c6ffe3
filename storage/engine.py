"""Opens the archive's database, whichever it is: transactions, the schema's version, no foreign exception beyond."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from storage import indexing, migrations
from storage.backend import Backend
from storage.errors import ArchiveDamaged, ArchiveLocked, RowRefused, SchemaOutOfDate, StorageError
from storage.settings import ArchiveSettings
from storage.sqlite_file import FILE, SqliteFile, translate

__all__ = ["BUSY_TIMEOUT", "FILE", "Database", "open_database", "translated", "upgrade_database"]

#: seconds that a writer waits for another one
BUSY_TIMEOUT = 30.0


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

        Before the commit the index is brought up to date with what was written; what was left of a building that was
        cut off goes on for a bounded time.

        Raises:
            ArchiveLocked: another writer kept it for longer than the busy time-out.
            ArchiveReadOnly, DiskFull, ArchiveDamaged, ArchiveUnreachable, RowRefused: as they say.
        """
        with self._changing() as connection:
            was_behind = indexing.is_behind(connection)
            yield connection
            indexing.settle(connection, indexing.STEP if was_behind else None)

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """As ``write``, for what makes the tables: there may be no index."""
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

    def build_index(self, progress: indexing.Progress = lambda done, total: None, *, anew: bool = False) -> None:
        """Bring the index up to date, in many transactions that let others write in between; killed, it can go on.

        Args:
            progress: told how many posts are in the index, and of how many; may raise to interrupt.
            anew: whether it is thrown away first, whatever was damaged in it.

        Raises:
            ArchiveLocked, DiskFull, ArchiveReadOnly: as they say.
        """
        if anew:
            with self._changing() as connection:
                indexing.clear(connection)
        settled = 0
        while True:
            with self.read() as connection:
                left, total = indexing.left(connection)
            progress(max(total - left, 0), total)
            if not left:
                break
            settled += 1
            with self.write():
                pass  # each write settles a part of what it finds
        if settled > 1:
            is_first, is_more = True, True
            while is_more:
                with self._changing() as connection:
                    is_more = indexing.join(connection, is_first=is_first)
                is_first = False
            with suppress(ArchiveLocked):  # statistics only: the next chores put them in order
                self.optimise()

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
        with database._changing() as connection:
            # of two processes that make it at once, the second one finds it made
            if database._version(connection) is None:
                migrations.create(connection)
    return _checked(database)


def upgrade_database(
    place: Path | ArchiveSettings,
    *,
    busy_timeout: float = BUSY_TIMEOUT,
    progress: indexing.Progress = lambda done, total: None,
) -> tuple[str, str]:
    """Bring an older archive up to this version's schema, whole or not at all; the schema found, and the one now.

    Then its index is built, as far as it is behind, in many transactions; killed there, the next call goes on.

    Args:
        place: where the archive is, or its folder.
        busy_timeout: seconds to wait for another writer.
        progress: told how many posts are in the index, and of how many; may raise to interrupt.

    Raises:
        ArchiveMissing: there is none.
        SchemaOutOfDate, ArchiveDamaged: it is newer than this program, or of no step that there ever was.
    """
    database = _database(place, read_only=False, create=False, busy_timeout=busy_timeout)
    try:
        with database._changing() as connection:
            found = database._version(connection)
            if found is not None and found > migrations.HEAD:
                raise _out_of_date(database, found)
            if found and not migrations.knows(found):
                raise ArchiveDamaged(
                    f"{database} has the schema {found or 'none'}, which no Cupola made; restore a backup"
                )
            if found != migrations.HEAD:
                migrations.upgrade(connection)
        database.build_index(progress)
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
