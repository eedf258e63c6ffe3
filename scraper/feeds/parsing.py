"""A document in, what feedparser finds in it out; nothing is fetched, no entity is expanded, no date is guessed.

feedparser's two parsers are driven by hand instead of through ``feedparser.parse``: that would name a charset by
rules of its own, resolve ids, expand entities in its lenient parser without a limit, and lose whose description is
whose (see `scraper.feeds.mediarss`). In front of them stands a little mending, so that the exact parser reads nearly
every feed: what stands outside of the root, characters and references that XML does not have, bare ampersands.
"""

from __future__ import annotations

import io
import re
import xml.sax
import xml.sax.handler
import xml.sax.xmlreader
from contextlib import suppress
from dataclasses import dataclass
from html.entities import html5
from typing import Any

from feedparser.api import LooseFeedParser, StrictFeedParser
from feedparser.exceptions import UndeclaredNamespace

from scraper.feeds.mediarss import MediaRss

_ROOT = re.compile(
    r"<!--(?:.*?-->|.*)|<((?:[A-Za-z_][\w.-]{0,40}:)?(?:rss|rdf|feed|channel))(?=[\s/>])", re.IGNORECASE | re.DOTALL
)
_WEB_PAGE = re.compile(r"<(?:html|!doctype\s+html)\b", re.IGNORECASE)
_ENTRY = re.compile(
    r"<!--(?:.*?-->|.*)|<!\[CDATA\[(?:.*?\]\]>|.*)|<(/?)(?:[A-Za-z_][\w.-]{0,40}:)?(item|entry)(?=[\s/>])",
    re.IGNORECASE | re.DOTALL,
)
_CDATA = re.compile(r"(<!\[CDATA\[(?:.*?\]\]>|.*))", re.DOTALL)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NUMBER = re.compile(r"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?")
_NAMED = re.compile(r"&(?!(?:lt|gt|amp|quot|apos);)([A-Za-z][A-Za-z0-9]{1,31};)")
_BARE = re.compile(r"&(?!(?:lt|gt|amp|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)")


#: a feed of people has some thousands; the exact parser reads 100,000 in 3 seconds, the lenient one in 5
MAX_TAGS = 2_000_000
MAX_TAGS_IF_BROKEN = 200_000
#: attributes of one tag, categories of one entry, characters of a name
MAX_PARTS = 1_000


class NotAFeed(ValueError):
    """The text is no feed in XML; the message says what it is instead."""


class TooBroken(ValueError):
    """The text is a feed that cannot be read; the message says why."""


class _Own(MediaRss):
    """What else is wanted otherwise than feedparser does it."""

    def startElementNS(self: Any, name: object, qname: object, attributes: Any) -> None:  # noqa: N802 - SAX names it
        if len(attributes) > MAX_PARTS:  # time grows with their square
            raise TooBroken(f"it has a tag with {len(attributes)} attributes")
        super().startElementNS(name, qname, attributes)  # type: ignore[misc]

    def unknown_starttag(self: Any, tag: str, attributes: list[tuple[str, str]]) -> None:
        with suppress(Exception):  # an odd element (a chapter without a start) costs itself, not the feed
            super().unknown_starttag(tag, attributes)  # type: ignore[misc]

    def unknown_endtag(self: Any, tag: str) -> None:
        try:
            super().unknown_endtag(tag)  # type: ignore[misc]
        except Exception:  # noqa: BLE001 - as above; the books of depth, base and language are kept all the same
            super().unknown_endtag("nothing")  # type: ignore[misc]

    def _sync_author_detail(self: Any, key: str = "author") -> None:
        if len(str(self._get_context().get(key) or "")) < MAX_PARTS:  # it looks for mail addresses, in squared time
            super()._sync_author_detail(key)  # type: ignore[misc]

    def _add_tag(self: Any, *tag: object) -> None:
        if len(self._get_context().get("tags") or ()) < MAX_PARTS:  # here too
            super()._add_tag(*tag)  # type: ignore[misc]

    def _start_content(self: Any, attributes: dict[str, str]) -> None:
        super()._start_content(attributes)  # type: ignore[misc]
        # a second description is handed on as content: it must not win over the first
        self.contentparams["rank"] = 3 if self._summaryKey == "content" else 1

    def _start_content_encoded(self: Any, attributes: dict[str, str]) -> None:
        super()._start_content_encoded(attributes)  # type: ignore[misc]
        self.contentparams["rank"] = 0

    def _end_description(self: Any) -> None:
        super()._end_description()  # type: ignore[misc]
        self._keep_first_summary()

    def _end_summary(self: Any) -> None:
        super()._end_summary()  # type: ignore[misc]
        self._keep_first_summary()

    def _keep_first_summary(self: Any) -> None:
        # of several (iTunes, Dublin Core) feedparser keeps the last
        if self.inentry and not self.insource and (detail := self.entries[-1].get("summary_detail")):
            self.entries[-1].setdefault("first_summary", detail)

    def _start_enclosure(self: Any, attributes: dict[str, str]) -> None:
        if attributes.get("url"):
            attributes["url"] = self.resolve_uri(attributes["url"])
        super()._start_enclosure(attributes)  # type: ignore[misc]

    def _end_guid(self: Any) -> None:
        is_link, self.guidislink = self.guidislink, 0  # or it would be resolved: a key must outlive a change of address
        value = self.pop("id")
        if is_link and value:
            self._save("permalink", value)

    _end_id = _end_guid


