"""Posts are recorded a page at a time: once, whole, and never at each other's cost."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from scraper.model import Asset, Attachment, MediaKind, MediaResult, MediaState
from storage.archive import Archive
from storage.changes import Change, Entry
from storage.declarative import Base
from storage.errors import ArchiveLocked, ArchiveReadOnly, DiskFull, SourceBusy, UnknownKey
from storage.runs import Run
from storage.settings import ArchiveSettings

Make = Callable[..., Entry]
Plan = Any
LATER = timedelta(hours=1)


def query(archive: Archive, sql: str) -> list[tuple[Any, ...]]:
    with archive.database.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def dump(archive: Archive) -> list[str]:
    """Everything in the database, as text."""
    with archive.database.read() as connection:
        return [
            f"{table}: {tuple(row)}"
            for table in Base.metadata.sorted_tables
            for row in connection.execute(select(table).order_by(*table.primary_key))
        ]


@contextmanager
def statements(archive: Archive) -> Iterator[list[str]]:
    """Every statement that is sent to the database meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    event.listen(archive.database._engine, "before_cursor_execute", note)
    yield sent
    event.remove(archive.database._engine, "before_cursor_execute", note)


def test_recording_twice_is_recording_once(
    archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Make, full_entry: Entry
) -> None:
    """The same page again changes not one byte of what is held."""
    page = [entry_of(str(number), pictures=2) for number in range(5)] + [full_entry]
    first = archive.record(run.id, None, page, plan=plan, now=now)
    before = dump(archive)
    second = archive.record(run.id, None, page, plan=plan, now=now + LATER)
    assert set(first.changes.values()) == {Change.ADDED}
    assert set(second.changes.values()) == {Change.UNCHANGED}
    assert dump(archive) == before


@pytest.mark.parametrize("size", [1, 40, 400])
def test_a_page_takes_a_handful_of_statements(
    archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Make, size: int
) -> None:
    """However many posts a page has: eleven statements to add it, fifteen to index it; six when nothing is new."""
    page = [entry_of(str(number), hashtags=("A",), pictures=2) for number in range(size)]
    with statements(archive) as sent:
        archive.record(run.id, None, page, plan=plan, now=now)
    assert len(sent) <= 26, sent
    with statements(archive) as sent:
        archive.record(run.id, None, page, plan=plan, now=now)
    assert len(sent) <= 6, sent
    edited = [(replace(post, pinned=True), reading) for post, reading in page]
    with statements(archive) as sent:
        archive.record(run.id, None, edited, plan=plan, now=now)
    assert len(sent) <= 30, sent


def test_a_page_larger_than_a_statement_takes(
    archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Make
) -> None:
    """Thousands of posts at once are all recorded."""
    page = [entry_of(str(number), pictures=0) for number in range(2500)]
    archive.record(run.id, None, page, plan=plan, now=now)
    assert archive.counts("iss").posts == 2500
    again = archive.record(run.id, None, page, plan=plan, now=now)
    assert set(again.changes.values()) == {Change.UNCHANGED}


def test_the_same_post_twice_in_a_page(archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Make) -> None:
    """Of a post that is given twice the first one is held, once."""
    recorded = archive.record(run.id, None, [entry_of("1", "A"), entry_of("1", "B")], plan=plan, now=now)
    assert recorded.changes == {"iss:1": Change.ADDED}
    assert archive.entry("iss:1")[0].body == "A"


def test_an_empty_page(archive: Archive, run: Run, plan: Plan, now: datetime) -> None:
    """A page without posts is recorded without a transaction."""
    with statements(archive) as sent:
        assert archive.record(run.id, None, [], plan=plan, now=now).changes == {}
    assert sent == []


