"""What posts are found by is what they say: after every write, whatever wrote, on either database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from scraper.model import (
    Asset,
    DateOrigin,
    Lang,
    MediaResult,
    MediaState,
    Precision,
    Published,
    Segment,
    Split,
)
from storage import indexing
from storage.archive import Archive
from storage.changes import Entry
from storage.curation import Say, decide, undo
from storage.damage import Share, Trouble
from storage.engine import open_database, upgrade_database
from storage.errors import IndexBehind
from storage.facts import TIE, tie_of
from storage.forget import Forget
from storage.indexcheck import damages
from storage.runs import Run, RunStatus
from storage.schema import AttachmentRecord, PostRecord, TagRecord, rows_of
from storage.settings import ArchiveSettings
from storage.states import Verdict
from storage.verify import verify

Make = Callable[..., Entry]
DAY = timedelta(days=1)

#: the facts of every post as the promised views and the tables say them, in SQL that shares nothing with the program
FACTS = """
SELECT p.id, p.source_id, v.mission,
    CASE v.published_precision WHEN 'day' THEN 86400 WHEN 'minute' THEN 60 WHEN 'second' THEN 1 END,
    CASE WHEN v.caption_fr IS NULL THEN 0 ELSE 1 END, CASE WHEN v.caption_en IS NULL THEN 0 ELSE 1 END,
    v.verdict, v.rating, v.needs_review,
    CASE WHEN v.edited_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM revisions AS r WHERE r.post_id = p.id AND r.why <> 'read anew') THEN 0 ELSE 1 END,
    CASE WHEN v.gone_at IS NULL THEN 0 ELSE 1 END, v.image_count,
    (SELECT count(*) FROM archive_media AS m WHERE m.post_key = v.key AND m.state = 'stored'),
    (SELECT count(*) FROM archive_media AS m WHERE m.post_key = v.key AND m.state = 'pending'),
    (SELECT count(*) FROM archive_media AS m WHERE m.post_key = v.key AND m.state = 'failed'),
    (SELECT count(*) FROM archive_media AS m WHERE m.post_key = v.key AND m.state = 'gone'),
    (SELECT count(*) FROM archive_media AS m WHERE m.post_key = v.key AND m.state = 'skipped'),
    (SELECT max(coalesce(s.width, a.width) * coalesce(s.height, a.height)) FROM attachments AS a
        LEFT JOIN assets AS s USING (sha256) WHERE a.post_id = p.id AND a.kind = 'image' AND a.removed_at IS NULL)
FROM archive_posts AS v JOIN posts AS p ON p.source_id = v.source AND p.native_id = v.native_id ORDER BY 1
"""
INDEX = """
SELECT post_id, source_id, mission, span, CAST(has_fr AS INTEGER), CAST(has_en AS INTEGER), verdict, rating,
    CAST(needs_review AS INTEGER), CAST(edited AS INTEGER), CAST(gone AS INTEGER), pictures,
    media_stored, media_pending, media_failed, media_gone, media_skipped, width * height
FROM post_index ORDER BY 1
"""


def rows(archive: Archive, sql: str) -> list[tuple[Any, ...]]:
    with archive.database.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def ordinals(archive: Archive) -> dict[str, int]:
    """By the posts' ids, newest first."""
    return dict(
        rows(archive, "SELECT native_id, ordinal FROM posts JOIN post_index ON post_id = id ORDER BY ordinal DESC")
    )


def found(archive: Archive, term: str) -> set[str]:
    """Ids of the posts that have a term, in whatever column."""
    which = {
        "sqlite": f"SELECT rowid FROM post_search WHERE post_search MATCH '\"{term}\"'",
        "postgresql": f"SELECT ordinal FROM post_search WHERE terms @@ CAST('{term}' AS tsquery)",
    }[archive.database.dialect]
    sql = f"SELECT native_id FROM post_index JOIN posts ON id = post_id WHERE ordinal IN ({which})"
    return {name for (name,) in rows(archive, sql)}


def ensure_true(archive: Archive) -> None:
    """The index is what is computed anew, its facts are what the views say, and nothing is left to be done."""
    assert list(damages(archive.database, Share())) == []
    assert rows(archive, "SELECT * FROM index_pending") == []
    assert rows(archive, INDEX) == rows(archive, FACTS)
    (terms,), (posts,) = (rows(archive, f"SELECT count(*) FROM {name}")[0] for name in ("post_search", "posts"))
    assert terms == posts


def dated(at: datetime, precision: Precision = Precision.SECOND) -> Published:
    return Published(at=at, precision=precision, origin=DateOrigin.API)


