"""What the feed source reads, mends and refuses; whole feeds by example are its fixtures."""

from __future__ import annotations

import dataclasses
import json
import tracemalloc
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.capture import Access, Capture, Request
from scraper.errors import ParseError
from scraper.feeds.dates import published_of
from scraper.feeds.licences import licence_of
from scraper.feeds.parsing import MAX_TAGS_IF_BROKEN
from scraper.model import Attachment, MediaKind, Post
from scraper.settings import SourceOptions
from scraper.sources.feed import Feed

RECORDED = Path(__file__).parents[2].parent / "shared" / "fixtures" / "rss"
HOME = "https://site.example/blog/feed/"
HEAD = (
    '<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom"'
    ' xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>T</title>'
)
TAIL = "</channel></rss>"


@dataclass(frozen=True)
class Visit:
    """What one answer gave."""

    posts: list[Post]
    requests: list[Request]
    failure: str

    @property
    def post(self) -> Post:
        assert len(self.posts) == 1, self
        assert not self.failure
        return self.posts[0]


def visit(
    body: str | bytes,
    *,
    url: str = HOME,
    since: datetime | None = None,
    headers: dict[str, str] | None = None,
    carry: str | None = None,
) -> Visit:
    """Parse one answer; any other error than ParseError passes through and fails the test."""
    capture = Capture(
        request=Request(url=url, carry=carry),
        url=url,
        status=200,
        headers={"content-type": "application/rss+xml"} if headers is None else headers,
        body=body.encode() if isinstance(body, str) else body,
        fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    posts: list[Post] = []
    requests: list[Request] = []
    try:
        for found in Feed("f", SourceOptions(url=HOME)).parse(capture, since):
            if isinstance(found, Post):
                posts.append(found)
            else:
                requests.append(found)
    except ParseError as error:
        evidence = {capture.sha256: str(error).removeprefix(f"{url}: ")}
        return Visit(posts, requests, evidence[error.sha256])
    return Visit(posts, requests, "")


def item(inside: str, guid: str = "1") -> str:
    return f'<item><guid isPermaLink="false">{guid}</guid><title>A</title>{inside}</item>'


def rss(*inside: str) -> str:
    return HEAD + "".join(inside) + TAIL


def files(inside: str) -> list[tuple[str, ...]]:
    """Of an item, the addresses of each attachment without the host, the first one first."""
    return [
        tuple(address.removeprefix("https://site.example") for address in (str(medium.url), *medium.alternatives))
        for medium in visit(rss(item(inside))).post.attachments
    ]


def shown(markup: str) -> str:
    return f"<description><![CDATA[{markup}]]></description>"


# --- asking -----------------------------------------------------------------------------------------------------


def test_a_feed_and_its_pictures_are_asked_for_under_robots_txt() -> None:
    """A feed has no terms of its own, so it is treated as a page of its site; servers that can choose send a feed."""
    (request,) = Feed("f", SourceOptions(url=HOME)).start(None)
    assert (request.url, request.access, Feed.media_access) == (HOME, Access.PAGE, Access.PAGE)
    assert request.accept is not None
    assert request.accept.startswith("application/atom+xml")


NEXT = '<atom:link rel="next" href="{}"/>'
DATED = "<pubDate>Sat, 03 Dec 2016 18:30:00 GMT</pubDate>"


@pytest.mark.parametrize(
    ("since", "follows"),
    [
        (None, True),
        (datetime(2016, 12, 3, 18, 30, tzinfo=UTC), True),
        (datetime(2016, 12, 3, 18, 30, 1, tzinfo=UTC), False),
    ],
)
def test_a_next_page_is_asked_for_until_a_whole_page_is_older(since: datetime | None, follows: bool) -> None:
    """The page after one whose entries are all older than the bound is not needed."""
    found = visit(rss(NEXT.format("?paged=2"), item(DATED)), since=since)
    assert [request.url for request in found.requests] == [f"{HOME}?paged=2"] * follows


def test_an_undated_entry_keeps_the_paging_going() -> None:
    """An undated post is not older than anything."""
    page = rss(NEXT.format("?paged=2"), item(DATED), item("", guid="2"))
    assert visit(page, since=datetime(2030, 1, 1, tzinfo=UTC)).requests


def test_nobody_pages_where_the_feed_links_no_page() -> None:
    """WordPress would answer ?paged=2, but nothing is guessed."""
    assert visit(rss(item(DATED))).requests == []


def test_a_next_page_is_asked_for_where_the_feed_was() -> None:
    """A feed behind a proxy does not know its own scheme and port; they are those that were asked."""
    page = rss(NEXT.format("https://site.example/blog/feed/?paged=2"), item(DATED))
    (request,) = visit(page, url="http://site.example:8090/blog/feed/").requests
    assert request.url == "http://site.example:8090/blog/feed/?paged=2"


def test_an_empty_page_is_the_last_one() -> None:
    """A server that links a next page for ever ends where entries end."""
    assert visit(rss(NEXT.format("?paged=9"))) == Visit([], [], "")


def test_a_next_page_on_another_server_is_told_and_not_followed() -> None:
    """The failure names it, and the posts are given all the same."""
    found = visit(rss(NEXT.format("https://elsewhere.example/2"), item(DATED)))
    assert len(found.posts) == 1
    assert "https://elsewhere.example/2" in found.failure
    assert found.requests == []


# --- names ------------------------------------------------------------------------------------------------------


def test_a_key_outlives_a_change_of_address() -> None:
    """A guid is kept as written, also where it looks like a relative address, and whatever xml:base says."""
    entry = '<item xml:base="https://base.example/x/"><guid>posts/1</guid><title>A</title></item>'
    names = {visit(rss(entry), url=url).post.native_id for url in (HOME, "http://old.example/rss")}
    assert names == {"posts/1"}


def test_an_atom_id_is_kept_as_written() -> None:
    """An Atom id is a name and no address, also within an xml:base."""
    feed = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://b.example/">'
        "<entry><id>a/1</id><title>A</title></entry></feed>"
    )
    assert visit(feed).post.native_id == "a/1"


