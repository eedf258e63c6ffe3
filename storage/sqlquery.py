"""A person's own SQL: one statement in, rows out as they are read; nothing is changed, whatever it says."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from storage.engine import Database
from storage.errors import SqlRefused
from storage.guard import LARGEST_HEAP, LARGEST_VALUE, tied
from storage.pointing import pointer
from storage.stopwatch import Stopwatch

#: seconds that a statement may take
SECONDS = 30.0
#: results of SQLite that say something of the archive, not of the statement
_OF_THE_ARCHIVE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_NAMED = re.compile(
    r"(?:no such (?:column|table|function|module|collation sequence)|ambiguous column name): (.+)", re.S
)
_NEAR = re.compile(r'near "(.+)": syntax error', re.S)

Row = tuple[Any, ...]


class Cursor(Protocol):
    """What a database answers a statement with; the part of PEP 249 that is used."""

    @property
    def description(self) -> Sequence[Sequence[Any]] | None:
        """One entry a column, its name first; None for a statement that gives no rows."""

    def execute(self, statement: str, /) -> Any:
        """Begin the statement."""

    def fetchone(self) -> Any:
        """The next row; None at the end."""


class Answer:
    """The rows of a statement, each read when it is taken; for one thread, and once."""

    def __init__(self, columns: tuple[str, ...], rows: Iterator[Row]) -> None:
        #: as the statement names them, so two may be alike
        self.columns = columns
        self._rows = rows

    def __iter__(self) -> Iterator[Row]:
        return self._rows


@contextmanager
def asked(
    database: Database, statement: str, *, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
) -> Iterator[Answer]:
    """The answer to one statement that reads; it is open as long as the block.

    Values are None, int, float, str or bytes; text that is no UTF-8 has U+FFFD in it.

    Args:
        database: the archive's, open for reading.
        statement: one SELECT, VALUES, WITH or EXPLAIN; a telling PRAGMA such as table_info, on a server SHOW.
        seconds: that the database may work on it; the time that the caller takes between rows does not count.
        clock: seconds that only go forward.

    Raises:
        SqlRefused: the statement is wrong, would write, or is over a limit; also while rows are taken.
        StorageError: the archive cannot be read.
    """
    watch = Stopwatch(seconds, clock)
    with _reading(database, watch) as cursor:
        with _refusing(statement, watch, cursor):
            cursor.execute(_checked(statement))
            if not cursor.description:
                raise SqlRefused("there is no statement that gives rows; write one SELECT")
        columns = tuple(str(column[0]) for column in cursor.description)
        yield Answer(columns, _rows(cursor, statement, watch))


def _rows(cursor: Cursor, statement: str, watch: Stopwatch) -> Iterator[Row]:
    while True:
        with _refusing(statement, watch, cursor):
            row = cursor.fetchone()
        if row is None:
            return
        yield tuple(row)


@contextmanager
def _reading(database: Database, watch: Stopwatch) -> Iterator[Cursor]:
    """A cursor on which nothing but reading is possible, in a transaction that sees one state of the archive."""
    with database.read() as connection:
        raw = connection.connection.driver_connection
        connection.detach()  # closed at the end, since its limits stay
        if not isinstance(raw, sqlite3.Connection):
            from storage.portal import Portal

            server: Any = raw
            try:
                yield Portal(server, watch)
            finally:
                server.rollback()  # it is kept for nothing
            return
        raw.text_factory = lambda data: data.decode("utf-8", "replace")
        with tied(raw, watch.is_up):
            cursor = raw.cursor()
            try:
                yield cursor
            finally:
                cursor.close()


@contextmanager
def _refusing(statement: str, watch: Stopwatch, cursor: Cursor) -> Iterator[None]:
    """Faults of the statement leave the block as SqlRefused, those of the archive as they are."""
    try:
        with watch:
            yield
    except MemoryError as error:
        raise SqlRefused(
            f"this needs over {LARGEST_HEAP >> 20} MiB of memory at once; ask for less in one row"
        ) from error
    except (sqlite3.Error, sqlite3.Warning) as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _OF_THE_ARCHIVE:
            raise
        if code == sqlite3.SQLITE_INTERRUPT and not watch.has_rung:
            raise KeyboardInterrupt from error  # it came while SQLite looked at the clock, which swallows it
        raise SqlRefused(_words(code, str(error), statement, watch, cursor)) from error


def _words(code: int, said: str, statement: str, watch: Stopwatch, cursor: Cursor) -> str:
    match code:
        case sqlite3.SQLITE_INTERRUPT:
            return str(watch)
        case sqlite3.SQLITE_TOOBIG:
            return f"a value or a row is over {LARGEST_VALUE >> 20} MiB, or the statement is too long ({said})"
        case sqlite3.SQLITE_AUTH | sqlite3.SQLITE_READONLY:
            return f"this only reads: SELECT, WITH, VALUES, EXPLAIN and telling PRAGMAs such as table_info ({said})"
        case sqlite3.SQLITE_FULL:
            return "the folder for temporary files is full; ask for less to be sorted or grouped"
        case _ if "one statement at a time" in said:
            return "one statement at a time; take away what stands after the first ;"
        case _:
            return f"{said}{pointer(statement, _place(said, statement, cursor))}{_suggestion(said, statement)}"


def _suggestion(said: str, statement: str) -> str:
    from storage.nearnames import suggestion  # seldom wanted

    return suggestion(said, statement)


def _checked(statement: str) -> str:
    """``statement``, when it can be handed to the database at all."""
    if "\0" in statement:
        raise SqlRefused("the statement holds a NUL, which no SQL does")
    with suppress(UnicodeEncodeError):
        statement.encode()
        return statement
    raise SqlRefused("the statement is not UTF-8")


def _place(said: str, statement: str, cursor: Cursor) -> int | None:
    """Where in the statement the fault lies, as far as SQLite's words tell; None when they do not.

    SQLite knows the offset, but Python does not hand it on.
    """
    if said == "incomplete input":
        return len(statement.rstrip())
    if near := _NEAR.fullmatch(said):
        token = near.group(1)
        # the token may stand there more than once: the fault is where the text up to its end has it already
        for at in _all(re.escape(token), statement):
            try:
                cursor.execute(f"EXPLAIN {statement[: at + len(token)]}")
            except sqlite3.Error as error:
                if str(error) == said:
                    return at
    elif named := _NAMED.fullmatch(said):
        places = list(_all(rf"(?<!\w){re.escape(named.group(1))}(?!\w)", statement))
        if len(places) == 1:
            return places[0]
    return None


def _all(pattern: str, text: str) -> Iterator[int]:
    return (found.start() for found in re.finditer(pattern, text, re.IGNORECASE))
