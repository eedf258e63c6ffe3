"""Moments, durations, times of day and sizes as people write them: ``2016-11-17``, ``7d``, ``22:00-06:00``, ``2GB``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

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


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of each day: from ``start``, inclusive, to ``end``, exclusive, over midnight where ``end`` is earlier."""

    start: time
    end: time

    def holds(self, clock: time) -> bool:
        """Whether a time of day lies within."""
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


def parse_clock(text: str) -> time:
    """A time of day: ``03:00``. YAML reads some of them as a number of minutes, which is taken as such.

    Raises:
        ValueError: none.
    """
    minutes = int(text) if re.fullmatch(r"\d{2,4}", text) else -1
    if 60 <= minutes < 1440:
        return time(minutes // 60, minutes % 60)
    found = re.fullmatch(r"(\d{1,2}):([0-5]\d)", text.strip())
    if not found or int(found.group(1)) > 23:
        raise ValueError("expected a time of day such as 03:00")
    return time(int(found.group(1)), int(found.group(2)))


def parse_hours(text: str) -> Hours:
    """A part of each day: ``22:00-06:00``.

    Raises:
        ValueError: none, or all of the day.
    """
    first, dash, last = text.partition("-")
    if not dash:
        raise ValueError("expected hours such as 22:00-06:00")
    try:
        found = Hours(parse_clock(first.strip()), parse_clock(last.strip()))
    except ValueError as error:
        raise ValueError("expected hours such as 22:00-06:00") from error
    if found.start == found.end:
        raise ValueError("expected hours such as 22:00-06:00, with an end other than their start")
    return found


_SIZE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*([kMGT]?)(i?)B")


def parse_size(text: str) -> int:
    """Bytes: ``500MB``, ``2GB`` (thousands), ``2GiB`` (1024s).

    Raises:
        ValueError: not a size.
    """
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError("expected a size such as 500MB, 2GB or 2GiB")
    thousand = 1024 if found.group(3) else 1000
    return int(float(found.group(1)) * thousand ** " kMGT".index(found.group(2) or " "))
