"""What was exported whole makes an equal archive elsewhere, on either database, and once only."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from scraper.model import Precision
from storage import curation
from storage.archive import Archive
from storage.changes import Entry
from storage.curation import Say, Verdict
from storage.states import RunStatus
from storage.transfer.bringing import Brought, bring
from storage.views import VIEWS

HOUR = timedelta(hours=1)
Make = Callable[..., Any]

#: of a view, what is of one archive alone: numbers of rows and runs
_OWN = {"archive_decisions": {"id", "batch"}, "archive_revisions": {"id"}}


@pytest.fixture
def lived(
    archive: Archive, filled: Make, full_entry: Entry, entry_of: Make, plan: Any, capture_of: Make, now: datetime
) -> Archive:
    """An archive in which much has happened: edits, pictures held, removed and failed, decisions, absences."""
    answer = capture_of("https://social.example/api", b"[1]", etag='"1"')
    small = [entry_of("1", "Bonjour", pictures=2), entry_of("2", "Salut", pictures=1), entry_of("3", "", pictures=0)]
    filled(archive, [full_entry, *small], plan, store=True, capture=answer)
    edited = entry_of("1", "Bonsoir", pictures=1)
    filled(archive, [edited, (replace(full_entry[0], pinned=False), full_entry[1])], plan, now + HOUR)
    filled(archive, [entry_of("9", "Autre", source_id="blog")], plan, now + HOUR, source="blog")
    for at in (2, 3):
        run = archive.journal.begin("iss", "mastodon", "https://social.example/@iss", scope="s", now=now + at * HOUR)
        archive.record(run.id, None, [edited], plan=plan, now=now + at * HOUR)
        archive.looked(run.id, now=now + at * HOUR)
        archive.journal.close(run, RunStatus.COMPLETED, now=now + at * HOUR)
    says = [
        Say.verdict(Verdict.SELECTED),
        Say.rating(4),
        Say.tag("Île de la Cité"),
        Say.note("à revoir"),
        Say.text("caption_fr", "Bonsoir, Paris"),
    ]
    curation.decide(archive.database, ["iss:1", "iss:2"], says, who="ana", now=now + 4 * HOUR)
    alt = Say.text("alt", "Deux ponts", position=0)
    curation.decide(archive.database, ["iss:1"], [alt], who="bo", now=now + 5 * HOUR)
    curation.decide(archive.database, ["iss:2"], [Say.verdict(Verdict.REJECTED)], who="ana", now=now + 6 * HOUR)
    curation.undo(archive.database, who="ana", now=now + 7 * HOUR)
    day = Say.date(datetime(2016, 12, 2, tzinfo=UTC), Precision.DAY)
    curation.decide(archive.database, ["iss:3"], [day], who="bo", now=now + 7 * HOUR)
    return archive


def views(archive: Archive) -> dict[str, list[Any]]:
    """All rows of the public views but those of runs and failures, in an order of their own."""
    told = {}
    with archive.database.read() as connection:
        for view in VIEWS:
            if view.name in ("archive_runs", "archive_failures"):
                continue
            columns = [column for column in view.c if column.name not in _OWN.get(view.name, ())]
            rows = (tuple(row) for row in connection.execute(select(*columns)))
            told[view.name] = sorted(rows, key=repr)
    return told


def lines(path: Path) -> list[bytes]:
    return (path / "posts.jsonl" if path.is_dir() else path).read_bytes().splitlines()


def test_an_export_with_media_makes_an_equal_archive(
    lived: Archive, another: Callable[..., Archive], written: Make, brought: Make
) -> None:
    """Every row of the public views, every file, and the next export are what they were where it came from."""
    out = written(lived, with_media=True)
    copy = another("copy")
    done: Brought = brought(copy, out)
    assert done.faults == []
    assert done.counts["added"] == 5
    assert views(copy) == views(lived)
    again = written(copy, with_media=True)
    assert lines(again) == lines(out)
    assert (
        {file.name for file in (again / "media").rglob("*.jpg")}
        == {file.name for file in (out / "media").rglob("*.jpg")}
        != set()
    )


def test_twice_changes_nothing(lived: Archive, another: Callable[..., Archive], written: Make, brought: Make) -> None:
    """The second time every post is as it was, and so is the export."""
    out = written(lived, with_media=True)
    copy = another("copy")
    brought(copy, out)
    once = lines(written(copy))
    done = brought(copy, out)
    assert (done.counts["unchanged"], done.counts["added"], done.counts["updated"]) == (5, 0, 0)
    assert lines(written(copy)) == once
    done = brought(lived, out)
    assert (done.counts["unchanged"], done.counts["added"], done.counts["updated"]) == (5, 0, 0)


def test_it_goes_from_one_kind_of_database_to_the_other(
    lived: Archive,
    another: Callable[..., Archive],
    written: Make,
    brought: Make,
    address: str | None,
    server: Any,
) -> None:
    """Into a server where it came from a file, into a file where it came from a server: the export stays the same."""
    out = written(lived)
    there = server.address(server.fresh()) if address is None else None
    copy = another("there", there)
    brought(copy, out, media=lived.folder)
    assert lines(written(copy)) == lines(out)
    copy.close()


def test_pictures_may_come_later(lived: Archive, another: Callable[..., Archive], written: Make, brought: Make) -> None:
    """Without their files pictures are wanted; brought in again with the files the archive is equal."""
    out = written(lived)
    copy = another("copy")
    done = brought(copy, out)
    assert done.counts["media_missing"] == 3
    assert done.is_whole
    run = copy.journal.begin("iss", "mastodon", "https://social.example/@iss", now=datetime(2030, 1, 1, tzinfo=UTC))
    assert len(copy.wanted("iss", datetime(2030, 1, 1, tzinfo=UTC), limit=10)) == 2
    copy.journal.close(run, RunStatus.COMPLETED, now=datetime(2030, 1, 1, tzinfo=UTC))
    done = brought(copy, out, media=lived.folder)
    assert done.counts["media_stored"] == 3
    assert lines(written(copy)) == lines(out)


def test_the_records_alone_say_nothing_of_the_archive(lived: Archive, written: Make) -> None:
    """With records_only a line is the public record with its rights; the header says so."""
    header, *rows = map(json.loads, lines(written(lived, records_only=True)))
    assert (header["records_only"], header["posts"], len(rows)) == (True, 5, 5)
    assert all("archive" not in row and {"citation", "provenance", "publishable"} <= row.keys() for row in rows)


@pytest.mark.proof
def test_memory_does_not_grow_with_the_file(
    tmp_path: Path,
    archive: Archive,
    another: Callable[..., Archive],
    filled: Make,
    entry_of: Make,
    plan: Any,
    written: Make,
    means: Any,
) -> None:
    """A hundred thousand lines are brought in with what ten thousand take."""
    filled(archive, [entry_of("1", "Bonjour " * 100)], plan)
    head, line = lines(written(archive))
    path = tmp_path / "many.jsonl"
    with path.open("wb") as file:
        file.write(head.replace(b"           1}", b"      100000}") + b"\n")
        for number in range(100_000):
            file.write(
                line.replace(b'"iss:1"', b'"iss:%d"' % number).replace(b'"native_id":"1"', b'"native_id":"%d"' % number)
                + b"\n"
            )
    held: list[int] = []

    def measured(done: int, of: int) -> None:
        held.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize())

    done = bring(another("copy"), path, replace(means, progress=measured))
    assert done.counts["added"] == 100_000
    assert max(held) - held[len(held) // 10] < 48 * 2**20


_KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from storage.archive import Archive
from storage.settings import ArchiveSettings
from storage.transfer.bringing import Means, bring

def killed(done, of):
    os.kill(os.getpid(), signal.SIGKILL)

means = Means(now=lambda: datetime.now(UTC), recognise=lambda head: "image/jpeg", progress=killed)
with Archive.open(ArchiveSettings(folder=Path(sys.argv[1]))) as archive:
    bring(archive, Path(sys.argv[2]), means)
"""


def test_killed_in_the_middle_it_is_completed_by_the_next(
    tmp_path: Path,
    another: Callable[..., Archive],
    filled: Make,
    entry_of: Make,
    plan: Any,
    written: Make,
    brought: Make,
) -> None:
    """What was in by then stays, and the same import given again brings the rest: the archive is equal."""
    whole = another("whole")
    filled(whole, [entry_of(str(number)) for number in range(500)], plan)
    out = written(whole)
    done = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path / "copy"), str(out)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    copy = another("copy")
    again = brought(copy, out)
    assert (again.counts["unchanged"], again.counts["added"], again.busy) == (400, 100, {})
    assert lines(written(copy)) == lines(out)
