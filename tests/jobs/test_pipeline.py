"""The harvest: a post meets the archive once, one bad thing stops only itself, and a run that was cut short goes on."""

from __future__ import annotations

import dataclasses
import io
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, ClassVar

import pytest
from PIL import Image

from jobs.pipeline import CHANGED, LOST, NO_ROOM, harvest
from jobs.report import Outcome, Report
from jobs.visit import Means, Progress, Visit, rehearse
from scraper.capture import Access, Capture, Request
from scraper.client import Sink, Streamed
from scraper.errors import FetchError, Gone, Refused, TooLarge
from scraper.media import UNWANTED
from scraper.model import (
    Attachment,
    DateOrigin,
    MediaKind,
    MediaState,
    Mission,
    Post,
    Precision,
    Published,
    Reading,
)
from scraper.settings import HttpSettings, SourceOptions
from scraper.source import Source, page_is_older
from storage.archive import Archive
from storage.backup import back_up
from storage.errors import SourceBusy
from storage.export.exporting import export
from storage.export.formats import format_of
from storage.export.publishable import Clearance
from storage.filters import Filters
from storage.lookup import show
from storage.settings import ArchiveSettings
from storage.standing import standings
from storage.verify import verify

BASE = "https://diary.example"
NOW = datetime(2017, 6, 10, 12, 0, tzinfo=UTC)


class Diary(Source[SourceOptions]):
    """A source of this test: JSON pages of posts, newest first, each naming the next."""

    kind: ClassVar[str] = "diary"
    summary = "for tests"
    example = f"{BASE}/1"
    options_type = SourceOptions
    media_access = Access.API

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        yield Request(url=self.options.url, access=Access.API)

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request]:
        data = capture.json()
        if not isinstance(data, dict):
            raise capture.parse_error("expected a page of the diary")
        posts = [self._post(item) for item in data["posts"]]
        yield from posts
        if data.get("next") and not page_is_older(posts, since):
            yield Request(url=data["next"], access=Access.API)

    def _post(self, item: dict[str, Any]) -> Post:
        at = item.get("at")
        return Post(
            source_id=self.id,
            native_id=item["id"],
            url=f"{BASE}/post/{item['id']}",
            body=item["text"],
            published=Published(at=datetime.fromisoformat(at), precision=Precision.SECOND, origin=DateOrigin.API)
            if at
            else None,
            attachments=tuple(
                Attachment(
                    url=url,
                    kind=MediaKind(item.get("kind", "image")),
                    alternatives=tuple(item.get("alternatives", ())),
                )
                for url in item.get("pictures", [])
            ),
            opt_outs=tuple(item.get("opt_outs", ())),
        )


class World:
    """The web as this test wants it: pages with an ETag, pictures, and what goes wrong."""

    def __init__(self) -> None:
        self.pages: dict[str, Any] = {}
        self.pictures: dict[str, bytes] = {}
        self.wrong: dict[str, Exception] = {}
        self.asked: list[str] = []
        self.on_ask: Callable[[str], None] = lambda _: None

    def fetch(self, request: Request) -> Capture:
        self._ask(request.url)
        if request.url not in self.pages:
            raise Gone(f"{request.url}: answered 404", url=request.url, status=404)
        body = json.dumps(self.pages[request.url]).encode()
        etag = f'"{hash(body)}"'
        same = request.etag == etag
        return Capture(
            request=request,
            url=request.url,
            status=304 if same else 200,
            headers={"etag": etag, "content-type": "application/json"},
            body=b"" if same else body,
            fetched_at=NOW,
        )

    def stream(self, request: Request, sink: Sink, *, max_bytes: int | None = None) -> Streamed:
        self._ask(request.url)
        if request.url not in self.pictures:
            raise Gone(f"{request.url}: answered 404", url=request.url, status=404)
        data = self.pictures[request.url]
        headers: Mapping[str, str] = {"content-length": str(len(data))}
        sink.begin(request.url, headers)
        sink.write(data)
        return Streamed(url=request.url, status=200, headers=headers, size=len(data), fetched_at=NOW)

    def _ask(self, url: str) -> None:
        self.asked.append(url)
        self.on_ask(url)
        if url in self.wrong:
            raise self.wrong[url]

    def pictures_asked(self) -> list[str]:
        return [url for url in self.asked if url.endswith(".jpg")]


def jpeg(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), (shade, 90, 160)).save(buffer, "JPEG")
    return buffer.getvalue()


def item(number: int) -> dict[str, Any]:
    text = f"Bonjour la Terre, jour {number}."
    return {"id": f"p{number}", "at": day(number), "text": text, "pictures": [f"{BASE}/{number}.jpg"]}


def day(number: int) -> str:
    return f"2017-06-{number:02d}T08:00:00+00:00"


