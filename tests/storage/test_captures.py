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
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker

from scraper.capture import Access, Capture, Request
from storage import warc
from storage.archive import Archive
from storage.captures import FILE_SIZE
from storage.errors import SourceBusy, StorageError
from storage.processes import Process
from storage.runs import Run, RunStatus
from storage.schema import CaptureRecord, rows_of
from storage.settings import ArchiveSettings

PAGE = "https://social.example/api/v1/accounts/1/statuses?limit=40"
Answer = Callable[..., Capture]

captures = rows_of(CaptureRecord)


def rows(archive: Archive) -> list[dict[str, object]]:
    with archive.database.read() as connection:
        return [dict(row) for row in connection.execute(select(captures).order_by(captures.c.id)).mappings()]


def warc_files(folder: Path) -> list[Path]:
    return sorted((folder / "warc").glob("*"))


def kinds_in(file: Path) -> list[str]:
    return [str(record["WARC-Type"]) for record in headers_in(file)]


def headers_in(file: Path) -> list[dict[str, Any]]:
    """Every record's headers as another program reads them; under ``http`` its status line and HTTP headers."""
    with file.open("rb") as stream:
        return [
            dict(record.rec_headers.headers)
            | {"http": record.http_headers and (record.http_headers.statusline, dict(record.http_headers.headers))}
            for record in ArchiveIterator(stream, check_digests="raise")
        ]


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
    """The same bytes for the same address are one response record and revisits, in this run and in a later one."""
    archive.captures.keep(run, capture_of(PAGE))
    archive.captures.keep(run, capture_of(PAGE))
    archive.journal.close(run, RunStatus.COMPLETED, now=now)
    later = archive.journal.begin("iss", "mastodon", None, now=now + timedelta(days=1))
    archive.captures.keep(later, capture_of(PAGE, etag="new"))
    assert [kinds_in(file) for file in warc_files(folder)] == [
        ["warcinfo", "request", "response", "request", "revisit"],
        ["warcinfo", "request", "revisit"],
    ]
    places = {(row["file"], row["offset"], row["length"]) for row in rows(archive)}
    assert (len(rows(archive)), len(places)) == (3, 1)
    held = archive.captures.held("iss", PAGE)
    assert held is not None
    assert held.headers["etag"] == "new"


def test_an_answer_that_comes_back_after_another_is_not_written_again(
    archive: Archive, run: Run, capture_of: Answer, folder: Path
) -> None:
    """A page that goes to and fro between two states is held twice, however often it does."""
    for body in (b"a", b"b") * 3:
        archive.captures.keep(run, capture_of(PAGE, body))
    assert kinds_in(warc_files(folder)[0]).count("response") == 2
    held = archive.captures.held("iss", PAGE)
    assert held is not None
    assert held.body == b"b"


def test_a_revisit_refers_to_its_original(archive: Archive, run: Run, capture_of: Answer, folder: Path) -> None:
    """Id, address, date and payload digest of the record that has the bytes, as WARC 1.1 (6.7) wants it."""
    for etag in ("1", "2"):
        archive.captures.keep(run, capture_of(PAGE, b"page", etag=etag))
    records = headers_in(warc_files(folder)[0])
    original, revisit = records[2], records[4]
    assert revisit["WARC-Profile"] == "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
    assert revisit["WARC-Refers-To"] == original["WARC-Record-ID"]
    assert revisit["WARC-Refers-To-Target-URI"] == original["WARC-Target-URI"] == PAGE
    assert revisit["WARC-Refers-To-Date"] == original["WARC-Date"]
    assert revisit["WARC-Payload-Digest"] == original["WARC-Payload-Digest"]
    assert revisit["http"] == ("200 OK", {"content-type": "text/html", "etag": "2", "content-length": "4"})


