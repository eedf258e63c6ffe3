"""Values so many at a time, because a statement takes only so many (SQLite: 32,766)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

#: far below what any database takes, and enough that the statements do not count
PORTION = 500


def portions(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """``values`` in order, at most ``PORTION`` of them at a time."""
    for at in range(0, len(values), PORTION):
        yield values[at : at + PORTION]
