"""On how many days of a mission there is a post, and where the gaps are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

#: when something began and ended, both inclusive; None: not known, or not yet
Span = tuple[date | None, date | None]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Days without a post, the first and the last one."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many they are."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The days of a mission, UTC.

    Attributes:
        mission: its id; None for the posts without one.
        first: the day on which it began: as it is configured, else that of its first post.
        last: the day on which it ended, likewise.
        posts: how many have a date between the two.
        days: days with a post.
        missing: days without one.
        gaps: these days, in order; those side by side are one gap.
    """

    mission: str | None
    first: date
    last: date
    posts: int
    days: int
    missing: int
    gaps: tuple[Gap, ...]

    @property
    def longest(self) -> Gap | None:
        """The longest of the gaps, of equal ones the first."""
        return max(self.gaps, key=lambda gap: gap.days, default=None)

    def as_json(self) -> dict[str, Any]:
        """Plain values, days as ISO 8601."""
        return {
            "mission": self.mission,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "posts": self.posts,
            "days": self.days,
            "missing": self.missing,
            "longest_gap": None if self.longest is None else _as_json(self.longest),
            "gaps": [_as_json(gap) for gap in self.gaps],
        }


def _as_json(gap: Gap) -> dict[str, Any]:
    return {"first": gap.first.isoformat(), "last": gap.last.isoformat(), "days": gap.days}


def coverage(
    days: Mapping[str | None, Mapping[date | None, int]], missions: Mapping[str, Span]
) -> tuple[Coverage, ...]:
    """The coverage of each mission that has a dated post or a beginning and an end, in order of their beginnings.

    Args:
        days: posts by mission and day; None stands for those without.
        missions: when each began and ended, where that is known.
    """
    found = []
    for mission in dict.fromkeys((*missions, *days)):
        dated = {day: number for day, number in days.get(mission, {}).items() if day is not None}
        start, end = missions.get(mission, (None, None)) if mission is not None else (None, None)
        first, last = start or min(dated, default=end), end or max(dated, default=start)
        # one that goes on and has no post yet has no days either
        if first is None or last is None or first > last or not (dated or (start and end)):
            continue
        inside = {day: number for day, number in dated.items() if first <= day <= last}
        found.append(
            Coverage(
                mission=mission,
                first=first,
                last=last,
                posts=sum(inside.values()),
                days=len(inside),
                missing=(last - first).days + 1 - len(inside),
                gaps=tuple(_gaps(sorted(inside), first, last)),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.mission is None, one.first, one.mission or "")))


def _gaps(days: Iterable[date], first: date, last: date) -> Iterator[Gap]:
    before = first.toordinal() - 1
    for day in days:
        if day.toordinal() - before > 1:
            yield Gap(first=date.fromordinal(before + 1), last=day - _DAY)
        before = day.toordinal()
    if before < last.toordinal():
        yield Gap(first=date.fromordinal(before + 1), last=last)
