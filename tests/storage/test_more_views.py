"""The views beside the first two say of a post what people asking in SQL want, alike on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, update

from storage.curation import Say, decide, undo
from storage.engine import open_database
from storage.schema import FailureRecord, PostRecord, RunRecord
from storage.settings import ArchiveSettings
from storage.sqlquery import asked
from storage.states import Verdict

NOW = datetime(2017, 6, 2, 12, 0, 0, 250000, tzinfo=UTC)
AT = "2017-06-02T12:00:00Z"


@pytest.fixture
def view(held: Any, address: str | None) -> Any:
    """Asks a view of the archive as a person may: its rows by the columns named, in order."""

    def ask(name: str, columns: str) -> list[tuple[Any, ...]]:
        database = open_database(ArchiveSettings(folder=held.folder, database=address), read_only=True)
        try:
            with asked(database, f"SELECT {columns} FROM {name} ORDER BY {columns}") as answer:
                return list(answer)
        finally:
            database.close()

    return ask


def test_captions(held: Any, view: Any) -> None:
    """A row a language: the curator's word goes before the machine's, no caption is no row, settled is settled."""
    held.add("both", fr="La mer", en="The sea", needs_review=True)
    held.add("fr", fr="La Lune")
    held.add("none", other="Die Sonne")
    held.add("old", fr="Hier", en="Yesterday")
    with held.database.write() as connection:
        connection.execute(update(PostRecord).values(split_confidence=0.5))
    decide(held.database, ["esa-proxima:fr"], [Say.text("caption_en", "The Moon")], who="ann", now=NOW)
    decide(held.database, ["esa-proxima:old"], [Say.text("caption_fr", "")], who="ann", now=NOW)
    columns = "post_key, source, lang, text, origin, confidence, needs_review"
    assert view("archive_captions", columns) == [
        ("esa-proxima:both", "esa-proxima", "en", "The sea", "machine", 0.5, 1),
        ("esa-proxima:both", "esa-proxima", "fr", "La mer", "machine", 0.5, 1),
        ("esa-proxima:fr", "esa-proxima", "en", "The Moon", "curator", None, 0),
        ("esa-proxima:fr", "esa-proxima", "fr", "La Lune", "machine", 0.5, 0),
        ("esa-proxima:old", "esa-proxima", "en", "Yesterday", "machine", 0.5, 0),
    ]
    with held.database.write() as connection:
        connection.exec_driver_sql("UPDATE curation SET outdated = TRUE")
    told = {row[0]: row[1] for row in view("archive_captions", "post_key, needs_review")}
    assert told == {"esa-proxima:both": 1, "esa-proxima:fr": 1, "esa-proxima:old": 1}


def test_hashtags_and_tags(held: Any, view: Any) -> None:
    """A row a hashtag in its place, and a row a tag that a curator gave; both also as they are compared."""
    held.add("1", fr="Bonjour", hashtags=("Épopée", "ISS"))
    decide(held.database, ["esa-proxima:1"], [Say.tag("À revoir")], who="ann", now=NOW)
    assert [row[:3] for row in view("archive_hashtags", "post_key, position, tag, folded")] == [
        ("esa-proxima:1", 0, "Épopée"),
        ("esa-proxima:1", 1, "ISS"),
    ]
    assert view("archive_tags", "post_key, tag, folded") == [("esa-proxima:1", "À revoir", "arevoir")]


def test_runs_and_failures(held: Any, view: Any) -> None:
    """A visit with its numbers, those that it does not say NULL; a failure with the post that it is about."""
    held.add("1", fr="Bonjour")
    counts = {"posts_found": 12, "posts_added": 3, "media_bytes": 5_000_000_000, "failed": 1}
    failure = {"stage": "media", "error": "Gone", "message": "404", "key": "esa-proxima:1", "evidence": ()}
    with held.database.write() as connection:
        running = {"source_id": "esa-proxima", "status": "running", "started_at": NOW, "host": "here", "pid": 7}
        connection.execute(insert(RunRecord).values(**running, counts={}, since=datetime(2016, 11, 17, tzinfo=UTC)))
        connection.execute(update(RunRecord).where(RunRecord.id == 1).values(counts=counts))
        connection.execute(insert(FailureRecord).values(run_id=1, source_id="esa-proxima", at=NOW, **failure))
    columns = "id, source, kind, status, started_at, ended_at, since, until, posts_found, posts_added, posts_updated"
    assert view("archive_runs", columns) == [
        (1, "esa-proxima", "esa_gallery", "completed", AT, AT, None, None, 12, 3, None),
        (2, "esa-proxima", "esa_gallery", "running", AT, None, "2016-11-17T00:00:00Z", None, None, None, None),
    ]
    assert view("archive_runs", "id, media_bytes, failed, counts") == [
        (1, 5_000_000_000, 1, '{"posts_found":12,"posts_added":3,"media_bytes":5000000000,"failed":1}'),
        (2, None, None, "{}"),
    ]
    assert view("archive_failures", "id, run_id, source, at, stage, error, message, url, post_key") == [
        (1, 1, "esa-proxima", AT, "media", "Gone", "404", None, "esa-proxima:1")
    ]


def test_decisions(held: Any, view: Any) -> None:
    """Who decided what and when, of which picture, and whether it was taken back."""
    held.add("1", fr="Bonjour", pictures=({}, {}))
    decide(held.database, ["esa-proxima:1"], [Say.text("alt", "La mer", position=1)], who="ann", now=NOW)
    decide(held.database, ["esa-proxima:1"], [Say.verdict(Verdict.SELECTED)], who="bob", now=NOW)
    undo(held.database, who="bob", now=NOW)
    found = view("archive_decisions", "id, who, at, post_key, position, kind, field, value, undone")
    assert [row[:-2] + row[-1:] for row in found[:2]] == [
        (1, "ann", AT, "esa-proxima:1", 1, "correction", "alt", 0),
        (2, "bob", AT, "esa-proxima:1", None, "verdict", None, 1),
    ]
    assert "La mer" in found[0][-2]
    assert found[1][-2] == '"selected"'


def test_revisions(archive: Any, run: Any, plan: Any, now: datetime, entry_of: Any) -> None:
    """What a post was before an edit, in the words of ``archive_posts``."""
    for body in ("Bonjour", "Bonsoir"):
        archive.record(run.id, None, [entry_of("1", body, title=body)], plan=plan, now=now)
    columns = "id post_key why fields known_at replaced_at title published_at caption_fr caption_en text".split()  # noqa: SIM905
    with asked(archive.database, f"SELECT {', '.join(columns)} FROM archive_revisions") as answer:
        (row,) = answer
    found = dict(zip(columns, row, strict=True))
    assert '"body"' in found.pop("fields")
    assert found == {
        "id": 1, "post_key": "iss:1", "why": "edited", "known_at": "2016-12-03T21:04:05Z",
        "replaced_at": "2016-12-03T21:04:05Z", "title": "Bonjour", "published_at": "2016-12-03T20:00:00Z",
        "caption_fr": "Bonjour", "caption_en": None, "text": "Bonjour",
    }  # fmt: skip
