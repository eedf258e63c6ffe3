"""JSON Feed 1.0 and 1.1, https://www.jsonfeed.org/version/1.1/: feedparser does not read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator

from scraper.feeds.addresses import absolute
from scraper.feeds.items import Feed, Item, Medium, Text
from scraper.feeds.kinds import kind_of
from scraper.model import MediaKind
from scraper.payload import Items, Word

_VERSION = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/")
#: lenient: text, or a number as its digits
_Id = Annotated[str, BeforeValidator(lambda v: v if isinstance(v, str) else str(v) if type(v) in (int, float) else "")]
_Size = Annotated[int | None, BeforeValidator(lambda v: v if type(v) is int and v > 0 else None)]


class _Attachment(BaseModel):
    url: Word = ""
    mime_type: Word = ""
    size_in_bytes: _Size = None


class _Entry(BaseModel):
    id: _Id = ""
    url: Word = ""
    external_url: Word = ""
    title: Word = ""
    content_html: Word = ""
    content_text: Word = ""
    summary: Word = ""
    image: Word = ""
    date_published: Word = ""
    date_modified: Word = ""
    author: object = None
    authors: Items = []
    tags: Items = []
    language: Word = ""
    attachments: Items = []


def is_json_feed(value: object) -> bool:
    """Whether a JSON value says that it is a JSON Feed, or has what makes one."""
    if not isinstance(value, dict) or not isinstance(value.get("items"), list):
        return False
    return bool(_VERSION.match(str(value.get("version")))) or "home_page_url" in value or "feed_url" in value


def feed_of(value: dict[str, Any], address: str) -> Feed:
    """The feed that stands at ``address``; an entry that cannot be read is given with its ``trouble``."""
    following = value.get("next_url")
    return Feed(
        items=tuple(_item(entry, value, address) for entry in value["items"]),
        next=absolute(address, following) if isinstance(following, str) else "",
        about=value["description"] if isinstance(value.get("description"), str) else "",
    )


def _item(given: object, feed: dict[str, Any], address: str) -> Item:
    if not isinstance(given, dict):
        return Item(trouble=f"it is no object but {str(given)[:40]!r}")
    entry = _Entry.model_validate(given)  # every field is lenient
    url = absolute(address, entry.url) or absolute(address, entry.external_url)
    base = absolute(address, entry.url) or address
    texts = [
        Text(value=value, is_html=is_html, base=base)
        for value, is_html in ((entry.content_html, True), (entry.content_text, False), (entry.summary, False))
        if value.strip()
    ]
    published = entry.date_published or entry.date_modified
    return Item(
        id=entry.id,
        url=url,
        title=Text(value=entry.title, is_html=False, base=base) if entry.title.strip() else None,
        texts=tuple(texts),
        published=published,
        updated=entry.date_modified if entry.date_published else "",
        authors=tuple(
            _authors([*entry.authors, entry.author], base)
            or _authors([*_list(feed, "authors"), feed.get("author")], address)
        ),
        tags=tuple(tag for tag in entry.tags if isinstance(tag, str)),
        languages=tuple(filter(None, [entry.language or feed.get("language")])) if _is_text(feed, "language") else (),
        media=tuple(_media(entry, base)),
    )


def _is_text(value: dict[str, Any], name: str) -> bool:
    return isinstance(value.get(name, ""), str)


def _list(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []


def _authors(given: list[Any], base: str) -> list[tuple[str, str]]:
    found = [
        (
            str(author.get("name") or "").strip(),
            absolute(base, author["url"]) if isinstance(author.get("url"), str) else "",
        )
        for author in given
        if isinstance(author, dict)
    ]
    return list(dict.fromkeys((name, url) for name, url in found if name))


def _media(entry: _Entry, base: str) -> Iterator[Medium]:
    if url := absolute(base, entry.image):
        yield Medium(addresses=(url,), kind=MediaKind.IMAGE)
    for given in entry.attachments:
        attachment = _Attachment.model_validate(given if isinstance(given, dict) else {})
        url, kind = absolute(base, attachment.url), kind_of(attachment.mime_type, attachment.url)
        if url and kind is not None:
            yield Medium(
                addresses=(url,), kind=kind, media_type=attachment.mime_type or None, size=attachment.size_in_bytes
            )
