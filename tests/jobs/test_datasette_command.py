"""``cupola datasette``: a real Datasette that shows pictures, escapes texts and gives nothing else away."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import re
import signal
import socket
import subprocess
import sys
from datetime import date
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from PIL import Image

from jobs.browsing import metadata
from jobs.schemapage import page_text, questions, views
from storage.views import VIEWS

CUPOLA = Path(sys.executable).with_name("cupola")
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e"
KEY = "esa-proxima:<1>&'\"/?key=é"

installed = pytest.mark.skipif(importlib.util.find_spec("datasette") is None, reason="datasette is not installed")


def jpeg(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(out, "JPEG")
    return out.getvalue()


PICTURE = jpeg(1200, 800)


class Served:
    """The command on an archive of two posts, one of them hostile, in a folder whose name must be quoted."""

    def __init__(self, folder: Path) -> None:
        command = [str(CUPOLA), "datasette", "--archive", str(folder), "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr and self.process.stderr.read()
        self.address = urlsplit(re.search(r"http://\S+", line)[0])

    def get(self, path: str, host: str | None = None) -> tuple[int, str, bytes]:
        connection = HTTPConnection(self.address.hostname or "", self.address.port)
        try:
            connection.request("GET", path, headers={"Host": host or self.address.netloc})
            answer = connection.getresponse()
            self.headers = dict(answer.getheaders())
            return answer.status, answer.headers.get_content_type(), answer.read()
        finally:
            connection.close()


@pytest.fixture
def served(tmp_path, make_archive):
    """The archive's pages, until the test ends; Ctrl-C ends them quietly."""
    held = make_archive(tmp_path / "Proxima é #1?")
    files = ({"data": PICTURE, "alt": HOSTILE}, {"state": "pending"})
    held.add(KEY.partition(":")[2], fr=HOSTILE, en="Plain.", published=date(2016, 12, 3), pictures=files)
    held.add("2", fr="Bonjour", published=date(2016, 12, 4))
    held.database.close()
    (held.folder / "media" / "secret.txt").write_text("secret")
    outside = held.folder / "media" / "aa" / "aa" / f"{'aa' * 32}.jpg"
    outside.parent.mkdir(parents=True)
    outside.symlink_to(held.folder / "cupola.db")
    server = Served(held.folder)
    yield server
    server.process.send_signal(signal.SIGINT)
    _, said = server.process.communicate(timeout=60)
    assert server.process.returncode == 0
    assert "Traceback" not in said


@installed
def test_posts_stand_there_with_their_pictures_and_nothing_of_them_is_obeyed(served):
    """A post's page shows its picture small, and whole behind it; texts are shown, not run; the questions are there."""
    status, kind, page = served.get("/cupola/newest")
    assert (status, kind) == (200, "text/html")
    assert HOSTILE.encode() not in page
    assert b"&lt;script&gt;alert(1)" in page
    assert "'unsafe-eval'" not in served.headers["content-security-policy"]
    place = f"/-/cupola/of?key={quote(KEY, safe='')}&place=0"
    assert place.replace("&", "&amp;").encode() in page
    status, kind, small = served.get(place)
    assert (status, kind) == (200, "image/jpeg")
    with Image.open(io.BytesIO(small)) as image:
        assert max(image.size) == 320
    assert served.get(f"{place}&whole=1") == (200, "image/jpeg", PICTURE)
    assert served.get(place.replace("place=0", "place=1"))[1] == "image/svg+xml"  # it is not held
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    name = f"media/{sha256[:2]}/{sha256[2:4]}/{sha256}.jpg"
    for path in (f"/cupola/post?key={quote(KEY, safe='')}", "/cupola/archive_posts", "/cupola/archive_media"):
        status, _, page = served.get(path)
        assert (status, b"<script>alert" in page, b"onerror=alert(2)>" in page) == (200, False, False), path
    assert f"/-/cupola/small/{name}".encode() in page
    assert served.get(f"/-/cupola/{name}") == (200, "image/jpeg", PICTURE)
    assert b"place in it, from 0" in page, "columns are described"
    front = served.get("/cupola")[2].decode()
    assert all(question.title in front for question in questions(page_text()))
    for number in range(1, 21):
        status, _, page = served.get(f"/cupola/question-{number:02}.json?_shape=array")
        assert (status, type(json.loads(page))) == (200, list), number


