"""A person's statement on a PostgreSQL server with its writing hand tied: what it may do, how long, and its rows.

Locks, each for what the one before lets through:

- The transaction is READ ONLY and has read before the statement comes, so that the server refuses to write and
  to make it otherwise. It is rolled back, and its connection closed. That lets through what is no row: locks,
  signals, files and programs of the server, settings.
  https://www.postgresql.org/docs/current/sql-set-transaction.html
- The statement is sent by itself in the extended protocol, which takes one, and as the query of a cursor, which
  is SELECT, VALUES, WITH or TABLE and writes nowhere: no COMMIT, SET, COPY, DO, LOCK, NOTIFY; EXPLAIN and SHOW alone
  are sent as they are. https://www.postgresql.org/docs/current/sql-declare.html
- Functions that are VOLATILE, which all are that do something, are refused by their names, whoever made them.
  https://www.postgresql.org/docs/current/xfunc-volatility.html

What is left is the business of the server's privileges: what may be read, and what its owner has built into views,
operators and casts, or declared to be STABLE while it is not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import psycopg
from psycopg.errors import Diagnostic
from psycopg.postgres import types

from storage.errors import SqlRefused
from storage.nearnames import suggestion
from storage.pointing import pointer
from storage.stopwatch import Stopwatch

#: functions that are volatile only because they give something else every time
HARMLESS = (
    *("array_sample", "array_shuffle", "bernoulli", "clock_timestamp", "gen_random_uuid", "random", "random_normal"),
    *("pg_database_size", "pg_indexes_size", "pg_relation_size", "pg_table_size", "pg_total_relation_size"),
    *("system", "timeofday", "uuidv4", "uuidv7"),
)
#: rows and bytes that are fetched at once, at most (a row that is larger comes alone)
BATCH_ROWS, BATCH_BYTES = 500, 2**20

_CURSOR = "DECLARE question NO SCROLL CURSOR FOR "
# and whether it may be called as if it were a column, like ``row.function``
_VOLATILE = (
    "SELECT proname, coalesce(bool_or(typtype IN ('c', 'p')), false)"
    " FROM pg_catalog.pg_proc AS f LEFT JOIN pg_catalog.pg_type AS t ON t.oid = f.proargtypes[0]"
    " WHERE provolatile = 'v' AND NOT (pronamespace = 'pg_catalog'::regnamespace AND proname = ANY(%s))"
    " GROUP BY proname"
)
# values are written as this module reads them, whatever the server, the user or the address has set
_PLAIN = (
    "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL bytea_output = 'hex';"
    " SET LOCAL extra_float_digits = 1"
)
#: of results that say something of the archive or its server, how their codes begin
_OF_THE_ARCHIVE = ("08", "25P", "40", "53", "55P", "57", "58", "XX001", "XX002")
_READS = "this only reads: SELECT, WITH, VALUES, TABLE, EXPLAIN and SHOW"
_ONE = "one statement at a time; take away what stands after the first ;"
_NONE = "there is no statement that gives rows; write one SELECT"
#: what begins another command than those; words that begin none are pointed at by the server
_OTHER = re.compile(
    r"abort|alter|analyze|attach|begin|call|checkpoint|close|cluster|comment|commit|copy|create|"
    r"deallocate|declare|delete|detach|discard|do|drop|end|execute|fetch|grant|import|insert|"
    r"listen|load|lock|merge|move|notify|pragma|prepare|reassign|refresh|reindex|release|replace|"
    r"reset|revoke|rollback|savepoint|security|set|start|truncate|unlisten|update|vacuum",
    re.I,
)
_FIRST = re.compile(r"(?:[\s(;]|--[^\r\n]*|/\*.*?\*/)*(\w*)", re.S)
# right at the front, so that no comment can make it seem so
_AS_IT_IS = re.compile(r"[ \t\r\n\f]*(?:explain|show)(?![\w$])", re.I)
# EXPLAIN ANALYZE SELECT … INTO makes a table, also where everything is to be read-only
_DONE_TOO = re.compile(r"analy[sz]e", re.I)
_WORDS = re.compile(r"(\w+)(\"?\s*\()?")
_ESCAPED_NAME = re.compile(r"u&\"", re.I)
_NAME_BYTES = 63  # names are cut there

Row = tuple[Any, ...]


class Portal:
    """One statement and its rows, in the transaction that is open on a connection, by way of a cursor of the server.

    Values are those that SQLite would give for the archive's columns: None, int, float, str or bytes; true and
    false are 1 and 0, times are ``2016-12-03 20:15:00.000000`` in UTC, numbers of any length are int or float,
    and anything else is as the server writes it.

    Args:
        connection: with a transaction that is read-only; closed by whoever opened it.
        watch: runs while a method works.
    """

    def __init__(self, connection: psycopg.Connection[Any], watch: Stopwatch) -> None:
        self._cursor = connection.cursor()
        self._watch = watch
        self._statement = ""
        self._rows: Iterator[Row] = iter(())
        self._batch = 1
        self._is_whole = False
        #: an entry a column, its name first
        self.description: Sequence[Sequence[Any]] | None = None

    def execute(self, statement: str, /) -> None:
        """Begin the statement, as far as its first row.

        Raises:
            SqlRefused: it is wrong, would do more than read, or is over the time limit.
            psycopg.Error: what the archive or its server is to blame for.
        """
        _check_beginning(statement)
        self._statement = statement
        self._cursor.execute(_PLAIN)
        self._cursor.execute(_VOLATILE, [list(HARMLESS)])
        _check_functions(statement, {name.lower(): is_column for name, is_column in self._cursor})
        is_sent_as_it_is = _AS_IT_IS.match(statement) is not None
        if is_sent_as_it_is and _DONE_TOO.search(statement):
            raise SqlRefused("EXPLAIN without ANALYZE, which would do what it explains")
        before = "" if is_sent_as_it_is else _CURSOR
        with self._refusing(len(before)):
            self._send(f"SET LOCAL statement_timeout = {self._milliseconds()}")
            # binary, since psycopg then uses the extended protocol whatever it is configured to
            self._cursor.execute((before + statement).encode(), binary=True)
        self._is_whole = is_sent_as_it_is
        if is_sent_as_it_is:
            self._take()
        else:
            self._fetch()

    def fetchone(self) -> Row | None:
        """The next row; None at the end. Raises as ``execute`` does."""
        row = next(self._rows, None)
        if row is None and not self._is_whole:
            self._fetch()
            row = next(self._rows, None)
        return row

    def close(self) -> None:
        """Let go of the rows."""
        self._cursor.close()

    def _send(self, ours: str) -> None:
        self._cursor.execute(ours.encode())

    def _milliseconds(self) -> int:
        """The time that is left, for the server."""
        if self._watch.is_up():
            raise SqlRefused(str(self._watch))
        return math.ceil(min(self._watch.left * 1000 + 1, 2**31 - 1))

    def _fetch(self) -> None:
        with self._refusing(len(_CURSOR)):
            # the limit goes with it, to spare a way there and back
            self._send(
                f"SET LOCAL statement_timeout = {self._milliseconds()}; FETCH FORWARD {self._batch} FROM question"
            )
        self._cursor.nextset()
        rows, size = self._take()
        self._is_whole = rows < self._batch
        room = BATCH_BYTES * rows // max(size, 1)
        self._batch = max(1, min(BATCH_ROWS, 2 * self._batch, room))

    def _take(self) -> tuple[int, int]:
        """Read what the server has sent: how many rows, and their bytes."""
        self.description = self._cursor.description
        result = self._cursor.pgresult
        if result is None:
            return 0, 0
        readers = [_READERS.get(result.ftype(column), _text) for column in range(result.nfields)]
        sent = [[result.get_value(row, column) for column in range(result.nfields)] for row in range(result.ntuples)]
        self._rows = (
            tuple(None if value is None else read(value) for read, value in zip(readers, row, strict=True))
            for row in sent
        )
        return len(sent), sum(len(value) for row in sent for value in row if value is not None)

    @contextmanager
    def _refusing(self, before: int) -> Iterator[None]:
        """Faults of the statement leave the block as SqlRefused, others as they are.

        Args:
            before: letters that were sent before the statement.
        """
        try:
            yield
        except psycopg.Error as error:
            code = error.sqlstate or "08"
            if code == "57014" and self._watch.is_up():
                raise SqlRefused(str(self._watch)) from error
            if code.startswith(_OF_THE_ARCHIVE):
                raise
            raise SqlRefused(self._words(code, error.diag, before)) from error

    def _words(self, code: str, told: Diagnostic, before: int) -> str:
        said = told.message_primary or code
        if code == "25006":
            return f"{_READS} ({said})"
        if code == "42601" and told.statement_position is None:
            return _ONE  # the only fault of grammar that stands nowhere
        place = None
        if told.statement_position is not None:
            at = int(told.statement_position) - 1 - before
            place = min(at, len(self._statement.rstrip())) if at >= 0 else None
        hint = f"\n  {told.message_hint}" if told.message_hint else suggestion(said, self._statement)
        return f"{said}{pointer(self._statement, place)}{hint}"


def _check_beginning(statement: str) -> None:
    found = _FIRST.match(statement)
    word = found[1] if found else ""
    if found and not word and found.end() == len(statement):
        raise SqlRefused(_NONE)
    if _OTHER.fullmatch(word):
        raise SqlRefused(f"{_READS} (not {word.upper()})")


def _check_functions(statement: str, unwanted: Mapping[str, bool]) -> None:
    """Refuse a statement in which one of these functions may be called.

    It is not parsed: a name counts wherever it stands before a bracket, in a text as well, and where there are
    comments, which can stand between the two, wherever it stands at all. So it is refused once too often at worst.

    Args:
        statement: what a person has written.
        unwanted: functions by name, in lower case, and whether they can be called without a bracket.
    """
    if _ESCAPED_NAME.search(statement):
        raise SqlRefused('write names as they are, without U&"…"')
    has_comments = "--" in statement or "/*" in statement
    words = ((_as_name(word), bracket or has_comments) for word, bracket in _WORDS.findall(statement))
    called = {name for name, is_call in words if name in unwanted and (is_call or unwanted[name])}
    # a name of other signs can only be one that somebody has given to a function of their own
    quoted = ((name, name.replace('"', '""')) for name in unwanted if not re.fullmatch(r"\w+", name))
    called |= {name for name, written in quoted if written in statement.lower()}
    if called:
        name = min(called)
        raise SqlRefused(f"{name}() is refused: the server says that it may do more than read ({_READS})")


def _as_name(word: str) -> str:
    return word.lstrip("0123456789").lower().encode()[:_NAME_BYTES].decode(errors="ignore")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _whole_or_not(value: bytes) -> int | float:
    return int(value) if value.lstrip(b"-").isdigit() else float(value)


def _time(value: bytes) -> str:
    """As SQLite holds it; those that it could not hold (infinity, before Christ) as they are."""
    text = _text(value)
    with suppress(ValueError):
        return datetime.fromisoformat(text.removesuffix("+00")).isoformat(" ", "microseconds")
    return text


_READERS: dict[int, Callable[[bytes], Any]] = {
    **{types[name].oid: int for name in ("int2", "int4", "int8", "oid")},
    **{types[name].oid: float for name in ("float4", "float8")},
    **{types[name].oid: _time for name in ("timestamp", "timestamptz")},
    types["bool"].oid: lambda value: int(value == b"t"),
    types["bytea"].oid: lambda value: bytes.fromhex(value[2:].decode("ascii")),
    types["numeric"].oid: _whole_or_not,
}
