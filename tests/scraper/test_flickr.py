"""What the Flickr source asks for, takes and refuses; the cases by example are its fixtures."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from scraper.capture import Access, Capture, Request
from scraper.crawl import crawl
from scraper.errors import FetchError, Gone, ParseError, Refused, ScraperError
from scraper.finding import Rank
from scraper.flickr.licences import licence_of
from scraper.model import MediaKind, Post
from scraper.sources.flickr import Flickr, FlickrOptions

RECORDED = Path(__file__).parents[2].parent / "shared" / "fixtures" / "flickr"
NSID = "34427469121@N01"
PROFILE = f"https://www.flickr.com/photos/{NSID}/"
LISTING = f"https://api.flickr.com/services/rest/?method=flickr.people.getPublicPhotos&user_id={NSID}&page=1"


def source(**options: Any) -> Flickr:
    return Flickr("f", FlickrOptions(**({"url": PROFILE, "key_env": "FLICKR_KEY"} | options)))


def photo(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A photo that was posted on day ``number`` of January 2024."""
    posted = int(datetime(2024, 1, number, 12, tzinfo=UTC).timestamp())
    return {
        "id": str(number), "owner": NSID, "title": f"Photo {number}", "dateupload": str(posted),
        "url_o": f"https://live.staticflickr.com/1/{number}_ab_o.jpg",
    } | changes  # fmt: skip


def page(*photos: Any, number: Any = 1, pages: Any = 1) -> dict[str, Any]:
    return {"photos": {"page": number, "pages": pages, "total": str(len(photos)), "photo": list(photos)}, "stat": "ok"}


def answer(body: Any, url: str = LISTING, carry: str | None = None) -> Capture:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Capture(request=Request(url=url, carry=carry), url=url, status=200, headers={}, body=raw, fetched_at=at)


def parsed(body: Any, *, since: datetime | None = None, **options: Any) -> list[Any]:
    return list(source(**options).parse(answer(body), since))


# --- the account -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "asks"),
    [
        ({"key_env": None}, f"/services/feeds/photos_public.gne?id={NSID.replace('@', '%40')}&"),
        ({"key_env": None, "url": f"https://www.flickr.com/services/feeds/photos_public.gne?id={NSID}"}, "/feeds/"),
        ({}, "method=flickr.people.getPublicPhotos"),
        ({"url": "https://www.flickr.com/people/thom/"}, "method=flickr.urls.lookupUser"),
        ({"url": "https://flic.kr/photos/thom/51417557224"}, "photos%2Fthom%2F"),
        (
            {"url": "https://www.flickr.com/", "user": "Thom P"},
            "findByUsername&format=json&nojsoncallback=1&username=T",
        ),
    ],
)
def test_what_is_asked_first_follows_from_what_is_known(options: dict[str, Any], asks: str) -> None:
    """Without a key the feed; with one the listing, after a look-up where only a name is known."""
    (request,) = source(**options).start(None)
    assert asks in request.url
    assert request.access is Access.API


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "https://www.flickr.com/photos/thom/"}, "user: 34427469121@N01"),
        ({"url": "https://www.flickr.com/", "key_env": "K"}, "expected url: https://www.flickr.com/photos/someone/"),
        ({"url": PROFILE, "ask_sizes": 5}, "name its variable in key_env"),
    ],
)
def test_an_account_that_cannot_be_read_is_refused_with_what_to_do(options: dict[str, Any], said: str) -> None:
    """The configuration's error names the key that is missing."""
    with pytest.raises(ValidationError, match=said):
        FlickrOptions(**options)


def test_a_key_goes_beside_the_address_and_is_in_nothing_that_is_shown() -> None:
    """No request has it in its address, nor in its repr."""
    options = FlickrOptions(url=PROFILE, key_env="FLICKR_KEY").model_copy(update={"key": "k3y-of-mine"})
    first = next(iter(Flickr("f", options).start(None)))
    following = [
        item for item in Flickr("f", options).parse(answer(page(photo(), pages=2)), None) if isinstance(item, Request)
    ]
    for request in (first, *following):
        assert request.key == ("api_key", "k3y-of-mine")
        assert "k3y" not in repr(request)
        assert "k3y" not in request.url
    assert "k3y" not in repr(options)


