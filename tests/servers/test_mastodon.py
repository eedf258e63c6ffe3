"""A real server of the Mastodon API on loopback: posted to by its HTTP API, archived, edited, archived again.

What it needs comes by name: mastodon-mock, installed once into an environment of its own beside ours.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from PIL import Image, ImageDraw

pytestmark = pytest.mark.servers

CUPOLA = Path(sys.executable).parent / "cupola"
PACKAGE = "mastodon-mock==0.6.1"
SOFTWARE = Path(sys.prefix) / "servers" / "mastodon"
PYTHON = SOFTWARE / "bin" / "python"


def install() -> None:
    """Have the server's software, which takes pip half a minute the first time."""
    if not (SOFTWARE / "whole").exists():
        venv.create(SOFTWARE, with_pip=True, clear=True)
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, PACKAGE], check=True, timeout=900)
        (SOFTWARE / "whole").touch()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with some people on it; all that it holds is gone with it."""
    install()
    folder = tmp_path_factory.mktemp("mastodon")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [str(PYTHON), "-m", "mastodon_mock", "serve", "--host", "127.0.0.1", "--port", host.partition(":")[2]]
    command += ["--domain", host, "--in-memory", "--demo", "--log-level", "warning"]
    log = (folder / "log").open("w")
    environment = os.environ | {"TMPDIR": str(folder)}  # where it puts what is uploaded
    with log, subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process:
        try:
            until = time.monotonic() + 60
            while True:
                with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{host}/api/v1/instance", timeout=60):
                    break
                is_late = time.monotonic() > until or process.poll() is not None
                assert not is_late, (folder / "log").read_text()
                time.sleep(0.05)
            yield f"http://{host}"
        finally:
            process.terminate()


@dataclass
class Author:
    """An account, used as a client uses it: by the API, with its own token."""

    server: str
    name: str
    token: str = ""
    pictures: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        given = {"username": self.name, "email": f"{self.name}@mail.test", "password": "not-a-secret"}
        form = urlencode(given | {"agreement": "true", "locale": "fr"}).encode()
        self.token = self._call("POST", "v1/accounts", form, "application/x-www-form-urlencoded")["access_token"]

    def _call(self, method: str, route: str, body: bytes | None = None, media_type: str = "application/json") -> Any:
        headers = {"Content-Type": media_type} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        request = urllib.request.Request(f"{self.server}/api/{route}", body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{route}: {error.read().decode()}") from error

    def post(self, text: str, *, pictures: int = 0, **more: Any) -> str:
        """Publish a status with pictures that nobody else has; its id."""
        media = [self.upload(f"Vue {n} / View {n}") for n in range(pictures)]
        body = {"status": text, "visibility": "public", "media_ids": media} | more
        return str(self._call("POST", "v1/statuses", json.dumps(body).encode())["id"])

    def upload(self, alt: str) -> str:
        """A picture with an alternative text; its id."""
        picture = Image.new("RGB", (120, 90), "navy")
        name = hashlib.sha256(f"{self.name} {len(self.pictures)}".encode()).hexdigest()[:16]
        ImageDraw.Draw(picture).text((5, 5), name)
        file = io.BytesIO()
        picture.save(file, "JPEG", comment=b"as it was uploaded")
        self.pictures.append(file.getvalue())
        head = 'Content-Disposition: form-data; name="description"\r\n\r\n'
        head += f'{alt}\r\n--{name}\r\nContent-Disposition: form-data; name="file"; filename="{name}.jpg"\r\n'
        parts = [f"--{name}\r\n{head}Content-Type: image/jpeg\r\n\r\n".encode(), self.pictures[-1]]
        form = b"".join([*parts, f"\r\n--{name}--\r\n".encode()])
        return str(self._call("POST", "v2/media", form, f"multipart/form-data; boundary={name}")["id"])

    def edit(self, status: str, text: str) -> None:
        """Say something else in a status."""
        self._call("PUT", f"v1/statuses/{status}", json.dumps({"status": text}).encode())

    def delete(self, status: str) -> None:
        """Take a status back."""
        self._call("DELETE", f"v1/statuses/{status}")

    def boost(self, status: str) -> str:
        """Pass on what another wrote; the id under which it is shown."""
        return str(self._call("POST", f"v1/statuses/{status}/reblog")["id"])


@dataclass(frozen=True)
class Archivist:
    """A configuration with one source, its archive, and the command line."""

    folder: Path
    server: str

    def scrape(self, *arguments: str, **source: Any) -> dict[str, Any]:
        """What the run says; nothing failed."""
        host = self.server.removeprefix("http://")
        http = {"rate": "none", "attempts": 2, "allow_hosts": [host], "contact": "test@cupola.test"}
        stanza = {"id": "atelier", "kind": "mastodon"} | source
        (self.folder / "config.yaml").write_text(json.dumps({"http": http, "sources": [stanza]}))  # JSON is YAML
        report: dict[str, Any] = self.run("scrape", *arguments)["atelier"]
        assert report["failed"] == 0, report
        return report

    def run(self, *arguments: str) -> Any:
        """What a command says as JSON."""
        environment = {name: value for name, value in os.environ.items() if name != "CUPOLA_CONFIG"}
        command = [str(CUPOLA), *arguments, "--json", "--config", "config.yaml"]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.folder / "archive" / "cupola.db")) as held:
            return held.execute(sql, values).fetchall()

    def gone(self) -> list[str]:
        """The posts that are known to be there no more."""
        return [name for (name,) in self.ask("SELECT native_id FROM archive_posts WHERE gone_at IS NOT NULL")]

    def assert_holds(self, *authors: Author) -> None:
        """The archive's pictures are those that were uploaded, byte by byte, and nothing in it is damaged."""
        files = (path for path in (self.folder / "archive" / "media").rglob("*") if path.is_file())
        assert {path.read_bytes() for path in files} == {body for author in authors for body in author.pictures}
        verified = self.run("verify")
        assert (verified["damage"], verified["orphans"]) == ([], [])


