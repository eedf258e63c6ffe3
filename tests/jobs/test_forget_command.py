"""`cupola forget`: asked for, told, done; and a whole harvest that finds the post again brings nothing of it back."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from jobs.pipeline import harvest
from jobs.report import Report
from jobs.visit import Means, Visit
from scraper.capture import Access, Capture, Request
from scraper.errors import Gone
from scraper.model import DateOrigin, Post, Precision, Published
from scraper.settings import HttpSettings, SourceOptions
from scraper.source import Reach, Source
from storage.archive import Archive
from storage.settings import ArchiveSettings

URL = "https://diary.example/posts"
NOW = datetime(2017, 6, 10, 12, 0, tzinfo=UTC)
SECRET = "Une phrase que personne ne doit plus jamais relire"


class Diary(Source[SourceOptions]):
    """A source of this test: one JSON page of posts."""

    kind: ClassVar[str] = "diary"
    summary = "for tests"
    example = URL
    options_type = SourceOptions
    media_access = Access.API
    reach = Reach.WINDOW

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        yield Request(url=self.options.url, access=Access.API)

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request]:
        for number, text in json.loads(capture.body).items():
            at = datetime(2017, 6, 7 + int(number), tzinfo=UTC)
            published = Published(at=at, precision=Precision.SECOND, origin=DateOrigin.API)
            yield Post(source_id=self.id, native_id=number, author="Ana", body=text, published=published)


class World:
    """A site that shows these posts, or none at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.posts: dict[int, str] | None = {1: "Bonjour la Terre", 2: SECRET, 3: "Bonne nuit"}
        self.hours = 0

    def fetch(self, request: Request) -> Capture:
        if self.posts is None:
            raise Gone(f"{request.url}: answered 404", url=request.url, status=404)
        body = json.dumps(self.posts).encode()
        etag = f'"{hash(body)}"'
        same = request.etag == etag
        return Capture(request=request, url=request.url, status=304 if same else 200, headers={"etag": etag},
                       body=b"" if same else body, fetched_at=NOW)  # fmt: skip

    def stream(self, request: Request, sink: Any, *, max_bytes: int | None = None) -> Any:
        raise Gone(f"{request.url}: answered 404", url=request.url, status=404)

    def visit(self, **options: Any) -> Report:
        """A run, an hour after the one before."""
        self.hours += 1
        now = NOW + timedelta(hours=self.hours)
        source = Diary("diary", SourceOptions(url=URL))
        means = Means(web=self, http=HttpSettings(contact="a@example.org"), missions=(), now=lambda: now)
        with Archive.open(ArchiveSettings(folder=self.folder)) as archive:
            return harvest(Visit(source=source, **options), archive, means)

    def holds(self, text: str) -> bool:
        """Whether any byte of the archive's folder still says so."""
        data = b"".join(
            gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        )
        return text.encode() in data or json.dumps(text)[1:-1].encode() in data


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("CUPOLA_WHO", "Ana")
    made = World(tmp_path / "archive")
    made.visit()
    return made


@pytest.fixture
def forget(world: World, cupola: Any) -> Any:
    """Runs the command on the archive of that world."""
    return lambda *arguments: cupola("forget", *arguments, "--archive", world.folder)


def test_it_is_gone_and_stays_away(world: World, forget: Any) -> None:
    """Nothing of it is left, and whatever the site shows later, page and post, nothing of it comes back."""
    assert world.holds(SECRET)
    answer = forget("diary:2", "--reason", "asked by the author", "--yes")
    assert (answer.status, answer.err) == (0, "")
    assert "1 post, 0 pictures and 1 recorded answer are gone:\n  diary:2\n" in answer.out
    assert "2 other posts came with these answers: kept, without that evidence." in answer.out
    assert not world.holds(SECRET)
    for _ in range(2):
        report = world.visit()
        assert (report.posts_buried, report.posts_unchanged, report.posts_added) == (1, 2, 0)
        assert not report.failures
        assert not world.holds(SECRET)
    world.posts = {1: "Bonjour la Terre", 3: "Bonne nuit"}
    world.visit()
    assert not world.holds(SECRET)
    assert world.visit().pages_unchanged == 1


def test_whoever_asks_for_it_is_told_that_it_was_taken_out(world: World, forget: Any, cupola: Any) -> None:
    """When, by whom and why, in place of a key that looks like it."""
    forget("diary:2", "--reason", "asked by the author", "--who", "vera", "--yes")
    answer = cupola("show", "diary:2", "--archive", world.folder)
    assert (answer.status, answer.out) == (2, "")
    assert "diary:2 was taken out for good on 2" in answer.err
    assert "by vera: asked by the author\n" in answer.err


