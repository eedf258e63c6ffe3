"""Moments and durations as people write them: ``2016-11-17``, ``2016-11-17T08:00+01:00``, ``7d``, ``6h``."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from jobs.errors import UsageError

_DURATION = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNIT = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def parse_duration(text: str) -> timedelta:
    """A length of time: a whole number and one of s, m, h, d, w.

    Raises:
        ValueError: not a duration, or no time at all.
    """
    found = _DURATION.fullmatch(text.strip())
    if not found or int(found.group(1)) == 0:
        raise ValueError("expected a number and a unit such as 30m, 6h, 1d or 2w")
    return int(found.group(1)) * _UNIT[found.group(2)]


def parse_moment(text: str, now: datetime) -> datetime:
    """A point in time, aware and in UTC.

    Args:
        text: a date (its midnight, UTC), a time (UTC unless it carries an offset), or a duration
            before ``now`` such as ``7d``.
        now: the present, aware.

    Raises:
        UsageError: none of these.
    """
    text = text.strip()
    if _DURATION.fullmatch(text):
        try:
            return (now - parse_duration(text)).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise UsageError(f"{text!r} is not a time that can be meant: {error}") from error
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        if not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d", text):
            raise ValueError("not a date")
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text!r} is not a date: expected 2016-11-17, 2016-11-17T08:00 (UTC unless it carries an offset) or 7d"
        ) from error
