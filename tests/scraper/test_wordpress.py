"""What is WordPress' own: a site that changes while it is read, the ways to its API, the feed in its place, names."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.capture import Access, Capture, Request
from scraper.crawl import Page, crawl
from scraper.errors import FetchError, Gone, ParseError, Refused, ScraperError
from scraper.model import Post
from scraper.sources.wordpress import Wordpress, WordpressOptions
from scraper.wordpress.addresses import archive_in, endpoint, feed_of, folder, home_of, language_of, root_in
from scraper.wordpress.names import name_of, names_of
from scraper.wordpress.shortcodes import without_shortcodes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SITE = "https://carnet.example/"
FRONT = b"<html><head><link rel='https://api.w.org/' href='https://carnet.example/wp-json/'></head></html>"
START = datetime(2016, 11, 17, 20, 0, tzinfo=UTC)


def source(**options: Any) -> Wordpress:
    return Wordpress("carnet", WordpressOptions(**({"url": SITE} | options)))


def capture(body: object, url: str = SITE, headers: dict[str, str] | None = None, **request: Any) -> Capture:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    asked = Request(url=url, **request)
    return Capture(request=asked, url=url, status=200, headers=headers or {}, body=data, fetched_at=NOW)


def post(number: int, at: datetime, modified: datetime | None = None, **more: Any) -> dict[str, Any]:
    said = {"date_gmt": f"{at:%Y-%m-%dT%H:%M:%S}", "modified_gmt": f"{modified or at:%Y-%m-%dT%H:%M:%S}"}
    link = f"{SITE}{at:%Y/%m}/{number}/"
    rendered = {"title": {"rendered": "T"}, "content": {"rendered": f"<p>{number}</p>", "protected": False}}
    return {"id": number, "link": link, "guid": {"rendered": f"{SITE}?p={number}"}, **said, **rendered, **more}


@dataclasses.dataclass
class Blog:
    """A site that answers as WordPress does; it lists by the clock on its wall, whose zone may have been changed."""

    posts: list[dict[str, Any]]
    zone: timezone = UTC
    #: the zone that the site had when its posts were dated, if another one
    dated: timezone | None = None
    knows_modified: bool = True
    counts: bool = True
    #: called before each answer of the listing
    meanwhile: Callable[[int], None] = lambda number: None
    asked: list[str] = dataclasses.field(default_factory=list)

    def fetch(self, request: Request) -> Capture:
        query = dict(parse_qsl(urlsplit(request.url).query))
        if "/wp/v2/posts" not in request.url:
            return dataclasses.replace(capture(FRONT), request=request)
        self.meanwhile(len(self.asked))
        self.asked.append(request.url)
        if not self.knows_modified:
            query.pop("modified_after", None)
        field = query["orderby"]
        found = sorted(self.posts, key=lambda item: (self.local(item, field), item["id"]))
        for name, of, sign in (("after", "date", 1), ("before", "date", -1), ("modified_after", "modified", 1)):
            if name in query:
                at = datetime.fromisoformat(query[name]).astimezone(self.zone).replace(tzinfo=None)
                found = [item for item in found if (self.local(item, of) - at).total_seconds() * sign > 0]
        page, most = int(query.get("page", "1")), int(query["per_page"])
        shown = found[(page - 1) * most : page * most]
        if not shown and page > 1:
            raise FetchError("400", url=request.url, retriable=False, status=400)
        pages = -(-len(found) // most)
        headers = {"x-wp-totalpages": str(pages)} if self.counts else {}
        return dataclasses.replace(capture(shown, request.url, headers), request=request)

    def local(self, item: dict[str, Any], field: str) -> datetime:
        at = datetime.fromisoformat(item[f"{field}_gmt"]).replace(tzinfo=UTC)
        return at.astimezone(self.dated or self.zone).replace(tzinfo=None)

    def visit(self, since: datetime | None = None) -> list[Page]:
        return list(crawl(source(), self.fetch, since=since, max_requests=60))


def found(pages: list[Page]) -> set[str]:
    assert [page.failure for page in pages if page.failure] == []
    return {item.native_id for page in pages for item in page.posts}


def numbers(*of: range) -> set[str]:
    return {str(number) for numbers in of for number in numbers}


@pytest.mark.parametrize("counts", [True, False])
def test_a_long_listing_is_read_whole(counts: bool) -> None:
    """Also where a proxy drops the headers that say how many pages there are."""
    blog = Blog([post(n, START + n * timedelta(hours=7)) for n in range(350)], counts=counts)
    assert found(blog.visit()) == numbers(range(350))


def test_many_posts_of_one_moment_are_read_whole() -> None:
    """An import dates a thousand posts to the second that it ran in: then pages are counted."""
    blog = Blog([post(n, START) for n in range(260)] + [post(n, START + timedelta(days=9)) for n in range(260, 300)])
    assert found(blog.visit()) == numbers(range(300))


def test_posts_deleted_while_the_listing_is_read_hide_no_other() -> None:
    """What a listing by page numbers would jump over is read."""
    blog = Blog([post(n, START + n * timedelta(hours=7)) for n in range(320)])
    blog.meanwhile = lambda asked: blog.posts.__delitem__(slice(0, 30)) if asked else None
    assert found(blog.visit()) >= numbers(range(90, 320))


def test_a_site_whose_clock_was_put_into_another_zone_loses_no_post() -> None:
    """Old posts keep the local time of the zone that they were dated in."""
    west, east = timezone(timedelta(hours=-11)), timezone(timedelta(hours=13))
    for old, new in ((west, east), (east, west)):
        blog = Blog([post(n, START + n * timedelta(hours=3)) for n in range(330)], zone=new, dated=old)
        assert found(blog.visit()) == numbers(range(330))
        since = START + timedelta(hours=600)
        assert found(blog.visit(since)) >= numbers(range(200, 330))


@settings(max_examples=15)
@given(st.integers(-2, 400 * 3600), st.integers(-12, 14))
def test_since_leaves_out_no_post_of_that_time_or_later(seconds: int, hours: int) -> None:
    """For any bound and any zone of the site."""
    blog = Blog([post(n, START + n * timedelta(hours=5)) for n in range(40)], zone=timezone(timedelta(hours=hours)))
    since = START + timedelta(seconds=seconds)
    wanted = {str(n) for n in range(40) if START + n * timedelta(hours=5) >= since}
    assert found(blog.visit(since)) >= wanted


def test_bounds_always_say_their_zone() -> None:
    """Without one a site compares with the clock on its own wall."""
    blog = Blog([post(n, START + n * timedelta(hours=7)) for n in range(150)])
    blog.visit(START + timedelta(days=10))
    for url in blog.asked:
        query = dict(parse_qsl(urlsplit(url).query))
        bounds = [query[name] for name in ("after", "before", "modified_after") if name in query]
        assert bounds
        assert all(bound.endswith("Z") for bound in bounds)


def test_an_old_post_that_was_edited_since_is_seen() -> None:
    """A later visit asks for what was modified, too, and for no other old post."""
    blog = Blog([post(n, START + n * timedelta(days=1)) for n in range(300)])
    blog.posts[5]["modified_gmt"] = "2017-09-01T00:00:00"
    since = START + timedelta(days=280)
    assert found(blog.visit(since)) == {"5"} | numbers(range(279, 300))


def test_a_site_older_than_5_7_that_knows_no_modified_after_is_not_read_whole_each_time() -> None:
    """It lists everything in answer; its first page shows that."""
    blog = Blog([post(n, START + n * timedelta(days=1)) for n in range(400)], knows_modified=False)
    blog.visit(START + timedelta(days=380))
    assert len(blog.asked) == 2


def test_a_listing_that_has_become_shorter_just_ends() -> None:
    """A page behind the end is a 400, and no failure."""
    blog = Blog([post(n, START) for n in range(150)])
    blog.meanwhile = lambda asked: blog.posts.__delitem__(slice(90, 150)) if asked else None
    assert found(blog.visit()) == numbers(range(100))


def test_a_listing_that_answers_every_page_alike_is_a_failure_and_ends() -> None:
    """A cache that ignores the query would hide the other posts in silence."""
    body = [post(n, START) for n in range(100)]

    def fetch(request: Request) -> Capture:
        answer = capture(FRONT) if request.url == SITE else capture(body, request.url, {"x-wp-totalpages": "9"})
        return dataclasses.replace(answer, request=request)

    pages = list(crawl(source(), fetch, max_requests=50))
    assert len(pages) < 6
    assert "over again" in str(pages[-1].failure)


REST = f"{SITE}wp-json/wp/v2/posts?per_page=100&orderby=date&order=asc&_embed=author%2Cwp%3Afeaturedmedia%2Cwp%3Aterm"
CARRY = "step=first&root=https://carnet.example/wp-json/&home=https://carnet.example/"


@pytest.mark.parametrize("status", [401, 403, 404, 405, 410, 451])
def test_a_closed_api_leads_to_the_feed(status: int) -> None:
    """Whatever the refusal; where the address is not there, by way of the API's other one."""
    error: FetchError = Refused("no", url=REST, status=status)
    if status in (404, 410):
        error = Gone("no", url=REST, status=status)
    request = Request(url=REST, access=Access.API, carry=CARRY)
    (way,) = source().instead(request, error) or ()
    if status in (404, 410):
        assert way.url.startswith(f"{SITE}?rest_route=/wp/v2/posts&")
        (way,) = source().instead(way, error) or ()
    assert (way.url, way.access) == (f"{SITE}feed/", Access.PAGE)