def test_a_dry_run_tells_and_does_nothing(world: World, forget: Any) -> None:
    """What would go is told without a reason or a question."""
    answer = forget("--author", "ana", "--dry-run")
    assert "3 posts, 0 pictures and 1 recorded answer would go:" in answer.out
    assert world.holds(SECRET)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["diary:2", "--yes"], "say why"),
        (["diary:2", "--reason", "  ", "--yes"], "say why"),
        (["diary:2", "--reason", "asked"], "--yes"),
        (["diary:2", "--author", "Ana", "--reason", "asked", "--yes"], "not both"),
        (["diary:2", "diary:22", "--reason", "asked", "--yes"], "no post 'diary:22'"),
        (["--author", "Anna", "--reason", "asked", "--yes"], "Did you mean Ana?"),
    ],
)
def test_wrong_use_takes_nothing_out(world: World, forget: Any, arguments: list[str], message: str) -> None:
    """Something missing or unknown is status 2, and everything stays."""
    answer = forget(*arguments)
    assert answer.status == 2
    assert message in answer.err
    assert world.holds(SECRET)


@pytest.mark.parametrize(("typed", "status"), [("n\n", 130), ("y\n", 0)])
def test_at_a_terminal_it_asks(
    world: World, forget: Any, monkeypatch: pytest.MonkeyPatch, typed: str, status: int
) -> None:
    """What would go is shown first, and only a yes takes it out."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    answer = forget("diary:2", "--reason", "asked")
    assert answer.status == status
    assert "would go" in answer.out
    assert "Take this out for good?" in answer.err
    assert world.holds(SECRET) is (status != 0)


def test_a_run_under_way_is_status_1(world: World, forget: Any) -> None:
    """While the source is worked on nothing goes."""
    with Archive.open(ArchiveSettings(folder=world.folder)) as archive:
        archive.journal.begin("diary", "diary", URL, now=datetime.now(UTC))
        assert forget("diary:2", "--reason", "asked", "--yes").status == 1
    assert world.holds(SECRET)


def test_what_was_taken_out_before_is_said(world: World, forget: Any) -> None:
    """The same command again says that nothing is left."""
    forget("diary:2", "--reason", "asked", "--yes")
    answer = forget("diary:2", "--reason", "asked", "--yes")
    assert (answer.status, answer.out) == (0, "diary:2 was taken out before; nothing is left of it.\n")


def test_a_harvest_tells_what_is_gone(world: World, cupola: Any) -> None:
    """A post that two whole visits did not find is gone; a visit that failed or was cut short says nothing."""
    world.posts = {1: "Bonjour la Terre", 3: "Bonne nuit"}
    assert world.visit().posts_gone == 0
    assert world.visit(limit=1).posts_gone == 0
    assert world.visit(until=NOW).posts_gone == 0
    world.posts = None
    assert world.visit().failures
    world.posts = {}
    assert world.visit().posts_gone == 0
    world.posts = {1: "Bonjour la Terre", 3: "Bonne nuit"}
    assert world.visit().posts_gone == 1
    record = json.loads(cupola("show", "diary:2", "--json", "--history", "--archive", world.folder).out)
    assert record["gone_at"] == "2017-06-10T19:00:00Z"
    assert record["history"][-1]["kind"] == "gone"
    world.posts[2] = SECRET
    assert world.visit().posts_updated == 0
    record = json.loads(cupola("show", "diary:2", "--json", "--history", "--archive", world.folder).out)
    assert (record["gone_at"], record["provenance"]["back_at"]) == (None, "2017-06-10T20:00:00Z")
    assert [event["kind"] for event in record["history"]] == ["seen", "gone", "back"]
    shown = cupola("show", "diary:2", "--history", "--archive", world.folder).out
    assert "two whole looks have missed it, run 7" in shown
    assert "back at its source" in shown


def test_a_saved_page_is_no_look_at_the_source(world: World, cupola: Any) -> None:
    """A page that somebody saved once brings no post back that is gone, and takes none away that it does not show."""
    saved = dataclasses.replace(world.fetch(Request(url=URL, access=Access.API)), headers={})
    world.posts = {1: "Bonjour la Terre", 3: "Bonne nuit"}
    assert [world.visit().posts_gone, world.visit().posts_gone] == [0, 1]
    assert world.visit(saved=saved).posts_unchanged == 3
    record = json.loads(cupola("show", "diary:2", "--json", "--history", "--archive", world.folder).out)
    assert record["gone_at"] == "2017-06-10T15:00:00Z"
    assert [event["kind"] for event in record["history"]] == ["seen", "gone"]
    world.posts = {1: "Bonjour la Terre", 2: SECRET, 3: "Bonne nuit"}
    world.visit()
    record = json.loads(cupola("show", "diary:2", "--json", "--archive", world.folder).out)
    assert record["gone_at"] is None
