"""What the gallery source finds by selectors, and says where they find nothing; the cases are its fixtures."""

from __future__ import annotations

import contextlib
import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scraper.capture import Capture, Request
from scraper.crawl import crawl
from scraper.errors import ParseError
from scraper.gallery.dates import date_in
from scraper.gallery.selectors import selector
from scraper.model import Post, Precision
from scraper.sources.gallery import Gallery, GalleryOptions

URL = "https://gallery.example/proxima/"


def source(**options: Any) -> Gallery:
    return Gallery("g", GalleryOptions(**({"url": URL} | options)))


def page(body: str, url: str = URL, **headers: str) -> Capture:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    told = {name.replace("_", "-"): value for name, value in headers.items()} | {"content-type": "text/html"}
    return Capture(request=Request(url=url), url=url, status=200, headers=told, body=body.encode(), fetched_at=at)


def found(body: str, **options: Any) -> list[Any]:
    return list(source(**options).parse(page(body), None))


def pictures(body: str, **options: Any) -> list[tuple[str, ...]]:
    """The addresses of each picture, without the site's name."""
    return [
        tuple(url.removeprefix("https://gallery.example") for url in (item.url, *item.alternatives))
        for post in found(body, **options)
        for item in post.attachments
    ]


# --- selectors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a CSS selector"),
        ("figure[", "is no CSS selector: Malformed attribute selector at position 6"),
        ("img::attr(src)", "for an attribute write img@src"),
        ("a:nonsense(b)", "is no CSS selector"),
        ("div >", "is no CSS selector"),
        ("(" * 5_000, "is no CSS selector"),
    ],
)
def test_what_is_no_selector_is_refused_with_the_configuration(text: str, said: str) -> None:
    """The error names the option, and where the selector goes wrong."""
    with pytest.raises(ValidationError, match="caption") as caught:
        GalleryOptions(url=URL, caption=text)
    assert said in str(caught.value)


@pytest.mark.parametrize("item", ["@data-id", "figure@id", "+ p"])
def test_an_item_is_a_whole_tag(item: str) -> None:
    """Neither an attribute nor what stands beside something."""
    with pytest.raises(ValidationError, match="whole tags"):
        GalleryOptions(url=URL, item=item)


@pytest.mark.parametrize(
    ("text", "css", "attribute"),
    [("img@data-src", "img", "data-src"), ('a[href="x@y"]', 'a[href="x@y"]', None), ("@data-id", None, "data-id")],
)
def test_an_attribute_stands_behind_the_last_at(text: str, css: str | None, attribute: str | None) -> None:
    """An @ within the selector is the selector's own."""
    read = selector(text)
    assert (read.css.pattern if read.css else None, read.attribute) == (css, attribute)


@given(st.text(max_size=60))
def test_any_text_is_a_selector_or_a_value_error(text: str) -> None:
    """A configuration is never ended by another exception."""
    with contextlib.suppress(ValueError):
        assert selector(text).text == text.strip()


# --- pictures --------------------------------------------------------------------------------------------------------

UPLOADS = "/wp-content/uploads/2016/12"
FIGURE = "<figure>{}<figcaption>Un. One.</figcaption></figure>"


@pytest.mark.parametrize(
    ("markup", "options", "urls"),
    [
        ('<img src="/a.jpg">', {}, ("/a.jpg",)),
        ('<a href="/full/a.jpg"><img src="/s/a-300x200.jpg"></a>', {}, ("/full/a.jpg", "/s/a-300x200.jpg")),
        ('<a href="/page/a"><img src="/s/a.jpg"></a>', {}, ("/s/a.jpg",)),
        ('<img src="/a.jpg" srcset="/a2.jpg 2x, /a3.jpg 3x">', {}, ("/a3.jpg", "/a2.jpg", "/a.jpg")),
        ('<img src="data:image/png;base64,AA" data-src="/a.jpg">', {}, ("/a.jpg",)),
        ('<img src="/a.jpg" data-full="/big/a.jpg">', {}, ("/big/a.jpg", "/a.jpg")),
        ('<img src="/a.jpg" data-full="/big/a.jpg">', {"picture": "img@src"}, ("/a.jpg", "/big/a.jpg")),
        ('<div style="background-image:url(&quot;/b.jpg&quot;)"></div>', {"picture": "div"}, ("/b.jpg",)),
        ('<div style="background:url(/b.jpg)"></div>', {"picture": "div@style"}, ("/b.jpg",)),
        ('<a href="//cdn.example/a.jpg">x</a>', {"picture": "a"}, ("https://cdn.example/a.jpg",)),
        ('<a data-set="/a.jpg 1w, /b.jpg 2w">x</a>', {"picture": "a@data-set"}, ("/b.jpg", "/a.jpg")),
        ('<a data-srcset="/a.jpg 1w, /b.jpg 2w">x</a>', {"picture": "a@data-srcset"}, ("/b.jpg", "/a.jpg")),
        (f'<img src="{UPLOADS}/a-300x200.jpg">', {}, (f"{UPLOADS}/a.jpg", f"{UPLOADS}/a-300x200.jpg")),
    ],
)  # fmt: skip
def test_a_picture_is_found_in_all_its_sizes(markup: str, options: dict[str, Any], urls: tuple[str, ...]) -> None:
    """What is asked for by its attribute first, then the file behind, then the larger."""
    assert pictures(FIGURE.format(markup), **options) == [urls]


