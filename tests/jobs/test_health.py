"""What counts as wrong with an archive: every judgement, on values alone."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.health import Ailment, Expected, Kind, Seen, judge
from jobs.vitals import ArchiveHealth, ChoreHealth, DaemonHealth, SourceHealth

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAEMON = DaemonHealth(host="box", pid=7, started_at=NOW - DAY, beat_at=NOW)
WELL = SourceHealth(id="blog", is_scheduled=True, is_planned=True, next_at=NOW + HOUR, last_started_at=NOW - HOUR)
EXPECTED = Expected(free_space=2_000_000_000, verified_within=30 * DAY, backup_every=DAY)
FINE = ArchiveHealth(
    disk_free=3_000_000_000, oldest_verified_at=NOW - 40 * DAY, last_backup_at=NOW - 2 * DAY, damaged=0
)


def kinds(seen: Seen, expected: Expected = EXPECTED) -> list[str]:
    return [str(item.kind) for item in judge(seen, expected).ailments]


def seen_of(*sources: SourceHealth, **parts) -> Seen:
    return Seen(at=NOW, sources=sources, **{"daemons": [DAEMON], "archive": FINE, **parts})


def test_an_archive_that_does_well_is_well():
    """At the edge of every limit nothing is wrong yet."""
    edge = [
        replace(WELL, failures_in_a_row=2, failures=9, pictures_failed=3),
        replace(WELL, id="late", next_at=NOW - 2 * HOUR),
    ]
    health = judge(seen_of(*edge, chores=[ChoreHealth(name="fixity")]), EXPECTED)
    assert health.ailments == ()
    assert health.is_well
    assert health.as_json()["healthy"] is True


@pytest.mark.parametrize(
    ("change", "kind", "word"),
    [
        ({"failures_in_a_row": 3, "said": "answered 503"}, "failing", "3 times in a row"),
        ({"paused_since": NOW - 3 * DAY, "pause_reason": "410 Gone"}, "paused", "3 d"),
        ({"next_at": NOW - 3 * HOUR}, "overdue", "3 h late"),
        ({"is_planned": False, "next_at": None}, "unplanned", "does not know it"),
    ],
)
def test_what_is_wrong_with_a_source_is_told_with_what_to_do(change, kind, word):
    """Each is told once, by the source's name, with advice; what the source said stands apart from our words."""
    (ailment,) = judge(seen_of(replace(WELL, **change)), EXPECTED).ailments
    assert (ailment.kind, ailment.about, ailment.subject) == (kind, "blog", f"{kind}:blog")
    assert "blog" in ailment.message
    assert word in ailment.message
    assert ailment.advice
    assert ailment.said == (change.get("said") or change.get("pause_reason") or "")


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"disk_free": 1_999_999_999}, "disk"),
        ({"damaged": 2}, "damage"),
        ({"oldest_verified_at": NOW - 46 * DAY}, "unverified"),
        ({"last_backup_at": NOW - 3 * DAY}, "backup"),
    ],
)
def test_what_is_wrong_with_the_archive_itself_is_told(change, kind):
    """Room, damage, files that nobody reads, backups that are not made."""
    assert kinds(seen_of(WELL, archive=replace(FINE, **change))) == [kind]


def test_limits_that_nobody_set_are_not_judged():
    """Without a configuration neither room nor backups nor audits are missed."""
    bare = ArchiveHealth(disk_free=1, oldest_verified_at=NOW - 999 * DAY, last_backup_at=NOW - 999 * DAY)
    assert kinds(seen_of(WELL, archive=bare), Expected()) == []
    assert kinds(seen_of(WELL, archive=ArchiveHealth())) == []


def test_without_a_daemon_that_is_the_one_thing_told():
    """What is overdue or not planned follows from it; nothing at all is missed where nothing is scheduled."""
    late = replace(WELL, next_at=NOW - 9 * DAY)
    unknown = replace(WELL, id="new", is_planned=False)
    (ailment,) = judge(seen_of(late, unknown, daemons=[]), EXPECTED).ailments
    assert ailment.kind is Kind.NO_DAEMON
    assert "2 sources are" in ailment.message
    assert kinds(seen_of(replace(late, is_scheduled=False), daemons=[])) == []


def test_a_daemon_that_has_just_started_may_settle():
    """A source is missed on its plan after five minutes."""
    young = replace(DAEMON, started_at=NOW - timedelta(minutes=4))
    unknown = replace(WELL, is_planned=False)
    assert kinds(seen_of(unknown, daemons=[young])) == []
    assert kinds(seen_of(unknown, daemons=[replace(young, started_at=NOW - timedelta(minutes=6))])) == ["unplanned"]


