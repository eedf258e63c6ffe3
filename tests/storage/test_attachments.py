"""What is wanted, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.model import Asset, MediaResult, MediaState
from storage.archive import Archive
from storage.attachments import LONGEST_PAUSE, pause_after
from storage.changes import Entry
from storage.runs import Run, RunStatus

Make = Callable[..., Entry]
MINUTE = timedelta(minutes=1)


def asset(number: int) -> Asset:
    return Asset(
        sha256=f"{number:064x}",
        media_type="image/jpeg",
        extension="jpg",
        size=12_345,
        width=640,
        height=480,
        exif=(("Make", "NIKON"), ("Model", "D4")),
    )


def stored(number: int) -> MediaResult:
    return MediaResult(state=MediaState.STORED, asset=asset(number), url=f"https://media.example/{number}")


def failed(**more: Any) -> MediaResult:
    return MediaResult(state=MediaState.FAILED, reason="answered 500", **more)


def query(archive: Archive, sql: str) -> list[tuple[Any, ...]]:
    with archive.database.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


@pytest.fixture
def ids(archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make) -> list[int]:
    """The numbers of five attachments of five posts, wanted all."""
    archive.record(run.id, None, [entry_of(str(number)) for number in range(5)], plan=plan, now=now)
    return [item.attachment_id for item in archive.wanted("iss", now, limit=99)]


def test_what_other_sources_want_is_passed_over(
    archive: Archive, run: Run, ids: list[int], plan: Any, now: datetime, entry_of: Make
) -> None:
    """From the last number on, only what came since is looked at, by the index of what is wanted alone."""
    other = archive.journal.begin("esa", "k", None, now=now)
    archive.record(other.id, None, [entry_of(str(n), source_id="esa") for n in range(50)], plan=plan, now=now)
    last = archive.last_attachment()
    assert last == ids[-1] + 50
    assert archive.wanted("iss", now, limit=9, after_id=last) == []
    archive.record(run.id, None, [entry_of("new")], plan=plan, now=now)
    assert [item.key for item in archive.wanted("iss", now, limit=9, after_id=last)] == ["iss:new"]


def test_what_was_skipped_for_a_reason_that_holds_no_more_is_wanted_again(
    archive: Archive, run: Run, ids: list[int], now: datetime
) -> None:
    """Only what was skipped for that reason, only of that source, and not what the post no longer points to."""
    reasons = ("over the cap", "over the cap", "a film", "over the cap")
    skipped = [MediaResult(state=MediaState.SKIPPED, reason=reason) for reason in reasons]
    archive.record_media(run.id, list(zip(ids, skipped, strict=False)), now)
    with archive.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE attachments SET removed_at = '2016-12-03 21:00:00' WHERE id = {ids[3]}")
    assert archive.reconsider("esa", lambda reason: True) == 0
    assert archive.reconsider("iss", lambda reason: "cap" in reason) == 2
    assert [item.attachment_id for item in archive.wanted("iss", now, limit=9)] == [ids[0], ids[1], ids[4]]
    assert [item.attempts for item in archive.wanted("iss", now, limit=9)] == [0, 0, 0]
    assert archive.reconsider("iss", lambda reason: "cap" in reason) == 0


def test_what_is_wanted_comes_in_pages(archive: Archive, ids: list[int], now: datetime) -> None:
    """Wanted attachments are gone through by number, each with its post's key and what the source stated."""
    first = archive.wanted("iss", now, limit=2)
    second = archive.wanted("iss", now, limit=2, after_id=first[-1].attachment_id)
    assert [item.attachment_id for item in first + second] == ids[:4]
    assert [item.key for item in first] == ["iss:0", "iss:1"]
    assert first[1].attachment.url == "https://media.example/1/0.jpg"
    assert archive.wanted("esa", now, limit=2) == []


