"""An archive as runs make it, with recorded answers and pictures, and a way to take it out; all synthetic."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from scraper.capture import Access, Capture, Request
from scraper.model import (
    Asset,
    Attachment,
    DateOrigin,
    Lang,
    MediaResult,
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
from storage.export.exporting import Report, export
from storage.export.formats import format_of
from storage.export.publishable import Clearance
from storage.filters import Filters
from storage.runs import Run
from storage.schema import PostRecord

NOW = datetime(2016, 12, 3, 21, 4, 5, tzinfo=UTC)


@dataclass
class Kept:
    """An archive in the middle of a run of the source ``iss``."""

    archive: Archive
    run: Run
    pictures: dict[str, bytes] = field(default_factory=dict)

    def entry(self, number: str, body: str, *pictures: str, **stated: Any) -> Entry:
        """A post in French, with a picture of that name each."""
        post = Post(
            source_id="iss",
            native_id=number,
            url=f"https://social.example/@iss/{number}",
            author="Thomas Pesquet",
            body=body,
            published=Published(at=NOW, precision=Precision.SECOND, origin=DateOrigin.API),
            attachments=tuple(Attachment(url=f"https://media.example/{name}.jpg") for name in pictures),
            credit="ESA/NASA",
            **{"license": "CC BY-SA IGO 3.0"} | stated,
        )
        split = Split(segments=(Segment(lang=Lang.FR, text=body, start=0, end=len(body)),))
        return post, Reading(split=split, published=post.published)

    def page(self, url: str, *entries: Entry, body: bytes | None = None) -> int:
        """An answer of an API with these posts, recorded with them; the number of its row."""
        told = [{"id": post.native_id, "url": post.url, "content": f"<p>{post.body}</p>"} for post, _ in entries]
        capture = Capture(
            request=Request(url=url, access=Access.API),
            url=url,
            status=200,
            headers={"content-type": "application/json" if body is None else "text/html", "content-encoding": "gzip"},
            body=json.dumps(told).encode() if body is None else body,
            fetched_at=NOW,
        )
        number = self.archive.captures.keep(self.run, capture)
        self.archive.record(self.run.id, number, list(entries), plan=lambda item: (MediaState.PENDING, None), now=NOW)
        return number

    def take(self, *failing: str) -> None:
        """Take all pictures that are wanted, but for those of these names."""
        results = []
        for wanted in self.archive.wanted("iss", NOW, limit=99):
            url = str(wanted.attachment.url)
            name = url.rpartition("/")[2].removesuffix(".jpg")
            if name in failing:
                continue
            data = self.pictures.setdefault(name, f"the picture {name} ".encode() * 50)
            sha256 = hashlib.sha256(data).hexdigest()
            asset = Asset(sha256=sha256, media_type="image/jpeg", extension="jpg", size=len(data), width=4, height=3)
            incoming = self.archive.blobs.incoming()
            incoming.write(data)
            incoming.commit(sha256, "jpg")
            headers = (("content-type", "image/jpeg"), ("content-length", "1"), ("x-ray", "é"))
            result = MediaResult(
                state=MediaState.STORED, asset=asset, url=url, status=200, headers=headers, fetched_at=NOW
            )
            results.append((wanted.attachment_id, result))
        self.archive.record_media(self.run.id, results, NOW)

    def set(self, number: str, **values: Any) -> None:
        """Change columns of a post's row."""
        with self.archive.database.write() as connection:
            connection.execute(update(PostRecord).where(PostRecord.native_id == number).values(**values))

    def file_of(self, name: str) -> Path:
        """The file of a picture."""
        sha256 = hashlib.sha256(self.pictures[name]).hexdigest()
        return self.archive.folder / f"media/{sha256[:2]}/{sha256[2:4]}/{sha256}.jpg"

    def export(self, kind: str, dest: Path, **words: Any) -> Report:
        """Take the archive out."""
        given: dict[str, Any] = {"clearance": Clearance(), "cupola": "cupola 1.0"} | words
        return export(self.archive.database, self.archive.folder, format_of(kind), dest, Filters(), **given)


@pytest.fixture
def kept(archive: Archive, run: Run) -> Kept:
    """An empty archive in the middle of a run."""
    return Kept(archive, run)


@pytest.fixture
def voyage(kept: Kept) -> Kept:
    """Three posts of two answers; a picture is shared by two, and one is not held."""
    one = kept.entry("100001", "Bonjour la Terre, vue d’en haut", "terre", "partage")
    two = kept.entry("100002", '=HYPERLINK("x") Paris, la nuit\nsous les nuages', "partage", "absente")
    three = kept.entry("100003", "Le Nil, un fil de lumière dans le désert", "nil", license="domaine public")
    kept.page("https://social.example/api/1", one, two)
    kept.page("https://social.example/api/2", three)
    kept.take("absente")
    return kept


@pytest.fixture
def again() -> Callable[[Path], dict[str, bytes]]:
    """What a file or a folder holds, by name."""

    def read(path: Path) -> dict[str, bytes]:
        if path.is_file():
            return {"": path.read_bytes()}
        return {str(found.relative_to(path)): found.read_bytes() for found in path.rglob("*") if found.is_file()}

    return read
