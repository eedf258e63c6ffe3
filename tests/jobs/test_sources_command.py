"""``cupola sources``: every kind with what it needs; ``sources try``: what a place gives, with nothing archived."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from scraper.registry import kinds

ITEM = (
    '<figure class="photo"><a href="/full/{name}.jpg"><img src="/s/{name}.jpg"></a>'
    "<figcaption>{text}</figcaption><time>{date}</time></figure>"
)
FR_EN = "« Le delta du Mississippi vu depuis la Station. » “The Mississippi delta seen from the Station.”"
PAGE = f"""<!doctype html><html><body>
{ITEM.format(name="delta-du-mississippi", text=FR_EN, date="3 décembre 2016")}
{ITEM.format(name="paris-la-nuit", text="Paris, la nuit, sous les nuages.", date="hier")}
<a class="next" href="/2">2</a></body></html>"""


class Site(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []
    page: ClassVar[str] = PAGE

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = self.page.encode() if self.path == "/gallery" else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A site on loopback, and a configuration beside it that lets it be asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    Site.asked.clear()
    host = f"127.0.0.1:{server.server_address[1]}"
    stanza = f'{{id: shown, kind: gallery, url: "http://{host}/gallery", item: figure.photo, date: time}}'
    (tmp_path / "config.yaml").write_text(f'http: {{rate: none, allow_hosts: ["{host}"]}}\nsources: [{stanza}]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CUPOLA_CONFIG", raising=False)
    yield f"http://{host}/gallery"
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_kind_is_listed_with_what_it_needs(cupola: Callable[..., Any]) -> None:
    """An address, its options with what they mean, and what binds it; no secret is an option."""
    told = cupola("sources", columns=100).out
    for name, kind in kinds().items():
        assert f"{name}\n  {kind.summary[:40]}" in told
        assert kind.example in told
    assert "  option       key_env: the environment variable that holds an API key\n" in told
    assert "  option       key:" not in told
    assert "  pictures     bound by robots.txt and the site's terms" in told
    assert "  every kind   token_env: the environment variable that holds a read token" in told


@pytest.mark.parametrize("columns", [80, 120])
def test_what_selectors_find_is_shown_as_a_table(
    place: str, cupola: Callable[..., Any], tmp_path: Path, columns: int
) -> None:
    """Id, date, both captions, pictures and what each post lacks; one page is asked for and no archive is made."""
    done = cupola(
        "sources", "try", place, "--item", "figure.photo", "--date", "time", "--next", ".next", columns=columns
    )
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert all(len(line) <= columns for line in lines)
    for word in (
        "2016-12-03",
        "« Le delta du",
        "“The",
        "mississippi.jpg +1",
        "no date, English",
        "paris-la-nuit",
    ):
        assert word in done.out, word
    assert "2 posts at" in done.out
    assert "Lacking: date (1 of 2), English (1 of 2)." in done.out.replace("\n", " ")
    assert "Next would be: http://127.0.0.1" in done.out
    assert Site.asked == ["/robots.txt", "/gallery"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml"]


def test_a_configured_source_is_tried_as_it_stands(place: str, cupola: Callable[..., Any]) -> None:
    """By its id; as JSON all of it is told."""
    told = json.loads(cupola("sources", "try", "shown", "--json").out)
    assert (told["kind"], told["url"], told["asked"], told["failures"]) == ("gallery", place, [place], [])
    first = told["posts"][0]
    assert first["native_id"] == "delta-du-mississippi"
    assert first["published_at"] == "2016-12-03"
    assert first["captions"]["en"] == "“The Mississippi delta seen from the Station.”"
    (picture,) = first["pictures"]
    assert picture["url"].endswith("/full/delta-du-mississippi.jpg")
    assert [url[-10:] for url in picture["alternatives"]] == ["ssippi.jpg"]
    assert (first["lacks"], told["posts"][1]["lacks"]) == ([], ["date", "English"])


def test_selectors_that_find_nothing_are_told_with_what_is_there(place: str, cupola: Callable[..., Any]) -> None:
    """And the exit status says that something failed."""
    done = cupola("sources", "try", place, "--item", "figure.photos")
    assert (done.status, done.out) == (1, "")
    assert "«figure.photos», and the page has none; there are: figure.photo (2)" in done.err


def test_a_saved_page_is_read_in_place_of_the_network(place: str, cupola: Callable[..., Any], tmp_path: Path) -> None:
    """Nobody is asked; relative addresses count from the address that it is said to be of."""
    (tmp_path / "page.html").write_text(PAGE, "utf-8")
    done = cupola(
        "sources", "try", "https://gallery.example/a/", "--kind", "gallery", "--from-file", "page.html", "--json"
    )
    assert done.status == 0
    assert (
        json.loads(done.out)["posts"][0]["pictures"][0]["url"]
        == "https://gallery.example/full/delta-du-mississippi.jpg"
    )
    assert Site.asked == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["https://gallery.example/", "--item", "figure["],
            "item[0]: is no CSS selector: Malformed attribute selector",
        ),
        (["https://gallery.example/", "--kind", "galery"], "there is no kind of source 'galery'; known are"),
        (
            ["https://gallery.example/", "--kind", "gallery", "--option", "max_pages=0"],
            "max_pages: expected at least 1",
        ),
        (["https://gallery.example/", "--kind", "gallery", "--option", "max_page=1"], "did you mean max_pages?"),
        (["https://gallery.example/", "--kind", "gallery", "--option", "max_pages"], "expected --option KEY=VALUE"),
        (["https://gallery.example/", "--kind", "feed", "--item", "p"], "item: is not a key that is known here"),
        (
            ["https://www.flickr.com/photos/x/", "--kind", "flickr", "--option", "key_env=NOT_SET_HERE"],
            "NOT_SET_HERE is not set",
        ),
        (["nobody"], "has no source 'nobody'; it has shown"),
        (["shown", "--item", "p"], "shown is tried as it is configured"),
    ],
)
def test_what_cannot_be_meant_is_told_without_asking_anybody(
    place: str, cupola: Callable[..., Any], arguments: list[str], said: str
) -> None:
    """With the option's name and what was expected."""
    done = cupola("sources", "try", *arguments)
    assert done.status == 2
    assert said in done.err
    assert Site.asked == []


