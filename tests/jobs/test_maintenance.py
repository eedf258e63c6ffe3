"""Reading anew: a mended parser or splitter repairs what was archived before, from what is held and nothing else."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from jobs.maintenance import reparse, resplit
from jobs.pipeline import harvest
from jobs.report import Outcome
from jobs.visit import Means, Unplugged, Visit
from scraper.capture import Access, Capture, Request
from scraper.errors import FetchError
from scraper.model import Attachment, DateOrigin, Mission, Post, Precision, Published
from scraper.replay import Replay
from scraper.settings import HttpSettings, SourceOptions
from scraper.source import Source
from storage.archive import Archive
from storage.engine import Database
from storage.errors import SourceBusy
from storage.filters import Filters
from storage.runs import RunStatus
from storage.settings import ArchiveSettings
from storage.verify import verify

BASE = "https://log.example"
NOW = datetime(2017, 6, 10, 12, 0, tzinfo=UTC)
PROXIMA = Mission(id="proxima", name="Proxima", people=("Thomas Pesquet",), hashtags=("Proxima",))


class Log(Source[SourceOptions]):
    """A source of this test; what its parser understands changes with ``version``. All synthetic."""

    kind: ClassVar[str] = "log"
    summary = "for tests"
    example = f"{BASE}/1"
    options_type = SourceOptions
    media_access = Access.API
    version = 1
    broken = False

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        yield Request(url=self.options.url, access=Access.API)

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request]:
        data = capture.json()
        if not isinstance(data, dict) or self.broken:
            raise capture.parse_error("expected a page of the log")
        for item in data["posts"]:
            if self.version == 1 and item.get("later"):
                continue
            if self.version == 2 and item.get("earlier"):
                continue
            yield Post(
                source_id=self.id,
                native_id=item["id"],
                body=item["text"].upper() if self.version == 1 else item["text"],
                published=Published(
                    at=datetime.fromisoformat(item["at"]), precision=Precision.SECOND, origin=DateOrigin.API
                ),
                attachments=tuple(Attachment(url=url) for url in item.get("pictures", [])),
                opt_outs=tuple(item.get("opt_outs", ())),
            )
        if data.get("next"):
            yield Request(url=data["next"], access=Access.API)


def item(number: int, text: str = "", **more: Any) -> dict[str, Any]:
    at = datetime(2017, 6, 9, tzinfo=UTC) - timedelta(hours=number)
    return {"id": str(number), "text": text or f"bonjour la terre {number}", "at": at.isoformat(), **more}


def page(url: str, posts: list[dict[str, Any]], more: str | None = None, *, etag: str = "1") -> Capture:
    body = json.dumps({"posts": posts, "next": more}).encode()
    headers = {"content-type": "application/json", "etag": etag}
    return Capture(request=Request(url=url), url=url, status=200, headers=headers, body=body, fetched_at=NOW)


class Recorded(Replay, Unplugged):
    """The web as it answered once: pages from a recording, and no pictures."""


class Workbench:
    """An archive, a source whose parser can be mended, and a clock."""

    def __init__(self, folder: Path, address: str | None = None) -> None:
        self.archive = Archive.open(ArchiveSettings(folder=folder, database=address))
        self.source = Log("log", SourceOptions(url=f"{BASE}/1"))
        self.means = Means(web=Unplugged(), http=HttpSettings(rate="none"), missions=(PROXIMA,), now=lambda: NOW)

    def harvest(self, *pages: Capture, **bounds: Any) -> None:
        means = dataclasses.replace(self.means, web=Recorded(pages))
        report = harvest(Visit(source=self.source, media=False, **bounds), self.archive, means)
        assert report.failures == []

    def reparse(self, *, dry: bool = False, keys: frozenset[str] = frozenset(), **bounds: Any) -> Any:
        return reparse(Visit(source=self.source, **bounds), self.archive, self.means, keys=keys, dry=dry)

    def resplit(
        self, *, dry: bool = False, mission: str | None = None, is_configured: bool = True, **wanted: Any
    ) -> Any:
        filters = Filters(source=("log",), **wanted)
        return resplit(filters, mission, self.archive, self.means, dry=dry, is_configured=is_configured)

    def ask(self, sql: str) -> list[Any]:
        with self.archive.database.read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

    def texts(self) -> dict[str, str]:
        return dict(self.ask("SELECT native_id, body FROM posts ORDER BY native_id"))

    def contents(self) -> dict[str, list[Any]]:
        tables = ("posts", "segments", "hashtags", "attachments", "revisions", "captures", "runs", "sightings")
        return {table: self.ask(f"SELECT * FROM {table}") for table in tables}


@pytest.fixture
def bench(tmp_path: Path, address: str | None) -> Iterator[Workbench]:
    made = Workbench(tmp_path / "archive", address)
    with made.archive:
        yield made


def test_a_mended_parser_repairs_what_was_archived_before(bench: Workbench) -> None:
    """Posts are changed and added from the answers held; each change keeps what was before, with its capture."""
    bench.harvest(page(f"{BASE}/1", [item(1), item(2)], f"{BASE}/2"), page(f"{BASE}/2", [item(3), item(4, later=True)]))
    assert bench.texts()["1"] == "BONJOUR LA TERRE 1"
    bench.source.version = 3
    found = bench.reparse()
    assert bench.texts() == {str(number): f"bonjour la terre {number}" for number in (1, 2, 3, 4)}
    report = found.report
    assert (report.pages, report.posts_found, report.posts_added, report.posts_updated) == (2, 4, 1, 3)
    assert bench.ask("SELECT why, body FROM revisions ORDER BY post_id") == [
        ("read anew", f"BONJOUR LA TERRE {number}") for number in (1, 2, 3)
    ]
    assert bench.ask("SELECT native_id, capture_id FROM posts ORDER BY id") == [("1", 1), ("2", 1), ("3", 2), ("4", 2)]
    again = bench.reparse()
    assert (again.report.posts_unchanged, again.report.posts_updated, again.missing) == (4, 0, 0)


def test_a_licence_in_a_credit_line_is_the_posts_licence(bench: Workbench) -> None:
    """In its own words; read anew it is the same, and nothing differs."""
    bench.source.version = 3
    credit = "Le lac brille.\nCredits: ESA/NASA–T. Pesquet, CC BY-SA 3.0 IGO"
    bench.harvest(page(f"{BASE}/1", [item(1, credit), item(2, "Le lac.\nCredits: ESA/NASA")]))
    licences = bench.ask("SELECT native_id, license FROM archive_posts ORDER BY native_id")
    assert licences == [("1", "CC BY-SA 3.0 IGO"), ("2", None)]
    for again in (bench.reparse(), bench.resplit()):
        assert (again.report.posts_unchanged, again.report.posts_updated) == (2, 0)


def test_an_edit_that_was_never_understood_is_one(bench: Workbench) -> None:
    """A page that no parser could read when it came: what a mended one finds in it later was edited at the source."""
    bench.source.version = 3
    bench.harvest(page(f"{BASE}/1", [item(1, "bonjour, avant"), item(2)]))
    late = page(f"{BASE}/1", [item(1, "bonjour, après"), item(2)], etag="2")
    bench.source.broken = True
    means = dataclasses.replace(bench.means, web=Recorded([late]))
    assert harvest(Visit(source=bench.source, media=False), bench.archive, means).failures
    bench.source.broken = False
    assert bench.reparse().report.posts_updated == 1
    assert bench.ask("SELECT why, body FROM revisions") == [("edited", "bonjour, avant")]


def test_a_dry_run_tells_and_changes_nothing(bench: Workbench) -> None:
    """It says of each post what would differ, old and new; the archive stays as it is, to the last row."""
    bench.harvest(page(f"{BASE}/1", [item(1), item(2, later=True)]))
    before = bench.contents()
    bench.source.version = 3
    found = bench.reparse(dry=True)
    assert bench.contents() == before
    assert [(told.key, told.change) for told in found.differences] == [("log:1", "updated"), ("log:2", "added")]
    assert found.differences[0].fields["text"] == ("BONJOUR LA TERRE 1", "bonjour la terre 1")
    assert "-BONJOUR LA TERRE 1" in list(found.differences[0].lines())
    assert "+bonjour la terre 1" in list(found.differences[0].lines())
    assert found.fields["text"] == 2
    assert json.loads(json.dumps(found.as_json()))["differences"][1]["change"] == "added"


def test_posts_that_are_not_found_again_are_told_and_kept(bench: Workbench) -> None:
    """A parser that no longer finds a post does not remove it."""
    bench.harvest(page(f"{BASE}/1", [item(1), item(2, earlier=True)]))
    bench.source.version = 2
    found = bench.reparse()
    assert (found.missing, found.not_found) == (1, ["log:2"])
    assert set(bench.texts()) == {"1", "2"}
    assert bench.ask("SELECT count(*) FROM posts WHERE gone_at IS NOT NULL") == [(0,)]


def test_each_post_is_taken_from_the_last_answer_that_has_it(bench: Workbench) -> None:
    """An edited post does not go back to its older state, a post that later answers lack is repaired all the same."""
    bench.source.version = 3
    bench.harvest(page(f"{BASE}/1", [item(1, "bonjour, avant"), item(2)]))
    bench.harvest(page(f"{BASE}/1", [item(0), item(1, "bonjour, après")], etag="2"))
    revisions = bench.ask("SELECT count(*) FROM revisions")
    found = bench.reparse()
    assert bench.texts() == {"0": "bonjour la terre 0", "1": "bonjour, après", "2": "bonjour la terre 2"}
    assert (found.report.posts_unchanged, found.report.posts_updated, found.missing) == (3, 0, 0)
    assert bench.ask("SELECT count(*) FROM revisions") == revisions
    bench.source.version = 1
    assert bench.reparse().report.posts_updated == 3
    assert bench.texts() == {"0": "BONJOUR LA TERRE 0", "1": "BONJOUR, APRÈS", "2": "BONJOUR LA TERRE 2"}


def test_pages_that_contradict_each_other_change_nothing(bench: Workbench) -> None:
    """Of what two pages of a run say of a post the first was kept; the same parser finds nothing else anew."""
    bench.source.version = 3
    pages = (page(f"{BASE}/1", [item(1, "bonjour un")], f"{BASE}/2"), page(f"{BASE}/2", [item(1, "bonjour deux")]))
    for _ in range(2):
        bench.harvest(*pages)
        assert bench.reparse().report.posts_updated == 0
    assert (bench.texts(), bench.ask("SELECT count(*) FROM revisions")) == ({"1": "bonjour un"}, [(0,)])


def test_an_answer_that_came_often_is_parsed_once(bench: Workbench) -> None:
    """Revisits point to the same bytes."""
    for _ in range(3):
        bench.harvest(page(f"{BASE}/1", [item(1)]))
    assert bench.ask("SELECT count(*) FROM captures") == [(3,)]
    assert bench.reparse().report.pages == 1


def test_what_a_run_left_out_on_purpose_stays_out(bench: Workbench) -> None:
    """A post beyond the bounds of the run that fetched the answer, or whose author opted out, is not added."""
    since = datetime(2017, 6, 8, 12, tzinfo=UTC)
    bench.harvest(page(f"{BASE}/1", [item(1), item(30), item(2, opt_outs=["noindex"])]), since=since)
    bench.source.version = 3
    found = bench.reparse()
    assert set(bench.texts()) == {"1"}
    assert found.report.posts_left_out == 1


def test_only_what_is_asked_for_is_changed(bench: Workbench) -> None:
    """Keys and bounds choose posts; the others are neither changed nor told as missing."""
    bench.harvest(page(f"{BASE}/1", [item(number) for number in range(5)]))
    bench.source.version = 3
    assert bench.reparse(keys=frozenset({"log:2"})).report.posts_updated == 1
    found = bench.reparse(until=datetime(2017, 6, 8, 22, tzinfo=UTC))
    assert found.report.posts_updated == 2
    assert [body for body in bench.texts().values() if body.islower()] == [f"bonjour la terre {n}" for n in (2, 3, 4)]
    bench.source.version = 2
    assert bench.reparse(keys=frozenset({"log:9"})).missing == 0


def test_an_answer_that_is_not_understood_stops_only_itself(bench: Workbench) -> None:
    """It is a failure of the run, with the capture as evidence; the others are parsed."""
    bench.harvest(page(f"{BASE}/1", [item(1)], f"{BASE}/2"), page(f"{BASE}/2", [item(2)]))
    bench.archive.journal.begin("log", "log", None, now=NOW + timedelta(minutes=1))
    bench.ask("SELECT 1")
    (file,) = (bench.archive.folder / "warc").glob("*.gz")
    with bench.archive.database.read() as connection:
        place = connection.exec_driver_sql('SELECT "offset" FROM captures WHERE id = 2').scalar_one()
    data = bytearray(file.read_bytes())
    data[place + 40] ^= 0xFF
    file.write_bytes(data)
    bench.archive.database.close()
    bench.means = dataclasses.replace(bench.means, now=lambda: NOW + timedelta(minutes=5))
    bench.source.version = 3
    found = bench.reparse()
    assert found.report.outcome is Outcome.PARTIAL
    (failure,) = found.report.failures
    assert "cannot be read back" in failure.message
    assert bench.texts()["1"] == "bonjour la terre 1"
    run = bench.archive.journal.runs()[0]
    assert run.status is RunStatus.PARTIAL
    assert [told.capture_id for told in bench.archive.journal.failures(run.id)] == [2]


def test_nothing_is_marked_as_seen_or_as_back(bench: Workbench) -> None:
    """Reading an old answer is no look at the source: a post that is gone stays so."""
    bench.harvest(page(f"{BASE}/1", [item(1)]))
    with bench.archive.database.write() as connection:
        connection.exec_driver_sql("UPDATE posts SET gone_at = '2017-06-09 00:00:00.000000'")
    sightings = bench.ask("SELECT * FROM sightings")
    bench.source.version = 3
    bench.reparse()
    bench.resplit(mission="proxima")
    assert bench.ask("SELECT count(*) FROM posts WHERE gone_at IS NOT NULL AND back_at IS NULL") == [(1,)]
    assert bench.ask("SELECT * FROM sightings") == sightings


def test_reading_anew_does_not_move_the_cursor(bench: Workbench) -> None:
    """The next harvest goes on from where the last one was."""
    bench.harvest(page(f"{BASE}/1", [item(1)]))
    cursor = bench.archive.journal.cursor("log")
    bench.source.version = 3
    bench.reparse()
    bench.resplit(mission="proxima")
    assert bench.archive.journal.cursor("log") == cursor


@pytest.mark.parametrize("work", ["reparse", "resplit"])
def test_a_source_that_is_being_visited_is_busy(bench: Workbench, work: str) -> None:
    """Two runs never write for one source; a dry run needs no lease, nor does one that finds nothing to change."""
    bench.harvest(page(f"{BASE}/1", [item(1)]))
    bench.archive.journal.begin("log", "log", None, now=NOW)
    bench.source.version = 3
    act: Callable[..., Any] = {"reparse": bench.reparse, "resplit": lambda **more: bench.resplit(mission="x", **more)}[
        work
    ]
    assert act(dry=True).report.posts_updated == 1
    with pytest.raises(SourceBusy):
        act()
    if work == "resplit":
        assert bench.resplit().report.posts_unchanged == 1


@pytest.mark.parametrize("work", ["reparse", "resplit"])
def test_an_interrupt_leaves_whole_batches_and_the_same_again_goes_on(
    bench: Workbench, work: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read is recorded, the run is closed as interrupted, and the next one does the rest."""
    monkeypatch.setattr("storage.rereading.BATCH", 2)
    bench.harvest(
        *(page(f"{BASE}/{n}", [item(2 * n), item(2 * n + 1)], f"{BASE}/{n + 1}") for n in range(1, 4)),
        page(f"{BASE}/4", []),
    )
    act = bench.reparse if work == "reparse" else lambda: bench.resplit(mission="proxima")
    bench.source.version = 3
    ticks = iter(range(1000))

    def now() -> datetime:
        if next(ticks) == 3:
            bench.means.stop.set()
        return NOW + timedelta(minutes=1)

    bench.means = dataclasses.replace(bench.means, now=now)
    first = act()
    assert first.report.outcome is Outcome.INTERRUPTED
    assert 0 < first.report.posts_updated < 6
    assert bench.archive.journal.runs()[0].status is RunStatus.INTERRUPTED
    bench.means.stop.clear()
    second = act()
    assert first.report.posts_updated + second.report.posts_updated == 6
    assert second.report.outcome is Outcome.COMPLETED