def test_provenance(
    archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Make, capture_of: Callable[..., Any]
) -> None:
    """A post names the run and the answer that its present state came with, and when it was first seen."""
    first = archive.captures.keep(run, capture_of("https://social.example/1", b"1"))
    archive.record(run.id, first, [entry_of("1", "A"), entry_of("2", "A")], plan=plan, now=now)
    second = archive.captures.keep(run, capture_of("https://social.example/1", b"2"))
    archive.record(run.id, second, [entry_of("1", "B"), entry_of("2", "A")], plan=plan, now=now + LATER)
    rows = query(archive, "SELECT native_id, capture_id, first_seen_at = changed_at FROM posts ORDER BY native_id")
    assert rows == [("1", second, 0), ("2", first, 1)]


def test_one_bad_post_is_one_failure(archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Make) -> None:
    """A post that the database cannot hold costs nobody else's place, and is told by its key."""
    post, reading = entry_of("2")
    huge = Attachment(url="https://media.example/huge.jpg", width=10**30)
    bad = (replace(post, attachments=(huge,)), reading)
    recorded = archive.record(run.id, None, [entry_of("1"), bad, entry_of("3")], plan=plan, now=now)
    assert recorded.changes == {"iss:1": Change.ADDED, "iss:3": Change.ADDED}
    assert list(recorded.failures) == ["iss:2"]
    assert re.search("too large|out of range", str(recorded.failures["iss:2"]))
    assert query(archive, "SELECT native_id FROM posts ORDER BY 1") == [("1",), ("3",)]
    assert query(archive, "SELECT count(*) FROM segments") == [(2,)]


def test_a_plan_that_fails_for_one_post(archive: Archive, run: Run, now: datetime, entry_of: Make) -> None:
    """Whatever goes wrong with one post, an error of our own code too, is that post's failure."""

    def broken(attachment: Attachment) -> tuple[MediaState, str | None]:
        if "/2/" in str(attachment.url):
            raise LookupError("a bug")
        return MediaState.PENDING, None

    recorded = archive.record(run.id, None, [entry_of("1"), entry_of("2")], plan=broken, now=now)
    assert recorded.changes == {"iss:1": Change.ADDED}
    assert "LookupError: a bug" in str(recorded.failures["iss:2"])


def test_a_locked_archive_stops_the_page(
    archive: Archive, settings: ArchiveSettings, run: Run, plan: Plan, now: datetime, entry_of: Make
) -> None:
    """A lock that lasts is no post's failure: it is raised, and nothing is recorded."""
    impatient = Archive.open(settings, busy_timeout=0.02)
    with archive.database.write(), pytest.raises(ArchiveLocked):
        impatient.record(run.id, None, [entry_of("1")], plan=plan, now=now)
    assert archive.counts("iss").posts == 0
    impatient.close()


def test_every_writer_says_locked(
    archive: Archive, settings: ArchiveSettings, run: Run, now: datetime, capture_of: Callable[..., Any]
) -> None:
    """Each method that writes says the same of a lock that lasts."""
    impatient = Archive.open(settings, busy_timeout=0.0)
    journal, captures = impatient.journal, impatient.captures
    from storage.runs import RunStatus, Stage

    with archive.database.write():
        for call in (
            lambda: journal.begin("esa", "esa_gallery", None, now=now),
            lambda: journal.renew(run, now + LATER),
            lambda: journal.fail(run, Stage.PAGE, ValueError("x"), now=now),
            lambda: journal.close(run, RunStatus.COMPLETED, now=now),
            lambda: captures.keep(run, capture_of("https://social.example/1")),
            lambda: captures.save_validators("iss", "u", 1),
            lambda: impatient.record_media(run.id, [], now),
        ):
            with pytest.raises(ArchiveLocked):
                call()
    impatient.close()


def test_an_archive_that_may_only_be_read(
    archive: Archive, settings: ArchiveSettings, run: Run, plan: Plan, now: datetime, entry_of: Make
) -> None:
    """A reader's archive refuses to record, as itself and not as a failure of its posts."""
    reader = Archive.open(settings, read_only=True)
    with pytest.raises(ArchiveReadOnly):
        reader.record(run.id, None, [entry_of("1")], plan=plan, now=now)
    reader.close()


