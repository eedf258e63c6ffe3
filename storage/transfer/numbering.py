"""Batches numbered in the order of their times, so that ``undo`` takes back what was said last, wherever it was."""

from __future__ import annotations

from itertools import pairwise

from sqlalchemy import Connection, func, select, text

from storage.schema import DecisionRecord, rows_of

_decisions = rows_of(DecisionRecord)

_ORDER = """
CREATE TEMPORARY TABLE batch_order AS
SELECT batch AS before, row_number() OVER (ORDER BY min(at), batch) AS after FROM decisions GROUP BY batch
"""
_MOVED = "(SELECT after FROM batch_order WHERE before = {column})"
_RENUMBER = tuple(
    f"UPDATE decisions SET {column} = {value} WHERE {where}"  # noqa: S608 - our own words
    for column, value, where in (
        ("batch", _MOVED.format(column="batch"), "TRUE"),
        ("undone_by", _MOVED.format(column="undone_by"), "undone_by IN (SELECT before FROM batch_order)"),
        (
            "value",
            f"CAST({_MOVED.format(column='CAST(value AS INTEGER)')} AS TEXT)",
            "kind = 'undo' AND CAST(value AS INTEGER) IN (SELECT before FROM batch_order)",
        ),
    )
)


def renumber(connection: Connection) -> bool:
    """Number all batches anew where they are not in the order of their times; whether they were not.

    Args:
        connection: a write transaction.
    """
    query = select(func.min(_decisions.c.at)).group_by(_decisions.c.batch).order_by(_decisions.c.batch)
    with connection.execute(query, execution_options={"yield_per": 1000}) as rows:
        if all(one <= other for one, other in pairwise(rows.scalars())):
            return False
    connection.execute(text(_ORDER))
    connection.execute(text("CREATE INDEX batch_order_before ON batch_order (before)"))
    for statement in _RENUMBER:
        connection.execute(text(statement))
    connection.execute(text("DROP TABLE batch_order"))
    return True