@pytest.mark.parametrize(
    "markup", ['<img src="javascript:alert(1)">', '<img src="/img/spacer.gif">', '<img src="//[">']
)
def test_what_is_no_picture_is_none(markup: str) -> None:
    """The text is taken without it; where no item has one, that is a failure, too."""
    body = FIGURE.format(markup)
    assert pictures(body + FIGURE.format('<img src="/other.jpg">')) == [("/other.jpg",)]
    with pytest.raises(ParseError, match="no item has a picture: «img» finds none"):
        found(body)


def test_several_pictures_of_one_item_are_one_post() -> None:
    """Each once, however often and however small it is shown."""
    body = FIGURE.format('<img src="/a.jpg"><img src="/b.jpg"><noscript><img src="/a.jpg"></noscript>')
    assert pictures(body) == [("/a.jpg",), ("/b.jpg",)]
    assert len(found(body)) == 1


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "formats", "at", "precision"),
    [
        ("03/12/2016", (), "2016-12-03T00:00:00", Precision.DAY),
        ("12/31/2016", (), "2016-12-31T00:00:00", Precision.DAY),
        ("Publié le 3 décembre 2016 à Houston", (), "2016-12-03T00:00:00", Precision.DAY),
        ("December 3, 2016", (), "2016-12-03T00:00:00", Precision.DAY),
        ("2016-12-03T18:30:00+01:00", (), "2016-12-03T17:30:00", Precision.SECOND),
        ("2016-12-03 18:30", (), "2016-12-03T18:30:00", Precision.MINUTE),
        ("Sat, 03 Dec 2016 18:30:00 GMT", (), "2016-12-03T18:30:00", Precision.SECOND),
        ("12.03.16", ("%d.%m.%Y", "%m.%d.%y"), "2016-12-03T00:00:00", Precision.DAY),
        ("3 Dec 2016 18h30", ("%d %b %Y %Hh%M",), "2016-12-03T18:30:00", Precision.MINUTE),
        ("03/12/2016", ("%Y",), None, None),
        ("31/02/2016", (), None, None),
        ("hier", (), None, None),
        ("9" * 5_000, (), None, None),
        ("", (), None, None),
    ],
)
def test_a_date_is_read_by_format_by_standard_or_day_first(
    text: str, formats: tuple[str, ...], at: str | None, precision: Precision | None
) -> None:
    """To the second, the minute or the day as it is written; nothing is guessed."""
    read = date_in(text, formats)
    assert (read and read.at.replace(tzinfo=None).isoformat(), read and read.precision) == (at, precision)


@pytest.mark.parametrize("form", ["%d", "%H:%M", "%Q", "day", "%d/%m"])
def test_a_format_holds_a_whole_day(form: str) -> None:
    """Without a year nothing could be dated."""
    with pytest.raises(ValidationError, match="date_format"):
        GalleryOptions(url=URL, date_format=form)


def test_a_caption_is_what_no_other_selector_reads() -> None:
    """Date and credit within it are not in it twice; a caption that is its own date stays whole."""
    body = '<figure><img src="/a.jpg"><figcaption>Un.<br>One. <time>3/12/2016</time><i>ESA</i></figcaption></figure>'
    (post,) = found(body, date="time", credit="i")
    assert (post.body, post.credit) == ("Un.\nOne.", "ESA")
    (post,) = found(body, date="figcaption")
    assert post.body == "Un.\nOne. 3/12/2016ESA"


# --- names -----------------------------------------------------------------------------------------------------------


def names(body: str, **options: Any) -> list[str]:
    return [post.native_id for post in found(body, **options)]


def test_a_name_stays_when_an_item_is_put_in_front() -> None:
    """By id, by link, by file, by date and caption alike."""
    shown = '<a class="p" href="/p/{n}"><img src="/img/{f}.jpg"></a><figcaption>Texte {n}.</figcaption>'
    one = f'<figure id="{{n}}">{shown}</figure>'
    before = [one.format(n=n, f=f"soyuz-{n}") for n in (1, 2)]
    for options in ({"id": "@id"}, {"link": "a.p"}, {}):
        first = names("".join(before), **options)
        again = names(one.format(n=9, f="soyuz-9") + "".join(before), **options)
        assert again[1:] == first
        assert len(set(again)) == 3
    placed = [one.format(n=n, f=f"{n}") for n in (1, 2)]  # files that are named by their place
    assert names(one.format(n=9, f="9") + "".join(placed))[1:] == names("".join(placed))