@pytest.mark.parametrize("address", [None])  # SQLite's own
def test_a_full_disk_stops_the_page_whole(
    archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Make
) -> None:
    """A full disk is raised; the page before it is held, the one that hit it is not held by half."""
    archive.record(run.id, None, [entry_of("0")], plan=plan, now=now)

    def limit(connection: Any) -> None:
        if connection.get_execution_options().get("begin"):
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")

    event.listen(archive.database._engine, "begin", limit)
    page = [entry_of(str(number), "x" * 3000) for number in range(1, 40)]
    with pytest.raises(DiskFull):
        archive.record(run.id, None, page, plan=plan, now=now)
    event.remove(archive.database._engine, "begin", limit)
    archive.close()
    with Archive.open(ArchiveSettings(folder=archive.folder)) as again:
        assert again.counts("iss").posts == 1
        recorded = again.record(run.id, None, page, plan=plan, now=now)
        assert (len(recorded.changes), recorded.failures) == (39, {})


def test_a_run_without_its_lease_records_nothing(
    archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Make
) -> None:
    """A run whose lease was taken over is refused, for posts and for pictures."""
    archive.journal.begin("iss", "mastodon", None, now=now + LATER)
    with pytest.raises(SourceBusy):
        archive.record(run.id, None, [entry_of("1")], plan=plan, now=now)
    with pytest.raises(SourceBusy):
        archive.record_media(run.id, [], now)
    assert archive.counts("iss").posts == 0