@pytest.fixture
def world() -> World:
    """Two pages: three posts and two, each with a picture; all synthetic."""
    made = World()
    for number in range(1, 6):
        made.pictures[f"{BASE}/{number}.jpg"] = jpeg(number * 40)
    made.pages[f"{BASE}/1"] = {"posts": [item(5), item(4), item(3)], "next": f"{BASE}/2"}
    made.pages[f"{BASE}/2"] = {"posts": [item(2), item(1)]}
    return made


@pytest.fixture
def archive(tmp_path: Path, address: str | None) -> Iterator[Archive]:
    """A real archive in a temporary folder, then one with its database on a server."""
    with Archive.open(ArchiveSettings(folder=tmp_path / "archive", database=address)) as opened:
        yield opened


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    """Starts in June 2017."""
    return Clock()


@pytest.fixture
def run(world: World, archive: Archive, clock: Clock) -> Callable[..., Report]:
    """Harvests the diary with some of a visit's fields set."""
    proxima = (Mission(id="proxima", name="Proxima"),)

    def go(
        *,
        stop: Event | None = None,
        options: dict[str, Any] | None = None,
        missions: tuple[Mission, ...] = proxima,
        progress: Progress | None = None,
        room: Callable[[], bool] = lambda: True,
        connections: int = 4,
        **fields: Any,
    ) -> Report:
        source = Diary("diary", SourceOptions(**({"url": f"{BASE}/1"} | (options or {}))))
        means = Means(
            web=world, http=HttpSettings(attempts=1, connections=connections), missions=missions, now=clock,
            stop=stop or Event(), progress=progress or Progress(), room=room,
        )  # fmt: skip
        return harvest(Visit(source=source, mission="proxima", **fields), archive, means)

    return go


def ask(archive: Archive, sql: str) -> list[tuple[Any, ...]]:
    with archive.database.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def keys(archive: Archive) -> list[str]:
    return [row[0] for row in ask(archive, "SELECT key FROM archive_posts ORDER BY key")]


def test_the_first_run_takes_everything(run, archive):
    """Every post of every page, its picture in the archive's folder, no failure."""
    report = run()
    assert (report.posts_added, report.media_stored, report.failures) == (5, 5, [])
    assert report.outcome is Outcome.COMPLETED
    assert keys(archive) == [f"diary:p{n}" for n in range(1, 6)]
    for path, state in ask(archive, "SELECT path, state FROM archive_media"):
        assert state == "stored"
        assert (archive.folder / path).is_file()
    assert ask(archive, "SELECT DISTINCT mission FROM archive_posts") == [("proxima",)]


def test_the_second_run_changes_nothing_and_asks_for_no_picture(run, archive, world, clock):
    """Nothing twice: pages are asked for conditionally, pictures not at all."""
    run()
    before = ask(archive, "SELECT * FROM archive_posts")
    world.asked.clear()
    clock.at += timedelta(hours=1)
    report = run()
    assert (report.posts_added, report.posts_updated, report.posts_unchanged) == (0, 0, 3)
    assert report.pages_unchanged == report.pages == 1
    assert world.pictures_asked() == []
    assert ask(archive, "SELECT * FROM archive_posts") == before


def test_a_page_that_answers_304_still_leads_to_the_next(run, archive, world, clock):
    """The held capture is parsed in the place of a 304, so a new post on the second page is found."""
    run()
    world.pages[f"{BASE}/2"]["posts"].append({"id": "late", "at": day(1), "text": "En retard."})
    report = run(since=datetime(2017, 6, 1, tzinfo=UTC))
    assert report.pages_unchanged == 1
    assert "diary:late" in keys(archive)


def test_a_page_that_fails_stops_only_itself_and_holds_the_cursor(run, archive, world, clock):
    """What could be read is archived, the failure is recorded, and the next run comes back for the rest."""
    world.wrong[f"{BASE}/2"] = FetchError("the server is down", url=f"{BASE}/2", retriable=True)
    report = run()
    assert (report.posts_added, report.outcome) == (3, Outcome.PARTIAL)
    assert [(failure.stage, failure.url) for failure in report.failures] == [("page", f"{BASE}/2")]
    assert ask(archive, "SELECT stage, error, message FROM failures") == [("page", "FetchError", "the server is down")]
    assert archive.journal.cursor("diary") is None
    world.wrong.clear()
    clock.at += timedelta(days=30)
    assert run().posts_added == 2
    assert archive.journal.cursor("diary") == clock.at


