"""What is wrong in a file costs its own line: it is named with the file and the line, and all else comes in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from storage.archive import Archive
from storage.errors import ImportRefused, SourceBusy
from storage.filters import Filters
from storage.pastruns import PastRuns
from storage.queries import count, find
from storage.states import RunStatus
from storage.transfer import lines as limits
from storage.transfer.bringing import Means

Make = Callable[..., Any]


@pytest.fixture
def address() -> None:
    """What a file holds is read before any database: one is enough."""


@pytest.fixture
def out(archive: Archive, filled: Make, entry_of: Make, plan: Any, written: Make) -> Path:
    """An export of three posts with a picture each, in a folder."""
    filled(archive, [entry_of(str(number), "Bonjour", pictures=1) for number in range(3)], plan, store=True)
    path: Path = written(archive, with_media=True)
    return path


def rewrite(out: Path, number: int, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the record of a line, counted from 1."""
    file = out / "posts.jsonl"
    rows = file.read_bytes().splitlines()
    record = json.loads(rows[number - 1])
    changed = change(record)
    rows[number - 1] = changed if isinstance(changed, bytes) else json.dumps(record).encode()
    file.write_bytes(b"\n".join(rows) + b"\n")


def set_state(record: dict[str, Any]) -> None:
    record["archive"]["attachments"][0]["state"] = "eaten"


def set_time(record: dict[str, Any]) -> None:
    record["archive"]["first_seen_at"] = "yesterday"


def set_cut(record: dict[str, Any]) -> None:
    record["archive"]["state"]["segments"] = [["fr", 0, 999]]


def set_path(record: dict[str, Any]) -> None:
    record["archive"]["attachments"][0]["asset"]["extension"] = "../../../etc/x"


def set_hash(record: dict[str, Any]) -> None:
    record["archive"]["attachments"][0]["asset"]["sha256"] = "../" * 20


def set_number(record: dict[str, Any]) -> None:
    record["archive"]["attachments"][0]["width"] = 2**80


def set_decision(record: dict[str, Any]) -> None:
    record["archive"]["decisions"] = [{"who": "ana", "at": "2016-12-03T21:04:05Z", "kind": "rating", "value": 900}]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda record: b"{", "no JSON"),
        (lambda record: b"[]", "expected an object"),
        (lambda record: b"\xff\xfe{}", "no JSON"),
        (lambda record: b"[" * 5000, "no JSON"),
        (lambda record: record.pop("archive") and None, "archive is missing"),
        (lambda record: record.pop("source") and None, "names no source"),
        (lambda record: record.update(source="Iss!", key="Iss!:1"), "source id"),
        (lambda record: record.update(key="iss:other"), "is not that of its source"),
        (lambda record: record.update(text=7), "expected a text"),
        (set_state, "eaten"),
        (set_time, "expected a time"),
        (set_cut, "does not hold"),
        (set_path, "plain extension"),
        (set_hash, "named by its hash"),
        (set_number, "whole number"),
        (set_decision, "900"),
    ],
)
def test_a_bad_line_is_one_failure(
    out: Path, another: Callable[..., Archive], brought: Make, change: Callable[[dict[str, Any]], Any], told: str
) -> None:
    """It is told with file and line and recorded in the run; the other posts and their pictures are in."""
    rewrite(out, 3, change)
    copy = another("copy")
    done = brought(copy, out)
    assert (done.counts["added"], done.counts["failed"], done.counts["media_stored"]) == (2, 1, 2)
    (fault,) = done.faults
    assert "posts.jsonl, line 3: " in fault
    assert told in fault
    assert not done.is_whole
    assert count(copy.database, Filters()) == 2
    past = PastRuns(copy.database)
    (run,) = past.runs("iss")
    assert run.status.value == "partial"
    assert [failure.message for failure in past.failures(run.id)] == [fault]


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (b"", "is empty"),
        (b'{"key": "iss:1"}', "header"),
        (b"key,source\n", "no JSON"),
        (b'{"format": "cupola-archive", "version": 2}', "newer Cupola"),
        (b'{"format": "cupola-archive", "version": "1"}', "no version"),
        (b'{"format": "cupola-archive", "version": 1, "records_only": true}', "--records-only"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, archive: Archive, brought: Make, first: bytes, told: str) -> None:
    """What is no export, or one that this version cannot read, is refused before anything is brought in."""
    path = tmp_path / "posts.jsonl"
    path.write_bytes(first + b"\n" if first else b"")
    with pytest.raises(ImportRefused, match=told):
        brought(archive, path)
    with pytest.raises(ImportRefused, match="cannot be read"):
        brought(archive, tmp_path / "nothing")