def counts(report: dict[str, Any]) -> tuple[int, int, int]:
    """What a run added and updated, and how many pictures it stored."""
    return report["posts_added"], report["posts_updated"], report["media_stored"]


def wait_for_next_second() -> None:
    """Return once the clock, which is the server's as well, shows another second."""
    now = int(time.time())
    while int(time.time()) == now:
        time.sleep(0.02)


FR, EN = "Lever de soleil n° {} sur le port & le phare.", "Sunrise no. {} over the harbour & the lighthouse."


def words(number: int | str) -> str:
    """A status in both languages, as it is written."""
    return f"{FR.format(number)}\n\n{EN.format(number)}"


def test_an_account_is_archived_followed_and_checked(server: str, tmp_path: Path) -> None:
    """Two pages, both languages, pictures as uploaded; edits are revisions, also one between visits; gone is gone."""
    author, other = Author(server, "atelier"), Author(server, "voisin")
    first = author.post(words(1), pictures=2, spoiler_text="Soleil / Sun", language="fr")
    doomed = author.post(words(2), pictures=1)
    many = [author.post(words(number)) for number in range(3, 45)]
    theirs = other.post("Bonjour.\n\nHello.", pictures=1)
    boosted = author.boost(theirs)
    author.post("Bonjour à vous !", in_reply_to_id=theirs)
    author.post("Rien que pour mes amis.", visibility="private")
    archivist = Archivist(tmp_path, server)
    source = {"url": f"{server}/@atelier"}

    report = archivist.scrape(**source)
    assert counts(report) == (44, 0, 3)
    rows = archivist.ask("SELECT native_id, caption_fr, caption_en FROM archive_posts")
    assert {name: held for name, *held in rows} == {
        name: [FR.format(number), EN.format(number)] for number, name in enumerate([first, doomed, *many], start=1)
    }
    assert archivist.ask("SELECT author, url, content_warning FROM posts WHERE native_id = ?", first) == [
        ("atelier", f"{server}/@atelier/{first}", "Soleil / Sun")
    ]
    alts = archivist.ask("SELECT alt FROM archive_media WHERE post_key LIKE ? ORDER BY position", f"%{first}")
    assert alts == [("Vue 0 / View 0",), ("Vue 1 / View 1",)]
    assert len(archivist.ask("SELECT url FROM captures WHERE url LIKE '%max_id=%'")) == 1
    archivist.assert_holds(author)

    assert counts(archivist.scrape(**source)) == (0, 0, 0)
    assert archivist.gone() == []

    author.edit(first, words("1 bis"))  # seen by nobody
    wait_for_next_second()  # states of a post are told apart by the second
    author.edit(first, words("1 ter"))
    author.delete(doomed)
    last = author.post(words(45), pictures=1)
    assert counts(archivist.scrape(**source)) == (1, 1, 1)
    assert counts(archivist.scrape(**source)) == (0, 0, 0)
    assert archivist.gone() == [doomed]
    held = archivist.ask("SELECT native_id, text FROM archive_posts WHERE native_id IN (?, ?)", first, last)
    assert dict(held) == {first: words("1 ter"), last: words(45)}
    revisions = archivist.ask("SELECT body FROM revisions WHERE body IS NOT NULL")
    assert {body for (body,) in revisions} == {words(1), words("1 bis")}
    ((published, edited),) = archivist.ask("SELECT published_at, edited_at FROM posts WHERE native_id = ?", first)
    assert published < edited
    archivist.assert_holds(author)  # also the picture of what is gone

    # upwards from what is held, two pages of it
    wait_for_next_second()
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for number in range(46, 90):
        author.post(words(number))
    assert counts(archivist.scrape("--since", since, **source)) == (44, 0, 0)
    assert len(archivist.ask("SELECT url FROM captures WHERE url LIKE '%min_id=%'")) >= 2

    # what others wrote comes with the options, under the author's ids
    assert counts(archivist.scrape(**source, boosts=True, replies=True)) == (2, 0, 1)
    assert archivist.ask("SELECT author, text FROM archive_posts WHERE native_id = ?", boosted) == [
        ("voisin", "Bonjour.\n\nHello.")
    ]
    assert archivist.ask("SELECT count(*) FROM posts WHERE body LIKE '%mes amis%'") == [(0,)]
    archivist.assert_holds(author, other)


