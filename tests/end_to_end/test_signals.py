"""Asked to stop (Ctrl-C, SIGTERM), a run ends safely and says how to go on; two runs at once do not collide."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GALLERY, ACCOUNT = "aurore-gallery", "aurore-mastodon"
#: that the small mission has
PICTURES = 19


class Gate:
    """Lets a request of a kind be answered when it may; ``reached`` is set when the first of its kind has come."""

    def __init__(self, kind: str, number: int) -> None:
        self.kind, self.number = kind, number
        self.reached, self.open = threading.Event(), threading.Event()

    def __call__(self, kind: str, number: int) -> None:
        if kind == self.kind and number >= self.number:
            self.reached.set()
            assert self.open.wait(60)


@pytest.fixture
def place(places: Callable[[], Any]) -> Any:
    """An archive to be made."""
    return places()


def assert_whole(place: Any, site: Any) -> None:
    """All posts and all pictures are held, each once, and every run is closed."""
    keys = [row[0] for row in place.ask("SELECT key FROM archive_posts")]
    assert sorted(keys) == sorted(site.demo.expected_keys)
    states = dict(place.ask("SELECT state, count(*) FROM archive_media GROUP BY state"))
    assert states == {"stored": PICTURES}
    assert place.ask("SELECT count(*) FROM leases") == [(0,)]
    place.assert_sound(as_command=False)


@pytest.mark.parametrize(
    ("number", "kind", "at", "rate"),
    [
        (signal.SIGINT, "listing", 2, "1000/s"),
        (signal.SIGINT, "picture", 3, "1000/s"),
        (signal.SIGTERM, "picture", 12, "none"),
    ],
    ids=["ctrl-c-in-pages", "ctrl-c-in-pictures", "sigterm-in-pictures-of-a-process"],
)
def test_a_run_that_is_asked_to_stop_ends_safely_and_the_next_completes_it(
    watched: Callable[..., Any], place: Any, number: signal.Signals, kind: str, at: int, rate: str
) -> None:
    """Status 130; what is in hand is finished and recorded; the run is closed as interrupted; the rest comes next."""
    with watched() as site:
        place.configure(site.sources, rate=rate, timeout=60)
        site.watch = gate = Gate(kind, at)
        process = place.start("scrape", "--json")
        assert gate.reached.wait(60)
        process.send_signal(number)
        threading.Timer(0.1, gate.open.set).start()
        done = place.finish(process)
        assert done.status == 130
        assert "Stopping after what is in hand; once more to leave at once." in done.err
        assert "all that was done is archived. Go on with the same command." in done.err
        assert list(done.json.values())[-1]["outcome"] == "interrupted"
        assert place.ask("SELECT status FROM runs ORDER BY id DESC LIMIT 1") == [("interrupted",)]
        assert place.ask("SELECT cursor FROM runs WHERE status = 'interrupted'") == [(None,)]
        assert place.ask("SELECT count(*) FROM failures") == [(0,)]
        place.assert_sound(as_command=False)
        stored = place.ask("SELECT count(*) FROM archive_media WHERE state = 'stored'")[0][0]
        assert 0 < stored < PICTURES
        asked = site.counts["picture"]
        assert place.run("scrape", "-q").status == 0
        assert site.counts["picture"] - asked == PICTURES - stored
        assert_whole(place, site)


@pytest.mark.parametrize(("kind", "rate"), [("listing", "1000/s"), ("picture", "none")])
def test_a_second_ctrl_c_leaves_at_once_and_is_safe_too(
    watched: Callable[..., Any], place: Any, kind: str, rate: str
) -> None:
    """While the site keeps an answer back: the process is gone before it comes, and the next run goes on at once."""
    with watched() as site:
        place.configure(site.sources, rate=rate, timeout=60)
        site.watch = gate = Gate(kind, 2)
        process = place.start("scrape", "-q")
        assert gate.reached.wait(60)
        process.send_signal(signal.SIGINT)
        assert "Stopping" in process.stderr.readline() + process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert not gate.open.is_set()
        process.communicate()
        gate.open.set()
        assert place.run("scrape", "-q").status == 0
        assert_whole(place, site)
        assert "abandoned" in {row[0] for row in place.ask("SELECT status FROM runs")}


def test_a_process_for_pictures_that_is_killed_costs_what_it_had_in_hand(
    watched: Callable[..., Any], place: Any
) -> None:
    """Killed by the system, say for want of memory: told and recorded, status 1, and the next run takes the rest."""
    with watched() as site:
        place.configure(site.sources, timeout=60)
        site.watch = gate = Gate("picture", 3)
        process = place.start("scrape", "--json")
        assert gate.reached.wait(60)
        for child in children(process.pid):
            os.kill(child, signal.SIGKILL)
        gate.open.set()
        done = place.finish(process)
        assert done.status == 1
        report = done.json[GALLERY]
        assert report["outcome"] == "partial"
        assert "process that takes pictures has ended" in report["failures"][0]["message"]
        assert done.json[ACCOUNT]["outcome"] == "completed"
        assert place.run("scrape", "-q").status == 0
        assert_whole(place, site)


def test_ctrl_c_of_a_terminal_reaches_every_process_and_ends_none_too_soon(
    watched: Callable[..., Any], place: Any
) -> None:
    """A terminal signals the process for pictures too, perhaps when it has just begun: the run ends as safely."""
    with watched() as site:
        place.configure(site.sources, timeout=60)
        process = place.start("scrape", "--json", start_new_session=True)
        while not children(process.pid):
            assert process.poll() is None
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGINT)
        done = place.finish(process)
        assert (done.status, done.json[GALLERY]["outcome"]) == (130, "interrupted")
        assert done.json[GALLERY]["failures"] == []
        assert place.run("scrape", "-q").status == 0
        assert_whole(place, site)


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    if not Path("/proc").is_dir():
        pytest.skip("there is no /proc here to find a process's children in")
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_source_that_another_run_has_is_skipped_and_named(watched: Callable[..., Any], place: Any) -> None:
    """The second run does what it can, names the busy source and who has it, and exits 1; the first one is whole."""
    with watched() as site:
        place.configure(site.sources, rate="1000/s", timeout=60)
        site.watch = gate = Gate("page", 1)
        first = place.start("scrape", "-q")
        assert gate.reached.wait(60)
        second = place.run("scrape", "--json")
        assert second.status == 1
        assert [report["outcome"] for report in second.json.values()] == ["busy", "completed"]
        told = second.json[GALLERY]["failures"][0]["message"]
        assert f"{GALLERY} is being worked on by process {first.pid}" in told
        assert "wait until it is done, or stop it" in told
        gate.open.set()
        assert place.finish(first).status == 0
        assert_whole(place, site)


def test_two_runs_work_side_by_side_on_two_sources(watched: Callable[..., Any], place: Any) -> None:
    """Two processes on one archive, each with a source of its own, from beginning to end at the same time."""
    with watched() as site:
        place.configure(site.sources, rate="1000/s", timeout=60)
        site.watch = gate = Gate("picture", 1)
        both = [place.start("scrape", "-q", source) for source in (GALLERY, ACCOUNT)]
        assert gate.reached.wait(60)
        gate.open.set()
        done = [place.finish(process) for process in both]
        assert [(run.status, run.err) for run in done] == [(0, ""), (0, "")]
        assert_whole(place, site)
