"""The Atom feed: read by feedparser, and held against RFC 4287 element by element. All posts are synthetic."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
from lxml import etree

from storage.errors import ExportRefused
from storage.export.exporting import export
from storage.export.formats import Wishes, format_of
from storage.export.markup import web_address
from storage.export.publishable import Clearance
from storage.export.to_atom import entry_id
from storage.filters import Filters

ATOM, XHTML, OWN = "{http://www.w3.org/2005/Atom}", "{http://www.w3.org/1999/xhtml}", "{urn:cupola:export}"
# RFC 4287, section 3.3: RFC 3339 with an upper-case T and Z
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
HOSTILE = "</div>]]><script>alert(1)</script>&nbsp;\x00\x08\ud800 \"a' <b & c\r\nd\n\n\ne"

Feed = Callable[..., bytes]


@pytest.fixture
def feed(held: Any, tmp_path: Path) -> Feed:
    """Exports the archive and gives the feed's bytes; words are those of ``export``, or wishes."""

    def make(name: str = "feed.atom", **words: Any) -> bytes:
        wishes = Wishes(base_url=words.pop("base_url", None))
        given: dict[str, Any] = {"clearance": Clearance(), "cupola": "Cupola 1.0", "force": True} | words
        export(held.database, held.folder, format_of("atom"), tmp_path / name, Filters(), wishes=wishes, **given)
        return (tmp_path / name).read_bytes()

    return make


def full(held: Any) -> str:
    """A post with everything that an entry tells, one without anything, and one full of mischief."""
    key: str = held.add(
        "7",
        fr="Montée des eaux à Dacca",
        en="Rising waters",
        published=datetime(2017, 1, 2, 3, 4, 5, 600000, tzinfo=UTC),
        edited_at=datetime(2017, 2, 3, 4, 5, 6, tzinfo=UTC),
        author="Thomas Pesquet",
        title="Dacca / Dhaka",
        url="https://social.example/@iss/7",
        credit="ESA/NASA",
        license="CC BY-SA IGO 3.0",
        license_url="https://creativecommons.org/licenses/by-sa/3.0/igo/",
        content_warning="floods",
        hashtags=("Proxima", "Dacca"),
        mission="proxima",
        pictures=({"data": b"picture seven", "alt": "Le delta & l’océan"}, {"url": "https://esa.example/8.jpg"}),
    )
    held.add("bare", captured=False)
    held.add(
        "bad",
        fr=HOSTILE,
        published=date(2016, 12, 3),
        author="<b>\x0b",
        title=HOSTILE,
        url="javascript:alert(1)",
        credit=HOSTILE,
        license_url="data:text/html,<script>",
        hashtags=('"><x',),
        pictures=(
            {"url": "javascript:alert(2)", "media_type": 'image/png" onerror="x', "alt": HOSTILE},
            {"url": 'https://esa.example/a b"<é>.png', "media_type": "image/png"},
        ),
    )
    return key


def check(data: bytes) -> Any:
    """Hold a feed against the schema and the rules of RFC 4287, and give its root."""
    feed = etree.fromstring(data)
    assert feed.tag == f"{ATOM}feed"
    in_order = [child.tag for child in feed]
    entries = feed.findall(f"{ATOM}entry")
    assert in_order == sorted(in_order, key=lambda tag: tag == f"{ATOM}entry"), "entries come last"
    once(feed, "id", "title", "updated")
    for entry in entries:
        once(entry, "id", "title", "updated", "content")
        assert len(entry.findall(f"{ATOM}published")) <= 1
        assert len(entry.findall(f"{ATOM}rights")) <= 1
        (name,) = entry.findall(f"{ATOM}author/{ATOM}name")
        assert (name.text or "").strip()
        assert len([link for link in entry.findall(f"{ATOM}link") if link.get("rel") == "alternate"]) <= 1
        (div,) = entry.find(f"{ATOM}content")
        assert div.tag == f"{XHTML}div"
        assert all(child.tag.startswith(XHTML) for child in div.iter())
        assert {etree.QName(child).localname for child in div.iter()} <= {"div", "p", "br", "img", "strong", "small"}
        for category in entry.findall(f"{ATOM}category"):
            assert category.get("term")
    for link in feed.iter(f"{ATOM}link"):
        assert re.fullmatch(r"https?://[^\s<>\"]+", link.get("href"))
        assert re.fullmatch(r"[\w.+-]+/[\w.+-]+", link.get("type", "a/b"))
        assert link.get("length", "0").isdecimal()
    for image in feed.iter(f"{XHTML}img"):
        assert image.get("src").startswith(("http://", "https://"))
    for when in [*feed.iter(f"{ATOM}updated"), *feed.iter(f"{ATOM}published")]:
        assert TIME.fullmatch(when.text)
        assert datetime.fromisoformat(when.text).tzinfo
    ids = [found.text for found in feed.iter(f"{ATOM}id")]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", found) for found in ids)
    return feed


def once(parent: Any, *names: str) -> None:
    for name in names:
        assert len(parent.findall(ATOM + name)) == 1, name


