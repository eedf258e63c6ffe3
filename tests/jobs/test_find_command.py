"""``cupola sources find``: what an address leads to, against real servers on loopback."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from jobs.cli.main import commands
from jobs.config import parse
from jobs.proposals import name_of
from jobs.wiring import sources_of

Find = Callable[..., Result]

RSS = (
    b"<?xml version='1.0'?><rss version='2.0'><channel><title>x</title><link>/</link><description>x</description>"
    b"<item><title>One</title><guid>1</guid><description>Bonjour. Hello.</description></item></channel></rss>"
)


@contextmanager
def serving(pages: dict[str, tuple[int, str, bytes]]) -> Iterator[tuple[str, list[str]]]:
    """A server on loopback with these pages (path: status, type, body), and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, kind, body = pages.get(self.path, (404, "text/plain", b"no"))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.replace(b"HOME", home.encode()))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port = server.server_port
    home = f"http://127.0.0.1:{port:05}"  # as long as HOME plus what its length was counted with
    pages = {path: (status, kind, body.replace(b"HOME", home.encode())) for path, (status, kind, body) in pages.items()}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield home, asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("http: {rate: none, attempts: 1, allow_hosts: [127.0.0.1]}\n")
    return path


@pytest.fixture
def find(config: Path) -> Find:
    def run(*arguments: str) -> Result:
        # as the outermost frame runs it: what a command returns is the exit status
        return CliRunner().invoke(
            commands, ["sources", "find", "--config", str(config), *arguments], standalone_mode=False
        )

    return run


