"""Numbers in a sentence."""

from __future__ import annotations


def counted(number: int, what: str) -> str:
    """``1 page``, ``2 pages``, ``1,000 pages``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def ended(status: str) -> str:
    """How a run ended, in the words of the table that ``cupola scrape`` prints."""
    return {"completed": "complete", "partial": "in part"}.get(status, status)


def size(count: int) -> str:
    """Bytes in the largest decimal unit that leaves a number of at least one."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