def test_a_page_that_fails_for_ever_is_left_behind_when_a_person_says_so(run, archive, world, clock):
    """The run is told as done in part, and the next one goes on from it; nothing is called gone by such a look."""
    world.wrong[f"{BASE}/2"] = FetchError("the server is down", url=f"{BASE}/2", retriable=True)
    assert run(despite_failures=True).outcome is Outcome.PARTIAL
    assert archive.journal.cursor("diary") == clock.at
    assert ask(archive, "SELECT count(*) FROM looks") == [(0,)]
    clock.at += timedelta(days=30)
    world.asked.clear()
    assert run().outcome is Outcome.COMPLETED
    assert world.asked == [f"{BASE}/1"]
    world.wrong.clear()
    assert run(since=datetime(2017, 6, 1, tzinfo=UTC)).posts_added == 2


def test_a_source_of_which_nothing_was_read_is_not_left_behind(run, archive, world):
    """Where no page at all could be read there is nothing to go on from, whatever a person says."""
    world.wrong[f"{BASE}/1"] = FetchError("the server is down", url=f"{BASE}/1", retriable=True)
    run(despite_failures=True)
    assert archive.journal.cursor("diary") is None


def test_a_page_that_is_not_understood_is_kept_as_evidence(run, archive, world):
    """The bytes that the parser did not understand are in the archive, and the failure points to them."""
    world.pages[f"{BASE}/2"] = ["surprise"]
    report = run()
    assert report.failures[0].kind == "ParseError"
    assert ask(archive, "SELECT c.url FROM failures f JOIN captures c ON c.id = f.capture_id") == [(f"{BASE}/2",)]
    held = archive.captures.held("diary", f"{BASE}/2")
    assert held is not None
    assert held.body == b'["surprise"]'


def test_a_page_that_failed_is_asked_for_whole_again(run, world):
    """A page whose posts were not all recorded has no validators: it cannot answer 304 and hide them."""
    world.pages[f"{BASE}/2"] = ["surprise"]
    run()
    assert run().pages_unchanged == 1


def test_a_picture_that_fails_does_not_cost_its_post(run, archive, world, clock):
    """The text is held, the picture is to be tried again, and is, when its rest is over."""
    world.wrong[f"{BASE}/3.jpg"] = FetchError("the line broke", url=f"{BASE}/3.jpg", retriable=True)
    report = run()
    assert (report.posts_added, report.media_stored, report.media_failed) == (5, 4, 1)
    assert report.failures[0].key == "diary:p3"
    world.wrong.clear()
    world.asked.clear()
    assert run().media_stored == 0
    assert world.pictures_asked() == []
    clock.at += timedelta(minutes=16)
    assert run().media_stored == 1
    assert ask(archive, "SELECT count(*) FROM archive_media WHERE state = 'stored'") == [(5,)]


def test_retry_takes_failed_pictures_before_their_rest_is_over(run, world):
    """A visit without the listing asks for no page, and for every picture still wanted."""
    world.wrong[f"{BASE}/3.jpg"] = FetchError("the line broke", url=f"{BASE}/3.jpg", retriable=True)
    run()
    world.wrong.clear()
    world.asked.clear()
    report = run(listing=False)
    assert (report.media_stored, report.outcome) == (1, Outcome.COMPLETED)
    assert world.asked == [f"{BASE}/3.jpg"]


def test_a_picture_that_is_gone_is_not_asked_for_again(run, world, clock):
    """404 is final, and said once."""
    del world.pictures[f"{BASE}/2.jpg"]
    assert run().media_gone == 1
    world.asked.clear()
    clock.at += timedelta(days=30)
    assert run(since=datetime(2017, 1, 1, tzinfo=UTC)).failures == []
    assert world.pictures_asked() == []


def test_without_media_pictures_stay_wanted_until_the_next_run(run, archive, world, clock):
    """--no-media takes the text now and the pictures later."""
    report = run(media=False)
    assert (report.media_stored, report.media_pending) == (0, 5)
    assert world.pictures_asked() == []
    clock.at += timedelta(hours=1)
    assert run().media_stored == 5


def test_the_same_bytes_are_held_once(run, archive, world):
    """Two posts with one picture: two attachments, one file."""
    world.pictures[f"{BASE}/1.jpg"] = world.pictures[f"{BASE}/2.jpg"]
    run()
    assert ask(archive, "SELECT count(*), count(DISTINCT path) FROM archive_media") == [(5, 4)]
    assert sum(1 for path in (archive.folder / "media").rglob("*.jpg")) == 4


def test_since_and_until_filter_and_leave_the_cursor(run, archive):
    """Only posts within the bounds are archived; a bounded look is no whole one."""
    report = run(since=datetime(2017, 6, 2, tzinfo=UTC), until=datetime(2017, 6, 4, tzinfo=UTC))
    assert keys(archive) == ["diary:p2", "diary:p3"]
    assert report.outcome is Outcome.COMPLETED
    assert archive.journal.cursor("diary") is None


