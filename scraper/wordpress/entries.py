"""One post as the REST API gives it, and what stands embedded in it.

https://developer.wordpress.org/rest-api/reference/posts/ and …/media/.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AliasPath, BaseModel, BeforeValidator, Field

from scraper.feeds.addresses import absolute
from scraper.feeds.items import Medium
from scraper.feeds.kinds import kind_of
from scraper.model import DateOrigin, MediaKind, Published
from scraper.payload import Address, Id, Word, moment, published
from scraper.text.credit import best_credit, find_credits
from scraper.text.markup import html_to_text

#: lenient: an object
_Tree = Annotated[dict[str, Any], BeforeValidator(lambda v: v if isinstance(v, dict) else {})]
_ZONED = re.compile(r"(?:[zZ]|[+-]\d\d:?\d\d)$")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,2}")
#: what a feed's <category> holds too, so that a post says the same by either way
_TAXONOMIES = ("category", "post_tag")
_SIZES = 40


class Entry(BaseModel):
    """A post of the collection ``posts``; what only describes it is empty where it is not what it should be."""

    id: Id
    content: str = Field(validation_alias=AliasPath("content", "rendered"))
    is_protected: object = Field(None, validation_alias=AliasPath("content", "protected"))
    type: Word = "post"
    status: Word = "publish"
    link: Address = ""
    guid: Word = Field("", validation_alias=AliasPath("guid", "rendered"))
    title: Word = Field("", validation_alias=AliasPath("title", "rendered"))
    excerpt: Word = Field("", validation_alias=AliasPath("excerpt", "rendered"))
    date: Word = ""
    date_gmt: Word = ""
    modified: Word = ""
    modified_gmt: Word = ""
    sticky: object = None
    lang: Word = ""
    locale: Word = Field("", validation_alias=AliasPath("wpml_current_locale"))
    robots: _Tree = Field({}, validation_alias=AliasPath("yoast_head_json", "robots"))
    said_author: Word = Field("", validation_alias=AliasPath("yoast_head_json", "author"))
    embedded: _Tree = Field({}, validation_alias="_embedded")

    @property
    def left_out(self) -> str:
        """Why it is not for everybody; empty if it is."""
        if self.type != "post":
            return f"it is no post but of the type {self.type[:40]}"
        if self.status != "publish":
            return f"it is not published but {self.status[:40]}"
        return "it is protected by a password" if self.is_protected not in (None, False) else ""

    @property
    def published(self) -> Published | None:
        """The date in UTC; of a post without one (the year 0000) the site's own, whose zone nobody knows."""
        return published(_utc(self.date_gmt)) or published(self.date, DateOrigin.API)

    @property
    def edited_at(self) -> datetime | None:
        """When it was last changed, if that is after it was published."""
        said, first = moment(_utc(self.modified_gmt)), self.published
        return said if said is not None and first is not None and said > first.at else None

    def changed(self, field: str) -> datetime | None:
        """``date`` or ``modified`` in UTC, as the listing is in order of."""
        return moment(_utc(self.date_gmt if field == "date" else self.modified_gmt))

    @property
    def language(self) -> str:
        """What Polylang or WPML say."""
        return next((said for said in (self.lang, self.locale) if _LANGUAGE.fullmatch(said)), "").replace("_", "-")

    @property
    def wishes(self) -> set[str]:
        """What its author asks of search engines and archives, by the most used plug-in for that."""
        return {word for said in self.robots.values() for word in ("noindex", "noarchive") if said == word}

    @property
    def author(self) -> tuple[str, str]:
        """Name and page of the author, as far as the site tells; many hide their users."""
        person = next(_objects(self.embedded.get("author")), {})
        return _line(person.get("name")) or _line(self.said_author), absolute("", _text(person.get("link")))

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of its categories, then of its tags."""
        groups = self.embedded.get("wp:term")
        terms = [term for group in (groups if isinstance(groups, list) else ()) for term in _objects(group)]
        named = [(_TAXONOMIES.index(term["taxonomy"]), _line(term.get("name"))) for term in terms if _is_known(term)]
        return tuple(dict.fromkeys(name.lstrip("#") for _, name in sorted(named, key=lambda pair: pair[0]) if name))

    def featured(self) -> tuple[Medium, ...]:
        """The picture that stands for the post; none where the site gives an error in its place."""
        for given in _objects(self.embedded.get("wp:featuredmedia")):
            address = absolute(self.link, _text(given.get("source_url")))
            kind = kind_of(_text(given.get("mime_type")), address, _text(given.get("media_type")))
            if address and kind is not None:
                return (_medium(given, address, kind),)
        return ()


def _medium(given: Mapping[str, Any], address: str, kind: MediaKind) -> Medium:
    details = given.get("media_details")
    details = details if isinstance(details, dict) else {}
    original = _text(details.get("original_image"))
    original = absolute(address, f"./{original}") if original and "/" not in original else ""
    sizes = details.get("sizes")
    sizes = list(_objects(list(sizes.values())[:_SIZES])) if isinstance(sizes, dict) else []
    sizes.sort(key=lambda size: -(_number(size.get("width")) or 0))
    smaller = [url for size in sizes if (url := absolute(address, _text(size.get("source_url"))))]
    caption = _plain(given.get("caption"))
    about = details.get("image_meta")
    about = about if isinstance(about, dict) else {}
    number = given.get("id")
    return Medium(
        addresses=tuple(dict.fromkeys(url for url in (original, address, *smaller) if url)),
        kind=kind,
        alt=_line(given.get("alt_text")) or caption or None,
        media_type=_text(given.get("mime_type")) or None,
        width=None if original else _number(details.get("width")),
        height=None if original else _number(details.get("height")),
        size=None if original else _number(details.get("filesize")),
        credit=_line(about.get("credit")) or _line(about.get("copyright")) or credit_in(caption),
        native_id=str(number) if type(number) is int and number > 0 else None,
        is_original=True,
    )


@lru_cache(maxsize=256)  # a blog's captions mostly end in the same few
def credit_in(caption: str) -> str | None:
    """The credit line that stands in a picture's caption."""
    found = best_credit(find_credits(caption)) if caption else None
    return found.text if found else None


def _objects(value: object) -> Iterator[dict[str, Any]]:
    """The objects of a list, but for errors that stand in the place of what a visitor may not see."""
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict) and not (isinstance(item.get("code"), str) and "message" in item):
            yield item


def _is_known(term: Mapping[str, Any]) -> bool:
    return isinstance(term.get("taxonomy"), str) and term["taxonomy"] in _TAXONOMIES


def _utc(text: str) -> str:
    """A date that is in UTC and mostly does not say so."""
    return text if not text or _ZONED.search(text) else f"{text}Z"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _line(value: object) -> str:
    """A name or the like on one line; WordPress writes entities into them."""
    text = _text(value)
    text = html.unescape(re.sub(r"&#[0-9]{8,}+;?", "\ufffd", text)) if "&" in text else text
    return " ".join(text.split())


def _plain(value: object) -> str:
    """A rendered text: ``{"rendered": "<p>…</p>"}``, or the HTML itself in old answers."""
    rendered = value.get("rendered") if isinstance(value, dict) else value
    return html_to_text(_text(rendered)).strip(" \n")


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    return value if type(value) is int and 0 < value < 2**31 else None
