"""When a matter is due next: pure arithmetic over a rhythm, what is known of its past, and the present."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from jobs.moments import Hours
from jobs.stanzas import Adaptive, Chore, JobsStanza, Schedule
from storage.states import Because

#: what is later than this is told to be overdue
LATE = timedelta(minutes=2)
#: failures put a matter off by so much at most, or by four of its intervals where that is longer
LONGEST_BACK_OFF = timedelta(days=1)
#: the longest pause of a host's own that is believed
LONGEST_PAUSE = timedelta(days=7)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often something is done: by ``every`` (with ``at``, at a time of day), by ``cron``, or ``adaptive``.

    What ``waits`` comes for the first time after one interval, and not at once.
    """

    every: timedelta | None = None
    at: time | None = None
    cron: str | None = None
    adaptive: Adaptive | None = None
    jitter: timedelta = timedelta(0)
    quiet: Hours | None = None
    zone: tzinfo = UTC
    waits: bool = False

    @classmethod
    def of_source(cls, schedule: Schedule, jobs: JobsStanza) -> Rhythm:
        """The rhythm of a source's visits."""
        return cls(
            every=schedule.every,
            cron=schedule.cron,
            adaptive=schedule.adaptive,
            jitter=schedule.jitter or timedelta(0),
            quiet=schedule.quiet_hours or jobs.quiet_hours,
            zone=zone_of(schedule.time_zone or jobs.time_zone),
        )

    @classmethod
    def of_chore(cls, chore: Chore, jobs: JobsStanza, *, asks_sites: bool) -> Rhythm:
        """The rhythm of a chore; quiet hours are for those that ask sites for something."""
        quiet = jobs.quiet_hours if asks_sites else None
        return cls(every=chore.every, at=chore.at, quiet=quiet, zone=zone_of(jobs.time_zone), waits=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of a matter; times are aware.

    ``started`` is its last start. ``planned`` is when it was to come, which counts where it never came. ``failures``
    are those in a row. Before ``pause_until`` its host wants no request, before ``fresh_until`` it has nothing new to
    say. ``pace`` is the time between two of its posts. What was ``cut_short`` comes again soon.
    """

    started: datetime | None = None
    planned: datetime | None = None
    failures: int = 0
    pause_until: datetime | None = None
    fresh_until: datetime | None = None
    pace: timedelta | None = None
    cut_short: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """When, aware UTC and never before the present; and why then."""

    at: datetime
    why: Because


def zone_of(name: str) -> tzinfo:
    """The time zone of that name; UTC is there on a machine without a table of zones, too."""
    return UTC if name == "UTC" else ZoneInfo(name)


def next_due(rhythm: Rhythm, past: Past, now: datetime, *, chance: Callable[[], float]) -> Due:
    """When a matter is due: now at the earliest, and once however often it was missed.

    A clock that was set back puts nothing further away than one interval.

    Args:
        rhythm: how often.
        past: what is known of it.
        now: aware.
        chance: a number in [0, 1), for the jitter.
    """
    now = now.astimezone(UTC)
    if past.cut_short:
        return _polite(Due(now, Because.AGAIN), rhythm, past, now)
    # a start that lies in the future was noted before the clock was set back, and says no more than that there was one
    last = past.started if past.started is not None and past.started <= now else None
    if last is None and past.planned is not None and past.planned <= now:
        # it was put off by chance when it was planned
        why = Because.OVERDUE if now - past.planned > LATE else Because.SCHEDULE
        return _polite(Due(now, why), rhythm, past, now)
    late = rhythm.jitter * min(max(chance(), 0.0), 1.0)
    at, why = _by_rhythm(rhythm, past, last, now)
    if past.failures > 1 and last is not None:
        earliest = last + _rest(rhythm, past, now)
        if earliest > at:
            at, why = _again_by_rhythm(rhythm, earliest), Because.FAILING
    at += late
    if at < now:
        why = Because.OVERDUE if now - at > LATE and why is not Because.FAILING else why
        at = now
    return _polite(Due(at, why), rhythm, past, now, late)


def _by_rhythm(rhythm: Rhythm, past: Past, last: datetime | None, now: datetime) -> tuple[datetime, Because]:
    """When it comes by itself after its last start, if one is known that is not later than now."""
    if last is None:
        if rhythm.cron or rhythm.at:
            return _again_by_rhythm(rhythm, now), Because.SCHEDULE
        first = now + _interval(rhythm, past, now) if rhythm.waits or past.started is not None else now
        # planned once, it stays so
        return min(past.planned or first, first), Because.SCHEDULE
    if rhythm.cron is not None:
        return next(_cron(rhythm.cron, rhythm.zone, last)), Because.SCHEDULE
    if rhythm.adaptive is not None:
        at = last + _interval(rhythm, past, last)
        if past.fresh_until is not None:
            at = max(at, min(past.fresh_until, last + rhythm.adaptive.at_most))
        return at, Because.ADAPTIVE
    every = rhythm.every or _DAY
    if rhythm.at is not None:
        # a start that was late by some hours puts no later one off
        return _clock(rhythm.at, rhythm.zone, max(last, last + every - _DAY / 4)), Because.SCHEDULE
    return last + every, Because.SCHEDULE


def _again_by_rhythm(rhythm: Rhythm, earliest: datetime) -> datetime:
    """The first time not before ``earliest`` at which it may come by itself."""
    just_before = earliest - timedelta(microseconds=1)
    if rhythm.cron is not None:
        return next(_cron(rhythm.cron, rhythm.zone, just_before))
    if rhythm.at is not None:
        return _clock(rhythm.at, rhythm.zone, just_before)
    return earliest


def _polite(due: Due, rhythm: Rhythm, past: Past, now: datetime, late: timedelta = timedelta(0)) -> Due:
    """``due`` put off while its host wants no request, then to the end of the quiet hours."""
    at, why = due.at, due.why
    asked = past.started if past.started is not None and past.started <= now else None
    # where it is not known when that was asked, what was planned has it in it
    if past.pause_until is not None and (asked is not None or past.planned is None or past.planned > now):
        until = min(past.pause_until, (asked or now) + LONGEST_PAUSE)
        if until > at:
            at, why = until, Because.RETRY_AFTER
    if rhythm.quiet is not None and rhythm.quiet.holds(at.astimezone(rhythm.zone).time()):
        end = _clock(rhythm.quiet.end, rhythm.zone, at)
        is_loud = not rhythm.quiet.holds((end + late).astimezone(rhythm.zone).time())
        at, why = end + late if is_loud else end, Because.QUIET_HOURS
    return Due(at.astimezone(UTC), why)


def _rest(rhythm: Rhythm, past: Past, now: datetime) -> timedelta:
    """How long a matter rests that failed again and again: twice as long each time, bounded."""
    interval = _interval(rhythm, past, now)
    longest = max(LONGEST_BACK_OFF, 4 * interval)
    rest = min(interval * (1 << min(past.failures - 1, 20)), longest)
    # the time by cron that is nearest to it, not the one after
    return rest - interval / 2 if rhythm.cron is not None or rhythm.at is not None else rest


def _interval(rhythm: Rhythm, past: Past, now: datetime) -> timedelta:
    """From one time to the next, more or less."""
    if rhythm.adaptive is not None:
        bounds = rhythm.adaptive
        pace = past.pace if past.pace is not None else bounds.at_least * 2
        return min(max(pace / 2, bounds.at_least), bounds.at_most)
    if rhythm.cron is not None:
        times = _cron(rhythm.cron, rhythm.zone, now)
        first, second = next(times), next(times)
        return second - first
    return max(rhythm.every or _DAY, _DAY if rhythm.at is not None else timedelta(0))


def _cron(fields: str, zone: tzinfo, after: datetime) -> Iterator[datetime]:
    """The times of five cron fields after a moment, each once.

    The fields speak of the clock on the wall. APScheduler is asked of walls alone, in UTC where each hour is there
    once; which moment it is when a wall says so, is found here.

    Raises:
        StopIteration: there is none any more.
    """
    walls = CronTrigger.from_crontab(fields, timezone=UTC)
    wall, last = after.astimezone(zone).replace(tzinfo=UTC, fold=0), after
    found: datetime | None
    while (found := walls.get_next_fire_time(None, wall)) is not None:
        moment = _moment(found.replace(tzinfo=None), zone)
        if moment > last:
            yield moment
            last = moment
        wall = found + timedelta(seconds=1)


def _clock(clock: time, zone: tzinfo, after: datetime) -> datetime:
    """The first moment after another at which the clock on the wall says ``clock``, also when it does so again."""
    day = after.astimezone(zone).date() - _DAY
    while True:
        wall = datetime.combine(day, clock)
        for fold in (0, 1):
            moment = _moment(wall, zone, fold)
            if moment > after:
                return moment
        day += _DAY


def _moment(wall: datetime, zone: tzinfo, fold: int = 0) -> datetime:
    """When the clock on the wall says so: right after the gap where it never does, the first of two times."""
    first = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
        return first
    # in a gap: by the offset of before it lies behind the gap, by that of after before it
    behind = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    offset = behind.astimezone(zone).utcoffset()
    while behind - before > timedelta(seconds=1):
        middle = before + (behind - before) / 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            behind = middle
        else:
            before = max(middle, before + timedelta(seconds=1))
    return behind