def test_a_name_that_several_items_share_names_none_of_them() -> None:
    """All link the same page, all show the same file: what they say tells them apart."""
    one = '<figure><a class="p" href="/same"><img src="/img/{f}.jpg"></a><figcaption>{c}</figcaption></figure>'
    body = one.format(f="soyuz-1", c="Un.") + one.format(f="soyuz-2", c="Deux.")
    assert names(body, link="a.p") == ["soyuz-1", "soyuz-2"]
    body = one.format(f="soyuz-1", c="Un.") + one.format(f="soyuz-1", c="Deux.")
    assert len(set(names(body))) == 2


def test_what_a_page_shows_twice_is_given_once() -> None:
    """A carousel repeats its first slide at its end."""
    body = FIGURE.format('<img src="/soyuz.jpg">')
    assert names(body * 3) == ["soyuz"]


# --- pages -----------------------------------------------------------------------------------------------------------


def test_a_page_of_older_items_ends_a_visit_only_where_the_newest_come_first() -> None:
    """In any other order the next page may hold newer ones."""
    body = '<figure><img src="/soyuz.jpg"><time>3/12/2016</time></figure><a class="next" href="?page=2">2</a>'
    since = datetime(2017, 1, 1, tzinfo=UTC)
    for newest_first, requests in ((True, 0), (False, 1)):
        reading = source(date="time", next=".next", newest_first=newest_first)
        items = list(reading.parse(page(body), since))
        assert sum(isinstance(item, Request) for item in items) == requests


def test_a_visit_reads_so_many_pages_and_no_circle() -> None:
    """Pages that lead round end, and so does a row of them at the limit."""

    def fetch(request: Request) -> Capture:
        number = int(request.url.partition("=")[2] or 1)
        following = number % 5 + 1
        body = f'<figure><img src="/soyuz-{number}.jpg"></figure><a class="next" href="?page={following}">x</a>'
        return dataclasses.replace(page(body, request.url), request=request)

    assert len(list(crawl(source(next=".next"), fetch))) == 6
    assert len(list(crawl(source(next=".next", max_pages=3), fetch))) == 3


def test_a_selector_that_finds_no_item_is_told_with_the_nearest() -> None:
    """First what is named alike, then what holds pictures."""
    body = (
        '<div class="nav"></div>' * 3
        + '<li class="slide"><img src="/a.jpg"></li>' * 4
        + '<p class="photocard">x</p>' * 2
    )
    with pytest.raises(
        ParseError, match=r"«\.photo-card», and the page has none; there are: p\.photocard \(2\), img \(4\)"
    ):
        found(body, item=".photo-card")


@pytest.mark.parametrize(
    ("head", "headers", "labels"),
    [
        ('<meta name="robots" content="noindex, nofollow">', {}, ("noindex",)),
        ('<meta name="ROBOTS" content="none">', {}, ("noindex",)),
        ('<meta name="cupola" content="noarchive">', {}, ("noarchive",)),
        ("", {"x_robots_tag": "noarchive"}, ("noarchive",)),
        ('<meta name="description" content="noindex">', {}, ()),
    ],
)
def test_what_a_page_asks_of_archivists_is_recorded_with_each_post(
    head: str, headers: dict[str, str], labels: tuple[str, ...]
) -> None:
    """In its head and in its headers."""
    capture = page(head + FIGURE.format('<img src="/soyuz.jpg">'), **headers)
    (post,) = source().parse(capture, None)
    assert isinstance(post, Post)
    assert post.opt_outs == labels


def test_a_licence_is_an_items_own_or_the_pages_only_one() -> None:
    """Where a page links two, nobody knows whose they are."""
    by = '<a rel="license" href="https://creativecommons.org/licenses/by/4.0/">x</a>'
    sa = by.replace("/by/", "/by-sa/")
    figure = FIGURE.format('<img src="/soyuz.jpg">')
    assert [post.license for post in found(figure + by)] == ["CC BY 4.0"]
    assert [post.license for post in found(figure + by + sa)] == [None]
    assert [post.license for post in found(FIGURE.format(f'<img src="/soyuz.jpg">{sa}') + by)] == ["CC BY-SA 4.0"]


@pytest.mark.parametrize(
    "body",
    [
        "<figure>" * 100_000,
        "<figure><img src='/a.jpg'>" * 300,
        "<figure " + "a=1 " * 50_000 + ">",
        "<figure><img src='//['><p>x",
    ],
)
def test_hostile_pages_end_in_posts_or_a_scraper_error(body: str) -> None:
    """Nesting, attributes, addresses."""
    (visited,) = crawl(source(caption="p"), lambda request: page(body))
    assert visited.posts or (visited.failure is not None and "parser failed" not in str(visited.failure))
