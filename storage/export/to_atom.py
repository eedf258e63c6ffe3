"""Atom (RFC 4287): a feed of the newest posts, or of those chosen, with both captions of each.

An entry's id is made of the post's key alone, so a feed reader meets no post twice whatever changes in it. What Atom
has no element for stands under ``urn:cupola:export``: key, provenance, citation, what is incomplete.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import ClassVar
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from storage.errors import ExportRefused
from storage.export.formats import Export, Format, Order
from storage.export.items import Item, Picture
from storage.export.markup import element, escaped, plain, web_address
from storage.export.place import Place

_OWN = "urn:cupola:export"
_XHTML = "http://www.w3.org/1999/xhtml"
#: of a feed without entries, which has to have a time
_NEVER = "1970-01-01T00:00:00Z"
#: letters of a first line that stands in for a title
_WORDS = 80
_BLANK = re.compile(r"\n\s*\n")
# RFC 4287, section 3.1.1: what a link's type has to look like
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


class AtomFormat(Format):
    """A feed for readers, planets and other programs."""

    name: ClassVar[str] = "atom"
    summary: ClassVar[str] = "a feed for readers and planets, both languages in each entry"
    order: ClassVar[Order] = Order.NEWEST
    usual: ClassVar[int | None] = 50

    @classmethod
    def is_folder(cls, *, with_media: bool) -> bool:
        """Always one file."""
        return False

    def write(self, place: Place, export: Export) -> None:
        """Write the feed; its own time, which comes before the entries, is written last, into a gap of its length."""
        file, wished = place.file, export.wishes.base_url
        base_url = web_address(wished)
        if wished is not None and base_url is None:
            raise ExportRefused(f"the address of the pictures is an http(s) address, not {wished[:200]!r}")
        base_url = base_url and f"{base_url.rstrip('/')}/"
        head, tail = _head(place, export, base_url)
        file.write(head.encode())
        gap = file.tell()
        file.write((_NEVER + tail).encode())
        newest = ""
        for items in export.batches:
            entries = []
            for item in items:
                newest = max(newest, updated(item))
                entries.append(entry(item, base_url))
            file.write("".join(entries).encode())
        file.write(b"</feed>\n")
        if newest:
            file.seek(gap)
            file.write(newest.encode())
            file.seek(0, 2)


def entry(item: Item, base_url: str | None = None) -> str:
    """The entry of a post; its pictures are linked below ``base_url``, which ends in ``/``, where they are held."""
    return "".join(
        [
            "<entry>\n",
            *(f"  {line}\n" for line in _lines(item, base_url)),
            f'  <content type="xhtml"><div xmlns="{_XHTML}">{_content(item, base_url)}</div></content>\n',
            "</entry>\n",
        ]
    )


def entry_id(key: str) -> str:
    """The id of a post's entry, in every feed and for good: a UUID of its key (RFC 9562, version 5)."""
    return uuid5(NAMESPACE_URL, f"{_OWN}:{key}").urn


def updated(item: Item) -> str:
    """When the source changed a post last, or published it, or it was first seen: to the second, 20 characters."""
    return _time(item.edited_at or item.published_at or item.first_seen_at)


def _head(place: Place, export: Export, base_url: str | None) -> tuple[str, str]:
    """What stands before the feed's time, and after it."""
    own = base_url and base_url + quote(place.path.name, errors="replace")
    names = ", ".join(export.sources)
    about = [
        '<?xml version="1.0" encoding="utf-8"?>\n',
        f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:cupola="{_OWN}">\n  ',
        element("id", uuid5(NAMESPACE_URL, f"{_OWN}:feed:{own or names}").urn),
        "\n  ",
        element("title", f"Cupola: {names}" if len(names) <= _WORDS else f"Cupola: {len(export.sources)} sources"),
        "\n  ",
    ]
    if export.private:
        about += [element("subtitle", "A private copy: it may hold what may not be passed on."), "\n  "]
    if own:
        about += [element("link", rel="self", type="application/atom+xml", href=own), "\n  "]
    name, _, version = export.cupola.partition(" ")
    about += [element("generator", name, version=version or None), "\n  <updated>"]
    return "".join(about), "</updated>\n"