def test_an_entry_tells_all_of_a_post(held: Any, feed: Feed) -> None:
    """A feed reader finds both captions, the pictures, the rights and where a post came from."""
    key = full(held)
    data = feed()
    root = check(data)
    read = feedparser.parse(data)
    assert not read.bozo
    first = read.entries[0]
    assert first.id == entry_id(key)
    assert (first.title, first.author) == ("Dacca / Dhaka", "Thomas Pesquet")
    assert (first.published, first.updated) == ("2017-01-02T03:04:05Z", "2017-02-03T04:05:06Z")
    assert read.feed.updated == max(item.updated for item in read.entries) == "2017-06-02T12:00:00Z"
    links = {link.rel: link.href for link in first.links}
    assert links["alternate"] == "https://social.example/@iss/7"
    assert links["license"] == "https://creativecommons.org/licenses/by-sa/3.0/igo/"
    assert links["via"] == "https://esa.example/7"
    held_one = first.enclosures[0]
    assert (held_one.type, held_one.length, held_one.title) == ("image/jpeg", "13", "Le delta & l’océan")
    assert [item.href for item in first.enclosures][1] == "https://esa.example/8.jpg"
    assert first.rights == "ESA/NASA. CC BY-SA IGO 3.0"
    assert [tag.term for tag in first.tags] == ["Proxima", "Dacca", "proxima"]
    entry = root.find(f"{ATOM}entry")
    said = {div.get("lang"): "".join(div.itertext()) for div in entry.iter(f"{XHTML}div") if div.get("lang")}
    assert said == {"fr": "Montée des eaux à Dacca", "en": "Rising waters"}
    assert entry.find(f"{OWN}key").text == key
    assert entry.find(f"{OWN}citation").text.startswith("Thomas Pesquet: “Dacca / Dhaka”, 2017-01-02.")
    assert [word.text for word in entry.findall(f"{OWN}incomplete")] == ["media_pending"]


def test_nothing_from_outside_is_markup_or_runs(held: Any, feed: Feed) -> None:
    """A hostile caption is text, an address that runs something is left out, and the feed is still XML."""
    full(held)
    data = feed()
    root = check(data)
    assert b'="javascript:' not in data
    assert b"<script" not in data
    bad = root.findall(f"{ATOM}entry")[1]
    text = "".join(bad.find(f"{ATOM}content").itertext())
    assert text.count("<script>alert(1)</script>") == 2, "in the caption and in the credit"
    assert bad.find(f"{ATOM}title").text.startswith("</div>]]><script>")
    assert [link.get("rel") for link in bad.findall(f"{ATOM}link")] == ["via", "enclosure"]
    assert bad.findall(f"{ATOM}link")[1].get("href") == "https://esa.example/a%20b%22%3C%C3%A9%3E.png"


def test_an_undated_post_comes_last_without_a_date(held: Any, feed: Feed) -> None:
    """A post of which nothing is known is an entry all the same; a day is a day's first second."""
    full(held)
    entries = check(feed()).findall(f"{ATOM}entry")
    assert [entry.find(f"{OWN}key").text.partition(":")[2] for entry in entries] == ["7", "bad", "bare"]
    assert entries[1].find(f"{ATOM}published").text == "2016-12-03T00:00:00Z"
    assert entries[2].find(f"{ATOM}published") is None
    assert entries[2].find(f"{ATOM}title").text == "esa-proxima:bare"
    assert entries[2].find(f"{OWN}incomplete").text == "undated"


def test_pictures_are_linked_where_they_are_published(held: Any, feed: Feed) -> None:
    """With an address of one's own the held pictures lead there, the others to their source; the feed knows itself."""
    full(held)
    first = feedparser.parse(feed("moi é.atom", base_url="https://archive.example/iss")).entries[0]
    assert re.fullmatch(r"https://archive\.example/iss/media/../../[0-9a-f]{64}\.jpg", first.enclosures[0].href)
    assert first.enclosures[1].href == "https://esa.example/8.jpg"
    root = check(feed("moi é.atom", base_url="https://archive.example/iss/"))
    assert root.find(f"{ATOM}link[@rel='self']").get("href") == "https://archive.example/iss/moi%20%C3%A9.atom"
    with pytest.raises(ExportRefused, match="http"):
        feed(base_url="javascript:alert(1)")


def test_the_same_posts_are_the_same_feed(held: Any, feed: Feed) -> None:
    """A feed is repeated byte for byte; of no post it is empty, and its time is none of a clock."""
    empty = feed()
    assert check(empty).find(f"{ATOM}updated").text == "1970-01-01T00:00:00Z"
    full(held)
    assert feed("a.atom") == feed("b.atom") != empty


def test_what_is_private_says_so(held: Any, feed: Feed) -> None:
    """A post that may not be passed on is in no feed but a private one, which says of it why."""
    held.add("1", fr="Gardé", license="All rights reserved")
    assert check(feed()).find(f"{ATOM}entry") is None
    root = check(feed(private=True))
    assert "licence" in root.find(f"{ATOM}entry/{OWN}withheld").text
    assert "private" in root.find(f"{ATOM}subtitle").text


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://esa.example/a?b=c&d#e", "https://esa.example/a?b=c&d#e"),
        (" HTTP://esa.example ", "http://esa.example"),
        ("https://esa.example/%C3%A9 é", "https://esa.example/%C3%A9%20%C3%A9"),
        ("https://user:secret@esa.example/", None),
        ("java\nscript:alert(1)", None),
        ("//esa.example/x", None),
        ("https://", None),
        ("https://[", None),
        ("https://esa.example:port/", None),
        ("https://esa.example\\@evil.example/", None),
        ("ftp://esa.example/", None),
        (None, None),
    ],
)
def test_only_addresses_of_the_web_are_linked(url: str | None, address: str | None) -> None:
    """An address is absolute, http(s), without a password, and escaped; anything else is none."""
    assert web_address(url) == address
