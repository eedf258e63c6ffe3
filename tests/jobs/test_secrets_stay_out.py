"""A key or a token that the configuration names reaches the host it is for, and nothing that is kept or told."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from jobs import secrecy

KEY = "k3y+of/mine-0123456789"
NSID = "34427469121@N01"


class Telltale(BaseHTTPRequestHandler):
    """An API that sends the request on, and repeats the key wherever an answer has room for it."""

    keys: ClassVar[list[tuple[str, list[str]]]] = []
    fails: ClassVar[bool] = False

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query)
        self.keys.append((parts.path, asked.get("api_key", [])))
        if parts.path == "/old/":
            self.send_response(302)
            self.send_header("Location", f"/rest/?{parts.query}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        photo = {
            "id": "1",
            "owner": NSID,
            "title": "Delta",
            "dateupload": "1480789800",
            "description": {"_content": "Le delta."},
        }
        page = {
            "photos": {"page": 1, "pages": 1, "total": "1", "photo": [photo]},
            "stat": "ok",
            "asked": self.path,
            "api_key": KEY,
        }
        if self.fails:
            page = {"stat": "fail", "code": 100, "message": f"Invalid API Key {KEY} (Key has invalid format)"}
        body = json.dumps(page).encode()
        self.send_response(200)
        self.send_header("X-Asked", self.path)
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def telltale() -> Iterator[str]:
    """Where the API is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Telltale)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    Telltale.keys.clear()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def configured(folder: Path, place: str) -> Path:
    path = folder / "config.yaml"
    source = f'{{id: f, kind: flickr, url: "https://www.flickr.com/photos/{NSID}/", key_env: FLICKR_KEY, api: "http://{place}/old/"}}'
    path.write_text(f'http: {{rate: none, allow_hosts: ["{place}"]}}\nsources:\n  - {source}\n')
    return path


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is set, and what is hidden from logs here is hidden here alone."""
    monkeypatch.setenv("FLICKR_KEY", KEY)
    monkeypatch.setattr(secrecy, "_hidden", ())


def holders(folder: Path) -> list[str]:
    """The files below ``folder``, unpacked where they are packed, that hold any spelling of the key."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            data += gzip.decompress(data) if path.suffix == ".gz" else b""
            if b"k3y" in data:
                found.append(path.name)
    return found


def test_a_key_reaches_the_api_and_neither_archive_nor_export_nor_log(
    tmp_path: Path, telltale: str, cupola: Callable[..., Any]
) -> None:
    """Sent along a redirect on the same host; asterisks stand where the answer repeats it."""
    config = configured(tmp_path, telltale)
    told = ""
    for _ in range(2):
        done = cupola("scrape", "-vv", "--json", "--config", str(config))
        assert done.status == 0, done.err
        told += done.out + done.err
    assert Telltale.keys == [("/old/", [KEY]), ("/rest/", [KEY])] * 2
    for form, name in (("jsonl", "out.jsonl"), ("warc", "out.warc.gz"), ("csv", "out.csv")):
        done = cupola("export", form, str(tmp_path / name), "--private", "--config", str(config))
        assert done.status == 0, done.err
        told += done.out + done.err
    told += cupola("show", "f:1", "--json", "--config", str(config)).out
    assert "Le delta." in told
    assert "api_key=***" in told, "the log tells what was asked"
    assert "k3y" not in told
    assert holders(tmp_path) == []
    warc = b"".join(gzip.decompress(path.read_bytes()) for path in (tmp_path / "archive" / "warc").glob("*.gz"))
    assert b"*" * len(KEY) in warc, "it is seen that something stood there"


def test_an_error_that_repeats_the_key_is_told_without_it(
    tmp_path: Path, telltale: str, cupola: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the variable, and the evidence that is kept has no key either."""
    monkeypatch.setattr(Telltale, "fails", True)
    config = configured(tmp_path, telltale)
    done = cupola("scrape", "-vv", "--config", str(config))
    assert done.status == 1
    assert "FLICKR_KEY" in done.out + done.err
    assert "k3y" not in done.out + done.err
    assert holders(tmp_path) == []