def test_a_guid_that_is_an_address_is_the_post_s_address() -> None:
    """Unless it says that it is none, or a link stands beside it."""
    permalink = visit(rss("<item><guid>https://site.example/1</guid><title>A</title></item>")).post
    assert (permalink.url, permalink.native_id) == ("https://site.example/1", "https://site.example/1")
    assert visit(rss(item("", guid="https://site.example/1"))).post.url is None
    linked = "<item><guid>https://site.example/?p=1</guid><link>https://site.example/one</link><title>A</title></item>"
    assert visit(rss(linked)).post.url == "https://site.example/one"


def test_a_hash_names_what_has_neither_id_nor_address() -> None:
    """Title, date and text make it; the same entry has the same name each time, another has another."""
    first, again, other = (
        visit(rss(f"<item><title>{title}</title><description>x</description></item>")).post.native_id
        for title in ("A", "A", "B")
    )
    assert first == again != other
    assert len(first) == 16


# --- text -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inside", "body"),
    [
        ("<description>S</description><content:encoded>C</content:encoded>", "C"),
        ("<content:encoded>C</content:encoded><description>S</description>", "C"),
        ("<atom:summary>S</atom:summary><atom:content>C</atom:content>", "C"),
        ("<atom:content>A</atom:content><content:encoded>C</content:encoded>", "C"),
        ("<description>S</description>", "S"),
        ("<media:content url='/a.jpg'><media:description>M</media:description></media:content>", ""),
        ("<media:group><media:description>M</media:description></media:group>", "M"),
        ("<media:description>M</media:description><description>S</description>", "S"),
        ("<description>S</description><media:text>M</media:text>", "S"),
        ("<description>Un&lt;br&gt;deux&lt;p&gt;trois&lt;/p&gt;</description>", "Un\ndeux\n\ntrois"),
        ("<description>Un &lt;b&gt;deux&lt;/b&gt;\n trois</description>", "Un deux trois"),
        ("<description>Un\n\n  deux &amp;amp; trois</description>", "Un\n\ndeux & trois"),
        ("<description>&lt;script&gt;x()&lt;/script&gt;&lt;p onclick='x'&gt;Un&lt;/p&gt;</description>", "Un"),
        (shown("«\u202fÉté\u00a0»<br>&#233;t&eacute;"), "«\u202fÉté\u00a0»\nété"),
        (shown('Vol <img class="emoji" alt="🚀" src="/e.png"> ok'), "Vol 🚀 ok"),
        ('<atom:content type="image/png">iVBORw0KGgo=</atom:content><description>S</description>', "S"),
    ],
)
def test_the_body_is_the_fullest_text_there_is(inside: str, body: str) -> None:
    """content:encoded before content before summary; what describes a picture is no post's text."""
    assert visit(rss(item(inside))).post.body == body


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Un  titre\n long", "Un titre long"),
        ("5 &lt; 6", "5 < 6"),
        ("R&amp;D", "R&D"),
        ("<![CDATA[L&rsquo;été &amp; moi]]>", "L’été & moi"),
        ("&lt;em&gt;Été&lt;/em&gt;", "Été"),
        ("Nuit\u00a0!", "Nuit\u00a0!"),
    ],
)
def test_a_title_is_one_line_of_plain_text(title: str, expected: str) -> None:
    """RSS does not say whether a title is text or HTML; markup is taken for markup only where it is some."""
    entry = f"<item><guid>1</guid><title>{title}</title></item>"
    assert visit(rss(entry)).post.title == expected


