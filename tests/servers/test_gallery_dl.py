"""A folder that gallery-dl itself has filled (`pip install gallery-dl`), from a small Mastodon API on loopback."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(importlib.util.find_spec("gallery_dl") is None, reason="gallery-dl is not installed"),
]


def jpeg(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (24, 16), colour).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def server() -> Iterator[str]:
    """An account with two posts: one with two pictures and alt texts, one with a picture."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path.startswith("/media/"):
                self.answer(jpeg({"1": "red", "2": "blue"}.get(path[7], "green")), "image/jpeg")
            elif path == "/api/v1/accounts/lookup":
                self.answer(json.dumps(account).encode(), "application/json")
            elif path == "/api/v1/accounts/7/statuses":
                self.answer(json.dumps(statuses).encode(), "application/json")
            else:
                self.send_error(404)

        def answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    root = f"http://127.0.0.1:{httpd.server_port}"
    account = {"id": "7", "acct": "thom", "username": "thom", "display_name": "Thomas", "url": f"{root}/@thom"}
    statuses = [status(root, account, "101", "<p>Bonjour la Terre</p><p>Hello Earth</p>", "1", "2")]
    statuses.append(status(root, account, "100", "<p>Bonne nuit</p>", "3"))
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield root
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def status(root: str, account: dict[str, str], number: str, content: str, *pictures: str) -> dict[str, Any]:
    return {
        "id": number,
        "created_at": "2016-12-03T10:00:00.000Z",
        "content": content,
        "url": f"{root}/@thom/{number}",
        "uri": f"{root}/users/thom/statuses/{number}",
        "account": account,
        "reblog": None,
        "in_reply_to_id": None,
        "language": "fr",
        "sensitive": False,
        "spoiler_text": "",
        "tags": [{"name": "proxima", "url": f"{root}/tags/proxima"}],
        "media_attachments": [
            {"id": one, "type": "image", "url": f"{root}/media/{one}.jpg", "description": f"alt {one}"}
            for one in pictures
        ],
    }


def cupola(*arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jobs", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_what_gallery_dl_writes_comes_in_whole(server: str, tmp_path: Path) -> None:
    """Each post once with all its pictures, texts plain, alt texts beside; the second time nothing changes."""
    config = {"extractor": {"mastodon": {"local": {"root": server, "access-token": ""}}, "base-directory": "."}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    saved = tmp_path / "saved"
    saved.mkdir()
    command = [
        sys.executable,
        "-m",
        "gallery_dl",
        "--config-ignore",
        "-c",
        tmp_path / "config.json",
        "--write-metadata",
    ]
    done = subprocess.run(
        [*map(str, command), f"{server}/@thom"], cwd=saved, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(list(saved.rglob("*.jpg"))) == 3
    for added in (2, 0):
        told = cupola("import", "gallery-dl", saved, "--archive", tmp_path / "archive", "--json", "--source", "thom")
        assert told.returncode == 0, told.stdout + told.stderr
        report = json.loads(told.stdout)["thom"]
        assert (report["posts_added"], report["posts_updated"]) == (added, 0)
        assert report["media_stored"] == (3 if added else 0)
    shown = cupola("show", "thom:101", "--archive", tmp_path / "archive").stdout
    for text in ("Bonjour la Terre", "Hello Earth", "alt 1", "alt 2", "Thomas", "2016-12-03T10:00:00Z", "/@thom/101"):
        assert text in shown
    assert cupola("verify", "--archive", tmp_path / "archive").returncode == 0