def test_an_outage_a_limit_and_garbage_lead_nowhere_else() -> None:
    """They are failures that pass, or evidence to look at: the feed would only hide them."""
    request = Request(url=REST, access=Access.API, carry=CARRY)
    outage = FetchError("500", url=REST, retriable=True, status=500)
    garbage = ParseError("no JSON", url=REST, sha256="")
    assert [source().instead(request, error) for error in (outage, garbage)] == [None, None]
    front = Request(url=SITE)
    assert source().instead(front, Refused("robots.txt", url=SITE)) is None


def test_a_later_page_that_is_refused_is_a_failure() -> None:
    """What was read before it came from the API; half a listing of each kind would be a whole one of none."""
    request = Request(url=f"{REST}&page=2", access=Access.API, carry=CARRY.replace("first", "more"))
    assert source().instead(request, Refused("no", url=REST, status=403)) is None


def test_the_feed_of_a_tag_known_by_its_number_alone_is_not_guessed() -> None:
    """A feed is asked for by name; the whole feed is not what was wanted."""
    request = Request(url=REST, access=Access.API, carry=CARRY)
    error = Refused("no", url=REST, status=401)
    assert source(tag=7).instead(request, error) is None
    (way,) = source(tag="iss", category=3, author="helene").instead(request, error) or ()
    assert way.url == f"{SITE}feed/?author_name=helene&cat=3&tag=iss"