FRENCH = "Cœur d’été à l’équateur – 3 €"


@pytest.mark.parametrize(
    ("encoding", "prolog", "header"),
    [
        ("utf-8", "", "application/rss+xml"),
        ("utf-8", "utf-8", "text/xml"),
        ("utf-8-sig", "utf-8", "application/xml"),
        ("utf-8", "iso-8859-1", "application/rss+xml; charset=iso-8859-1"),
        ("cp1252", "utf-8", "application/rss+xml; charset=windows-1252"),
        ("cp1252", "windows-1252", "application/rss+xml"),
        ("cp1252", "", "text/xml"),
        ("iso-8859-15", "iso-8859-15", "text/xml"),
        ("utf-16", "utf-16", "application/xml"),
    ],
)
def test_text_is_read_in_its_charset(encoding: str, prolog: str, header: str) -> None:
    """The header before the prolog, UTF-8 that is valid before a label, Western text where nobody says anything."""
    text = FRENCH.replace("’", "'").replace("–", "-") if encoding == "iso-8859-15" else FRENCH
    start = f'<?xml version="1.0" encoding="{prolog}"?>' if prolog else ""
    feed = start + rss(item(f"<description>{text}</description>"))
    assert visit(feed.encode(encoding), headers={"content-type": header}).post.body == text


def test_who_wrote_it_is_a_name_and_no_mail_address() -> None:
    """RSS wants a mail address there; it is left out, and a name is needed to keep an author."""
    given = {
        "helene@pod.example (Hélène D.)": "Hélène D.",
        "Hélène &lt;h@pod.photography&gt;": "Hélène",
        'nobody@flickr.com ("Hélène")': "Hélène",
        "Hélène (ESA)": "Hélène (ESA)",
        "@helene@social.example": "@helene@social.example",
        "helene@pod.example": None,
        "": None,
    }
    authors = {raw: visit(rss(item(f"<author>{raw}</author>"))).post.author for raw in given}
    assert authors == given


