"""Captures are kept byte for byte, once, before their index row, and are read back as they came."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker

from scraper.capture import Access, Capture, Request
from storage import warc
from storage.archive import Archive
from storage.errors import SourceBusy, StorageError
from storage.processes import Process
from storage.runs import Run, RunStatus
from storage.schema import CaptureRecord, rows_of

PAGE = "https://social.example/api/v1/accounts/1/statuses?limit=40"
Answer = Callable[..., Capture]

captures = rows_of(CaptureRecord)


def rows(archive: Archive) -> list[dict[str, object]]:
    with archive.database.read() as connection:
        return [dict(row) for row in connection.execute(select(captures).order_by(captures.c.id)).mappings()]


def warc_files(folder: Path) -> list[Path]:
    return sorted((folder / "warc").glob("*"))


def test_an_answer_comes_back_as_it_was(archive: Archive, run: Run, capture_of: Answer) -> None:
    """What is held for an address is the answer verbatim, with what the source said to itself; never the token."""
    given_headers = {"etag": '"1"', "content-encoding": "gzip", "content-length": "7", "link": '<x>; rel="next"'}
    answer = capture_of(PAGE, b'[{"id": "1"}]', **given_headers)
    answer = dataclasses.replace(answer, request=dataclasses.replace(answer.request, access=Access.API))
    archive.captures.keep(run, answer)
    held = archive.captures.held("iss", PAGE)
    assert held == dataclasses.replace(answer, request=Request(url=PAGE, access=Access.API, carry="page 2"))


def test_the_file_is_good_warc(archive: Archive, run: Run, capture_of: Answer, folder: Path) -> None:
    """Another program finds WARC 1.1: a member for each record, right digests, a request beside each response."""
    for number in range(3):
        archive.captures.keep(run, capture_of(f"{PAGE}&page={number}", b"page %d" % number, status=200 + number))
    (file,) = warc_files(folder)
    assert file.name == f"iss-20161203T210405Z-{run.id}.warc.gz"
    with file.open("rb") as stream:
        records = [
            (record.rec_type, record.rec_headers.get_header("WARC-Target-URI"), record.content_stream().read())
            for record in ArchiveIterator(stream, check_digests="raise")
        ]
    assert [record[0] for record in records] == ["warcinfo", *["request", "response"] * 3]
    assert records[4][1:] == (f"{PAGE}&page=1", b"page 1")
    assert gzip.decompress(file.read_bytes()).startswith(b"WARC/1.1\r\n")


def test_warcio_itself_is_content(archive: Archive, run: Run, capture_of: Answer, folder: Path) -> None:
    """``warcio check`` finds nothing wrong."""
    archive.captures.keep(run, capture_of(PAGE))
    told = []

    class Quiet(Checker):  # type: ignore[misc]
        def _print(self, *words: object) -> None:
            told.append(words)

    class Options:
        inputs = (str(warc_files(folder)[0]),)
        verbose = False

    checker = Quiet(Options)
    checker.process_all()
    assert checker.exit_value == 0


def test_no_authorization_is_written(archive: Archive, run: Run, capture_of: Answer, folder: Path) -> None:
    """Neither the read token nor a password in an address is in the WARC file; what was asked for is."""
    url = "https://user:secret@social.example/api"
    answer = capture_of(url)
    answer = dataclasses.replace(answer, request=dataclasses.replace(answer.request, etag='"0"'))
    archive.captures.keep(run, answer)
    written = gzip.decompress(warc_files(folder)[0].read_bytes())
    assert b"read-token" not in written
    assert b"uthorization" not in written
    assert b"Host: social.example\r\n" in written
    assert b'If-None-Match: "0"\r\n' in written


def test_the_row_points_into_the_file(archive: Archive, run: Run, capture_of: Answer, folder: Path) -> None:
    """An index row names the response's bytes exactly: they alone are a whole record."""
    answer = capture_of(PAGE, b"x" * 10_000, etag='"1"')
    number = archive.captures.keep(run, answer)
    (row,) = rows(archive)
    data = (folder / str(row["file"])).read_bytes()
    record = data[int(str(row["offset"])) :][: int(str(row["length"]))]
    assert warc.body_of(record) == answer.body
    assert (row["id"], row["size"], row["sha256"]) == (number, 10_000, hashlib.sha256(answer.body).hexdigest())
    assert (row["requested_url"], row["status"], row["headers"]) == (PAGE, 200, tuple(answer.headers.items()))