@pytest.mark.parametrize("address", [None])  # SQLite's own
def test_the_search_for_what_is_wanted_uses_its_index(archive: Archive, ids: list[int], now: datetime) -> None:
    """The list of what is wanted does not grow slower with what is stored."""
    from sqlalchemy import event

    sent: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        sent.append((statement, parameters))

    event.listen(archive.database._engine, "before_cursor_execute", note)
    archive.wanted("iss", now, limit=2, after_id=3)
    archive.pending_media("iss")
    event.remove(archive.database._engine, "before_cursor_execute", note)
    plans = []
    with archive.database.read() as connection:
        for statement, parameters in sent:
            if statement.startswith("SELECT"):
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
                assert "ix_attachments_wanted" in str(plan)
                plans.append(plan[0][3])
    assert plans[0] == "SEARCH attachments USING INDEX ix_attachments_wanted (id>?)", "entered where one left it"


def test_stored(archive: Archive, run: Run, ids: list[int], now: datetime) -> None:
    """A stored attachment has its asset, the address that gave it, and is wanted no more."""
    archive.record_media(run.id, [(ids[0], stored(1)), (ids[1], stored(2))], now)
    assert [item.attachment_id for item in archive.wanted("iss", now, limit=99)] == ids[2:]
    rows = query(
        archive,
        "SELECT state, sha256, path, bytes, width, height, source_url FROM archive_media ORDER BY 7 LIMIT 1",
    )
    sha256 = asset(1).sha256
    path = f"media/{sha256[:2]}/{sha256[2:4]}/{sha256}.jpg"
    assert rows == [("stored", sha256, path, 12_345, 640, 480, "https://media.example/1")]
    assert query(archive, "SELECT exif FROM assets LIMIT 1") == [('[["Make","NIKON"],["Model","D4"]]',)]


def test_the_same_bytes_are_one_asset(archive: Archive, run: Run, ids: list[int], now: datetime) -> None:
    """Attachments with the same bytes share an asset, in one batch and over batches."""
    archive.record_media(run.id, [(ids[0], stored(1)), (ids[1], stored(1))], now)
    archive.record_media(run.id, [(ids[2], stored(1))], now)
    assert query(archive, "SELECT count(*) FROM assets") == [(1,)]
    assert archive.counts("iss").media == {MediaState.STORED: 3, MediaState.PENDING: 2}


def test_the_answer_goes_into_the_capture_index(archive: Archive, run: Run, ids: list[int], now: datetime) -> None:
    """Address, status and headers of each answer are held; a picture's bytes have no WARC record."""
    answers = [
        (ids[0], replace(stored(1), status=200, headers=(("etag", "x"),), fetched_at=now)),
        (ids[1], failed()),
        (ids[2], failed(url="https://media.example/2/small.jpg", status=500, fetched_at=now)),
    ]
    archive.record_media(run.id, answers, now)
    rows = query(
        archive,
        "SELECT a.id, c.requested_url, c.url, c.status, c.headers, c.sha256, c.file FROM attachments a"
        " JOIN captures c ON c.id = a.capture_id ORDER BY a.id",
    )
    host = "https://media.example"
    assert rows == [
        (ids[0], f"{host}/0/0.jpg", f"{host}/1", 200, '[["etag","x"]]', asset(1).sha256, None),
        (ids[2], f"{host}/2/0.jpg", f"{host}/2/small.jpg", 500, "[]", None, None),
    ]


def test_a_failed_one_rests(archive: Archive, run: Run, ids: list[int], now: datetime) -> None:
    """A failed attachment is wanted again after its rest, or at once when all are asked for."""
    archive.record_media(run.id, [(number, failed()) for number in ids], now)
    assert archive.wanted("iss", now + 14 * MINUTE, limit=99) == []
    assert len(archive.wanted("iss", now, limit=99, due_only=False)) == 5
    again = archive.wanted("iss", now + 15 * MINUTE, limit=99)
    assert [item.attempts for item in again] == [1] * 5
    archive.record_media(run.id, [(ids[0], failed())], now)
    assert len(archive.wanted("iss", now + 29 * MINUTE, limit=99)) == 4


