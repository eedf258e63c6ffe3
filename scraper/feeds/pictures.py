"""The pictures in a post's markup: the files that each image names, and which images are no pictures."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from bs4 import Tag

from scraper.feeds.addresses import absolute
from scraper.feeds.items import Text
from scraper.feeds.tags import attributes_of, tags_in
from scraper.pages.images import (
    alt_of,
    content_id,
    file_key,
    in_srcset,
    is_adornment,
    is_image_file,
    is_small,
    named_by,
    original,
)

_IMAGES = ("img", "amp-img", "source", "picture", "a")
_EMOJI_CLASS = re.compile(r"(?:^|\s)(?:emoji|wp-smiley|emojione|twemoji|custom-emoji)(?:\s|$)")
_EMOJI_FILE = re.compile(r"/(?:core/emoji|emoji|emojis|twemoji|smilies|custom_emojis)/", re.IGNORECASE)
_AVATAR = re.compile(r"(?:^|[/._-])(?:avatars?|gravatar)(?:[/._-]|$)", re.IGNORECASE)
_AVATAR_CLASS = re.compile(r"(?:^|\s)avatar(?:\s|$|-)")
#: counters that show nothing: feed statistics, advertisements
_COUNTER = re.compile(
    r"^(?:pixel|stats|feeds\.feedburner|feeds\.wordpress|feeds\.feedblitz|[\w.]*doubleclick|[\w.]*quantserve)\."
    r"|/~(?:r|ff|4|a)/|/b\.gif$|/(?:open|track|count(?:er)?|pixel|beacon)(?:\.gif|\.png|\.php|/|$)",
    re.IGNORECASE,
)
_FLICKR = re.compile(r"(?:^|\.)(?:static)?flickr\.com/(?:[^/]+/)?(\d{6,})_[0-9a-f]+(?:_[a-z0-9]{1,2})?\.\w+$")
#: photo-1024x683.jpg: a copy that WordPress made
_RESIZED = re.compile(r"-(\d{2,5})x(\d{2,5})(?=\.\w{3,4}$)")
#: … and copies of originals that it found too large, or turned
_MADE = re.compile(r"(?:-\d{2,5}x\d{2,5}|-scaled|-rotated)(?=\.\w{3,4}$)")
#: where WordPress keeps what people upload: by default, of old in a network of blogs, and on WordPress.com
_UPLOADS = re.compile(r"/wp-content/uploads/|/files/\d{4}/\d\d/|^[\w-]+\.files\.wordpress\.com/")
#: sizes asked for in the address
_SIZING = re.compile(r"(?:^|&)(?:w|h|resize|fit|crop|quality|strip|zoom)=")
#: WordPress' number of a picture
_NUMBERED = re.compile(r"(?:^|\s)wp-image-(\d{1,18})(?:\s|$)")
_PROXY = re.compile(r"^i\d\.wp\.com/")
_IMG = re.compile(r"<img\b((?:[^<>\"']++|\"[^\"]{0,20000}+\"|'[^']{0,20000}+'){0,200}+)>", re.IGNORECASE)

#: how large a file is taken to be where nothing says so
BEHIND, DECLARED, NAMED_LARGE, LINKED, ORIGINAL = 1e6, 2e6, 3e6, 4e6, 5e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An image in markup: its files with how large each is (pixels of width as far as known), and its alt text."""

    files: tuple[tuple[float, str], ...]
    alt: str | None = None
    native_id: str | None = None


def seen_in(text: Text) -> Iterator[Seen]:
    """The images that ``text`` shows, in order; without emoji, avatars, counters, icons and inline data."""
    if not text.is_html or "<" not in text.value:
        return
    linked = ""
    sources: list[str] = []
    for name, attributes in tags_in(text.value, *_IMAGES):
        if name in ("a", "/a"):
            href = absolute(text.base, attributes.get("href", ""))
            linked = href if name == "a" and href and is_image_file(href) else ""
        elif name in ("picture", "/picture"):
            sources = []
        elif name == "source":
            sources += [attributes.get("srcset") or attributes.get("data-srcset", "")]
        elif name in ("img", "amp-img") and not _is_face_or_emoji(attributes):
            if sources:
                attributes["srcset"] = ", ".join(filter(None, [attributes.get("srcset"), *sources]))
            image = Tag(name="img", attrs=dict(attributes))
            if is_small(image):
                continue
            files = _files(image, attributes, text.base)
            if linked and not _is_unwanted(linked):
                files.append((LINKED, linked))
            if files:
                numbered = _NUMBERED.search(attributes.get("class", ""))
                number = numbered[1] if numbered else None
                yield Seen(files=tuple(files), alt=alt_of(image), native_id=number)