def date(day: int) -> Published:
    return dated(datetime(2016, 12, day, 20, tzinfo=UTC))


def test_whatever_is_written_the_index_says_it(
    archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make, full_entry: Entry, folder: Path
) -> None:
    """Recorded, edited, read anew, stored, failed, curated, undone, gone, back, mended, changed in SQL, forgotten."""
    page = [
        full_entry,
        entry_of("a-1", "La montée des eaux", pictures=3, hashtags=("Été",)),
        entry_of("b-1", "Bonjour", pictures=0),
        entry_of("undated", "Bonsoir", published=None),
    ]  # fmt: skip
    archive.record(run.id, None, page, plan=plan, now=now)
    ensure_true(archive)
    assert found(archive, "mont") == {"a-1"}

    wanted = [item.attachment_id for item in archive.wanted("iss", now, limit=9)]
    asset = Asset(sha256="ab" * 32, media_type="image/jpeg", extension="jpg", size=1, width=640, height=480)
    results = [
        MediaResult(state=MediaState.STORED, asset=asset, url="https://media.example/1", status=200, fetched_at=now),
        MediaResult(state=MediaState.FAILED, reason="answered 500"),
        MediaResult(state=MediaState.GONE, reason="answered 404"),
    ]
    archive.record_media(run.id, list(zip(wanted, results, strict=False)), now)
    ensure_true(archive)
    assert (640, 480) in rows(archive, "SELECT width, height FROM post_index")
    archive.ask_for_missing("iss")  # its file was never there
    ensure_true(archive)

    archive.record(
        run.id, None, [entry_of("a-1", "Les nuages", pictures=1, edited_at=now, published=date(9))], plan=plan, now=now
    )
    ensure_true(archive)
    assert (found(archive, "mont"), found(archive, "nuag")) == (set(), {"a-1"})
    body = "Les nuages"
    split = Split(segments=(Segment(lang=Lang.OTHER, text=body, start=0, end=len(body)),), needs_review=True)
    post, reading = archive.entry("iss:a-1")
    archive.record(run.id, None, [(post, replace(reading, split=split))], plan=plan, now=now, seen=False, anew=True)
    ensure_true(archive)
    assert rows(archive, "SELECT count(*) FROM post_index WHERE has_other") == [(1,)]

    says = [
        [Say.verdict(Verdict.SELECTED), Say.rating(4), Say.tag("à voir"), Say.note("un phare")],
        [Say.text("caption_fr", "Des cirrus"), Say.text("mission", "alpha"), Say.text("credit", "")],
        [Say.date(datetime(2017, 1, 1, tzinfo=UTC), Precision.DAY)],
        [Say.text("alt", "Un voilier", position=0)],
        [Say.text("caption_fr", "")],
        [Say.segments([(Lang.EN, 0, None)])],
    ]
    for number, said in enumerate(says, 1):
        decide(archive.database, ["iss:a-1"], said, who="ann", now=now + number * DAY)
        ensure_true(archive)
    assert found(archive, "phar") == found(archive, "voili") == found(archive, "_h_avoir") == {"a-1"}
    for _ in says:
        undo(archive.database, who="ann", now=now + 9 * DAY)
        ensure_true(archive)
    assert found(archive, "phar") == set()

    for at in (1, 2):
        archive.looked(run.id, now=now + at * DAY)
        ensure_true(archive)
    with archive.database.write() as connection:
        connection.execute(update(rows_of(PostRecord)).values(gone_at=now))
        connection.execute(insert(rows_of(TagRecord)).values(post_id=1, folded="mer", tag="mer"))
        connection.execute(update(rows_of(AttachmentRecord)).values(removed_at=now))
    ensure_true(archive)
    assert rows(archive, "SELECT count(*) FROM post_index WHERE gone AND pictures = 0") == [(4,)]
    archive.journal.close(run, RunStatus.COMPLETED, counts={}, now=now)
    again = archive.journal.begin("iss", "mastodon", None, now=now + DAY)
    archive.record(again.id, None, page[1:3], plan=plan, now=now + DAY)
    ensure_true(archive)
    assert rows(archive, "SELECT count(*) FROM post_index WHERE gone") == [(2,)]
    archive.journal.close(again, RunStatus.COMPLETED, counts={}, now=now + DAY)

    Forget(folder, archive.database).forget(["iss:a-1"], reason="asked", who="ann", now=now + DAY)
    ensure_true(archive)
    assert set(ordinals(archive)) == {full_entry[0].native_id, "b-1", "undated"}


