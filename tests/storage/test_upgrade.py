"""An archive of the first version, with posts, is upgraded whole and then works like any other."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from storage import migrations
from storage.archive import Archive
from storage.damage import Share
from storage.engine import FILE, open_database, upgrade_database
from storage.errors import SchemaOutOfDate
from storage.indexcheck import damages
from storage.settings import ArchiveSettings

#: what the first version had written for a run that found two posts, one of them with a picture; synthetic
HELD = """
INSERT INTO sources VALUES ('iss', 'mastodon', 'https://social.example/@iss', '2016-12-03 21:00:00.000000');
INSERT INTO runs VALUES (1, 'iss', 'completed', '2016-12-03 21:00:00.000000', '2016-12-03 21:01:00.000000', NULL, NULL,
    '2016-12-03 21:00:00.000000', 'here', 7, '{"posts_added":2}');
INSERT INTO captures VALUES (1, 1, 'iss', 'https://social.example/1', 'https://social.example/1', 'api', NULL, 200,
    '[]', '2016-12-03 21:00:10.000000', 'ab', 2, NULL, NULL, NULL);
INSERT INTO posts (id, source_id, native_id, body, published_at, published_precision, published_origin,
    published_zone_known, stated_at, stated_precision, stated_origin, stated_zone_known, languages, pinned, opt_outs,
    stated_hashtags, hashtags, mission, split_confidence, split_needs_review, needs_review, caption_fr, content_hash,
    first_seen_at, changed_at, run_id, capture_id)
VALUES
    (1, 'iss', '1', 'Bonjour', '2016-12-03 20:15:00.000000', 'minute', 'api', 1, '2016-12-03 20:15:00.000000', 'minute',
     'api', 1, '["fr"]', 0, '[]', '["Proxima"]', '["Proxima"]', 'proxima', 0.75, 0, 0, 'Bonjour', '1:a',
     '2016-12-03 21:00:20.000000', '2016-12-03 21:00:20.000000', 1, 1),
    (2, 'iss', '2', 'Hello', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '[]', 0, '[]', '[]', '[]', NULL, 1.0, 0, 1,
     NULL, '1:b', '2016-12-03 21:00:20.000000', '2016-12-03 21:00:20.000000', 1, NULL);
INSERT INTO segments VALUES (1, 'body', 0, 'fr', 0, 7), (2, 'body', 0, 'en', 0, 5);
INSERT INTO hashtags VALUES (1, 0, 'Proxima', 'proxima');
INSERT INTO assets VALUES ('cd', 'image/jpeg', 'jpg', 9, 4, 3, '[]', '2016-12-03 21:00:30.000000');
INSERT INTO attachments (id, post_id, "key", occurrence, position, url, kind, alternatives, alt, state, sha256,
    first_seen_at)