def test_a_way_back_to_what_was_asked_is_a_failure() -> None:
    """A source that only knows the address that failed cannot hide it."""

    class Circling(Wordpress):
        def instead(self, request: Request, error: ScraperError) -> tuple[Request, ...] | None:
            return (request,)

    def fetch(request: Request) -> Capture:
        raise Gone("gone", url=request.url, status=404)

    pages = list(crawl(Circling("carnet", WordpressOptions(url=SITE)), fetch))
    assert [type(page.failure) for page in pages] == [Gone]


def test_an_api_on_another_server_is_not_followed_unless_configured() -> None:
    """A page must not lead the reader to anybody's server; its owner may, in the configuration."""
    page = b"<link rel='https://api.w.org/' href='https://cms.example/wp-json/'>"
    with pytest.raises(ParseError, match=r"set api: https://cms\.example/wp-json/"):
        list(source().parse(capture(page), None))
    (asked,) = source(api="https://cms.example/wp-json/").start(None)
    assert asked.url.startswith("https://cms.example/wp-json/wp/v2/posts?")
    assert asked.access is Access.API


def test_a_token_goes_to_the_site_itself_only() -> None:
    """Not to the server of WordPress.com, which answers for it."""
    (asked,) = source(
        url="https://carnet.wordpress.com/", api="https://carnet.wordpress.com/wp-json/", token="t"
    ).start(None)
    assert asked.token == "t"
    hosted = source(url="https://carnet.wordpress.com/", token="t")
    page = capture(b"<link href='/wp-content/x.css'>", "https://carnet.wordpress.com/")
    (asked,) = hosted.parse(page, None)
    assert isinstance(asked, Request)
    assert "public-api.wordpress.com" in asked.url
    assert asked.token is None


