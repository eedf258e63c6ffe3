"""The orders in which posts can be had, a post's place in each, and the token that says where a page ended.

A place is some whole numbers; that of a post that comes earlier is smaller. A token holds the place of the last post
of its page and not how many came before it, so it stays true when posts are added or taken out.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement

from storage.conditions import DATED
from storage.errors import PageRefused
from storage.filters import BEST, Filters, Sort
from storage.views import post_index

Place = tuple[int, ...]

#: letters of ``Filters.digest``
_DIGEST = 12
#: numbers of a place; those of ``rank`` have two forms
_NUMBERS: dict[Sort, tuple[int, ...]] = {"newest": (1,), "oldest": (2,), "rating": (2,), "seen": (1,), "rank": (2, 6)}


class Row(NamedTuple):
    """What of a post its place is made of."""

    ordinal: int
    post_id: int
    rating: int | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of an order that an index gives as it is: what holds of its posts, and what they are ordered by."""

    where: tuple[ColumnElement[bool], ...]
    by: ColumnElement[int]


def place(order: Sort, row: Row) -> Place:
    """Where a post stands in any order but ``rank``."""
    match order:
        case "oldest":
            return (row.ordinal < DATED, row.ordinal)
        case "rating":
            return (1 if row.rating is None else -row.rating, -row.ordinal)
        case "seen":
            return (-row.post_id,)
    return (-row.ordinal,)


def stretches(
    order: Sort, after: Place | None = None, ordinal: ColumnElement[int] = post_index.c.ordinal
) -> Iterator[Stretch]:
    """What follows a place (None: all), in any order but ``rank``; the stretches come one after the other.

    Args:
        order: in which.
        after: behind which place; None: from the beginning.
        ordinal: the column that is walked along, where it is that of another table.
    """
    rating = post_index.c.rating
    match order:
        case "oldest":
            if after is None or not after[0]:
                yield Stretch((ordinal >= DATED if after is None else ordinal > after[1],), ordinal.asc())
            undated = (ordinal < DATED,)
            yield Stretch((*undated, ordinal > after[1]) if after and after[0] else undated, ordinal.asc())
        case "rating":
            for minus in (*range(-BEST, 1), 1):
                if after is None or minus >= after[0]:
                    of = rating == -minus if minus <= 0 else rating.is_(None)
                    rest = (ordinal < -after[1],) if after and minus == after[0] else ()
                    yield Stretch((of, *rest), ordinal.desc())
        case "seen":
            post_id = post_index.c.post_id
            yield Stretch((post_id < -after[0],) if after else (), post_id.desc())
        case _:
            yield Stretch((ordinal < -after[0],) if after else (), ordinal.desc())


def token(filters: Filters, at: Place) -> str:
    """What ``Filters.after`` takes to go on behind this place; letters, digits, ``-`` and ``_`` alone."""
    said = f"{filters.digest}{'.'.join(map(str, map(int, at)))}".encode()
    return base64.urlsafe_b64encode(zlib.crc32(said).to_bytes(4) + said).decode().rstrip("=")


def resumed(filters: Filters) -> Place | None:
    """The place behind which ``filters.after`` goes on; None when it begins at the beginning.

    Raises:
        PageRefused: it is not a token, or one of other filters or of another order.
    """
    if filters.after is None:
        return None
    try:
        raw = base64.b64decode(filters.after + "=" * (-len(filters.after) % 4), altchars=b"-_", validate=True)
        said = raw[4:].decode("ascii")
        at = tuple(map(int, said[_DIGEST:].split(".")))
        whole = raw[:4] == zlib.crc32(raw[4:]).to_bytes(4)
    except (binascii.Error, ValueError) as error:
        raise PageRefused(_BROKEN, token=filters.after) from error
    if not whole or any(abs(number) >= 2**63 for number in at):
        raise PageRefused(_BROKEN, token=filters.after)
    if said[:_DIGEST] != filters.digest or len(at) not in _NUMBERS[filters.order]:
        raise PageRefused(
            "this page token belongs to another question: the filters and the order must be those of the page that"
            " gave it",
            token=filters.after,
        )
    return at


_BROKEN = "this is not a page token, or not a whole one; take the one that the last page gave, or begin without it"