def test_a_backdated_post_on_a_page_that_is_read_is_archived(run, archive, world, clock):
    """The cursor bounds the paging, not the posts: an old post that appears on the first page does not slip through."""
    run()
    clock.at += timedelta(days=60)
    world.pages[f"{BASE}/1"]["posts"].insert(0, {"id": "old", "at": "2016-12-24T00:00:00+00:00", "text": "Noël."})
    assert run().posts_added == 1
    assert "diary:old" in keys(archive)


def test_a_limit_is_a_limit_and_leaves_the_cursor(run, archive):
    """--limit 2 takes two posts; the next whole run takes the rest."""
    assert run(limit=2).posts_added == 2
    assert archive.journal.cursor("diary") is None
    assert run().posts_added == 3


def test_an_undated_post_is_kept_and_flagged(run, archive, world):
    """A post without a date passes every bound and waits for a person."""
    world.pages[f"{BASE}/2"]["posts"].append({"id": "undated", "text": "Sans date."})
    run(since=datetime(2017, 6, 1, tzinfo=UTC))
    assert ask(archive, "SELECT published_at, needs_review FROM archive_posts WHERE native_id = 'undated'") == [
        (None, 1)
    ]


def test_a_post_whose_author_opts_out_is_left_out(run, archive, world):
    """It is counted and said; a written reason in the configuration overrides it."""
    world.pages[f"{BASE}/2"]["posts"][0]["opt_outs"] = ["noindex"]
    report = run()
    assert (report.posts_added, report.posts_left_out) == (4, 1)
    assert "noindex" in report.notes[0]
    last = standings(archive.database, NOW)["diary"].last
    assert last is not None
    assert last.left_out == 1
    again = run(options={"ignore_opt_outs": "the author agreed by letter"}, since=datetime(2017, 1, 1, tzinfo=UTC))
    assert (again.posts_added, again.posts_left_out) == (1, 0)
    assert "posts are archived in spite of what their author asks (noindex): the author agreed by letter" in again.notes
    assert show(archive.database, "diary:p2")[1].opt_outs == ("noindex",)


def test_a_picture_over_the_cap_is_taken_when_the_cap_is_raised(run, archive, world):
    """It stays skipped while its size is over the cap; a normal run and a retry take it up as soon as it is not."""
    url, words = f"{BASE}/2.jpg", "bytes (http.max_page_bytes, for pictures http.max_media_bytes)"
    over = 256 * 2**20 + 1
    world.wrong[url] = TooLarge(f"{url}: announces {over} bytes, the cap is {over - 1} {words}", url=url, limit=9)
    assert run().media_skipped == 1
    world.asked.clear()
    assert run().media_skipped == 0
    assert url not in world.asked
    with archive.database.write() as connection:  # as if it had been met when the cap was lower
        connection.exec_driver_sql(
            f"UPDATE attachments SET reason = replace(reason, '{over}', '999') WHERE url = '{url}'"
        )
    world.wrong.clear()
    assert run(listing=False).media_stored == 1


def test_what_another_source_wants_is_gone_through_once_and_not_with_each_page(run, archive, world, monkeypatch):
    """After the first page a run looks on from behind all that was there; at its end it looks at all once more."""
    other = archive.journal.begin("other", "diary", None, now=NOW)
    wanting = [
        (Post(source_id="other", native_id=str(n), attachments=(Attachment(url=f"{BASE}/other/{n}.jpg"),)), Reading())
        for n in range(30)
    ]
    archive.record(other.id, None, wanting, plan=lambda _: (MediaState.PENDING, None), now=NOW)
    looked: list[int] = []
    wanted = archive.wanted

    def noted(source_id: str, now: datetime, *, after_id: int = 0, **how: Any) -> Any:
        looked.append(after_id)
        return wanted(source_id, now, after_id=after_id, **how)

    monkeypatch.setattr(archive, "wanted", noted)
    assert run().media_stored == 5
    assert looked[0] == looked[-1] == 0
    assert looked[1] >= 30


def test_a_video_is_recorded_as_skipped_with_its_reason(run, archive, world):
    """What is not taken is told, and is no failure."""
    world.pages[f"{BASE}/2"]["posts"][0] |= {"kind": "video"}
    report = run()
    assert report.failures == []
    assert ask(archive, "SELECT a.state, a.reason FROM attachments a WHERE a.state = 'skipped'") == [
        ("skipped", UNWANTED[MediaKind.VIDEO])
    ]


def film() -> bytes:
    """An MP4 of 640 x 360 with no frame in it, written by hand."""

    def box(name: bytes, inside: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(inside), name) + inside

    header = box(b"tkhd", bytes(76) + struct.pack(">II", 640 << 16, 360 << 16))
    return box(b"ftyp", b"isom") + box(b"moov", box(b"trak", header)) + box(b"mdat", bytes(600))


