"""Fixtures of this room: archives in pairs, what is exported of one and brought into the other; all synthetic."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scraper.model import Asset, MediaResult, MediaState
from storage.archive import Archive
from storage.export.exporting import export
from storage.export.formats import Wishes, format_of
from storage.export.publishable import Clearance
from storage.filters import Filters
from storage.runs import RunStatus
from storage.settings import ArchiveSettings
from storage.transfer.bringing import Brought, Means, bring

LATER = datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=UTC)


@pytest.fixture
def another(tmp_path: Path) -> Iterator[Callable[..., Archive]]:
    """Makes one more archive: ``another("name", address=None)``."""
    opened: list[Archive] = []

    def make(name: str, address: str | None = None) -> Archive:
        opened.append(Archive.open(ArchiveSettings(folder=tmp_path / name, database=address)))
        return opened[-1]

    yield make
    for archive in opened:
        archive.close()


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Exports an archive whole: ``written(archive, with_media=True)`` is the path."""
    numbers = iter(range(1000))

    def write(archive: Archive, *, with_media: bool = False, **wishes: Any) -> Path:
        dest = tmp_path / f"export-{next(numbers)}"
        export(
            archive.database,
            archive.folder,
            format_of("jsonl"),
            dest,
            Filters(),
            clearance=Clearance(),
            cupola="cupola test",
            private=True,
            with_media=with_media,
            wishes=Wishes(**wishes),
        )
        return dest

    return write


@pytest.fixture
def means() -> Means:
    """A clock that stands still, and files that are what they are called."""
    return Means(now=lambda: LATER, recognise=lambda head: "image/jpeg")


@pytest.fixture
def brought(means: Means) -> Callable[..., Brought]:
    """Brings an export into an archive."""

    def take(archive: Archive, path: Path, **how: Any) -> Brought:
        return bring(archive, path, how.pop("means", means), **how)

    return take


@pytest.fixture
def filled(now: datetime) -> Callable[..., None]:
    """Records entries in an archive by a run of its own; with ``store`` their pictures' bytes are held."""

    def fill(
        archive: Archive,
        entries: Any,
        plan: Any,
        at: datetime = now,
        *,
        store: bool = False,
        capture: Any = None,
        source: str = "iss",
    ) -> None:
        run = archive.journal.begin(source, "mastodon", "https://social.example/@iss", now=at)
        kept = archive.captures.keep(run, capture) if capture is not None else None
        archive.record(run.id, kept, entries, plan=plan, now=at)
        if store:
            for wanted in archive.wanted(source, at, limit=100):
                asset = _held(archive, f"bytes of {wanted.attachment.url}".encode())
                result = MediaResult(
                    state=MediaState.STORED,
                    url=wanted.attachment.url,
                    asset=asset,
                    status=200,
                    headers=(("content-type", "image/jpeg"),),
                    fetched_at=at,
                )
                archive.record_media(run.id, [(wanted.attachment_id, result)], at)
        archive.journal.close(run, RunStatus.COMPLETED, now=at)

    return fill


def _held(archive: Archive, data: bytes) -> Asset:
    sha256 = hashlib.sha256(data).hexdigest()
    blob = archive.blobs.incoming()
    blob.write(data)
    blob.commit(sha256, "jpg")
    return Asset(
        sha256=sha256,
        media_type="image/jpeg",
        extension="jpg",
        size=len(data),
        width=640,
        height=480,
        exif=(("Make", "NIKON"),),
    )
