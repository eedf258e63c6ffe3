"""When a matter is due: laws that hold in every zone, over every night in which the clocks are changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.moments import Hours
from jobs.stanzas import Adaptive
from jobs.timetable import LONGEST_BACK_OFF, LONGEST_PAUSE, Past, Rhythm, next_due
from storage.states import Because

PARIS, TORONTO = ZoneInfo("Europe/Paris"), ZoneInfo("America/Toronto")
#: whole hours, half hours and a half of one are put forward and back, at different times of day; or nothing
ZONES = [
    ZoneInfo(name)
    for name in ("UTC", "Europe/Paris", "America/Toronto", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu")
]
NOW = datetime(2026, 6, 15, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

moments = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)).map(lambda at: at.replace(tzinfo=UTC, microsecond=0))
lengths = st.integers(60, 60 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
clocks = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
quiets = st.builds(Hours, clocks, clocks).filter(lambda hours: hours.start != hours.end)
crons = st.sampled_from(["0 */6 * * *", "30 2 * * *", "*/7 * * * *", "15 1,2,3 * * *", "0 0 1 * *", "59 23 * * 0"])
rhythms = st.builds(
    Rhythm,
    every=lengths,
    at=st.none() | clocks,
    cron=st.none() | crons,
    adaptive=st.none() | st.just(Adaptive()),
    jitter=st.integers(0, 3600).map(lambda seconds: timedelta(seconds=seconds)),
    quiet=st.none() | quiets,
    zone=st.sampled_from(ZONES),
    waits=st.booleans(),
)
pasts = st.builds(
    Past,
    started=st.none() | moments,
    planned=st.none() | moments,
    failures=st.integers(0, 40),
    pause_until=st.none() | moments,
    fresh_until=st.none() | moments,
    pace=st.none() | lengths,
    cut_short=st.booleans(),
)


def due(rhythm: Rhythm, past: Past, now: datetime = NOW, chance: float = 0.0) -> datetime:
    return next_due(rhythm, past, now, chance=lambda: chance).at


def wall(*parts: int, zone: ZoneInfo, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=zone, fold=fold).astimezone(UTC)  # type: ignore[misc,arg-type]


@given(rhythms, pasts, moments, st.floats(0, 1))
def test_it_is_never_in_the_past_never_in_quiet_hours_and_never_far_away(
    rhythm: Rhythm, past: Past, now: datetime, chance: float
) -> None:
    """Whatever is known: not before now, not while it is quiet, and within its bounds."""
    found = next_due(rhythm, past, now, chance=lambda: chance)
    assert found.at >= now
    assert found.at.utcoffset() == timedelta(0)
    if rhythm.quiet is not None:
        assert not rhythm.quiet.holds(found.at.astimezone(rhythm.zone).time())
    longest = timedelta(days=70) if rhythm.cron else max(rhythm.every or HOUR, timedelta(days=2))
    rests = max(LONGEST_BACK_OFF, 4 * longest) + longest
    assert found.at - now <= max(rests, LONGEST_PAUSE) + rhythm.jitter + timedelta(days=2)


@given(rhythms, pasts, moments)
def test_it_does_not_run_away_from_who_waits_for_it(rhythm: Rhythm, past: Past, now: datetime) -> None:
    """Asked again when the time has come, it is due, or (its clock was set back) the time after that."""
    at = now
    for _ in range(3):
        found = next_due(rhythm, past, at, chance=lambda: 0.5)
        if found.at == at != now:
            return
        at, past = found.at, replace(past, planned=found.at)
    assert next_due(rhythm, past, at, chance=lambda: 0.5).at == at


@given(crons, st.sampled_from(ZONES), moments)
def test_cron_means_the_clock_on_the_wall_and_each_time_once(cron: str, zone: ZoneInfo, start: datetime) -> None:
    """Over four days from anywhere: times rise, and no time that the wall showed twice comes twice."""
    rhythm, shown, at = Rhythm(cron=cron, zone=zone), set(), start
    while at < start + timedelta(days=4) and len(shown) < 60:
        later = due(rhythm, Past(started=at), at)
        assert later > at
        local = later.astimezone(zone).replace(tzinfo=None)
        assert local not in shown
        shown.add(local)
        at = later


@pytest.mark.parametrize(
    ("zone", "after", "expected"),
    [
        # the clocks leave out 2:00 to 3:00
        (PARIS, wall(2026, 3, 28, 12, zone=PARIS), wall(2026, 3, 29, 3, 0, zone=PARIS)),
        (PARIS, wall(2026, 3, 29, 3, 0, zone=PARIS), wall(2026, 3, 30, 2, 30, zone=PARIS)),
        (TORONTO, wall(2026, 3, 7, 12, zone=TORONTO), wall(2026, 3, 8, 3, 0, zone=TORONTO)),
        # 2:30 comes twice
        (PARIS, wall(2026, 10, 24, 12, zone=PARIS), wall(2026, 10, 25, 2, 30, zone=PARIS)),
        (PARIS, wall(2026, 10, 25, 2, 30, zone=PARIS), wall(2026, 10, 26, 2, 30, zone=PARIS)),
        (PARIS, wall(2026, 10, 25, 2, 10, zone=PARIS, fold=1), wall(2026, 10, 26, 2, 30, zone=PARIS)),
    ],
)
def test_the_nights_in_which_the_clocks_are_changed(zone: ZoneInfo, after: datetime, expected: datetime) -> None:
    """A time that does not exist comes right after the gap; one that comes twice counts the first time alone."""
    assert due(Rhythm(cron="30 2 * * *", zone=zone), Past(started=after), after) == expected


def test_an_interval_counts_from_the_start_of_the_last_time() -> None:
    """However long that took; what was missed is overdue, and comes now."""
    rhythm = Rhythm(every=6 * HOUR)
    assert due(rhythm, Past(started=NOW - HOUR)) == NOW + 5 * HOUR
    missed = next_due(rhythm, Past(started=NOW - 30 * HOUR), NOW, chance=lambda: 0.0)
    assert (missed.at, missed.why) == (NOW, Because.OVERDUE)


def test_what_never_came_comes_now_or_when_it_was_planned() -> None:
    """An interval begins at once, a time of day when it says so, a chore after one interval; planned is planned."""
    assert due(Rhythm(every=HOUR), Past()) == NOW
    assert due(Rhythm(cron="0 18 * * *"), Past()) == NOW + 6 * HOUR
    assert due(Rhythm(cron="0 18 * * *"), Past(planned=NOW - HOUR)) == NOW
    assert due(Rhythm(every=HOUR, waits=True), Past()) == NOW + HOUR
    assert due(Rhythm(every=HOUR, waits=True), Past(planned=NOW + HOUR / 2)) == NOW + HOUR / 2


def test_a_clock_that_was_set_back_puts_nothing_further_away() -> None:
    """The last start lies in the future: one interval from now, and no more."""
    ahead = Past(started=NOW + timedelta(days=400))
    assert due(Rhythm(every=6 * HOUR), ahead) == NOW + 6 * HOUR
    assert due(Rhythm(cron="0 18 * * *"), ahead) == NOW + 6 * HOUR
    assert due(Rhythm(every=HOUR, waits=True), Past(planned=NOW + timedelta(days=400))) == NOW + HOUR


def test_failures_put_it_off_twice_as_long_each_time_and_not_for_ever() -> None:
    """The first failure changes nothing, later ones double the rest, up to a day or four intervals."""
    rests = [due(Rhythm(every=6 * HOUR), Past(started=NOW, failures=number)) - NOW for number in range(5)]
    assert rests == [6 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 24 * HOUR]
    assert due(Rhythm(every=timedelta(days=7)), Past(started=NOW, failures=99)) - NOW == timedelta(days=28)
    by_cron = [due(Rhythm(cron="0 */6 * * *"), Past(started=NOW, failures=number)) - NOW for number in range(5)]
    assert by_cron == [6 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 24 * HOUR]
    assert next_due(Rhythm(every=HOUR), Past(started=NOW, failures=3), NOW, chance=lambda: 0).why is Because.FAILING


def test_a_host_that_asks_for_a_pause_is_believed_within_reason() -> None:
    """Retry-After puts a visit off and never brings it forward; the year 9999 is a week."""
    rhythm = Rhythm(every=HOUR)
    waiting = next_due(rhythm, Past(started=NOW, pause_until=NOW + 5 * HOUR), NOW, chance=lambda: 0.0)
    assert (waiting.at, waiting.why) == (NOW + 5 * HOUR, Because.RETRY_AFTER)
    assert due(rhythm, Past(started=NOW, pause_until=NOW + HOUR / 2)) == NOW + HOUR
    assert due(rhythm, Past(started=NOW, pause_until=datetime(9999, 1, 1, tzinfo=UTC))) == NOW + LONGEST_PAUSE


@pytest.mark.parametrize(
    ("pace", "fresh", "expected"),
    [(HOUR / 2, None, HOUR), (10 * HOUR, None, 5 * HOUR), (timedelta(days=90), None, timedelta(days=2)),
     (HOUR, 6 * HOUR, 6 * HOUR), (HOUR, timedelta(days=30), timedelta(days=2)), (None, None, HOUR)],
)  # fmt: skip
def test_adaptive_visits_follow_how_often_a_source_posts(
    pace: timedelta | None, fresh: timedelta | None, expected: timedelta
) -> None:
    """Twice as often as it posts, within the bounds, and not before its last answer expires."""
    past = Past(started=NOW, pace=pace, fresh_until=NOW + fresh if fresh else None)
    assert due(Rhythm(adaptive=Adaptive()), past) - NOW == expected


def test_quiet_hours_put_it_off_to_their_end_with_its_jitter() -> None:
    """Over midnight too; what was spread by chance stays spread."""
    rhythm = Rhythm(every=HOUR, quiet=Hours(time(22), time(6)), jitter=HOUR / 2, zone=PARIS)
    now = wall(2026, 6, 15, 23, zone=PARIS)
    found = next_due(rhythm, Past(started=now), now, chance=lambda: 0.5)
    assert (found.at, found.why) == (wall(2026, 6, 16, 6, 15, zone=PARIS), Because.QUIET_HOURS)


def test_a_time_of_day_is_kept_although_the_last_start_was_late() -> None:
    """Each night at three, though it began at seven the last time because the machine was off."""
    rhythm = Rhythm(every=timedelta(days=1), at=time(3), zone=PARIS)
    late = wall(2026, 6, 15, 7, zone=PARIS)
    assert due(rhythm, Past(started=late), late) == wall(2026, 6, 16, 3, zone=PARIS)


def test_what_was_cut_short_comes_again_at_once() -> None:
    """An interrupted visit does not wait for the schedule, but for the host and the quiet hours."""
    rhythm = Rhythm(every=timedelta(days=1))
    assert due(rhythm, Past(started=NOW - HOUR, cut_short=True)) == NOW
    assert due(rhythm, Past(started=NOW - HOUR, cut_short=True, pause_until=NOW + HOUR)) == NOW + HOUR
