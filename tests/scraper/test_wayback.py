"""The Wayback Machine: its index, its captures, its refusals, its limits; against a real server on loopback."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper import registry
from scraper.address import Door, Target, target_of
from scraper.answers import played_back
from scraper.capture import Capture, Request, memento_of
from scraper.client import PoliteClient
from scraper.crawl import crawl
from scraper.delivery import Broken
from scraper.errors import FetchError, Gone, OptionsError, ParseError, RateLimited, Refused, ScraperError
from scraper.limits import limit_of
from scraper.manners import Manners
from scraper.model import Post
from scraper.settings import HttpSettings
from scraper.source import Source
from scraper.sources.wayback import WaybackOptions
from scraper.tweets import posts_of
from scraper.wayback import cdx
from scraper.wayback.memento import at_home, memento

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHARED = Path(__file__).parents[3] / "shared" / "fixtures"
FEED = (
    "<?xml version='1.0'?><rss version='2.0'><channel><title>x</title><link>/</link><description>x</description>"
    "<item><title>One</title><guid>1</guid><pubDate>Mon, 05 Dec 2016 10:00:00 +0000</pubDate>"
    "<description>{}</description></item></channel></rss>"
)


def source(**options: Any) -> Source[Any]:
    given = {"url": "https://blog.example/feed/", "as": "feed", **options}
    return registry.made("wayback", "old", WaybackOptions(**given))


def capture_of(url: str, body: bytes, final: str | None = None, **headers: str) -> Capture:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Capture(request=Request(url=url), url=final or url, status=200, headers=named, body=body, fetched_at=NOW)


def index(body: bytes | str) -> Capture:
    data = body.encode() if isinstance(body, str) else body
    return capture_of("https://web.archive.org/cdx/search/cdx?url=x", data)


def test_the_two_forms_of_the_index_say_the_same() -> None:
    """Text and JSON, with the key to go on with after a blank line or an empty row, and repeats as they come."""
    lines = [
        "a 20010410213930 http://a.example:80/ text/html 200 AAAA 12",
        "a 20010410213931 http://a.example/ - - - -",
    ]
    text = index("\n".join([lines[0], lines[0], lines[1]]) + "\n\ncom%2Cexample+2001\n")
    header = ["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length"]
    rows = [header, *(line.split() for line in (lines[0], lines[0], lines[1])), [], ["com%2Cexample+2001"]]
    assert cdx.answer(text) == cdx.answer(index(json.dumps(rows)))
    found, resume = cdx.answer(text)
    assert resume == "com%2Cexample+2001"
    assert [row.status for row in cdx.worth_asking(found)] == ["200", ""]


@pytest.mark.parametrize(
    "body",
    [
        "", " \n", "null", "42", "{}", '"x"', "<html>login</html>", '[["a"]]', "[[1]]", "[null]", "[" * 100_000,
        '[["timestamp","original"],["99990231000000","http://x/"]]', '[["timestamp","original"],["x","http://x/"]]',
        '[["timestamp","original"],["20200101000000"]]', '[["timestamp","original"],[],["a","b"]]',
        '[["timestamp","original"],[],["key"],["20200101000000","http://x/"]]',
        "a 20010410213930 http://a.example/ text/html 200 AAAA 12", "a b\n", "one two three four five six seven\n",
    ],
)  # fmt: skip
def test_what_is_no_index_is_an_error(body: str) -> None:
    """Empty, cut, foreign, a login page, rows of other types: a ParseError, and no list that is merely empty."""
    with pytest.raises(ParseError):
        list(source().parse(index(body), None))


def test_an_empty_index_is_told_as_nothing_captured() -> None:
    """``[]`` is what the Archive says when it has nothing: a failure that says what to check, not a silent nothing."""
    with pytest.raises(ParseError, match=r"lists no capture of https://blog.example/feed/ \(exact\): check url"):
        list(source().parse(index("[]"), None))


def test_an_index_that_repeats_a_page_ends() -> None:
    """A key that leads to the same rows again is no endless walk: what is known is asked for, and the fault is told."""
    rows = [["timestamp", "original", "statuscode"], ["20200101000000", "http://x.example/", "200"], [], ["again"]]
    old = source()
    (onward,) = old.parse(index(json.dumps(rows)), None)
    assert isinstance(onward, Request)
    found: list[Request] = []
    with pytest.raises(ParseError, match="repeats a page"):
        found.extend(
            item
            for item in old.parse(replace(index(json.dumps(rows)), request=onward), None)
            if isinstance(item, Request)
        )
    assert "resumeKey=again" in onward.url


def test_captures_older_than_the_bound_are_not_asked_for() -> None:
    """A capture cannot show what was posted after it; two days are left for dates to the day and zones unknown."""
    rows = [["timestamp", "original", "statuscode"]]
    rows += [[f"202001{day:02}000000", "http://x.example/", "200"] for day in (1, 7, 8, 10, 12)]
    asked = source().parse(index(json.dumps(rows)), datetime(2020, 1, 10, tzinfo=UTC))
    days = [found[0].day for item in asked if isinstance(item, Request) and (found := memento_of(item.url))]
    assert days == [8, 10, 12]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"url": "https://x.example/a/*"}, {"url": "https://x.example/a/", "matchType": "prefix"}),
        ({"match": "domain"}, {"matchType": "domain"}),
        ({"from": "2016-11-17", "to": 2017}, {"from": "20161117", "to": "2017"}),
        ({"filter": "mimetype:text/html"}, {"filter": ["mimetype:text/html", "!statuscode:[345].."]}),
        ({"filter": ["statuscode:200"]}, {"filter": ["statuscode:200"]}),
        ({"collapse": "none", "limit": 7}, {"collapse": None, "limit": "7"}),
        ({"collapse": "timestamp:8"}, {"collapse": "timestamp:8"}),
    ],
)
def test_the_options_become_a_question_to_the_index(options: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Prefix, match, bounds, filters, collapse and limit as the index calls them."""
    (request,) = source(**options).start(None)
    asked = parse_qs(urlsplit(request.url).query)
    for name, value in wanted.items():
        assert asked.get(name) == (value if isinstance(value, list) else None if value is None else [value])


