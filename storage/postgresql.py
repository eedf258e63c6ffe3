"""An archive's database on a PostgreSQL server: how it is reached and told to behave, and what its errors mean here.

A write takes one advisory lock for the whole archive, as SQLite has one writer: what holds there holds here, and
READ COMMITTED behind it sees all that was written before. Codes of errors:
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from storage.disk import disk_fault
from storage.errors import (
    ArchiveDamaged,
    ArchiveLocked,
    ArchiveMissing,
    ArchiveReadOnly,
    ArchiveUnreachable,
    DiskFull,
    RowRefused,
    StorageError,
)
from storage.settings import masked

#: number of the lock of whoever writes; it is of one database, so the number need not differ between archives
WRITER = 0x6375706F6C61  # "cupola"
#: seconds after which the server ends a write whose process says nothing (a machine that lost its power, say)
SILENCE = 300
#: seconds to wait for the server's answer when connecting; the address may say otherwise
CONNECTING = 10

# one round trip: the lock, and how long a silent writer may keep it
_BEGIN = (
    f"SELECT set_config('idle_in_transaction_session_timeout', '{SILENCE * 1000}', true),"
    f" pg_advisory_xact_lock({WRITER})"
)
_TABLES = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace"
_UNCHECKED = (
    "SELECT conname, conrelid::regclass::text FROM pg_constraint"
    " WHERE connamespace = current_schema()::regnamespace AND NOT convalidated ORDER BY 1"
)


class PostgresServer:
    """A database on a server.

    Args:
        address: ``postgresql+psycopg://user@host/name``. What it leaves out is as libpq has it: ``~/.pgpass``,
            ``PGPASSWORD``, ``PGSSLMODE``, … (https://www.postgresql.org/docs/current/libpq-envars.html).
        password: of its user, where the address has none.
        read_only: for readers.
        busy_timeout: seconds that a writer waits for another one.

    Raises:
        StorageError: the driver is not installed.
    """

    def __init__(self, address: str, *, password: str | None, read_only: bool, busy_timeout: float) -> None:
        try:
            self._url = make_url(address) if password is None else make_url(address).set(password=password)
        except ArgumentError as error:
            raise StorageError("the address of the database cannot be read") from error
        self._name = masked(address)
        told = {
            # 0 would be to wait for ever
            "lock_timeout": str(max(round(busy_timeout * 1000), 1)),
            "timezone": "UTC",
            "application_name": "cupola",
            # each question is planned for what is asked in it: a rare word's plan is not a common one's
            "plan_cache_mode": "force_custom_plan",
            # to compile a question takes longer than to answer it
            "jit": "off",
        }
        options = " ".join(f"-c {name}={value}" for name, value in told.items())
        asked = {"options": _joined(self._url, options), "client_encoding": "UTF8"}
        if "connect_timeout" not in self._url.query:
            asked["connect_timeout"] = str(CONNECTING)
        try:
            # a connection that the server ended meanwhile is replaced before it is used
            self.engine = create_engine(
                self._url,
                connect_args=asked,
                isolation_level="READ COMMITTED",
                pool_pre_ping=True,
                use_native_hstore=False,
            )
        except ImportError as error:
            raise StorageError(
                "the driver for PostgreSQL is not installed; add it with: pip install 'cupola[postgresql]'"
            ) from error
        self.reading: Engine = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self.writing: Engine = self.engine.execution_options(writes=True, postgresql_readonly=read_only)
        event.listen(self.engine, "begin", _begin)

    def __str__(self) -> str:
        return self._name

    @property
    def file(self) -> None:
        """None: the database is on a server."""
        return None

    def missing(self) -> ArchiveMissing:
        """The error when the database holds no archive."""
        return ArchiveMissing(
            f"the database {self} holds no archive; check archive.database, or make one with `cupola scrape`"
        )

    def translate(self, error: Exception) -> StorageError | None:
        """The error of this room for one of psycopg's; None when it is none."""
        import psycopg

        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, OSError):
            return disk_fault(cause, Path(cause.filename or "."))
        if not isinstance(cause, psycopg.Error):
            return None
        said = masked(cause.diag.message_primary or str(cause).strip()).replace("\n", " ")
        if cause.sqlstate is None and isinstance(cause, psycopg.OperationalError):
            return self._unreachable(said)
        for code, kind, sentence in _meanings():
            if (cause.sqlstate or "").startswith(code):
                return kind(f"the database {self} {sentence.format(said=said)}")
        return RowRefused(f"the database cannot hold this: {said}")

    def _unreachable(self, said: str) -> StorageError:
        """Before a session there are no codes: the server's words are all that there is, in its own language."""
        name = self._url.database
        if f'database "{name}" does not exist' in said:
            make = f"createdb --encoding=UTF8 --template=template0 {name}"
            return ArchiveMissing(f"the server has no database {name!r} ({self}); make it with: {make}")
        for words in ("password", "authentication", "role", "pg_hba.conf"):
            if words in said:
                return ArchiveUnreachable(f"{self} does not let us in: {said}; check the user, and its password")
        return ArchiveUnreachable(f"{self} cannot be reached: {said}")

    def tables(self, connection: Connection) -> set[str]:
        """The names of the tables that are there.

        Raises:
            StorageError: the database cannot hold every text, or the address names a schema that is not there.
        """
        encoding, schema = connection.exec_driver_sql("SHOW server_encoding").scalar(), "SELECT current_schema()"
        if encoding != "UTF8":
            raise StorageError(
                f"the database {self} is in {encoding}, which cannot hold every text; make another one with:"
                f" createdb --encoding=UTF8 --template=template0 {self._url.database}"
            )
        if connection.exec_driver_sql(schema).scalar() is None:
            raise StorageError(f"the schema in which {self} looks is not there; make it with: CREATE SCHEMA")
        return set(connection.exec_driver_sql(_TABLES).scalars())

    def faults(self, connection: Connection) -> Iterator[str]:
        """Whether every row can be read (with data checksums, also whether it is as it was written).

        That rows point to one another the server sees to itself, but for constraints that were switched off.
        """
        for name, table in connection.exec_driver_sql(_UNCHECKED).all():
            yield f"the constraint {name} of {table} is not enforced"
        for table in sorted(self.tables(connection)):
            quoted = self.engine.dialect.identifier_preparer.quote(table)
            try:
                with connection.begin_nested():
                    # as text, so that every value is taken out of the place where it lies
                    connection.exec_driver_sql(f"SELECT sum(length(row::text)) FROM {quoted} AS row").scalar()  # noqa: S608
            except DBAPIError as error:
                own = self.translate(error)
                if not isinstance(own, ArchiveDamaged):
                    raise
                yield f"{table} cannot be read whole: {own}"

    def wrote(self) -> None:
        """Nothing: the server sees to its own files."""

    def optimise(self) -> None:
        """Have the server look at its tables anew; its journal is its own."""
        with self.engine.connect() as connection, connection.begin():
            for table in sorted(self.tables(connection)):
                connection.exec_driver_sql(f"ANALYZE {self.engine.dialect.identifier_preparer.quote(table)}")

    def scrub(self) -> None:
        """Write every table anew, so that nothing is left of what was deleted; the server's own logs are its own."""
        with self.engine.connect() as connection:
            tables = sorted(self.tables(connection))
        # outside of a transaction, hence not by way of SQLAlchemy
        pooled: Any = self.engine.raw_connection()
        try:
            pooled.driver_connection.autocommit = True
            for table in tables:
                pooled.cursor().execute(f"VACUUM (FULL) {self.engine.dialect.identifier_preparer.quote(table)}")
        finally:
            pooled.driver_connection.autocommit = False
            pooled.close()


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("writes"):
        connection.exec_driver_sql(_BEGIN)