# --- dates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sat, 03 Dec 2016 18:30:00 +0100", ("2016-12-03T17:30:00Z", "second", True)),
        ("3 Dec 16 18:30 GMT", ("2016-12-03T18:30:00Z", "minute", True)),
        ("samedi, 03 December 2016 18:30:00 CEST", ("2016-12-03T16:30:00Z", "second", True)),
        ("Sat, 03 Dec 2016 18:30:00", ("2016-12-03T18:30:00Z", "second", False)),
        ("Sat, 03 Dec 2016 18:30:00 -0000", ("2016-12-03T18:30:00Z", "second", False)),
        ("Sat, 03 Dec 2016 18:30:00 IST", ("2016-12-03T18:30:00Z", "second", False)),
        ("Sat, 03 Dec 2016 18:30:00 GMT+02:00", ("2016-12-03T16:30:00Z", "second", True)),
        ("Sat, 03 Dec 2016", ("2016-12-03", "day", False)),
        ("03-Dec-2016 18:30:00 EST", ("2016-12-03T23:30:00Z", "second", True)),
        ("Sat, 03 Dec 2016 23:59:60 GMT", ("2016-12-03T23:59:59Z", "second", True)),
        ("2016-12-03T18:30:00.123456+01:00", ("2016-12-03T17:30:00Z", "second", True)),
        ("2016-12-03t18:30:00z", ("2016-12-03T18:30:00Z", "second", True)),
        ("2016-12-03 18:30", ("2016-12-03T18:30:00Z", "minute", False)),
        ("2016-12-03T18:30:00+01", ("2016-12-03T17:30:00Z", "second", True)),
        ("\n 2016-12-03 \n", ("2016-12-03", "day", False)),
        *((text, None) for text in (
            "sam., 03 déc. 2016 18:30:00 +0100", "03 mai 2016", "03/12/2016", "12/03/2016 18:30", "2016-12", "2016",
            "Mon, 30 Nov -0001 00:00:00 +0000", "Sat, 31 Feb 2016 18:30:00 GMT", "Sat, 03 Dec 2016 25:30:00 GMT",
            "2016-12-03T18:30:00+99:00x", "1480789800", "", "yesterday", "0001-01-01T00:00:00+01:00", "9" * 10_000,
        )),
    ],
)  # fmt: skip
def test_a_date_is_what_is_written_and_nothing_else(text: str, expected: tuple[str, str, bool] | None) -> None:
    """RFC 822 with English months and ISO 8601, each as exactly as it is written; anything else is no date."""
    found = published_of(text)
    assert (found and (str(found), str(found.precision), found.zone_known)) == expected


@given(
    st.one_of(st.text(max_size=60), st.from_regex(r"[A-Za-z]{3}, \d{1,2} [A-Za-z]{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"))
)
def test_no_text_makes_a_date_fail(text: str) -> None:
    """Whatever stands there, it is a date or none, and a date is in UTC."""
    found = published_of(text)
    assert found is None or found.at.utcoffset() == UTC.utcoffset(None)


def test_an_unreadable_date_leaves_the_post_undated() -> None:
    """The post is kept; feedparser would have filled the rest of such a date from the clock."""
    for date in ("--12", "-16", "samedi", "03/12/2016"):
        assert visit(rss(item(f"<pubDate>{date}</pubDate>"))).post.published is None


def test_an_update_is_an_edit_only_where_it_is_later() -> None:
    """Feeds repeat the date of publication, or one before it, as the date of the update."""
    for updated, expected in (("18:30:00", None), ("17:30:00", None), ("18:30:01", "2016-12-03 18:30:01+00:00")):
        entry = item(f"{DATED}<atom:updated>2016-12-03T{updated}Z</atom:updated>")
        post = visit(rss(entry)).post
        assert str(post.published) == "2016-12-03T18:30:00Z"
        assert (post.edited_at and str(post.edited_at)) == expected


# --- pictures ---------------------------------------------------------------------------------------------------

