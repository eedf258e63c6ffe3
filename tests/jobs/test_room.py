"""The disk guard: under a set free space no picture is taken, texts go on, and it resumes by itself."""

from __future__ import annotations

import io
import logging
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from PIL import Image

from jobs.pipeline import NO_ROOM, harvest
from jobs.report import Outcome
from jobs.room import Room
from jobs.visit import Means, Unplugged, Visit
from scraper.capture import Access, Capture, Request
from scraper.client import Sink, Streamed
from scraper.model import Attachment, Post
from scraper.settings import HttpSettings, SourceOptions
from scraper.source import Source
from storage.archive import Archive
from storage.settings import ArchiveSettings

MIB = 2**20
NOW = datetime(2017, 6, 10, 12, 0, tzinfo=UTC)


class Album(Source[SourceOptions]):
    """A source of this test: one post with forty pictures. All synthetic."""

    kind: ClassVar[str] = "album"
    summary = "for tests"
    example = "https://album.example/"
    options_type = SourceOptions
    media_access = Access.API

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        yield Request(url=self.options.url, access=Access.API)

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request]:
        pictures = tuple(Attachment(url=f"{self.options.url}{number}.png") for number in range(40))
        yield Post(source_id=self.id, native_id="1", body=capture.text, attachments=pictures)


class Web(Unplugged):
    """Gives pictures of noise, of 190 kB each, no two the same."""

    def fetch(self, request: Request) -> Capture:
        return Capture(request=request, url=request.url, status=200, headers={}, body=b"Album", fetched_at=NOW)

    def stream(self, request: Request, sink: Sink, *, max_bytes: int | None = None) -> Streamed:
        noise, picture = random.Random(request.url), io.BytesIO()
        Image.frombytes("RGB", (252, 252), noise.randbytes(252 * 252 * 3)).save(picture, "PNG")
        headers = {"content-type": "image/png"}
        sink.begin(request.url, headers)
        sink.write(picture.getvalue())
        return Streamed(url=request.url, status=200, headers=headers, size=picture.tell(), fetched_at=NOW)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or mount is None or umount is None:
        pytest.skip("only root can mount a small file system")
    made = subprocess.run([mount, "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip(f"no small file system can be mounted here: {made.stderr.decode().strip()}")
    yield folder
    subprocess.run([umount, str(folder)], check=True)


def test_a_real_disk_fills_and_is_freed(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is short while a file fills it, and has room again when the file is gone; each is said once."""
    (small_disk / "media").mkdir()
    room = Room(small_disk, 4 * MIB)
    with caplog.at_level(logging.WARNING):
        assert room()
        (small_disk / "big").write_bytes(bytes(5 * MIB))
        assert not room()
        assert not room()
        (small_disk / "big").unlink()
        assert room()
    assert len(caplog.records) == 2


def test_a_visit_leaves_the_disk_its_free_space(small_disk: Path) -> None:
    """Pictures are taken until there is as little left as shall be kept, and the rest once there is room again."""
    (small_disk / "big").write_bytes(bytes(4 * MIB))
    room = Room(small_disk, 2 * MIB)
    source = Album("album", SourceOptions(url="https://album.example/"))
    means = Means(web=Web(), http=HttpSettings(rate="none"), missions=(), now=lambda: NOW, room=room)
    with Archive.open(ArchiveSettings(folder=small_disk)) as archive:
        report = harvest(Visit(source=source), archive, means)
        assert (report.outcome, report.posts_added, report.notes) == (Outcome.COMPLETED, 1, [NO_ROOM])
        assert 0 < report.media_stored < 40
        assert report.media_pending == 40 - report.media_stored
        # each of four workers may have been at a picture, and the archive notes what it has
        assert shutil.disk_usage(small_disk).free > MIB
        (small_disk / "big").unlink()
        again = harvest(Visit(source=source, listing=False), archive, means)
        assert again.media_stored > 10


def test_it_resumes_only_with_a_little_more(tmp_path: Path) -> None:
    """What is freed by a hair does not begin it again, so that it is not said each minute."""
    free = [1000]
    room = Room(tmp_path, 1000, free=lambda _: free[0])
    told = []
    for free[0] in (1000, 999, 1001, 1049, 1050, 1001, 999):
        told.append(room())
    assert told == [True, False, False, False, True, True, False]


def test_a_disk_that_does_not_say_is_not_guarded(tmp_path: Path) -> None:
    """Nothing is held back for a disk that cannot be asked."""
    space = Room(tmp_path / "nothing", 1000).look()
    assert (space.free, space.is_short) == (None, False)
