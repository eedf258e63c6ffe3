"""``cupola import warc`` and ``wacz``: what others captured comes in, answer for answer; all of it is synthetic."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

FEED = "https://blog.example/feed/"


def cupola(*arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jobs", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def feed(*items: tuple[str, str]) -> bytes:
    entries = "".join(
        f"<item><guid>https://blog.example/{number}</guid><link>https://blog.example/{number}</link>"
        f"<title>Post {number}</title><pubDate>Sat, 03 Dec 2016 10:00:00 GMT</pubDate>"
        f"<description>&lt;p&gt;{text}&lt;/p&gt;&lt;img src='https://blog.example/{number}.jpg'/&gt;</description></item>"
        for number, text in items
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>T</title>{entries}</channel></rss>'.encode()


def jpeg(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (24, 16), colour).save(out, "JPEG")
    return out.getvalue()


def write(out: Any, *records: tuple[str, str, str, bytes, list[tuple[str, str]]], packed: bool = True) -> None:
    writer = WARCWriter(out, gzip=packed)
    writer.write_record(writer.create_warcinfo_record("made.warc.gz", {"software": "a test"}))
    for url, at, kind, body, headers in records:
        warc_headers = {"WARC-Date": at}
        if kind == "response":
            http = StatusAndHeaders("200 OK", headers, protocol="HTTP/1.1")
            made = writer.create_warc_record(url, "response", io.BytesIO(body), len(body), "", warc_headers, "", http)
        elif kind == "404":
            http = StatusAndHeaders("404 Not Found", headers, protocol="HTTP/1.1")
            made = writer.create_warc_record(url, "response", io.BytesIO(body), len(body), "", warc_headers, "", http)
        elif kind == "request":
            http = StatusAndHeaders("GET / HTTP/1.1", [], is_http_request=True)
            made = writer.create_warc_record(url, "request", None, 0, "", warc_headers, "", http)
        else:
            made = writer.create_revisit_record(url, "sha1:ABC", url, at, warc_headers_dict=warc_headers)
        writer.write_record(made)


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


RSS = ("Content-Type", "application/rss+xml; charset=utf-8")
PICTURE = ("Content-Type", "image/jpeg")


def records() -> list[tuple[str, str, str, bytes, list[tuple[str, str]]]]:
    old = feed(("1", "Bonjour la Terre, ancien texte"), ("0", "Salut tout le monde"))
    new = feed(("1", "Bonjour la Terre"), ("2", "Hello Earth, good morning"))
    return [
        (FEED, "2017-01-01T00:00:00Z", "response", old, [RSS]),
        (FEED, "2017-06-01T00:00:00Z", "request", b"", []),
        (
            FEED.replace("https://", "http://www."),
            "2017-06-01T00:00:00Z",
            "response",
            chunked(gzip.compress(new)),
            [RSS, ("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked")],
        ),
        (FEED, "2017-07-01T00:00:00Z", "revisit", b"", []),
        ("https://blog.example/1.jpg", "2017-06-01T00:00:01Z", "response", jpeg("red"), [PICTURE]),
        ("https://blog.example/2.jpg", "2017-06-01T00:00:02Z", "404", b"", []),
        ("https://blog.example/0.jpg", "2017-06-01T00:00:03Z", "response", b"<html>gone</html>", [PICTURE]),
        (
            "https://other.example/",
            "2017-06-01T00:00:04Z",
            "response",
            b"<html></html>",
            [("Content-Type", "text/html")],
        ),
        ("https://blog.example/feed/about", "2017-06-01T00:00:04Z", "response", b"<html></html>", []),
    ]


def bring(archive: Path, path: Path, *more: Any, name: str = "warc") -> tuple[int, dict[str, Any]]:
    done = cupola("import", name, path, "--archive", archive, "--json", "--kind", "feed", "--url", FEED, *more)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("form", ["gz", "plain", "wacz"])
def test_answers_go_to_their_source_with_their_pictures(tmp_path: Path, form: str) -> None:
    """The newest state counts; pictures come from the same file; what is nobody's is told; again it changes nothing."""
    path = tmp_path / {"gz": "a.warc.gz", "plain": "a.warc", "wacz": "a.wacz"}[form]
    out = io.BytesIO()
    write(out, *records(), packed=form != "plain")
    if form == "wacz":
        more = io.BytesIO()
        write(more)
        with zipfile.ZipFile(path, "w") as made:
            made.writestr("datapackage.json", "{}")
            made.writestr("archive/data.warc.gz", out.getvalue())
            made.writestr("archive/more.warc.gz", more.getvalue(), compress_type=zipfile.ZIP_DEFLATED)
    else:
        path.write_bytes(out.getvalue())
    archive = tmp_path / "archive"
    status, told = bring(archive, path, name="wacz" if form == "wacz" else "warc")
    report = told["warc-feed"]
    assert (report["posts_added"], report["media_stored"], report["media_pending"]) == (3, 1, 2)
    assert status == 1, "the page in place of a picture is told"
    assert ["0.jpg" in failure["message"] for failure in report["failures"]] == [True]
    assert "other.example 1" in report["notes"][0]
    assert "1 request" in report["notes"][1]
    assert "1 revisit" in report["notes"][1]
    shown = cupola("show", "warc-feed:https://blog.example/1", "--archive", archive)
    assert "Bonjour la Terre" in shown.stdout
    assert "ancien" not in shown.stdout
    assert "2017-06-01" in shown.stdout, "the answer has the time of its capture"
    status, told = bring(archive, path)
    report = told["warc-feed"]
    counts = [report[name] for name in ("posts_added", "posts_updated", "posts_unchanged", "media_stored")]
    assert counts == [0, 0, 3, 0]
    verified = cupola("verify", "--archive", archive, "--json")
    assert verified.returncode == 0, verified.stdout
    answers = cupola("sql", "SELECT count(*) AS n FROM captures WHERE file IS NOT NULL", "--archive", archive)
    assert "2" in answers.stdout, answers


