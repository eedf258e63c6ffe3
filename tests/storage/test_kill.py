"""Killed at any point, the archive opens, is whole, and the next run completes it at once."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from storage.archive import Archive
from storage.changes import Change, Entry
from storage.damage import Share
from storage.indexcheck import damages
from storage.runs import RunStatus
from storage.settings import ArchiveSettings

ROOT = Path(__file__).parents[2]
PAGES, SIZE = 400, 10

# a harvest as the pipeline does it: capture, posts, validators, pictures; page after page, until it is killed
HARVEST = """
import sys; from datetime import UTC, datetime; from pathlib import Path
from scraper.capture import Capture, Request
from scraper.model import *
from storage.archive import Archive
from storage.settings import ArchiveSettings
pages, size = int(sys.argv[2]), int(sys.argv[3])
now = datetime(2016, 12, 3, tzinfo=UTC)
archive = Archive.open(ArchiveSettings(folder=Path(sys.argv[1]), database=sys.argv[4] or None))
run = archive.journal.begin("iss", "mastodon", None, now=now)
plan = lambda attachment: (MediaState.PENDING, None)
def entry(native_id):
    body = f"Bonjour {native_id}"
    segments = (Segment(lang=Lang.FR, text=body, start=0, end=len(body)),)
    attachments = (Attachment(url=f"https://media.example/{native_id}.jpg"),)
    post = Post(source_id="iss", native_id=native_id, body=body, attachments=attachments, hashtags=("A",))
    return post, Reading(split=Split(segments=segments), hashtags=("A",))
print("begun", flush=True)
for page in range(pages):
    url = f"https://social.example/{page}"
    capture = Capture(request=Request(url=url), url=url, status=200, headers={"etag": str(page)},
                      body=b"page %d " % page * 50, fetched_at=now)
    number = archive.captures.keep(run, capture)
    archive.record(run.id, number, [entry(f"{page}-{at}") for at in range(size)], plan=plan, now=now)
    archive.captures.save_validators("iss", url, number)
    asset = Asset(sha256=f"{page:064x}", media_type="image/jpeg", extension="jpg", size=1, width=1, height=1)
    archive.record_media(run.id, [
        (item.attachment_id, MediaResult(state=MediaState.STORED, asset=asset, status=200, fetched_at=now))
        for item in archive.wanted("iss", now, limit=size)
    ], now)
print("done", flush=True)
"""


def query(archive: Archive, sql: str) -> list[Any]:
    with archive.database.read() as connection:
        return list(connection.exec_driver_sql(sql).scalars())


def killed_after(seconds: float, settings: ArchiveSettings) -> None:
    """Let a harvest run and kill it without warning so many seconds after it has begun."""
    given = (settings.folder, PAGES, SIZE, settings.database or "")
    arguments = [sys.executable, "-c", HARVEST, *map(str, given)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        rest = process.stdout.read()
        timer.cancel()
    assert rest == "", "it ended before it was killed"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_in_the_middle(
    settings: ArchiveSettings, now: datetime, plan: Any, entry_of: Callable[..., Entry], seed: int
) -> None:
    """After a kill the database is sound, every page is whole or absent, and a run can begin without waiting."""
    killed_after(random.Random(seed).uniform(0.0, 0.4), settings)
    with Archive.open(settings) as archive:
        with archive.database.read() as connection:
            assert list(archive.database.faults(connection)) == []
        assert list(damages(archive.database, Share())) == []
        run = archive.journal.begin("iss", "mastodon", None, now=now)
        assert [told.status for told in archive.journal.runs()] == [RunStatus.RUNNING, RunStatus.ABANDONED]
        _assert_whole_pages(archive)
        _assert_captures(archive)
        recorded = archive.record(run.id, None, [entry_of("next")], plan=plan, now=now)
        assert recorded.changes == {"iss:next": Change.ADDED}


def _assert_whole_pages(archive: Archive) -> None:
    """No half page, nothing of a post without the rest of it, validators only for what was recorded."""
    posts = query(archive, "SELECT native_id FROM posts")
    pages = {name.partition("-")[0] for name in posts}
    assert len(posts) == len(pages) * SIZE
    for table in ("segments", "hashtags", "attachments"):
        assert query(archive, f"SELECT count(*) FROM {table}") == [len(posts)]
    asked = query(archive, "SELECT url FROM validators")
    assert {url.rpartition("/")[2] for url in asked} <= pages
    assert query(archive, "SELECT count(*) FROM attachments WHERE state = 'stored' AND sha256 IS NULL") == [0]


def _assert_captures(archive: Archive) -> None:
    """Every index row can be read back, and the WARC file ends with the last one."""
    urls = query(archive, "SELECT DISTINCT requested_url FROM captures WHERE file IS NOT NULL")
    for url in urls:
        held = archive.captures.held("iss", url)
        assert held is not None
        assert held.body.startswith(f"page {url.rpartition('/')[2]} ".encode())
    files = list((archive.folder / "warc").glob("*"))
    assert len(files) == (1 if urls else 0)
    for file in files:
        with file.open("rb") as stream:
            responses = [record for record in ArchiveIterator(stream) if record.rec_type == "response"]
        assert len(responses) == len(urls)


@pytest.mark.slow
def test_killed_while_it_is_made(tmp_path: Path) -> None:
    """Killed while a new archive is made, the next one that opens it makes it."""
    script = (
        "import sys; from pathlib import Path; from storage.engine import open_database\n"
        "print('begun', flush=True); open_database(Path(sys.argv[1]))"
    )
    for number in range(4):
        folder = tmp_path / str(number)
        arguments = [sys.executable, "-c", script, str(folder)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            timer = threading.Timer(number * 0.06, process.kill)
            timer.start()
            process.wait()
            timer.cancel()
        with Archive.open(ArchiveSettings(folder=folder)) as archive:
            assert query(archive, "SELECT count(*) FROM archive_posts") == [0]
            assert query(archive, "PRAGMA integrity_check") == ["ok"]