# feedparser has no types; made by type() as feedparser itself does
_Strict: Any = type("_Strict", (_Own, StrictFeedParser), {})
_Loose: Any = type("_Loose", (_Own, LooseFeedParser), {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What feedparser found: plain dictionaries by its own names, and why entries may be missing (empty: none can)."""

    version: str
    feed: dict[str, Any]
    entries: list[dict[str, Any]]
    damage: str


def parse(text: str, address: str) -> Parsed:
    """What stands in the feed in XML at ``address``, from where relative addresses count.

    Raises:
        NotAFeed: it is something else.
        TooBroken: nothing can be read of it.
    """
    root = next((found for found in _ROOT.finditer(text) if found[1]), None)
    if root is None or _WEB_PAGE.search(text[: root.start()]):
        raise NotAFeed(_described(text))
    end = text.rfind(f"</{root[1]}")
    body = _mended(text[root.start() : end if end > root.start() else None])
    whole = f"{body}</{root[1]}>" if end > root.start() else body
    error, tags = "", sum(part.count("<") for part in _CDATA.split(whole)[::2])
    if tags > MAX_TAGS:
        raise TooBroken(f"it has {tags} tags, more than {MAX_TAGS}")
    for mended in (str, _without_bare_ampersands):
        try:
            return _parsed(_strictly(mended(whole), address), "")
        except (xml.sax.SAXException, UndeclaredNamespace) as failed:
            error = error or _first_line(failed)
    if tags > MAX_TAGS_IF_BROKEN:
        raise TooBroken(f"its XML is broken ({error}), and it has {tags} tags, more than {MAX_TAGS_IF_BROKEN}")
    loose = _Loose(address, None, "utf-8", {})
    loose.resolve_relative_uris = loose.sanitize_html = False
    try:
        loose.feed(whole)
    except Exception as failed:  # it promises nothing about markup that is broken beyond it
        raise TooBroken(f"its XML is broken ({error}), and the lenient parser failed: {failed}") from failed
    return _parsed(loose, _damage(whole, loose.entries, is_cut=end <= root.start(), error=error))


def _strictly(text: str, address: str) -> Any:
    parser = _Strict(address, None, "utf-8")
    parser.resolve_relative_uris = parser.sanitize_html = False
    reader: Any = xml.sax.make_parser()  # noqa: S317 - no DTD reaches it, and it may not ask for anything
    reader.setFeature(xml.sax.handler.feature_namespaces, True)
    reader.setFeature(xml.sax.handler.feature_external_ges, False)
    reader.setContentHandler(parser)
    reader.setErrorHandler(parser)
    source = xml.sax.xmlreader.InputSource()
    source.setByteStream(io.BytesIO(text.encode()))
    source.setEncoding("utf-8")
    reader.parse(source)
    return parser


def _parsed(parser: Any, damage: str) -> Parsed:
    entries = [dict(entry) for entry in parser.entries]
    return Parsed(version=parser.version, feed=dict(parser.feeddata), entries=entries, damage=damage)


def _mended(text: str) -> str:
    """``text`` without what no XML may hold, and with the entities of HTML as numbers (no DTD explains them here)."""
    text = _ILLEGAL.sub(lambda found: "" if "\0" < found[0] < " " else "\ufffd", text)
    text = _NUMBER.sub(_legal, text)
    return _NAMED.sub(_numbered, text)


def _legal(found: re.Match[str]) -> str:
    digits = found[1] or found[2]
    code = int(digits, 16 if found[1] else 10) if len(digits) < 9 else -1
    if not 0 < code < 0x110000:
        return "\ufffd"
    return f"&#{code};" if not _ILLEGAL.match(chr(code)) else "" if code < 32 else "\ufffd"


def _numbered(found: re.Match[str]) -> str:
    characters = html5.get(found[1])
    return "".join(f"&#{ord(character)};" for character in characters) if characters else found[0]


def _without_bare_ampersands(text: str) -> str:
    parts = _CDATA.split(text)
    parts[::2] = [_BARE.sub("&amp;", part) for part in parts[::2]]
    return "".join(parts)


def _damage(text: str, entries: list[Any], *, is_cut: bool, error: str) -> str:
    """Why entries may be missing from what was read leniently; empty where each that begins was read.

    Of a feed that is cut off, the last entry is dropped unless it is whole: half a text would pass for an edit.
    """
    found = list(_ENTRY.finditer(text))
    marks = [mark[1] for mark in found if mark[2]]
    begun = marks.count("")
    hides_the_rest = found and not found[-1][2] and not found[-1][0].endswith(("-->", "]]>"))
    if is_cut or hides_the_rest:
        if entries and marks and marks[-1] == "":
            entries.pop()
        return f"the feed ends in the middle, and {len(entries)} whole entries could be read ({error})"
    read = len(entries)
    return f"its XML is broken, and {read} of {begun} entries could be read ({error})" if read != begun else ""


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].removeprefix("<unknown>:")[:200]


def _described(text: str) -> str:
    if _WEB_PAGE.search(text):
        return "a web page"
    root = re.search(r"<([A-Za-z_][\w.:-]{0,60})", text)
    return f"XML whose root is <{root[1]}>" if root else "something that is neither XML nor JSON"