def test_a_video_is_taken_once_the_configuration_says_so(run, archive, world, clock, tmp_path):
    """What was skipped before comes then, without a look at old pages; it is no picture, and is verified like one."""
    world.pages[f"{BASE}/2"]["posts"][0] |= {"kind": "video"}
    world.pictures[f"{BASE}/2.jpg"] = film()
    assert run().media_stored == 4
    clock.at += timedelta(hours=1)
    report = run(options={"video": {"max_bytes": 2000}})
    assert (report.media_stored, report.notes) == (1, [])
    rows = ask(
        archive,
        "SELECT m.path, m.media_type, m.width, m.height, m.bytes, p.image_count FROM archive_media m "
        "JOIN archive_posts p ON p.key = m.post_key WHERE p.key = 'diary:p2'",
    )
    ((path, *told),) = rows
    assert told == ["video/mp4", 640, 360, len(film()), 0]
    assert path.endswith(".mp4")
    assert (archive.folder / path).read_bytes() == film()
    clock.at += timedelta(hours=1)
    assert run(options={"video": {"max_bytes": 2000}}).media_stored == 0
    looks = ask(archive, "SELECT reason FROM fingerprints WHERE hash IS NULL")
    assert ("it is a film, and nothing of it is decoded",) in looks
    assert not verify(archive.database, archive.folder).damage
    if archive.database.dialect == "sqlite":
        back_up(archive.database, archive.folder, tmp_path / "backup", now=NOW)
        assert (tmp_path / "backup" / path).read_bytes() == film()
    clearance, form = Clearance(), format_of("bagit")
    export(archive.database, archive.folder, form, tmp_path / "bag", Filters(), clearance=clearance, cupola="cupola")
    assert film() in [found.read_bytes() for found in (tmp_path / "bag").rglob("*.mp4")]


def test_a_video_over_its_cap_is_skipped_until_the_cap_is_raised(run, archive, world, clock):
    """The cap is the source's own, whatever that for pictures is."""
    world.pages[f"{BASE}/2"]["posts"][0] |= {"kind": "video"}
    too_large = TooLarge(f"{BASE}/2.jpg: announces 2000 bytes, the cap is 700 bytes (http.…)", url="", limit=700)
    world.wrong[f"{BASE}/2.jpg"] = too_large
    assert run(options={"video": {"max_bytes": 700}}).media_skipped == 1
    world.wrong.clear()
    world.pictures[f"{BASE}/2.jpg"] = film()
    clock.at += timedelta(hours=1)
    assert run(options={"video": {"max_bytes": 1999}}).media_stored == 0
    assert run(options={"video": {"max_bytes": 2000}}).media_stored == 1


def test_at_a_budget_s_pace_each_picture_is_recorded_and_seen_as_it_comes(run, archive, world):
    """At a picture a second nobody looks at a bar that stands still for forty of them, or loses forty to a kill."""
    told, held_back = Event(), []

    class Watcher(Progress):
        def media(self, report: Report, waiting: int) -> None:
            if report.media_stored == 4:
                assert ask(archive, "SELECT count(*) FROM archive_media WHERE state = 'stored'") == [(4,)]
                told.set()

    world.on_ask = lambda url: held_back.append(told.wait(20)) if url == f"{BASE}/1.jpg" else None
    assert run(progress=Watcher()).media_stored == 5
    assert held_back == [True]


def test_an_edited_post_is_updated(run, archive, world, clock):
    """A caption changed at its source is changed in the archive."""
    run()
    world.pages[f"{BASE}/1"]["posts"][0]["text"] = "Bonjour la Terre, encore une fois."
    report = run()
    assert (report.posts_updated, report.posts_unchanged) == (1, 2)
    assert ask(archive, "SELECT text FROM archive_posts WHERE native_id = 'p5'") == [
        ("Bonjour la Terre, encore une fois.",)
    ]


@pytest.mark.parametrize("where", [f"{BASE}/2", f"{BASE}/4.jpg"])
def test_an_interrupted_run_is_finished_by_the_next(run, archive, world, clock, where):
    """Asked to stop in the middle, a run closes itself; the next one completes it and takes nothing twice."""
    stop = Event()
    world.on_ask = lambda url: stop.set() if url == where else None
    report = run(stop=stop)
    assert report.outcome is Outcome.INTERRUPTED
    assert ask(archive, "SELECT status FROM runs") == [("interrupted",)]
    assert archive.journal.cursor("diary") is None
    world.on_ask = lambda _: None
    run()
    assert len(keys(archive)) == 5
    assert ask(archive, "SELECT count(*) FROM archive_media WHERE state = 'stored'") == [(5,)]
    assert sorted(world.pictures_asked()) == sorted(set(world.pictures_asked()))


