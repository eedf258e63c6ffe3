"""The full text of either engine behind one face: which posts match, a few of them, how many, and newest first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Select, Text, bindparam, func, literal_column, select, text

from storage.conditions import Set, own, sets
from storage.filters import Filters
from storage.indexing import ensure_whole
from storage.views import post_index, post_search, post_search_fts5

if TYPE_CHECKING:
    from storage.search.tree import Query

#: a server that expects more than so many times the few is not asked for the few: they would be found by walking
_CLEARLY = 5


def expression(connection: Connection, query: Query) -> str:
    """The question in the words of the engine behind the connection."""
    from storage.search.engines import fts5, tsquery

    return tsquery(query) if _is_server(connection) else fts5(query)


def whole(connection: Connection, filters: Filters) -> list[ColumnElement[bool]]:
    """What must hold of a row of ``post_index``, in a statement on this connection that reads all that pass.

    Raises:
        IndexBehind: not every post can be found yet.
    """
    ensure_whole(connection)
    found = [*own(filters), *(one.whole() for one in sets(connection, filters))]
    if filters.query is not None:
        found.append(matching(connection, expression(connection, filters.query)).whole())
    return found


def place_of(connection: Connection) -> ColumnElement[int]:
    """The column of the full text that is ``post_index.ordinal``."""
    return post_search.c.ordinal if _is_server(connection) else post_search_fts5.c.rowid


def matching(connection: Connection, wanted: str) -> Set:
    """The posts that match, as a set."""
    return Set(post_index.c.ordinal, (select(place_of(connection)).where(_matches(connection, wanted)),))


def few(connection: Connection, wanted: str, most: int) -> Sequence[int] | None:
    """The places of all posts that match if these are at most ``most``."""
    if (estimate(connection, wanted) or 0) > _CLEARLY * most:
        return None
    statement = select(place_of(connection)).where(_matches(connection, wanted)).limit(most + 1)
    found = connection.execute(statement).scalars().all()
    return found if len(found) <= most else None


def number(connection: Connection, wanted: str) -> int:
    """How many posts match, exactly."""
    matches = _matches(connection, wanted)
    return connection.execute(select(func.count(place_of(connection))).where(matches)).scalar_one()


def estimate(connection: Connection, wanted: str) -> int | None:
    """How many rows a server expects to match, by its statistics, without looking; None from a file."""
    if not _is_server(connection):
        return None
    explained = connection.execute(
        text("EXPLAIN (FORMAT JSON) SELECT 1 FROM post_search WHERE terms @@ CAST(:wanted AS tsquery)"),
        {"wanted": wanted},
    ).scalar_one()
    plan: list[dict[str, Any]] = json.loads(explained) if isinstance(explained, str) else explained
    return int(plan[0]["Plan"]["Plan Rows"])


def joined(connection: Connection, statement: Select[Any], wanted: str) -> Select[Any]:
    """A statement over the index that gives its posts in the order of the full text, which it walks through.

    SQLite takes the full text for the smaller of the two, whatever is known of the index, and walks along it.
    """
    return statement.where(_matches(connection, wanted), post_index.c.ordinal == place_of(connection))


def _matches(connection: Connection, wanted: str) -> ColumnElement[bool]:
    if _is_server(connection):
        return post_search.c.terms.op("@@", is_comparison=True)(
            bindparam(None, wanted, Text).op("::")(literal_column("tsquery"))
        )
    return literal_column("post_search").op("MATCH", is_comparison=True)(bindparam(None, wanted))


def _is_server(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"
