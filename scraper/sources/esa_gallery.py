"""ESA multimedia pages: a page, the pictures of the gallery on it, and listings of such pages."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import ClassVar
from urllib.parse import quote, unquote, urlsplit

from bs4 import BeautifulSoup

from scraper.capture import Access, Capture, Request
from scraper.finding import Finding, Rank
from scraper.model import Attachment, Post, Published
from scraper.pages import esa, listing
from scraper.pages.blocks import LABEL, normalised
from scraper.pages.captions import Group, groups_of, within
from scraper.pages.embedded import embedded_groups
from scraper.pages.images import Picture, file_key, is_adornment, is_telling, stem
from scraper.pages.optouts import opt_outs_of
from scraper.pages.stream import Line, stream_of
from scraper.pages.tree import Resolve, ancestors, attribute, corrected, resolver, tree_of
from scraper.settings import SourceOptions
from scraper.source import Reach, Source

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ONE_PAGE = re.compile(r"/ESA_Multimedia/Images/\d{4}/\d{2}/", re.IGNORECASE)
_LISTING = re.compile(r"/\((?:offset|sortBy|result_type|keyword)\)/|/ESA_Multimedia/(?:Sets|Missions|Keywords|Search)/")


class EsaGallery(Source[SourceOptions]):
    """ESA's multimedia pages at https://www.esa.int/ESA_Multimedia, such as
    https://www.esa.int/ESA_Multimedia/Images/2021/04/Images_de_la_mission_Proxima.

    Terms: https://photolibrary.esa.int/terms-and-conditions/, and where it is stated
    https://open.esa.int/image-usage-creative-commons/. There is no API; pages and pictures are under robots.txt.

    ``url`` is a page, or a listing: a set, a mission or a keyword, or any page of one (``…/(offset)/0/…``). A page is a
    post: its title and introduction, dated by the page. Each picture of its gallery is a post: the caption with its
    credit line, line by line as it stands, and no date of its own (the credit line has it). A page with a single
    picture and no credit line is one post.
    """

    kind: ClassVar[str] = "esa_gallery"
    summary: ClassVar[str] = "ESA multimedia page: its text, and each picture of its gallery with its captions"
    example: ClassVar[str] = "https://www.esa.int/ESA_Multimedia/Images/2021/04/Images_de_la_mission_Proxima"
    options_type: ClassVar[type[SourceOptions]] = SourceOptions
    media_access: ClassVar[Access] = Access.PAGE
    reach: Reach = Reach.PAGE

    @classmethod
    def knows(cls, url: str) -> Iterator[Finding | Request]:
        """An image page, or a listing of such pages: a set, a mission, a keyword, a search."""
        try:
            parts = urlsplit(url)
        except ValueError:  # half an IPv6 address
            return
        if (parts.hostname or "").lower() not in ("esa.int", "www.esa.int"):
            return
        if _ONE_PAGE.search(parts.path):
            reason = "a multimedia page of ESA: its text, and each picture of its gallery"
        elif _LISTING.search(unquote(parts.path)):
            reason = "a listing of ESA's multimedia pages: each page of it, with its gallery"
        else:
            return
        yield Finding(kind=cls.kind, options={"url": corrected(url)}, reason=reason, rank=Rank.CERTAIN)

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        """The configured page or listing."""
        yield Request(url=listing.beginning_of(corrected(self.options.url)))

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request]:
        """The posts of a page, or the pages of a listing; see ``Source.parse``."""
        soup = tree_of(capture)
        resolve = resolver(capture.url, soup)
        carried = (capture.request.carry or "").partition(" ")
        listed = carried[0] == "listing" or (carried[0] != "page" and _is_listing(capture, soup, resolve))
        if listed:
            before = carried[2] if carried[0] == "listing" else ""
            yield from listing.requests_of(capture, soup, resolve, since, before)
        else:
            yield from self._page(capture, soup, resolve, esa.date_in(carried[2]))
        if not re.search(r"</(?:body|html)\s*>", capture.text, re.IGNORECASE):
            # what was read is kept; without this, pictures or pages beyond the cut would be missed in silence
            raise capture.parse_error(f"the page ends in the middle, after {len(capture.body)} bytes")

    def _page(
        self, capture: Capture, soup: BeautifulSoup, resolve: Resolve, listed: Published | None
    ) -> Iterator[Post]:
        stream = stream_of(soup, resolve, lines_of=esa.lines_of, is_credit=esa.is_credit)
        lead = _lead_of(soup, resolve, stream.pictures)
        found, rest = groups_of(stream, esa.is_credit, lead.key if lead else None)
        groups = _joined(found, embedded_groups(soup, resolve, esa.lines_of, esa.is_credit), lead)
        captioned = any(esa.credit_of(group.lines)[0] for group in groups)
        if not captioned and (esa.is_error_page(soup) or (not groups and lead is None)):
            reason = (
                "looks like a login or an error page" if esa.is_error_page(soup) else "shows no picture and no caption"
            )
            raise capture.parse_error(f"expected a page of pictures, but it {reason}")
        _add_downloads(
            soup, resolve, [*(group.picture for group in groups if group.picture), *([lead] if lead else [])]
        )
        if len(groups) == 1 and not captioned:
            lead, groups = groups[0].picture, []
            rest = [line for line in stream.lines if not LABEL.fullmatch(line.text)]
        page = self._page_post(capture, soup, rest, listed)
        own = lead is not None and all(group.picture is None or group.picture.key != lead.key for group in groups)
        if own and lead is not None:
            page = dataclasses.replace(page, attachments=(_attachment(lead, page.credit),))
        if page.title or page.body or page.attachments:
            yield page
        ids = _Ids(groups, taken={page.native_id})
        for group in groups:
            yield self._picture_post(page, group, ids.of(group))

    def _page_post(self, capture: Capture, soup: BeautifulSoup, rest: list[Line], listed: Published | None) -> Post:
        url = _page_url(capture.url, soup, resolver(capture.url, soup))
        details = esa.details_of(soup)
        rights = [text for key in ("copyright", "licence", "license") for text in details.get(key, [])]
        licence, licence_url = esa.licence_of(rights)
        title = esa.title_of(soup)
        parts = urlsplit(url)
        native_id = _on_a_line(unquote(parts.path.strip("/"))) + (f"?{parts.query}" if parts.query else "")
        return Post(
            source_id=self.id,
            native_id=native_id or parts.netloc,
            url=url,
            title=title,
            body="\n".join(esa.introduction_of(soup, rest, title)),
            published=esa.published_of(soup, url) or listed,
            hashtags=tuple(
                dict.fromkeys(tag for key in ("mission", "keyword", "keywords") for tag in details.get(key, []))
            ),
            credit=next(iter(details.get("copyright", [])), None),
            license=licence,
            license_url=licence_url,
            opt_outs=opt_outs_of(capture, soup),
        )

    def _picture_post(self, page: Post, group: Group, native_id: str) -> Post:
        credit_line, person, _ = esa.credit_of(group.lines)
        return Post(
            source_id=self.id,
            native_id=native_id,
            url=f"{page.url}#{quote(native_id, safe='')}",
            author=person,
            title=group.title,
            body="\n".join(group.lines),
            attachments=(_attachment(group.picture, page.credit),) if group.picture else (),
            credit=page.credit or credit_line,
            license=page.license,
            license_url=page.license_url,
            opt_outs=page.opt_outs,
        )


def _is_listing(capture: Capture, soup: BeautifulSoup, resolve: Resolve) -> bool:
    if _ONE_PAGE.search(urlsplit(capture.url).path):
        return False
    address = unquote(capture.url)
    return bool(_LISTING.search(address)) or len(listing.cards_of(soup, resolve, capture.url)) > 1


class _Ids:
    """Names for the pictures of a page that stay when another picture is put in front.

    The content-object id in the file's path, else the file's stem without a known rendition suffix where it names
    this picture alone, else a hash of the credit line's date and the caption, else of the file's address.
    """

    def __init__(self, groups: list[Group], taken: set[str]) -> None:
        self._stems = Counter(_stem_of(group.picture) for group in groups if group.picture)
        self._taken = set(taken)

    def of(self, group: Group) -> str:
        """The group's id, different from all given before."""
        for name in self._names(group):
            if name not in self._taken:
                self._taken.add(name)
                return name
        raise AssertionError("unreachable: the last name counts on")

    def _names(self, group: Group) -> Iterator[str]:
        picture, (credit_line, _, day) = group.picture, esa.credit_of(group.lines)
        if picture is not None:
            if picture.content_id:
                yield picture.content_id
            if is_telling(_stem_of(picture)) and self._stems[_stem_of(picture)] == 1:
                yield _stem_of(picture)
        caption = normalised("".join(line for line in group.lines if line != credit_line))
        if caption or day:
            yield _hash(f"{day}|{caption}")
        yield from (_hash(f"{picture.key if picture else caption}|{number}") for number in count(1))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _stem_of(picture: Picture) -> str:
    return _on_a_line(stem((picture.shown or picture.large)[0]))


