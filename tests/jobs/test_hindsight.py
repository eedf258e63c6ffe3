"""What posts said before a first visit, or between two, comes from the source's own history: once, in nobody's way."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from jobs.demo.site import Answer, DemoSite
from jobs.maintenance import reparse
from jobs.pipeline import harvest
from jobs.report import Outcome, Report
from jobs.visit import Means, Visit, rehearse
from scraper.client import PoliteClient
from scraper.settings import HttpSettings
from scraper.sources.mastodon import Mastodon, MastodonOptions
from storage.archive import Archive
from storage.forget import Forget
from storage.history import Event, history
from storage.settings import ArchiveSettings
from storage.verify import verify

NOW = datetime(2025, 6, 30, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST, SECOND, THIRD = (
    f"La {nth} phrase de cette histoire, écrite pour un essai" for nth in ("première", "deuxième", "troisième")
)


class Site(DemoSite):
    """The demo's site; ``fault`` is what it answers to whoever asks for a history, if anything."""

    fault: Answer | None = None

    def answer(self, target: str) -> Answer:
        """As the site, but for the fault."""
        if self.fault is not None and target.endswith("/history"):
            return self.fault
        return super().answer(target)

    def asked(self) -> list[str]:
        """The ids of the posts whose histories were asked for."""
        return [seen.path.split("/")[-2] for seen in self.requests if seen.path.endswith("/history")]


def fault(status: int, body: bytes = b'{"error": "no"}') -> Answer:
    return Answer(body=body, media_type="application/json", status=status)


class Place:
    """The site, an archive of its timeline, and a clock that goes on by a day with each visit."""

    def __init__(self, site: Site, archive: Archive) -> None:
        self.site, self.archive = site, archive
        self.source = Mastodon("m", MastodonOptions(url=f"{site.base_url}/@camille"))
        self.http = HttpSettings(rate="none", allow_hosts=(site.base_url.removeprefix("http://"),), attempts=1)
        self.now = NOW

    def means(self, web: Any = None) -> Means:
        return Means(web=web, http=self.http, missions=(), now=lambda: self.now)

    def visit(self, **options: Any) -> Report:
        self.now += DAY
        with PoliteClient(self.http, version="test") as web:
            return harvest(Visit(source=self.source, media=False, **options), self.archive, self.means(web))

    def reparse(self, **options: Any) -> Any:
        return reparse(Visit(source=self.source), self.archive, self.means(), **options)

    def publish(self) -> str:
        """A post of three days ago, so that the next visits look at it."""
        return self.site.publish(FIRST, at=NOW - DAY)

    def edit(self, native_id: str, *texts: str) -> None:
        for hours, words in enumerate(texts, start=1):
            self.site.edit(native_id, words, at=self.now + timedelta(hours=hours))

    def events(self, native_id: str) -> list[Event]:
        return history(self.archive.database, f"m:{native_id}")

    def was(self, native_id: str) -> list[tuple[str, Any]]:
        """What changed, and the text before it."""
        return [(item.kind, item.before["body"]) for item in self.events(native_id) if item.before is not None]

    def ask(self, sql: str) -> list[Any]:
        with self.archive.database.read() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]


@pytest.fixture
def place(tmp_path: Path, address: str | None) -> Iterator[Place]:
    settings = ArchiveSettings(folder=tmp_path / "archive", database=address)
    with Site() as site, Archive.open(settings) as archive:
        yield Place(site, archive)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Place]:
    """The same on SQLite alone."""
    with Site() as site, Archive.open(ArchiveSettings(folder=tmp_path / "archive")) as archive:
        yield Place(site, archive)


def test_what_was_edited_before_the_first_visit_is_known(place: Place) -> None:
    """The earlier text is told with the times at which it stood, and the very answer that tells it."""
    crepes = next(status for status in place.site.demo.timeline if status.name == "crepes")
    report = place.visit()
    assert report.outcome is Outcome.COMPLETED
    assert place.site.asked() == [crepes.id]
    told, seen = place.events(crepes.id)
    assert (told.kind, seen.kind) == ("told", "seen")
    assert told.before is not None
    assert told.before["body"].endswith("(La recette est pour cinq. / The recipe is for five.)")
    assert set(told.fields) == {"body", "edited_at", "split"}
    assert (told.since, told.at) == ("2025-02-02T18:44:51Z", "2025-02-02T19:02:10Z")
    assert told.capture is not None
    assert told.capture["url"].endswith(f"/api/v1/statuses/{crepes.id}/history")
    assert told.capture["file"] is not None


def test_the_same_run_again_asks_for_no_history_and_changes_nothing(place: Place) -> None:
    """Also of a post in the time that each visit looks at again; after another edit it is asked for once more."""
    native_id = place.publish()
    place.edit(native_id, SECOND)
    place.visit()
    before, asked = place.ask("SELECT * FROM revisions"), place.site.asked()
    assert native_id in asked
    report = place.visit()
    assert report.posts_found > 0
    assert place.site.asked() == asked
    assert place.ask("SELECT * FROM revisions") == before
    place.edit(native_id, THIRD)
    place.visit()
    place.visit()
    assert place.site.asked() == [*asked, native_id]


def test_an_answer_that_was_kept_and_not_read_is_asked_for_again(local: Place) -> None:
    """As when a run is killed between the two: the next one tells what this one did not."""
    native_id = local.publish()
    local.edit(native_id, SECOND)
    local.visit()
    with local.archive.database.write() as connection:
        connection.execute(text("DELETE FROM revisions"))
        connection.execute(text("DELETE FROM validators WHERE url LIKE '%/history'"))
    local.visit()
    assert local.was(native_id) == [("told", FIRST)]
    assert local.site.asked().count(native_id) == 2