def test_resplit_reads_held_texts_with_the_missions_of_now(bench: Workbench) -> None:
    """A source's mission that was configured later reaches posts that are held; nothing else changes."""
    bench.source.version = 3
    bench.harvest(page(f"{BASE}/1", [item(1), item(2, "Hello #Proxima, good evening to all of you")]))
    before = bench.ask("SELECT native_id, capture_id, body, published_at FROM posts ORDER BY id")
    dry = bench.resplit(mission="alpha", dry=True)
    assert [told.fields for told in dry.differences] == [{"mission": (None, "alpha")}]
    found = bench.resplit(mission="alpha")
    assert (found.report.posts_found, found.report.posts_updated, found.report.posts_unchanged) == (2, 1, 1)
    assert bench.ask("SELECT native_id, mission FROM posts ORDER BY id") == [("1", "alpha"), ("2", "proxima")]
    assert bench.ask("SELECT native_id, capture_id, body, published_at FROM posts ORDER BY id") == before
    assert bench.ask("SELECT why, mission FROM revisions") == [("read anew", None)]
    assert bench.resplit(mission="alpha").report.posts_updated == 0


def test_resplit_takes_away_what_was_misread(bench: Workbench) -> None:
    """A mission and a hashtag that the text does not give any more, read as now, go; the old reading is a revision."""
    bench.source.version = 3
    bench.harvest(page(f"{BASE}/1", [item(1, "Hello #Proxima, good evening to all of you")]))
    with bench.archive.database.write() as connection:
        misread = """UPDATE posts SET hashtags = '["Proxima", "misread"]', content_hash = 'of another splitter'"""
        connection.exec_driver_sql(misread)
    bench.means = dataclasses.replace(bench.means, missions=())
    assert bench.resplit(is_configured=False).report.posts_updated == 1
    assert bench.ask("SELECT mission, hashtags FROM posts") == [("proxima", '["Proxima"]')]
    assert bench.resplit().report.posts_updated == 1
    assert bench.ask("SELECT mission FROM posts") == [(None,)]
    assert bench.ask("SELECT why, mission FROM revisions") == [("read anew", "proxima")] * 2
    bench.harvest(page(f"{BASE}/1", [item(1, "Hello #Proxima, good evening to all of you")]))
    assert bench.ask("SELECT count(*) FROM revisions") == [(2,)]


