"""What SQLAlchemy's core has no common words for: each said in the words of the database behind a connection."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    Table,
    Text,
    any_,
    bindparam,
    func,
    insert,
    select,
    tuple_,
)

if TYPE_CHECKING:
    from sqlalchemy.dialects.sqlite import Insert

#: makes a value one that the driver takes
Bind = Callable[[Any], Any]


def upsert(connection: Connection, table: Table) -> Insert:
    """An INSERT that may be given ``on_conflict_do_update`` or ``on_conflict_do_nothing``; both databases have both."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return cast("Insert", postgresql.insert(table))
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def insert_all(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, all with the same columns, in bulk.

    A server is given a list for each column, in one statement: half the time of a statement for each row. SQLite is
    given the statement as it is spelt, and plain values: half the time of what SQLAlchemy does anew for each row.
    """
    if not rows:
        return
    names = tuple(rows[0])
    if connection.dialect.name != "postgresql":
        statement, binders = _spelt(connection.dialect, table, names)
        connection.exec_driver_sql(
            statement,
            [tuple([row[name] if bind is None else bind(row[name]) for name, bind in binders]) for row in rows],
        )
        return
    lists = (bindparam(None, [row[name] for row in rows], ARRAY(table.c[name].type, dimensions=1)) for name in names)
    given = func.unnest(*lists).table_valued(*names).render_derived()
    connection.execute(insert(table).from_select(names, select(*(given.c[name] for name in names))))


@lru_cache(maxsize=64)
def _spelt(dialect: Dialect, table: Table, names: tuple[str, ...]) -> tuple[str, list[tuple[str, Bind | None]]]:
    """An INSERT of these columns in the words of ``dialect``, and for each what makes its values the driver's."""
    statement = insert(table).values({name: bindparam(name) for name in names}).compile(dialect=dialect)
    placed = statement.positiontup or names
    return str(statement), [(name, table.c[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in placed]


def among(
    connection: Connection, first: ColumnElement[Any], second: ColumnElement[Any], pairs: Sequence[tuple[str, str]]
) -> ColumnElement[bool]:
    """Two columns are one of ``pairs``, however many these are: they are one parameter or two."""
    if connection.dialect.name == "postgresql":
        lists = zip(*pairs, strict=True) if pairs else ((), ())
        wanted = select(*(func.unnest(bindparam(None, list(values), ARRAY(Text))) for values in lists))
    else:
        listed = func.json_each(bindparam(None, json.dumps(pairs))).table_valued("value").c.value
        wanted = select(func.json_extract(listed, "$[0]"), func.json_extract(listed, "$[1]"))
    return tuple_(first, second).in_(wanted)


def numbered(connection: Connection, column: ColumnElement[int], numbers: Sequence[int]) -> ColumnElement[bool]:
    """A column is one of ``numbers``, however many these are: they are one parameter."""
    if connection.dialect.name == "postgresql":
        return column == any_(bindparam(None, list(numbers), ARRAY(BigInteger)))
    listed = func.json_each(bindparam(None, json.dumps(list(numbers)))).table_valued("value")
    return column.in_(select(listed.c.value))


def named(connection: Connection, column: ColumnElement[str], texts: Sequence[str]) -> ColumnElement[bool]:
    """A column is one of ``texts``, however many these are: they are one parameter."""
    if connection.dialect.name == "postgresql":
        return column == any_(bindparam(None, list(texts), ARRAY(Text)))
    listed = func.json_each(bindparam(None, json.dumps(list(texts)))).table_valued("value")
    return column.in_(select(listed.c.value))
