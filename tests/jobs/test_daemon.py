"""The daemon over duties of a test's own, on a real archive: what it does when a duty, the clock, the archive fails."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from jobs import daemon as module
from jobs import watch
from jobs.clerk import Clerk
from jobs.daemon import Daemon
from jobs.duty import Done, Duty, Plan, Turn, due_of
from jobs.errors import Interrupted
from jobs.lanes import Lanes
from jobs.timekeeper import Timekeeper
from jobs.timetable import Due, Rhythm
from jobs.visit import Means, Unplugged
from scraper.settings import HttpSettings
from storage.agenda import Agenda, Because, Ending
from storage.archive import Archive
from storage.errors import ArchiveLocked, StorageError
from storage.processes import Process
from storage.settings import ArchiveSettings

SOON = 30.0
HOUR = timedelta(hours=1)
Do = Callable[[Turn], Done]


def clock() -> datetime:
    return datetime.now(UTC)


def fine(turn: Turn) -> Done:
    return Done(ending=Ending.COMPLETED, said="well done", detail={"posts": 1})


def duty(name: str, do: Do = fine, *, every: timedelta = HOUR, lane: str | None = None, limit: float = 3600) -> Duty:
    rhythm, most = Rhythm(every=every), timedelta(seconds=limit)
    return Duty(matter=name, lane=lane or name, rhythm=rhythm, limit=most, do=do)


def plan_of(*duties: Duty, now: Callable[[], datetime] = clock) -> Plan:
    @contextmanager
    def means(stop: Event) -> Iterator[Means]:
        yield Means(web=Unplugged(), http=HttpSettings(), missions=(), now=now, stop=stop)

    return Plan(duties=duties, means=means, workers=4, config="/config.yaml")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """An empty one."""
    with Archive.open(ArchiveSettings(folder=tmp_path / "archive")) as archive:
        yield archive


@contextmanager
def running(archive: Archive, *duties: Duty, now: Callable[[], datetime] = clock, **how: Any) -> Iterator[Daemon]:
    """A daemon that runs while the block lasts."""
    daemon = Daemon(archive, plan_of(*duties, now=now), now=now, **how)
    thread = threading.Thread(target=daemon.run, daemon=True)
    thread.start()
    try:
        yield daemon
    finally:
        daemon.stop()
        thread.join(SOON)
    assert not thread.is_alive()


def until(holds: Callable[[], Any]) -> Any:
    end = time.monotonic() + SOON
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def test_one_duty_that_fails_is_one_duty_that_fails(archive: Archive) -> None:
    """A defect, an error of the archive's that is no trouble, a failure: noted, put off, and the others are done."""

    def broken(turn: Turn) -> Done:
        raise ZeroDivisionError("a defect")

    def refused(turn: Turn) -> Done:
        raise StorageError("this cannot be done")

    agenda = Agenda(archive.database)
    with running(archive, duty("a", broken), duty("b", refused), duty("c")):
        until(lambda: sum(matter.last_outcome is not None for matter in agenda.matters().values()) == 3)
    endings = {name: (matter.last_outcome, matter.failures_in_a_row) for name, matter in agenda.matters().items()}
    assert endings == {"a": (Ending.FAILED, 1), "b": (Ending.FAILED, 1), "c": (Ending.COMPLETED, 0)}
    assert agenda.matter("c").detail == {"posts": 1}


def test_an_archive_in_trouble_is_no_fault_of_the_duty(archive: Archive) -> None:
    """What met a lock is done again soon, and has not failed."""

    def locked(turn: Turn) -> Done:
        raise ArchiveLocked("cupola.db is locked")

    agenda = Agenda(archive.database)
    with running(archive, duty("a", locked)):
        matter = until(lambda: (found := agenda.matter("a")).last_ended_at and found)
    assert (matter.last_outcome, matter.failures_in_a_row, matter.why) == (Ending.INTERRUPTED, 0, Because.AGAIN)
    assert matter.next_at - matter.last_ended_at < timedelta(minutes=1)


