"""Compares the index of posts with what the tables say; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sqlalchemy import Connection, select

from storage import terms, traits
from storage.damage import Damage, Share, Trouble
from storage.engine import Database
from storage.facts import NAMES, TIE, read
from storage.indexing import left
from storage.search.documents import document
from storage.views import posts

#: posts that are compared at once, each time in a transaction of its own: a run may write meanwhile
BATCH = 500
#: posts that are named, at most
TOLD = 20

_ADVICE = "run `cupola db reindex`, which makes it anew from what is held"
_ORPHANS = (
    (
        "rows of post_index belong to no post",
        "post_index AS i WHERE NOT EXISTS (SELECT 1 FROM posts WHERE id = i.post_id)",
    ),
    (
        "rows of post_search belong to no row of post_index",
        "post_search AS s WHERE NOT EXISTS (SELECT 1 FROM post_index WHERE ordinal = s.{ordinal})",
    ),
)


def damages(database: Database, share: Share) -> Iterator[Damage]:
    """What is wrong with the index.

    Args:
        database: the archive's.
        share: the part of the posts that are compared with it.

    Raises:
        ArchiveDamaged: what it is made of cannot be read.
    """
    with database.read() as connection:
        noted, _ = left(connection)
        if noted:
            yield _damage("index_pending", f"{noted:,} posts are not in it yet; run `cupola db upgrade`")
            return
        yield from _orphans(connection)
    wrong = _wrong(database, share)
    for key in islice(wrong, TOLD):
        yield _damage(key, f"it is found by something else than it says; {_ADVICE}")
    if more := sum(1 for _ in wrong):
        yield _damage("post_index", f"{more:,} more posts are found by something else than they say; {_ADVICE}")


def _orphans(connection: Connection) -> Iterator[Damage]:
    ordinal = "ordinal" if connection.dialect.name == "postgresql" else "rowid"
    for what, rows in _ORPHANS:
        number = connection.exec_driver_sql(f"SELECT count(*) FROM {rows.format(ordinal=ordinal)}").scalar_one()  # noqa: S608
        if number:
            yield _damage("post_index", f"{number:,} {what}; {_ADVICE}")


def _wrong(database: Database, share: Share) -> Iterator[str]:
    """Keys of posts that the index has not, or not as they are."""
    last = 0
    mine = posts.c.id % share.of == share.part
    while True:
        with database.read() as connection:
            query = select(posts.c.id).where(posts.c.id > last, mine).order_by(posts.c.id).limit(BATCH)
            ids = list(connection.scalars(query))
            found = compared(connection, ids) if ids else []
        if not ids:
            return
        yield from found
        last = ids[-1]


def compared(connection: Connection, ids: list[int]) -> list[str]:
    """Keys of those of these posts that the index has not, or not as they are."""
    those = ",".join(map(str, ids))
    query = f"SELECT ordinal, {', '.join(NAMES)} FROM post_index WHERE post_id IN ({those})"  # noqa: S608 - numbers
    held = {row.post_id: row for row in connection.exec_driver_sql(query)}
    found = {post.post_id: post for post in read(connection, ids)}
    wrong = {
        number
        for number, post in found.items()
        if number not in held or held[number][1:] != post.facts or held[number].ordinal >> TIE != post.second
    }
    numbers = {held[number].ordinal: number for number in found if number in held}
    documents = {ordinal: document(found[number].texts) for ordinal, number in numbers.items()}
    wrong |= {numbers[ordinal] for ordinal in terms.differing(connection, documents)}
    wrong |= traits.differing(connection, ids)
    named = f"SELECT source_id || ':' || native_id FROM posts WHERE id IN ({','.join(map(str, wrong)) or 'NULL'})"  # noqa: S608
    return sorted(connection.exec_driver_sql(named).scalars())


def _damage(what: str, message: str) -> Damage:
    return Damage(trouble=Trouble.INDEX, what=what, message=message)