def _lines(item: Item, base_url: str | None) -> Iterator[str]:
    yield element("id", entry_id(item.key))
    title, lang = _title(item)
    yield element("title", title, lang=lang)
    yield element("updated", updated(item))
    if item.published_at is not None:
        yield element("published", _time(item.published_at))
    author = element("name", item.author or item.credit or item.source)
    yield f"<author>{author}</author>"
    for rel, url in (("alternate", item.url), ("via", item.capture_url), ("license", item.license_url)):
        address = web_address(url)
        if address is not None:
            yield element("link", rel=rel, href=address)
    for picture in item.media:
        address = _address(picture, base_url)
        if address is not None:
            kind = picture.media_type if _MEDIA_TYPE.fullmatch(picture.media_type or "") else None
            yield element("link", rel="enclosure", type=kind, length=picture.bytes, href=address, title=picture.alt)
    yield from _categories(item)
    stated = ". ".join(part.strip().rstrip(".") for part in (item.credit, item.license) if part and part.strip())
    if stated:
        yield element("rights", stated)
    yield from _provenance(item)


def _categories(item: Item) -> Iterator[str]:
    """Hashtags, then the curator's tags that are none of them, then the mission."""
    told = set()
    for scheme, terms in ((None, item.hashtags), (f"{_OWN}:tag", item.tags), (f"{_OWN}:mission", (item.mission,))):
        for term in terms:
            if term and (scheme == f"{_OWN}:mission" or term.casefold() not in told):
                told.add(term.casefold())
                yield element("category", term=term, scheme=scheme)


def _provenance(item: Item) -> Iterator[str]:
    yield element("cupola:key", item.key)
    yield element("cupola:source", item.source, kind=item.source_kind)
    if item.fetched_at is not None:
        yield element("cupola:fetched", item.fetched_at, sha256=item.capture_sha256)
    yield element("cupola:citation", item.citation)
    for word in item.incomplete:
        yield element("cupola:incomplete", word)
    if item.withheld is not None:
        yield element("cupola:withheld", item.withheld)


def _title(item: Item) -> tuple[str, str | None]:
    """The post's title, else its first words in the language that they are in, else its key."""
    for text, lang in ((item.title, None), (item.caption_fr, "fr"), (item.caption_en, "en"), (item.text, None)):
        words = " ".join(plain((text or "")[: 8 * _WORDS]).split())
        if words:
            return (words if len(words) <= _WORDS else f"{words[:_WORDS].rpartition(' ')[0] or words[:_WORDS]}…"), lang
    return item.key, None


def _content(item: Item, base_url: str | None) -> str:
    """Both captions, each marked as its language, or the text as it is where there is neither; then the pictures."""
    said = [_paragraphs(item.content_warning, "strong")] if item.content_warning else []
    captions = [(lang, text) for lang, text in (("fr", item.caption_fr), ("en", item.caption_en)) if text]
    said += [f'<div lang="{lang}" xml:lang="{lang}">{_paragraphs(text)}</div>' for lang, text in captions]
    if not captions:
        said.append(_paragraphs(item.text))
    for picture in item.media:
        address = _address(picture, base_url)
        if address is not None and (picture.media_type or "").startswith("image/"):
            said.append(f"<p>{element('img', src=address, alt=picture.alt or '')}</p>")
    if item.credit:
        said.append(_paragraphs(item.credit, "small"))
    return "".join(said)


def _paragraphs(text: str, inner: str | None = None) -> str:
    start, end = (f"<p><{inner}>", f"</{inner}></p>") if inner else ("<p>", "</p>")
    parts = (part.strip() for part in _BLANK.split(escaped(text)))
    return "".join(chain.from_iterable((start, part.replace("\n", "<br/>"), end) for part in parts if part))


def _address(picture: Picture, base_url: str | None) -> str | None:
    """Where a picture is: below the given address if it is held, else where its source has it."""
    if base_url is not None and picture.path is not None:
        return base_url + picture.path
    return web_address(picture.source_url)


def _time(text: str) -> str:
    """A time of the archive as RFC 3339 has it, to the second; a bare day begins at midnight UTC."""
    return f"{text[:10]}T00:00:00Z" if len(text) == 10 else f"{text[:19]}Z"
