"""What is damaged is found, fetched again by a normal run or by retry, and kept aside: the whole way round."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, ClassVar

import pytest
from PIL import Image

from jobs.errors import Interrupted
from jobs.fixity import Audit, audit
from jobs.pipeline import harvest
from jobs.visit import Means, Visit
from scraper.capture import Access, Capture, Request
from scraper.client import Sink, Streamed
from scraper.errors import Gone
from scraper.model import Attachment, Post
from scraper.settings import HttpSettings, SourceOptions
from scraper.source import Source
from storage.archive import Archive
from storage.backup import back_up
from storage.mending import ask_again
from storage.reports import reports
from storage.settings import ArchiveSettings
from storage.turns import covered
from storage.verify import Report, verify

URL, PICTURE = "https://wall.example/", "https://wall.example/1.png"
NOW = datetime(2017, 6, 10, 12, 0, tzinfo=UTC)


class Wall(Source[SourceOptions]):
    """A source of this test: one page, one post, one picture. All synthetic."""

    kind: ClassVar[str] = "wall"
    summary = "for tests"
    example = URL
    options_type = SourceOptions
    media_access = Access.API

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        yield Request(url=URL, access=Access.API)

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request]:
        yield Post(source_id=self.id, native_id="1", body=capture.text, attachments=(Attachment(url=PICTURE),))


class Web:
    """The web of this test; counts what it is asked for, and whether with a validator."""

    def __init__(self) -> None:
        picture = io.BytesIO()
        Image.new("RGB", (32, 32), "navy").save(picture, "PNG")
        self.picture: bytes | None = picture.getvalue()
        self.asked: list[tuple[str, str | None]] = []

    def fetch(self, request: Request) -> Capture:
        self.asked.append((request.url, request.etag))
        headers = {"etag": '"1"', "content-type": "text/plain"}
        status, body = (304, b"") if request.etag else (200, b"Bonjour la Terre")
        return Capture(request=request, url=URL, status=status, headers=headers, body=body, fetched_at=NOW)

    def stream(self, request: Request, sink: Sink, *, max_bytes: int | None = None, **_: Any) -> Streamed:
        self.asked.append((request.url, None))
        if self.picture is None:
            raise Gone(f"{request.url}: answered 404", url=request.url, status=404)
        headers: Mapping[str, str] = {"content-length": str(len(self.picture)), "content-type": "image/png"}
        sink.begin(request.url, headers)
        sink.write(self.picture)
        return Streamed(url=request.url, status=200, headers=headers, size=len(self.picture), fetched_at=NOW)


class Place:
    """An archive that has visited the wall once."""

    def __init__(self, folder: Path) -> None:
        self.web = Web()
        self.archive = Archive.open(ArchiveSettings(folder=folder))
        self.visit()
        (self.picture,) = folder.glob("media/*/*/*.png")
        assert self.verify().is_sound
        self.web.asked.clear()

    def visit(self, **how: Any) -> Any:
        means = Means(web=self.web, http=HttpSettings(rate="none"), missions=(), now=lambda: NOW)
        return harvest(Visit(source=Wall("wall", SourceOptions(url=URL)), **how), self.archive, means)

    def verify(self) -> Report:
        return verify(self.archive.database, self.archive.folder)

    def audit(self, **how: Any) -> Audit:
        means = Means(web=self.web, http=HttpSettings(rate="none"), missions=(), now=lambda: NOW, **how)
        return audit(self.archive, means, within=timedelta(days=1), every=timedelta(days=1))

    def mend(self) -> None:
        ask_again(self.archive.database, self.archive.folder, self.verify().damage, NOW)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "archive")
    with made.archive:
        yield made


def test_a_damaged_picture_is_fetched_by_the_next_run(place: Place) -> None:
    """Without --mend nobody knows; with it the next run takes it, and the damaged bytes are kept aside."""
    whole = place.picture.read_bytes()
    place.picture.write_bytes(b"rot" + whole[3:])
    place.visit()
    assert PICTURE not in [url for url, _ in place.web.asked]
    place.mend()
    assert place.picture.read_bytes() == b"rot" + whole[3:]
    report = place.visit()
    assert report.media_stored == 1
    found = place.verify()
    assert found.is_sound
    assert place.picture.read_bytes() == whole
    (aside,) = found.aside
    assert (place.archive.folder / aside).read_bytes() == b"rot" + whole[3:]


def test_a_damaged_picture_that_is_gone_at_its_source_stays_where_it_is(place: Place) -> None:
    """The bytes that are left are kept, and verify goes on telling of them."""
    place.picture.write_bytes(b"rot")
    place.mend()
    place.web.picture = None
    assert place.visit().media_gone == 1
    assert place.picture.read_bytes() == b"rot"
    assert not place.verify().is_sound


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_retry_finds_what_is_missing_by_itself(place: Place, spoil: Any) -> None:
    """A picture without its file, or with an empty one, is taken again by `cupola retry`; no page is asked for."""
    spoil(place.picture)
    report = place.visit(listing=False)
    assert report.media_stored == 1
    assert [url for url, _ in place.web.asked] == [PICTURE]
    assert place.verify().is_sound


def test_the_page_of_a_damaged_answer_is_asked_for_whole(place: Place) -> None:
    """Its validators go; the sound answer takes the place of the damaged one in the index."""
    (file,) = (place.archive.folder / "warc").iterdir()
    with place.archive.database.read() as connection:
        at = connection.exec_driver_sql(
            'SELECT "offset" + length - 6 FROM captures WHERE file IS NOT NULL'
        ).scalar_one()
    data = bytearray(file.read_bytes())
    data[at] ^= 0xFF
    file.write_bytes(data)
    assert not place.verify().is_sound
    place.mend()
    place.visit()
    assert place.web.asked[0] == (URL, None)
    held = place.archive.captures.held("wall", URL)
    assert held is not None
    assert held.body == b"Bonjour la Terre"
    place.visit()
    assert place.web.asked[-1] == (URL, '"1"')
    assert [item.message.partition(":")[0] for item in place.verify().damage] == [
        "what was asked, or came again, cannot be read back"
    ]
    place.mend()
    found = place.verify()
    assert found.is_sound
    assert [name.rpartition("/")[0] for name in found.aside] == ["warc/.damaged"]
    place.visit()
    assert place.web.asked[-1] == (URL, '"1"')


def test_the_audit_finds_asks_again_and_keeps_a_report(place: Place) -> None:
    """A retry of what is due brings the picture back; the report tells it, and when all was read last."""
    whole = place.picture.read_bytes()
    place.picture.write_bytes(b"rot")
    found = place.audit()
    assert (len(found.report.damage), found.mended.pictures) == (1, 1)
    told = json.loads(found.path.read_text())
    assert (told["damage"][0]["trouble"], told["asked_again"]["pictures"]) == ("mismatch", 1)
    assert (told["covered"], told["began"]) == ({"share": 1.0, "oldest": NOW.isoformat()}, NOW.isoformat())
    assert place.visit(listing=False, due_only=True).media_stored == 1
    assert place.picture.read_bytes() == whole
    again = place.audit()
    assert (again.report.is_sound, len(again.report.aside)) == (True, 1)
    assert reports(place.archive.folder, "fixity") == [again.path]


def test_an_audit_that_is_stopped_is_made_again(place: Place) -> None:
    """It ends within a file, notes nothing and leaves no report."""
    stop = Event()
    stop.set()
    with pytest.raises(Interrupted):
        place.audit(stop=stop)
    assert covered(place.archive.folder).oldest is None
    assert reports(place.archive.folder, "fixity") == []


def test_a_damaged_picture_that_comes_back_with_other_bytes_is_a_new_one(place: Place, tmp_path: Path) -> None:
    """What the source shows now is held; the damaged file is put aside, kept, and told of there and nowhere else."""
    place.picture.write_bytes(b"rot")
    place.audit()
    picture = io.BytesIO()
    Image.new("RGB", (32, 32), "white").save(picture, "PNG")
    place.web.picture = picture.getvalue()
    assert place.visit().media_stored == 1
    assert place.picture.read_bytes() == b"rot"
    found = place.audit()
    assert [item.sha256 for item in found.report.damage] == [place.picture.stem]
    assert (found.mended.pictures, found.mended.replaced) == (0, 1)
    assert not place.picture.exists()
    again = verify(place.archive.database, place.archive.folder)
    assert (again.is_sound, again.orphans, again.unreferenced) == (True, (), ())
    (aside,) = again.aside
    assert (place.archive.folder / aside).read_bytes() == b"rot"
    assert back_up(place.archive.database, place.archive.folder, tmp_path / "copy", now=NOW).is_sound
    (held,) = place.archive.entry("wall:1")[0].attachments
    assert held.url == PICTURE
