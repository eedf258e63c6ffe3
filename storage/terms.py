"""The terms that posts are found by, as either database keeps them in ``post_search``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from storage.search.documents import Document

#: documents that go to the database at once
_MANY = 500


def put(connection: Connection, documents: Mapping[int, Document]) -> None:
    """Keep documents by ordinal; one that is held as it is costs no write."""
    for some in _portions(documents):
        if connection.dialect.name == "postgresql":
            given = list(some), [document.as_tsvector() for document in some.values()]
            connection.exec_driver_sql(_PUT_TSVECTORS, given)
            continue
        held = _held(connection, some)
        new = {ordinal: document.as_fts() for ordinal, document in some.items()}
        added = [(*texts, ordinal) for ordinal, texts in new.items() if ordinal not in held]
        changed = [(*texts, ordinal) for ordinal, texts in new.items() if held.get(ordinal, texts) != texts]
        for statement, rows in ((_ADD, added), (_CHANGE, changed)):
            if rows:
                connection.exec_driver_sql(statement, rows)


def differing(connection: Connection, documents: Mapping[int, Document]) -> set[int]:
    """The ordinals of which something else is held, or nothing."""
    found: set[int] = set()
    for some in _portions(documents):
        if connection.dialect.name == "postgresql":
            given = list(some), [document.as_tsvector() for document in some.values()]
            found |= set(connection.exec_driver_sql(_OTHER_TSVECTORS, given).scalars())
        else:
            held = _held(connection, some)
            found |= {ordinal for ordinal, document in some.items() if held.get(ordinal) != document.as_fts()}
    return found


def _held(connection: Connection, ordinals: Mapping[int, Document]) -> dict[int, tuple[str, ...]]:
    rows = connection.exec_driver_sql(
        f"SELECT rowid, fr, en, rest_fr, rest_en FROM post_search WHERE rowid IN ({','.join(map(str, ordinals))})"  # noqa: S608 - numbers
    )
    return {row[0]: tuple(row[1:]) for row in rows}


def _portions(documents: Mapping[int, Document]) -> Iterator[dict[int, Document]]:
    items = iter(documents.items())
    while some := dict(islice(items, _MANY)):
        yield some


_ADD = "INSERT INTO post_search (fr, en, rest_fr, rest_en, rowid) VALUES (?, ?, ?, ?, ?)"
_CHANGE = "UPDATE post_search SET fr = ?, en = ?, rest_fr = ?, rest_en = ? WHERE rowid = ?"
_GIVEN = "unnest(%s::bigint[], %s::text[]) AS given (ordinal, terms)"
_PUT_TSVECTORS = (
    "INSERT INTO post_search (ordinal, terms)"  # noqa: S608 - our own words
    f" SELECT ordinal, terms::tsvector FROM {_GIVEN}"
    " ON CONFLICT (ordinal) DO UPDATE SET terms = excluded.terms WHERE post_search.terms <> excluded.terms"
)
_OTHER_TSVECTORS = (
    f"SELECT given.ordinal FROM {_GIVEN} LEFT JOIN post_search AS held ON held.ordinal = given.ordinal"  # noqa: S608
    " WHERE held.terms IS DISTINCT FROM given.terms::tsvector"
)