@pytest.mark.parametrize(
    "wrong",
    [{"from": "soon"}, {"from": "2016-11-1"}, {"filter": "x"}, {"collapse": "x"}, {"limit": 0}, {"match": "all"}],
)
def test_options_that_the_index_would_not_take_are_refused(wrong: dict[str, Any]) -> None:
    """In the configuration, not after the first question."""
    with pytest.raises(ValueError, match="validation error"):
        WaybackOptions(url="https://x.example/", **wrong)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"as": None}, ("as",)), ({"as": "wayback"}, ("as",)), ({"as": "nonsense"}, ("as",)),
        ({"as": "feed", "with": {"nonsense": 1}}, ("with",)), ({"as": "mastodon"}, ("with",)),
        ({"as": "tweets", "with": {"x": 1}}, ("with",)),
    ],
)  # fmt: skip
def test_the_kind_that_reads_the_captures_is_judged_like_any(options: dict[str, Any], key: tuple[str, ...]) -> None:
    """A kind that is not there, or options that it does not take, are told with the key at fault."""
    with pytest.raises(OptionsError) as caught:
        source(**options)
    assert caught.value.key == key


def test_the_capture_is_what_the_site_said_then() -> None:
    """Its own headers without the Archive's; its address as it is configured, whatever scheme and port it was."""
    url = "https://web.archive.org/web/20161206030405id_/http://www.blog.example:80/feed/"
    given_headers = {"memento-datetime": "x", "content-type": "text/xml", "x-archive-orig-x-robots-tag": "noarchive"}
    given_headers |= {"x-archive-orig-content-encoding": "gzip", "server": "nginx"}
    played = memento(replace(capture_of(url, b"x"), headers=given_headers), "https://blog.example/feed/")
    assert played.at == datetime(2016, 12, 6, 3, 4, 5, tzinfo=UTC)
    assert played.original == played.answer.url == "https://blog.example/feed/"
    assert played.answer.headers == {"content-type": "text/xml", "x-robots-tag": "noarchive"}
    assert played.answer.fetched_at == NOW


@pytest.mark.parametrize(
    ("final", "headers", "says"),
    [
        (
            "https://web.archive.org/web/20161208030405id_/https://blog.example/feed/",
            {"memento_datetime": "x"},
            "2016-12-08",
        ),
        (None, {}, "a page of its own"),
        ("https://web.archive.org/", {"memento_datetime": "x"}, "no address"),
    ],
)
def test_another_capture_than_the_one_asked_for_is_an_error(
    final: str | None, headers: dict[str, str], says: str
) -> None:
    """The nearest capture outside the window, told by the final address; and the Archive's own pages."""
    url = "https://web.archive.org/web/20161206030405id_/https://blog.example/feed/"
    with pytest.raises(ParseError, match=says):
        list(source().parse(capture_of(url, FEED.format("x").encode(), final, **headers), None))