def test_an_older_capture_does_not_undo_a_later_one(tmp_path: Path) -> None:
    """What came in of a later answer stays as it is, whichever file is brought last."""
    later, earlier = records()[2], records()[0]
    for name, record in (("later", later), ("earlier", earlier)):
        with (tmp_path / f"{name}.warc.gz").open("wb") as out:
            write(out, record)
    archive = tmp_path / "archive"
    bring(archive, tmp_path / "later.warc.gz")
    _, told = bring(archive, tmp_path / "earlier.warc.gz")
    assert (told["warc-feed"]["posts_added"], told["warc-feed"]["posts_updated"]) == (1, 0)
    assert "ancien" not in cupola("show", "warc-feed:https://blog.example/1", "--archive", archive).stdout


def test_a_file_that_is_cut_off_gives_what_it_has(tmp_path: Path) -> None:
    """What was read before the cut comes in, and the place is told."""
    out = io.BytesIO()
    write(out, *records())
    (tmp_path / "cut.warc.gz").write_bytes(out.getvalue()[:-200])
    status, told = bring(tmp_path / "archive", tmp_path / "cut.warc.gz")
    assert (status, told["warc-feed"]["posts_added"]) == (1, 3)


@pytest.mark.parametrize("form", ["gz", "plain", "wacz"])
def test_a_record_that_is_broken_costs_itself_alone(tmp_path: Path, form: str) -> None:
    """What comes after it is read, also when its own bytes look like the beginning of a record; its place is told."""
    before, after = io.BytesIO(), io.BytesIO()
    write(before, *records()[:1], packed=form != "plain")
    write(after, *records()[2:], packed=form != "plain")
    packed, plain = (
        b"\x1f\x8b\x08\x00 no record, \x1f\x8b\x08\x01 nor this",
        b"WARC/9.9\r\nno record\r\nWARC/1.1 nor this",
    )
    broken = before.getvalue() + (plain if form == "plain" else packed) * 9 + b"\r\n" + after.getvalue()
    path = tmp_path / {"gz": "a.warc.gz", "plain": "a.warc", "wacz": "a.wacz"}[form]
    if form == "wacz":
        with zipfile.ZipFile(path, "w") as made:
            made.writestr("archive/data.warc.gz", broken)
    else:
        path.write_bytes(broken)
    status, told = bring(tmp_path / "archive", path)
    report = told["warc-feed"]
    assert (status, report["posts_added"], report["media_stored"]) == (1, 3, 1)
    failures = [failure["message"] for failure in report["failures"] if failure["kind"] == "BadRecord"]
    assert len(failures) == 1
    assert "cannot be read, read on at byte" in failures[0]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<html>no WARC</html>", "is no WARC file"),
        (b"", "it is empty"),
        (b"\x1f\x8b\x08\x00" * 9, "is no WARC file"),
        ("whole", "warcio recompress"),
        ("zip", "cannot be read, or not to its end"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, content: bytes | str, told: str) -> None:
    """A page, nothing, rubbish, a file packed as a whole, a damaged member of a WACZ: a failure, and no traceback."""
    path = tmp_path / ("a.wacz" if content == "zip" else "a.warc.gz")
    out = io.BytesIO()
    write(out, *records(), packed=False)
    if content == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("archive/data.warc", out.getvalue())
        damaged = bytearray(path.read_bytes())
        damaged[200:260] = bytes(60)
        path.write_bytes(damaged)
    else:
        path.write_bytes(gzip.compress(out.getvalue()) if isinstance(content, str) else content)
    done = cupola("import", "warc", path, "--archive", tmp_path / "archive", "--kind", "feed", "--url", FEED)
    assert "Traceback" not in done.stderr
    assert done.returncode in (1, 2)
    assert told in " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--kind", "feed"], "belong together"),
        (["--kind", "tapestry", "--url", FEED], "no kind of source"),
        (["--kind", "feed", "--url", "nowhere"], "--url"),
        (["--source", "nobody"], "has no source"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(tmp_path: Path, arguments: list[str], told: str) -> None:
    """The exit status is 2, and there is no traceback."""
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"")
    done = cupola("import", "warc", path, "--archive", tmp_path / "archive", *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert told in done.stderr
