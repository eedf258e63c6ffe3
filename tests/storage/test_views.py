"""The two views say what the contract promises, to whoever opens the database."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from scraper.model import (
    Asset,
    Attachment,
    CreditLine,
    DateOrigin,
    MediaKind,
    MediaResult,
    MediaState,
    Precision,
    Published,
)
from storage.archive import Archive
from storage.changes import Entry
from storage.runs import Run

Make = Callable[..., Entry]


def view(archive: Archive, name: str) -> list[dict[str, Any]]:
    """The rows of a view, as any program sees them."""
    order = "key" if name == "archive_posts" else "post_key, position"
    with archive.database.read() as connection:
        return [dict(row) for row in connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY {order}").mappings()]


def test_a_post_in_full(archive: Archive, run: Run, plan: Any, now: datetime, full_entry: Entry) -> None:
    """Every column of ``archive_posts`` for a post that says everything."""
    archive.record(run.id, None, [full_entry], plan=plan, now=now)
    (row,) = view(archive, "archive_posts")
    assert row == {
        "key": "iss:109:7/é",
        "source": "iss",
        "native_id": "109:7/é",
        "mission": "proxima",
        "url": "https://social.example/@iss/109",
        "author": "Thomas Pesquet",
        "title": "Paris de nuit / Paris by night",
        "published_at": "2016-12-03",
        "published_precision": "day",
        "published_origin": "caption",
        "edited_at": "2016-12-04T01:02:03Z",
        "caption_fr": "« Bonsoir Paris 🌃 »",
        "caption_en": '"Good evening Paris"',
        "text": full_entry[0].body,
        "content_warning": "night lights",
        "hashtags": '["Proxima","Épopée"]',
        "credit": "ESA",
        "license": "CC BY-SA IGO 3.0",
        "license_url": "https://creativecommons.org/licenses/by-sa/3.0/igo/",
        "needs_review": 1,
        "verdict": "unreviewed",
        "rating": None,
        "image_count": 0,
        "variant_of": None,
        "first_seen_at": "2016-12-03T21:04:05Z",
        "gone_at": None,
        "corrected": None,
    }


@pytest.mark.parametrize(
    ("published", "shown"),
    [
        (Published(at=datetime(2016, 12, 3, 9, 8, 7, tzinfo=UTC), precision=Precision.SECOND, origin=DateOrigin.API),
         "2016-12-03T09:08:07Z"),
        (Published(at=datetime(2016, 12, 3, 9, 8, tzinfo=UTC), precision=Precision.MINUTE, origin=DateOrigin.PAGE),
         "2016-12-03T09:08:00Z"),
        (Published.on_day(datetime(2016, 12, 3).date(), DateOrigin.CAPTION), "2016-12-03"),
        (None, None),
    ],
)  # fmt: skip
def test_dates(
    archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make, published: Published | None, shown: str
) -> None:
    """A date is shown with no more than is known of it, and as ``str`` of the value shows it."""
    archive.record(run.id, None, [entry_of("1", published=published)], plan=plan, now=now)
    (row,) = view(archive, "archive_posts")
    assert row["published_at"] == shown
    assert shown == (None if published is None else str(published))
    assert (row["edited_at"], row["published_precision"]) == (None, published and published.precision.value)


def test_the_credit_is_the_platforms_or_else_the_captions(
    archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make
) -> None:
    """A credit that the platform states goes before the credit line in the caption."""
    line = CreditLine(text="Thomas Pesquet, Proxima", start=0)
    page = []
    for native_id, credit in (("1", "ESA"), ("2", None)):
        post, reading = entry_of(native_id, credit=credit)
        page.append((post, replace(reading, credit=line)))
    archive.record(run.id, None, page, plan=plan, now=now)
    assert [row["credit"] for row in view(archive, "archive_posts")] == ["ESA", "Thomas Pesquet, Proxima"]


def test_hashtags_are_json(archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make) -> None:
    """Hashtags are a JSON array, as written and in order, that SQL's own JSON functions read; an empty one too."""
    tags = ("Épopée", 'a"b', "ISS")
    archive.record(run.id, None, [entry_of("1", hashtags=tags), entry_of("2")], plan=plan, now=now)
    assert [json.loads(row["hashtags"]) for row in view(archive, "archive_posts")] == [list(tags), []]
    with archive.database.read() as connection:
        of_each = "SELECT value FROM archive_posts, json_each(hashtags)"
        if archive.database.dialect == "postgresql":
            of_each = "SELECT value FROM archive_posts, json_array_elements_text(hashtags::json)"
        found = connection.exec_driver_sql(of_each).scalars().all()
    assert found == list(tags)


def test_pictures(archive: Archive, run: Run, plan: Any, now: datetime, entry_of: Make) -> None:
    """One row for each that the post points to: as measured where it is held, else as stated."""
    attachments = (
        Attachment(url="https://media.example/a.jpg", alt="Paris", width=1, height=1, media_type="image/png"),
        Attachment(url="https://media.example/b.jpg", width=4928, height=3280, media_type="image/jpeg", size=5),
        Attachment(url="https://media.example/v.mp4", kind=MediaKind.VIDEO),
        Attachment(url="https://media.example/gone.jpg"),
    )
    archive.record(run.id, None, [entry_of("1", attachments=attachments)], plan=plan, now=now)
    asset = Asset(sha256="ab" * 32, media_type="image/jpeg", extension="jpg", size=99, width=640, height=480)
    first, *_ = archive.wanted("iss", now, limit=9)
    result = MediaResult(state=MediaState.STORED, asset=asset, url="https://media.example/a-large.jpg")
    archive.record_media(run.id, [(first.attachment_id, result)], now)
    archive.record(run.id, None, [entry_of("1", attachments=attachments[:3])], plan=plan, now=now)
    keys = "post_key position state sha256 path media_type bytes width height alt source_url".split()  # noqa: SIM905
    sha256 = "ab" * 32
    expected = [
        ("iss:1", 0, "stored", sha256, f"media/ab/ab/{sha256}.jpg", "image/jpeg", 99, 640, 480, "Paris",
         "https://media.example/a-large.jpg"),
        ("iss:1", 1, "pending", None, None, "image/jpeg", None, 4928, 3280, None, "https://media.example/b.jpg"),
        ("iss:1", 2, "skipped", None, None, None, None, None, None, None, "https://media.example/v.mp4"),
    ]  # fmt: skip
    assert view(archive, "archive_media") == [dict(zip(keys, row, strict=True)) for row in expected]
    assert [row["image_count"] for row in view(archive, "archive_posts")] == [2]