def test_a_clock_that_jumps_is_noticed_and_all_is_planned_anew(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set back by a year, nothing waits for longer than its interval; set forward, what is overdue is done once."""
    monkeypatch.setattr(module, "TURN", 0.02)
    # one that is about to end when the clock jumps is found by the next sign of life
    monkeypatch.setattr(module, "BEAT", 0.1)
    jump, done = [timedelta(0)], Counter[str]()

    def now() -> datetime:
        return clock() + jump[0]

    def count(turn: Turn) -> Done:
        done[turn.matter.matter] += 1
        return fine(turn)

    with running(archive, duty("a", count), duty("b", count), now=now) as daemon:
        until(lambda: len(daemon.planned()) == 2 and done.total() == 2)
        jump[0] = timedelta(days=-365)
        until(lambda: daemon.planned() and all(due.at <= now() + HOUR for due in daemon.planned().values()))
        assert done.total() == 2
        jump[0] = timedelta(days=3)
        # its time has come by this clock; the one by which it is called stays as it was
        until(lambda: done.total() >= 4)
        until(lambda: len(daemon.planned()) == 2)
    assert done == {"a": 2, "b": 2}


def test_what_was_at_work_while_the_clock_was_set_back_is_not_put_off(archive: Archive) -> None:
    """Its end was planned by the time before: the next sign of life finds that, and puts nothing off again."""
    agenda, now, mine = Agenda(archive.database), clock(), duty("a")
    later = now + timedelta(days=1)
    times = Timekeeper(lambda name: None, now=lambda: now)
    clerk = Clerk(archive, times, Lanes(1), now=lambda: now, alone=True)
    assert agenda.begin("a", later, after=None)
    agenda.end("a", Ending.COMPLETED, later, next_at=later + HOUR, why=Because.SCHEDULE, detail={})
    times.put("a", Due(later + HOUR, Because.SCHEDULE))
    clerk.hear({"a": mine})
    assert times.planned()["a"].at == agenda.matter("a").next_at == now + HOUR
    now += HOUR / 2
    clerk.hear({"a": mine})
    assert times.planned()["a"].at == agenda.matter("a").next_at == now + HOUR / 2


def test_what_ends_the_process_each_time_is_tried_less_and_less(archive: Archive) -> None:
    """Found open at the start: at once the first time, then after a rest that grows; a good end forgets it."""
    agenda, now, mine, waits = Agenda(archive.database), clock(), duty("a"), []
    clerk = Clerk(archive, Timekeeper(lambda name: None, now=lambda: now), Lanes(1), now=lambda: now, alone=True)
    for _ in range(4):
        assert agenda.begin("a", now, after=agenda.matter("a").last_started_at)
        clerk.take_over("/config.yaml")
        due = due_of(mine, agenda.matter("a"), now)
        assert due is not None
        waits.append((due.at - now).total_seconds())
        now = due.at + timedelta(seconds=1)
    assert waits == [0, 20, 80, 320]
    assert agenda.matter("a").last_outcome is Ending.ABANDONED
    agenda.end("a", Ending.COMPLETED, now, next_at=None, why=None, detail={})
    now += HOUR
    agenda.begin("a", now, after=agenda.matter("a").last_started_at)
    clerk.take_over("/config.yaml")
    assert agenda.matter("a").detail == {"abandoned": 1}


def test_who_does_not_end_when_asked_loses_its_place_and_is_tried_again(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that hangs: its run is closed as failed, its lane goes on, and it writes no more when it awakes."""
    monkeypatch.setattr(watch, "GRACE", 0.05)
    awake, wrote = Event(), Event()

    def hang(turn: Turn) -> Done:
        run = turn.archive.journal.begin("one", "feed", "http://a.example/", now=clock())
        awake.wait(SOON)
        with pytest.raises(StorageError, match="writes no more"):
            turn.archive.saw(run.id, ["x"], clock())
        wrote.set()
        return fine(turn)

    agenda = Agenda(archive.database)
    with running(archive, duty("visit:one", hang, lane="a", limit=0.05), duty("visit:two", lane="a")):
        until(lambda: agenda.matter("visit:two").last_outcome)
        matter = until(lambda: (found := agenda.matter("visit:one")).last_outcome and found)
        assert (matter.last_outcome, matter.failures_in_a_row) == (Ending.TIMED_OUT, 1)
        (run,) = archive.journal.runs("one")
        assert str(run.status) == "failed"
        assert [failure.error for failure in archive.journal.failures(run.id)] == ["TimedOut"]
        awake.set()
        assert wrote.wait(SOON)
    assert agenda.matter("visit:one").last_outcome is Ending.TIMED_OUT


def test_with_threads_that_do_not_end_the_process_asks_to_be_replaced(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When nothing else is at work: what hangs takes memory and sockets, and only a new process is rid of them."""
    for module_, name in ((watch, "GRACE"), (module, "HUNG"), (module, "TURN")):
        monkeypatch.setattr(module_, name, 0.05)
    awake = Event()

    def hang(turn: Turn) -> Done:
        awake.wait(SOON)
        return fine(turn)

    assert Daemon(archive, plan_of(duty("a", hang, limit=0.05)), now=clock).run() is True
    awake.set()


def test_a_duty_that_stops_when_asked_is_interrupted_and_comes_first_the_next_time(archive: Archive) -> None:
    """The end of the daemon is no failure of what was in hand."""
    begun = Event()

    def wait(turn: Turn) -> Done:
        begun.set()
        turn.means.stop.wait(SOON)
        raise Interrupted("asked to stop")

    with running(archive, duty("a", wait)):
        assert begun.wait(SOON)
    matter = Agenda(archive.database).matter("a")
    assert (matter.last_outcome, matter.failures_in_a_row, matter.why) == (Ending.INTERRUPTED, 0, Because.AGAIN)


def test_what_is_configured_anew_while_it_is_done_comes_by_its_new_schedule(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Monthly before, hourly from now on: what was at work, and what waited behind it, come within the hour."""
    monkeypatch.setattr(module, "BEAT", 0.05)
    begun, go_on, new = Event(), Event(), Event()

    def slow(turn: Turn) -> Done:
        begun.set()
        go_on.wait(SOON)
        return fine(turn)

    def follow() -> Plan:
        new.set()
        return plan_of(*(duty(name, slow, lane="one") for name in ("a", "b")))

    month = timedelta(days=30)
    with running(archive, *(duty(name, slow, every=month, lane="one") for name in ("a", "b")), reload=follow) as daemon:
        assert begun.wait(SOON)
        daemon.load_again()
        assert new.wait(SOON)
        go_on.set()
        planned = until(lambda: len(found := daemon.planned()) == 2 and found)
    assert all(due.at <= clock() + HOUR for due in planned.values())


def test_an_archive_in_trouble_keeps_nobody_from_being_told(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was to be planned anew in the meantime is, once it works again; people are told while it does not."""
    monkeypatch.setattr(module, "BEAT", 0.05)
    beaten, plan, is_locked = Counter[str](), Clerk.plan, Event()

    def locked(self: Clerk, duties: Any) -> None:
        if is_locked.is_set():
            beaten["refused"] += 1
            raise ArchiveLocked("cupola.db is locked")
        plan(self, duties)
        beaten["planned"] += 1

    monkeypatch.setattr(Clerk, "plan", locked)
    both: dict[str, Any] = {"reload": lambda: plan_of(duty("b")), "beaten": lambda: beaten.update(["told"])}
    with running(archive, duty("a"), **both) as daemon:
        until(lambda: beaten["planned"] == 1)
        is_locked.set()
        daemon.load_again()
        until(lambda: beaten["refused"])
        before = beaten["told"]
        until(lambda: beaten["told"] > before + 1)
        is_locked.clear()
        until(lambda: set(daemon.planned()) == {"b"})


def test_a_daemon_that_calls_for_nothing_any_more_is_not_alive(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its loop turns on, its timekeeper does not: the older of the two is told, and the manager hears no more."""
    monkeypatch.setattr(module, "TURN", 0.02)
    jump, told = [timedelta(0)], Counter[str]()

    def now() -> datetime:
        return clock() + jump[0]

    with running(archive, duty("a"), now=now, turned=lambda: told.update(["turned"])) as daemon:
        until(lambda: told["turned"] > 2 and daemon.planned())
        monkeypatch.setattr(Timekeeper, "pulse", lambda self: None)
        jump[0] = timedelta(minutes=5)
        until(lambda: now() - daemon.turned_at > timedelta(minutes=4))
        before = told["turned"]
        turns = Counter[str]()
        pulse = Timekeeper.pulse
        monkeypatch.setattr(Timekeeper, "pulse", lambda self: turns.update(["turns"]) or pulse(self))
        until(lambda: turns["turns"] > 5)
        assert told["turned"] <= before + 1
        assert now() - daemon.turned_at > timedelta(minutes=4)


def test_two_daemons_share_what_there_is_to_do(tmp_path: Path, make_archive: Any, address: str | None) -> None:
    """On a database that both may use each duty is done once, by one of them."""
    make_archive(tmp_path / "archive", address)
    settings, done = ArchiveSettings(folder=tmp_path / "archive", database=address), Counter[str]()
    lock = threading.Lock()

    def count(turn: Turn) -> Done:
        with lock:
            done[turn.matter.matter] += 1
        return fine(turn)

    duties = [duty(f"duty {number}", count) for number in range(30)]
    with Archive.open(settings) as first, Archive.open(settings) as second:
        other = Process(host="elsewhere", boot="", pid=1, start="")
        both = running(first, *duties, alone=False), running(second, *duties, alone=False, process=other)
        with both[0] as one, both[1] as two:
            until(lambda: done.total() >= 30)
            until(lambda: len(one.planned()) == len(two.planned()) == 30)
        assert Agenda(first.database).daemons(clock()) == []
    assert set(done.values()) == {1}
    assert len(done) == 30