def test_a_posts_pictures_have_one_address_whatever_capture_shows_it() -> None:
    """Asked for near the post's own time, so that the next capture of the post is not another state of it."""
    body = FEED.format("&lt;img src='https://blog.example/rio.jpg' width='900' height='600'&gt; Rio").encode()
    posts = []
    for stamp in ("20161206030405", "20170301000000"):
        url = f"https://web.archive.org/web/{stamp}id_/https://blog.example/feed/"
        posts += source(live_pictures=True).parse(capture_of(url, body, memento_datetime="x"), None)
    assert posts[0] == posts[1]
    (picture,) = posts[0].attachments if isinstance(posts[0], Post) else ()
    assert picture.url == "https://web.archive.org/web/20161205100000im_/https://blog.example/rio.jpg"
    assert picture.alternatives == ("https://blog.example/rio.jpg",)
    assert picture.key == "https://blog.example/rio.jpg"


def test_captured_errors_are_told_from_the_archives_own() -> None:
    """By Memento-Datetime alone: of a 429 of 2015 nobody wants a pause today."""
    then = {"memento-datetime": "Thu, 29 Jan 2015 03:49:04 GMT"}
    captured = played_back(429, then, name="x")
    assert captured is not None
    assert not captured.retriable
    assert "2015" in str(captured)
    assert isinstance(played_back(404, then, name="x"), Gone)
    assert played_back(429, {}, name="x") is None
    assert played_back(200, then, name="x") is None


def test_the_archives_limits_are_kept_apart() -> None:
    """24 questions to the index and 480 captures a minute, whatever http.rate says; other hosts have none."""
    listing = limit_of(target_of("https://web.archive.org/cdx/search/cdx?url=x"))
    capture = limit_of(target_of("https://web.archive.org/web/2016im_/http://x.example/"))
    assert listing is not None
    assert capture is not None
    assert (listing.interval, capture.interval) == (2.5, 0.125)
    assert listing.budget != capture.budget
    assert limit_of(target_of("https://archive.org/web/x")) is None


class Wire:
    """Carries requests to nowhere, on a clock of its own: what was asked, and when."""

    def __init__(self, *answers: Any) -> None:
        self.now = 0.0
        self.asked: list[tuple[float, str]] = []
        self.answers = list(answers)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def __call__(self, target: Target, headers: Mapping[str, str]) -> Any:
        self.asked.append((self.now, target.path))
        answer = self.answers.pop(0) if self.answers else (200, {}, b"")
        if isinstance(answer, Exception):
            raise answer
        return Carried(*answer)

    def manners(self, **settings: Any) -> Manners:
        return Manners(
            HttpSettings(**{"rate": "100/s", "max_wait": 120, **settings}),
            agent="cupola/0",
            door=Door(()),
            pages=self,
            now=lambda: NOW,
            clock=lambda: self.now,
            sleep=self.sleep,
            on_wait=None,
            random=lambda: 0.5,
        )


class Carried:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self._left = status, headers, [body]

    def read(self) -> bytes:
        return self._left.pop() if self._left else b""

    def let_go(self) -> None:
        pass


class Nowhere:
    def begin(self, url: str, headers: Mapping[str, str]) -> None:
        pass

    def write(self, chunk: bytes) -> None:
        pass


def asking(manners: Manners, wire: Wire, path: str) -> None:
    manners.ask(Request(url=f"https://web.archive.org{path}"), wire, Nowhere(), 1000)


def test_the_index_is_asked_24_times_a_minute_and_captures_480_times() -> None:
    """However fast http.rate is; robots.txt, which is for crawlers of pages, is not asked for an API."""
    wire = Wire()
    manners = wire.manners()
    for _ in range(4):
        asking(manners, wire, "/cdx/search/cdx?url=x")
    for _ in range(4):
        asking(manners, wire, "/web/20161206030405im_/https://blog.example/rio.jpg")
    times = [at for at, _ in wire.asked]
    assert times[:4] == pytest.approx([0, 2.5, 5, 7.5])
    # the host's own budget, of a hundredth of a second here, may come in between
    assert [after - before for before, after in pairwise(times[4:])] == pytest.approx([0.125] * 3, abs=0.011)
    assert not [path for _, path in wire.asked if "robots" in path]


def test_after_a_429_that_names_no_time_the_archive_is_left_alone_for_a_minute() -> None:
    """Ignoring it brings a block; a time that is named counts."""
    wire = Wire((429, {}, b""), (200, {}, b""), (429, {"retry-after": "7"}, b""))
    manners = wire.manners()
    asking(manners, wire, "/cdx/a")
    asking(manners, wire, "/web/20161206030405id_/http://x.example/")
    assert [round(at) for at, _ in wire.asked] == [0, 60, 60, 67]


