"""Any web page with pictures, read by CSS selectors that the configuration gives."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar
from urllib.parse import quote, urlsplit

from bs4 import BeautifulSoup, Tag
from pydantic import AfterValidator, BeforeValidator, Field

from scraper.capture import Access, Capture, Request
from scraper.feeds.licences import licence_of
from scraper.gallery.advice import repeated_in
from scraper.gallery.dates import checked_format, date_in
from scraper.gallery.pictures import attachments_in
from scraper.gallery.selectors import Selector, selector
from scraper.model import Attachment, Post, Published
from scraper.pages.blocks import normalised
from scraper.pages.images import is_image_file, is_telling, stem
from scraper.pages.optouts import opt_outs_of
from scraper.pages.tree import Resolve, ancestors, attribute, one_line, plain_lines, resolver, tree_of
from scraper.settings import SourceOptions
from scraper.source import Reach, Source, page_is_older
from scraper.text.markup import html_to_text

#: of one page
MOST_ITEMS = 5_000
_LONGEST_ID = 500
_UNTIDY = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _checked(text: str) -> str:
    selector(text)
    return text


def _box(text: str) -> str:
    if selector(text).attribute or selector(text).is_beside or not selector(text).css:
        raise ValueError("expected a selector of whole tags such as figure.photo, without @ or +")
    return text


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Selectors = Annotated[tuple[Annotated[str, AfterValidator(_checked)], ...], BeforeValidator(_listed)]
Boxes = Annotated[tuple[Annotated[str, AfterValidator(_box)], ...], BeforeValidator(_listed)]
Formats = Annotated[tuple[Annotated[str, AfterValidator(checked_format)], ...], BeforeValidator(_listed)]


class GalleryOptions(SourceOptions):
    """Where things are on the page; of several selectors for one thing the first that finds something counts."""

    item: Annotated[Boxes, Field(min_length=1, description="what holds one picture and its words")] = ("figure",)
    picture: Annotated[Selectors, Field(min_length=1, description="the picture in an item, or a link to it")] = ("img",)
    caption: Annotated[Selectors, Field(description="the text of an item")] = ("figcaption",)
    title: Annotated[Selectors, Field(description="the title of an item")] = ()
    date: Annotated[Selectors, Field(description="when it was published")] = ()
    date_format: Annotated[
        Formats, Field(description="how that is written, such as %d/%m/%Y; day first if not given")
    ] = ()
    credit: Annotated[Selectors, Field(description="whose picture it is")] = ()
    link: Annotated[Selectors, Field(description="the address of the item's own page")] = ()
    id: Annotated[Selectors, Field(description="what names an item for good")] = ()
    next: Annotated[Selectors, Field(description="the link to the next page")] = ()
    max_pages: Annotated[int | None, Field(ge=1, description="pages read in a visit, at most")] = None
    newest_first: Annotated[bool, Field(description="whether a page of older items ends a visit")] = True


@dataclass(slots=True, eq=False)
class _Found:
    """An item as it was read, before it has a name."""

    title: str | None
    body: str
    published: Published | None
    dated: str
    credit: str | None
    link: str | None
    name: str
    license: tuple[str, str]
    attachments: tuple[Attachment, ...]

    @property
    def content(self) -> str:
        """What tells an item from another one of the same name."""
        return "|".join((self.title or "", self.body, *(picture.key for picture in self.attachments)))


class Gallery(Source[GalleryOptions]):
    """The items of a page, such as https://gallery.example/proxima/, as selectors find them.

    Selectors: https://developer.mozilla.org/docs/Web/CSS/Guides/Selectors, ``img@data-src`` for an attribute,
    ``+ dd`` for what stands beside an item. ``cupola sources try`` shows what selectors find. Pages and
    pictures are under the site's robots.txt and its terms.

    An item is a post. Its ``native_id`` is what ``id`` names, else its own page's address, else its picture's file
    name, where these are its alone, else a hash of date and caption.
    """

    kind: ClassVar[str] = "gallery"
    summary: ClassVar[str] = "any web page with pictures, read by the CSS selectors that you give"
    example: ClassVar[str] = "https://gallery.example/proxima/"
    options_type: ClassVar[type[GalleryOptions]] = GalleryOptions
    media_access: ClassVar[Access] = Access.PAGE
    reach: Reach = Reach.EXTENT

    def __init__(self, source_id: str, options: GalleryOptions) -> None:
        super().__init__(source_id, options)
        if not options.next:
            self.reach = Reach.PAGE
        self._selectors: dict[str, tuple[Selector, ...]] = {
            name: tuple(selector(text) for text in getattr(options, name))
            for name in ("item", "picture", "caption", "title", "date", "credit", "link", "id", "next")
        }

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        """The configured page."""
        yield Request(url=self.options.url)

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request]:
        """The posts of a page, and the next page; see ``Source.parse``.

        Raises:
            ParseError: the selectors find no item (the message says what is there instead), or nothing in any item;
                or the page ends in the middle.
        """
        soup = tree_of(capture)
        resolve = resolver(capture.url, soup)
        faults: list[str] = []
        items, is_own_to = self._items(capture, soup)
        licence = _licence(soup, resolve)
        found = [self._read(item, is_own_to(item), resolve, licence) for item in items[:MOST_ITEMS]]
        found = [item for item in found if item.body or item.title or item.attachments]
        if not found:
            raise capture.parse_error(
                f"{len(items)} items match {_shown(self.options.item)}, with no picture and no text in any: "
                f"picture is {_shown(self.options.picture)}, caption {_shown(self.options.caption)}"
            )
        said = opt_outs_of(capture, soup)
        posts = [self._post(item, name, capture.url, said) for name, item in _named(found, capture.url)]
        yield from posts
        faults += self._missing(found)
        if len(items) > MOST_ITEMS:
            faults.append(f"it has {len(items)} items, and the first {MOST_ITEMS} are taken")
        following, fault = self._next(capture, soup, resolve)
        number, _, before = (capture.request.carry or "1 ").partition(" ")
        seen = hashlib.sha256("\n".join(post.native_id for post in posts).encode("utf-8", "replace")).hexdigest()[:16]
        page = int(number) if re.fullmatch(r"[0-9]{1,6}", number) else 1
        is_end = seen == before or (self.options.newest_first and page_is_older(posts, since))
        if following and not is_end and (self.options.max_pages is None or page < self.options.max_pages):
            yield Request(url=following, carry=f"{page + 1} {seen}")
        faults += [fault] if fault else []
        if re.search(r"<(?:html|body)\b", capture.text, re.IGNORECASE) and not re.search(
            r"</(?:body|html)\s*>", capture.text, re.IGNORECASE
        ):
            faults.append(f"the page ends in the middle, after {len(capture.body)} bytes")
        if faults:
            raise capture.parse_error("; ".join(faults))

    def _items(self, capture: Capture, soup: BeautifulSoup) -> tuple[list[Tag], Callable[[Tag], Callable[[Tag], bool]]]:
        """The items in the page's order, and what tells the tags of one from those of another within it."""
        tags: list[Tag] = []
        for each in self._selectors["item"]:
            tags = each.css.select(soup) if each.css is not None else []
            if tags:
                break
        if not tags:
            there = repeated_in(soup, " ".join(self.options.item))
            reason = "looks like a login page" if soup.select_one("input[type=password]") else "has none"
            more = f"; there are: {there}" if there else ""
            raise capture.parse_error(
                f"expected items that match {_shown(self.options.item)}, and the page {reason}{more}"
            )
        known = {id(tag) for tag in tags}
        frames = {id(outer) for tag in tags for outer in list(ancestors(tag))[1:] if id(outer) in known}

        def is_own_to(item: Tag) -> Callable[[Tag], bool]:
            def is_own(tag: Tag) -> bool:
                for outer in ancestors(tag):
                    if outer is item:
                        return True
                    if id(outer) in known:
                        return False
                return True  # beside it

            return is_own

        def is_item(tag: Tag) -> bool:
            # what only frames other items has no picture of its own
            own = is_own_to(tag)
            return id(tag) not in frames or any(
                True for each in self._selectors["picture"] for _ in each.tags(tag, own)
            )

        return [tag for tag in tags if is_item(tag)], is_own_to

    def _read(self, item: Tag, is_own: Callable[[Tag], bool], resolve: Resolve, licence: tuple[str, str]) -> _Found:
        def first(name: str, read: Callable[[Selector, Tag], str]) -> str:
            for each in self._selectors[name]:
                if text := "\n\n".join(filter(None, (read(each, tag) for tag in each.tags(item, is_own)))):
                    return text
            return ""

        credit = one_line(first("credit", _line)) or None
        links = (
            url
            for each in self._selectors["link"]
            for tag in each.tags(item, is_own)
            if (url := resolve(each.value(tag) or attribute(tag, "href"))) and not is_image_file(url)
        )
        dated, published = self._date(item, is_own)
        title = one_line(first("title", _line)) or None
        name = _UNTIDY.sub(" ", one_line(first("id", _line)))[:_LONGEST_ID].strip()
        attachments = attachments_in(item, self._selectors["picture"], is_own, resolve, credit)
        link = next(links, None)
        self._part_captions(item, is_own)  # after all else: the tree is not whole any more
        return _Found(
            title=title,
            body=first("caption", _text),
            published=published,
            dated=dated,
            credit=credit,
            link=link,
            name=name,
            license=_licence(item, resolve) if any(_licence(item, resolve)) else licence,
            attachments=attachments,
        )

    def _part_captions(self, item: Tag, is_own: Callable[[Tag], bool]) -> None:
        """Take out of an item's captions what stands within them and is read for itself: date, credit, title."""
        captions = [tag for each in self._selectors["caption"] for tag in each.tags(item, is_own)]
        apart = [
            tag
            for part in ("date", "credit", "title")
            for each in self._selectors[part]
            for tag in each.tags(item, is_own)
        ]
        for tag in apart:
            if any(outer is own for outer in list(ancestors(tag))[1:] for own in captions) and not any(
                tag is own for own in captions
            ):
                tag.replace_with(" ")

    def _date(self, item: Tag, is_own: Callable[[Tag], bool]) -> tuple[str, Published | None]:
        """The first date that can be read, and the text where one was expected."""
        said = ""
        for each in self._selectors["date"]:
            for tag in each.tags(item, is_own):
                stated = (
                    [each.value(tag)] if each.attribute else [attribute(tag, "datetime"), one_line(tag.get_text(" "))]
                )
                for text in filter(None, stated):
                    said = said or text[:100]
                    found = date_in(text, self.options.date_format) or (
                        # <time datetime> is for machines, whatever the format of what is shown
                        date_in(text, ()) if not each.attribute and text == attribute(tag, "datetime") else None
                    )
                    if found is not None:
                        return text, found
        return said, None

    def _missing(self, found: list[_Found]) -> Iterator[str]:
        """What none of several items has, though the configuration says where it is; credits and titles may be rare."""
        if not any(item.attachments for item in found):
            yield f"no item has a picture: {_shown(self.options.picture)} finds none"
        given = self.options.model_fields_set if len(found) > 1 else frozenset()
        for name, has in (("caption", "body"), ("id", "name")):
            if name in given and not any(getattr(item, has) for item in found):
                yield f"no item has its {name}: {_shown(getattr(self.options, name))} finds none"
        if "date" in given and not any(item.published for item in found):
            said = next((item.dated for item in found if item.dated), "")
            which = f"{said[:60]!r} is not understood" if said else f"{_shown(self.options.date)} finds none"
            yield f"no item has a date: {which}"

    def _post(self, item: _Found, name: str, page_url: str, opt_outs: tuple[str, ...]) -> Post:
        licence, licence_url = item.license
        return Post(
            source_id=self.id,
            native_id=name,
            url=item.link or f"{page_url.partition('#')[0]}#{quote(name, safe='')}",
            title=item.title,
            body=item.body,
            published=item.published,
            attachments=item.attachments,
            credit=item.credit,
            license=licence or None,
            license_url=licence_url or None,
            opt_outs=opt_outs,
        )

    def _next(self, capture: Capture, soup: BeautifulSoup, resolve: Resolve) -> tuple[str | None, str]:
        """The next page, and what is wrong with it."""
        for each in self._selectors["next"]:
            for tag in each.tags(soup, lambda tag: True):
                link = tag if tag.get("href") else tag.find("a", href=True) or tag.find_parent("a", href=True)
                url = resolve(each.value(tag) or (attribute(link, "href") if isinstance(link, Tag) else ""))
                if url is None or url == capture.url:
                    continue
                if urlsplit(url).hostname != urlsplit(capture.url).hostname:
                    return None, f"its next page is on another server and is not followed: {url[:200]}"
                return url, ""
        return None, ""


