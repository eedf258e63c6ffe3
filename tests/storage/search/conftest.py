"""Both engines, asked about documents of the test's own choice: FTS5 in memory, tsvector on a real server."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from storage.search.documents import Document
from storage.search.engines import fts5, tsquery
from storage.search.tree import Query

#: the numbers of the documents that answer a question
Ask = Callable[[Query], set[int]]
#: makes that of documents
Hold = Callable[[Sequence[Document]], Ask]


@pytest.fixture
def in_sqlite() -> Iterator[Hold]:
    """An FTS5 table in memory, as the archive's is."""
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE VIRTUAL TABLE post_search USING fts5(fr, en, rest_fr, rest_en, tokenize = \"ascii tokenchars '_'\")"
    )

    def ask(query: Query) -> set[int]:
        found = connection.execute("SELECT rowid FROM post_search WHERE post_search MATCH ?", (fts5(query),))
        return {row for (row,) in found}

    def hold(documents: Sequence[Document]) -> Ask:
        connection.execute("DELETE FROM post_search")
        connection.executemany(
            "INSERT INTO post_search (rowid, fr, en, rest_fr, rest_en) VALUES (?, ?, ?, ?, ?)",
            [(at, *document.as_fts()) for at, document in enumerate(documents)],
        )
        return ask

    yield hold
    connection.close()


@pytest.fixture
def in_postgresql(server: Any) -> Iterator[Hold]:
    """A table of vectors on a server, as the archive's is."""
    import psycopg

    name = server.fresh("template0")
    address = server.address(name).replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE TABLE post_search (ordinal bigint PRIMARY KEY, terms tsvector)")

        def ask(query: Query) -> set[int]:
            found = connection.execute(
                "SELECT ordinal FROM post_search WHERE terms @@ CAST(%s AS tsquery)", (tsquery(query),)
            )
            return {row for (row,) in found}

        def hold(documents: Sequence[Document]) -> Ask:
            connection.execute("DELETE FROM post_search")
            with connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO post_search VALUES (%s, CAST(%s AS tsvector))",
                    [(at, document.as_tsvector()) for at, document in enumerate(documents)],
                )
            return ask

        yield hold
    server.drop(name)
