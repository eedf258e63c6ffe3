"""Fixtures of this room: an archive of its own in a temporary folder, a run on it, posts written by ourselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from scraper.capture import Capture, Request
from scraper.model import (
    Attachment,
    CreditLine,
    DateOrigin,
    Lang,
    MediaKind,
    MediaState,
    Post,
    Precision,
    Published,
    Reading,
    Segment,
    Split,
)
from storage.archive import Archive
from storage.changes import Entry
from storage.runs import Run
from storage.settings import ArchiveSettings


@pytest.fixture
def now() -> datetime:
    """The time at which everything happens here."""
    return datetime(2016, 12, 3, 21, 4, 5, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The archive's folder, with a name that must be quoted in an address."""
    return tmp_path / "Proxima é #1?"


@pytest.fixture
def settings(folder: Path, address: str | None) -> ArchiveSettings:
    """Where the archive is: all in its folder, then with its database on a PostgreSQL server."""
    return ArchiveSettings(folder=folder, database=address)


@pytest.fixture
def archive(settings: ArchiveSettings) -> Iterator[Archive]:
    """A new archive."""
    with Archive.open(settings) as opened:
        yield opened


@pytest.fixture
def held(tmp_path: Path, make_archive: Callable[..., Any], address: str | None) -> Any:
    """An empty archive to which posts are added row by row, on either database."""
    return make_archive(tmp_path / "archive", address)


@pytest.fixture
def run(archive: Archive, now: datetime) -> Run:
    """A run of the source ``iss`` that is open."""
    return archive.journal.begin("iss", "mastodon", "https://social.example/@iss", now=now)


@pytest.fixture
def split_of() -> Callable[..., Split]:
    """Makes a split from pairs of language and text."""

    def make(*pieces: tuple[str, str], confidence: float = 1.0, needs_review: bool = False) -> Split:
        segments, at = [], 0
        for lang, text in pieces:
            segments.append(Segment(lang=Lang(lang), text=text, start=at, end=at + len(text)))
            at += len(text)
        return Split(segments=tuple(segments), confidence=confidence, needs_review=needs_review)

    return make


@pytest.fixture
def full_entry(split_of: Callable[..., Split]) -> Entry:
    """A post and its reading with no field left at its default; synthetic."""
    split = split_of(
        ("fr", "« Bonsoir Paris 🌃 »"),
        ("none", "\n"),
        ("en", '"Good evening Paris"'),
        ("none", "\nThomas Pesquet, Proxima mission image 03/12/2016 #Proxima"),
        confidence=0.75,
        needs_review=True,
    )
    title_split = split_of(("fr", "Paris de nuit"), ("none", " / "), ("en", "Paris by night"), confidence=0.5)
    title_split = Split(segments=title_split.segments, confidence=0.5, needs_review=True)
    at = datetime(2016, 12, 3, 20, 15, 0, tzinfo=UTC)
    post = Post(
        source_id="iss",
        native_id="109:7/é",
        url="https://social.example/@iss/109",
        author="Thomas Pesquet",
        author_url="https://social.example/@iss",
        title=title_split.body,
        body=split.body,
        published=Published(at=at, precision=Precision.MINUTE, origin=DateOrigin.PAGE, zone_known=False),
        edited_at=datetime(2016, 12, 4, 1, 2, 3, 456789, tzinfo=UTC),
        attachments=(
            Attachment(
                url="https://media.example/paris.jpg",
                kind=MediaKind.VIDEO,
                alternatives=("https://media.example/paris-small.jpg",),
                native_id="m1",
                alt="Paris, la nuit",
                media_type="image/jpeg",
                width=4928,
                height=3280,
                size=5_000_000_000,
                credit="ESA/NASA",
            ),
        ),
        hashtags=("Proxima",),
        languages=("fr", "en"),
        content_warning="night lights",
        credit="ESA",
        license="CC BY-SA IGO 3.0",
        license_url="https://creativecommons.org/licenses/by-sa/3.0/igo/",
        in_reply_to="108",
        pinned=True,
        opt_outs=("noindex",),
    )
    reading = Reading(
        split=split,
        title_split=title_split,
        credit=CreditLine(
            text="Thomas Pesquet, Proxima mission image 03/12/2016",
            start=41,
            person="Thomas Pesquet",
            agency="ESA",
            mission="Proxima",
            day=date(2016, 12, 3),
            other_reading=date(2016, 3, 12),
            files=("iss050e012345",),
        ),
        mission="proxima",
        published=Published.on_day(date(2016, 12, 3), DateOrigin.CAPTION),
        hashtags=("Proxima", "Épopée"),
    )
    return post, reading


@pytest.fixture
def entry_of(split_of: Callable[..., Split]) -> Callable[..., Entry]:
    """Makes a small post with its reading: ``entry_of("1", "Bonjour", pictures=2, title=…)``; synthetic."""

    def make(native_id: str, body: str = "Bonjour", *, pictures: int = 1, **stated: Any) -> Entry:
        published = Published(
            at=datetime(2016, 12, 3, 20, tzinfo=UTC), precision=Precision.SECOND, origin=DateOrigin.API
        )
        attachments = tuple(
            Attachment(url=f"https://media.example/{native_id}/{index}.jpg") for index in range(pictures)
        )
        post = Post(
            **{
                "source_id": "iss",
                "native_id": native_id,
                "body": body,
                "published": published,
                "attachments": attachments,
            }
            | stated
        )
        pieces = [("fr", body)] if body else []
        return post, Reading(split=split_of(*pieces), published=post.published, hashtags=post.hashtags)

    return make


@pytest.fixture
def plan() -> Callable[[Attachment], tuple[MediaState, str | None]]:
    """Everything is wanted but videos."""

    def planned(attachment: Attachment) -> tuple[MediaState, str | None]:
        if attachment.kind is MediaKind.VIDEO:
            return MediaState.SKIPPED, "videos are not taken"
        return MediaState.PENDING, None

    return planned


@pytest.fixture
def capture_of(now: datetime) -> Callable[..., Capture]:
    """Makes an answer: ``capture_of("https://…", b"body", etag='"1"')``; other words are headers."""

    def make(url: str, body: bytes = b"<p>Bonjour</p>", *, status: int = 200, **headers: str) -> Capture:
        named = {"content-type": "text/html"} | {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request(url=url, token="read-token", carry="page 2", accept="text/html")
        return Capture(request=request, url=url, status=status, headers=named, body=body, fetched_at=now)

    return make