def test_a_source_that_another_run_has_is_left_alone(run, archive, world):
    """A lease that is held is respected, and its holder is named."""
    archive.journal.begin("diary", "diary", BASE, now=NOW)
    with pytest.raises(SourceBusy, match="diary"):
        run()
    assert world.asked == []


def test_two_pages_that_contradict_each_other_do_not_take_turns(run, archive, world, clock):
    """What the run saw first stays, however often it runs; that is said each time, and noted once with its evidence."""
    world.pages[f"{BASE}/2"]["posts"].append(item(5) | {"text": "Autre chose.", "pictures": []})
    reports = []
    for _ in range(3):
        reports.append(run(since=datetime(2017, 6, 1, tzinfo=UTC)))
        clock.at += timedelta(days=1)
    assert [(report.posts_added, report.posts_updated, report.failed) for report in reports] == [
        (5, 0, 0), (0, 0, 0), (0, 0, 0)]  # fmt: skip
    assert {report.outcome for report in reports} == {Outcome.COMPLETED}
    assert [[note.partition(" on ")[0] for note in report.notes] for report in reports] == [
        ["diary:p5 is told otherwise"]] * 3  # fmt: skip
    assert ask(archive, "SELECT count(*) FROM revisions") == [(0,)]
    assert ask(archive, "SELECT run_id, stage, error, key FROM failures") == [(1, "post", "Contradiction", "diary:p5")]
    world.pages[f"{BASE}/1"]["posts"][0]["text"] = "Bonjour, corrigé."
    assert run(since=datetime(2017, 6, 1, tzinfo=UTC)).posts_updated == 1


def test_a_run_that_loses_its_lease_tells_what_it_did(run, archive, world):
    """Another run took the source over meanwhile: what was recorded before is counted, and who has it is named."""

    def take_over(url: str) -> None:
        if url == f"{BASE}/2":
            with archive.database.write() as connection:
                connection.exec_driver_sql("UPDATE leases SET expires_at = '2017-06-10 11:59:00+00:00'")
            archive.journal.begin("diary", "diary", BASE, now=NOW)

    world.on_ask = take_over
    report = run()
    assert (report.outcome, report.posts_added, report.failed) == (Outcome.BUSY, 3, 1)
    assert [(failure.stage, failure.kind) for failure in report.failures] == [("lease", "SourceBusy")]
    assert "diary is being worked on by" in report.failures[0].message
    assert report.notes == [LOST]
    assert ask(archive, "SELECT status FROM runs ORDER BY id") == [("abandoned",), ("running",)]
    assert len(keys(archive)) == 3


def test_a_lease_lost_at_the_very_end_is_told_too(run, archive, world):
    """All was recorded, and yet this run may not say so: the other one of this source will."""

    class Late(Progress):
        def page(self, page: Any, report: Report) -> None:
            if page.request.url == f"{BASE}/2":
                with archive.database.write() as connection:
                    connection.exec_driver_sql("UPDATE leases SET expires_at = '2017-06-10 11:59:00+00:00'")
                archive.journal.begin("diary", "diary", BASE, now=NOW)

    report = run(progress=Late(), media=False)
    assert (report.outcome, report.posts_added) == (Outcome.BUSY, 5)


def test_a_source_that_refuses_is_a_failure_of_that_source(run, archive, world):
    """Nothing is archived, nothing is lost, and the reason is told."""
    world.wrong[f"{BASE}/1"] = Refused("needs a read token", url=f"{BASE}/1", status=401)
    report = run()
    assert report.outcome is Outcome.PARTIAL
    assert "read token" in report.failures[0].message


def test_a_rehearsal_counts_and_touches_nothing(world, clock, tmp_path):
    """--dry-run reads every page, asks for no picture and needs no archive."""
    source = Diary("diary", SourceOptions(url=f"{BASE}/1"))
    means = Means(web=world, http=HttpSettings(), missions=(), now=clock)
    report = rehearse(Visit(source=source, since=datetime(2017, 6, 2, tzinfo=UTC)), means)
    assert (report.posts_found, report.media_pending, report.posts_added) == (4, 4, 0)
    assert world.pictures_asked() == []
    assert list(tmp_path.iterdir()) == []


def test_a_saved_page_is_read_in_place_of_the_network(run, archive, world):
    """--from-file parses the file as the source's own answer and follows no links; its pictures are taken."""
    page = world.fetch(Request(url=f"{BASE}/1"))
    world.asked.clear()
    report = run(saved=dataclasses.replace(page, headers={}))
    assert (report.posts_added, report.media_stored, report.outcome) == (3, 3, Outcome.COMPLETED)
    assert [url for url in world.asked if not url.endswith(".jpg")] == []
    assert archive.journal.cursor("diary") is None


