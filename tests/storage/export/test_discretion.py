"""No secret leaves with what is for others: passwords and tokens in addresses, cookies in headers. All synthetic."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from warcio.archiveiterator import ArchiveIterator
from warcio.cli import main as warcio

from scraper.capture import Access, Capture, Request
from scraper.model import MediaState
from storage.export.discretion import discreet, discreet_headers, is_suspect
from storage.schema import CaptureRecord, SourceRecord

NOW = datetime(2016, 12, 3, 21, 4, 5, tzinfo=UTC)
SECRETS = ("hunter2", "tok-123456", "sig-654321", "cookie-777777", "via-888888", "pic-999999")

each_format = pytest.mark.parametrize("kind", ["atom", "bagit", "csv", "jsonl", "parquet", "warc"])


@pytest.fixture
def telling(kept: Any) -> Any:
    """An archive with secrets wherever an address or a header has room for one."""
    post, reading = kept.entry("100001", "Bonjour la Terre, vue d’en haut", "terre")
    post = replace(post, url="https://me:hunter2@social.example/@iss/100001?token=tok-123456")
    capture = Capture(
        request=Request(url="https://me:hunter2@social.example/api?token=tok-123456", access=Access.API),
        url="https://me:hunter2@social.example/api?token=tok-123456&page=1",
        status=200,
        headers={
            "content-type": "application/json",
            "set-cookie": "session=cookie-777777; HttpOnly",
            "link": '<https://social.example/api?page=2&token=via-888888>; rel="next"',
        },
        body=b'[{"id": "100001"}]',
        fetched_at=NOW,
    )
    number = kept.archive.captures.keep(kept.run, capture)
    kept.archive.record(kept.run.id, number, [(post, reading)], plan=lambda item: (MediaState.PENDING, None), now=NOW)
    kept.take()
    with kept.archive.database.write() as connection:
        connection.execute(update(SourceRecord).values(url="https://me:hunter2@social.example/@iss"))
        headers = (("content-type", "image/jpeg"), ("Set-Cookie", "picture=pic-999999"))
        address = "https://media.example/terre.jpg?signature=sig-654321"
        connection.execute(
            update(CaptureRecord).where(CaptureRecord.url.like("%.jpg")).values(url=address, headers=headers)
        )
        connection.exec_driver_sql(f"UPDATE attachments SET url = '{address}', fetched_url = '{address}'")
    return kept


def told(path: Path) -> bytes:
    """Everything that a file or folder says, unpacked."""
    files = [path] if path.is_file() else [found for found in path.rglob("*") if found.is_file()]
    data = b""
    for file in files:
        if file.name.endswith(".parquet"):
            import pyarrow.parquet

            table = pyarrow.parquet.read_table(file)
            data += json.dumps(table.to_pylist(), default=str).encode() + str(table.schema.metadata).encode()
            continue
        raw = file.read_bytes()
        data += gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
    return data


@each_format
def test_what_is_for_others_has_no_secret(telling: Any, tmp_path: Path, kind: str) -> None:
    """In every format passwords, tokens and cookies are masked or left out, and the post is there all the same."""
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    dest = tmp_path / f"out.{kind}"
    report = telling.export(kind, dest)
    data = told(dest)
    assert report.posts == 1
    assert b"Bonjour la Terre" in data
    assert [secret for secret in SECRETS if secret.encode() in data] == []


@pytest.mark.parametrize("kind", ["jsonl", "warc"])
def test_one_s_own_copy_is_whole(telling: Any, tmp_path: Path, kind: str) -> None:
    """Under --private nothing is masked: the copy is one's own, and pictures that are wanted can be taken with it."""
    telling.export(kind, tmp_path / "out", private=True)
    data = told(tmp_path / "out")
    assert [secret for secret in SECRETS if secret.encode() not in data] == []


