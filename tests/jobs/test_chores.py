"""The chores: what is due is retried, edits and deletions are seen, the whole history is read, copies are kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from threading import Event
from typing import Any, ClassVar

import pytest

from jobs.chores import chores_of, refusals
from jobs.duty import ARCHIVE, Done, Turn
from jobs.pipeline import harvest
from jobs.stanzas import Backup, Fixity, JobsStanza
from jobs.visit import Means, Unplugged, Visit
from scraper.capture import Access, Capture, Request
from scraper.errors import FetchError
from scraper.model import DateOrigin, Post, Precision, Published
from scraper.settings import HttpSettings, SourceOptions
from scraper.source import Reach, Source, page_is_older
from storage.agenda import Agenda, Ending
from storage.archive import Archive
from storage.generations import generations
from storage.settings import ArchiveSettings
from storage.verify import verify

SITE = "https://log.example"
NOW = datetime(2017, 6, 10, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class Log(Source[SourceOptions]):
    """A source of this test: pages of days, newest first, each naming the next. All synthetic."""

    kind: ClassVar[str] = "log"
    summary = "for tests"
    example = SITE
    options_type = SourceOptions
    reach = Reach.WINDOW

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        yield Request(url=self.options.url, access=Access.API, token="secret")

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request]:
        told = capture.json()
        assert isinstance(told, dict)
        posts = [
            Post(
                source_id=self.id,
                native_id=str(ago),
                body=text,
                published=Published(at=NOW - int(ago) * DAY, precision=Precision.SECOND, origin=DateOrigin.API),
            )
            for ago, text in told["posts"].items()
        ]
        yield from posts
        if told["next"] and not page_is_older(posts, since):
            yield Request(url=told["next"], access=Access.API, token="secret")


class Web(Unplugged):
    """Pages of this test: the days that each shows; what was asked for, with which token."""

    def __init__(self) -> None:
        self.posts = {ago: f"Jour {ago}" for ago in (1, 2, 10, 20, 40, 50)}
        self.down: set[str] = set()
        self.asked: list[tuple[str, str | None]] = []
        self.on_ask: Callable[[], None] = lambda: None

    def fetch(self, request: Request) -> Capture:
        self.asked.append((request.url.removeprefix(SITE), request.token))
        self.on_ask()
        if request.url in self.down:
            raise FetchError("it is down", url=request.url, retriable=True)
        number, order = int(request.url.rpartition("/")[2]), sorted(self.posts)
        shown = {str(ago): self.posts[ago] for ago in order[2 * number : 2 * number + 2]}
        following = f"{SITE}/{number + 1}" if order[2 * number + 2 :] else None
        body = json.dumps({"posts": shown, "next": following}).encode()
        return Capture(request=request, url=request.url, status=200, headers={}, body=body, fetched_at=NOW)


class Household:
    """An archive whose log has been visited once, long ago, and a daemon's chores for it, done one by one."""

    def __init__(self, folder: Path) -> None:
        self.archive = Archive.open(ArchiveSettings(folder=folder))
        self.agenda, self.web, self.now, self.stop = Agenda(self.archive.database), Web(), NOW, Event()
        self.visit = Visit(source=Log("log", SourceOptions(url=f"{SITE}/0")))
        self.jobs = JobsStanza(backup=Backup(folder=Path("copies"), keep=2), fixity=Fixity(within=timedelta(days=1)))
        self.is_roomy = True

    @property
    def means(self) -> Means:
        http = HttpSettings(rate="none", attempts=1)
        return Means(
            web=self.web, http=http, missions=(), now=lambda: self.now, stop=self.stop, room=lambda: self.is_roomy
        )

    def harvest(self) -> Any:
        return harvest(self.visit, self.archive, self.means)

    def do(self, name: str) -> Done:
        """A chore, begun and ended as the daemon does it."""
        (duty,) = [duty for duty in self.duties() if duty.matter == name]
        self.web.asked.clear()
        matter = self.agenda.matter(name)
        assert self.agenda.begin(name, self.now, after=matter.last_started_at)
        done = duty.do(Turn(archive=self.archive, means=self.means, matter=matter))
        self.agenda.end(name, done.ending, self.now, next_at=None, why=None, detail=done.kept)
        return done

    def duties(self) -> Any:
        return chores_of(self.jobs, [self.visit], self.archive.folder.parent)

    def pages(self) -> list[str]:
        return [path for path, _ in self.web.asked]

    def gone(self) -> list[str]:
        with self.archive.database.read() as connection:
            query = "SELECT key FROM archive_posts WHERE gone_at IS NOT NULL ORDER BY key"
            return [row[0] for row in connection.exec_driver_sql(query)]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Household]:
    made = Household(tmp_path / "archive")
    with made.archive:
        made.harvest()
        made.now += timedelta(days=29)
        # the days that the log speaks of are counted from then
        yield made


