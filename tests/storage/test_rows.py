"""Everything that a post and its reading say is stored and comes back the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.exc import StatementError

from scraper.model import Attachment, CreditLine, Lang, Post, Published, Reading, Segment, Split
from storage.archive import Archive
from storage.changes import Change, Entry
from storage.columns import safe
from storage.runs import Run
from storage.schema import SourceRecord, rows_of

Plan = Callable[..., Any]
WALKED = (Post, Attachment, Published, Reading, Split, Segment, CreditLine)


def _values(value: Any) -> Iterator[Any]:
    """Every dataclass in ``value``, itself included."""
    if dataclasses.is_dataclass(value):
        yield value
        for field in dataclasses.fields(value):
            yield from _values(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _values(item)


@pytest.mark.parametrize("cls", WALKED)
def test_no_field_of_the_sample_is_at_its_default(full_entry: Entry, cls: type) -> None:
    """The sample says something in every field, so that a new field that is not stored fails the next test."""
    said: dict[str, bool] = {field.name: False for field in dataclasses.fields(cls)}
    for value in _values(full_entry):
        if type(value) is not cls:
            continue
        for field in dataclasses.fields(cls):
            default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
            said[field.name] |= getattr(value, field.name) != default
    assert all(said.values()), said


def test_every_field_survives(archive: Archive, run: Run, plan: Plan, now: datetime, full_entry: Entry) -> None:
    """A post with something in every field comes back equal, field by field."""
    recorded = archive.record(run.id, None, [full_entry], plan=plan, now=now)
    assert recorded.failures == {}
    assert archive.entry(full_entry[0].key) == full_entry


def test_an_empty_post_survives(archive: Archive, run: Run, plan: Plan, now: datetime) -> None:
    """A post that says nothing at all comes back equal."""
    entry = (Post(source_id="iss", native_id="0"), Reading())
    archive.record(run.id, None, [entry], plan=plan, now=now)
    assert archive.entry("iss:0") == entry


def test_every_change_of_a_field_is_stored(
    archive: Archive, run: Run, plan: Plan, now: datetime, full_entry: Entry, entry_of: Callable[..., Entry]
) -> None:
    """A bare post that is found again with something in every field becomes that, and is told as updated."""
    bare = entry_of(full_entry[0].native_id, "", pictures=0, published=None)
    archive.record(run.id, None, [bare], plan=plan, now=now)
    recorded = archive.record(run.id, None, [full_entry], plan=plan, now=now)
    assert recorded.changes == {full_entry[0].key: Change.UPDATED}
    assert archive.entry(full_entry[0].key) == full_entry


texts = st.text(st.characters(exclude_categories=[]), max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=texts, title=texts, tags=st.lists(texts, max_size=3, unique=True), cut=st.integers(0, 40))
def test_any_text_survives(
    archive: Archive, run: Run, plan: Plan, now: datetime, body: str, title: str, tags: list[str], cut: int
) -> None:
    """Any text at all, cut anywhere, comes back with the same offsets; what no database holds is U+FFFD."""
    pieces = [piece for piece in (body[:cut], body[cut:]) if piece]
    segments, at = [], 0
    for piece in pieces:
        segments.append(Segment(lang=Lang.OTHER, text=piece, start=at, end=at + len(piece)))
        at += len(piece)
    native_id = f"{body!r} {title!r} {tags!r} {cut}"
    post = Post(source_id="iss", native_id=native_id, title=title, body=body, hashtags=tuple(tags), url=title or None)
    reading = Reading(split=Split(segments=tuple(segments)), hashtags=tuple(tags))
    recorded = archive.record(run.id, None, [(post, reading)], plan=plan, now=now)
    assert recorded.failures == {}
    held, read = archive.entry(post.key)
    assert (held.body, held.title, held.hashtags) == (safe(body), safe(title), tuple(map(safe, tags)))
    assert [(item.start, item.end) for item in read.split.segments] == [(item.start, item.end) for item in segments]
    assert read.split.body == safe(body)
    again = archive.record(run.id, None, [(post, reading)], plan=plan, now=now)
    assert again.changes == {post.key: Change.UNCHANGED}


@given(texts)
def test_safe_text_keeps_its_length(text: str) -> None:
    """One code point stands for one, what could be held is not touched, and doing it twice is doing it once."""
    held = safe(text)
    assert len(held) == len(text)
    assert held.encode().decode() == held
    assert all(now == was or (now == "\ufffd" and (was == "\0" or "\ud800" <= was <= "\udfff"))
               for now, was in zip(held, text, strict=True))  # fmt: skip
    assert safe(held) == held


def test_a_naive_time_is_refused(archive: Archive) -> None:
    """A time without a zone is not stored."""
    engine = archive.database._engine
    row = insert(rows_of(SourceRecord)).values(id="x", kind="k", first_run_at=datetime(2016, 12, 3))
    with pytest.raises(StatementError, match="without a zone"), engine.begin() as connection:
        connection.execute(row)


@pytest.mark.parametrize("hours", [-11, 0, 2])
def test_an_aware_time_comes_back_in_utc(archive: Archive, hours: int) -> None:
    """A time in any zone comes back as the same instant, aware and in UTC, to the microsecond."""
    at = datetime(2016, 12, 3, 20, 15, 0, 1, tzinfo=timezone(timedelta(hours=hours)))
    table = rows_of(SourceRecord)
    with archive.database.write() as connection:
        connection.execute(insert(table).values(id="x", kind="k", first_run_at=at))
        found = connection.execute(select(table.c.first_run_at)).scalar_one()
    assert (found, found.tzinfo) == (at, UTC)


def test_a_split_of_another_text_is_one_failure(
    archive: Archive, run: Run, plan: Plan, now: datetime, entry_of: Callable[..., Entry]
) -> None:
    """Segments that do not rebuild the body are refused: their offsets would lie."""
    good, bad = entry_of("1"), entry_of("2", "Bonjour")
    bad = (dataclasses.replace(bad[0], body="Bonsoir"), bad[1])
    recorded = archive.record(run.id, None, [bad, good], plan=plan, now=now)
    assert recorded.changes == {"iss:1": Change.ADDED}
    assert "do not rebuild" in str(recorded.failures["iss:2"])


def test_captions_are_plain_columns(archive: Archive, run: Run, plan: Plan, now: datetime, full_entry: Entry) -> None:
    """Both captions, of the body and of the title, can be read with plain SQL."""
    archive.record(run.id, None, [full_entry], plan=plan, now=now)
    with archive.database.read() as connection:
        row = connection.exec_driver_sql("SELECT caption_fr, caption_en, title_fr, title_en FROM posts").one()
        folded = connection.exec_driver_sql("SELECT folded FROM hashtags ORDER BY position").scalars().all()
        day = connection.exec_driver_sql("SELECT credit_day FROM posts").scalar()
    assert tuple(row) == ("« Bonsoir Paris 🌃 »", '"Good evening Paris"', "Paris de nuit", "Paris by night")
    assert folded == ["proxima", "epopee"]
    assert str(day) == "2016-12-03"