@pytest.mark.parametrize(
    "url", [PROFILE, "https://www.flickr.com/photos/thom/with/123/", "https://flic.kr/photos/thom/1"]
)
def test_a_profile_is_known_by_its_address(url: str) -> None:
    """`cupola sources find` offers a stanza that the options accept."""
    (found,) = Flickr.knows(url)
    assert found.rank is Rank.CERTAIN
    assert FlickrOptions(**found.options).account in (NSID, "thom")
    assert not list(Flickr.knows("https://social.example/photos/thom/"))


# --- the listing -----------------------------------------------------------------------------------------------------


def test_the_listing_ends_at_a_whole_page_of_older_photos() -> None:
    """A photo that was re-dated among newer ones ends nothing."""
    since = datetime(2024, 1, 10, tzinfo=UTC)
    mixed, old = page(photo(12), photo(3), pages=9), page(photo(4), photo(3), pages=9)
    assert [type(item) for item in parsed(mixed, since=since)] == [Post, Post, Request]
    assert [type(item) for item in parsed(old, since=since)] == [Post, Post]


def test_a_page_that_repeats_is_told_and_not_followed() -> None:
    """A server that gives one page for ever ends the visit with a failure."""

    def fetch(request: Request) -> Capture:
        number = request.url.partition("&page=")[2].partition("&")[0]
        return answer(page(photo(2), number=number, pages=50), request.url, request.carry)

    pages = list(crawl(source(), fetch))
    assert len(pages) == 2
    assert "is the one before it once more" in str(pages[1].failure)


def test_a_page_that_was_not_asked_for_is_told() -> None:
    """Its photos are taken all the same."""
    with pytest.raises(ParseError, match="page 1 was asked for, and page 7 came"):
        parsed(page(photo(), number=7, pages=9))


def test_an_empty_listing_is_empty_only_if_it_says_so() -> None:
    """No photo of an account that has none, and an error of one that says it has."""
    assert parsed(page()) == []
    with pytest.raises(ParseError, match="there are 29 photos, and lists none"):
        parsed({"photos": {"page": 1, "pages": 1, "total": "29", "photo": []}, "stat": "ok"})


def test_one_caption_over_many_photos_gives_each_its_own_post() -> None:
    """Native ids are Flickr's own numbers, whatever the caption."""
    both = {"_content": "Le delta.\n\nThe delta."}
    posts = parsed(page(photo(2, description=both), photo(1, description=both)))
    assert [(post.native_id, post.body) for post in posts] == [
        ("2", "Le delta.\n\nThe delta."),
        ("1", "Le delta.\n\nThe delta."),
    ]


def test_the_order_of_sizes_is_the_originals_first_and_squares_are_left_out() -> None:
    """The names of larger files hold another secret, so only what is stated is known."""
    sizes = {
        f"url_{size}": f"https://live.staticflickr.com/1/1_ab_{size}.jpg"
        for size in ("sq", "t", "m", "l", "k", "6k", "o")
    }
    (post,) = parsed(page(photo(**sizes)))
    (picture,) = post.attachments
    assert [url[-6:-4].strip("_") for url in (picture.url, *picture.alternatives)] == ["o", "6k", "k", "l", "m", "t"]


def test_a_film_is_a_film_with_its_poster() -> None:
    """What the listing states of a film are pictures of it."""
    (post,) = parsed(page(photo(media="video")))
    poster, film = post.attachments
    assert (film.kind, film.url, film.native_id) == (MediaKind.VIDEO, None, "1")
    assert (poster.kind, poster.native_id) == (MediaKind.IMAGE, "1/poster")


