"""What tests of several rooms share: an archive with posts of the test's own choice."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from jobs.cli import main

# how long an example takes says more about the machine than about us
hypothesis.settings.register_profile("cupola", deadline=None)
hypothesis.settings.load_profile("cupola")

NOW = datetime(2017, 6, 2, 12, 0, 0, 250000, tzinfo=UTC)


@dataclass
class HeldArchive:
    """An archive on the disk, written row by row; ``folder`` is what ``--archive`` takes."""

    folder: Path
    database: Any
    _sources: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        native_id: str,
        *,
        source: str = "esa-proxima",
        fr: str | None = None,
        en: str | None = None,
        other: str | None = None,
        published: date | datetime | None = None,
        precision: str | None = None,
        pictures: tuple[dict[str, Any], ...] = (),
        hashtags: tuple[str, ...] = (),
        mission: str | None = None,
        needs_review: bool = False,
        captured: bool = True,
        credit_line: str | None = None,
        **stated: Any,
    ) -> str:
        """One post; its body is the captions, a line each. Returns its key."""
        from sqlalchemy import insert

        from scraper.model import CreditLine, DateOrigin, Lang, Post, Precision, Published, Reading, Segment, Split
        from storage.rows import hashtag_rows, post_row, segment_rows
        from storage.schema import CaptureRecord, HashtagRecord, PostRecord, SegmentRecord

        pieces: list[tuple[Lang, str]] = []
        credit = None
        for lang, text in ((Lang.FR, fr), (Lang.EN, en), (Lang.OTHER, other), (Lang.NONE, credit_line)):
            if text is not None:
                pieces += [(Lang.NONE, "\n")] * bool(pieces) + [(lang, text)]
        segments, at = [], 0
        for lang, text in pieces:
            segments.append(Segment(lang=lang, text=text, start=at, end=at + len(text)))
            at += len(text)
        if credit_line is not None:
            credit = CreditLine(
                text=credit_line,
                start=at - len(credit_line),
                day=published if isinstance(published, date) else None,
                other_reading=date(2016, 3, 12),
            )
        when = None
        if isinstance(published, datetime):
            when = Published(at=published, precision=Precision(precision or "second"), origin=DateOrigin.API)
        elif published is not None:
            when = Published.on_day(published, DateOrigin.CAPTION)
        split = Split(segments=tuple(segments), needs_review=needs_review)
        post = Post(source_id=source, native_id=native_id, body=split.body, published=when, **stated)
        reading = Reading(split=split, published=when, mission=mission, hashtags=hashtags, credit=credit)
        run_id = self._run(source)
        with self.database.write() as connection:
            capture_id = None
            if captured:
                capture_id = connection.execute(
                    insert(CaptureRecord).values(**_capture(run_id, source, f"https://esa.example/{native_id}"))
                ).inserted_primary_key[0]
            row = post_row(post, reading) | {"content_hash": "1:abc", "first_seen_at": NOW, "changed_at": NOW}
            post_id = connection.execute(
                insert(PostRecord).values(**row, run_id=run_id, capture_id=capture_id)
            ).inserted_primary_key[0]
            for record, rows in (
                (SegmentRecord, segment_rows(post_id, reading)),
                (HashtagRecord, hashtag_rows(post_id, reading)),
            ):
                if rows:
                    connection.execute(insert(record), rows)
            for position, picture in enumerate(pictures):
                self._add_picture(connection, post_id, position, dict(picture))
        return post.key

    def _run(self, source: str) -> int:
        from storage.runs import Journal, RunStatus

        if source not in self._sources:
            journal = Journal(self.database)
            run = journal.begin(source, "esa_gallery", "https://esa.example/", now=NOW)
            journal.close(run, RunStatus.COMPLETED, counts={"posts_added": 1}, now=NOW)
            self._sources[source] = run.id
        return self._sources[source]

    def _add_picture(self, connection: Any, post_id: int, position: int, picture: dict[str, Any]) -> None:
        from sqlalchemy import insert, select

        from storage.blobs import relative_path
        from storage.schema import AssetRecord, AttachmentRecord

        data: bytes | None = picture.pop("data", None)
        url = picture.pop("url", f"https://esa.example/{post_id}/{position}.jpg")
        row = {
            "post_id": post_id,
            "key": url,
            "occurrence": 0,
            "position": position,
            "url": url,
            "kind": "image",
            "alternatives": (),
            "state": "pending",
            "first_seen_at": NOW,
        } | picture
        if data is not None:
            sha256 = hashlib.sha256(data).hexdigest()
            path = self.folder / relative_path(sha256, "jpg")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            if connection.execute(select(AssetRecord.sha256).where(AssetRecord.sha256 == sha256)).scalar() is None:
                asset = {
                    "media_type": "image/jpeg",
                    "extension": "jpg",
                    "size": len(data),
                    "width": 640,
                    "height": 480,
                    "exif": (),
                }
                connection.execute(insert(AssetRecord).values(sha256=sha256, first_seen_at=NOW, **asset))
            row |= {"state": "stored", "sha256": sha256, "fetched_url": url, "attempts": 1}
        connection.execute(insert(AttachmentRecord).values(**row))


def _capture(run_id: int, source: str, url: str) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "source_id": source,
        "requested_url": url,
        "url": url,
        "access": "page",
        "status": 200,
        "headers": (("content-type", "text/html"),),
        "fetched_at": NOW,
        "sha256": "ab" * 32,
        "size": 1000,
    }


@pytest.fixture
def make_archive() -> Iterator[Callable[[Path], HeldArchive]]:
    """Makes an archive in a folder, with the posts that are then added to it; all synthetic."""
    from storage.engine import open_database

    opened = []

    def make(folder: Path) -> HeldArchive:
        database = open_database(folder)
        opened.append(database)
        return HeldArchive(folder, database)

    yield make
    for database in opened:
        database.close()


@pytest.fixture
def held(tmp_path: Path, make_archive: Callable[[Path], HeldArchive]) -> HeldArchive:
    """An empty archive."""
    return make_archive(tmp_path / "archive")


@dataclass(frozen=True)
class Answer:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str


@pytest.fixture
def cupola(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Runs the console script ``cupola`` in this process, on a terminal that is ``columns`` wide."""

    def run(*arguments: str, columns: int = 80) -> Answer:
        monkeypatch.setattr(sys, "argv", ["cupola", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", str(columns))
        capsysbinary.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.cupola()
        told = capsysbinary.readouterr()
        assert isinstance(ended.value.code, int)
        return Answer(ended.value.code, told.out.decode(), told.err.decode())

    return run