def test_a_file_that_was_cut_is_told(out: Path, another: Callable[..., Archive], brought: Make) -> None:
    """The line that was cut, and what does not follow it, are told; what is before them is in."""
    file = out / "posts.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 40])
    done = brought(another("copy"), out)
    assert (done.counts["added"], done.counts["failed"]) == (2, 1)
    assert "cut off" in done.faults[0]
    file.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 1])
    done = brought(another("second"), out)
    assert "ends after 2 of 3 posts" in done.faults[0]


def test_a_line_of_great_length_is_passed_over(
    out: Path, another: Callable[..., Archive], brought: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not held in memory, and the lines around it count."""
    monkeypatch.setattr(limits, "LONGEST", 20_000)
    rewrite(out, 3, lambda record: b'{"x": "' + b"a" * 3_000_000 + b'"}')
    done = brought(another("copy"), out)
    assert (done.counts["added"], done.counts["failed"]) == (2, 1)
    assert "line 3: the line is longer" in done.faults[0]


def test_a_damaged_picture_stays_wanted(out: Path, another: Callable[..., Archive], brought: Make) -> None:
    """Other bytes, a link, a folder or nothing under the name of a picture: the post is in, its picture pending."""
    first, second, third = sorted((out / "media").rglob("*.jpg"))
    sound = first.read_bytes()
    first.write_bytes(b"x" * len(sound))
    second.unlink()
    os.symlink("/etc/hostname", second)
    third.unlink()
    copy = another("copy")
    done = brought(copy, out)
    assert (done.counts["added"], done.counts["media_failed"], done.counts["media_missing"]) == (3, 2, 1)
    assert not done.is_whole
    assert {item.state for post in find(copy.database, Filters()) for item in post.media} == {"pending"}
    assert not [file for file in (copy.folder / "media").rglob("*") if file.is_file()]
    first.write_bytes(sound)
    done = brought(copy, out)
    assert (done.counts["updated"], done.counts["media_stored"]) == (1, 1)


def test_a_file_that_is_something_else_is_not_taken(
    out: Path, another: Callable[..., Archive], brought: Make, means: Means
) -> None:
    """A page that calls itself a picture stays outside, whatever its record says."""

    def recognise(head: bytes) -> str:
        raise ValueError("an HTML page in place of a picture")

    done = brought(another("copy"), out, means=replace(means, recognise=recognise))
    assert done.counts["media_failed"] == 3
    assert "HTML page" in done.faults[0]


def test_letters_that_no_database_holds_come_in_once(out: Path, another: Callable[..., Archive], brought: Make) -> None:
    """NUL and lone surrogates become U+FFFD, and the second time nothing changes."""
    rewrite(out, 2, lambda record: record.update(author="a\0b"))
    copy = another("copy")
    brought(copy, out)
    done = brought(copy, out)
    assert (done.counts["unchanged"], done.counts["updated"]) == (3, 0)
    assert "a\ufffdb" in {post.author for post in find(copy.database, Filters())}


def test_a_post_that_stands_twice_is_one(out: Path, another: Callable[..., Archive], brought: Make) -> None:
    """Two lines of one key are united as two archives would be."""
    file = out / "posts.jsonl"
    rows = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*rows, rows[1]]))
    done = brought(another("copy"), out)
    assert (done.counts["added"], done.faults) == (3, [])


def test_a_source_that_is_worked_on_is_left_out(
    out: Path, another: Callable[..., Archive], brought: Make, now: datetime, means: Means
) -> None:
    """It is named, its posts are counted, and nothing of it is touched; afterwards they come in."""
    copy = another("copy")
    run = copy.journal.begin("iss", "mastodon", None, now=means.now())
    done = brought(copy, out)
    assert (done.counts["busy"], done.counts["added"]) == (3, 0)
    assert list(done.busy) == ["iss"]
    assert not done.is_whole
    copy.journal.close(run, RunStatus.COMPLETED, now=means.now())
    assert brought(copy, out).counts["added"] == 3
    with pytest.raises(SourceBusy):
        copy.journal.renew(run, means.now())


def test_who_asks_to_stop_can_go_on_later(
    out: Path, another: Callable[..., Archive], brought: Make, means: Means
) -> None:
    """Stopped before a batch the import ends safely, and given again it is completed."""
    copy = another("copy")
    done = brought(copy, out, means=replace(means, stopped=lambda: True))
    assert (done.interrupted, done.counts["added"]) == (True, 0)
    assert brought(copy, out).counts["added"] == 3


def test_a_rehearsal_changes_nothing(
    out: Path, archive: Archive, another: Callable[..., Archive], brought: Make
) -> None:
    """It says what would become of each post, and leaves no run behind."""
    copy = another("copy")
    done = brought(copy, out, dry_run=True)
    assert done.counts["added"] == 3
    assert (count(copy.database, Filters()), PastRuns(copy.database).runs("iss")) == (0, [])
    assert brought(archive, out, dry_run=True).counts["unchanged"] == 3