def test_the_hosts_wish_is_obeyed(archive: Archive, run: Run, ids: list[int], now: datetime) -> None:
    """A host that asks for a longer rest gets it, up to a week; one that asks for less does not."""
    wishes = [now + 2 * MINUTE, now + timedelta(days=2), now + timedelta(days=9000)]
    archive.record_media(run.id, [(ids[at], failed(not_before=wish)) for at, wish in enumerate(wishes)], now)
    due = query(archive, "SELECT next_attempt_at FROM attachments ORDER BY id LIMIT 3")
    expected = [now + 15 * MINUTE, now + timedelta(days=2), now + LONGEST_PAUSE]
    assert [str(row[0])[:19] for row in due] == [f"{at:%Y-%m-%d %H:%M:%S}" for at in expected]


@pytest.mark.parametrize("state", [MediaState.GONE, MediaState.SKIPPED])
def test_gone_and_skipped_are_final(
    archive: Archive, run: Run, ids: list[int], now: datetime, state: MediaState
) -> None:
    """They are not wanted again, and the reason is held."""
    archive.record_media(run.id, [(ids[0], MediaResult(state=state, reason="not there"))], now)
    assert ids[0] not in {item.attachment_id for item in archive.wanted("iss", now, limit=99, due_only=False)}
    assert query(archive, f"SELECT state, reason FROM attachments WHERE id = {ids[0]}") == [(state.value, "not there")]


def test_a_pending_result_changes_nothing(archive: Archive, run: Run, ids: list[int], now: datetime) -> None:
    """One that was not tried, because the run was interrupted, stays as it was."""
    archive.record_media(run.id, [(ids[0], MediaResult(state=MediaState.PENDING))], now)
    assert archive.wanted("iss", now, limit=1)[0].attempts == 0
    assert archive.pending_media("iss") == 5


def test_what_failed_is_a_failure_of_the_run(archive: Archive, run: Run, ids: list[int], now: datetime) -> None:
    """Failed and gone pictures are in the journal with their post, address and reason; skipped ones are not."""
    results = [
        (ids[0], failed(url="https://media.example/x", status=500, fetched_at=now)),
        (ids[1], MediaResult(state=MediaState.GONE, reason="answered 404")),
        (ids[2], MediaResult(state=MediaState.SKIPPED, reason="over the cap")),
    ]
    archive.record_media(run.id, results, now)
    first, second = archive.journal.failures(run.id)
    assert (first.key, first.url, first.message) == ("iss:0", "https://media.example/x", "answered 500")
    assert (first.error, first.evidence, second.error) == ("failed", (("status", "500"),), "gone")
    assert second.url == "https://media.example/1/0.jpg"


def test_what_was_edited_away_is_not_wanted(
    archive: Archive, run: Run, ids: list[int], plan: Any, now: datetime, entry_of: Make
) -> None:
    """A picture that its post no longer shows and that was never taken is let go."""
    archive.record(run.id, None, [entry_of("0", pictures=0)], plan=plan, now=now)
    assert [item.attachment_id for item in archive.wanted("iss", now, limit=99)] == ids[1:]
    assert archive.pending_media("iss") == 4
    assert sum(archive.counts("iss").media.values()) == 4


def test_results_for_what_is_not_there(archive: Archive, run: Run, now: datetime) -> None:
    """A number that no attachment has is passed over."""
    archive.record_media(run.id, [(404, failed())], now)
    assert archive.journal.failures(run.id) == []


def test_a_failed_batch_can_be_recorded_again(archive: Archive, run: Run, ids: list[int], now: datetime) -> None:
    """A later run takes up what an earlier one left."""
    archive.journal.close(run, RunStatus.INTERRUPTED, now=now)
    later = archive.journal.begin("iss", "mastodon", None, now=now)
    archive.record_media(later.id, [(number, stored(number)) for number in ids], now)
    assert archive.counts("iss").media == {MediaState.STORED: 5}


@given(st.integers(-5, 10**6))
def test_rests_grow_and_are_bounded(attempts: int) -> None:
    """Each rest is at least as long as the one before, a quarter of an hour at least and a week at most."""
    assert timedelta(minutes=15) <= pause_after(attempts) <= pause_after(attempts + 1) <= LONGEST_PAUSE
