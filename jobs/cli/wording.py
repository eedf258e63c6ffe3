"""Numbers in a sentence."""

from __future__ import annotations

from jobs.spoken import size

__all__ = ["counted", "ended", "size"]


def counted(number: int, what: str) -> str:
    """``1 page``, ``2 pages``, ``1,000 pages``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def ended(status: str) -> str:
    """How a run ended, in the words of the table that ``cupola scrape`` prints."""
    return {"completed": "complete", "partial": "in part"}.get(status, status)