def test_the_same_answer_is_written_once(
    archive: Archive, run: Run, capture_of: Answer, folder: Path, now: datetime
) -> None:
    """The same bytes for the same address get a row and no record, in this run and in a later one."""
    archive.captures.keep(run, capture_of(PAGE))
    size = warc_files(folder)[0].stat().st_size
    archive.captures.keep(run, capture_of(PAGE))
    archive.journal.close(run, RunStatus.COMPLETED, now=now)
    later = archive.journal.begin("iss", "mastodon", None, now=now + timedelta(days=1))
    archive.captures.keep(later, capture_of(PAGE, etag="new"))
    assert [file.stat().st_size for file in warc_files(folder)] == [size]
    places = {(row["file"], row["offset"], row["length"]) for row in rows(archive)}
    assert (len(rows(archive)), len(places)) == (3, 1)
    held = archive.captures.held("iss", PAGE)
    assert held is not None
    assert held.headers["etag"] == "new"


@pytest.mark.parametrize("other", [{"body": b"new"}, {"status": 404}, {"url": PAGE + "0"}])
def test_another_answer_is_written(archive: Archive, run: Run, capture_of: Answer, other: dict[str, object]) -> None:
    """Another body, status or address makes another record."""
    archive.captures.keep(run, capture_of(PAGE, b"old"))
    archive.captures.keep(run, capture_of(**{"url": PAGE, "body": b"old"} | other))
    assert len({row["offset"] for row in rows(archive)}) == 2


def test_held_is_the_newest_good_answer(archive: Archive, run: Run, capture_of: Answer) -> None:
    """Of several answers the newest with status 200 counts; another source's are not seen."""
    assert archive.captures.held("iss", PAGE) is None
    for body, status in ((b"first", 200), (b"second", 200), (b"not found", 404)):
        archive.captures.keep(run, capture_of(PAGE, body, status=status))
    held = archive.captures.held("iss", PAGE)
    assert held is not None
    assert held.body == b"second"
    assert archive.captures.held("other", PAGE) is None


@pytest.mark.parametrize("damage", ["bits", "cut", "gone"])
def test_a_damaged_record_is_asked_for_again(
    archive: Archive, run: Run, capture_of: Answer, folder: Path, damage: str
) -> None:
    """A record that cannot be read back is as good as none, and the same answer given again is written anew."""
    archive.captures.keep(run, capture_of(PAGE, os.urandom(2000)))
    (file,) = warc_files(folder)
    data = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(data[:-800] + (b"\0" * 800 if damage == "bits" else b""))
    assert archive.captures.held("iss", PAGE) is None
    answer = capture_of(PAGE, b"the same")
    for _ in range(2):
        archive.captures.keep(run, answer)
    held = archive.captures.held("iss", PAGE)
    assert held is not None
    assert held.body == b"the same"


def test_validators(archive: Archive, run: Run, capture_of: Answer) -> None:
    """A page is asked for with the validators of the capture they were saved from, and without once it has none."""
    url = "https://www.esa.example/gallery"
    assert archive.captures.validators("iss", url) is None
    first = archive.captures.keep(run, capture_of(url, b"1", etag='"1"'))
    assert archive.captures.validators("iss", url) is None
    archive.captures.save_validators("iss", url, first)
    assert archive.captures.validators("iss", url) == ('"1"', None)
    second = archive.captures.keep(run, capture_of(url, b"2", last_modified="Sat, 03 Dec 2016 21:00:00 GMT"))
    archive.captures.save_validators("iss", url, second)
    assert archive.captures.validators("iss", url) == (None, "Sat, 03 Dec 2016 21:00:00 GMT")
    archive.captures.save_validators("iss", url, archive.captures.keep(run, capture_of(url, b"3")))
    assert archive.captures.validators("iss", url) is None


