"""Many commands at once on one archive, each a process of its own; what they said is kept, and judged at the end."""

from __future__ import annotations

import json
import multiprocessing
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest

#: what nobody is ever to read, whatever else goes on in the archive
UNHEARD = (
    "Traceback",
    "is a defect",
    "is locked",
    "locking protocol",
    "deadlock",
    "could not serialize",
    "being written to by another",
)

# a process that has everything loaded already and only begins at the command: what a start costs, less its imports
_SWIFTLY = """
import os, sys
from jobs.cli import main
for number, path in ((1, out), (2, err)):
    os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
os.chdir(folder)
os.environ.update(environment)
sys.argv = ["cupola", *arguments]
main.cupola()
"""
_LOADED = [
    *(f"jobs.{name}" for name in ("pipeline", "wiring", "maintenance", "demo.site", "cli.main")),
    *(
        f"jobs.cli.{name}"
        for name in ("scrape", "query", "show", "sql", "stats", "curation", "reparse", "care", "backup")
    ),
    *(f"storage.{name}" for name in ("curation", "queries", "history", "verify", "sqlquery", "tally", "backup")),
    *(f"scraper.sources.{name}" for name in ("mastodon", "esa_gallery", "feed")),
    "storage.postgresql",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql.psycopg",
]


@dataclass(frozen=True)
class Said:
    """One command: what was asked, what it answered, and from when to when it ran."""

    arguments: tuple[str, ...]
    status: int
    out: str
    err: str
    began: float
    ended: float

    @property
    def json(self) -> Any:
        """What stands on stdout."""
        return json.loads(self.out)

    @property
    def is_busy(self) -> bool:
        """Whether it found its source at work, and says which."""
        source = next(word for word in self.arguments[1:] if not word.startswith("-"))
        return self.status == 1 and f"{source} is being worked on by" in self.out + self.err


