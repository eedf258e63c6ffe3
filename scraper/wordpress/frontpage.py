"""What a site's front page says of the site: where it answers, its feed, what it asks of archives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from scraper.capture import Capture
from scraper.feeds.tags import tags_in
from scraper.pages.tree import absolute
from scraper.text.wishes import asked_of_all
from scraper.wordpress.addresses import folder, home_of, hosted, is_hosted, root_in

_API = "https://api.w.org/"
_LINKS = re.compile(r"<([^<>]*)>([^<]*)")
_COMMENTS = re.compile(r"/comments/|feed=comments", re.IGNORECASE)
#: a page says it all in its head
_HEAD = 400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontPage:
    """``root`` is None where no API is named; ``feeds`` are without those of comments; ``is_wordpress`` by any sign."""

    home: str
    root: str | None
    feeds: tuple[str, ...]
    wishes: frozenset[str]
    is_wordpress: bool

    @property
    def is_own(self) -> bool:
        """Whether the API is on the site's own server, or on that of WordPress.com."""
        root = self.root or self.home
        return is_same_site(root, self.home) or is_hosted(root)


def read_front_page(capture: Capture) -> FrontPage:
    """The front page in ``capture``; of a page of anything else nothing is known but what it asks of archives."""
    text = capture.text[:_HEAD]
    stated = [
        target
        for target, parameters in _LINKS.findall(capture.headers.get("link", ""))
        if _API in parameters and re.search(r"\brel\b", parameters)
    ]
    feeds: list[str] = []
    wishes = asked_of_all(capture.headers.get("x-robots-tag", ""))
    generated = False
    for name, attributes in tags_in(text, "link", "meta"):
        relations = attributes.get("rel", "").lower().split()
        href = attributes.get("href", "")
        if name == "link" and _API in relations:
            stated.append(href)
        elif name == "link" and "alternate" in relations and "/rss+xml" in attributes.get("type", ""):
            address = absolute(capture.url, href)
            feeds += [at_home(address, capture.url)] if address and not _COMMENTS.search(address) else []
        elif name == "meta" and attributes.get("name", "").lower() in ("robots", "cupola"):
            wishes |= asked_of_all(attributes.get("content", ""))
        elif name == "meta" and attributes.get("name", "").lower() == "generator":
            generated |= attributes.get("content", "").lower().startswith("wordpress")
    named = [root for url in stated if (address := absolute(capture.url, url)) and (root := root_in(address))]
    roots = [at_home(root, capture.url) for root in named]
    signs = ("/wp-content/", "/wp-includes/", _API)
    is_wordpress = generated or bool(feeds) or any(sign in text for sign in signs)
    host = urlsplit(capture.url).hostname or ""
    if not roots and host.endswith(".wordpress.com"):
        roots = [hosted(host)]
    # any page of a server may have the header, also the one that stands in place of the blog
    root = roots[0] if roots and is_wordpress else None
    home = home_of(root) if root and is_same_site(root, capture.url) else folder(capture.url)
    return FrontPage(home=home, root=root, feeds=tuple(feeds), wishes=frozenset(wishes), is_wordpress=is_wordpress)


def is_same_site(one: str, other: str) -> bool:
    """Whether two addresses are on one server, whatever the scheme, «www.» and the port that a proxy hides."""
    hosts = [(urlsplit(url).hostname or "").removeprefix("www.") for url in (one, other)]
    return hosts[0] == hosts[1]


def at_home(url: str, page_url: str) -> str:
    """``url`` with the scheme and port of the page, if on the same host: behind a proxy a site may not know them."""
    parts, here = urlsplit(url), urlsplit(page_url)
    same = parts.hostname == here.hostname
    return parts._replace(scheme=here.scheme, netloc=here.netloc).geturl() if same else url