@pytest.mark.parametrize(
    ("url", "root", "home"),
    [
        ("https://a.example/wp-json/wp/v2/posts?page=2", "https://a.example/wp-json/", "https://a.example/"),
        ("https://a.example/b/wp-json", "https://a.example/b/wp-json/", "https://a.example/b/"),
        ("https://a.example/?rest_route=/wp/v2/posts", "https://a.example/?rest_route=/", "https://a.example/"),
        ("https://a.example/b/index.php?rest_route=/", "https://a.example/b/index.php?rest_route=/", "https://a.example/b/"),
        (
            "https://public-api.wordpress.com/wp/v2/sites/b.example/posts",
            "https://public-api.wordpress.com/wp/v2/sites/b.example/",
            "https://b.example/",
        ),
        (
            "https://public-api.wordpress.com/rest/v1.1/sites/42/posts/",
            "https://public-api.wordpress.com/wp/v2/sites/42/",
            "https://public-api.wordpress.com/wp/v2/sites/42/",
        ),
    ],
)  # fmt: skip
def test_an_address_within_the_api_is_known_for_one(url: str, root: str, home: str) -> None:
    """In each form that the API has; what is asked for then is within the same root."""
    assert root_in(url) == root
    assert home_of(root) == home
    assert root_in(endpoint(root, "posts", {"page": "1"})) == root


def test_addresses_of_a_site() -> None:
    """A front page, an archive, a language's folder, the feed."""
    assert root_in("https://a.example/blog/") is None
    assert folder("https://a.example/b/feed/") == folder("https://a.example/b") == "https://a.example/b/"
    assert archive_in("https://a.example/b/category/x/y/page/2/") == ("https://a.example/b/", "category", "y")
    assert archive_in("https://a.example/2016/11/") is None
    assert (
        feed_of("https://a.example/", "https://a.example/?feed=rss2", {}, 2) == "https://a.example/?feed=rss2&paged=2"
    )
    assert language_of("https://blogs.esa.int/thomas-pesquet/fr/2017/03/12/diary-entry-8/") == "fr"
    assert language_of("https://blogs.esa.int/thomas-pesquet/2017/03/12/fr/") == ""


@pytest.mark.parametrize(
    ("guid", "number", "name"),
    [
        ("https://a.example/?p=60", "60", "60"),
        ("http://old.example/?post_type=post&#038;p=60", "60", "60"),
        ("http://old.example/?p=60", "612", "612"),
        ("http://a.example/2016/11/17/depart/", "60", "/2016/11/17/depart/"),
        ("https://www.b.example/2016/11/17/depart/", "60", "/2016/11/17/depart/"),
        ("https://a.example/", "60", "60"),
        ("", "60", "60"),
        ("https://a.example/x/" + "y" * 900, "60", "60"),
        ("tag:a.example,2016:1", "60", "tag:a.example,2016:1"),
    ],
)
def test_the_name_of_a_post_is_made_of_what_api_and_feed_both_say(guid: str, number: str, name: str) -> None:
    """So that no post is doubled when the way to it changes, nor when the site moves."""
    assert name_of(guid, number) == name
    if number != "612" and name != number:
        assert name_of(guid) == name


