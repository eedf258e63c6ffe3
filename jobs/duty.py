"""What the daemon sees to: a duty is a matter of the agenda, when it comes, and how it is done once."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from jobs.timetable import Due, Past, Rhythm, next_due
from jobs.visit import Means
from storage.agenda import Because, Ending, Matter
from storage.archive import Archive

#: the lane of work on the archive itself: one such work at a time
ARCHIVE = "archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a duty has at hand for one time: ``means.stop`` ends this one alone, ``matter`` is how it stood before."""

    archive: Archive
    means: Means
    matter: Matter


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a duty this time.

    ``detail`` is kept for the next time (texts and numbers); ``said`` is for the log. ``pause`` is a reason why it
    shall not come again before a person has seen to it; ``error`` is why it failed, where ``said`` tells more than
    that; ``is_idle`` that there was nothing to do. For the other three see ``timetable.Past``.
    """

    ending: Ending
    said: str = ""
    error: str = ""
    is_idle: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)
    pause: str | None = None
    pause_until: datetime | None = None
    fresh_until: datetime | None = None
    pace: timedelta | None = None

    @property
    def kept(self) -> dict[str, Any]:
        """``detail`` with what the timetable asks for, as the agenda holds it."""
        told = {
            "pause_until": self.pause_until and self.pause_until.isoformat(),
            "fresh_until": self.fresh_until and self.fresh_until.isoformat(),
            "pace": self.pace and self.pace.total_seconds(),
        }
        return {**self.detail, **{name: value for name, value in told.items() if value is not None}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Something that is done again and again.

    ``matter`` is its name on the agenda. Duties of one ``lane`` (a host, or ``ARCHIVE``) are never done at once. One
    that takes longer than ``limit`` is stopped. ``do`` may raise a StorageError: then the archive is in trouble, and
    it is done again when that is over; it ends soon after ``means.stop`` is set, by ``Interrupted`` if it likes.
    One that ``is_poll`` comes often and mostly finds nothing to do: its beginnings are told in detail alone.
    """

    matter: str
    lane: str
    rhythm: Rhythm
    limit: timedelta
    do: Callable[[Turn], Done]
    #: as what it is configured: a pause ends when that changes
    configured: str = ""
    is_poll: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a daemon is to do: the duties, by what means, and the configuration that says so.

    ``means`` gives what a turn works with, as long as its block lasts, from the event that ends it.
    """

    duties: Sequence[Duty]
    means: Callable[[Event], AbstractContextManager[Means]]
    workers: int
    config: str


def due_of(duty: Duty, matter: Matter, now: datetime) -> Due | None:
    """When a duty is due by what the agenda knows; None while it is paused. The same for each who asks."""
    if matter.paused_since is not None:
        return None
    chance = random.Random(f"{duty.matter} {matter.last_started_at}").random  # noqa: S311 - spreads, hides nothing
    due = next_due(duty.rhythm, past_of(matter), now, chance=chance)
    deaths = matter.detail.get("abandoned", 0)
    if matter.last_outcome is Ending.ABANDONED and deaths > 1 and matter.last_ended_at is not None:
        # what ends the whole process each time must not do so without end
        rest = min(timedelta(seconds=5 * 4 ** min(deaths - 1, 10)), timedelta(days=1))
        return Due(max(due.at, min(matter.last_ended_at, now) + rest), Because.AGAIN)
    return due


def past_of(matter: Matter) -> Past:
    """What the timetable asks of a matter."""
    detail = matter.detail
    return Past(
        started=matter.last_started_at,
        planned=matter.next_at,
        failures=matter.failures_in_a_row,
        pause_until=_moment(detail.get("pause_until")),
        fresh_until=_moment(detail.get("fresh_until")),
        pace=timedelta(seconds=pace) if isinstance(pace := detail.get("pace"), int | float) else None,
        cut_short=matter.is_open
        or bool(detail.get("goes_on"))
        or (matter.last_outcome is not None and matter.last_outcome.is_cut_short),
    )


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