def test_a_304_is_written_as_what_it_was(archive: Archive, run: Run, capture_of: Answer, folder: Path) -> None:
    """An answer that the host confirmed is a revisit with the 304's own headers, and the request had the validator."""
    archive.captures.keep(run, capture_of(PAGE, b"page", etag='"1"'))
    confirmed = capture_of(PAGE, b"page", etag='"1"')
    asked = dataclasses.replace(confirmed.request, etag='"1"')
    archive.captures.keep(run, dataclasses.replace(confirmed, request=asked, not_modified={"date": "today"}))
    _, _, original, request, revisit = headers_in(warc_files(folder)[0])
    assert revisit["WARC-Profile"] == "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
    assert revisit["WARC-Refers-To"] == original["WARC-Record-ID"]
    assert revisit["http"] == ("304 Not Modified", {"date": "today"})
    assert request["http"][1]["If-None-Match"] == '"1"'
    assert [row["status"] for row in rows(archive)] == [200, 200]


def test_request_and_response_name_each_other(archive: Archive, run: Run, capture_of: Answer, folder: Path) -> None:
    """WARC-Concurrent-To leads from one to the other and back, for responses and revisits alike."""
    for _ in range(2):
        archive.captures.keep(run, capture_of(PAGE))
    records = headers_in(warc_files(folder)[0])
    assert len({record["WARC-Record-ID"] for record in records}) == 5
    for one, other in ((records[1], records[2]), (records[3], records[4])):
        assert one["WARC-Concurrent-To"] == other["WARC-Record-ID"]
        assert other["WARC-Concurrent-To"] == one["WARC-Record-ID"]


def test_a_file_says_who_wrote_it(folder: Path, capture_of: Answer, now: datetime) -> None:
    """The first record names software, version and run."""
    with Archive.open(ArchiveSettings(folder=folder, software="cupola/1.2.3")) as archive:
        run = archive.journal.begin("iss", "mastodon", None, now=now)
        archive.captures.keep(run, capture_of(PAGE))
    with warc_files(folder)[0].open("rb") as stream:
        info = next(iter(ArchiveIterator(stream))).content_stream().read().decode()
    assert "software: cupola/1.2.3\r\n" in info
    assert "isPartOf: run 1 of iss\r\n" in info


def test_a_full_file_is_followed_by_another(folder: Path, capture_of: Answer, now: datetime) -> None:
    """A run goes on in a new file, with a head of its own, before a record makes one too big; all is read back."""
    with Archive.open(ArchiveSettings(folder=folder, warc_file_bytes=3000)) as archive:
        run = archive.journal.begin("iss", "mastodon", None, now=now)
        bodies = {f"{PAGE}&page={number}": os.urandom(500) for number in range(8)}
        bodies[f"{PAGE}&page=big"] = os.urandom(5000)
        for url, body in bodies.items():
            archive.captures.keep(run, capture_of(url, body))
        assert {url: archive.captures.held("iss", url).body for url in bodies} == bodies  # type: ignore[union-attr]
        files = warc_files(folder)
        assert [file.name for file in files][:2] == [
            "iss-20161203T210405Z-1-2.warc.gz",
            "iss-20161203T210405Z-1-3.warc.gz",
        ]
        assert all(kinds_in(file)[0] == "warcinfo" for file in files)
        assert sorted(file.stat().st_size > 3000 for file in files) == [False] * (len(files) - 1) + [True]
        # and all of them are put in order when the run has died
        for file in files:
            with file.open("ab") as stream:
                stream.write(b"torn")
        archive.journal.begin("iss", "mastodon", None, now=now + timedelta(seconds=61))
        assert {url: archive.captures.held("iss", url).body for url in bodies} == bodies  # type: ignore[union-attr]
        assert sum(len(kinds_in(file)) for file in files) == len(files) + 2 * len(bodies)


def test_a_damaged_answer_is_written_again_when_it_comes_again(
    archive: Archive, run: Run, capture_of: Answer, folder: Path
) -> None:
    """Every row that pointed to the damaged bytes points to the sound ones then."""
    archive.captures.keep(run, capture_of(PAGE, b"page"))
    archive.captures.keep(run, capture_of(PAGE, b"page"))
    (file,) = warc_files(folder)
    data = bytearray(file.read_bytes())
    at = int(str(rows(archive)[0]["offset"])) + 30
    data[at] ^= 0xFF
    file.write_bytes(data)
    assert archive.captures.held("iss", PAGE) is None
    archive.captures.keep(run, capture_of(PAGE, b"page"))
    places = {(row["file"], row["offset"], row["length"]) for row in rows(archive)}
    assert len(places) == 1
    held = archive.captures.held("iss", PAGE)
    assert held is not None
    assert held.body == b"page"