DEEP, AGAIN, RETRY = "chore:deep_pass:log", "chore:look_again:log", "chore:retry_media:log"


def test_every_chore_has_its_lane_and_its_rhythm(home: Household) -> None:
    """What asks a site is in the lane of its host and heeds quiet hours, what reads the archive has one of its own."""
    found = {duty.matter: duty for duty in home.duties()}
    of_archive = ["chore:fixity", "chore:fingerprint", "chore:backup", "chore:optimise"]
    assert list(found) == [RETRY, AGAIN, DEEP, *of_archive]
    assert {duty.lane for name, duty in found.items() if name.endswith(":log")} == {"log.example"}
    assert {found[name].lane for name in of_archive} == {ARCHIVE}
    assert found["chore:fixity"].rhythm.at == time(3)
    switched_off = dict.fromkeys(("fixity", "fingerprint", "optimise", "deep_pass", "look_again", "retry_media"), False)
    off = JobsStanza.model_validate(switched_off)
    assert chores_of(off, [home.visit], Path()) == ()


def test_edits_and_deletions_of_the_last_days_are_seen(home: Household) -> None:
    """An edited post is updated; a deleted one is gone at the second look, and no older one is asked for."""
    home.now = NOW + DAY
    home.agenda.begin(AGAIN, NOW - DAY, after=None)
    home.web.posts[10] = "Jour dix"
    del home.web.posts[20]
    first = home.do(AGAIN)
    assert (first.ending, first.detail.get("posts_updated"), home.gone()) == (Ending.COMPLETED, 1, [])
    home.now += DAY
    second = home.do(AGAIN)
    assert (second.detail.get("posts_gone"), home.gone()) == (1, ["log:20"])
    assert home.pages() == ["/0", "/1", "/2"]


def test_a_look_back_moves_the_cursor_only_where_it_leaves_no_gap(home: Household) -> None:
    """Days that neither it nor a visit has read are read by the next visit."""
    source = home.visit.source.id
    home.agenda.begin(AGAIN, NOW, after=None)
    home.now = NOW + 90 * DAY
    home.do(AGAIN)
    assert home.archive.journal.cursor(source) == NOW
    home.harvest()
    home.now += DAY
    home.do(AGAIN)
    assert home.archive.journal.cursor(source) == home.now


def test_the_first_time_a_source_that_was_just_read_is_not_read_again(home: Household) -> None:
    """A new source's first visit reads everything; the passes come an interval later."""
    home.now = NOW + timedelta(hours=1)
    for name in (AGAIN, DEEP):
        assert home.do(name).ending is Ending.COMPLETED
        assert home.pages() == []


def test_a_deep_pass_finds_what_was_dated_back(home: Household) -> None:
    """Where no visit looks any more; and it is a whole look like a visit's."""
    home.web.posts[45] = "En retard"
    assert home.harvest().posts_added == 0
    done = home.do(DEEP)
    assert (done.ending, done.detail["posts_added"]) == (Ending.COMPLETED, 1)
    assert home.archive.journal.cursor("log") == home.now


def test_a_long_deep_pass_goes_on_in_slices(home: Household) -> None:
    """A slice ends at a page and says where the next goes on; visits of that host have their turn in between."""
    home.web.posts[45] = "En retard"

    def later() -> None:
        home.now += timedelta(minutes=40)

    home.web.on_ask = later
    first = home.do(DEEP)
    assert (first.ending, home.pages()) == (Ending.INTERRUPTED, ["/0", "/1"])
    second = home.do(DEEP)
    assert (second.ending, home.web.asked) == (Ending.COMPLETED, [("/2", "secret"), ("/3", "secret")])
    assert second.detail["posts_added"] == 1


def test_a_deep_pass_that_is_stopped_goes_on_where_it_was(home: Household) -> None:
    """Also one that is stopped before its first page; once it is through, the next begins anew."""
    home.web.on_ask = home.stop.set
    assert home.do(DEEP).ending is Ending.INTERRUPTED
    assert home.do(DEEP).ending is Ending.INTERRUPTED
    assert home.pages() == []
    home.web.on_ask = lambda: None
    home.stop.clear()
    assert home.do(DEEP).ending is Ending.COMPLETED
    assert home.pages() == ["/1", "/2"]
    assert home.do(DEEP).ending is Ending.COMPLETED
    assert home.pages() == ["/0", "/1", "/2"]


