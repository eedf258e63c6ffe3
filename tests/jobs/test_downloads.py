"""Pictures, several at once: every attachment handed in comes back once, and errors reach the one who can act."""

import threading

import pytest

from jobs.downloads import Downloads
from scraper.model import Attachment, MediaResult, MediaState

GONE = MediaResult(state=MediaState.GONE, reason="answered 404")


def attachment(number: int) -> Attachment:
    return Attachment(url=f"https://media.example/{number}.jpg")


def test_everything_handed_in_comes_back_once():
    """Twenty attachments, four workers: twenty results under their own numbers."""
    with Downloads(lambda _: GONE, 4) as downloads:
        for number in range(20):
            downloads.submit(number, attachment(number))
        results = downloads.finished(at_least=20)
    assert sorted(number for number, _ in results) == list(range(20))
    assert downloads.open == 0


def test_so_many_work_at_once_and_no_more():
    """With three workers three attachments are taken at the same time."""
    together = threading.Barrier(3, timeout=5)
    peak, busy, lock = 0, 0, threading.Lock()

    def take(_: Attachment) -> MediaResult:
        nonlocal peak, busy
        with lock:
            busy += 1
            peak = max(peak, busy)
        together.wait()
        with lock:
            busy -= 1
        return GONE

    with Downloads(take, 3) as downloads:
        for number in range(9):
            downloads.submit(number, attachment(number))
        downloads.finished(at_least=9)
    assert peak == 3


def test_asking_for_what_is_finished_does_not_wait():
    """Without a number nothing is waited for."""
    go = threading.Event()

    def take(_: Attachment) -> MediaResult:
        go.wait(5)
        return GONE

    with Downloads(take, 1) as downloads:
        downloads.submit(1, attachment(1))
        assert downloads.finished() == []
        go.set()
        assert len(downloads.finished(at_least=1)) == 1


def test_an_error_of_a_worker_reaches_the_one_who_asks():
    """A full disk is no outcome of one picture: it is raised where it can stop the run."""

    def take(_: Attachment) -> MediaResult:
        raise OSError(28, "No space left on device")

    with Downloads(take, 1) as downloads:
        downloads.submit(1, attachment(1))
        with pytest.raises(OSError, match="No space left"):
            downloads.finished(at_least=1)


def test_leaving_finishes_what_has_begun_and_drops_the_rest():
    """After an interrupt the picture in hand is finished; those not begun stay for the next run."""
    begun, go, taken = threading.Event(), threading.Event(), []

    def take(item: Attachment) -> MediaResult:
        begun.set()
        go.wait(5)
        taken.append(item.url)
        return GONE

    with Downloads(take, 1) as downloads:
        for number in range(5):
            downloads.submit(number, attachment(number))
        begun.wait(5)
        go.set()
    assert 1 <= len(taken) <= 5
    assert len(downloads.finished()) == len(taken)
