"""A page as a reader meets it: lines of text and pictures in document order, without navigation and decoration."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PreformattedString

from scraper.pages.images import Picture, alt_of, file_key, is_image_file, is_small, named_by
from scraper.pages.tree import Resolve, ancestors, attribute, one_line, plain_lines, walk

_INLINE = frozenset({
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
    "ins", "kbd", "mark", "nobr", "picture", "q", "rp", "rt", "ruby", "s", "samp", "small", "source", "span",
    "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "amp-img", "noscript",
})  # fmt: skip
_SILENT = frozenset({
    "script", "style", "template", "svg", "head", "iframe", "object", "canvas", "video", "audio", "button", "select",
    "option", "textarea", "input", "datalist", "nav", "footer", "aside",
})  # fmt: skip
#: parts of a page by the words in their class or id; one that holds the title or a credit line is no decoration
_DECORATION = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|breadcrumbs?|footer|cookies?|share|sharing|social|avatar|related|teasers?|"
    r"recommended|newsletter|comments?|sidebar|advert|ads|promo|toolbar|paging|pagination|search|logo|icon|rating|likes?)"
    r"(?:[\s_-]|$)"
)
_CAPTION_ATTRIBUTE = re.compile(
    r"^(?:data-.*(?:caption|legend|desc|text|title|credit|copyright|html|content|-fr|-en)|title|alt)"
)


def is_quoted(text: str) -> bool:
    """Whether a line begins as a quotation."""
    return text[:1] in tuple("«\"“„‟'‘")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """One line of text as a browser would show it; ``tag`` is the block it stands in; ``heading`` is 1-6, else 0."""

    text: str
    tag: Tag
    heading: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """A place where a picture is shown."""

    picture: Picture
    tag: Tag


@dataclass(slots=True, kw_only=True)
class Stream:
    """The lines and the places of pictures in document order, and each picture once."""

    items: list[Line | Seen] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)

    @property
    def lines(self) -> list[Line]:
        """The lines alone."""
        return [item for item in self.items if isinstance(item, Line)]


def stream_of(
    soup: BeautifulSoup, resolve: Resolve, *, lines_of: Callable[[str], list[str]], is_credit: Callable[[str], bool]
) -> Stream:
    """What the page shows.

    Args:
        soup: the page.
        resolve: makes addresses absolute.
        lines_of: cleans one line of text into none (template text), one or several.
        is_credit: whether a line is certainly the end of a caption: no part of the page that holds one is decoration,
            and an attribute that holds one is text of the page.
    """
    reader = _Reader(resolve, lines_of, is_credit)
    kept = _kept(soup, is_credit)
    stack: list[tuple[Tag, Iterator[object], bool]] = [(soup, iter(soup.children), False)]
    while stack:
        tag, children, muted = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
            if tag.name not in _INLINE:
                reader.flush(tag)
        elif isinstance(child, Tag):
            if child.name in _SILENT or (id(child) not in kept and _is_decoration(child)):
                continue
            if child.name not in _INLINE:
                reader.flush(tag)
            reader.enter(child)
            stack.append((child, iter(child.children), muted or child.name == "noscript"))
        elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString) and not muted:
            reader.pieces.append(str(child))
    return reader.stream


class _Reader:
    """Collects text until a block ends, and pictures as they come."""

    def __init__(
        self, resolve: Resolve, lines_of: Callable[[str], list[str]], is_credit: Callable[[str], bool]
    ) -> None:
        self.stream = Stream()
        self.pieces: list[str] = []
        self._resolve, self._lines_of, self._is_credit = resolve, lines_of, is_credit
        self._by_key: dict[str, Picture] = {}
        self._by_tag: dict[int, Picture] = {}

    def flush(self, tag: Tag) -> None:
        """End the line that is being collected; it stands in ``tag`` or the nearest block around it."""
        text = one_line("".join(self.pieces))
        self.pieces.clear()
        if text:
            self._add(text, next((around for around in ancestors(tag) if around.name not in _INLINE), tag))

    def enter(self, tag: Tag) -> None:
        """Take note of the picture and the text that the tag itself carries."""
        large, shown = named_by(tag, self._resolve)
        link = self._resolve(attribute(tag, "href")) if tag.name == "a" else None
        # a short text link is a download of a picture near it, not a picture
        if link and is_image_file(link) and tag.find("img") is None and not 0 < len(one_line(tag.get_text())) < 40:
            large.append(link)
        if (large or shown) and not is_small(tag):
            self.flush(tag.parent or tag)
            self._see(tag, large, shown)
        for name in tag.attrs:
            if _CAPTION_ATTRIBUTE.match(name):
                self._hear(tag, name)

    def _see(self, tag: Tag, large: list[str], shown: list[str]) -> None:
        around = next((up for up in ancestors(tag) if up.name in ("picture", "a", "figure")), None)
        linked = self._resolve(attribute(around, "href")) if around is not None and around.name == "a" else None
        if linked and is_image_file(linked):
            large, linked = [linked, *large], None
        holder = self._by_tag.get(id(around)) if around is not None and around.name in ("picture", "a") else None
        holder = holder or next((self._by_tag[id(up)] for up in ancestors(tag) if id(up) in self._by_tag), None)
        key = file_key((shown or large)[0])
        keys = [file_key(url) for url in (*shown, *large)]
        picture = holder or next((self._by_key[k] for k in keys if k in self._by_key), None)
        if picture is None:
            picture = Picture(key=key)
            self.stream.pictures.append(picture)
        if around is not None and around.name in ("picture", "a"):
            self._by_tag[id(around)] = picture
        self._by_tag[id(tag)] = picture
        for k in keys:
            self._by_key.setdefault(k, picture)
        picture.large.extend(url for url in large if url not in picture.large)
        picture.shown.extend(url for url in shown if url not in picture.shown)
        picture.alt = picture.alt or alt_of(tag)
        picture.tags.append(tag)
        if linked and not attribute(around or tag, "href").startswith("#"):
            picture.teaser_of = picture.teaser_of or linked
        self.stream.items.append(Seen(picture=picture, tag=tag))

    def _hear(self, tag: Tag, name: str) -> None:
        value = attribute(tag, name)
        if value.strip()[:1] in ("{", "[") or len(value) < 12:
            return
        lines = [clean for raw in plain_lines(value) for clean in self._lines_of(raw)]
        if name in ("alt", "title"):
            # what is read out repeats the caption at best: it counts only where there is no other
            holder = next((self._by_tag[id(up)] for up in ancestors(tag) if id(up) in self._by_tag), None)
            if holder is not None and any(map(self._is_credit, lines)):
                holder.spoken = holder.spoken or lines
        elif any(map(self._is_credit, lines)) or any(map(is_quoted, lines)) or "caption" in name:
            self.flush(tag.parent or tag)
            self.stream.items.extend(Line(text=line, tag=tag) for line in lines)

    def _add(self, text: str, tag: Tag) -> None:
        heading = int(tag.name[1]) if re.fullmatch(r"h[1-6]", tag.name) else 0
        lines = self._lines_of(text)
        self.stream.items.extend(Line(text=line, tag=tag, heading=heading) for line in lines)


def _kept(soup: BeautifulSoup, is_credit: Callable[[str], bool]) -> set[int]:
    """The tags around the title and around every line that is certainly a credit line."""
    kept: set[int] = set()
    for tag, _ in walk(soup):
        certain = tag.name == "h1" or any(
            is_credit(one_line(child)) for child in tag.children if isinstance(child, NavigableString)
        )
        for around in ancestors(tag) if certain else ():
            if id(around) in kept:
                break
            kept.add(id(around))
    return kept


def _is_decoration(tag: Tag) -> bool:
    if tag.name in ("html", "body", "main", "article", "figure", "figcaption", "img", "p"):
        return False
    if tag.name == "header" or attribute(tag, "role") in (
        "navigation",
        "banner",
        "contentinfo",
        "search",
        "complementary",
    ):
        return True
    return bool(_DECORATION.search(f"{attribute(tag, 'class')} {attribute(tag, 'id')}".lower()))