def test_a_304_stands_for_the_answer_that_was_recorded_not_for_a_bad_one_after_it(run, archive, world, clock):
    """A login page in between is kept as evidence; when the page is back and says 304, its own bytes are read."""
    run()
    good = world.pages[f"{BASE}/1"]
    world.pages[f"{BASE}/1"] = ["log in first"]
    assert run().failures[0].kind == "ParseError"
    world.pages[f"{BASE}/1"] = good
    report = run()
    assert (report.pages_unchanged, report.failures, report.posts_unchanged) == (1, [], 3)


def test_a_saved_page_does_not_stand_in_for_the_page_itself(run, archive, world, clock):
    """--from-file leaves the answers of the network alone: the next 304 still stands for what the network gave."""
    page = world.fetch(Request(url=f"{BASE}/1"))
    run()
    run(saved=dataclasses.replace(page, headers={}, body=b'{"posts": []}', sha256=""))
    report = run()
    assert (report.pages_unchanged, report.posts_unchanged) == (1, 3)


def test_a_look_back_that_is_shorter_than_the_gap_leaves_the_cursor(run, archive, world, clock):
    """After months away `--since 7d` reads a week: the months before it are still to be read by the next whole run."""
    run()
    read_up_to = archive.journal.cursor("diary")
    clock.at += timedelta(days=120)
    run(since=clock.at - timedelta(days=7))
    assert archive.journal.cursor("diary") == read_up_to
    run(since=read_up_to)
    assert archive.journal.cursor("diary") == clock.at


def test_a_source_that_moved_is_read_whole(run, archive, world, clock):
    """The cursor holds for one address and its options; back at the old ones it goes on from where it was there."""
    run()
    other = {"url": f"{BASE}/other"}
    world.pages[other["url"]] = {"posts": [item(9)], "next": f"{BASE}/other/2"}
    world.pages[f"{BASE}/other/2"] = {"posts": [item(1) | {"id": "q1"}]}
    clock.at += timedelta(days=30)
    report = run(options=other)
    assert (report.posts_added, report.notes) == (2, [CHANGED])
    clock.at += timedelta(days=1)
    assert run(options=other).notes == []
    assert run(options=other | {"ignore_opt_outs": "a written reason"}).notes == [CHANGED]
    world.asked.clear()
    assert run().notes == []
    assert world.asked == [f"{BASE}/1"], "the bound of its last whole visit here"


def test_an_option_that_is_left_as_it_was_is_no_change(run, archive):
    """The token, and options that only say what holds without them, leave the cursor where it is."""
    run()
    assert run(options={"token": "hush", "ignore_opt_outs": None}).notes == []
    assert "hush" not in str(ask(archive, "SELECT * FROM runs"))


def test_the_first_run_without_since_takes_everything(run, archive):
    """A first look with --since is no whole one; without it the posts before are taken too."""
    assert run(since=datetime(2017, 6, 4, tzinfo=UTC)).posts_added == 2
    assert run().posts_added == 3


def test_a_run_in_which_a_picture_failed_is_no_completed_run(run, archive, world, clock):
    """The journal says that it was done in part; the cursor moves all the same, since every post was read."""
    del world.pictures[f"{BASE}/2.jpg"]
    run()
    assert ask(archive, "SELECT status FROM runs") == [("partial",)]
    assert archive.journal.cursor("diary") == NOW


def test_a_post_that_cannot_be_read_is_a_recorded_failure(run, archive, world, clock):
    """It costs itself alone, its page is asked for whole again, and the archive holds the failure with its evidence."""

    class Puzzling(Mission):
        """Fails on one day's posts."""

        def covers(self, day: date) -> bool:
            if day == date(2017, 6, 5):
                raise OverflowError("a day that does not exist")
            return super().covers(day)

    puzzle = Puzzling(id="proxima", name="Proxima", people=("Ann",), start=date(2017, 1, 1))
    report = run(missions=(puzzle,))
    assert (report.posts_added, len(report.failures)) == (4, 1)
    assert ask(archive, "SELECT stage, key, capture_id IS NOT NULL FROM failures") == [("post", "diary:p5", 1)]
    assert archive.journal.cursor("diary") is None
    assert run().posts_added == 1


def test_a_picture_gets_another_chance_when_its_post_names_another_place(run, archive, world):
    """What was gone from its only address is asked for again once the post gives an alternative."""
    post = world.pages[f"{BASE}/1"]["posts"][0]
    data = world.pictures.pop(f"{BASE}/5.jpg")
    assert run().media_gone == 1
    post["alternatives"] = [f"{BASE}/5-large.jpg"]
    world.pictures[f"{BASE}/5-large.jpg"] = data
    assert run().media_stored == 1