@installed
def test_nothing_else_is_given_away_and_nothing_changes(served):
    """No file but pictures under their own names, no other host's name, no write, no other database."""
    for name in ("secret.txt", "../cupola.db", "%2e%2e/cupola.db", "aa/aa/../../secret.txt", "aa/aa/secret.txt",
                 f"aa/aa/{'aa' * 32}.jpg", f"bb/bb/{'bb' * 32}.jpg", f"bb/aa/{'aa' * 32}.jpg"):  # fmt: skip
        for small in ("", "small/"):
            status, _, body = served.get(f"/-/cupola/{small}media/{name}")
            # what is in percents Datasette sends on to its own way of writing it, which is not there either
            assert status == (302 if "%" in name else 404), name
            assert b"secret" not in body, name
            assert b"SQLite format" not in body, name
    for place in ("x", "-1", "99999999999999999999", ""):
        assert served.get(f"/-/cupola/of?key={quote(KEY, safe='')}&place={place}")[0] in (200, 404)
    assert served.get("/cupola", host="evil.example")[0] == 403
    assert served.get("/nowhere")[0] == 404
    for statement in ("DELETE FROM posts", "ATTACH '/etc/passwd' AS x", "SELECT load_extension('x')",
                      "PRAGMA journal_mode=DELETE", "CREATE TABLE x (y)"):  # fmt: skip
        assert served.get(f"/cupola?sql={quote(statement)}")[0] == 400, statement
    assert served.get("/cupola/newest")[0] == 200


def test_its_files_are_written_for_another_datasette(cupola, held, tmp_path):
    """`--write-only` starts nothing: metadata and the plugin, and the command that takes them."""
    held.add("1", fr="Bonjour", pictures=({"data": PICTURE},))
    folder = tmp_path / "du bist"
    answer = cupola("datasette", "--archive", held.folder, "--write-only", folder)
    assert (answer.status, answer.err) == (0, "")
    assert f"--metadata '{folder / 'metadata.json'}'" in answer.out
    told = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    assert told["plugins"]["cupola"]["folder"] == str(held.folder)
    compile((folder / "plugins" / "cupola_pictures.py").read_bytes(), "plugin", "exec")
    (tmp_path / "file").write_text("")
    answer = cupola("datasette", "--archive", held.folder, "--write-only", tmp_path / "file" / "x")
    assert answer.status == 2
    assert "cannot be written to" in answer.err


def test_what_cannot_be_opened_is_told(cupola, held, tmp_path):
    """An archive on a server is to be exported first, one that is missing is missing, a port that is taken is taken."""
    answer = cupola("datasette", "--archive", "postgresql+psycopg://reader@nowhere.invalid/cupola")
    assert (answer.status, answer.out) == (2, "")
    assert "export it first" in answer.err
    assert cupola("datasette", "--archive", tmp_path / "none").status == 3
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = cupola("datasette", "--archive", held.folder, "--port", port)
    assert answer.status == 2
    assert f"port {port} cannot be listened on" in answer.err or "not installed" in answer.err


def test_every_view_is_described():
    """Datasette is told of each view and column what docs/schema.md tells; the tables are hidden, the views are not."""
    described = {view.name: list(view.columns) for view in views(page_text())}
    assert described == {view.name: [column.name for column in view.columns] for view in VIEWS}
    tables = metadata(Path("/archive"), ["posts", "tags"])["databases"]["cupola"]["tables"]
    assert [name for name, about in tables.items() if about.get("hidden")] == ["posts", "tags"]
    for view in VIEWS:
        chosen = {*tables[view.name]["facets"], tables[view.name].get("sort_desc")} - {None}
        assert chosen <= set(tables[view.name]["columns"]), view.name