DECLARED = '<media:content url="/s.jpg" width="300"/>'
UPLOADS = "/wp-content/uploads"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (shown('<img src="/a.jpg" srcset="/b.jpg 2x, /c.jpg 1x" width="300">'), [("/b.jpg", "/c.jpg", "/a.jpg")]),
        (shown('<img src="/s.jpg" srcset="/m.jpg 800w, /l.jpg 1600w">'), [("/l.jpg", "/m.jpg", "/s.jpg")]),
        (shown('<img src="data:image/gif;base64,AA" data-src="/a"><noscript><img src="/a"></noscript>'), [("/a",)]),
        (shown('<a href="/f.jpg"><img src="/s.jpg"></a><img src="/b.jpg">'), [("/f.jpg", "/s.jpg"), ("/b.jpg",)]),
        (shown('<a href="/page"><img src="/small.jpg"></a>'), [("/small.jpg",)]),
        (shown("<IMG SRC='/a.jpg?x=1&amp;y=2'>"), [("/a.jpg?x=1&y=2",)]),
        (shown('<img src="/a.jpg"><img src="/a.jpg?w=100">'), [("/a.jpg", "/a.jpg?w=100")]),
        (shown('<!-- <img src="/a.jpg"> --><script>"<img src=/b.jpg>"</script>'), []),
        (shown('<img src="/i/spacer.gif"><img src="/1.jpg" width=1 height=1><img src="/x/avatar/me.jpg">'), []),
        (shown('<img src="//pixel.wp.com/b.gif?x"><img src="http://feeds.feedburner.com/~r/x/~4/y">'), []),
        (shown('<img src="javascript:x"><img src="file:///etc/passwd"><img src="http://u:p@h/a.jpg"><img>'), []),
        ('<enclosure url="/a.jpg" type="image/jpeg"/>' + shown('<img src="/a.jpg">'), [("/a.jpg",)]),
        ('<media:content url="/a.jpg"><media:thumbnail url="/t.jpg"/></media:content>', [("/a.jpg", "/t.jpg")]),
        ('<media:content url="/a.jpg"/><media:thumbnail url="/t.jpg"/>', [("/a.jpg", "/t.jpg")]),
        ('<enclosure url="/a.jpg"/><enclosure url="/b.jpg"/><media:thumbnail url="/t"/>', [("/a.jpg",), ("/b.jpg",)]),
        ('<media:thumbnail url="/t.jpg"/>', [("/t.jpg",)]),
        ('<media:thumbnail url="/t.jpg" width="30" height="30"/>', []),
        ('<media:thumbnail url="https://avatars.site.example/u/1?s=300"/>', []),
        ('<enclosure url="/f.mp4" type="video/mp4"/><media:thumbnail url="/t.jpg"/>', [("/f.mp4",)]),
        (DECLARED + shown('<img src="/s.jpg" srcset="/l.jpg 2048w">'), [("/l.jpg", "/s.jpg")]),
        (shown('<img src="/wp-content/uploads/a-300x200.jpg">'), [(f"{UPLOADS}/a.jpg", f"{UPLOADS}/a-300x200.jpg")]),
        (shown('<img src="/other/a-300x200.jpg">'), [("/other/a-300x200.jpg",)]),
    ],
)  # fmt: skip
def test_each_picture_is_taken_once_and_its_largest_file_first(inside: str, expected: list[tuple[str, ...]]) -> None:
    """What is declared and what is shown is one list without repeats, decoration and what cannot be asked for."""
    assert files(inside) == expected


def test_an_attachment_says_what_the_feed_says_of_its_first_file() -> None:
    """Type, size and sides belong to the file they were said of, not to a larger one that the text shows."""
    stated = '<media:content url="/a.jpg" type="image/jpeg" width="4000" height="3000" fileSize="123"/>'
    (medium,) = visit(rss(item(stated))).post.attachments
    assert medium == Attachment(
        url="https://site.example/a.jpg", media_type="image/jpeg", width=4000, height=3000, size=123
    )
    smaller = stated.replace("4000", "400").replace("3000", "300")
    (medium,) = visit(rss(item(smaller + shown('<a href="/full.jpg"><img src="/a.jpg"></a>')))).post.attachments
    assert (medium.url, medium.width, medium.size) == ("https://site.example/full.jpg", None, None)


def test_an_alt_text_is_no_copy_of_the_post() -> None:
    """Flickr and YouTube give the caption as the picture's description; it is one text, kept once."""
    alike = '<media:content url="/a.jpg"><media:description>Le delta</media:description></media:content>'
    assert visit(rss(item(f"{alike}<description>Le delta</description>"))).post.attachments[0].alt is None
    assert visit(rss(item(f"{alike}<description>Autre</description>"))).post.attachments[0].alt == "Le delta"


def test_an_entry_of_a_thousand_pictures_says_that_some_were_left() -> None:
    """No entry of people's has as many: the first ones are taken, and the rest is a failure on record."""
    found = visit(rss(item(shown("".join(f'<img src="/{number}.jpg">' for number in range(1500))))))
    assert len(found.posts[0].attachments) == 1000
    assert "more than 1000 media" in found.failure


def test_film_and_sound_keep_their_kind() -> None:
    """So that they can be recorded as not taken."""
    inside = '<enclosure url="/a.mp3" type="audio/mpeg"/><enclosure url="/b.mov" type=""/><enclosure url="/c" type=""/>'
    kinds = [medium.kind for medium in visit(rss(item(inside))).post.attachments]
    assert kinds == [MediaKind.AUDIO, MediaKind.VIDEO, MediaKind.UNKNOWN]


