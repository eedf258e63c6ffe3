"""Lengths of time and sizes as a person is told them."""

from __future__ import annotations

from datetime import timedelta

#: unit, its seconds, and how many of it are told before the next greater unit is
_UNITS = (("s", 1, 100), ("min", 60, 100), ("h", 3600, 48), ("d", 86400, 60), ("weeks", 604800, 105))
_YEAR = 365.25 * 86400


def span(length: timedelta) -> str:
    """A length of time in one unit, rounded down: ``45 s``, ``12 min``, ``3 h``, ``2 d``; a negative one is none."""
    seconds = max(length.total_seconds(), 0.0)
    for name, unit, enough in _UNITS:
        if seconds < unit * enough:
            return f"{int(seconds // unit)} {name}"
    return f"{int(seconds // _YEAR)} years"


def size(count: int) -> str:
    """Bytes in the largest decimal unit that leaves a number of at least one."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