def test_a_licence_is_recorded_as_stated_and_one_that_came_later_by_its_number() -> None:
    """Nothing is inferred where none is stated."""
    assert licence_of("14")[0] == "CC BY-NC 4.0"
    assert licence_of("17") == ("Flickr licence 17", None)
    assert licence_of("") == (None, None)


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        (1, Gone, "check the address"),
        ("2", Refused, "private"),
        (100, Refused, "the environment variable FLICKR_KEY"),
        ("98", Refused, "login"),
        (105, FetchError, "ask again later"),
        ("201", FetchError, "ask again later"),
        (112, ParseError, "code 112"),
        (None, ParseError, "code None"),
    ],
)
def test_an_error_within_a_good_answer_is_that_error(code: Any, error: type[ScraperError], said: str) -> None:
    """As JSON and as XML."""
    xml = f'<?xml version="1.0"?><rsp stat="fail"><err code="{code}" msg="No." /></rsp>'.encode()
    for body in ({"stat": "fail", "code": code, "message": "No."}, xml):
        with pytest.raises(error, match=said) as caught:
            parsed(body)
        if isinstance(caught.value, FetchError):
            assert caught.value.retriable is (error is FetchError)


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0"?><!DOCTYPE rsp [<!ENTITY a "b">]><rsp stat="ok"><user id="1@N1">&a;</user></rsp>',
        b"<rsp>" + b"<a>" * 100_000,
        b'<rsp stat="ok"><photos><photo id="1"></photos></rsp>',
        b"<rsp stat='ok'/>",
        {"stat": "ok"},
        {"photos": {"photo": {"id": "1"}}},
        {"sizes": {"size": []}, "stat": "ok"},
        {"user": {"id": "me"}, "stat": "ok"},
        b'{"photos": ' + b"[" * 100_000,
    ],
)
def test_what_is_no_listing_is_a_parse_error(body: Any) -> None:
    """Nor is it ever another exception, or nothing."""
    with pytest.raises(ParseError):
        parsed(body)


def test_a_size_that_cannot_be_had_costs_the_size_alone() -> None:
    """The post is given with what the listing stated, and the failure after it."""
    withheld = photo(url_o=None, url_l="https://live.staticflickr.com/1/1_ab_b.jpg")

    def fetch(request: Request) -> Capture:
        told = {"stat": "fail", "code": 1, "message": "no"} if "getSizes" in request.url else page(withheld, photo(2))
        return answer(told, request.url, request.carry)

    pages = list(crawl(source(ask_sizes=1), fetch))
    assert [[post.native_id for post in found.posts] for found in pages] == [["2"], ["1"]]
    assert isinstance(pages[1].failure, Gone)


# --- recorded --------------------------------------------------------------------------------------------------------

#: what becomes of each recorded answer: so many posts, a request for more, or an error
OUTCOMES = {
    "findByUsername": "request", "people_getInfo": "request", "getPublicPhotos": "posts", "photos_getInfo": "post",
    "photos_getSizes": "ParseError", "xml_error_201_transient": "FetchError", "xml_image_not_found": "ParseError",
    "xml_licenses": "ParseError", "granularity_0": "post", "granularity_1": "ParseError", "unknown_0": "post",
    "unknown_1": "ParseError", "description_html": "post", "plain_0": "post", "plain_1": "ParseError", "jpg_0": "post",
    "jpg_1": "ParseError", "not_found_error": "Gone", "video_0": "post", "video_1": "ParseError",
    "private_photo": "Gone",
    "user_0": "request", "user_1": "request", "user_2": "posts", "user_3": "ParseError", "user_by_url": "request",
}  # fmt: skip


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not on this machine")
def test_each_recorded_answer_is_parsed_or_refused_as_documented() -> None:
    """Posts have a date, a licence and a title or a text; sizes alone, licences and a 404 are refused by name."""
    for path in sorted(RECORDED.glob("*.json")):
        recorded = json.loads(path.read_text("utf-8"))
        body = recorded["response"]["body"]
        capture = answer(body.encode() if isinstance(body, str) else body, recorded["request"]["url"])
        expected = next(outcome for name, outcome in OUTCOMES.items() if name in path.name)
        page_ = next(crawl(source(), lambda request, answered=capture: answered, first=[capture.request]))
        posts = page_.posts
        if page_.failure is not None:
            assert type(page_.failure).__name__ == expected, f"{path.name}: {page_.failure}"
            continue
        assert expected in ("posts", "post") if posts else expected == "request" and page_.more, path.name
        for post in posts:
            assert expected == "posts" or (post.published and post.license and post.title), path.name
