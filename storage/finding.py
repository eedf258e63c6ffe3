"""How posts are found: the rarest thing that is asked for is looked up first, all else is checked of what it gives.

Small answers (at most ``FEW`` posts) are read whole and put in order here; large ones are walked through in the
order of an index until a page is full. Which of the two it is, is found out by looking up to ``FEW`` posts far.
Both databases are asked in the same way and give the same posts in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, null, select, union_all

from storage import fulltext
from storage.conditions import Set, alternatives, between, own, sets
from storage.dialects import numbered
from storage.filters import Filters, Sort
from storage.indexing import ensure_whole
from storage.paging import Place, Row, Stretch, place, stretches
from storage.views import post_index

#: posts of which an answer is small
FEW = 2_000
#: rows that a stream takes at once from the database
BATCH = 1_000

_ROW = (post_index.c.ordinal, post_index.c.post_id, post_index.c.rating)
#: the same for orders that do not ask for the rating: on SQLite an index has it all, and the row need not be read
_PLACE = (post_index.c.ordinal, post_index.c.post_id, null())


@dataclass(frozen=True, slots=True)
class Few:
    """All posts that pass, in no order."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Many:
    """More than a few posts, perhaps: what must hold of them.

    ``own`` is of the index, ``sets`` of other tables; ``text`` is what the full text must match, None when anything;
    ``between`` says once more of the full text's own column what ``own`` says of time, ``alternatives`` what it says
    of a column that may have one of several values.
    """

    own: tuple[ColumnElement[bool], ...]
    sets: tuple[Set, ...]
    text: str | None
    between: tuple[ColumnElement[bool], ...] = ()
    alternatives: tuple[ColumnElement[bool], ...] = ()


Found = Few | Many


def found(connection: Connection, filters: Filters) -> Found:
    """What passes the filters; ``filters.limit``, ``sort`` and ``after`` are not looked at.

    Raises:
        IndexBehind: not every post can be found yet.
    """
    ensure_whole(connection)
    conditions, others = tuple(own(filters)), tuple(sets(connection, filters))
    text = None if filters.query is None else fulltext.expression(connection, filters.query)
    row = _ROW if filters.order == "rating" else _PLACE
    for at, one in enumerate(others):
        if (few := _few(connection, one)) is not None:
            return _checked(connection, row, one.column, few, conditions, (*others[:at], *others[at + 1 :]), text)
    if text is not None and (few := fulltext.few(connection, text, FEW)) is not None:
        return _checked(connection, row, post_index.c.ordinal, few, conditions, others, None)
    if conditions and (others or text is not None):
        # a rare property of the index, and something frequent
        rows = connection.execute(select(post_index.c.ordinal).where(*conditions).limit(FEW + 1)).scalars().all()
        if len(rows) <= FEW:
            return _checked(connection, row, post_index.c.ordinal, rows, (), others, text)
    along = tuple(between(filters, fulltext.place_of(connection))) if text is not None else ()
    return Many(conditions, others, text, along, alternatives(filters))


def _few(connection: Connection, one: Set) -> Sequence[int] | None:
    """The members of a set if they are a few."""
    distinct: set[int] = set()
    for part in one.parts:
        distinct.update(connection.execute(part.limit(FEW + 1)).scalars())
    return list(distinct) if len(distinct) <= FEW else None


def _checked(
    connection: Connection,
    row: Sequence[ColumnElement[Any]],
    column: ColumnElement[int],
    numbers: Sequence[int],
    conditions: Sequence[ColumnElement[bool]],
    others: Sequence[Set],
    text: str | None,
) -> Few:
    """Of the posts with these numbers, the ones of which all else holds."""
    if not numbers:
        return Few(())
    statement = select(*row).where(numbered(connection, column, numbers), *conditions)
    statement = statement.where(*(other.one() for other in others))
    if text is not None:
        statement = statement.where(fulltext.matching(connection, text).one())
    return Few(tuple(Row(*found) for found in connection.execute(statement)))


def number(connection: Connection, which: Found) -> int:
    """How many they are, exactly."""
    if isinstance(which, Few):
        return len(which.rows)
    if which.text is not None and not which.own and not which.sets:
        return fulltext.number(connection, which.text)
    statement = select(func.count()).where(*_whole(connection, which)).select_from(post_index)
    return connection.execute(statement).scalar_one()


def _whole(connection: Connection, which: Many) -> Iterator[ColumnElement[bool]]:
    yield from which.own
    yield from (one.whole() for one in which.sets)
    if which.text is not None:
        yield fulltext.matching(connection, which.text).whole()


def ordered(
    connection: Connection, which: Found, order: Sort, after: Place | None = None, limit: int | None = None
) -> Iterator[Row]:
    """The posts in an order other than ``rank``, as they are taken; those behind ``after``, at most ``limit``."""
    if isinstance(which, Few):
        rows = sorted((place(order, row), row) for row in which.rows)
        yield from [row for at, row in rows if after is None or at > after][:limit]
        return
    along = which.text is not None and order in ("newest", "oldest")
    column = fulltext.place_of(connection) if along else post_index.c.ordinal
    left = limit
    for stretch in stretches(order, after, column):
        if left is not None and left <= 0:
            return
        taken = 0
        if left is not None and left <= FEW and which.alternatives and not along:
            found: Iterable[Row] = _first(connection, which, stretch, left, order)
        else:
            found = _walk(connection, which, stretch, left, along=along)
        for row in found:
            taken += 1
            yield row
        left = None if left is None else left - taken


def _first(connection: Connection, which: Many, stretch: Stretch, limit: int, order: Sort) -> list[Row]:
    """The first posts of a stretch, from the first ones of each alternative."""
    others = [*which.sets, *([] if which.text is None else [fulltext.matching(connection, which.text)])]
    statement = select(*_ROW).where(*which.own, *stretch.where, *(one.one() for one in others))
    statement = statement.order_by(stretch.by).limit(limit)
    parts = (select(statement.where(alternative).subquery()) for alternative in which.alternatives)
    rows = (Row(*row) for row in connection.execute(union_all(*parts)))
    return sorted(rows, key=lambda row: place(order, row))[:limit]


def _walk(connection: Connection, which: Many, stretch: Stretch, limit: int | None, *, along: bool) -> Iterator[Row]:
    """The posts of a stretch; ``along`` the full text, which is in the order of time, or along the index."""
    statement: Select[Any] = select(*_ROW).where(*which.own, *stretch.where).order_by(stretch.by)
    others = list(which.sets)
    if which.text is not None and along:
        statement = fulltext.joined(connection, statement.where(*which.between), which.text)
    elif which.text is not None:
        others.append(fulltext.matching(connection, which.text))
    if limit is None:
        # all of it will be read
        statement = statement.where(*(one.whole() for one in others))
    else:
        statement = statement.where(*(one.one() for one in others)).limit(limit)
    size = BATCH if limit is None else min(BATCH, limit)
    # closed by name: whoever stops in the middle leaves no cursor open on the server
    with connection.execute(statement, execution_options={"yield_per": size}) as rows:
        for row in rows:
            yield Row(*row)
