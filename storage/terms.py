"""The terms that posts are found by, as either database keeps them in ``post_search``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from storage.search.documents import Document
    from storage.search.ranking import Candidate, Sought

#: documents that go to the database at once
_MANY = 500
#: by weight, the column of a document
_COLUMNS = {"A": 0, "B": 1, "C": 2, "D": 3}


def put(connection: Connection, documents: Mapping[int, Document]) -> None:
    """Keep documents by ordinal; one that is held as it is costs no write.

    They go in in order of their ordinals: FTS5 ends a part of its index wherever a smaller number follows, and joining
    these parts again would be most of the work.
    """
    for some in _portions(documents):
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(_PUT_TSVECTORS, _given(some))
            continue
        held = _held(connection, some)
        new = {ordinal: (*document.as_fts(), document.extent) for ordinal, document in some.items()}
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
            found |= set(connection.exec_driver_sql(_OTHER_TSVECTORS, _given(some)).scalars())
        else:
            held = _held(connection, some)
            found |= {
                ordinal
                for ordinal, document in some.items()
                if held.get(ordinal) != (*document.as_fts(), document.extent)
            }
    return found


def candidates(connection: Connection, ordinals: Sequence[int], sought: Sought) -> dict[int, Candidate]:
    """Where the posts of these ordinals say what is sought; those that there are."""
    from storage.search.ranking import candidate

    if connection.dialect.name != "postgresql":
        return {
            ordinal: candidate(extent, _placed(columns, sought))
            for ordinal, (*columns, extent) in _held(connection, ordinals).items()
        }
    extents: dict[int, str] = {}
    places: dict[int, dict[str, tuple[list[int], ...]]] = {}
    given = list(sought.terms), list(sought.starts), list(ordinals)
    for ordinal, extent, term, where, weights in connection.exec_driver_sql(_WHERE, given):
        extents[ordinal] = extent
        if term is not None:
            places.setdefault(ordinal, {})[term] = _of_columns(where, weights)
    return {ordinal: candidate(extent, places.get(ordinal, {})) for ordinal, extent in extents.items()}


def _placed(columns: Sequence[str], sought: Sought) -> dict[str, tuple[list[int], ...]]:
    """The places of what is sought in the columns of an FTS5 table."""
    places: dict[str, tuple[list[int], ...]] = {}
    finder = _finder(sought)
    for number, column in enumerate(columns):
        for found in finder.finditer(column):
            own = places.setdefault(found[0], ([], [], [], []))
            own[number].append(column.count(" ", 0, found.start()))
    return places


@lru_cache(maxsize=8)
def _finder(sought: Sought) -> re.Pattern[str]:
    # terms are of a-z, 0-9 and _, with spaces between them
    pieces = [*sorted(sought.terms), *(f"{start}[^ ]*" for start in sought.starts)]
    return re.compile(f"(?<![^ ])(?:{'|'.join(pieces) or '(?!)'})(?![^ ])")


def _of_columns(places: Sequence[int], weights: Sequence[str]) -> tuple[list[int], ...]:
    from storage.search.documents import COLUMN

    found: tuple[list[int], ...] = ([], [], [], [])
    for place, weight in zip(places, weights, strict=True):
        found[_COLUMNS[weight]].append((place - 1) % COLUMN)
    return found


def _held(connection: Connection, ordinals: Mapping[int, Document] | Sequence[int]) -> dict[int, tuple[str, ...]]:
    rows = connection.exec_driver_sql(
        "SELECT rowid, fr, en, rest_fr, rest_en, extent FROM post_search"  # noqa: S608 - numbers
        f" WHERE rowid IN ({','.join(map(str, ordinals)) or 'NULL'})"
    )
    return {row[0]: tuple(row[1:]) for row in rows}


def _given(documents: Mapping[int, Document]) -> tuple[list[int], list[str], list[str]]:
    found = documents.values()
    return list(documents), [one.as_tsvector() for one in found], [one.extent for one in found]


def _portions(documents: Mapping[int, Document]) -> Iterator[dict[int, Document]]:
    items = iter(sorted(documents.items()))
    while some := dict(islice(items, _MANY)):
        yield some


_ADD = "INSERT INTO post_search (fr, en, rest_fr, rest_en, extent, rowid) VALUES (?, ?, ?, ?, ?, ?)"
_CHANGE = "UPDATE post_search SET fr = ?, en = ?, rest_fr = ?, rest_en = ?, extent = ? WHERE rowid = ?"
_GIVEN = "unnest(%s::bigint[], %s::text[], %s::text[]) AS given (ordinal, terms, extent)"
_PUT_TSVECTORS = (
    "INSERT INTO post_search (ordinal, terms, extent)"  # noqa: S608 - our own words
    f" SELECT ordinal, terms::tsvector, extent FROM {_GIVEN}"
    " ON CONFLICT (ordinal) DO UPDATE SET terms = excluded.terms, extent = excluded.extent"
    " WHERE post_search.terms <> excluded.terms OR post_search.extent <> excluded.extent"
)
_OTHER_TSVECTORS = (
    f"SELECT given.ordinal FROM {_GIVEN} LEFT JOIN post_search AS held ON held.ordinal = given.ordinal"  # noqa: S608
    " WHERE held.terms IS DISTINCT FROM given.terms::tsvector OR held.extent IS DISTINCT FROM given.extent"
)
_WHERE = """
SELECT held.ordinal, held.extent, said.lexeme, said.positions, said.weights
FROM post_search AS held LEFT JOIN LATERAL (
    SELECT lexeme, positions, weights FROM unnest(held.terms)
    WHERE lexeme = ANY(%s::text[]) OR EXISTS (SELECT 1 FROM unnest(%s::text[]) AS start WHERE lexeme ^@ start)
) AS said ON TRUE
WHERE held.ordinal = ANY(%s::bigint[])
"""
