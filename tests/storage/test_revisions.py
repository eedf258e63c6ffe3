"""What a post was before it changed is kept whole: by whom it was brought, when, and what differed after it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from scraper.model import Asset, Attachment, Lang, MediaResult, MediaState
from storage.archive import Archive
from storage.changes import Change, Entry
from storage.revisions import Revision, Why, load_revisions
from storage.runs import Run
from storage.schema import PostRecord, PostState, RevisionRecord, rows_of

Make = Callable[..., Entry]
LATER = timedelta(hours=1)


def revisions(archive: Archive, key: str = "iss:1") -> list[Revision]:
    table = rows_of(PostRecord)
    with archive.database.read() as connection:
        post_id = connection.scalar(select(table.c.id).where(table.c.native_id == key.partition(":")[2]))
        assert post_id is not None
        return load_revisions(connection, post_id)


def test_a_revision_has_every_column_of_a_post() -> None:
    """All that a post says stands in its revisions too, but for its name and what the archive alone says of it."""
    own = {"id", "source_id", "native_id", "content_hash", "first_seen_at", "gone_at", "back_at", "shown_at"}
    state = {column.name for column in rows_of(PostRecord).columns} - own
    assert state <= {column.name for column in rows_of(RevisionRecord).columns}
    assert state == set(PostState.__annotations__)


def test_every_field_of_the_old_state_survives(
    archive: Archive, run: Run, plan: Any, now: datetime, full_entry: Entry
) -> None:
    """The post and its reading come back from the revision equal, field by field, and what came after is held."""
    key = full_entry[0].key
    edited = (replace(full_entry[0], pinned=False), full_entry[1])
    archive.record(run.id, None, [full_entry], plan=plan, now=now)
    archive.record(run.id, None, [edited], plan=plan, now=now + LATER)
    (revision,) = revisions(archive, key)
    for index in (0, 1):
        for field in dataclasses.fields(full_entry[index]):
            assert getattr(revision.entry[index], field.name) == getattr(full_entry[index], field.name), field.name
    assert archive.entry(key) == edited


def test_a_revision_knows_where_it_came_from(
    archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make, capture_of: Callable[..., Any]
) -> None:
    """Run, answer and time of the old state, and the run and time that replaced it, stay known."""
    first = archive.captures.keep(run, capture_of("https://social.example/1", b"1"))
    archive.record(run.id, first, [entry_of("1", "Bonjour")], plan=plan, now=now)
    archive.record(run.id, None, [entry_of("1", "Bonsoir")], plan=plan, now=now + LATER)
    archive.record(run.id, None, [entry_of("1", "Bonne nuit")], plan=plan, now=now + 2 * LATER)
    one, two = revisions(archive)
    assert (one.entry[0].body, one.since, one.until, one.capture_id) == ("Bonjour", now, now + LATER, first)
    assert (two.entry[0].body, two.since, two.until) == ("Bonsoir", now + LATER, now + 2 * LATER)
    assert {one.run_id, one.replaced_by, two.run_id, two.replaced_by} == {run.id}
    assert one.fields == ("body", "split")


def test_what_is_unchanged_or_turned_empty_makes_no_revision(
    archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make
) -> None:
    """A value that turns empty upstream does not erase a good one, so there is nothing to keep."""
    archive.record(run.id, None, [entry_of("1", title="Paris", author="T.")], plan=plan, now=now)
    again = archive.record(run.id, None, [entry_of("1", title="", author=None)], plan=plan, now=now)
    assert again.changes == {"iss:1": Change.UNCHANGED}
    assert revisions(archive) == []
    assert archive.entry("iss:1")[0].title == "Paris"


def test_read_anew_is_told_from_edited(archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make) -> None:
    """The same statement cut otherwise by a better splitter is no edit of the post."""
    post, reading = entry_of("1", "Bonjour")
    archive.record(run.id, None, [(post, reading)], plan=plan, now=now)
    (segment,) = reading.split.segments
    better = replace(reading, split=replace(reading.split, segments=(replace(segment, lang=Lang.OTHER),)))
    archive.record(run.id, None, [(post, better)], plan=plan, now=now)
    archive.record(run.id, None, [(replace(post, pinned=True), better)], plan=plan, now=now)
    assert [(revision.why, revision.fields) for revision in revisions(archive)] == [
        (Why.READ_ANEW, ("split",)),
        (Why.EDITED, ("pinned",)),
    ]


def test_being_more_or_less_sure_is_held_and_makes_no_revision(
    archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make
) -> None:
    """A splitter that is calibrated anew would fill the history of every post with what nobody reads."""
    post, reading = entry_of("1", "Bonjour", title="Paris")
    archive.record(run.id, None, [(post, reading)], plan=plan, now=now)
    unsure = replace(reading, split=replace(reading.split, confidence=0.5, needs_review=True))
    again = archive.record(run.id, None, [(post, unsure)], plan=plan, now=now)
    assert again.changes == {"iss:1": Change.UPDATED}
    assert archive.entry("iss:1")[1].split == unsure.split
    assert revisions(archive) == []


def test_a_swapped_picture_keeps_its_hash(archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make) -> None:
    """The old state names the bytes that were held for its picture; the picture itself stays, marked as removed."""
    archive.record(run.id, None, [entry_of("1", attachments=(Attachment(url="https://m.example/a.jpg"),))],
                   plan=plan, now=now)  # fmt: skip
    asset = Asset(sha256="ab" * 32, media_type="image/jpeg", extension="jpg", size=9, width=4, height=3)
    (wanted,) = archive.wanted("iss", now, limit=9)
    result = MediaResult(state=MediaState.STORED, asset=asset, url="https://m.example/a-large.jpg")
    archive.record_media(run.id, [(wanted.attachment_id, result)], now)
    archive.record(run.id, None, [entry_of("1", attachments=(Attachment(url="https://m.example/b.jpg"),))],
                   plan=plan, now=now + LATER)  # fmt: skip
    (revision,) = revisions(archive)
    assert [(item.state, item.sha256, item.fetched_url) for item in revision.media] == [
        ("stored", "ab" * 32, "https://m.example/a-large.jpg")
    ]
    with archive.database.read() as connection:
        removed = connection.exec_driver_sql("SELECT sha256 FROM attachments WHERE removed_at IS NOT NULL").scalars()
        assert list(removed) == ["ab" * 32]


@pytest.mark.parametrize("text", ["\0 and \udcff", "« Bonsoir 🌃 »", ""])
def test_any_text_is_kept(archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make, text: str) -> None:
    """Old states hold whatever texts there were, as the archive held them."""
    archive.record(run.id, None, [entry_of("1", text, hashtags=(text,), content_warning=text)], plan=plan, now=now)
    held = archive.entry("iss:1")
    archive.record(run.id, None, [entry_of("1", "changed")], plan=plan, now=now)
    (revision,) = revisions(archive)
    assert revision.entry == held
