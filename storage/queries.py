"""Filters in, posts out: one reading of the archive for the command line, the page, exports and notebooks alike.

    from pathlib import Path
    from storage.engine import open_database
    from storage.filters import Filters
    from storage.queries import count, page

    database = open_database(Path("archive"), read_only=True)
    wanted = Filters(text="montée eaux", lang=("fr",), mission=("proxima",), limit=20)
    first = page(database, wanted)
    print(count(database, wanted), [post.key for post in first.posts])
    second = page(database, replace(wanted, after=first.next))

What comes is typed (``storage.postview``), of one state of the archive, and the same on either database.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice

from sqlalchemy import Connection, select

from storage import finding, fulltext
from storage.engine import Database
from storage.filters import Filters
from storage.finding import Many
from storage.hits import Hit, hits_in
from storage.loading import posts_of
from storage.paging import Place, Row, place, resumed, token
from storage.postview import PostView
from storage.ranked import ranked
from storage.views import posts, sources

#: posts read at once; with each batch go one query for pictures and one for segments
BATCH = 200
#: posts of a page when no limit is given
PAGE = 50
#: a server's estimate is taken for an answer from so many posts on
_MANY = 50_000
#: the greatest limit
_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some posts in their order.

    Attributes:
        posts: at most ``Filters.limit`` of them, else ``PAGE``.
        next: what ``Filters.after`` takes to get those that follow; None when there are none at present.
        hits: for each post where in it the words stand that were asked for; empty when that was not asked for.
    """

    posts: tuple[PostView, ...]
    next: str | None
    hits: tuple[tuple[Hit, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many posts pass; ``exact`` is False for a server's estimate."""

    number: int
    exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What an archive can be asked by: its sources, and the missions that its posts have."""

    sources: tuple[str, ...]
    missions: tuple[str, ...]


def find(database: Database, filters: Filters) -> Iterator[PostView]:
    """The posts that pass, in the order asked for: without one the best matches first, or else the newest.

    They are read as they are taken, in one transaction that sees one state of the archive; memory does not
    grow with their number. Close the iterator (or exhaust it) to end the transaction. What is to be marked in a post
    is told by ``storage.hits.hits_in(post, filters.query)``.

    Raises:
        PageRefused: ``filters.after`` is no token of these filters.
        StorageError: the archive cannot be read.
    """
    with database.read() as connection:
        yield from read_posts(connection, filters)


def page(database: Database, filters: Filters, *, hits: bool = False) -> Page:
    """One page of the posts that pass, and how to get the next one; no page costs more than the first.

    Args:
        database: the archive's.
        filters: ``limit`` is the size of the page, ``after`` the ``next`` of the one before.
        hits: whether to tell what is to be marked in each post.

    Raises:
        PageRefused: ``filters.after`` is no token of these filters.
        StorageError: the archive cannot be read.
    """
    size = PAGE if filters.limit is None else filters.limit
    with closing(pages(database, replace(filters, limit=size), size=size, hits=hits)) as found:
        return next(found, Page(posts=(), next=None))


def pages(database: Database, filters: Filters, *, size: int = BATCH, hits: bool = False) -> Generator[Page]:
    """As ``find``, but some posts at once, which tell what is to be marked in them, and how to get those that follow.

    Args:
        database: the archive's.
        filters: ``limit`` is how many there are in all; the last page says how to get what lies behind it.
        size: posts of a page.
        hits: whether to tell what is to be marked in each post.

    Raises:
        PageRefused: ``filters.after`` is no token of these filters.
        StorageError: the archive cannot be read.
    """
    left = filters.limit
    with database.read() as connection:
        # one more tells whether anything follows
        rows = _in_order(connection, filters if left is None else replace(filters, limit=min(left + 1, _MOST)))
        follows = next(rows, None) if left != 0 else None
        while follows is not None and left != 0:
            batch = [follows, *islice(rows, (size if left is None else min(size, left)) - 1)]
            left = None if left is None else left - len(batch)
            follows = next(rows, None)
            held = tuple(posts_of(connection, [row.post_id for row, _ in batch]))
            yield Page(
                posts=held,
                next=None if follows is None else token(filters, batch[-1][1]),
                hits=tuple(hits_in(post, filters.query) for post in held) if hits and filters.query is not None else (),
            )


def read_posts(connection: Connection, filters: Filters) -> Iterator[PostView]:
    """As ``find``, within a transaction that is open already."""
    for batch in numbers(connection, filters):
        yield from posts_of(connection, batch)


def numbers(connection: Connection, filters: Filters, size: int = BATCH) -> Iterator[list[int]]:
    """As ``find``, but the rows of the posts in ``posts``, so many at once."""
    rows = _in_order(connection, filters)
    while batch := [row.post_id for row, _ in islice(rows, size)]:
        yield batch


def count(database: Database, filters: Filters) -> int:
    """How many posts pass; ``filters.limit`` is the most that is counted, ``after`` is not looked at.

    Raises:
        StorageError: the archive cannot be read.
    """
    with database.read() as connection:
        found = finding.number(connection, finding.found(connection, filters))
    return found if filters.limit is None else min(found, filters.limit)


def about(database: Database, filters: Filters) -> Count:
    """How many posts pass, and quickly: of the commonest words a server tells what it expects, and that says so.

    Raises:
        StorageError: the archive cannot be read.
    """
    with database.read() as connection:
        which = finding.found(connection, filters)
        if isinstance(which, Many) and which.text is not None and not (which.own or which.sets):
            expected = fulltext.estimate(connection, which.text)
            if expected is not None and expected >= _MANY:
                return Count(number=expected, exact=False)
        return Count(number=finding.number(connection, which))


def names(database: Database) -> Names:
    """The sources and missions that the archive knows, in order.

    Raises:
        StorageError: the archive cannot be read.
    """
    mission = select(posts.c.mission).where(posts.c.mission.is_not(None)).distinct()
    with database.read() as connection:
        return Names(
            sources=tuple(sorted(connection.scalars(select(sources.c.id)))),
            missions=tuple(sorted(connection.scalars(mission))),
        )


def _in_order(connection: Connection, filters: Filters) -> Iterator[tuple[Row, Place]]:
    """The posts that pass, each with its place."""
    after, order = resumed(filters), filters.order
    which = finding.found(connection, filters)
    if order == "rank" and filters.query is not None:
        yield from ranked(connection, which, filters.query, after, filters.limit)
        return
    for row in finding.ordered(connection, which, order, after, filters.limit):
        yield row, place(order, row)