def test_posts_are_in_the_order_of_their_time(
    archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make
) -> None:
    """By second, within it by the last number of their ids, undated last; one whose date changes moves."""
    page = [
        entry_of("p-10", published=date(3)),
        entry_of("p-9", published=date(3)),
        entry_of("x", published=date(4)),
        *(entry_of(name, published=None) for name in ("u-1", "v-1", "w-1")),
        entry_of("early", published=dated(datetime(1, 1, 1, tzinfo=UTC), Precision.DAY)),
        entry_of("late", published=dated(datetime(9999, 12, 31, 23, 59, 59, 999999, UTC))),
    ]  # fmt: skip
    archive.record(run.id, None, page, plan=plan, now=now)
    placed = ordinals(archive)
    assert list(placed) == ["late", "x", "p-10", "p-9", "early", "w-1", "v-1", "u-1"]
    assert [placed[name] for name in ("u-1", "v-1", "w-1")] == [1, 2, 3]
    assert placed["early"] >> TIE == 1
    assert placed["p-9"] % (1 << TIE) == 9
    # a place that was left is free again, and who keeps his second keeps his place
    archive.record(
        run.id, None, [entry_of("u-1", published=date(5)), entry_of("y-1", published=None)], plan=plan, now=now
    )
    moved = ordinals(archive)
    assert list(moved) == ["late", "u-1", "x", "p-10", "p-9", "early", "w-1", "v-1", "y-1"]
    assert [moved[name] for name in ("w-1", "v-1", "y-1")] == [3, 2, 1]
    ensure_true(archive)


@pytest.mark.parametrize(
    ("native_id", "tie"),
    [("109:7/12", 12), ("12-abc", 12), ("0", 0), (str(2**24 + 5), 5), ("9" * 5000, (10**18 - 1) % 2**24)],
)
def test_the_last_number_of_an_id_tells_posts_of_a_second_apart(native_id: str, tie: int) -> None:
    """However long it is; ids without one have a place as well."""
    assert tie_of(native_id) == tie
    assert 0 <= tie_of("é") < 2**24


def test_a_second_that_is_full_at_its_end_goes_on_at_its_start(
    archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make
) -> None:
    """The last place of a second is not followed by the first one of the next."""
    last = 2**24 - 1
    page = [entry_of(f"{name}-{last}", published=None) for name in "ab"]
    archive.record(run.id, None, page, plan=plan, now=now)
    assert sorted(ordinals(archive).values()) == [0, last]
    ensure_true(archive)


def test_what_is_rolled_back_was_never_indexed(
    archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make
) -> None:
    """A write that fails leaves facts and terms as they were."""
    archive.record(run.id, None, [entry_of("1")], plan=plan, now=now)
    before = rows(archive, "SELECT * FROM post_index")

    def fail() -> None:
        with archive.database.write() as connection:
            connection.execute(update(rows_of(PostRecord)).values(body="Bonsoir", gone_at=now))
            indexing.settle(connection)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert rows(archive, "SELECT * FROM post_index") == before
    ensure_true(archive)


