"""One duty done once: what is kept of how it ended, when it comes again, and what the log says of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from jobs.duty import Done, Duty, Turn, due_of
from jobs.errand import Errands
from jobs.lanes import Lanes
from jobs.patience import Patience
from jobs.timetable import Rhythm
from jobs.visit import Means, Unplugged
from jobs.watch import Watch
from scraper.settings import HttpSettings
from storage.agenda import Agenda, Because, Ending
from storage.archive import Archive
from storage.errors import DiskFull
from storage.settings import ArchiveSettings

HOUR = timedelta(hours=1)


class Hall:
    """An archive, a clock that stands still, and the one who does errands there."""

    def __init__(self, archive: Archive) -> None:
        self.now, self.stop = datetime(2026, 11, 22, 12, tzinfo=UTC), Event()
        self.agenda = Agenda(archive.database)
        self.watch = Watch(Lanes(1), clock=time.monotonic, hung=lambda spell: None)
        self._errands = Errands(
            archive,
            Patience(self.stop),
            self.watch,
            now=lambda: self.now,
            clock=time.monotonic,
            stop=self.stop,
            alone=True,
        )

    def see_to(self, do: Callable[[Turn], Done], *, is_poll: bool = False) -> timedelta:
        """Have it done when it is due; how long from its end until it is due again."""
        duty = Duty(matter="visit:a", lane="a", rhythm=Rhythm(every=HOUR), limit=HOUR, do=do, is_poll=is_poll)
        due = due_of(duty, self.agenda.matter("visit:a"), self.now)
        assert due is not None
        self.now = max(due.at, self.agenda.matter("visit:a").next_at or due.at)
        self._errands.see_to(duty, self._means)
        found = self.agenda.matter("visit:a")
        assert found.next_at is not None
        assert found.last_ended_at == self.now
        return found.next_at - self.now

    @contextmanager
    def _means(self, stop: Event) -> Iterator[Means]:
        yield Means(web=Unplugged(), http=HttpSettings(), missions=(), now=lambda: self.now, stop=stop)


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """Over an empty archive."""
    with Archive.open(ArchiveSettings(folder=tmp_path / "archive")) as archive:
        yield Hall(archive)


def ends(ending: Ending, said: str = "", **how: object) -> Callable[[Turn], Done]:
    return lambda turn: Done(ending=ending, said=said, **how)  # type: ignore[arg-type]


def test_why_it_failed_is_kept_until_it_goes_well(hall: Hall) -> None:
    """Its words, without secrets and not without end; an interrupt leaves them, success drops them."""
    hall.see_to(ends(Ending.FAILED, "it told https://me:secret@a.example/ " + "x" * 900))
    kept = hall.agenda.matter("visit:a").detail["error"]
    assert kept.startswith("it told https://")
    assert "secret" not in kept
    assert len(kept) == 500
    hall.see_to(ends(Ending.FAILED, "nothing new, 3 failures", error="answered 503"))
    hall.see_to(ends(Ending.INTERRUPTED))
    assert hall.agenda.matter("visit:a").detail == {"error": "answered 503"}
    hall.see_to(ends(Ending.COMPLETED))
    assert hall.agenda.matter("visit:a").detail == {}


def test_a_visit_cut_by_its_limit_goes_on_soon_when_it_came_far(hall: Hall) -> None:
    """And not by its schedule, which may be far away; once it is through the schedule holds again."""
    begun = []

    def much(turn: Turn) -> Done:
        begun.append(hall.now)
        (spell,) = hall.watch.spells()
        spell.late_at = 1.0
        return Done(ending=Ending.INTERRUPTED, detail={"posts_added": 5})

    assert hall.see_to(much) <= timedelta(minutes=1)
    assert hall.agenda.matter("visit:a").last_outcome is Ending.PARTIAL
    assert hall.see_to(much) <= timedelta(minutes=1)
    assert hall.see_to(ends(Ending.COMPLETED)) == HOUR
    assert len(begun) == 2
    assert begun[1] - begun[0] <= timedelta(minutes=1)


def test_an_archive_in_trouble_again_and_again_is_tried_less_and_less(hall: Hall) -> None:
    """A disk that stays full must not have its sources asked every few seconds; success forgets it."""

    def full(turn: Turn) -> Done:
        raise DiskFull("the disk is full")

    waits = [hall.see_to(full).total_seconds() for _ in range(6)]
    assert waits == [20, 40, 80, 160, 300, 300]
    assert hall.agenda.matter("visit:a").why is Because.AGAIN
    hall.see_to(ends(Ending.COMPLETED))
    assert hall.see_to(full).total_seconds() == 20


def test_what_looks_often_and_finds_nothing_to_do_is_told_in_detail_alone(
    hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    """A line for each source each hour would hide what happens; what it does is told."""
    caplog.set_level(logging.DEBUG, "jobs.errand")
    hall.see_to(ends(Ending.COMPLETED, "no picture is due", is_idle=True), is_poll=True)
    hall.see_to(ends(Ending.COMPLETED, "3 pictures"), is_poll=True)
    assert [record.levelname for record in caplog.records] == ["DEBUG", "DEBUG", "DEBUG", "INFO"]