def _joined(url: URL, options: str) -> str:
    """What the address has under ``options`` holds against ours, as it comes last."""
    own: Any = url.query.get("options", ())
    return " ".join((options, *([own] if isinstance(own, str) else own)))


def _meanings() -> Iterator[tuple[str, type[StorageError], str]]:
    """How the code of an error begins, what it means here, and the sentence; the first that fits holds."""
    again = "is being written to by another process ({said}); wait until it is done, or stop it, then try again"
    lost = "went away ({said}); what was archived is safe: run the same again when the server is up"
    full = "has no space left on its server's disk; what was archived is safe: make room and run the same again"
    yield "55P03", ArchiveLocked, again
    yield "40", ArchiveLocked, again
    yield "25006", ArchiveReadOnly, "may not be written to here: {said}"
    yield "42501", ArchiveReadOnly, "may not be used like this by this user: {said}; ask its owner to GRANT it"
    yield "53100", DiskFull, full
    yield "53", ArchiveUnreachable, "has no room for us now: {said}; try again later"
    yield "57P", ArchiveUnreachable, lost
    yield "25P03", ArchiveUnreachable, lost
    yield "08", ArchiveUnreachable, lost
    yield "57014", StorageError, "broke off what it was asked: {said}"
    yield "XX", ArchiveDamaged, "is damaged: {said}; keep it as it is and restore a backup beside it"
    yield "58", StorageError, "met an error of its server's disk: {said}; check that before going on"
    yield "3F000", ArchiveMissing, "has no such schema: {said}"
    yield "42P01", ArchiveDamaged, "lacks a table: {said}; restore a backup"
