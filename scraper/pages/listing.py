"""Listings on ESA's site: cards that lead to pages, and the way to the next fifty."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

from scraper.capture import Access, Capture, Request
from scraper.model import Published
from scraper.pages.esa import date_in, is_error_page
from scraper.pages.tree import Resolve, ancestors, attribute, corrected, one_line

_PAGE = re.compile(r"/ESA_Multimedia/Images/\d{4}/\d{2}/[^/]+/?$", re.IGNORECASE)
_OTHER_MEDIA = re.compile(r"/ESA_Multimedia/(?:Videos|Sets|Missions|Keywords|Search)/", re.IGNORECASE)
_OFFSET = re.compile(r"/\(offset\)/(\d{1,9})")
_CARDS = ("div.grid-item", "div.feature-item", ".card")
_NEXT = (".paging [title=Next]", "[title=Next]", "a[rel=next]", "link[rel=next]", "a.next")
_SORTED = re.compile(r"/\(sortBy\)/(?!published\b)", re.IGNORECASE)
_BARE = re.compile(r"/ESA_Multimedia/(?:Sets|Missions|Keywords)/[^?#(]*[^?#(/]/?", re.IGNORECASE)
#: the newest first, so that a listing ends where it is older than what is looked for
_NEWEST_FIRST = "/(offset)/0/(sortBy)/published/(result_type)/images"
#: cards on a page
_STEP = 50
_EMPTY = re.compile(r"\b(?:no results?|no images?|nothing found|aucun résultat|aucune image)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A link of a listing to a page, and the day that stands with it."""

    url: str
    published: Published | None


def beginning_of(url: str) -> str:
    """Where a listing begins: of the bare address of a set, a mission or a keyword its pictures, the newest first."""
    parts = urlsplit(url)
    bare = _BARE.fullmatch(unquote(parts.path))
    return parts._replace(path=parts.path.rstrip("/") + _NEWEST_FIRST, query="", fragment="").geturl() if bare else url


def requests_of(
    capture: Capture, soup: BeautifulSoup, resolve: Resolve, since: datetime | None, before: str = ""
) -> Iterator[Request]:
    """The pages that a listing leads to, and the next listing unless this one is wholly older than ``since``.

    A card that is dated before ``since`` is not followed: all that its page holds is older still. A full page that
    has no paging at all leads to the next fifty; a page after it without cards is then the end.

    Args:
        capture: the answer.
        soup: its tree.
        resolve: makes its links absolute.
        since: the bound.
        before: what this function had its listing requests carry behind the word ``listing``.

    Raises:
        ParseError: there is no card, and nothing says that the listing is empty; or it is the page before once more.
    """
    cards = cards_of(soup, resolve, capture.url)
    following = _next_of(soup, resolve, capture.url)
    guessed, _, digest_before = before.partition(" ")
    is_past_the_end = guessed == "guessed" and not is_error_page(soup)
    if not cards and following is None and not is_past_the_end and (is_error_page(soup) or not _is_empty(soup)):
        raise capture.parse_error("expected a listing of pages and found no card, nor a word that it is empty")
    digest = hashlib.sha256("\n".join(card.url for card in cards).encode()).hexdigest()[:16] if cards else ""
    if digest and digest == digest_before:
        if is_past_the_end:
            return  # a site that knows no such offset shows its first page, or its last one
        raise capture.parse_error("the listing repeats the page before, so that what comes after it is not known")
    known = "linked"
    if following is None and len(cards) >= _STEP and not soup.select(".paging", limit=1):
        following, known = _guessed(capture.url), "guessed"
    wanted = [card for card in cards if card.published is None or card.published.overlaps(since, None)]
    for card in wanted:
        yield Request(url=card.url, access=Access.PAGE, carry=f"page {card.published or ''}".strip())
    is_newest_first = _SORTED.search(unquote(capture.url)) is None
    if following is not None and (wanted or not cards or not is_newest_first):
        yield Request(url=following, access=Access.PAGE, carry=f"listing {known} {digest}".rstrip())


def cards_of(soup: BeautifulSoup, resolve: Resolve, page_url: str) -> list[Card]:
    """The cards of a listing, in its order, each page once."""
    found: dict[str, Card] = {}
    boxes = {id(tag) for selector in _CARDS for tag in soup.select(selector)}
    for link in soup.find_all("a", href=True):
        url = resolve(attribute(link, "href"))
        if url is None or url in found or not _same_site(url, page_url) or _OTHER_MEDIA.search(url):
            continue
        box = next((tag for tag in ancestors(link) if id(tag) in boxes), None)
        if any(tag.name in ("nav", "footer", "aside", "header") for tag in ancestors(link)):
            continue
        if _PAGE.search(urlsplit(url).path) or (box is not None and link.find_parent(class_="paging") is None):
            found[url] = Card(url=url, published=_date_of(box or _row(link)))
    return list(found.values())


def _row(link: Tag) -> Tag:
    return next((tag for tag in ancestors(link) if tag.name in ("li", "article", "tr", "figure")), link)


def _date_of(box: Tag) -> Published | None:
    for tag in box.select(".meta span, .meta, time", limit=5):
        if found := date_in(attribute(tag, "datetime") or one_line(tag.get_text(" "))):
            return found
    return date_in(one_line(box.get_text(" "))[-200:])


def _next_of(soup: BeautifulSoup, resolve: Resolve, page_url: str) -> str | None:
    here = _offset(page_url)
    for selector in _NEXT:
        for tag in soup.select(selector, limit=3):
            links = [tag, *tag.find_parents("a", limit=1), *tag.find_all("a", href=True, limit=1)]
            url = next((found for link in links if (found := resolve(attribute(link, "href")))), None)
            if url and _same_site(url, page_url) and _offset(url, -1) != here and url != page_url:
                return url
    ahead = [
        (offset, url)
        for link in soup.find_all("a", href=True)
        if (url := resolve(attribute(link, "href")))
        and _same_site(url, page_url)
        and (offset := _offset(url, -1)) > here
    ]
    return min(ahead)[1] if ahead else None


def _guessed(page_url: str) -> str | None:
    """The address of the next fifty, where the address says which these are."""
    found = _OFFSET.search(unquote(page_url))
    if found is None:
        return None
    address = unquote(page_url) if "(offset)" not in page_url else page_url
    return address.replace(found.group(), f"/(offset)/{int(found.group(1)) + _STEP}", 1)


def _offset(url: str, absent: int = 0) -> int:
    found = _OFFSET.search(unquote(url))
    return int(found.group(1)) if found else absent


def _same_site(url: str, page_url: str) -> bool:
    return urlsplit(url).netloc == urlsplit(corrected(page_url)).netloc


def _is_empty(soup: BeautifulSoup) -> bool:
    return bool(soup.select(".paging", limit=1)) or bool(_EMPTY.search(soup.get_text(" ")[:100_000]))