def test_an_edit_between_two_visits_is_told_and_one_that_was_seen_is_not_told_again(place: Place) -> None:
    """Edited twice since the last visit: what that visit saw is one revision, what nobody saw another."""
    native_id = place.publish()
    place.visit()
    place.edit(native_id, SECOND, THIRD)
    place.visit()
    assert sorted(place.was(native_id)) == [("edited", FIRST), ("told", SECOND)]
    place.edit(native_id, FIRST)
    place.visit()
    assert sorted(place.was(native_id)) == [("edited", FIRST), ("edited", THIRD), ("told", SECOND)]
    assert verify(place.archive.database, place.archive.folder).damage == ()


def test_reparse_reads_held_histories(place: Place) -> None:
    """What an earlier Cupola did not read, or misread, the held answers tell; again, there is nothing to change."""
    native_id = place.publish()
    place.visit()
    place.edit(native_id, SECOND, THIRD)
    place.visit()
    before = place.ask("SELECT post_id, why, body, changed_at, replaced_at FROM revisions ORDER BY replaced_at, id")
    assert place.reparse().told == 0
    with place.archive.database.write() as connection:
        connection.execute(text("DELETE FROM revisions WHERE why = 'told'"))
    assert place.reparse(dry=True).told == 2
    assert place.reparse(keys=frozenset({f"m:{native_id}"})).told == 1
    assert place.reparse().told == 1
    assert place.reparse().told == 0
    with place.archive.database.write() as connection:
        connection.execute(text("UPDATE revisions SET body = replace(body, 'e', 'x') WHERE why = 'told'"))
    assert place.reparse().told == 2
    assert place.reparse().told == 0
    after = place.ask("SELECT post_id, why, body, changed_at, replaced_at FROM revisions ORDER BY replaced_at, id")
    assert after == before


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_server_that_tells_no_history_is_no_failure(local: Place, status: int) -> None:
    """The visit is whole and says it once; after some in vain it asks for no more."""
    local.site.fault = fault(status)
    for number in range(5):
        local.site.edit(local.site.publish(FIRST, at=NOW - timedelta(hours=number)), SECOND)
    report = local.visit()
    assert (report.outcome, report.failures) == (Outcome.COMPLETED, [])
    (note,) = report.notes
    assert "what edited posts said before is not told" in note
    assert len(local.site.asked()) == 3
    assert local.archive.journal.cursor("m") is not None


@pytest.mark.parametrize("wrong", [fault(500), fault(200, b"<html>"), fault(200, b'[{"content": "x"}]')])
def test_a_history_that_fails_is_a_failure_beside_the_listing(local: Place, wrong: Answer) -> None:
    """It is recorded, the cursor moves and who is gone is found out all the same; the next visit tries again."""
    native_id, gone = local.publish(), local.site.publish(THIRD, at=NOW - DAY / 2)
    local.visit()
    local.edit(native_id, SECOND, THIRD)
    local.site.delete(gone)
    local.site.fault = wrong
    cursors = []
    for expected in (0, 1):
        report = local.visit()
        assert [failure.stage for failure in report.failures] == ["page"]
        assert report.failures[0].url is not None
        assert report.failures[0].url.endswith("/history")
        assert report.posts_gone == expected
        cursors.append(local.archive.journal.cursor("m"))
    assert cursors[0] != cursors[1]
    assert local.was(native_id) == [("edited", FIRST)]
    local.site.fault = None
    local.visit()
    assert ("told", SECOND) in local.was(native_id)


def test_no_history_is_asked_for_of_what_is_not_taken(local: Place) -> None:
    """Neither by a dry run, nor of posts beyond the bounds of a visit or its limit."""
    with PoliteClient(local.http, version="test") as web:
        rehearse(Visit(source=local.source), local.means(web))
    local.visit(since=NOW - timedelta(days=60))
    local.visit(limit=2)
    assert local.site.asked() == []


def holds(folder: Path, words: str) -> bool:
    """Whether any byte of the archive's folder says so."""
    data = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    data += [gzip.decompress(item) for item in data if item.startswith(b"\x1f\x8b")]
    return any(words.encode() in item for item in data)


def test_a_forgotten_post_takes_its_history_with_it(local: Place) -> None:
    """No byte of what it ever said is left, and whatever the site shows later, nobody asks for it or reads of it."""
    native_id = local.publish()
    local.edit(native_id, SECOND, THIRD)
    local.visit()
    folder = local.archive.folder
    assert local.was(native_id) == [("told", FIRST), ("told", SECOND)]
    assert holds(folder, FIRST)
    forget = Forget(folder, local.archive.database)
    forget.forget([f"m:{native_id}"], reason="asked by the author", who="Ana", now=local.now)
    asked = local.site.asked()
    local.edit(native_id, "Et encore une autre phrase, écrite plus tard")
    report = local.visit()
    assert report.posts_buried == 1
    assert local.site.asked() == asked
    local.reparse()
    local.archive.close()
    assert not any(holds(folder, words) for words in (FIRST, SECOND, THIRD))


def test_the_history_of_a_post_of_few_words_goes_with_it(local: Place) -> None:
    """Its words are too few to be looked for; the address under which the history was asked for is of it alone."""
    native_id = local.site.publish("Zwqx", at=NOW - DAY)
    local.visit()
    local.edit(native_id, "Zwqy")
    local.visit()
    assert local.was(native_id) == [("edited", "Zwqx")]
    Forget(local.archive.folder, local.archive.database).forget(
        [f"m:{native_id}"], reason="asked by the author", who="Ana", now=local.now
    )
    assert local.ask("SELECT id FROM captures WHERE requested_url LIKE '%/" + native_id + "/history'") == []
    local.archive.close()
    assert not any(holds(local.archive.folder, words) for words in ("Zwqx", "Zwqy"))