def test_several_threads(archive: Archive, plan: Plan, now: datetime, entry_of: Make) -> None:
    """Threads that record for different sources, and renew their leases, do not disturb each other."""
    wrong: list[BaseException] = []

    def work(source_id: str) -> None:
        try:
            run = archive.journal.begin(source_id, "mastodon", None, now=now)
            for number in range(15):
                page = [entry_of(f"{number}-{at}", source_id=source_id) for at in range(5)]
                assert archive.record(run.id, None, page, plan=plan, now=now).failures == {}
                archive.journal.renew(run, now + number * timedelta(seconds=15))
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(f"source-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert [archive.counts(f"source-{number}").posts for number in range(4)] == [75] * 4


def test_an_unknown_key(archive: Archive) -> None:
    """A key that nothing has is an error that names it."""
    with pytest.raises(UnknownKey) as caught:
        archive.entry("iss:404")
    assert caught.value.key == "iss:404"


# attachments over the years


def media(archive: Archive) -> list[tuple[Any, ...]]:
    return query(archive, "SELECT url, state, position, removed_at IS NOT NULL FROM attachments ORDER BY id")


def with_media(entry: Entry, *attachments: Attachment) -> Entry:
    return replace(entry[0], attachments=attachments), entry[1]


@pytest.fixture
def store(archive: Archive, run: Run, now: datetime) -> Callable[[], None]:
    """Stores every attachment that is wanted."""

    def stored() -> None:
        results = []
        for item in archive.wanted("iss", now, limit=100):
            asset = Asset(
                sha256=f"{item.attachment_id:064x}", media_type="image/jpeg", extension="jpg", size=9, width=3, height=2
            )
            results.append((item.attachment_id, MediaResult(state=MediaState.STORED, asset=asset)))
        archive.record_media(run.id, results, now)

    return stored


A = Attachment(url="https://media.example/a.jpg")
B = Attachment(url="https://media.example/b.jpg")
VIDEO = Attachment(url="https://media.example/v.mp4", kind=MediaKind.VIDEO)


def test_the_plan_says_how_an_attachment_begins(
    archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Make
) -> None:
    """What will not be taken is recorded as skipped with the reason."""
    archive.record(run.id, None, [with_media(entry_of("1"), A, VIDEO)], plan=plan, now=now)
    rows = query(archive, "SELECT state, reason FROM attachments ORDER BY id")
    assert rows == [("pending", None), ("skipped", "videos are not taken")]


def test_an_attachment_edited_away_stays_and_comes_back(
    archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Make, store: Callable[[], None]
) -> None:
    """It is marked, keeps its file, and is not taken again when the post shows it again."""
    archive.record(run.id, None, [with_media(entry_of("1"), A, B)], plan=plan, now=now)
    store()
    archive.record(run.id, None, [with_media(entry_of("1"), B)], plan=plan, now=now)
    assert media(archive) == [(A.url, "stored", 0, 1), (B.url, "stored", 0, 0)]
    assert archive.entry("iss:1")[0].attachments == (B,)
    archive.record(run.id, None, [with_media(entry_of("1"), B, A)], plan=plan, now=now)
    assert media(archive) == [(A.url, "stored", 1, 0), (B.url, "stored", 0, 0)]
    assert archive.entry("iss:1")[0].attachments == (B, A)


def test_a_new_address_under_the_same_id_keeps_its_file(
    archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Make, store: Callable[[], None]
) -> None:
    """A platform that moves its files does not make us take them again."""
    before, after = replace(A, native_id="m"), replace(B, native_id="m")
    archive.record(run.id, None, [with_media(entry_of("1"), before)], plan=plan, now=now)
    store()
    archive.record(run.id, None, [with_media(entry_of("1"), after)], plan=plan, now=now)
    assert media(archive) == [(B.url, "stored", 0, 0)]


def test_a_new_address_of_what_failed_is_tried_at_once(
    archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Make
) -> None:
    """A picture that was gone or failing is wanted again when its address changes."""
    archive.record(run.id, None, [with_media(entry_of("1"), replace(A, native_id="m"))], plan=plan, now=now)
    (item,) = archive.wanted("iss", now, limit=9)
    archive.record_media(run.id, [(item.attachment_id, MediaResult(state=MediaState.GONE, reason="404"))], now)
    archive.record(run.id, None, [with_media(entry_of("1"), replace(B, native_id="m"))], plan=plan, now=now)
    assert media(archive) == [(B.url, "pending", 0, 0)]
    assert archive.wanted("iss", now, limit=9)[0].attempts == 0


def test_other_bytes_under_the_same_id_are_another_attachment(
    archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Make, store: Callable[[], None]
) -> None:
    """A picture that was replaced upstream keeps its old file, marked, beside the new one."""
    before, after = replace(A, native_id="m", width=100), replace(B, native_id="m", width=200)
    archive.record(run.id, None, [with_media(entry_of("1"), before)], plan=plan, now=now)
    store()
    archive.record(run.id, None, [with_media(entry_of("1"), after)], plan=plan, now=now)
    assert media(archive) == [(A.url, "stored", 0, 1), (B.url, "pending", 0, 0)]


def test_a_file_that_is_made_later(archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Make) -> None:
    """An attachment without an address waits for it, and is wanted as soon as it has one."""
    archive.record(run.id, None, [with_media(entry_of("1"), Attachment(url=None))], plan=plan, now=now)
    assert archive.wanted("iss", now, limit=9) == []
    archive.record(run.id, None, [with_media(entry_of("1"), A)], plan=plan, now=now)
    assert media(archive) == [(A.url, "pending", 0, 0)]
    assert len(archive.wanted("iss", now, limit=9)) == 1


def test_the_same_address_twice_in_a_post(
    archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Make
) -> None:
    """Two attachments with one address are two rows, now and after every edit."""
    archive.record(run.id, None, [with_media(entry_of("1"), A, A)], plan=plan, now=now)
    for attachments in ((A,), (A, A, A), (B, A, A)):
        recorded = archive.record(run.id, None, [with_media(entry_of("1"), *attachments)], plan=plan, now=now)
        assert recorded.failures == {}
        assert archive.entry("iss:1")[0].attachments == attachments