def _on_a_line(name: str) -> str:
    """A name out of an address that stays on its line and obeys no terminal: control characters stay encoded."""
    return _CONTROL.sub(lambda found: quote(found[0]), name)


def _attachment(picture: Picture, credit: str | None) -> Attachment:
    name = _stem_of(picture)
    url, *alternatives = picture.addresses
    return Attachment(
        url=url,
        alternatives=tuple(alternatives),
        native_id=picture.content_id or (name if is_telling(name) else None),
        alt=picture.alt,
        credit=credit,
    )


def _lead_of(soup: BeautifulSoup, resolve: Resolve, shown: list[Picture]) -> Picture | None:
    """The picture that the page names as its own for those who link to it."""
    for name in ("og:image:secure_url", "og:image", "twitter:image"):
        url = resolve(esa.meta(soup, name))
        if url and not is_adornment(url):
            key = file_key(url)
            stated = Picture(key=key, shown=[url], alt=esa.meta(soup, "og:image:alt") or None)
            return next((picture for picture in shown if picture.key == key), stated)
    return None


def _joined(groups: list[Group], embedded: list[Group], lead: Picture | None) -> list[Group]:
    """What the page shows and what its scripts would show, each picture once."""
    by_key = {group.picture.key: group for group in groups if group.picture}
    by_text = {normalised("".join(group.lines)): group for group in groups if group.lines} if embedded else {}
    joined = list(groups)
    for extra in embedded:
        assert extra.picture is not None  # noqa: S101 - embedded groups always have one
        known = by_key.get(extra.picture.key) or by_text.get(normalised("".join(extra.lines)))
        if known is None:
            joined.append(extra)
            continue
        known.lines = known.lines or extra.lines
        if known.picture is None:
            known.picture = extra.picture
        else:
            known.picture.large.extend(url for url in extra.picture.large if url not in known.picture.large)
            known.picture.shown.extend(url for url in extra.picture.shown if url not in known.picture.shown)
            known.picture.alt = known.picture.alt or extra.picture.alt
    if any(group.lines for group in joined) and lead is not None:
        joined = [group for group in joined if group.lines or group.picture is None or group.picture.key != lead.key]
    return joined