def pasted(result: Result, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Kind and address of each printed stanza, once the real reader of configurations has taken all of them."""
    monkeypatch.setenv("FLICKR_KEY", "synthetic")
    text = "sources:\n" + "".join(f"  {line}\n" for line in result.stdout.splitlines())
    configured = sources_of(parse(text, Path("config.yaml")))
    return [(item.source.kind, item.source.options.url) for item in configured]


@pytest.mark.parametrize(
    ("typed", "kind", "url"),
    [
        ("https://bsky.app/profile/someone.example", "bluesky", "https://bsky.app/profile/someone.example"),
        ("@someone.bsky.social", "bluesky", "https://bsky.app/profile/someone.bsky.social"),
        (f"did:plc:{'a' * 24}", "bluesky", f"https://bsky.app/profile/did:plc:{'a' * 24}"),
        ("https://www.flickr.com/photos/34427469121@N01/", "flickr", "https://www.flickr.com/photos/34427469121@N01/"),
        ("https://www.flickr.com/photos/someone/", "flickr", "https://www.flickr.com/photos/someone/"),
        *(
            (f"https://www.esa.int/ESA_Multimedia/{path}", "esa_gallery", f"https://www.esa.int/ESA_Multimedia/{path}")
            for path in ("Images/2021/04/Images_de_la_mission_Proxima", "Sets/Proxima", "Missions/Proxima/(offset)/0")
        ),
        (
            "https://web.archive.org/web/20161203174500/https://blog.example/feed/",
            "wayback",
            "https://blog.example/feed/",
        ),
        ("https://web.archive.org/web/*/http://www.esa.int/ESA_Multimedia/Images/2017/05/X", "wayback", None),
    ],
)
def test_an_address_that_says_it_all_is_not_asked_for(
    find: Find, monkeypatch: pytest.MonkeyPatch, typed: str, kind: str, url: str | None
) -> None:
    """Profiles, ESA's pages and captures are known by their address; the stanza is one that the configuration takes."""
    result = find(typed)
    assert result.return_value == 0, result.output
    ((found, address),) = pasted(result, monkeypatch)
    assert found == kind
    assert url is None or address == url


@pytest.mark.parametrize(
    ("url", "instead"),
    [
        ("https://x.com/Thom_astro", "cupola import tweets"),
        ("https://twitter.com/Thom_astro/status/1", "cupola import tweets"),
        ("https://www.instagram.com/thom_astro/", "cupola import"),
        ("facebook.com/someone", "cupola import"),
        ("https://www.youtube.com/@someone", "feeds/videos.xml"),
    ],
)
def test_a_closed_place_is_said_to_be_closed_and_not_asked(
    find: Find, monkeypatch: pytest.MonkeyPatch, url: str, instead: str
) -> None:
    """Nothing is asked there; what to do instead is told, and of X what the Archive has captured is offered."""
    result = find(url)
    assert result.return_value == 0
    assert instead in result.stderr
    assert "docs/imports.md" in result.stderr or "youtube" in url
    kinds = [kind for kind, _ in pasted(result, monkeypatch)] if result.stdout else []
    assert kinds == (["wayback"] if "x.com" in url or "twitter.com" in url else [])


def test_a_blog_made_with_wordpress_comes_before_its_feeds(find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API has all posts, the feed the newest, the feed of comments nobody's posts: in that order."""
    page = (
        b"<!doctype html><html><head><title>Blog</title><link rel='https://api.w.org/' href='HOME/wp-json/'>"
        b"<link rel='alternate' type='application/rss+xml' title='Comments Feed' href='/comments/feed/'>"
        b"<link rel='alternate' type='application/rss+xml' title='Feed' href='/feed/'></head><body>x</body></html>"
    )
    with serving({"/": (200, "text/html", page)}) as (home, asked):
        result = find(f"{home}/")
    assert [kind for kind, _ in pasted(result, monkeypatch)] == ["wordpress", "feed", "feed"]
    assert [url for _, url in pasted(result, monkeypatch)][1:] == [f"{home}/feed/", f"{home}/comments/feed/"]
    assert asked == ["/robots.txt", "/"]
    assert re.search(r"^# .*WordPress", result.stdout)


def test_a_feed_is_known_as_one(find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that answers with a feed is its stanza."""
    with serving({"/blog.xml": (200, "text/xml", RSS)}) as (home, _):
        result = find(f"{home}/blog.xml")
    assert pasted(result, monkeypatch) == [("feed", f"{home}/blog.xml")]


@pytest.mark.parametrize(
    ("software", "kinds"),
    [
        ("mastodon", ["mastodon"]),
        ("akkoma", ["mastodon"]),
        ("pixelfed", ["feed"]),
        ("gotosocial", ["feed"]),
        ("unheardof", ["mastodon"]),
    ],
)
def test_a_server_of_the_fediverse_says_what_it_is(
    find: Find, monkeypatch: pytest.MonkeyPatch, software: str, kinds: list[str]
) -> None:
    """Its make and version are told; where it refuses strangers that is said, and its feed offered in place."""
    info = json.dumps({"software": {"name": software, "version": "1.2.3"}}).encode()
    links = b'{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"HOME/nodeinfo/2.0"}]}'
    pages = {
        "/@someone": (200, "text/html", b"<!doctype html><html><body>Someone</body></html>"),
        "/.well-known/nodeinfo": (200, "application/json", links),
        "/nodeinfo/2.0": (200, "application/json", info),
    }
    with serving(pages) as (home, _):
        result = find(f"{home}/@someone")
    assert [kind for kind, _ in pasted(result, monkeypatch)] == kinds
    assert f"runs {software.capitalize()} 1.2.3" in result.output
    assert ("Not as mastodon" in result.stderr) == (kinds == ["feed"])


def test_robots_txt_is_obeyed(find: Find) -> None:
    """A page that may not be read is not asked for, which is a failure that says so."""
    pages = {"/robots.txt": (200, "text/plain", b"User-agent: *\nDisallow: /\n"), "/": (200, "text/xml", RSS)}
    with serving(pages) as (home, asked):
        result = find(f"{home}/")
    assert asked == ["/robots.txt"]
    assert result.return_value == 1
    assert "robots.txt" in result.stderr
    assert not result.stdout


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[" * 100_000, b"<div>" * 100_000, b"\x00" * 999, b"<html><body>Just a page</body></html>",
        b"<link rel=alternate type=application/rss+xml href='http://['>", b'{"links": 3}',
    ],
)  # fmt: skip
def test_a_page_that_leads_nowhere_is_said_to(find: Find, body: bytes) -> None:
    """Whatever comes: no traceback, no stanza, and a sentence that says what may be done."""
    pages = {"/@x": (200, "text/html", body), "/.well-known/nodeinfo": (200, "application/json", body)}
    with serving({**pages, "/": pages["/@x"]}) as (home, _):
        result = find(f"{home}/")
        profile = find(f"{home}/@x")
    assert result.return_value == 0
    assert not result.stdout
    assert "cupola sources try" in result.stderr
    assert profile.return_value == 0
    assert "form of a profile" in profile.stdout


def test_as_json_it_is_one_object(find: Find) -> None:
    """``--json`` has each stanza as an object and as YAML, its rank and its reason."""
    with serving({"/f": (200, "text/xml", RSS)}) as (home, _):
        told = json.loads(find(f"{home}/f", "--json").stdout)
    (one,) = told["found"]
    assert one["stanza"] == yaml.safe_load(one["yaml"])[0]
    assert one["stanza"]["url"] == f"{home}/f"
    assert one["rank"] == "certain"
    assert told["failures"] == []


@pytest.mark.parametrize("typed", ["", "  ", "http://", "nonsense words", "ftp://x.example/", "http://[", "@@@", "://"])
def test_what_is_no_address_is_no_traceback(find: Find, typed: str) -> None:
    """Nonsense is refused, or not found, in words."""
    result = find(typed)
    assert result.exception is None or isinstance(result.exception, click.UsageError)
    assert result.stderr or isinstance(result.exception, click.UsageError)


def test_ids_are_not_those_of_the_configuration(find: Find, config: Path) -> None:
    """A stanza can be pasted under one that has its name."""
    config.write_text(
        "sources:\n  - {id: esa-proxima, kind: esa_gallery, url: 'https://www.esa.int/ESA_Multimedia/Sets/Proxima'}\n"
    )
    result = find("https://www.esa.int/ESA_Multimedia/Sets/Proxima")
    assert yaml.safe_load(result.stdout)[0]["id"] == "esa-proxima-2"


@pytest.mark.parametrize(
    "url", ["https://é.example/", "http://1.2.3.4/", "https://x/%ff%00/" + "a" * 500, "", "http://["]
)
def test_every_address_has_a_name(url: str) -> None:
    """An id is what the configuration takes, whatever the address."""
    try:
        name = name_of(url, "feed")
    except ValueError:
        assert url == "http://["
        return
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", name)