VALUES (1, 1, 'https://m.example/1.jpg', 0, 0, 'https://m.example/1.jpg', 'image', '[]', 'Paris', 'stored', 'cd',
    '2016-12-03 21:00:20.000000');
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The folder of an archive as the first version left it."""
    folder = tmp_path / "old"
    folder.mkdir()
    engine = create_engine(f"sqlite:///{folder / FILE}")
    with engine.begin() as connection:
        migrations.upgrade(connection, "0001")
    engine.dispose()
    with sqlite3.connect(folder / FILE) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        raw.executescript(HELD)
    raw.close()
    return folder


def rows(folder: Path, sql: str) -> list[dict[str, Any]]:
    with sqlite3.connect(folder / FILE) as raw:
        raw.row_factory = sqlite3.Row
        found = [dict(row) for row in raw.execute(sql)]
    raw.close()
    return found


def test_an_old_archive_is_refused_and_the_command_named(old: Path) -> None:
    """Reader and writer alike are told which schema it has and what upgrades it; it is not touched."""
    before = (old / FILE).read_bytes()
    for read_only in (True, False):
        with pytest.raises(SchemaOutOfDate, match=r"older schema 0001.*`cupola db upgrade`") as caught:
            open_database(old, read_only=read_only)
        assert (caught.value.found, caught.value.expected) == ("0001", migrations.HEAD)
    assert (old / FILE).read_bytes() == before


def test_all_that_was_held_is_held(old: Path) -> None:
    """Every value of every table and view is what it was; the views say no more than they knew."""
    tables = [row["name"] for row in rows(old, "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")]
    before = {name: rows(old, f'SELECT * FROM "{name}"') for name in tables if name != "alembic_version"}
    assert upgrade_database(old) == ("0001", migrations.HEAD)
    for name, held in before.items():
        now = rows(old, f'SELECT * FROM "{name}"')
        assert [{column: row[column] for column in was} for row, was in zip(now, held, strict=True)] == held, name
    assert [row["corrected"] for row in rows(old, "SELECT corrected FROM archive_posts")] == [None, None]
    assert rows(old, "SELECT post_id, run_id FROM sightings") == [
        {"post_id": 1, "run_id": 1}, {"post_id": 2, "run_id": 1}]  # fmt: skip
    assert rows(old, "PRAGMA foreign_key_check") == []
    assert upgrade_database(old) == (migrations.HEAD, migrations.HEAD)


@pytest.mark.parametrize("step", [f"{number:04}" for number in range(1, int(migrations.HEAD))])
def test_an_upgraded_archive_is_like_a_new_one(old: Path, tmp_path: Path, step: str) -> None:
    """Whichever step it is upgraded from: its tables and indices are those of an archive made today."""
    engine = create_engine(f"sqlite:///{old / FILE}")
    with engine.begin() as connection:
        migrations.upgrade(connection, step)
    engine.dispose()
    assert upgrade_database(old) == (step, migrations.HEAD)
    open_database(tmp_path / "new").close()
    sql = "SELECT type, name, tbl_name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2"
    assert rows(old, sql) == rows(tmp_path / "new", sql)


def test_an_upgraded_archive_works(old: Path, plan: Any, now: Any, entry_of: Any) -> None:
    """Posts of before are seen again, edited, kept as they were, gone and back like those of today."""
    upgrade_database(old)
    with Archive.open(ArchiveSettings(folder=old)) as archive:
        assert archive.entry("iss:1")[0].body == "Bonjour"
        run = archive.journal.begin("iss", "mastodon", None, scope="a", now=now)
        archive.record(run.id, None, [entry_of("1", "Bonsoir")], plan=plan, now=now)
        # what was seen by a run of before says nothing of how the source was configured then
        for _ in range(2):
            assert archive.looked(run.id, now=now) == 0
    assert [row["body"] for row in rows(old, "SELECT body FROM revisions")] == ["Bonjour"]


def test_an_upgraded_archive_is_found_by_what_it_says(old: Path) -> None:
    """Every post of before is in the index, a step at a time is told, and accents of its hashtags no longer matter."""
    with sqlite3.connect(old / FILE) as raw:
        raw.execute("INSERT INTO hashtags VALUES (2, 0, 'Épopée', 'épopée')")
        raw.execute("""UPDATE posts SET hashtags = '["Épopée"]' WHERE id = 2""")
    raw.close()
    told: list[tuple[int, int]] = []
    upgrade_database(old, progress=lambda *step: told.append(step))
    assert told == [(0, 2), (2, 2)]
    assert rows(old, "SELECT tag, folded FROM hashtags ORDER BY tag") == [
        {"tag": "Proxima", "folded": "proxima"}, {"tag": "Épopée", "folded": "epopee"}]  # fmt: skip
    found = (
        "SELECT post_id FROM post_index JOIN post_search ON post_search.rowid = ordinal WHERE post_search MATCH '{}'"
    )
    assert rows(old, found.format("bonjour")) == [{"post_id": 1}]
    assert rows(old, found.format("_h_epopee")) == [{"post_id": 2}]
    database = open_database(old, read_only=True)
    assert list(damages(database, Share())) == []
    database.close()


def test_the_command_upgrades(old: Path, cupola: Any) -> None:
    """`cupola db upgrade` says from where to where, and what was refused before is answered then."""
    answer = cupola("query", "--archive", old)
    assert answer.status == 3
    assert "run `cupola db upgrade`" in answer.err
    assert "from schema 0001 to" in cupola("db", "upgrade", "--archive", old).out
    records = [json.loads(line) for line in cupola("query", "--format", "jsonl", "--archive", old).out.splitlines()]
    assert [(record["key"], record["published_at"], record["mission"]) for record in records] == [
        ("iss:1", "2016-12-03T20:15:00Z", "proxima"), ("iss:2", None, None)]  # fmt: skip
    assert cupola("keep", "iss:1", "--who", "Ana", "--archive", old).out == "1 post selected.\n"
