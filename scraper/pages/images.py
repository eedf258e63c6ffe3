"""Addresses of images: which ones a tag names, which of them are one file, and which are decoration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from bs4 import Tag

from scraper.pages.tree import Resolve, attribute, one_line

_IMAGE_FILE = re.compile(r"\.(?:jpe?g|png|tiff?|webp|gif|avif|bmp|jp2)$", re.IGNORECASE)
#: /23243105-1-eng-GB/ : content object, version, language
_CONTENT_OBJECT = re.compile(r"/(\d{4,})-\d+-[a-z]{3}-[A-Z]{2}/[^/]*$")
#: rendition suffixes that ESA's site is known to add before the extension; a title may end in any other _word
_RENDITION = re.compile(r"_(?:pillars|article|card_[a-z]+|node_full_image(?:_\d)?|node_lightbox)(?=\.\w{2,5}$|$)")
_LARGE = re.compile(r"^data-.*(?:full|orig|hi-?res|high|zoom|large|big|max|master|download)")
_SMALL = re.compile(r"thumb|preview|placeholder|small|tiny|lqip|low|poster")
_ADORNMENT = re.compile(
    r"(?:^|[-_.\d])(?:logos?|icons?|sprites?|spacer|placeholder|favicon|emoji|spinner|loader|pixel|blank|transparent|avatar)"
    r"(?=[-_.\d]|$)",
    re.IGNORECASE,
)
#: names by position, which shift when a picture is put in front
_POSITIONAL = re.compile(
    r"(?:image|img|photo|picture|slide|gallery|pic|fig|figure|dsc|file|full|original|large)?[-_ ]?\d{0,3}"
)
_BACKGROUND = re.compile(r"background[^;]*url\(\s*['\"]?([^'\")]+)", re.IGNORECASE)
_NEVER_PICTURES = frozenset(
    {"a", "link", "meta", "script", "iframe", "video", "audio", "track", "embed", "object", "input"}
)
MAX_ALTERNATIVES = 8


@dataclass(slots=True, kw_only=True, eq=False)
class Picture:
    """One image of a page, however often and in whatever sizes it is shown there."""

    key: str
    #: full files that the page names, then what it shows: each largest first
    large: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    alt: str | None = None
    #: a caption that only its alternative text or tooltip has
    spoken: list[str] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    #: the other page that it is a link to, if any: then it may be a mere teaser
    teaser_of: str | None = None

    @property
    def content_id(self) -> str | None:
        """The site's own number of the picture, from any of its addresses."""
        return next((found for url in (*self.large, *self.shown) if (found := content_id(url))), None)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where to get it, the largest first: files, what lies behind the renditions, the renditions."""
        named = (*self.large, *self.shown)
        behind = (*self.large, *(original(url) for url in named), *self.shown)
        return tuple(dict.fromkeys(behind))[: MAX_ALTERNATIVES + 1]


def is_image_file(url: str) -> bool:
    """Whether the address ends like an image file."""
    return bool(_IMAGE_FILE.search(urlsplit(url).path))


def content_id(url: str) -> str | None:
    """The content-object id in the path of a file on ESA's site."""
    found = _CONTENT_OBJECT.search(urlsplit(url).path)
    return found.group(1) if found else None


def original(url: str) -> str:
    """The address without a known rendition suffix."""
    parts = urlsplit(url)
    return parts._replace(path=_RENDITION.sub("", parts.path)).geturl()


def stem(url: str) -> str:
    """The file's name without rendition and extension."""
    name = unquote(urlsplit(original(url)).path.rpartition("/")[2])
    return _IMAGE_FILE.sub("", name)


def is_telling(name: str) -> bool:
    """Whether a stem names its picture, and not merely its place in a row."""
    return not _POSITIONAL.fullmatch(name.lower()) and sum(character.isalnum() for character in name) >= 4


def file_key(url: str) -> str:
    """What all renditions of one file share."""
    found = content_id(url)
    if found:
        return found
    parts = urlsplit(original(url))
    if not is_image_file(url):
        return f"{parts.netloc}{parts.path}?{parts.query}"
    return parts.netloc + _IMAGE_FILE.sub("", parts.path)


@lru_cache(maxsize=256)  # asked for twice of most addresses
def is_adornment(url: str) -> bool:
    """Whether the file's name says logo, icon, spacer or the like."""
    path = urlsplit(url).path
    name = unquote(path.rpartition("/")[2])
    if name.lower().endswith((".svg", ".ico")):
        return True
    return content_id(url) is None and len(re.findall(r"[^\W_]+", name)) <= 5 and bool(_ADORNMENT.search(name))


def named_by(tag: Tag, resolve: Resolve) -> tuple[list[str], list[str]]:
    """The images that the tag itself names: full files, and what is shown, each largest first.

    A box around pictures names none of them: neither its background nor, around several, its data attributes.
    """
    large: list[str] = []
    sized: list[tuple[float, str]] = []
    inside = tag.find_all("img", limit=2) if len(tag.contents) > 0 else []
    if len(inside) > 1 and tag.name not in ("picture", "a"):
        return [], []
    style = None if inside else _BACKGROUND.search(attribute(tag, "style")[:4_000])
    if style:
        sized.append((0.5, style.group(1)))
    for name in tag.attrs:
        value = attribute(tag, name)
        if name.endswith("srcset"):
            sized.extend(in_srcset(value))
        elif tag.name in _NEVER_PICTURES and not name.startswith("data-"):
            continue
        elif name == "src" or (name.startswith("data-") and name.endswith("src") and not _LARGE.search(name)):
            sized.append((0.1 if _SMALL.search(name) else 0.9 if name == "src" else 1.0, value))
        elif name.startswith("data-") and "\n" not in value and is_image_file_text(value):
            if _LARGE.search(name):
                large.append(value)
            else:
                sized.append((0.1 if _SMALL.search(name) else 1.0, value))
    ordered = [url for _, url in sorted(sized, key=lambda pair: -pair[0])]
    return _resolved(large, resolve), _resolved(ordered, resolve)


def is_image_file_text(value: str) -> bool:
    """Whether an attribute's value could be the address of an image file."""
    return (
        len(value) < 4_000
        and " " not in value.strip()
        and bool(_IMAGE_FILE.search(re.split(r"[?#]", value.strip())[0]))
    )


def is_small(tag: Tag) -> bool:
    """Whether the tag gives a width and a height that only an icon has."""
    sides = [attribute(tag, name).strip().removesuffix("px") for name in ("width", "height")]
    return any(side.isascii() and side.isdigit() and len(side) < 6 and int(side) <= 48 for side in sides)


def alt_of(tag: Tag) -> str | None:
    """The tag's alternative text, or its label."""
    return one_line(attribute(tag, "alt") or attribute(tag, "data-alt") or attribute(tag, "aria-label")) or None


def in_srcset(value: str) -> Iterator[tuple[float, str]]:
    """The addresses in a ``srcset`` as written, each with a figure that is larger for larger files (width plus 1)."""
    for entry in re.split(r",\s+|,(?=https?://|/)", value[:20_000]):
        address, _, descriptor = entry.strip().rstrip(",").partition(" ")
        number = re.match(r"(\d{1,6}(?:\.\d{1,3})?)([wx])", descriptor.strip())
        if address:
            yield (float(number.group(1)) + 1 if number else 1.0), address


def _resolved(values: list[str], resolve: Resolve) -> list[str]:
    found = (resolve(value) for value in values)
    return list(dict.fromkeys(url for url in found if url and not is_adornment(url)))
