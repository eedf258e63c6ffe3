"""Posts by how well they answer a question.

Ranked are the newest ``CANDIDATES`` of those that match; older ones follow, newest first. So what is best in ten years
of a frequent word is not asked of every post, and both databases have the same order (``storage.search.ranking``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from storage import finding
from storage.paging import Place, Row

if TYPE_CHECKING:
    from storage.search.tree import Query

#: posts that are ranked
CANDIDATES = 200
#: so many may be among them when others were added since the first page
_GROWN = 2 * CANDIDATES
#: scores are compared in whole numbers
_SCALE = 10**9


def ranked(
    connection: Connection, which: finding.Found, query: Query, after: Place | None, limit: int | None
) -> Iterator[tuple[Row, Place]]:
    """The posts, best first, each with its place.

    The place of a ranked one tells also the newest and the oldest post that was ranked: the next page ranks those
    between these two, so that what is added later does not push others over the edge. Where one of them was taken
    out or changed meanwhile all scores move a little; so the next page goes on behind the last post or the one before
    it, wherever they stand now, and by the score only when both are gone.
    """
    left = limit
    if after is None or not after[0]:
        candidates = _candidates(connection, which, after)
        if not candidates and after is None:
            return
        newest, oldest = (candidates[0].ordinal, candidates[-1].ordinal) if after is None else after[3:5]
        best = sorted((-score, -row.ordinal, row) for score, row in _scored(connection, query, candidates))
        start = _start(best, after)
        for at, (minus_score, minus_ordinal, row) in enumerate(best[start:], start):
            if left is not None and left <= 0:
                return
            left = None if left is None else left - 1
            before = best[at - 1][1] if at else minus_ordinal
            yield row, (0, minus_score, minus_ordinal, newest, oldest, before)
    else:
        oldest = -after[1]
    for row in finding.ordered(connection, which, "newest", (-oldest,), left):
        yield row, (1, -row.ordinal)


def _start(best: list[tuple[int, int, Row]], after: Place | None) -> int:
    """How many of the ranked posts were on the pages before."""
    if after is None:
        return 0
    for last in (after[2], after[5]):
        for at, (_, minus_ordinal, _) in enumerate(best):
            if minus_ordinal == last:
                return at + 1
    return sum((minus_score, minus_ordinal) <= after[1:3] for minus_score, minus_ordinal, _ in best)


def _candidates(connection: Connection, which: finding.Found, after: Place | None) -> list[Row]:
    """The posts to rank, newest first."""
    if after is None:
        return list(finding.ordered(connection, which, "newest", None, CANDIDATES))
    newest, oldest = after[3:5]
    rows = finding.ordered(connection, which, "newest", (-newest - 1,), _GROWN)
    return [row for row in rows if row.ordinal >= oldest]


def _scored(connection: Connection, query: Query, candidates: list[Row]) -> Iterator[tuple[int, Row]]:
    from storage import terms
    from storage.search.ranking import scores, sought

    held = terms.candidates(connection, [row.ordinal for row in candidates], sought(query))
    found = [row for row in candidates if row.ordinal in held]
    for row, score in zip(found, scores(query, [held[row.ordinal] for row in found]), strict=True):
        yield round(score * _SCALE), row