def test_a_hashtag_is_archived_of_those_who_are_wanted(server: str, tmp_path: Path) -> None:
    """Named by uri, by the wanted authors only; an edit is a revision, and nothing is gone for being listed no more."""
    author, other = Author(server, "marin"), Author(server, "passant")
    first = author.post(f"{words(1)}\n\n#maree", pictures=1)
    doomed = author.post(f"{words(2)}\n\n#maree")
    author.post(words(3))
    other.post(f"{words(4)}\n\n#maree", pictures=1)
    archivist = Archivist(tmp_path, server)
    source = {"url": f"{server}/tags/maree", "authors": [f"marin@{server.removeprefix('http://')}"]}
    assert counts(archivist.scrape(**source)) == (2, 0, 1)
    names = {name for (name,) in archivist.ask("SELECT native_id FROM archive_posts")}
    assert names == {f"{server}/@marin/{status}" for status in (first, doomed)}
    assert counts(archivist.scrape(**source)) == (0, 0, 0)
    author.edit(first, f"{words('1 bis')}\n\n#maree")
    author.delete(doomed)
    assert counts(archivist.scrape(**source)) == (0, 1, 0)
    assert counts(archivist.scrape(**source)) == (0, 0, 0)
    assert archivist.gone() == []
    assert archivist.ask("SELECT body FROM revisions") == [(f"{words(1)}\n\n#maree",)]
    archivist.assert_holds(author)
