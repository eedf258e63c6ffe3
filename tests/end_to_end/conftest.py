"""The real command line over a configuration and an archive of its own, and the demo's site, watched."""

from __future__ import annotations

import json
import os
import runpy
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from jobs.demo.mission import GALLERY_SOURCE, TIMELINE_SOURCE, DemoMission, load
from jobs.demo.site import Answer, DemoSite
from storage.engine import open_database
from storage.verify import verify

CUPOLA = Path(sys.executable).parent / "cupola"


@dataclass(frozen=True)
class Run:
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What stands on stdout, which is one JSON value and nothing else."""
        return json.loads(self.out)


class Place:
    """A configuration and its archive in a folder of their own, and the command line over them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        self.archive = folder / "archive"
        self.environment = {k: v for k, v in os.environ.items() if k != "CUPOLA_CONFIG"} | {"COLUMNS": "120"}

    def configure(self, sources: Mapping[str, Any], **http: Any) -> None:
        """Write the configuration: sites by the id of their source."""
        polite = {"contact": "test@cupola.test", "rate": "none", "attempts": 2, "timeout": 2}
        hosts = sorted({urlsplit(site.url).netloc for site in sources.values()})
        stanzas = [{"id": name, "kind": site.kind, "url": site.url} for name, site in sources.items()]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(  # JSON is YAML
            json.dumps({"http": polite | {"allow_hosts": hosts} | http, "sources": stanzas}, indent=1)
        )

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Begin a command on this configuration."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
        command = [str(CUPOLA), *arguments, "--config", str(self.config)]
        return subprocess.Popen(command, env=self.environment, cwd=self.folder, **(pipes | options))

    def finish(self, process: subprocess.Popen[str]) -> Run:
        """Wait for a command; whatever it says, it is no traceback."""
        with process:
            out, err = process.communicate(timeout=600)
        assert "Traceback" not in out + err
        return Run(process.returncode, out, err)

    def run(self, *arguments: str, **options: Any) -> Run:
        """A command from its start to its end."""
        return self.finish(self.start(*arguments, **options))

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the archive's database."""
        with sqlite3.connect(self.archive / "cupola.db") as database:
            rows = database.execute(sql, values).fetchall()
        database.close()
        return rows

    def change(self, sql: str, *values: Any) -> None:
        """One statement that changes the archive's database, as no command would."""
        with sqlite3.connect(self.archive / "cupola.db") as database:
            database.execute(sql, values)
        database.close()

    def assert_sound(self, *, as_command: bool = True, orphans: bool = False) -> None:
        """SQLite and ``cupola verify`` agree that nothing is damaged, and nothing is left over (but for ``orphans``).

        Not ``as_command``: by what that command calls, which is quicker.
        """
        assert self.ask("PRAGMA integrity_check") == [("ok",)]
        if as_command:
            verified = self.run("verify", "--json")
            assert verified.status == 0
            found = verified.json
        else:
            database = open_database(self.archive, read_only=True)
            found = verify(database, self.archive).as_json()
            database.close()
        assert found["damage"] == []
        if not orphans:
            assert found["orphans"] == []
            assert list(self.archive.glob("media/.incoming/*")) == []

    def contents(self) -> dict[str, Any]:
        """All that is held, without the times of this run."""
        posts = self.ask("SELECT * FROM archive_posts ORDER BY key")
        names = [row[1] for row in self.ask("PRAGMA table_info(archive_posts)")]
        seen = names.index("first_seen_at")
        media = self.archive / "media"
        return {
            "posts": [row[:seen] + row[seen + 1 :] for row in posts],
            "media": self.ask("SELECT * FROM archive_media ORDER BY post_key, position"),
            "files": sorted(str(path.relative_to(media)) for path in media.rglob("*") if path.is_file()),
        }


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Place]:
    """Makes empty places, each in a folder of its own."""
    return lambda: Place(tmp_path_factory.mktemp("place"))


class WatchedSite(DemoSite):
    """The demo's site, a little slower and with six statuses a page; ``watch`` is told of requests before the answer.

    It is given the kind (``robots``, ``page``, ``lookup``, ``listing``, ``picture``) and how many of it there were.
    """

    def __init__(self, demo: DemoMission, delay: float) -> None:
        super().__init__(demo, port=0)
        self.delay = delay
        self.watch: Callable[[str, int], None] = lambda kind, number: None
        self.counts: Counter[str] = Counter()
        self._counting = threading.Lock()

    @property
    def total(self) -> int:
        """How many requests there were."""
        return sum(self.counts.values())

    @property
    def sources(self) -> dict[str, Any]:
        """Both its sources, for ``Place.configure``."""
        gallery, account = self.base_url + self.demo.page.address, f"{self.base_url}/@{self.demo.account.username}"
        return {GALLERY_SOURCE: _Named("esa_gallery", gallery), TIMELINE_SOURCE: _Named("mastodon", account)}

    def answer(self, target: str) -> Answer:
        """What the site says, when the watcher has been told."""
        kinds = {
            "/robots.txt": "robots",
            "/lookup": "lookup",
            "/statuses?": "listing",
            ".jpg": "picture",
            ".png": "picture",
        }
        kind = next((kind for word, kind in kinds.items() if word in target), "page")
        with self._counting:
            self.counts[kind] += 1
            number = self.counts[kind]
        self.watch(kind, number)
        time.sleep(self.delay)
        return super().answer(target.replace("limit=40", "limit=6"))


@dataclass(frozen=True)
class _Named:
    kind: str
    url: str


@pytest.fixture(scope="session")
def small_mission() -> DemoMission:
    """Some of the demo's posts, none of which is meant to fail."""
    demo = load()
    sound = [status for status in demo.timeline if not any(medium.fault for medium in status.media)]
    return replace(demo, gallery=demo.gallery[:5], timeline=tuple(sound[:15]))


@pytest.fixture(scope="session")
def watched(small_mission: DemoMission) -> Callable[..., Any]:
    """Serves the small mission (or another one) while a ``with`` lasts, each answer ``delay`` seconds late."""

    @contextmanager
    def serve(delay: float = 0.01, mission: DemoMission = small_mission) -> Iterator[WatchedSite]:
        with WatchedSite(mission, delay) as site:
            yield site

    return serve


@pytest.fixture(scope="session", autouse=True)
def begun(
    request: pytest.FixtureRequest, watched: Callable[..., Any], places: Callable[[], Any]
) -> Iterator[Callable[[Any], Any]]:
    """What a test's parameter named ``ahead`` begins, done: one after the other, beside the tests that come before.

    A run of the command is mostly one process that starts; with a second core both get on.
    """
    chosen = [item.callspec.params.get("ahead") for item in request.session.items if hasattr(item, "callspec")]
    pool = ThreadPoolExecutor(1)
    futures = {each: pool.submit(each.begin, watched, places()) for each in dict.fromkeys(filter(None, chosen))}
    yield lambda each: futures[each].result()
    pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session", autouse=True)
def retold(request: pytest.FixtureRequest) -> Iterator[Callable[[], tuple[str, str]]]:
    """docs/story.md as it is and as its commands tell it now, masked; run beside the tests that come before."""
    if not any(item.path.name == "test_story.py" for item in request.session.items):
        yield lambda: ("", "")
        return
    docs = Path(__file__).parents[2] / "docs"
    story = runpy.run_path(str(docs / "story.py"))
    page = (docs / "story.md").read_text(encoding="utf-8")
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(story["told"], page)
        yield lambda: (story["masked"](page), story["masked"](future.result()))
