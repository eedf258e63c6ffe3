"""The agenda: who may begin what, how it ended, what rests, which daemons live, what was told; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storage.agenda import SILENCE, Agenda, Because, Ending, source_of
from storage.processes import Process

NOW = datetime(2026, 6, 15, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
VISIT = "visit:one"


@pytest.fixture
def agenda(tmp_path: Any, make_archive: Any, address: str | None) -> Agenda:
    """An empty agenda."""
    return Agenda(make_archive(tmp_path / "archive", address).database)


def test_a_matter_is_begun_by_one(agenda: Agenda) -> None:
    """Of two that know the same last start only the first begins, at the first time as later."""
    assert agenda.begin(VISIT, NOW, after=None)
    assert not agenda.begin(VISIT, NOW + HOUR, after=None)
    assert agenda.matter(VISIT).is_open
    assert agenda.begin(VISIT, NOW + HOUR, after=NOW)
    assert not agenda.begin(VISIT, NOW + HOUR, after=NOW)
    assert agenda.matter(VISIT).last_started_at == NOW + HOUR


def test_endings_count(agenda: Agenda) -> None:
    """Failures in a row are counted, a success forgets them, an interrupt or a busy source is neither."""
    found = []
    for number, ending in enumerate(
        (Ending.FAILED, Ending.TIMED_OUT, Ending.BUSY, Ending.INTERRUPTED, Ending.FAILED, Ending.PARTIAL, Ending.FAILED)
    ):
        agenda.end(VISIT, ending, NOW + number * HOUR, next_at=NOW, why=Because.SCHEDULE, detail={"posts": number})
        found.append(agenda.matter(VISIT).failures_in_a_row)
    assert found == [1, 2, 2, 2, 3, 0, 1]
    matter = agenda.matter(VISIT)
    assert (matter.last_outcome, matter.succeeded_at, matter.source_id) == (Ending.FAILED, NOW + 5 * HOUR, "one")
    assert (dict(matter.detail), matter.last_ended_at) == ({"posts": 6}, NOW + 6 * HOUR)


@pytest.mark.parametrize("ending", Ending)
def test_an_ending_is_one_of_three(ending: Ending) -> None:
    """Each ending is a success, a failure or neither, and never two of them: a new one must say which."""
    assert (ending.is_success, ending.is_failure, ending.is_cut_short).count(True) == 1


def test_plans_are_kept_beside_what_was_done(agenda: Agenda) -> None:
    """All at once; what else is known of a matter stays."""
    agenda.begin(VISIT, NOW, after=None)
    agenda.plan({VISIT: (NOW + HOUR, Because.ADAPTIVE), "chore:fixity": (None, None)})
    agenda.plan({})
    matters = agenda.matters()
    assert list(matters) == ["chore:fixity", VISIT]
    matter = matters[VISIT]
    assert (matter.next_at, matter.why, matter.last_started_at) == (NOW + HOUR, Because.ADAPTIVE, NOW)
    assert agenda.matter("visit:unknown").next_at is None


def test_a_pause_keeps_its_first_reason_and_ends_when_resumed(agenda: Agenda) -> None:
    """Resumed, its failures are forgotten."""
    agenda.end(VISIT, Ending.FAILED, NOW, next_at=NOW, why=Because.SCHEDULE)
    agenda.pause(VISIT, "answered 410", NOW)
    agenda.pause(VISIT, "something else", NOW + HOUR)
    matter = agenda.matter(VISIT)
    assert (matter.paused_since, matter.pause_reason, matter.next_at) == (NOW, "answered 410", None)
    agenda.resume(VISIT)
    matter = agenda.matter(VISIT)
    assert (matter.paused_since, matter.pause_reason, matter.failures_in_a_row) == (None, None, 0)
    agenda.forget({VISIT})
    assert agenda.matters() == {}


def test_a_daemon_is_one_that_was_heard_of_and_is_not_dead(agenda: Agenda) -> None:
    """This process lives; a dead one of this machine is taken off the list; one elsewhere counts until it is silent."""
    mine = Process.current()
    dead = Process(host=mine.host, boot=mine.boot, pid=mine.pid, start="1")
    elsewhere = Process(host="elsewhere", boot="b", pid=1, start="1")
    for process in (dead, elsewhere):
        agenda.beat(NOW, version="1", config="/c.yaml", process=process)
    agenda.beat(NOW + HOUR, version="1", config="/c.yaml", trouble="the disk is full")
    agenda.beat(NOW + SILENCE, version="2", config="/c.yaml", process=elsewhere)
    both = agenda.daemons(NOW + SILENCE)
    assert {daemon.process: daemon.trouble for daemon in both} == {mine: "the disk is full", elsewhere: None}
    assert next(daemon.started_at for daemon in both if daemon.process == elsewhere) == NOW
    assert [daemon.process for daemon in agenda.daemons(NOW + HOUR)] == [mine]
    agenda.leave()
    assert agenda.daemons(NOW + HOUR) == []


def test_a_thing_is_told_once_in_a_while(agenda: Agenda) -> None:
    """Not again within the time; again after it, after it was settled, and after the clock was set back."""
    assert agenda.may_tell("disk", NOW, HOUR)
    assert not agenda.may_tell("disk", NOW + HOUR / 2, HOUR)
    assert agenda.may_tell("disk", NOW + HOUR, HOUR)
    assert agenda.may_tell("disk", NOW, HOUR)
    assert agenda.told() == {"disk": NOW}
    assert agenda.settle("disk")
    assert not agenda.settle("disk")
    assert agenda.may_tell("disk", NOW, HOUR)


@pytest.mark.parametrize(
    ("matter", "source"),
    [("visit:one", "one"), ("chore:fixity", None), ("chore:deep_pass:one", "one")],
)
def test_a_matter_knows_its_source(matter: str, source: str | None) -> None:
    """By its name."""
    assert source_of(matter) == source