def test_entries_that_would_share_a_number_keep_their_guids() -> None:
    """As after two blogs were made one."""
    guids = ["https://a.example/?p=1", "https://b.example/?p=1", "https://a.example/?p=2"]
    assert names_of(guids) == [guids[0], guids[1], "2"]


def test_the_same_posts_have_the_same_names_by_the_api_and_by_the_feed() -> None:
    """A run by the feed finds what a run by the API has brought, with the same text and the same pictures."""
    image = (
        f'<img src="{SITE}wp-content/uploads/a-300x200.jpg" class="wp-image-9" '
        f'srcset="{SITE}wp-content/uploads/a-300x200.jpg 300w, {SITE}wp-content/uploads/a-scaled.jpg 2560w">'
    )
    html = f"<p>« Bonjour ! »</p>\n<p>[box a=&#8221;b&#8221;]&#8220;Hello!&#8221;[/box]</p>{image}"
    given = post(60, START) | {"content": {"rendered": html}, "title": {"rendered": "L&rsquo;&eacute;t&eacute;"}}
    feed = (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><item>'
        f"<title>L&#8217;été</title><link>{given['link']}</link><pubDate>Thu, 17 Nov 2016 20:00:00 +0000</pubDate>"
        f'<guid isPermaLink="false">{SITE}?p=60</guid><content:encoded><![CDATA[{html}]]></content:encoded>'
        "</item></channel></rss>"
    )
    (by_api,) = (item for item in source().parse(capture([given], REST, {"x-wp-totalpages": "1"}), None))
    (by_feed,) = source().parse(capture(feed.encode(), f"{SITE}feed/", carry="step=feed"), None)
    assert by_api == by_feed
    assert isinstance(by_api, Post)
    assert by_api.attachments[0].url == f"{SITE}wp-content/uploads/a.jpg"


def test_a_post_behind_a_password_is_left_out_of_the_feed_as_well() -> None:
    """The feed shows a form in its place; that is not what it says."""
    form = '<form action="https://carnet.example/wp-login.php?action=postpass" class="post-password-form"></form>'
    feed = (
        f"<rss><channel><item><title>Protégé : A</title><guid>{SITE}?p=1</guid><description>"
        f"Protégé.{form.replace('<', '&lt;').replace('>', '&gt;')}</description></item></channel></rss>"
    )
    assert list(source().parse(capture(feed.encode(), f"{SITE}feed/", carry="step=feed"), None)) == []


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ('[vc_row width="1/2"]Texte[/vc_row]', "Texte"),
        ("[caption id=”a_1″ width=”9″]Le port.[/caption]", "Le port."),
        ("[gallery ids=”1,2,3″]", ""),
        ("[box]Ici[/box] et là", "Ici et là"),
        ("[FR] Bonjour [EN] Hello", "[FR] Bonjour [EN] Hello"),
        ("[fr] Bonjour [/fr] [en] Hello [/en]", "[fr] Bonjour [/fr] [en] Hello [/en]"),
        ("Il dit [sic] cela […]", "Il dit [sic] cela […]"),
        ("[lire la suite]", "[lire la suite]"),
        ("[/fin] seul", "[/fin] seul"),
        ("[a" * 50_000, "[a" * 50_000),
        ('[x-y a="' * 9_000, '[x-y a="' * 9_000),
    ],
)
def test_shortcodes_that_were_left_in_a_text_go_and_brackets_of_people_stay(text: str, bare: str) -> None:
    """With what they enclose kept; in time that does not grow with the square."""
    assert without_shortcodes(text) == bare


