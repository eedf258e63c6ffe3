"""Killed at any moment (kill -9), the archive is sound, and the next run, started at once, completes it."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

#: requests that an undisturbed run makes at least
REQUESTS = 24


@dataclass(frozen=True)
class Moment:
    """When to kill: ``lag`` seconds after the site has seen the request of this number, of this kind or of all.

    With a budget (``rate``) pictures are taken by threads, without one by a process of their own.
    """

    number: int
    kind: str = ""
    lag: float = 0.0
    rate: str = "none"

    def begin(self, watched: Callable[..., Any], place: Any) -> Aftermath:
        """Kill a run then; see ``begun``."""
        return kill(self, watched, place)

    def __str__(self) -> str:
        crew = "process" if self.rate == "none" else "threads"
        return f"{self.kind or 'request'}-{self.number}-{self.lag * 1000:.0f}ms-{crew}"


def drawn(count: int, seed: int) -> list[Moment]:
    """Moments at random, all over a run."""
    chance = random.Random(seed)
    return [
        Moment(
            chance.randint(1, REQUESTS), lag=chance.uniform(0, 0.05), rate=chance.choice(["none", "1000/s", "1000/s"])
        )
        for _ in range(count)
    ]


#: right after the site has seen a request of each kind, or while its answer is worked on (each comes 10 ms late)
KNOWN = [
    Moment(1, "robots", rate="1000/s"),
    Moment(1, "page", lag=0.02, rate="1000/s"),
    Moment(1, "lookup", rate="1000/s"),
    Moment(2, "listing", lag=0.015),
    Moment(2, "picture", rate="1000/s"),
    Moment(9, "picture", lag=0.012),
    Moment(15, "picture", lag=0.012, rate="1000/s"),
]
SHORT = KNOWN + drawn(2, seed=20161203)
LONG = drawn(60, seed=20170602)


@dataclass(frozen=True)
class Aftermath:
    """The killed run's status, a copy of what it left, the next run, and what is held then."""

    killed: int
    left: Any
    again: Any
    place: Any
    contents: str


def kill(moment: Moment, watched: Callable[..., Any], place: Any) -> Aftermath:
    """Kill a run at a moment and start the next one at once; what the first left is looked at in a copy."""
    with watched() as site:
        place.configure(site.sources, rate=moment.rate)
        now = threading.Event()

        def watch(kind: str, number: int) -> None:
            if moment.kind in ("", kind) and (number if moment.kind else site.total) >= moment.number:
                now.set()

        site.watch = watch
        # no pipes: the process that takes pictures would hold them open for a moment longer
        nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with place.start("scrape", "-q", **nowhere) as process:
            assert now.wait(60)
            time.sleep(moment.lag)
            process.kill()
        left = type(place)(place.folder / "left")
        shutil.copytree(place.archive, left.archive, ignore=shutil.ignore_patterns(".incoming"))
        again = place.run("scrape", "-q", "--json")
        return Aftermath(process.returncode, left, again, place, told(place, site))


def told(place: Any, site: Any) -> str:
    """All that is held, wherever the site was."""
    return json.dumps(place.contents(), indent=1).replace(site.base_url, "http://SITE")


@pytest.fixture(scope="module")
def undisturbed(watched: Callable[..., Any], places: Callable[[], Any]) -> str:
    """What an archive holds that nothing happened to."""
    place = places()
    with watched() as site:
        place.configure(site.sources, rate="1000/s")
        assert place.run("scrape", "-q").status == 0
        assert site.total >= REQUESTS
        return told(place, site)


def assert_survived(found: Aftermath, undisturbed: str) -> None:
    """The run was killed, what it left is sound, and the next one made of it what there would have been without."""
    place = found.place
    assert found.killed == -signal.SIGKILL
    found.left.assert_sound(as_command=False, orphans=True)
    assert (found.again.status, found.again.err) == (0, "")
    assert {report["outcome"] for report in found.again.json.values()} == {"completed"}
    assert found.contents.splitlines() == undisturbed.splitlines()
    place.assert_sound(as_command=False)
    statuses = [row[0] for row in place.ask("SELECT status FROM runs ORDER BY id")]
    assert statuses[-2:] == ["completed", "completed"]
    assert set(statuses[:-2]) <= {"completed", "abandoned"}
    assert place.ask("SELECT * FROM leases") == []


@pytest.mark.parametrize("ahead", SHORT, ids=str)
def test_a_killed_run_is_completed_by_the_next(
    begun: Callable[[Moment], Aftermath], undisturbed: str, ahead: Moment
) -> None:
    """The lease is taken over at once, and posts, pictures and files are those of an undisturbed run, each once."""
    found = begun(ahead)
    assert_survived(found, undisturbed)
    if ahead in KNOWN:  # then a run was open, whatever the machine's speed
        assert found.place.ask("SELECT count(*) FROM runs WHERE status = 'abandoned'") == [(1,)]


@pytest.mark.proof
@pytest.mark.parametrize("ahead", LONG, ids=str)
def test_killed_at_any_of_many_moments_it_is_completed_too(
    begun: Callable[[Moment], Aftermath], undisturbed: str, ahead: Moment
) -> None:
    """The same at sixty moments."""
    assert_survived(begun(ahead), undisturbed)
