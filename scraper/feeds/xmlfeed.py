"""RSS 0.9x, 1.0 and 2.0, and Atom: from what feedparser found to the one shape of a feed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from scraper.feeds.addresses import absolute, joined
from scraper.feeds.items import Feed, Item, Medium, Text
from scraper.feeds.kinds import kind_of
from scraper.feeds.mediarss import KEY, MOST, Holder
from scraper.feeds.parsing import Parsed
from scraper.model import MediaKind
from scraper.text.markup import html_to_text

_HTML = ("text/html", "application/xhtml+xml")
#: not a handle: @name@host.example
_MAIL = re.compile(r"(?<![\w.+@-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_LONGEST_NAME = 1_000
#: a thumbnail of this height or width is an icon
_ICON = 48


def feed_of(parsed: Parsed, address: str) -> Feed:
    """The feed that stands at ``address``; relative addresses count from there, whatever it says of itself."""
    feed = parsed.feed
    following = [link for relation in ("next", "prev-archive") for link in _links(feed, relation)]
    return Feed(
        items=tuple(_item(entry, parsed, address) for entry in parsed.entries),
        next=next((absolute(address, link["href"]) for link in following), ""),
        about=feed.get("subtitle") or "",
        damage=parsed.damage,
    )


def _item(entry: dict[str, Any], parsed: Parsed, address: str) -> Item:
    feed, root = parsed.feed, entry.get(KEY) or Holder("item")
    texts = tuple(_texts(entry, root, address))
    licence, licence_url = _licence(entry, feed, root)
    permalink = entry.get("permalink") or ""
    link = entry.get("feedburner_origlink") or _link(entry) or (permalink if permalink.startswith("http") else "")
    published = entry.get("published") or entry.get("created") or ""
    return Item(
        id=entry.get("id") or "",
        url=absolute(address, link),
        title=_text(entry.get("title_detail"), address),
        texts=texts,
        published=published or entry.get("updated") or "",
        updated=(entry.get("updated") or "") if published else "",
        authors=tuple(
            _authors(entry, address) or (_authors(feed, address) if parsed.version.startswith("atom") else [])
        ),
        tags=tuple(_tags(entry)),
        languages=tuple(_languages(entry, feed)),
        rights=_rights(entry, root) or _plain(feed.get("rights_detail")),
        license=licence,
        license_url=absolute(address, licence_url),
        media=tuple(_media(entry, root, address)),
        thumbnails=tuple(_addresses(root.thumbnails, address)),
        content_warning="adult" if (entry.get("media_rating") or {}).get("content") == "adult" else "",
    )


def _texts(entry: dict[str, Any], root: Holder, address: str) -> Iterator[Text]:
    """The versions of the post: content:encoded, content, summary, and what describes its media only without them."""
    details = [(detail.get("rank", 1), detail) for detail in entry.get("content") or []]
    details.append((2, entry.get("first_summary")))
    found = [text for _, detail in sorted(details, key=lambda pair: pair[0]) if (text := _text(detail, address))]
    seen: set[str] = set()
    for text in found:
        if text.value not in seen:
            seen.add(text.value)
            yield text
    for holder in root.walk() if not found else ():
        if holder.element != "content" and "description" in holder.texts:
            value, kind = holder.texts["description"]
            yield Text(value=value, is_html="html" in kind, base=address)
            return


def _text(detail: dict[str, Any] | None, address: str) -> Text | None:
    kind = str((detail or {}).get("type") or "text/html")
    if not detail or not str(detail.get("value") or "").strip() or not (kind.startswith("text/") or kind in _HTML):
        return None
    return Text(value=detail["value"], is_html=kind in _HTML, base=joined(address, detail.get("base") or ""))


def _plain(detail: dict[str, Any] | None) -> str:
    text = _text(detail, "")
    return "" if text is None else " ".join((html_to_text(text.value) if text.is_html else text.value).split())


def _links(where: dict[str, Any], relation: str) -> list[dict[str, str]]:
    return [link for link in where.get("links") or [] if link.get("rel") == relation and link.get("href")]


def _link(entry: dict[str, Any]) -> str:
    """The post's own page: of several, one in HTML."""
    named = _links(entry, "alternate")
    chosen = next((link for link in named if link.get("type") in (None, *_HTML)), named[0] if named else None)
    return chosen["href"] if chosen else ""


def _authors(where: dict[str, Any], address: str) -> list[tuple[str, str]]:
    found = [
        (author.get("name") or "", absolute(address, author.get("href") or "")) for author in where.get("authors") or []
    ]
    if len(found) == 1:
        # feedparser looks for a mail address in it, and takes it that domains end in two to four letters
        found = [(_without_mail(where.get("author") or ""), found[0][1])]
    return list(dict.fromkeys((name, url) for name, url in found if name))