def test_resplit_keeps_what_an_earlier_text_said(bench: Workbench) -> None:
    """An edit that left the mission out did not take it away, and reading the edited text once more does not either."""
    bench.source.version = 3
    bench.harvest(page(f"{BASE}/1", [item(1, "Hello #Proxima, good evening to all of you")]))
    bench.harvest(page(f"{BASE}/1", [item(1, "Hello, good evening to all of you")]))
    assert bench.ask("SELECT mission FROM posts") == [("proxima",)]
    assert bench.resplit().report.posts_unchanged == 1
    assert bench.ask("SELECT mission, hashtags FROM posts") == [("proxima", '["Proxima"]')]


def test_resplit_mends_a_split_and_its_captions(bench: Workbench) -> None:
    """Segments that were cut otherwise before are cut as they are now, with captions, hashtags and flags."""
    bench.source.version = 3
    text = (
        '« Bonsoir Paris, la ville lumière vue de la station spatiale »\n"Good evening Paris, the city of light" #Paris'
    )
    bench.harvest(page(f"{BASE}/1", [item(1, text)]))
    whole = bench.ask("SELECT * FROM segments"), bench.ask("SELECT caption_fr, caption_en FROM posts")
    with bench.archive.database.write() as connection:
        connection.exec_driver_sql("UPDATE segments SET lang = 'other'")
        connection.exec_driver_sql(
            "UPDATE posts SET caption_fr = NULL, caption_en = NULL, content_hash = 'of another splitter'"
        )
    found = bench.resplit()
    assert (bench.ask("SELECT * FROM segments"), bench.ask("SELECT caption_fr, caption_en FROM posts")) == whole
    assert whole[1] == [tuple(text.removesuffix(" #Paris").split("\n"))]
    assert found.fields == {"caption_fr": 1, "caption_en": 1, "segments": 1}
    bench.harvest(page(f"{BASE}/1", [item(1, text)]))
    assert bench.ask("SELECT count(*) FROM revisions") == [(1,)]