@pytest.mark.parametrize("size", [FILE_SIZE, 1500])
def test_cut_anywhere_the_file_is_whole_again(folder: Path, capture_of: Answer, now: datetime, size: int) -> None:
    """A run that died at any byte of its last records leaves files of whole records, and every row its bytes."""
    with Archive.open(ArchiveSettings(folder=folder, warc_file_bytes=size)) as archive:
        run = archive.journal.begin("iss", "mastodon", None, now=now)
        archive.captures.keep(run, capture_of(PAGE, b"first"))
        file = warc_files(folder)[0]
        before = file.read_bytes()
        pieces = [
            *warc.request_and_response(capture_of(PAGE, b"second")),
            *warc.request_and_response(capture_of(PAGE, b"third")),
        ]
        tail = b"".join(pieces)
        with archive.database.write() as connection:
            for cut in range(0, len(tail), 1 if size == FILE_SIZE else 97):
                file.write_bytes(before + tail[:cut])
                archive.captures.mend(connection, run.id)
                assert file.read_bytes() == before
        held = archive.captures.held("iss", PAGE)
        assert held is not None
        assert held.body == b"first"


def test_cut_anywhere_in_revisits_the_whole_ones_stay(
    archive: Archive, run: Run, capture_of: Answer, folder: Path
) -> None:
    """Records without bytes of their own have no place in the index, and stay all the same when they are whole."""
    archive.captures.keep(run, capture_of(PAGE, b"page"))
    (file,) = warc_files(folder)
    ends = [file.stat().st_size]
    for _ in range(2):
        archive.captures.keep(run, capture_of(PAGE, b"page"))
        ends.append(file.stat().st_size)
    data = file.read_bytes()
    with archive.database.write() as connection:
        for cut in range(ends[0], len(data) + 1):
            file.write_bytes(data[:cut])
            archive.captures.mend(connection, run.id)
            assert file.stat().st_size == max(end for end in ends if end <= cut)


def test_a_run_that_saw_nothing_new_and_died_keeps_what_it_saw(
    archive: Archive, run: Run, capture_of: Answer, folder: Path, now: datetime
) -> None:
    """A file of revisits alone is cut to whole pairs, and goes only when there is none."""
    archive.captures.keep(run, capture_of(PAGE))
    archive.journal.close(run, RunStatus.COMPLETED, now=now)
    later = archive.journal.begin("iss", "mastodon", None, now=now + timedelta(days=1))
    archive.captures.keep(later, capture_of(PAGE))
    file = warc_files(folder)[-1]
    whole = file.read_bytes()
    with archive.database.write() as connection:
        for tail in (b"", b"x", warc.request_and_response(capture_of(PAGE))[0]):
            file.write_bytes(whole + tail)
            archive.captures.mend(connection, later.id)
            assert file.read_bytes() == whole
        file.write_bytes(whole[:-1])
        archive.captures.mend(connection, later.id)
        assert not file.exists()


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


def test_a_run_without_its_lease_indexes_nothing(
    archive: Archive, run: Run, capture_of: Answer, folder: Path, now: datetime
) -> None:
    """A run whose lease was taken over, because the machine slept, may not go on writing."""
    archive.journal.begin("iss", "mastodon", None, now=now + timedelta(seconds=61))
    with pytest.raises(SourceBusy):
        archive.captures.keep(run, capture_of(PAGE))
    assert rows(archive) == []
    assert warc_files(folder) == []


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


@pytest.mark.parametrize("data", [b"", b"no record", gzip.compress(b"no record", mtime=0)])
def test_bytes_that_are_no_record(data: bytes) -> None:
    """What is no response record is a ValueError."""
    with pytest.raises(ValueError, match="record"):
        warc.body_of(data)