# --- licences and wishes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (("", "https://creativecommons.org/licenses/by-sa/3.0/igo/"), "CC BY-SA 3.0 IGO"),
        (("", "http://creativecommons.org/licenses/by-nc/2.0/deed.en"), "CC BY-NC 2.0"),
        (("", "https://creativecommons.org/publicdomain/zero/1.0/"), "CC0 1.0"),
        (("Own terms", "https://site.example/terms"), "Own terms"),
        (("", "https://site.example/terms"), ""),
    ],
)
def test_a_licence_has_the_name_that_its_address_says(stated: tuple[str, str], expected: str) -> None:
    """Creative Commons' addresses are names; of any other address none is made up."""
    assert licence_of(*stated) == (expected, stated[1])


def test_rights_are_a_credit_and_never_a_licence() -> None:
    """Whoever owns a text has not allowed anything by saying so."""
    post = visit(rss("<copyright>© ESA, CC BY-SA 3.0 IGO</copyright>", item(""))).post
    assert (post.credit, post.license, post.license_url) == ("© ESA, CC BY-SA 3.0 IGO", None, None)


def test_wishes_of_the_author_are_kept_with_every_post() -> None:
    """What the feed says of itself holds for its entries."""
    page = rss("<description>Notes #NoBot</description>", item(""))
    assert visit(page).post.opt_outs == ("nobot",)
    assert visit(rss(item(""))).post.opt_outs == ()


# --- what is no feed, and broken ones ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<!doctype html><html><body>Bonjour</body></html>", "expected a feed and got a web page"),
        ("<html><script>var x = '<rss version=2><channel>'</script></html>", "got a web page"),
        ("<opml version='2.0'><body/></opml>", "XML whose root is <opml>"),
        ('{"error": "no such feed"}', "JSON that is no JSON Feed; it says: no such feed"),
        ('{"items": []}', "JSON that is no JSON Feed"),
        ("Bonjour", "neither XML nor JSON"),
        ("", "neither XML nor JSON"),
    ],
)
def test_what_is_no_feed_is_told(body: str, said: str) -> None:
    """The failure says what came instead."""
    found = visit(body, headers={})
    assert said in found.failure
    assert (found.posts, found.requests) == ([], [])


def test_a_web_page_names_its_feeds() -> None:
    """So that the reader knows what to put into url; what merely looks like a feed's link is not named."""
    page = (
        '<html><head><link rel="alternate stylesheet" type="text/css" href="x.css">'
        '<link rel="alternate" type="application/atom+xml" href="a.atom" title="Tout">'
        "<link type=application/rss+xml rel=alternate href=//other.example/rss></head></html>"
    )
    assert "https://site.example/blog/feed/a.atom (Tout), https://other.example/rss" in visit(page).failure


@pytest.mark.parametrize(
    ("feed", "bodies"),
    [
        (rss(item("<description>Q&A & R&D</description>")), ["Q&A & R&D"]),
        (rss(item("<description>&hellip;&unknown;</description>")), ["…&unknown;"]),
        (rss(item("<description>a\x0bb\x00c&#11;&#xFFFF;</description>")), ["ab\ufffdc\ufffd"]),
        (rss(item("<description><p>Un<br>deux</description>")), ["Un\ndeux"]),
        (rss(item("<dc:thing>x</dc:thing><description>S</description>")), ["S"]),
        (rss(item("<description>1</description>"), "</div>", item("<description>2</description>", "2")), ["1", "2"]),
        ("<br />\n<b>Notice</b>: PHP\n" + rss(item("<description>S</description>")) + "\n<!-- 0.1 s -->", ["S"]),
        (rss(item("<psc:chapters xmlns:psc='http://podlove.org/simple-chapters'><psc:chapter/></psc:chapters>")), [""]),
        (rss(item("<description>S</description><image><width>")), ["S"]),
    ],
)  # fmt: skip
def test_broken_xml_that_gives_every_entry_is_no_failure(feed: str, bodies: list[str]) -> None:
    """Entities, ampersands, control characters, stray tags, notices around it: the posts are all there."""
    found = visit(feed)
    assert [post.body for post in found.posts] == bodies
    assert not found.failure