def test_where_the_archive_refuses_connections_the_rest_is_put_off() -> None:
    """It does so for minutes to whoever asked too often: one try, no second, and no other request meanwhile."""
    wire = Wire(Broken("the connection failed", refused=True))
    manners = wire.manners()
    for path in ("/cdx/a", "/web/20161206030405id_/http://x.example/"):
        with pytest.raises(RateLimited):
            asking(manners, wire, path)
    assert len(wire.asked) == 1
    assert wire.now == 0


@pytest.mark.parametrize("url", ["http://x:99999999/", "http://[", "http://x:80a/", "x"])
def test_a_hostile_original_address_is_no_exception(url: str) -> None:
    """What the index lists is anybody's."""
    assert at_home(url, "https://blog.example/") == url


class Archive:
    """A server on loopback that answers as the Archive does, by a plan of path prefix: answers."""

    def __init__(self) -> None:
        self.plan: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                found = next((outer.plan[start] for start in outer.plan if self.path.startswith(start)), None)
                status, headers, body = found or (404, {}, b"")
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.home = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})


@pytest.fixture
def archive() -> Iterator[Archive]:
    server = Archive()
    server.thread.start()
    yield server
    server.server.shutdown()
    server.server.server_close()
    server.thread.join()


@pytest.fixture
def client() -> Iterator[PoliteClient]:
    settings = HttpSettings(rate="none", attempts=2, allow_hosts=("127.0.0.1",), max_wait=1)
    with PoliteClient(settings, version="0", sleep=lambda seconds: None) as polite:
        yield polite


def test_a_whole_visit_over_the_wire(archive: Archive, client: PoliteClient) -> None:
    """Index, captures oldest first, an archived redirect, a redirect to the nearest capture, an archived 429."""
    rows = [["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest"]]
    stamps = ["20170105000000", "20161206000000", "20161220000000", "20170201000000", "20170301000000"]
    rows += [["k", stamp, "https://blog.example/feed/", "text/xml", "-", f"D{stamp}"] for stamp in stamps]
    memento_header = {"Memento-Datetime": "then", "Content-Type": "text/xml"}

    def at(stamp: str) -> str:
        return f"/web/{stamp}id_/https://blog.example/feed/"

    archive.plan = {
        "/cdx/": (200, {"Content-Type": "application/json"}, json.dumps(rows).encode()),
        at("20161206000000"): (200, memento_header, FEED.format("first").encode()),
        at("20161220000000"): (429, {**memento_header, "Retry-After": "9999"}, b"slow down"),
        at("20170105000000"): (
            302,
            {**memento_header, "Location": "/web/20170105000001id_/https://blog.example/rss"},
            b"",
        ),
        "/web/20170105000001id_/": (200, memento_header, FEED.format("second").encode()),
        at("20170201000000"): (302, {"Location": "/web/20190101000000id_/https://blog.example/feed/"}, b""),
        "/web/20190101000000id_/": (200, memento_header, FEED.format("too late").encode()),
    }
    pages = list(crawl(source(archive=archive.home), client.fetch))
    assert [post.body for page in pages for post in page.posts] == ["first", "second"]
    failures = [str(page.failure) for page in pages if page.failure]
    assert [
        bool(re.search(word, text))
        for word, text in zip(["capture of an error.*429", "2019-01-01", "404"], failures, strict=True)
    ] == [True] * 3
    captures = [path for path in archive.asked if path.startswith("/web/")]
    assert captures.count(at("20161220000000")) == 1


def test_a_blocked_site_is_said_to_be(archive: Archive, client: PoliteClient) -> None:
    """The 403 comes with a line of plain text that names the reason."""
    said = b"org.archive.wayback.exception.AdministrativeAccessControlException: Blocked Site Error\n"
    archive.plan = {"/cdx/": (403, {"Content-Type": "text/plain;charset=UTF-8"}, said)}
    (page,) = crawl(source(archive=archive.home), client.fetch)
    assert isinstance(page.failure, Refused)
    assert "does not play back this site" in str(page.failure)
    assert "token" not in str(page.failure)


