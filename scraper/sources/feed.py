"""A feed: RSS 0.9x, 1.0 and 2.0, Atom, JSON Feed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

from scraper.capture import Access, Capture, Request
from scraper.errors import ParseError
from scraper.feeds.posts import FEED_ACCEPT, feeds_linked, read_feed, told
from scraper.finding import Finding, Rank
from scraper.model import Post
from scraper.settings import SourceOptions
from scraper.source import Reach, Source, page_is_older


class Feed(Source[SourceOptions]):
    """The entries of one feed, newest as the feed has them, such as https://blogs.example/feed/.

    RSS: https://www.rssboard.org/rss-specification, Atom: https://www.rfc-editor.org/rfc/rfc4287, JSON Feed:
    https://www.jsonfeed.org/version/1.1/, Media RSS: https://www.rssboard.org/media-rss. A feed has no terms
    of its own: it and its pictures are under the site's robots.txt, like its pages.

    A feed holds the newest ten to fifty entries and no history; older pages are read where it links them itself
    (RFC 5005 ``next`` or ``prev-archive``, ``next_url``).
    """

    kind: ClassVar[str] = "feed"
    summary: ClassVar[str] = "a feed in RSS, Atom or JSON Feed: its entries with the pictures they declare and show"
    example: ClassVar[str] = "https://blogs.example/feed/"
    options_type: ClassVar[type[SourceOptions]] = SourceOptions
    media_access: ClassVar[Access] = Access.PAGE
    reach: Reach = Reach.EXTENT

    @classmethod
    def finds(cls, capture: Capture) -> Iterator[Finding | Request]:
        """The feed itself, or the feeds that a page links; of a page's feeds those of comments come last."""
        if capture.request.carry is not None:
            return
        with suppress(ParseError):
            entries = len(read_feed(capture, "found").posts)
            reason = f"it is a feed, with {entries} entries now; a feed holds its newest ones alone"
            yield Finding(kind=cls.kind, options={"url": capture.url}, reason=reason, rank=Rank.CERTAIN)
            return
        for url, title in feeds_linked(capture)[:10]:
            of_comments = re.search(r"comment", f"{title} {urlsplit(url).path}", re.IGNORECASE)
            called = f", called «{' '.join(title.split())[:100]}»" if title else ""
            reason = f"the page links this feed{called}; a feed holds its newest entries alone"
            rank = Rank.POSSIBLE if of_comments else Rank.BESIDE
            yield Finding(kind=cls.kind, options={"url": url}, reason=reason, rank=rank)

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        """The configured address."""
        yield Request(url=self.options.url, accept=FEED_ACCEPT)

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request]:
        """The posts of a feed and, where it links one, its next page; see ``Source.parse``.

        An entry that cannot be read costs itself alone: the others and the next page are given first.

        Raises:
            ParseError: it is no feed (the message names the feeds that a web page links), or entries are missing.
        """
        page = read_feed(capture, self.id)
        faults = list(page.faults)
        yield from page.posts
        carry = _fingerprint(page.posts)
        if page.next and page.posts and not page_is_older(list(page.posts), since):
            following = _at_home(page.next, capture)
            if following is None:
                faults.append(f"its next page is on another server and is not followed: {page.next[:200]}")
            elif capture.request.carry != carry:  # a server that answers every page alike has no other
                yield Request(url=following, accept=FEED_ACCEPT, carry=carry)
        if faults:
            raise capture.parse_error(told(faults))


def _fingerprint(posts: Iterable[Post]) -> str:
    return hashlib.sha256("\n".join(post.native_id for post in posts).encode("utf-8", "replace")).hexdigest()[:16]


def _at_home(url: str, capture: Capture) -> str | None:
    """``url`` on the server that was asked, whose scheme and port a feed may not know; None on another server."""
    parts, here = urlsplit(url), urlsplit(capture.url)
    if parts.hostname != here.hostname:
        return None
    return parts._replace(scheme=here.scheme, netloc=here.netloc, fragment="").geturl()
