"""Which posts an export has, as the numbers of their rows, in its order: a million of them are eight megabytes."""

from __future__ import annotations

import json
from array import array
from collections.abc import Generator
from itertools import chain

from sqlalchemy import ARRAY, BigInteger, Connection, Select, any_, bindparam, func, select

from storage.export.formats import Order
from storage.filters import Filters
from storage.queries import numbers
from storage.views import posts

#: posts that are read at once; memory is this many times a post with its parts
BATCH = 2000


def chosen(connection: Connection, filters: Filters, order: Order) -> Generator[list[int]]:
    """The posts that pass, ``BATCH`` numbers at a time.

    Under a limit they are the first ones that a query has, whatever the order of the export.
    """
    if order is Order.NEWEST:
        yield from numbers(connection, filters, BATCH)
        return
    statement = select(posts.c.id)
    if filters != Filters(sort=filters.sort):
        found = array("q", chain.from_iterable(numbers(connection, filters, BATCH)))
        statement = _among(connection, statement, found)
    statement = statement.order_by(posts.c.source_id, posts.c.native_id)
    with connection.execute(statement, execution_options={"yield_per": BATCH}) as rows:
        for batch in rows.partitions():
            yield [row.id for row in batch]


def _among(connection: Connection, statement: Select[tuple[int]], found: array[int]) -> Select[tuple[int]]:
    if connection.dialect.name == "postgresql":
        return statement.where(posts.c.id == any_(bindparam(None, found.tolist(), ARRAY(BigInteger))))
    listed = func.json_each(bindparam(None, json.dumps(found.tolist()))).table_valued("value").c.value
    return statement.where(posts.c.id.in_(select(listed)))