@pytest.mark.parametrize(
    "body",
    [
        b"{}", b"[]", b"[null]", b'[{"id": 1}]', b'{"data": []}', b'{"data": {"id": 5, "text": "x"}}',
        b'{"errors": [{"message": "gone"}]}',
        b'[{"id_str": "1", "full_text": 5, "created_at": "x", "user": {"screen_name": "a"}}]',
        b"<html><p>Log in</p></html>",
        b"<div data-tweet-id='x' data-screen-name='a'><p class='tweet-text'>x</p></div>", b"<p class='tweet-text'>",
        b"<div>" * 100_000,
        b'{"id_str": "1", "text": "x", "created_at": "Mon Feb 31 00:00:00 +0000 2016", "user": {"screen_name": "a"}}',
    ],
)  # fmt: skip
def test_captures_that_are_no_tweets(body: bytes) -> None:
    """Every odd shape gives a ParseError or, where it says that it is empty, nothing; never another exception."""
    page = capture_of("https://twitter.com/a/status/1", body)
    try:
        found = list(posts_of(page, "old"))
    except ParseError:
        return
    assert body in (b"[]", b'{"data": []}', b"<p class='tweet-text'>")
    assert not found


#: the names that readers of tweets look for
NAMES = [
    *("id_str", "id", "text", "full_text", "created_at", "user", "screen_name", "entities", "media", "urls", "url"),
    *("data", "includes", "users", "attachments", "media_keys", "errors", "extended_entities", "display_text_range"),
    *("edit_history_tweet_ids", "referenced_tweets"),
]
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=9)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=25,
)


def read_or_refused(value: object) -> None:
    page = capture_of("https://twitter.com/a/status/1", json.dumps(value).encode())
    with suppress(ScraperError):
        list(posts_of(page, "old"))


@settings(max_examples=60, deadline=None, database=None)
@given(ANYTHING)
def test_json_of_any_shape_is_read_or_refused(value: object) -> None:
    """Whatever was captured: posts, or a ScraperError."""
    read_or_refused(value)


@pytest.mark.proof
@settings(max_examples=5000, deadline=None, database=None)
@given(ANYTHING)
def test_json_of_many_shapes_is_read_or_refused(value: object) -> None:
    """The same, many times."""
    read_or_refused(value)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded answers are not here")
def test_every_recorded_index_is_read_and_every_recorded_capture_told() -> None:
    """Each file of shared/fixtures/wayback: listed rows, the blocked site, the archived 429, the nearest capture."""
    told: dict[str, Any] = {}
    for path in sorted((SHARED / "wayback").glob("*.json")):
        recorded = json.loads(path.read_text("utf-8"))
        answer = recorded["response"]
        page = Capture(
            request=Request(url=recorded["request"]["url"]),
            url=recorded["request"]["url"],
            status=answer["status"],
            headers=answer["headers"],
            body=answer["body"].encode(),
            fetched_at=NOW,
        )
        if path.stem.startswith("search_rate_limits"):
            with pytest.raises(ParseError, match="cannot be read"):  # it is cut off in the recording
                cdx.answer(page)
            told[path.stem] = "cut"
        elif answer["status"] == 200:
            rows, resume = cdx.answer(page)
            told[path.stem] = len(rows), len(cdx.worth_asking(rows)), resume is not None
        elif answer["status"] == 429:
            told[path.stem] = type(played_back(429, answer["headers"], name="x")).__name__
        elif answer["status"] == 403:
            error = FetchError(f"x; it says: {answer['body']}", url=page.url, retriable=False, status=403)
            told[path.stem] = "blocked" in str(source().explain(error))
        else:
            moved = replace(page, url=answer["headers"]["location"], headers={"memento-datetime": "x"})
            with pytest.raises(ParseError, match="gives one of 2017-11-24"):
                memento(moved)
            told[path.stem] = "outside"
    assert told == {
        "get_memento_raises_when_memento_is_outside_target_window_0": "outside",
        "get_memento_works_on_archived_rate_limit_responses_0": "FetchError",
        "search_0": (3, 1, False),
        "search_does_not_repeat_results_0": (15, 6, False),
        "search_multipage_0": (25, 7, True),
        "search_multipage_1": (25, 5, True),
        "search_raises_for_blocked_urls_0": True,
        "search_rate_limits_0": "cut",
        "search_rate_limits_1": "cut",
        "search_with_filter_0": (10, 6, True),
        "search_with_filter_1": (10, 0, True),
    }


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded answers are not here")
def test_recorded_tweets_as_if_captured() -> None:
    """The real v1.1 tweets: those of the account, without the retweet."""
    body = (SHARED / "twitter" / "twitter_to_sqlite_tests_tweets.json").read_bytes()
    posts = list(posts_of(capture_of("https://api.twitter.com/1.1/statuses/user_timeline.json", body), "old"))
    assert posts
    assert all(not post.body.startswith("RT @") for post in posts)
    assert all(post.published is not None and NOW - post.published.at > timedelta(days=365) for post in posts)
