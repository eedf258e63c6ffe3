"""The posts of a feed, and what is wrong with it: what every kind of source that reads a feed shares."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from scraper.capture import Capture
from scraper.feeds import jsonfeed, xmlfeed
from scraper.feeds.addresses import absolute
from scraper.feeds.attachments import MAX_ATTACHMENTS, attachments_of
from scraper.feeds.dates import published_of
from scraper.feeds.items import Feed, Item
from scraper.feeds.licences import licence_of
from scraper.feeds.parsing import NotAFeed, TooBroken, parse
from scraper.feeds.plain import UNWRITABLE, plain, plain_line
from scraper.feeds.tags import tags_in
from scraper.model import Post
from scraper.text.wishes import opt_outs_in

FEED_ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
_FEED_TYPE = re.compile(r"application/(?:(?:rss|atom|rdf)\+xml|feed\+json)", re.IGNORECASE)
_BRIDGE_ERROR = re.compile(r"Bridge returned error\b")
#: what Flickr puts in front of every caption
_POSTED = re.compile(r"\A[^\n]{1,100} posted (?:a photo|a video):\n+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,4}")
_LONGEST_ID = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """One document of a feed: its posts, where it says that older ones are, and what was not understood."""

    posts: tuple[Post, ...]
    #: entries that could be read, also those left out
    entries: int = 0
    next: str = ""
    faults: tuple[str, ...] = ()


def told(faults: Sequence[str]) -> str:
    """The first faults in one sentence."""
    more = len(faults) - 3
    return "; ".join([*faults[:3], *([f"and {more} more"] if more > 0 else [])])


def read_feed(capture: Capture, source_id: str, leave_out: Callable[[Item], bool] = lambda item: False) -> FeedPage:
    """The posts of the feed in ``capture``; an entry that cannot be read costs itself alone.

    ``leave_out`` says of an entry whether it is none of the posts that are looked for.

    Raises:
        ParseError: it is no feed (the message names the feeds that a web page links), or nothing of it can be read.
    """
    document = _document(capture)
    faults = [document.damage] if document.damage else []
    readable: list[Item] = []
    for number, item in enumerate(document.items, start=1):
        if reason := _reason_against(item):
            faults.append(f"entry {number} of {len(document.items)} {reason}")
        elif not item.is_empty:
            readable.append(item)
    if document.items and not readable and not faults:
        faults.append(f"none of its {len(document.items)} entries has a title, a text or a medium")
    opt_outs = tuple(sorted(opt_outs_in(document.about)))
    posts: list[Post] = []
    for native_id, item in _named([item for item in readable if not leave_out(item)]):
        post, fault = _post(source_id, native_id, item, opt_outs)
        posts.append(post)
        faults += [fault] if fault else []
    return FeedPage(posts=tuple(posts), entries=len(readable), next=document.next, faults=tuple(faults))


def _post(source_id: str, native_id: str, item: Item, opt_outs: tuple[str, ...]) -> tuple[Post, str]:
    body = plain(item.texts[0]) if item.texts else ""
    if "flickr.com/" in item.url:
        body = _POSTED.sub("", body)
    published = published_of(item.published)
    edited = published_of(item.updated)
    is_later = edited is not None and published is not None and edited.at > published.at
    attachments = attachments_of(item, body)
    licence, licence_url = licence_of(item.license, item.license_url)
    name = ", ".join(name for name, _ in item.authors)
    post = Post(
        source_id=source_id,
        native_id=native_id,
        url=item.url or None,
        author=name or None,
        author_url=next((url for _, url in item.authors if url), None),
        title=(plain_line(item.title) or None) if item.title else None,
        body=body,
        published=published,
        edited_at=edited.at if edited is not None and is_later else None,
        attachments=attachments[:MAX_ATTACHMENTS],
        hashtags=tuple(dict.fromkeys(tag for given in item.tags if (tag := " ".join(given.split()).lstrip("#")))),
        languages=tuple(language for language in item.languages if _LANGUAGE.fullmatch(language)),
        content_warning=item.content_warning or None,
        credit=item.rights or None,
        license=licence or None,
        license_url=licence_url or None,
        opt_outs=opt_outs,
    )
    too_many = len(attachments) > MAX_ATTACHMENTS
    return (
        post,
        f"{native_id} has more than {MAX_ATTACHMENTS} media, and the first ones are taken" if too_many else "",
    )


def _document(capture: Capture) -> Feed:
    """The feed in an answer.

    Raises:
        ParseError: it is none, or so broken that nothing of it can be read.
    """
    if capture.media_type.endswith("json") or capture.body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        value = capture.json()
        if not jsonfeed.is_json_feed(value):
            raise capture.parse_error(f"expected a feed and got JSON that is no JSON Feed{_said(value)}")
        return jsonfeed.feed_of(value, capture.url)
    try:
        parsed = parse(capture.text, capture.url)
    except NotAFeed as error:
        raise capture.parse_error(f"expected a feed and got {error}{_advice(capture)}") from error
    except TooBroken as error:
        raise capture.parse_error(f"the feed cannot be read: {error}") from error
    return xmlfeed.feed_of(parsed, capture.url)


def _said(value: object) -> str:
    error = value.get("error") or value.get("message") if isinstance(value, dict) else None
    return f"; it says: {error[:200]}" if isinstance(error, str) else ""


def feeds_linked(capture: Capture) -> list[tuple[str, str]]:
    """Address and title of each feed that a web page links."""
    return [
        (url, attributes.get("title", ""))
        for _, attributes in tags_in(capture.text[:1_000_000], "link")
        if "alternate" in attributes.get("rel", "").lower().split()
        and _FEED_TYPE.match(attributes.get("type", ""))
        and (url := absolute(capture.url, attributes.get("href", "")))
    ]


def _advice(capture: Capture) -> str:
    """The feeds that a web page links, so that a person knows what to put into ``url``."""
    found = [f"{url} ({title})" if title else url for url, title in feeds_linked(capture)]
    return f"; it names these feeds, one of which may be the url to configure: {', '.join(found[:5])}" if found else ""


def _reason_against(item: Item) -> str:
    """Why an entry is no post; empty if it is one."""
    if item.trouble:
        return f"cannot be read ({item.trouble})"
    if item.title and _BRIDGE_ERROR.match(item.title.value):
        return f"is an error of RSS-Bridge and no post: {' '.join(item.title.value.split())[:100]}"
    return ""


def _named(items: list[Item]) -> Iterator[tuple[str, Item]]:
    """Each post with its native id: the entry's own id, else its address, else a hash of title, date and text.

    What is listed twice is given once, the later state of it. An id that a careless feed gives to several posts (with
    addresses of their own) names none of them, nor does an address that several texts share.
    """
    chosen: dict[str, Item] = {}
    shared_ids = _shared((item.id, item.url) for item in items)
    shared_urls = _shared((item.url, _content(item)) for item in items if not item.id or item.id in shared_ids)
    for item in items:
        name = item.id if item.id and item.id not in shared_ids else ""
        name = name or (item.url if item.url and item.url not in shared_urls else "")
        name = " ".join(UNWRITABLE.sub("\ufffd", name).split())
        if not name or len(name) > _LONGEST_ID:
            name = hashlib.sha256((name or _content(item)).encode("utf-8", "replace")).hexdigest()[:16]
        if name not in chosen or _time(item) > _time(chosen[name]):
            chosen[name] = item
    return iter(chosen.items())


def _shared(pairs: Iterator[tuple[str, str]]) -> set[str]:
    """The names that stand with more than one value."""
    values: defaultdict[str, set[str]] = defaultdict(set)
    for name, value in pairs:
        if name and value:
            values[name].add(value)
    return {name for name, found in values.items() if len(found) > 1}


def _content(item: Item) -> str:
    texts = [item.title.value if item.title else "", item.published, item.texts[0].value if item.texts else ""]
    media = [medium.addresses[0] for medium in item.media] if not any(texts) else []
    return "|".join([*texts, *media])


def _time(item: Item) -> float:
    at = published_of(item.updated) or published_of(item.published)
    return at.at.timestamp() if at else 0.0