@pytest.mark.parametrize(
    ("feed", "posts", "said"),
    [
        (HEAD + item("") + item("", "2"), 2, "ends in the middle"),
        (HEAD + item("") + "<item><title>B", 1, "ends in the middle"),
        (HEAD + item("") + "<it", 1, "ends in the middle"),
        (HEAD, 0, "ends in the middle"),
        (rss(item(""), "<!-- never closed", item("", "2"), item("", "3")), 1, "ends in the middle"),
        (rss(item(""), item("<description><![CDATA[never closed</description>", "2"), item("", "3")), 1, "ends in the"),
        (rss("<item/>", "<item><guid>2</guid></item>"), 0, "none of its 2 entries has a title"),
    ],
)
def test_where_entries_may_be_missing_the_rest_is_kept_and_it_is_a_failure(feed: str, posts: int, said: str) -> None:
    """A cut feed keeps its whole entries; half an entry is left out, it would pass for an edit."""
    found = visit(feed)
    assert len(found.posts) == posts
    assert said in found.failure


def test_an_empty_feed_is_no_failure() -> None:
    """A blog that has not begun."""
    for feed in (
        rss(),
        "<rss/>",
        '<feed xmlns="http://www.w3.org/2005/Atom"/>',
        '{"version": "https://jsonfeed.org/version/1", "items": []}',
    ):
        assert visit(feed, headers={}) == Visit([], [], "")