def _line(each: Selector, tag: Tag) -> str:
    return one_line(each.value(tag) if each.attribute else html_to_text(str(tag)))


def _text(each: Selector, tag: Tag) -> str:
    return "\n".join(plain_lines(each.value(tag))) if each.attribute else html_to_text(str(tag)).strip(" \n")


def _licence(place: Tag, resolve: Resolve) -> tuple[str, str]:
    """What an item, or a page in its head or in one place, links as its licence; never inferred."""
    links = {
        url
        for tag in place.find_all(["a", "link"], rel="license", limit=50)
        if (url := resolve(attribute(tag, "href")))
    }
    # of a page that names several nobody knows which is whose
    return licence_of("", next(iter(links))) if len(links) == 1 else ("", "")


def _named(found: list[_Found], page_url: str) -> Iterator[tuple[str, _Found]]:
    """Each item with its native id; one that the page shows twice is given once."""
    shared = _shared([(name, item.content) for item in found for name in _names(item, page_url)])
    given: dict[str, str] = {}
    for item in found:
        name = next((name for name in _names(item, page_url) if name not in shared), "")
        name = name or _hash(f"{item.published or ''}|{normalised(item.body or item.title or '')}")
        if given.get(name, item.content) != item.content:
            name = _hash(f"{name}|{item.content}")
        if name not in given:
            given[name] = item.content
            yield name, item


def _names(item: _Found, page_url: str) -> Iterator[str]:
    """What an item may be called, the best first: its id, its own page, its picture's file."""
    if item.name:
        yield item.name
    if item.link:
        parts = urlsplit(item.link)
        path = (parts.path + (f"?{parts.query}" if parts.query else "")).lstrip("/")
        if len(path) <= _LONGEST_ID and path and item.link.partition("#")[0] != page_url:
            yield path if parts.netloc == urlsplit(page_url).netloc else f"{parts.netloc}/{path}"
    for picture in item.attachments[:1]:
        name = _UNTIDY.sub("_", stem(picture.url or ""))
        if is_telling(name) and len(name) <= _LONGEST_ID:
            yield name


def _shared(pairs: list[tuple[str, str]]) -> set[str]:
    """The names that stand for more than one thing."""
    contents: defaultdict[str, set[str]] = defaultdict(set)
    for name, content in pairs:
        contents[name].add(content)
    return {name for name, told in contents.items() if len(told) > 1}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _shown(texts: tuple[Any, ...]) -> str:
    return " or ".join(f"«{text}»" for text in texts) or "nothing"