def test_a_page_that_does_not_answer_is_asked_for_again_and_given_up(home: Household) -> None:
    """Three times, an hour apart; the rest of the history is there by then."""
    home.web.down.add(f"{SITE}/1")
    first = home.do(DEEP)
    assert (first.ending, first.pause_until) == (Ending.INTERRUPTED, home.now + timedelta(hours=1))
    assert home.do(DEEP).ending is Ending.INTERRUPTED
    assert home.pages() == ["/1"]
    assert home.do(DEEP).ending is Ending.FAILED
    assert home.do(DEEP).ending is Ending.INTERRUPTED
    assert home.pages() == ["/0", "/1"]


def test_no_run_is_opened_when_no_picture_is_due(home: Household) -> None:
    """Nor when the disk has no room."""
    runs = len(home.archive.journal.runs())
    assert home.do(RETRY).said == "no picture is due"
    home.is_roomy = False
    assert home.do(RETRY).said == "no room for pictures"
    assert len(home.archive.journal.runs()) == runs


def test_a_source_that_is_paused_is_asked_nothing(home: Household) -> None:
    """Its chores rest with its visits, and keep what they go on from."""
    home.agenda.pause("visit:log", "it is gone (410)", home.now)
    for name in (RETRY, AGAIN, DEEP):
        assert "it is gone (410)" in home.do(name).said
        assert home.pages() == []


def test_a_busy_source_is_left(home: Household) -> None:
    """Another run is at work on it."""
    home.archive.journal.begin("log", "log", None, now=home.now)
    assert home.do(DEEP).ending is Ending.BUSY


def test_the_archive_is_audited_copied_and_put_in_order(home: Household, tmp_path: Path) -> None:
    """Each tells what it did; a damaged answer makes the audit end in part, and names it."""
    done = home.do("chore:fixity")
    assert (done.ending, done.detail["damaged"], done.detail["answers"]) == (Ending.COMPLETED, 0, 3)
    assert (home.archive.folder / done.detail["report"]).is_file()
    (file,) = home.archive.folder.glob("warc/*")
    file.write_bytes(b"rot" * 1000)
    assert home.do("chore:fixity").ending is Ending.PARTIAL
    for _ in range(3):
        home.now += DAY
        assert home.do("chore:backup").ending is Ending.COMPLETED
    assert len(generations(tmp_path / "copies")) == 2
    assert home.do("chore:optimise").ending is Ending.COMPLETED


def test_an_archive_goes_back_to_a_copy_and_on_from_there(home: Household, tmp_path: Path) -> None:
    """With the newer pictures and answers still in its folder it verifies clean, and the next visit brings the rest."""
    home.do("chore:backup")
    home.web.posts[0] = "Jour 0"
    home.now += DAY
    assert home.harvest().posts_added == 1
    home.archive.close()
    (copy,) = generations(tmp_path / "copies")
    for old in home.archive.folder.glob("cupola.db*"):
        old.unlink()
    shutil.copy(copy, home.archive.folder / "cupola.db")
    home.archive = Archive.open(ArchiveSettings(folder=home.archive.folder))
    home.now += DAY
    found = verify(home.archive.database, home.archive.folder)
    assert (found.is_sound, len(found.orphans)) == (True, 1)
    assert home.harvest().posts_added == 1
    assert verify(home.archive.database, home.archive.folder).is_sound


def test_a_copy_that_cannot_be_written_is_no_trouble_of_the_archive(home: Household, tmp_path: Path) -> None:
    """It failed and says why; the archive goes on."""
    (tmp_path / "copies").write_text("a file in the way")
    done = home.do("chore:backup")
    assert done.ending is Ending.FAILED
    assert str(tmp_path / "copies") in done.said


def test_a_server_is_not_copied_and_that_is_said_once(home: Household) -> None:
    """At the start, with what to do instead; a folder that is not given is not spoken of."""
    assert [("pg_dump" in said) for said in refusals(home.jobs, "postgresql")] == [True]
    assert refusals(home.jobs, "sqlite") == refusals(JobsStanza(), "postgresql") == ()


def test_pictures_that_nobody_has_looked_at_are(home: Household) -> None:
    """An archive of an older Cupola gets its fingerprints a turn at a time; then there is nothing to do."""
    done = home.do("chore:fingerprint")
    assert (done.ending, done.is_idle) == (Ending.COMPLETED, True)
    assert "every picture" in done.said