@pytest.mark.parametrize(
    "broken",
    [
        {"id": "60"}, {"id": None}, {"id": True}, {"id": [1]}, {"content": None}, {"content": "<p>x</p>"},
        {"content": {"rendered": None}}, {"content": {"rendered": 5}}, {"title": None}, {"title": "T"},
        {"title": {"rendered": 7}},
        {"date_gmt": None, "date": None}, {"date_gmt": 20161117}, {"date_gmt": "0000-00-00T00:00:00"},
        {"date_gmt": "-0001-11-30T00:00:00"}, {"date_gmt": "2016-11-17T20:00:00+01:00"}, {"link": "//[", "guid": None},
        {"link": "/relatif/"}, {"link": 5, "guid": 5}, {"_embedded": []}, {"_embedded": {"author": {}, "wp:term": 5}},
        {"_embedded": {"author": [None, 5], "wp:term": [None, [None, {"taxonomy": [], "name": 5}]]}},
        {"_embedded": {"wp:featuredmedia": [{"source_url": 5}]}}, {"sticky": "yes", "lang": {}, "yoast_head_json": []},
        {"_embedded": {"wp:featuredmedia": [
            {"source_url": "/a.jpg", "media_details": {"sizes": [], "original_image": 5}}
        ]}},
        {"_embedded": {"wp:featuredmedia": [
            {"source_url": "/a.jpg", "caption": [], "alt_text": {}, "media_details": {
                "sizes": {"a": None, "b": {"width": "x"}}, "original_image": "../x", "width": "12", "filesize": -1
            }}
        ]}},
        {"content": {"rendered": "<div>" * 100_000}}, {"content": {"rendered": "<img src=" * 20_000}},
        {"content": {"rendered": "<figcaption>" * 20_000}}, {"content": {"rendered": "<img src='http://['><figcaption>©"}},
        {"title": {"rendered": "&#99999999999;\ud800\x00"}}, {"yoast_head_json": {"robots": {"a": [], "b": "noindex"}}},
    ],
)  # fmt: skip
def test_an_odd_field_costs_no_more_than_its_own_post(broken: dict[str, Any]) -> None:
    """Whatever its type; the posts beside it are given, and what cannot be read is told."""
    given = [post(1, START), post(60, START) | broken, post(3, START)]
    posts: list[Post] = []
    failure = ""
    try:
        for item in source().parse(capture(given, REST, {"x-wp-totalpages": "1"}), None):
            assert isinstance(item, Post)
            posts.append(item)
    except ParseError as error:
        failure = str(error)
    names = [item.native_id for item in posts]
    assert names[0] == "1"
    assert names[-1] == "3"
    assert len(names) == 3 or "post 2 of 3 cannot be read" in failure


@pytest.mark.parametrize(
    "body", [{"code": "rest_no_route", "message": "Aucune route."}, [5], ["x"], [None], {"posts": []}]
)
def test_an_answer_that_is_no_listing_is_told(body: object) -> None:
    """An error within 200, a list of something else."""
    with pytest.raises(ScraperError, match=r"carnet\.example"):
        list(source().parse(capture(body, REST), None))


def test_an_empty_site_is_no_failure_and_an_empty_saved_file_is() -> None:
    """A listing may be empty; what a person brought is meant to hold something."""
    assert list(source().parse(capture([], REST, {"x-wp-total": "0", "x-wp-totalpages": "0"}), None)) == []
    with pytest.raises(ParseError, match="empty list"):
        list(source().parse(capture([]), None))


def test_a_page_of_the_api_that_others_had_asked_for_is_read() -> None:
    """From a WARC file, say, which holds no word of ours; what would follow is asked of the same site."""
    body = [post(n, START + n * timedelta(hours=7)) for n in range(100)]
    given = capture(body, "https://b.example/x/wp-json/wp/v2/posts?page=1", {"x-wp-totalpages": "3"})
    *posts, following = source(url="https://b.example/x/").parse(given, None)
    assert len(posts) == 100
    assert isinstance(following, Request)
    assert following.url.startswith("https://b.example/x/wp-json/wp/v2/posts?")