def _without_mail(author: str) -> str:
    """The name in RSS's ``mail@host.example (Name)`` and in ``Name <mail@host.example>``."""
    name = re.sub(r"[(<]\s*[)>]", "", _MAIL.sub("", author[:_LONGEST_NAME])).strip()
    enclosed = re.fullmatch(r"[(\"]+(.*?)[)\"]+", name, re.DOTALL)
    return (enclosed[1] if enclosed else name).strip()


def _tags(entry: dict[str, Any]) -> Iterator[str]:
    for tag in entry.get("tags") or []:
        scheme, name = tag.get("scheme") or "", tag.get("label") or tag.get("term") or ""
        if scheme == "urn:flickr:tags":
            yield from name.split()
        elif name and not scheme.endswith("#kind"):
            yield name


def _languages(entry: dict[str, Any], feed: dict[str, Any]) -> Iterator[str]:
    details = [*(entry.get("content") or []), entry.get("first_summary") or {}, entry.get("title_detail") or {}]
    own = [entry.get("language"), *(detail.get("language") for detail in details)]
    yield from dict.fromkeys(language for language in own if language) or filter(None, [feed.get("language")])


def _rights(entry: dict[str, Any], root: Holder) -> str:
    holders = [holder for holder in root.walk() if holder.element != "content"]
    said = [holder.texts.get(name, ("", ""))[0] for name in ("copyright", "credit") for holder in holders]
    return _plain(entry.get("rights_detail")) or next((" ".join(text.split()) for text in said if text), "")


def _licence(entry: dict[str, Any], feed: dict[str, Any], root: Holder) -> tuple[str, str]:
    stated = next((holder.license[::-1] for holder in root.walk() if any(holder.license)), None)
    link = next((link for where in (entry, feed) for link in _links(where, "license")), None)
    if stated and (stated[1] or not link):
        return stated
    return (link.get("title") or "", link["href"]) if link else ("", "")


def _media(entry: dict[str, Any], root: Holder, address: str) -> Iterator[Medium]:
    for holder in root.inside:
        contents = [holder] if holder.element == "content" else holder.inside
        by_kind: dict[MediaKind, list[Holder]] = {}
        for content in contents:
            attributes = content.attributes
            kind = kind_of(attributes.get("type", ""), attributes.get("url", ""), attributes.get("medium", ""))
            if kind is not None and absolute(joined(address, content.base), attributes.get("url", "")):
                by_kind.setdefault(kind, []).append(content)
        around = [holder] * (holder.element == "group") + [root] * (len(root.inside) == 1)
        for kind, renditions in by_kind.items():
            yield _medium(kind, renditions, around, address)
    for link in _links(entry, "enclosure")[:MOST]:
        found = _enclosed(link["href"], link.get("type") or "", link.get("length"), address)
        if found:
            yield found
    for detail in entry.get("content") or []:
        if detail.get("src") and str(detail.get("type")).startswith(("image/", "video/", "audio/")):
            found = _enclosed(detail["src"], detail["type"], None, joined(address, detail.get("base") or ""))
            if found:
                yield found


def _medium(kind: MediaKind, renditions: list[Holder], around: list[Holder], address: str) -> Medium:
    """One medium out of its renditions; what a group or the entry says holds for those within that do not say it."""
    renditions = sorted(renditions, key=lambda rendition: -(_number(rendition.attributes.get("width")) or 0))
    holders = [*renditions, *around]
    first = renditions[0].attributes
    return Medium(
        addresses=tuple(
            dict.fromkeys(absolute(joined(address, one.base), one.attributes["url"]) for one in renditions)
        ),
        kind=kind,
        thumbnails=tuple(
            url for holder in holders[: -1 if around else None] for url in _addresses(holder.thumbnails, address)
        ),
        alt=_said(holders, "description") or _said(renditions, "title"),
        media_type=first.get("type"),
        width=_number(first.get("width")),
        height=_number(first.get("height")),
        size=_number(first.get("filesize")),
        credit=_said(holders, "credit") or _said(holders, "copyright"),
    )


def _enclosed(href: str, media_type: str, length: str | None, address: str) -> Medium | None:
    url, kind = absolute(address, href), kind_of(media_type, href)
    if not url or kind is None:
        return None
    return Medium(addresses=(url,), kind=kind, media_type=media_type or None, size=_number(length))


def _said(holders: Iterable[Holder], name: str) -> str | None:
    for holder in holders:
        value, kind = holder.texts.get(name, ("", ""))
        text = html_to_text(value) if "html" in kind else value
        if text.strip():
            return text.strip()
    return None


def _addresses(thumbnails: list[dict[str, str]], address: str) -> Iterator[str]:
    for thumbnail in thumbnails:
        sides = [_number(thumbnail.get(side)) for side in ("width", "height")]
        url = absolute(joined(address, thumbnail.get("base", "")), thumbnail.get("url", ""))
        if url and not any(side is not None and side <= _ICON for side in sides):
            yield url


def _number(text: str | None) -> int | None:
    digits = (text or "").strip().removesuffix("px")
    return (int(digits) or None) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None
