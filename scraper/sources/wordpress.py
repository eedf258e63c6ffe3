"""A blog made with WordPress, by its REST API; by its feed where that is closed."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import BeforeValidator, Field, ValidationError

from scraper.capture import SAVED, Access, Capture, Request
from scraper.errors import FetchError, Gone, Refused, ScraperError
from scraper.feeds.items import Item
from scraper.feeds.posts import FEED_ACCEPT, read_feed, told
from scraper.finding import Finding
from scraper.model import Post
from scraper.settings import SourceAddress, SourceOptions
from scraper.source import Reach, Source, page_is_older
from scraper.wordpress.addresses import (
    archive_in,
    endpoint,
    feed_of,
    folder,
    home_of,
    is_collection,
    language_folder,
    language_of,
    plain_root,
    root_in,
)
from scraper.wordpress.entries import Entry
from scraper.wordpress.frontpage import is_same_site, read_front_page
from scraper.wordpress.names import name_of, names_of
from scraper.wordpress.posts import post_of
from scraper.wordpress.shortcodes import without_shortcodes
from scraper.wordpress.trail import Trail

_MOST = 100  # posts on a page; WordPress refuses more
#: a site compares by its own clock, which may have been put into another zone since a post was dated
_ZONES = timedelta(hours=26)
_CLOSED = (401, 403, 404, 405, 406, 410, 451)
_JSON = "application/json"

_Name = Annotated[str | None, BeforeValidator(lambda v: str(v) if type(v) is int else v), Field(min_length=1)]


class WordpressOptions(SourceOptions):
    """The blog: the address of its front page, of one language of it, of an author's, a category's or a tag's page."""

    api: SourceAddress | None = None  # the root of the REST API, where the front page does not name it
    author: _Name = None  # only what this author wrote: the name in the address of their page, or their number
    category: _Name = None
    tag: _Name = None