def test_what_a_dead_run_left_is_cut_off(
    archive: Archive, run: Run, capture_of: Answer, folder: Path, now: datetime
) -> None:
    """A run that died in the middle of a record leaves a whole file once its lease is taken over."""
    archive.captures.keep(run, capture_of(PAGE, b"whole"))
    (file,) = warc_files(folder)
    whole = file.read_bytes()
    torn = warc.request_and_response(capture_of(PAGE, b"never indexed"))
    file.write_bytes(whole + torn[0] + torn[1][:40])
    archive.journal.begin("iss", "mastodon", None, now=now + timedelta(seconds=61))
    assert file.read_bytes() == whole


def test_a_file_of_a_dead_run_without_any_row_goes(archive: Archive, run: Run, folder: Path, now: datetime) -> None:
    """A run that died before its first row leaves no file behind."""
    file = folder / "warc" / f"iss-20161203T210405Z-{run.id}.warc.gz"
    file.parent.mkdir()
    file.write_bytes(b"torn")
    archive.journal.begin("iss", "mastodon", None, now=now + timedelta(seconds=61))
    assert warc_files(folder) == []


def test_the_file_of_a_live_run_is_left_alone(
    archive: Archive, run: Run, capture_of: Answer, folder: Path, now: datetime
) -> None:
    """A record that is written and not indexed yet belongs to somebody who is at work."""
    archive.captures.keep(run, capture_of(PAGE))
    (file,) = warc_files(folder)
    file.write_bytes(file.read_bytes() + b"about to be indexed")
    with pytest.raises(SourceBusy):
        archive.journal.begin("iss", "mastodon", None, now=now, process=Process.current())
    assert file.read_bytes().endswith(b"about to be indexed")


def test_a_run_without_its_lease_indexes_nothing(archive: Archive, run: Run, capture_of: Answer, now: datetime) -> None:
    """A run whose lease was taken over, because the machine slept, may not go on writing."""
    archive.journal.begin("iss", "mastodon", None, now=now + timedelta(seconds=61))
    with pytest.raises(SourceBusy):
        archive.captures.keep(run, capture_of(PAGE))
    assert rows(archive) == []


def test_a_place_that_cannot_be_written(archive: Archive, run: Run, capture_of: Answer, folder: Path) -> None:
    """Where no record can be written there is no row, and the error is one of this room."""
    (folder / "warc").write_text("in the way")
    with pytest.raises(StorageError, match="check the archive's folder"):
        archive.captures.keep(run, capture_of(PAGE))
    with archive.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(captures)) == 0


header_text = st.text(st.characters(exclude_categories=[]), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300),
    headers=st.dictionaries(st.sampled_from(["link", "x-é", "transfer-encoding", "a\r\nb"]), header_text, max_size=4),
    path=header_text,
    status=st.integers(100, 599),
)
def test_any_answer_makes_good_records(
    capture_of: Answer, body: bytes, headers: dict[str, str], path: str, status: int
) -> None:
    """Whatever bytes, headers (even line breaks) and address an answer has, its records are whole."""
    answer = dataclasses.replace(capture_of(f"https://host.example/{path}", body, status=status), headers=headers)
    records = warc.request_and_response(answer)
    assert warc.body_of(records[1]) == body
    for record in records:
        (found,) = ArchiveIterator(BytesIO(record), check_digests="raise")
        assert found.rec_headers.get_header("WARC-Type") in ("request", "response")


@pytest.mark.parametrize("data", [b"", b"no record", gzip.compress(b"no record")])
def test_bytes_that_are_no_record(data: bytes) -> None:
    """What is no response record is a ValueError."""
    with pytest.raises(ValueError, match="record"):
        warc.body_of(data)
