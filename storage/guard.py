"""SQLite with its writing hand tied: what a statement may do on a connection, how long and with how much memory.

Four locks, each enough for most: the file is opened ``mode=ro`` (``storage.engine``), ``query_only`` is on, an
authorizer judges every step of a statement while it is compiled, and SQLite's own limits bound what it may hold.
https://www.sqlite.org/c3ref/set_authorizer.html
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

#: bytes of one value or row; no body, nor all that a month says, comes near
LARGEST_VALUE = 2**24
#: bytes that SQLite may hold in all; what it sorts goes to temporary files before that
LARGEST_HEAP = 2**27
#: steps of SQLite's machine between two looks at the clock: about a tenth of a millisecond
_STEPS = 10_000

_INNOCUOUS = 0x200000  # SQLite's own word for a function that touches nothing but its arguments
#: functions that only compute too, but that SQLite does not say it of
_HARMLESS = frozenset({"->", "->>", "match", "bm25", "highlight", "snippet"})
#: writes to a log
_UNWANTED = frozenset({"sqlite_log"})
#: pragmas that tell and never set, whatever their argument
_TELLING = frozenset(
    {
        "collation_list",
        "compile_options",
        "data_version",
        "foreign_key_list",
        "function_list",
        "index_info",
        "index_list",
        "index_xinfo",
        "module_list",
        "table_info",
        "table_list",
        "table_xinfo",
    }
)
#: of the tables that a module makes up, those that are allowed, beside ``pragma_*``
_MADE_UP = frozenset({"json_each", "json_tree"})
_FREE = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: LARGEST_VALUE,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 10**6,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 10**6,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1000,  # a match is one step, which no time limit ends
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}


@contextmanager
def tied(connection: sqlite3.Connection, is_time_up: Callable[[], bool]) -> Iterator[None]:
    """Within the block the connection reads, and nothing else.

    The limits and ``query_only`` stay after it, so the connection is to be closed, not used for something else.
    The cap on memory is SQLite's for the whole process, and only goes down.

    Args:
        connection: one whose transaction has begun.
        is_time_up: asked often; true ends the statement with ``SQLITE_INTERRUPT``.
    """
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    connection.execute(f"PRAGMA hard_heap_limit={LARGEST_HEAP}").fetchone()
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA query_only=ON")
    _wake(connection)
    connection.set_authorizer(_judge(connection))
    connection.set_progress_handler(is_time_up, _STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)
        connection.set_authorizer(None)


def _wake(connection: sqlite3.Connection) -> None:
    """Use every virtual table once: its first use declares it, which older SQLites take for a write to the schema."""
    stored = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage = 0").fetchall()
    for name in (*_MADE_UP, *(f"pragma_{pragma}" for pragma in _TELLING), *(name for (name,) in stored)):
        with suppress(sqlite3.Error):  # then it cannot be asked anyway
            quoted = name.replace('"', '""')
            connection.execute(f'SELECT 1 FROM "{quoted}" LIMIT 0')  # noqa: S608 - a name of the schema, quoted


def _judge(connection: sqlite3.Connection) -> Callable[..., int]:
    listed = connection.execute("SELECT name, flags FROM pragma_function_list").fetchall()
    functions = {name for name, flags in listed if flags & _INNOCUOUS or name.startswith("json")}
    functions = (functions | _HARMLESS) - _UNWANTED

    def allows(action: int, first: str | None, second: str | None, _database: str | None, _view: str | None) -> int:
        if action in _FREE:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in functions:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_PRAGMA and (first or "").lower() in _TELLING:
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    return allows
