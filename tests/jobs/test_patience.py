"""An archive in trouble is waited for: said once, tried again, and nobody waits longer than needed."""

from __future__ import annotations

import threading
from threading import Event

import pytest

from jobs import patience
from jobs.errors import Interrupted
from jobs.patience import Patience
from storage.errors import ArchiveDamaged, ArchiveLocked, SourceBusy


def test_it_is_tried_until_it_works_and_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Two faults, one word about them, one that it is over; ``waiting`` is heard meanwhile."""
    monkeypatch.setattr(patience, "FIRST", 0.001)
    caplog.set_level("WARNING")
    tries, waited = [], []

    def act() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise ArchiveLocked("cupola.db is locked")
        return "done"

    mine = Patience(Event())
    assert mine.through(act, waiting=lambda: waited.append(1)) == "done"
    assert len(tries) == 3
    assert waited
    assert mine.trouble is None
    assert [record.message for record in caplog.records] == [
        "the archive cannot be used: cupola.db is locked; waiting, and going on by itself",
        "the archive can be used again",
    ]


def test_when_it_works_for_one_the_others_try_at_once() -> None:
    """Who has long to wait yet is woken."""
    mine, is_locked, failed = Patience(Event()), Event(), Event()
    is_locked.set()

    def act() -> None:
        if is_locked.is_set():
            failed.set()
            raise ArchiveLocked("locked")

    thread = threading.Thread(target=mine.through, args=(act,), daemon=True)
    thread.start()
    assert failed.wait(30)
    is_locked.clear()
    mine.well()
    # five seconds are what it would wait else
    thread.join(30)
    assert not thread.is_alive()


def test_asked_to_stop_it_tries_once() -> None:
    """What works is done all the same, what does not is given up."""
    stop = Event()
    stop.set()
    assert Patience(stop).through(lambda: 1) == 1

    def act() -> None:
        raise ArchiveLocked("locked")

    with pytest.raises(Interrupted):
        Patience(stop).through(act)


@pytest.mark.parametrize("error", [SourceBusy("busy", source_id="a", holder="b"), ArchiveDamaged("broken")])
def test_what_waiting_does_not_mend_is_raised(error: Exception) -> None:
    """A busy source is no trouble of the archive; and only what it was told to wait for is waited for."""

    def act() -> None:
        raise error

    with pytest.raises(type(error)):
        Patience(Event(), only=(ArchiveLocked,)).through(act)