def test_resplit_reads_only_the_posts_that_pass(bench: Workbench) -> None:
    """Filters choose as they do for a query."""
    bench.source.version = 3
    bench.harvest(page(f"{BASE}/1", [item(number) for number in range(5)]))
    assert bench.resplit(mission="alpha", keys=("log:2", "log:3")).report.posts_updated == 2
    assert bench.resplit(mission="alpha", text="terre 4").report.posts_updated == 1
    assert bench.ask("SELECT native_id FROM posts WHERE mission = 'alpha' ORDER BY native_id") == [
        ("2",),
        ("3",),
        ("4",),
    ]


def test_nothing_is_ever_fetched() -> None:
    """The web of these commands refuses every request."""
    with pytest.raises(FetchError, match="nothing is fetched"):
        Unplugged().fetch(Request(url=BASE))
    with pytest.raises(FetchError, match="nothing is fetched"):
        Unplugged().stream(Request(url=BASE), None)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("work", ["reparse", "resplit"])
def test_killed_at_any_step_the_same_again_completes_it(
    tmp_path: Path, work: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, within and after each transaction: it verifies clean, and ends as an undisturbed run leaves it."""
    monkeypatch.setattr("storage.rereading.BATCH", 2)
    pages = [page(f"{BASE}/{n}", [item(2 * n), item(2 * n + 1)], f"{BASE}/{n + 1}") for n in range(1, 4)]
    whole = Workbench(tmp_path / "whole")
    with whole.archive:
        whole.harvest(*pages, page(f"{BASE}/4", []))
        whole.archive.close()
        shutil.copytree(whole.archive.folder, tmp_path / "before")
        done = work_on(whole, work)
        expected = state(whole)
        assert done.report.posts_updated == 6
    for at in range(1, 100):
        folder = tmp_path / str(at)
        shutil.copytree(tmp_path / "before", folder)
        ended = killed_at(folder, work, at)
        bench = Workbench(folder)
        with bench.archive:
            assert verify(bench.archive.database, folder).damage == ()
            bench.means = dataclasses.replace(bench.means, now=lambda: NOW + timedelta(minutes=2))
            work_on(bench, work)
            assert state(bench) == expected
        if ended:
            break
    assert at > 10


def work_on(bench: Workbench, work: str) -> Any:
    bench.source.version = 3
    return bench.reparse() if work == "reparse" else bench.resplit(mission="proxima")


def state(bench: Workbench) -> list[Any]:
    """All that is held but for the numbers of runs and the times of this one."""
    return [
        bench.ask("SELECT native_id, body, mission, caption_fr, capture_id FROM posts ORDER BY native_id"),
        bench.ask("SELECT post_id, part, position, lang, start, stop FROM segments ORDER BY 1, 2, 3"),
        bench.ask("SELECT post_id, why, body, mission FROM revisions ORDER BY 1"),
    ]


def killed_at(folder: Path, work: str, at: int) -> bool:
    """Do the work in a process that is killed at the n-th step of its transactions; whether it ended before."""
    child = os.fork()
    if child == 0:
        count = 0
        real = Database.write

        def step() -> None:
            nonlocal count
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)

        @contextmanager
        def write(self: Database) -> Iterator[Any]:
            step()
            with real(self) as connection:
                yield connection
                step()
            step()

        Database.write = write  # type: ignore[method-assign]
        with suppress(BaseException):
            work_on(Workbench(folder), work)
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFEXITED(status)
