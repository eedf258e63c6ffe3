"""Keeps the index of posts (``post_index`` and ``post_search``) what the tables say; it holds nothing of its own.

Triggers note in ``index_pending`` whose row may be behind, and ``Database.write`` settles that before it commits, so
nobody else ever sees a post that is noted there: but while the index is built, which is done in many transactions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, bindparam, update

from storage.errors import IndexBehind, RowRefused
from storage.views import post_index

if TYPE_CHECKING:
    from sqlalchemy import Table

    from storage.facts import Found

#: posts that are settled by a write that found the index behind; it keeps others waiting for some tenths of a second
STEP = 2000
#: posts that are read and written at once
BATCH = 2000
#: pages of FTS5 that are joined at once: some tenths of a second
PAGES = 4000

_NOTED = f"SELECT post_id FROM index_pending ORDER BY post_id LIMIT {BATCH}"  # noqa: S608 - our own words

#: told as an index is built: how many posts are in it, and of how many; may raise to interrupt
Progress = Callable[[int, int], None]


def is_behind(connection: Connection) -> bool:
    """Whether a post is noted that is not settled."""
    return connection.exec_driver_sql("SELECT 1 FROM index_pending LIMIT 1").first() is not None


def ensure_whole(connection: Connection) -> None:
    """Nothing, if every post can be found.

    Raises:
        IndexBehind: the index is being built, or that was cut off.
    """
    if is_behind(connection):
        raise IndexBehind(
            "the archive's index is being built, or its building was cut off: not every post would be found;"
            " run `cupola db upgrade`, which goes on with it, and try again"
        )


def settle(connection: Connection, at_most: int | None = None) -> None:
    """Bring the index up to date with what is noted, within the caller's write transaction.

    Args:
        connection: a write transaction.
        at_most: about so many posts; all when not given.
    """
    done = 0
    while at_most is None or done < at_most:
        ids = list(connection.exec_driver_sql(_NOTED).scalars())
        if ids:
            _renew(connection, ids)
        if len(ids) < BATCH:
            return
        done += len(ids)


def join(connection: Connection, *, is_first: bool) -> bool:
    """Join a part of what FTS5 keeps apart since it was written; whether more is left. A server sees to that itself.

    A word is looked for in each of these parts; after a million posts they are a dozen. See
    https://www.sqlite.org/fts5.html#the_merge_command
    """
    if connection.dialect.name == "postgresql":
        return False
    driver: Any = connection.connection.driver_connection
    before = driver.total_changes
    # a negative number has all parts joined, a positive one goes on with it
    wanted = (-PAGES if is_first else PAGES,)
    connection.exec_driver_sql("INSERT INTO post_search(post_search, rank) VALUES ('merge', ?)", wanted)
    return bool(driver.total_changes - before >= 2)


def left(connection: Connection) -> tuple[int, int]:
    """How many posts are noted that are not settled, and how many there are."""
    return _count(connection, "index_pending"), _count(connection, "posts")


def clear(connection: Connection) -> None:
    """Throw the index away and note every post, so that it is made from nothing, whatever was damaged in it."""
    from storage.migrations.index import search_table

    is_server = connection.dialect.name == "postgresql"
    if not is_server:
        connection.exec_driver_sql("DROP TRIGGER IF EXISTS post_index_deleted")
    connection.exec_driver_sql("DROP TABLE IF EXISTS post_search")
    for table in ("post_index", "index_pending", "traits", "alike"):
        connection.exec_driver_sql(f"{'TRUNCATE' if is_server else 'DELETE FROM'} {table}")
    for statement in search_table(connection.dialect.name):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("INSERT INTO index_pending SELECT id FROM posts")


def _renew(connection: Connection, ids: Sequence[int]) -> None:
    """Make the rows of these posts anew; a row that is as it should be costs no write."""
    # what reads words takes a while to load, and most who open an archive only ask
    from storage import terms, traits
    from storage.dialects import insert_all
    from storage.facts import NAMES, TIE, read
    from storage.search.documents import document

    found = read(connection, ids)
    query = f"SELECT ordinal, {', '.join(NAMES)} FROM post_index WHERE post_id {_those(ids)}"  # noqa: S608 - numbers
    held = {row.post_id: row for row in connection.exec_driver_sql(query)}
    ordinals = {post_id: row.ordinal for post_id, row in held.items()}
    moved = [post for post in found if ordinals.get(post.post_id, -1) >> TIE != post.second]
    if left := [ordinals[post.post_id] for post in moved if post.post_id in held]:
        # their terms go with them
        connection.exec_driver_sql(f"DELETE FROM post_index WHERE ordinal {_those(left)}")  # noqa: S608 - numbers
    ordinals |= _places(connection, moved)
    rows = [_row(post) | {"ordinal": ordinals[post.post_id]} for post in moved]
    insert_all(connection, cast("Table", post_index), rows)
    arrived = {post.post_id for post in moved}
    stayed = (post for post in found if post.post_id not in arrived)
    if changed := [_row(post) | {"number": post.post_id} for post in stayed if post.facts != held[post.post_id][1:]]:
        connection.execute(update(post_index).where(post_index.c.post_id == bindparam("number")), changed)
    terms.put(connection, {ordinals[post.post_id]: document(post.texts) for post in found})
    traits.renew(connection, ids)
    connection.exec_driver_sql(f"DELETE FROM index_pending WHERE post_id {_those(ids)}")  # noqa: S608 - numbers


def _row(post: Found) -> dict[str, Any]:
    from storage.facts import NAMES

    return dict(zip(NAMES, post.facts, strict=True))


def _places(connection: Connection, posts: Sequence[Found]) -> dict[int, int]:
    """A free ordinal for each of these posts: its own, or the next one upwards within its second."""
    from storage.facts import TIE

    wanted = {post.post_id: post.second << TIE | post.tie for post in posts}
    taken = _taken(connection, list(wanted.values()))
    given: dict[int, int] = {}
    for post_id, place in wanted.items():
        given[post_id] = place if place not in taken else _next_free(connection, place, taken)
        taken.add(given[post_id])
    return given


def _next_free(connection: Connection, place: int, taken: set[int]) -> int:
    from storage.facts import TIE

    first, tie = place >> TIE << TIE, place % (1 << TIE)
    for step in range(1, 1 << TIE, BATCH):
        places = [first | (tie + step + more) % (1 << TIE) for more in range(BATCH)]
        taken |= _taken(connection, places)
        if free := [candidate for candidate in places if candidate not in taken]:
            return free[0]
    raise RowRefused("the archive holds 16 million posts of one second; it has no place for another one")


def _taken(connection: Connection, places: Sequence[int]) -> set[int]:
    query = f"SELECT ordinal FROM post_index WHERE ordinal {_those(places)}"  # noqa: S608 - numbers
    return set(connection.exec_driver_sql(query).scalars())


def _those(numbers: Sequence[int]) -> str:
    return f"IN ({','.join(map(str, numbers)) or 'NULL'})"


def _count(connection: Connection, table: str) -> int:
    return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608 - our own words