def test_a_picture_that_a_later_page_brings_back_is_taken_in_the_same_run(run, archive, world, clock):
    """An old post on the second page gets a new address for its lost picture: the run takes it up."""
    data = world.pictures.pop(f"{BASE}/2.jpg")
    run()
    clock.at += timedelta(days=1)
    world.pages[f"{BASE}/1"]["posts"].insert(0, item(6))
    world.pictures[f"{BASE}/6.jpg"] = jpeg(33)
    world.pages[f"{BASE}/2"]["posts"][0] |= {"pictures": [f"{BASE}/2.jpg"], "alternatives": [f"{BASE}/2-again.jpg"]}
    world.pictures[f"{BASE}/2-again.jpg"] = data
    report = run(since=datetime(2017, 6, 1, tzinfo=UTC))
    assert (report.media_stored, report.media_pending) == (2, 0)


def test_a_secret_in_an_address_is_in_no_failure(run, archive, world):
    """A token that a person wrote into the address of a source is masked where failures are told and recorded."""
    secret = f"{BASE}/feed?token=hush"
    world.wrong[secret] = FetchError("the server is down", url=secret, retriable=True)
    report = run(options={"url": secret})
    assert report.failures[0].url == f"{BASE}/feed?token=***"
    assert ask(archive, "SELECT url FROM failures") == [(f"{BASE}/feed?token=***",)]


def test_without_room_texts_go_on_and_pictures_wait(run, archive, world):
    """Pictures stay pending, which is noted and no failure; with room again the next run takes them."""
    report = run(room=lambda: False)
    assert (report.posts_added, report.media_stored, report.media_pending) == (5, 0, 5)
    assert (report.outcome, report.notes) == (Outcome.COMPLETED, [NO_ROOM])
    assert world.pictures_asked() == []
    assert run().media_stored == 5


def test_pictures_stop_when_room_gets_short_in_the_middle(run, world):
    """What was handed in and not begun stays pending, too."""
    report = run(room=lambda: len(world.pictures_asked()) < 2, connections=1)
    assert (report.posts_added, report.media_stored, report.media_pending) == (5, 2, 3)


def test_only_what_is_due_is_taken_when_asked_for(run, world, clock):
    """A failed picture that still rests is left; no page is asked for."""
    world.wrong[f"{BASE}/3.jpg"] = FetchError("the line broke", url=f"{BASE}/3.jpg", retriable=True)
    run()
    world.wrong.clear()
    world.asked.clear()
    assert run(listing=False, due_only=True).media_stored == 0
    clock.at += timedelta(minutes=16)
    assert run(listing=False, due_only=True).media_stored == 1
    assert world.asked == [f"{BASE}/3.jpg"]


def test_the_whole_history_is_read_whatever_the_cursor(run, archive, world, clock):
    """A post that was dated back to where no visit looks is found, and the cursor moves as by any whole visit."""
    run()
    world.pages[f"{BASE}/2"]["posts"].append({"id": "late", "at": "2017-05-01T08:00:00+00:00", "text": "En retard."})
    clock.at += timedelta(days=30)
    assert run().posts_added == 0
    clock.at += timedelta(days=1)
    assert run(whole=True).posts_added == 1
    assert archive.journal.cursor("diary") == clock.at


def test_a_whole_look_that_was_cut_off_goes_on_where_it_was(run, archive, world, clock):
    """What was queued is told; who resumes it asks for nothing before, moves no cursor and calls nothing gone."""
    run()
    cursor, stop = archive.journal.cursor("diary"), Event()
    world.pages[f"{BASE}/2"]["posts"].append({"id": "late", "at": day(1), "text": "En retard."})
    world.on_ask = lambda url: stop.set()
    clock.at += timedelta(days=1)
    cut = run(whole=True, stop=stop)
    assert (cut.outcome, [request.url for request in cut.left]) == (Outcome.INTERRUPTED, [f"{BASE}/2"])
    world.on_ask = lambda url: None
    world.asked.clear()
    report = run(whole=True, resume=cut.left)
    assert world.asked == [f"{BASE}/2"]
    assert (report.posts_added, report.posts_gone, report.left) == (1, 0, ())
    assert archive.journal.cursor("diary") == cursor


def test_a_page_that_may_answer_another_time_is_told_as_left(run, world):
    """A page that is gone is not."""
    world.wrong[f"{BASE}/2"] = FetchError("the server is down", url=f"{BASE}/2", retriable=True)
    assert [request.url for request in run(whole=True).left] == [f"{BASE}/2"]
    world.wrong[f"{BASE}/2"] = Gone("gone", url=f"{BASE}/2", status=410)
    assert run(whole=True).left == ()
