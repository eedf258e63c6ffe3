"""Numbers in a sentence."""

from __future__ import annotations


def counted(number: int, what: str) -> str:
    """``1 page``, ``2 pages``, ``1,000 pages``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