def test_it_is_told_that_something_was_masked(telling: Any, tmp_path: Path) -> None:
    """A person learns how many posts have a masked address, and how to keep them whole."""
    assert telling.export("csv", tmp_path / "out").notes == (
        "1 post has an address with a user name, a password or a token in it, which is masked; --private leaves it",
    )
    assert telling.export("csv", tmp_path / "own", private=True).notes == ()


def test_a_record_without_its_cookie_is_a_whole_record(
    telling: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An answer that is written anew for this has right digests and the same body; its metadata record refers to it."""
    path = tmp_path / "out.warc.gz"
    telling.export("warc", path)
    with pytest.raises(SystemExit) as ended:
        warcio(["check", "-v", str(path)])
    assert ended.value.code == 0, capsys.readouterr().out
    found = {}
    with path.open("rb") as file:
        for record in ArchiveIterator(file, check_digests="raise"):
            head, body = record.rec_headers, record.content_stream().read()
            found[head.get_header("WARC-Target-URI")] = head, record.http_headers, body, record.rec_type
    head, http, body, _ = found["https://***@social.example/api?token=***&page=1"]
    assert body == b'[{"id": "100001"}]'
    assert (http.get_statuscode(), http.get_header("content-type")) == ("200", "application/json")
    assert http.get_header("link") == '<https://social.example/api?page=2&token=***>; rel="next"'
    assert http.get_header("content-length") == str(len(body))
    assert head.get_header("WARC-Date").startswith("2016-12-03T21:04:05")
    metadata = next(entry for entry in found.values() if entry[3] == "metadata")
    assert metadata[0].get_header("WARC-Refers-To") == head.get_header("WARC-Record-ID")


def test_an_answer_without_secrets_is_the_same_bytes(voyage: Any, tmp_path: Path) -> None:
    """Nothing is written anew that needs not be: a record leaves as it lies in the archive."""
    voyage.export("warc", tmp_path / "out")
    with voyage.archive.database.read() as connection:
        rows = connection.exec_driver_sql('SELECT file, "offset", length FROM captures WHERE file IS NOT NULL').all()
    packed = (tmp_path / "out").read_bytes()
    assert rows
    for file, offset, length in rows:
        assert (voyage.archive.folder / file).read_bytes()[offset : offset + length] in packed


@pytest.mark.parametrize(
    "url",
    [
        "https://social.example/@iss/1",
        "https://social.example/a?page=2&name=key",
        "https://social.example/monkey=1",
        "mailto:a@b.example",
        "",
        "//",
        "?",
    ],
)
def test_an_address_without_a_secret_is_left(url: str) -> None:
    """An at sign in a path, and names that only look like it, are no secret."""
    assert discreet(url) == url


def test_headers_that_say_who_asked_are_left_out() -> None:
    """Cookies and authorization go, in whatever letters; all others stay in their order."""
    given = [("A", "1"), ("SET-COOKIE", "x"), ("Authorization", "Bearer x"), ("link", "</b>; rel=x"), ("A", "2")]
    assert list(discreet_headers(given)) == [("A", "1"), ("link", "</b>; rel=x"), ("A", "2")]


@pytest.mark.parametrize(
    "name",
    [
        *("access_token", "apikey", "api_key", "auth", "client_secret", "key", "pass", "password", "secret", "sig"),
        *("signature", "token", "TOKEN"),
    ],
)
def test_what_would_be_masked_is_noticed(name: str) -> None:
    """A record is looked through wherever an address in it would be masked, whatever the secret is called."""
    url = f"https://social.example/?a=1&{name}=123"
    assert discreet(url) == f"https://social.example/?a=1&{name}=***"
    assert is_suspect(json.dumps({"url": url}).encode())


def test_a_user_and_a_cookie_are_noticed_and_an_account_is_not() -> None:
    """So are a user name in an address and a cookie; the at sign of an account in a path makes no work."""
    for told in ('{"url": "https://me:x@social.example/"}', '{"headers": [["Set-Cookie", "x"]]}'):
        assert is_suspect(told.encode())
    assert not is_suspect(b'{"url": "https://social.example/@iss/1?page=2", "text": "Bonjour @iss"}')