def test_a_source_that_is_no_longer_configured_is_nobody_s_trouble():
    """Whatever stands in the archive about it."""
    assert kinds(seen_of(replace(WELL, is_configured=False, failures_in_a_row=99, paused_since=NOW - DAY))) == []


def test_a_chore_that_fails_for_many_sources_is_one_thing():
    """One line, with the number of sources and the worst of them; twice is not often enough where a site is asked."""
    chores = [ChoreHealth(name="deep_pass", source_id=f"s{n}", failures_in_a_row=n, said="no") for n in range(6)]
    (ailment,) = judge(seen_of(WELL, chores=[*chores, ChoreHealth(name="optimise")]), EXPECTED).ailments
    assert ailment.subject == "chore:deep_pass"
    assert ailment.message == "deep pass of 3 sources failed 5 times in a row"


def test_a_chore_of_the_archive_may_not_fail_once():
    """A backup or an audit has nobody else to blame."""
    (ailment,) = judge(seen_of(WELL, chores=[ChoreHealth(name="fixity", failures_in_a_row=1)]), EXPECTED).ailments
    assert ailment.message == "fixity failed the last time"


@pytest.mark.parametrize("change", [{"failures_in_a_row": 1}, {"paused_since": NOW}, {"is_configured": False}])
def test_the_chores_of_a_source_that_fails_itself_are_not_told_too(change):
    """Its host is down for all of them: that is one thing."""
    chore = ChoreHealth(name="look_again", source_id="blog", failures_in_a_row=9)
    assert "chore" in kinds(seen_of(WELL, chores=[chore]))
    assert "chore" not in kinds(seen_of(replace(WELL, **change), chores=[chore]))


def test_a_visit_that_is_under_way_is_not_late():
    """However long ago it was due."""
    assert kinds(seen_of(replace(WELL, next_at=NOW - 9 * HOUR, is_visiting=True))) == []


def test_the_gravest_stands_first_and_what_the_caller_knows_is_told_too():
    """In the order of the kinds; among one kind in the order of the configuration."""
    also = [Ailment(kind=Kind.DATABASE, message="gone", advice="wait")]
    failing = [replace(WELL, id=name, failures_in_a_row=5) for name in ("z", "a")]
    trouble = replace(DAEMON, trouble="config.yaml: line 3 is broken")
    found = seen_of(*failing, daemons=[trouble], archive=replace(FINE, damaged=1), also=also)
    assert kinds(found) == ["database", "trouble", "damage", "failing", "failing"]
    assert [item.about for item in judge(found, EXPECTED).ailments][-2:] == ["z", "a"]


def test_what_a_source_said_is_cut_and_is_one_paragraph():
    """A page of an error does not fill the screen."""
    (ailment,) = judge(seen_of(replace(WELL, failures_in_a_row=3, said="a\n\nb " + "x" * 5000)), EXPECTED).ailments
    assert ailment.said.startswith("a b xxx")
    assert len(ailment.said) == 300


def test_the_json_is_plain_and_in_utc():
    """Times end in Z, what is not known is null, every problem has its advice."""
    health = judge(seen_of(replace(WELL, failures_in_a_row=3)), EXPECTED)
    told = json.loads(json.dumps(health.as_json()))
    assert list(told) == ["healthy", "at", "problems", "daemons", "archive", "sources", "chores"]
    assert told["at"] == "2026-11-22T12:00:00Z"
    assert told["sources"][0]["next_at"] == "2026-11-22T13:00:00Z"
    assert told["sources"][0]["scheduled"] is True
    assert told["sources"][0]["paused_since"] is None
    assert told["problems"] == [
        {
            "problem": "failing",
            "about": "blog",
            "message": "blog has failed 3 times in a row",
            "said": None,
            "advice": "see why: cupola scrape blog",
        }
    ]


def test_a_source_that_is_visited_by_hand_alone_is_not_judged_by_old_visits():
    """A daemon paused it, or failed there, before its schedule was taken away: nothing would ever end that."""
    by_hand = replace(WELL, is_scheduled=False, next_at=None)
    assert kinds(seen_of(replace(by_hand, paused_since=NOW - DAY), replace(by_hand, failures_in_a_row=9))) == []


def test_while_a_daemon_leaves_pictures_the_disk_is_short():
    """It takes them again when somewhat more than the least is free; nobody hears before that it does."""
    archive = replace(FINE, disk_free=2_050_000_000)
    assert kinds(seen_of(WELL, archive=archive)) == []
    (ailment,) = judge(seen_of(WELL, archive=replace(archive, disk_short=True)), EXPECTED).ailments
    assert ailment.message.startswith("2.0 GB are free on the archive's disk, hardly more than free_space of 2.0 GB")