def test_a_page_can_be_tried_without_any_configuration(
    cupola: Callable[..., Any], tmp_path: Path, monkeypatch: Any
) -> None:
    """Only that nobody is asked before somebody says who asks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CUPOLA_CONFIG", raising=False)
    done = cupola("sources", "try", "https://gallery.example/", "--kind", "gallery")
    assert done.status == 1
    assert "set http.contact" in done.err


def test_what_was_tried_is_archived_and_an_edit_is_an_edit(
    place: str, cupola: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture in front, a caption mended, an item taken away: names stay, nothing comes twice, nothing is lost."""

    def scraped() -> list[int]:
        told = json.loads(cupola("scrape", "--no-media", "--json").out)["shown"]
        return [told[name] for name in ("posts_added", "posts_updated", "posts_unchanged")]

    assert scraped() == [2, 0, 0]
    assert scraped() == [0, 0, 2]
    new = ITEM.format(name="lune-gibbeuse", text="La lune, gibbeuse.", date="4/12/2016")
    gone = ITEM.format(name="paris-la-nuit", text="Paris, la nuit, sous les nuages.", date="hier")
    edited = (
        PAGE.replace("<body>", f"<body>{new}").replace("vu depuis la Station", "vu de la Station").replace(gone, "")
    )
    monkeypatch.setattr(Site, "page", edited)
    assert scraped() == [1, 1, 0]
    ids = cupola("query", "--format", "ids").out.split()
    assert sorted(ids) == ["shown:delta-du-mississippi", "shown:lune-gibbeuse", "shown:paris-la-nuit"]
    assert "vu de la Station" in cupola("show", "shown:delta-du-mississippi").out