class Wordpress(Source[WordpressOptions]):
    """The published posts of a WordPress site, such as https://blogs.esa.int/thomas-pesquet/.

    API: https://developer.wordpress.org/rest-api/reference/posts/, a documented public one without limits of its own;
    the front page, the feed and the pictures are under the site's robots.txt.

    The front page names the API. Posts are listed oldest first, and each page is asked for from shortly before the last
    post of the one before: what is published, edited or deleted meanwhile moves nothing past the reader. A later visit
    asks for what was published since, then for older posts that were modified since. Where the API is closed, the
    feed is read in its place, under the same native ids.
    """

    kind: ClassVar[str] = "wordpress"
    summary: ClassVar[str] = "a blog made with WordPress, by its REST API, or by its feed where that is closed"
    example: ClassVar[str] = "https://blogs.esa.int/thomas-pesquet/"
    options_type: ClassVar[type[SourceOptions]] = WordpressOptions
    media_access: ClassVar[Access] = Access.PAGE
    reach = Reach.WINDOW

    def __init__(self, source_id: str, options: WordpressOptions) -> None:
        super().__init__(source_id, options)
        archive = archive_in(options.url)
        named = {archive[1]: archive[2]} if archive else {}
        #: the author, category and tag that are wanted, by name or number
        self._wanted = {
            name: value
            for name in ("author", "category", "tag")
            if (value := getattr(options, name) or named.get(name))
        }
        self._home = archive[0] if archive else folder(options.url)
        stated = options.api or root_in(options.url)
        self._root = (root_in(stated) or folder(stated)) if stated else None

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        """The front page, which names the API; the API at once where it is configured."""
        if self._root is None:
            yield Request(url=self.options.url, access=Access.PAGE, accept="text/html, */*;q=0.5")
            return
        is_api = self.options.api is None
        home = home_of(self._root) if is_api or is_same_site(self._root, self._home) else self._home
        yield self._next(Trail(root=self._root, home=home, scope=self._scope(home)), since)

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request]:
        """The posts of a listing of the API or the feed, and what to ask next; of a front page, what to ask the API.

        A post that cannot be read costs itself alone: the others and the next page are given first.

        Raises:
            ParseError: something in the answer, or all of it, was not understood.
            Refused: the API is closed, or something else answers in its place.
        """
        trail = self._trail(capture.request)
        begins = capture.body[:400].lstrip(b"\xef\xbb\xbf \t\r\n")
        if trail.step == "feed" or re.match(rb"<\?xml|<rss\b|<rdf:|<feed\b", begins):
            yield from self._entries(capture, trail, since)
        elif root_in(capture.request.url) is None and begins[:1] not in (b"{", b"["):
            yield self._look_around(capture, since)
        elif begins.startswith(b"<"):
            raise self._closed(capture, "a web page came in place of JSON")
        else:
            yield from self._answer(capture, capture.json(), trail, since)

    def instead(self, request: Request, error: ScraperError) -> tuple[Request, ...] | None:
        """The API's other address, then the feed, where the API is closed; nothing behind the end of a listing."""
        trail = Trail.of(request.carry)
        status = error.status if isinstance(error, FetchError) else None
        if trail.step == "feed":
            is_further = "paged" in dict(parse_qsl(urlsplit(request.url).query))
            return () if is_further and isinstance(error, Gone) else None
        if root_in(request.url) is None or not trail.home:
            return None
        if trail.step == "more":
            return () if status == 400 and "page=" in urlsplit(request.url).query.replace("per_page=", "") else None
        if not isinstance(error, FetchError) or (status not in _CLOSED and not isinstance(error, Refused)):
            return None
        if trail.root.endswith("wp-json/") and (isinstance(error, Gone) or status == 200):
            return (self._next(dataclasses.replace(trail, root=plain_root(trail.home)), _since_in(request)),)
        following = self._feed_page(trail, 1)
        return (following,) if following is not None else None

    @classmethod
    def finds(cls, capture: Capture) -> Iterator[Finding | Request]:
        """A page that names WordPress' API, or shows that WordPress made it."""
        if capture.request.carry is not None:
            return
        page = read_front_page(capture)
        if page.root is not None or page.is_wordpress:
            url = folder(capture.url) if language_folder(capture.url) or archive_in(capture.url) else page.home
            reason = "the page names WordPress' REST API" if page.root else "the page is made with WordPress"
            yield Finding(kind=cls.kind, options={"url": url}, reason=reason)

    def _trail(self, request: Request) -> Trail:
        """What the request carried; of an answer that others had asked for, what its address says."""
        trail = Trail.of(request.carry)
        root = trail.root or root_in(request.url)
        if not root:
            return trail
        home = trail.home or home_of(root)
        return dataclasses.replace(trail, root=root, home=home, scope=trail.scope or self._scope(home))

    def _scope(self, home: str) -> str:
        """The folder of one language, where that is what is configured and it is not all that the API lists."""
        path = language_folder(self.options.url)
        return path if path != urlsplit(home).path else ""

    def _look_around(self, capture: Capture, since: datetime | None) -> Request:
        """What to ask after the front page."""
        page = read_front_page(capture)
        feeds = f"; it names these feeds: {', '.join(page.feeds[:5])}" if page.feeds else ""
        if capture.status == SAVED:
            advice = "save the answer of wp-json/wp/v2/posts?_embed, or the feed"
            raise capture.parse_error(f"a saved page of a blog is not read: {advice}")
        if page.root is None and not page.is_wordpress:
            raise capture.parse_error(f"expected a blog made with WordPress, and nothing here names its API{feeds}")
        if page.root is not None and not page.is_own:
            raise capture.parse_error(f"its API is on another server; if that is its own, set api: {page.root}")
        home = page.home if page.root is not None else self._home
        feed = next((url for url in page.feeds if is_same_site(url, capture.url)), "")
        trail = Trail(
            root=page.root or f"{home}wp-json/",
            home=home,
            feed=feed if "feed=" in feed or not self._wanted else "",
            scope=self._scope(home),
            wishes=" ".join(sorted(page.wishes)),
        )
        return self._next(trail, since)

    def _next(self, trail: Trail, since: datetime | None) -> Request:
        """The number of the first name that is not known yet; then the listing."""
        for name, value in self._wanted.items():
            if value.isdigit():
                trail = dataclasses.replace(trail, **{name: value})
            elif not getattr(trail, name):
                collection = _COLLECTIONS[name]
                return self._ask(trail, name, collection, {"slug": value, "per_page": "1"})
        return self._listing(dataclasses.replace(trail, step="first"), "date", _before(since))

    def _listing(self, trail: Trail, field: str, bound: str, until: str = "", page: int = 1) -> Request:
        after = {"date": "after", "modified": "modified_after"}[field]
        numbers = {"author": trail.author, "categories": trail.category, "tags": trail.tag}
        query = {
            "per_page": str(_MOST),
            "orderby": field,
            "order": "asc",
            after: bound,
            "before": until,
            **numbers,
            "page": str(page) if page > 1 else "",
            "_embed": "author,wp:featuredmedia,wp:term",
        }
        return self._ask(trail, trail.step, "posts", {name: value for name, value in query.items() if value})

    def _ask(self, trail: Trail, step: str, collection: str, query: dict[str, str]) -> Request:
        url = endpoint(trail.root, collection, query)
        is_own = is_same_site(url, self.options.api or self.options.url)
        carry = str(dataclasses.replace(trail, step=step))
        token = self.options.token if is_own else None
        return Request(url=url, access=Access.API, accept=_JSON, token=token, carry=carry)

    def _answer(self, capture: Capture, answer: Any, trail: Trail, since: datetime | None) -> Iterator[Post | Request]:
        match answer:
            case list() as found if trail.step in _COLLECTIONS:
                yield self._next(self._looked_up(capture, found, trail), since)
            case list() as posts:
                yield from self._page(capture, posts, trail, since)
            case {"id": _, "content": _} as post:
                yield from self._page(capture, [post], trail, since)
            case {"code": str() as code, "message": str() as said}:
                raise self._closed(capture, f"the site says: {said[:300]} ({code[:60]})")
            case other:
                shape = f"an object with {', '.join(list(other)[:9])}" if isinstance(other, dict) else repr(other)[:80]
                raise capture.parse_error(f"expected posts of WordPress' REST API and got {shape}")

    def _closed(self, capture: Capture, why: str) -> Refused:
        return Refused(f"{capture.url}: the REST API is closed: {why}", url=capture.url, status=capture.status)

    def _looked_up(self, capture: Capture, found: list[object], trail: Trail) -> Trail:
        name = trail.step
        for item in found:
            if isinstance(item, dict) and type(item.get("id")) is int and item.get("slug") == self._wanted.get(name):
                return dataclasses.replace(trail, **{name: str(item["id"])})
        raise capture.parse_error(f"the site has no {name} {self._wanted.get(name, '')!r} in its addresses")

    def _page(
        self, capture: Capture, given: list[object], trail: Trail, since: datetime | None
    ) -> Iterator[Post | Request]:
        """The posts of one page of the listing, and the next; behind the first also the older ones edited since."""
        is_listing = is_collection(capture.request.url, "posts")
        asked = dict(parse_qsl(urlsplit(capture.request.url).query))
        field = "modified" if "modified_after" in asked else "date"
        entries: list[Entry] = []
        left_out: list[str] = []
        faults: list[str] = []
        taken, names = bool(trail.taken), set[str]()
        for number, item in enumerate(given, start=1):
            try:
                entry = Entry.model_validate(item)
                reason = entry.left_out or self._outside(trail, entry.link)
                if reason:
                    left_out.append(reason)
                else:
                    native_id = name_of(entry.guid, entry.id)
                    # two posts with one guid, by a careless plug-in
                    native_id = entry.id if native_id in names else native_id
                    post, fault = post_of(entry, self.id, native_id, capture.url, trail.wishes.split())
                    names.add(native_id)
                    taken = True
                    faults += [fault] if fault else []
                    yield post
                entries.append(entry)
            except ValueError as error:
                faults.append(f"post {number} of {len(given)} cannot be read ({_reason(error)})")
        if not is_listing and not taken and not faults:
            what = left_out[0] if left_out else "it is an empty list"
            faults.append(f"no post is taken from this: {what}")
        if is_listing and given:
            trail = dataclasses.replace(trail, taken="yes" if taken else "")
            following = self._following(capture, entries, len(given), trail, field, asked)
            if isinstance(following, Request):
                yield following
            elif following:
                faults.append(following)
            elif not taken and since is None and self._outside(trail, ""):
                faults.append(f"none of its posts is in {trail.scope}")
        if is_listing and trail.step == "first" and since is not None and _before(since):
            edits = dataclasses.replace(trail, step="more", before="")
            yield self._listing(edits, "modified", _before(since), until=_stamp(since))
        if faults:
            raise capture.parse_error(told(faults))

    def _following(
        self, capture: Capture, entries: list[Entry], count: int, trail: Trail, field: str, asked: dict[str, str]
    ) -> Request | str | None:
        """The next page of the listing; what is wrong with it; None at its end."""
        page = int(asked["page"]) if asked.get("page", "").isdigit() else 1
        if not _has_more(capture, page, count):
            return None
        after = "after" if field == "date" else "modified_after"
        dates = [at for entry in entries if (at := entry.changed(field)) is not None]
        bound = asked.get(after, "")
        if field == "modified" and dates and _stamp(dates[0] + _ZONES) < bound:
            # before 5.7 WordPress knows no modified_after, and lists everything
            return None
        names = hashlib.sha256(" ".join(entry.id for entry in entries).encode()).hexdigest()[:16]
        is_same = names == trail.before
        if is_same and page > 1:
            return "this page is the one before over again, so the posts behind it cannot be reached"
        trail = dataclasses.replace(trail, step="more", before=names)
        onward = _before(max(dates)) if dates else ""
        # a page full of posts of one moment leads no further: then pages are counted
        if onward > bound and not is_same:
            return self._listing(trail, field, onward, until=asked.get("before", ""))
        return self._listing(trail, field, bound, until=asked.get("before", ""), page=page + 1)

    def _outside(self, trail: Trail, link: str) -> str:
        """Why a post is none of those of one language; empty if it is, or all are wanted."""
        inside = not trail.scope or unquote(urlsplit(link).path).startswith(unquote(trail.scope))
        return "" if inside else f"it is not in {trail.scope}"

    def _feed_page(self, trail: Trail, page: int) -> Request | None:
        """A page of the feed; None where no feed has what is wanted (a tag that is known by its number alone)."""
        query: dict[str, str] = {}
        for name, value in self._wanted.items():
            is_number = value.isdigit()
            if name == "tag" and is_number:
                return None
            query[_FEED_NAMES[name][is_number]] = value
        if not trail.home:
            return None
        url = feed_of(trail.home, trail.feed, query, page)
        carry = str(dataclasses.replace(trail, step="feed"))
        return Request(url=url, access=Access.PAGE, accept=FEED_ACCEPT, carry=carry)

    def _entries(self, capture: Capture, trail: Trail, since: datetime | None) -> Iterator[Post | Request]:
        """The posts of a page of the feed, under the ids that they have in the API, and the next page."""
        page = read_feed(capture, self.id, _wants_password)
        posts = list(page.posts)
        ids = names_of([post.native_id for post in posts])
        for post, native_id in zip(posts, ids, strict=True):
            if not self._outside(trail, post.url or ""):
                yield self._as_in_api(post, native_id, trail)
        names = hashlib.sha256(" ".join(ids).encode("utf-8", "replace")).hexdigest()[:16]
        size = int(trail.size) if trail.size.isdigit() else page.entries
        is_last = page.entries < size or names == trail.before or page_is_older(posts, since) or trail.step != "feed"
        if page.entries and not is_last:
            asked = dict(parse_qsl(urlsplit(capture.request.url).query)).get("paged", "1")
            number = int(asked) + 1 if asked.isdigit() else 2
            following = self._feed_page(dataclasses.replace(trail, before=names, size=str(size)), number)
            if following is not None:
                yield following
        if not page.entries and self._wanted and trail.step == "feed" and not trail.before and not page.faults:
            raise capture.parse_error(f"the feed has nothing of {' '.join(map(' '.join, self._wanted.items()))}")
        if page.faults:
            raise capture.parse_error(told(page.faults))

    def _as_in_api(self, post: Post, native_id: str, trail: Trail) -> Post:
        language = language_of(post.url or "")
        return dataclasses.replace(
            post,
            native_id=native_id,
            body=without_shortcodes(post.body),
            languages=(language,) if language else (),
            opt_outs=tuple(sorted({*post.opt_outs, *trail.wishes.split()})),
        )