# --- hostile ones -----------------------------------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 50}">' for n in range(1, 9))
LONG = f'<!DOCTYPE rss [<!ENTITY a "{"x" * 100_000}">]>'
BOMBS = {
    "billion laughs": f'<!DOCTYPE rss [<!ENTITY e0 "ha">{LAUGHS}]>' + rss(item("<description>&e8;</description>")),
    "quadratic": LONG + rss(item(f"<description>{'&a;' * 20_000}</description>")),
    "behind the root": rss(LONG, item(f"<description>{'&a;' * 20_000}</description>")),
    "root in an entity": '<!DOCTYPE rss [<!ENTITY a "<rss>">]>' + rss(item("<description>&a;</description>")),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_entities_are_not_expanded(bomb: str) -> None:
    """An entity stays the reference that it is, and memory stays where it was."""
    tracemalloc.start()
    found = visit(BOMBS[bomb])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.posts[0].body.startswith("&")
    assert peak < 30_000_000


def test_nothing_is_fetched_or_opened(web: Any, tmp_path: Path) -> None:
    """External entities, DTDs, style sheets, includes: no file is read and no connection made."""
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    away = web.url("/evil.dtd")
    body = (
        f'<?xml version="1.0"?><?xml-stylesheet href="{away}"?>'
        f'<!DOCTYPE rss SYSTEM "{away}" [<!ENTITY file SYSTEM "{secret.as_uri()}"><!ENTITY web SYSTEM "{away}">'
        f'<!ENTITY % more SYSTEM "{away}"> %more;]>'
        + rss(item(
            f'<description>&file;&web;</description>'
            f'<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="{away}"/>'
            f'<atom:content src="{away}"/><source url="{away}"/>'
        ))
    )  # fmt: skip
    found = visit(body)
    assert "the secret" not in str(found)
    assert len(found.posts) == 1
    assert web.asked == []


@pytest.mark.parametrize(
    "inside",
    [
        "<description>" + "<d>" * 20_000 + "x" + "</d>" * 20_000 + "</description>",
        "<description>" + "<d>" * 20_000,
        shown("<div>" * 100_000 + "x"),
        "<media:group>" * 20_000,
        "<media:content url='/a.jpg'>" * 20_000,
        "<item>" * 5_000,
        "<category>a</category>" * 5_000 + "".join(f"<category>{number}</category>" for number in range(3_000)),
        "<author>" + "a." * 100_000 + "</author>",
        "<author>" + "(" * 100_000 + "</author>",
        "<d " + " ".join(f'a{number}="1"' for number in range(5_000)) + "/>",
        "<guid>" + "x" * 1_000_000 + "</guid>",
        "<pubDate>" + "1" * 1_000_000 + "</pubDate>",
        shown("<img " + "a=" * 100_000 + ">" + '<img "' * 20_000),
        "<description>" + "&#99999999999;&#xD800;&#0;" * 1_000 + "</description>",
        "<description>" + "<" * (MAX_TAGS_IF_BROKEN + 1) + "</description>",
    ],
    ids=lambda inside: inside[:20],
)
def test_what_grows_without_end_is_read_or_refused(inside: str) -> None:
    """Nested, repeated or long beyond sense: posts or a ParseError, and no text that cannot be stored."""
    found = visit(rss(item(inside)))
    assert found.posts or found.failure
    for post in found.posts:
        assert "\0" not in str(dataclasses.asdict(post))
        str(dataclasses.asdict(post)).encode()
        assert len(post.native_id) <= 500


def test_a_text_of_ten_megabytes_is_one_post() -> None:
    """Long is not wrong."""
    assert len(visit(rss(item(shown("<p>" + "mot " * 2_500_000)))).post.body) == 9_999_999


@given(st.binary(max_size=400))
def test_no_bytes_make_it_fail_otherwise(body: bytes) -> None:
    """Anything at all is a feed or a ParseError."""
    visit(body, headers={})
    visit(HEAD.encode() + b"<item><title>" + body, headers={})


@given(st.text(alphabet=st.sampled_from("<>&;#/!-[]CDATA \"'=abximgpsrc:item\x00\ud800é"), max_size=80))
def test_no_text_in_an_entry_makes_it_fail_otherwise(text: str) -> None:
    """Whatever an entry holds, its neighbour is read, or a failure says that entries may be missing."""
    found = visit(rss(item(f"<description>{text}</description>"), item("", "2")).encode("utf-8", "surrogatepass"))
    assert found.failure or {"2"} <= {post.native_id for post in found.posts}
    str([dataclasses.asdict(post) for post in found.posts]).encode()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
            ["id", "url", "title", "content_html", "content_text", "image", "authors", "author", "name", "tags",
             "attachments", "mime_type", "date_published", "language"]), inner, max_size=6),
        max_leaves=12,
    )
)  # fmt: skip
def test_no_json_makes_it_fail_otherwise(entry: Any) -> None:
    """A JSON Feed's fields may hold anything."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [entry, {"id": "2", "title": "B"}],
        "authors": entry,
    }
    found = visit(json.dumps(feed), headers={"content-type": "application/feed+json"})
    assert "2" in {post.native_id for post in found.posts}


# --- recorded ones ----------------------------------------------------------------------------------------------

#: file: posts, pictures, other media, failure
TABLE = {
    "feedparser_atom_link_rel_enclosure.xml": (0, 0, 0, "none of its 1 entries has a title, a text or a medium"),
    "feedparser_headers_etag.xml": (0, 0, 0, ""),
    "feedparser_item_enclosure_multiple.xml": (1, 2, 0, ""),
    "feedparser_media_group.xml": (1, 0, 0, ""),
    "feedparser_media_thumbnail.xml": (1, 1, 0, ""),
    "gofeed_item_media.xml": (1, 1, 0, ""),
    "granary_feed_with_audio_video.rss.xml": (2, 0, 2, ""),
    "granary_feed_with_note.rss.xml": (1, 2, 0, ""),
    "miniflux_no_encoding_ISO-8859-1.xml": (9, 0, 0, ""),
    "miniflux_rdf_UTF8.xml": (60, 0, 0, ""),
    "miniflux_small_atom.xml": (20, 0, 0, ""),
}


@pytest.mark.parametrize("name", TABLE)
def test_recorded_feeds_give_what_they_hold(name: str) -> None:
    """Real feeds and those of other projects' tests, read as they are."""
    if not RECORDED.is_dir():
        pytest.skip("../shared is not here: recorded feeds are not part of the repository")
    assert {path.name for path in RECORDED.iterdir()} == set(TABLE)
    found = visit((RECORDED / name).read_bytes(), headers={})
    media = [medium.kind for post in found.posts for medium in post.attachments]
    pictures = media.count(MediaKind.IMAGE)
    assert (len(found.posts), pictures, len(media) - pictures, found.failure) == TABLE[name]


def test_a_recorded_french_feed_without_a_declared_charset_reads_well() -> None:
    """ISO-8859-1 that nobody declares, as a French magazine publishes it."""
    if not RECORDED.is_dir():
        pytest.skip("../shared is not here: recorded feeds are not part of the repository")
    posts = visit((RECORDED / "miniflux_no_encoding_ISO-8859-1.xml").read_bytes(), headers={}).posts
    assert posts[0].body.startswith("Si leur impact semble discret au premier abord, nombre d'études")
    assert "«\u00a0L'oisiveté" in posts[2].body
    assert all(post.published is not None and "\ufffd" not in post.body for post in posts)