def test_writers_of_the_same_second_do_not_meet(
    settings: ArchiveSettings, plan: Any, now: datetime, entry_of: Make
) -> None:
    """Four at once record posts that want one place; each gets its own."""
    failed: list[BaseException] = []

    def write(source: str) -> None:
        try:
            with Archive.open(settings) as own:
                run = own.journal.begin(source, "mastodon", None, now=now)
                for number in range(3):
                    entries = [entry_of(f"{at}-{number}", source_id=source) for at in range(5)]
                    own.record(run.id, None, entries, plan=plan, now=now)
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    open_database(settings).close()
    threads = [threading.Thread(target=write, args=(f"s{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with Archive.open(settings) as archive:
        assert rows(archive, "SELECT count(DISTINCT ordinal) FROM post_index") == [(60,)]
        ensure_true(archive)


# building


@pytest.fixture
def behind(archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make, monkeypatch: Any) -> Archive:
    """An archive of nine posts whose index was thrown away; each write makes two of its rows."""
    archive.record(run.id, None, [entry_of(str(number)) for number in range(9)], plan=plan, now=now)
    monkeypatch.setattr(indexing, "STEP", 2)
    monkeypatch.setattr(indexing, "BATCH", 2)
    monkeypatch.setattr(indexing, "_NOTED", indexing._NOTED.replace("2000", "2"))
    with archive.database._changing() as connection:
        indexing.clear(connection)
    return archive


def test_an_index_that_is_not_whole_is_not_asked(behind: Archive) -> None:
    """Who would ask it is told what to do; verify tells it, too."""
    with behind.database.read() as connection, pytest.raises(IndexBehind, match="run `cupola db upgrade`"):
        indexing.ensure_whole(connection)
    (told,) = damages(behind.database, Share())
    assert (told.trouble, told.what) == (Trouble.INDEX, "index_pending")
    assert "9 posts are not in it yet; run `cupola db upgrade`" in told.message


def test_a_building_that_was_cut_off_goes_on(
    behind: Archive, settings: ArchiveSettings, run: Run, now: datetime
) -> None:
    """By what is written next, a bounded part each time, and to the end by the next upgrade; progress is told."""
    told: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        told.append((done, total))
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upgrade_database(settings, progress=stop)
    assert told == [(0, 9), (2, 9), (4, 9)]
    decide(behind.database, ["iss:8"], [Say.rating(3)], who="ann", now=now)
    assert rows(behind, "SELECT count(*) FROM post_index") == [(6,)]
    told.clear()
    upgrade_database(settings, progress=lambda done, total: told.append((done, total)))
    assert told == [(6, 9), (8, 9), (9, 9)]
    assert rows(behind, "SELECT count(*) FROM post_index WHERE rating = 3") == [(1,)]
    ensure_true(behind)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE post_index SET gone = NOT gone",
        "UPDATE post_index SET pictures = 7 WHERE post_id = 1",
        "DELETE FROM post_index WHERE post_id = 1",
        "DELETE FROM post_search WHERE {ordinal} = (SELECT min(ordinal) FROM post_index)",
    ],
)
def test_a_damaged_index_is_found_and_made_anew(
    archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make, folder: Path, damage: str
) -> None:
    """Verify says what is wrong and what makes it right; the reading of a part looks at a part of the posts."""
    archive.record(run.id, None, [entry_of(str(number), pictures=0) for number in range(3)], plan=plan, now=now)
    ordinal = "rowid" if archive.database.dialect == "sqlite" else "ordinal"
    with archive.database._changing() as connection:
        connection.exec_driver_sql(damage.format(ordinal=ordinal))
    report = verify(archive.database, folder)
    assert {item.trouble for item in report.damage} == {Trouble.INDEX}
    assert all("run `cupola db reindex`" in item.message for item in report.damage)
    assert sum(len(list(damages(archive.database, Share(part=part, of=3)))) for part in range(3)) == len(report.damage)
    archive.database.build_index(anew=True)
    assert verify(archive.database, folder).is_sound
    ensure_true(archive)


def test_words_that_are_not_as_they_were_written_are_found(held: Any, tmp_path: Path, cupola: Any) -> None:
    """FTS5 is asked itself, since the words may be whole and not found by: on SQLite."""
    if held.address is not None:
        pytest.skip("a server sees to its own indexes")
    held.add("1", fr="La montée des eaux")
    with held.database._changing() as connection:
        connection.exec_driver_sql("DELETE FROM post_search_data WHERE id > 10")
    answer = cupola("verify", "--archive", held.folder)
    assert answer.status == 1
    assert "cupola db reindex" in answer.out + answer.err
    answer = cupola("db", "reindex", "--archive", held.folder)
    assert (answer.status, answer.out) == (0, f"The index of 1 post in {held.folder} was made anew.\n")
    assert cupola("verify", "--archive", held.folder).status == 0
    assert cupola("db", "reindex", "--archive", tmp_path / "nowhere").status == 3
    assert not (tmp_path / "nowhere").exists()


def test_no_word_of_a_forgotten_post_is_left(
    archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make, folder: Path
) -> None:
    """Its terms are in no page of the database's file, though FTS5 keeps what is deleted until it is merged."""
    words = [f"zyx{letter}wvut" for letter in "abcdefgh"]
    entries = [entry_of(str(number), f"Bonjour {word} {word}q") for number, word in enumerate(words)]
    for entry in entries:
        archive.record(run.id, None, [entry], plan=plan, now=now)
    archive.journal.close(run, RunStatus.COMPLETED, counts={}, now=now)
    Forget(folder, archive.database).forget(["iss:3", "iss:7"], reason="asked", who="ann", now=now)
    ensure_true(archive)
    assert found(archive, "zyxdwvut") == set()
    if archive.database.dialect == "sqlite":
        everything = b"".join(path.read_bytes() for path in folder.glob("cupola.db*"))
        assert b"awvutq" in everything
        # FTS5 writes of a word only what it does not share with the one before
        assert b"dwvut" not in everything
        assert b"hwvut" not in everything