def _add_downloads(soup: BeautifulSoup, resolve: Resolve, pictures: list[Picture]) -> None:
    """Give each large file that the page offers to the picture it stands with; else it is the lead's."""
    around = within(pictures)
    by_key = {picture.key: picture for picture in reversed(pictures)}
    for link, url in reversed(esa.downloads_of(soup, resolve)):
        near = next((around[id(tag)] for tag in ancestors(link) if id(tag) in around), None)
        picture = by_key.get(file_key(url)) or near or (pictures[-1] if pictures else None)
        if picture is not None:
            picture.large[:] = [url, *(known for known in picture.large if known != url)]


def _page_url(url: str, soup: BeautifulSoup, resolve: Resolve) -> str:
    """The page's address without view parameters; its own word counts only where ``url`` is no page's."""
    if not _ONE_PAGE.search(url):
        links = [attribute(tag, "href") for tag in soup.select("link[rel=canonical]", limit=1)]
        for stated in (*links, esa.meta(soup, "og:url")):
            address = resolve(stated)
            if address and _ONE_PAGE.search(address):
                url = address
                break
    parts = urlsplit(corrected(url))
    path = re.sub(r"/\([A-Za-z_]+\)(?:/[^/]*)?", "", unquote(parts.path)) if "(" in unquote(parts.path) else parts.path
    return parts._replace(path=path.rstrip("/"), fragment="").geturl()