class Crowd:
    """The commands on one configuration, from any number of threads at once.

    ``swift``: each is a process that has its modules loaded already. ``seconds``: how long workers go on.
    """

    def __init__(self, place: Any, *, seconds: float, swift: bool) -> None:
        self.place = place
        self.said: list[Said] = []
        self.widest = 0
        self._seconds, self._swift = seconds, swift
        self._numbers = iter(range(10**6))
        self._failed = threading.Event()

    def elsewhere(self, place: Any) -> Crowd:
        """The same, on another configuration."""
        return Crowd(place, seconds=self._seconds, swift=self._swift)

    def say(self, *arguments: str, expect: tuple[int, ...] = (0,)) -> Said:
        """A command from its start to its end; it ends with one of the statuses expected, and of no lock is a word."""
        began = time.monotonic()
        status, out, err = (self._swiftly if self._swift else self._slowly)(arguments)
        said = Said(arguments, status, out, err, began, time.monotonic())
        self.said.append(said)
        heard = [words for words in UNHEARD if words in out + err]
        assert (status in expect, heard) == (True, []), f"{arguments}: status {status}\n{out}\n{err}"
        journal = self.place.archive / "cupola.db-wal"
        if journal.exists():
            self.widest = max(self.widest, journal.stat().st_size)
        return said

    def _slowly(self, arguments: tuple[str, ...]) -> tuple[int, str, str]:
        run = self.place.run(*arguments)
        return run.status, run.out, run.err

    def _swiftly(self, arguments: tuple[str, ...]) -> tuple[int, str, str]:
        number = next(self._numbers)
        out, err = (self.place.folder / f"said-{number}.{name}" for name in ("out", "err"))
        names: dict[str, Any] = {"out": str(out), "err": str(err), "folder": str(self.place.folder)}
        names["arguments"] = (*arguments, "--config", str(self.place.config))
        names["environment"] = {"COLUMNS": "120"}
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_LOADED)
        process = context.Process(target=exec, args=(_SWIFTLY, names))
        process.start()
        process.join(600)
        assert process.exitcode is not None
        return process.exitcode, out.read_text(), err.read_text()

    def work(self, rounds: Mapping[str, tuple[Callable[[int], None], int]]) -> None:
        """Have each of these do its rounds in a thread of its own: so many at least, and on till time is up."""
        until = time.monotonic() + self._seconds
        errors: list[BaseException] = []

        def go_on(name: str, turn: Callable[[int], None], enough: int) -> None:
            number = 0
            try:
                while not self._failed.is_set() and (number < enough or time.monotonic() < until):
                    turn(number)
                    number += 1
            except BaseException as error:  # noqa: BLE001 - told below, by the thread that may
                error.add_note(f"in round {number} of {name}")
                errors.append(error)
                self._failed.set()

        threads = [threading.Thread(target=go_on, args=(name, *of), name=name) for name, of in rounds.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def figures(self) -> str:
        """How many commands of each kind there were, and their wall time in seconds: median, p99 and longest."""
        times: defaultdict[str, list[float]] = defaultdict(list)
        for said in self.said:
            dry = " --dry-run" if "--dry-run" in said.arguments else ""
            times[said.arguments[0] + dry].append(said.ended - said.began)
        lines = [f"{'command':<20}{'runs':>6}{'p50':>7}{'p99':>7}{'max':>7}"]
        for kind, taken in sorted(times.items()):
            cuts = quantiles(taken, n=100, method="inclusive") if len(taken) > 1 else taken * 99
            lines.append(f"{kind:<20}{len(taken):>6}{cuts[49]:>7.2f}{cuts[98]:>7.2f}{max(taken):>7.2f}")
        return "\n".join([*lines, f"{len(self.said)} commands; the -wal file at its longest: {self.widest:,} bytes"])


@dataclass(frozen=True)
class Town:
    """Three sources, each on a site of its own, and the archive that they go into."""

    crowd: Crowd
    sites: Mapping[str, Any]
    address: str | None

    @property
    def configuration(self) -> dict[str, Any]:
        """Sites by the id of their source, for ``Place.configure``."""
        of_site = {name: list(site.sources.values()) for name, site in self.sites.items()}
        return {name: of_site[name][0 if name == "gallery" else 1] for name in self.sites}

    def configure(self, place: Any, address: str | None) -> None:
        """Write the configuration of a place, whose database may be on a server."""
        place.configure(self.configuration, rate="1000/s", timeout=60)
        if address is not None:
            given = json.loads(place.config.read_text())
            place.config.write_text(json.dumps(given | {"archive": {"folder": "archive", "database": address}}))


def _shrunk(shown: Any) -> Any:
    """A status with the same pictures, but small ones, that are quickly painted."""
    media = (replace(medium, drawing=replace(medium.drawing, size=(64, 48))) for medium in shown.media)
    return replace(shown, media=tuple(media))


@pytest.fixture
def make_town(
    places: Callable[[], Any], watched: Callable[..., Any], small_mission: Any, address: str | None
) -> Iterable[Callable[..., Town]]:
    """Makes a town whose commands go on for some seconds; each test on both databases."""
    tiny = replace(small_mission, timeline=tuple(map(_shrunk, small_mission.timeline[:12])))
    with ExitStack() as open_sites:

        def make(*, seconds: float = 0.0, swift: bool = True) -> Town:
            sites = {name: open_sites.enter_context(watched(0.0, tiny)) for name in ("east", "west", "gallery")}
            town = Town(Crowd(places(), seconds=seconds, swift=swift), sites, address)
            town.configure(town.crowd.place, address)
            return town

        yield make


@pytest.fixture
def remade(places: Callable[[], Any]) -> Callable[[Town], list[dict[str, Any]]]:
    """Makes an archive of what the sites of a town say now, and gives its posts."""

    def remake(town: Town) -> list[dict[str, Any]]:
        crowd = town.crowd.elsewhere(places())
        town.configure(crowd.place, None)
        crowd.say("scrape", "-q")
        return [json.loads(line) for line in crowd.say("query", "--format", "jsonl").out.splitlines()]

    return remake


@pytest.fixture
def decided(tmp_path: Path) -> Callable[[Town], list[dict[str, Any]]]:
    """Reads the decisions that an archive holds, in their order, each with the key of its post."""
    from sqlalchemy import select

    from storage.engine import open_database
    from storage.schema import DecisionRecord, PostRecord, rows_of
    from storage.settings import ArchiveSettings

    decisions, posts = rows_of(DecisionRecord), rows_of(PostRecord)

    def read(town: Town) -> list[dict[str, Any]]:
        database = open_database(
            ArchiveSettings(folder=town.crowd.place.archive, database=town.address), read_only=True
        )
        query = select(decisions, posts.c.source_id, posts.c.native_id).join(posts, posts.c.id == decisions.c.post_id)
        with database.read() as connection:
            rows = connection.execute(query.order_by(decisions.c.id)).mappings().all()
        database.close()
        return [{**row, "key": f"{row['source_id']}:{row['native_id']}"} for row in rows]

    return read