_COLLECTIONS = {"author": "users", "category": "categories", "tag": "tags"}
#: what a feed calls them, by name and by number
_FEED_NAMES = {"author": ("author_name", "author"), "category": ("category_name", "cat"), "tag": ("tag", "tag")}


def _wants_password(item: Item) -> bool:
    """Whether an entry of the feed shows a form for a password in place of its text."""
    return any("post-password-form" in text.value or "action=postpass" in text.value for text in item.texts)


def _has_more(capture: Capture, page: int, count: int) -> bool:
    """Whether a page follows, by the listing's own word; where a proxy has dropped that, a full page has one."""
    pages = capture.headers.get("x-wp-totalpages", "").strip()
    if pages.isascii() and pages.isdigit() and len(pages) < 9:
        return page < int(pages)
    said = re.findall(r"\brel\s*=\s*[\"']?(next|prev)\b", capture.headers.get("link", ""))
    return "next" in said or (not said and count >= _MOST)


def _before(at: datetime | None) -> str:
    """A bound for the API that no post of ``at`` or later is before, whatever its site has had for a zone."""
    return _stamp(at - _ZONES) if at is not None and at.year > 1970 else ""


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _since_in(request: Request) -> datetime | None:
    """The bound that a listing was asked for with."""
    after = dict(parse_qsl(urlsplit(request.url).query)).get("after", "")
    return datetime.fromisoformat(after) + _ZONES if after else None


def _reason(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error)[:300]
