"""Works in lanes under the watchdog's eye: side by side, one after the other, and what hangs keeps nobody waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from jobs.duty import Done, Duty
from jobs.lanes import Lanes
from jobs.timetable import Rhythm
from jobs.watch import GRACE, Spell, Watch
from storage.agenda import Ending, Matter

SOON = 30.0


class Gates:
    """Works that begin when they are let, and end when they are let."""

    def __init__(self) -> None:
        self.begun: dict[str, Event] = {}
        self.may_end: dict[str, Event] = {}
        self.now_at_work = 0
        self.most_at_work = 0
        self._lock = threading.Lock()

    def work(self, name: str) -> None:
        with self._lock:
            self.now_at_work += 1
            self.most_at_work = max(self.most_at_work, self.now_at_work)
        self.begun[name].set()
        assert self.may_end[name].wait(SOON)
        with self._lock:
            self.now_at_work -= 1

    def submit(self, lanes: Lanes, lane: str, name: str) -> bool:
        self.begun[name], self.may_end[name] = Event(), Event()
        return lanes.submit(lane, name, lambda: self.work(name))

    def end_all(self) -> None:
        for event in self.may_end.values():
            event.set()


@pytest.fixture
def gates() -> Iterator[Gates]:
    """None of its works outlives the test."""
    gates = Gates()
    yield gates
    gates.end_all()


def test_lanes_run_side_by_side_and_works_of_one_lane_in_turn(gates: Gates) -> None:
    """Two lanes are at work at once; the second work of a lane begins when its first has ended."""
    lanes = Lanes(4)
    for lane, name in (("a", "a1"), ("a", "a2"), ("b", "b1")):
        assert gates.submit(lanes, lane, name)
    assert gates.begun["a1"].wait(SOON)
    assert gates.begun["b1"].wait(SOON)
    assert {work.name for work in lanes.running()} == {"a1", "b1"}
    assert not gates.begun["a2"].is_set()
    gates.may_end["a1"].set()
    assert gates.begun["a2"].wait(SOON)
    gates.end_all()
    assert lanes.drained(SOON)


def test_no_more_at_once_than_there_are_workers(gates: Gates) -> None:
    """Ten lanes, three workers: three at once, and all are done; with more workers more at once."""
    lanes = Lanes(3)
    for number in range(10):
        gates.submit(lanes, f"lane {number}", f"work {number}")
    assert gates.begun["work 2"].wait(SOON)
    assert (gates.most_at_work, lanes.waiting()) == (3, 7)
    lanes.resize(5)
    assert gates.begun["work 4"].wait(SOON)
    assert gates.most_at_work == 5
    gates.end_all()
    assert lanes.drained(SOON)
    assert all(event.is_set() for event in gates.begun.values())


def test_a_name_is_at_work_once_and_waits_once(gates: Gates) -> None:
    """What is called for while it runs is done after that, in whatever lane; what waits is not taken twice."""
    lanes, again = Lanes(2), Event()
    assert gates.submit(lanes, "a", "one")
    assert gates.begun["one"].wait(SOON)
    assert lanes.submit("b", "one", again.set)
    assert not lanes.submit("a", "one", lambda: None)
    assert (len(lanes.running()), lanes.waiting()) == (1, 1)
    assert lanes.knows("one")
    gates.end_all()
    assert lanes.drained(SOON)
    assert again.is_set()
    assert not lanes.knows("one")


def test_a_work_that_fails_takes_nothing_with_it(gates: Gates, caplog: pytest.LogCaptureFixture) -> None:
    """An error that a work did not deal with is told, and the next one is done."""
    lanes = Lanes(1)

    def fail() -> None:
        raise SystemExit("not ours to heed")

    lanes.submit("a", "bad", fail)
    gates.submit(lanes, "a", "good")
    assert gates.begun["good"].wait(SOON)
    assert "bad ended with an error of its own" in caplog.text


def test_closed_it_takes_nothing_and_forgets_what_waits(gates: Gates) -> None:
    """What runs goes on to its end."""
    lanes = Lanes(1)
    gates.submit(lanes, "a", "runs")
    gates.submit(lanes, "a", "waits")
    assert gates.begun["runs"].wait(SOON)
    lanes.close()
    assert not gates.submit(lanes, "b", "late")
    gates.end_all()
    assert lanes.drained(SOON)
    assert not gates.begun["waits"].is_set()


def duty(name: str, minutes: int = 1) -> Duty:
    return Duty(
        matter=name,
        lane="a",
        rhythm=Rhythm(every=timedelta(hours=1)),
        limit=timedelta(minutes=minutes),
        do=lambda turn: Done(ending=Ending.COMPLETED),
    )


def test_what_takes_too_long_is_asked_to_stop_and_then_loses_its_place(gates: Gates) -> None:
    """At its limit its own stop is set; half a minute later its lane and its worker are somebody else's."""
    seconds, hung = [0.0], []
    lanes = Lanes(1, clock=lambda: seconds[0])
    watch = Watch(lanes, clock=lambda: seconds[0], hung=hung.append)
    spell = Spell(duty("slow"), Matter(matter="slow"), datetime(2026, 1, 1, tzinfo=UTC), 0.0)
    gates.submit(lanes, "a", "slow")
    gates.submit(lanes, "a", "next")
    assert gates.begun["slow"].wait(SOON)
    watch.began(spell)
    assert (watch.look(), spell.stop.is_set()) == (60.0, False)
    seconds[0] = 60.0
    assert (watch.look(), spell.stop.is_set()) == (GRACE, True)
    assert not gates.begun["next"].is_set()
    seconds[0] = 60.0 + GRACE
    watch.look()
    assert hung == [spell]
    assert gates.begun["next"].wait(SOON)
    assert [work.name for work in lanes.retired()] == ["slow"]
    # it awakes, and finds that its end was noted
    assert not spell.settle()
    gates.end_all()
    assert lanes.drained(SOON)
    assert watch.spells() == []


def test_what_ends_when_it_is_asked_to_keeps_its_place(gates: Gates) -> None:
    """Nothing is given up that was done in time."""
    seconds, hung = [0.0], []
    lanes = Lanes(1, clock=lambda: seconds[0])
    watch = Watch(lanes, clock=lambda: seconds[0], hung=hung.append)
    spell = Spell(duty("slow"), Matter(matter="slow"), datetime(2026, 1, 1, tzinfo=UTC), 0.0)
    watch.began(spell)
    seconds[0] = 61.0
    watch.look()
    watch.ended(spell)
    seconds[0] = 1000.0
    assert watch.look() == float("inf")
    assert (hung, spell.settle()) == ([], True)