def with_emoji(markup: str) -> str:
    """``markup`` with the emoji that stand in it as images put back as characters."""
    if "<img" not in markup and "<IMG" not in markup:
        return markup

    def character(found: re.Match[str]) -> str:
        attributes = attributes_of(found[1])
        alt = attributes.get("alt", "")
        return html.escape(alt) if _is_emoji(attributes) and len(alt) < 40 else found[0]

    return _IMG.sub(character, markup)


def width_of(url: str) -> float | None:
    """The width that a resized copy has in its name."""
    found = _RESIZED.search(urlsplit(url).path)
    return float(found[1]) if found else None


def behind(url: str) -> str:
    """The file that a known site made this copy of; empty where it is none. It may not be there."""
    parts = urlsplit(url)
    if _PROXY.match(f"{parts.netloc}/") and _UPLOADS.search(parts.path):
        host, _, path = parts.path.lstrip("/").partition("/")
        scheme = "https" if "ssl=1" in parts.query else "http"
        return f"{scheme}://{host}/{_MADE.sub('', path)}" if re.fullmatch(r"[\w-]+(?:\.[\w-]+)+", host) else ""
    if _UPLOADS.search(parts.netloc + parts.path):
        query = "" if _SIZING.search(parts.query) else parts.query
        whole = parts._replace(path=_MADE.sub("", parts.path), query=query)
    elif parts.netloc.endswith("esa.int"):
        whole = urlsplit(original(url))
    else:
        return ""
    return whole.geturl() if whole != parts else ""


@lru_cache(maxsize=256)  # asked for several times while a post is read
def identity(url: str) -> str:
    """What all copies of one picture share, whatever their size, query and scheme."""
    parts = urlsplit(url)
    flickr = _FLICKR.search(parts.netloc + parts.path)
    if flickr:
        return f"flickr {flickr[1]}"
    path = _MADE.sub("", _RESIZED.sub("", parts.path))
    return _PROXY.sub("", file_key(parts._replace(path=path).geturl()))


def native_id(url: str) -> str | None:
    """The site's own number of a picture, where its address has one."""
    flickr = _FLICKR.search(urlsplit(url).netloc + urlsplit(url).path)
    return flickr[1] if flickr else content_id(url)


def _files(image: Tag, attributes: dict[str, str], base: str) -> list[tuple[float, str]]:
    large, shown = named_by(image, lambda href: absolute(base, href) or None)
    width = attributes.get("width", "")
    stated = float(width) if width.isascii() and width.isdigit() and len(width) < 6 else 1.0
    sized = {
        absolute(base, address): size if size > 10 else max(size - 1, 1.0) * stated  # 1200w, or 2x
        for name, value in attributes.items()
        if name.endswith("srcset")
        for size, address in in_srcset(value)
    }
    files = [(NAMED_LARGE, url) for url in large]
    files += [(width_of(url) or sized.get(url) or stated, url) for url in shown]
    return [(size, url) for size, url in files if not _is_unwanted(url)]


def _is_face_or_emoji(attributes: dict[str, str]) -> bool:
    return _is_emoji(attributes) or bool(_AVATAR_CLASS.search(attributes.get("class", "")))


def _is_emoji(attributes: dict[str, str]) -> bool:
    return bool(_EMOJI_CLASS.search(attributes.get("class", "")) or _EMOJI_FILE.search(attributes.get("src", "")))


def _is_unwanted(url: str) -> bool:
    parts = urlsplit(url)
    where = parts.netloc + parts.path
    return bool(_AVATAR.search(where) or _COUNTER.search(where) or _EMOJI_FILE.search(parts.path)) or is_adornment(url)


def is_avatar(url: str) -> bool:
    """Whether the address is that of a face beside a name, not of a picture."""
    return bool(_AVATAR.search(urlsplit(url).netloc + urlsplit(url).path))
