"""Galleries that a page carries as JSON, in a script or an attribute, for its own scripts to show."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from bs4 import BeautifulSoup

from scraper.pages.captions import Group
from scraper.pages.images import Picture, file_key, is_adornment, is_image_file, is_image_file_text
from scraper.pages.stream import is_quoted
from scraper.pages.tree import Resolve, attribute, one_line, plain_lines

_START = re.compile(r"[\[{]\s*[\[{\"]")
_WORDS = re.compile(
    r"caption|legend|légende|desc|text|body|credit|copyright|quote|html|^(?:fr|en)$|[_-](?:fr|en)$", re.IGNORECASE
)
_ALT = re.compile(r"^alt", re.IGNORECASE)
_LARGE = re.compile(r"full|orig|hi-?res|high|zoom|large|big|max|source|download", re.IGNORECASE)
_SMALL = re.compile(r"thumb|preview|placeholder|small|tiny|low|poster", re.IGNORECASE)
#: documents tried in one script, and values looked at in one document
_MOST_STARTS = 50
_MOST_VALUES = 200_000


def embedded_groups(
    soup: BeautifulSoup, resolve: Resolve, lines_of: Callable[[str], list[str]], is_credit: Callable[[str], bool]
) -> list[Group]:
    """The pictures with captions that the page's JSON holds, in its order.

    An object counts when it names an image and carries a quotation or a credit line: menus and teasers do not.
    """
    groups: dict[str, Group] = {}
    for document in _documents(soup):
        for value in _objects(document):
            group = _group_of(value, resolve, lines_of, is_credit)
            if group is not None and group.picture is not None:
                groups.setdefault(group.picture.key, group)
    return list(groups.values())


def _documents(soup: BeautifulSoup) -> Iterator[Any]:
    for script in soup.find_all("script"):
        yield from _json_in(script.get_text())
    for tag in soup.find_all(True):
        for name in tag.attrs:
            value = attribute(tag, name).lstrip() if name.startswith(("data-", ":", "v-")) else ""
            if value[:1] in ("{", "["):
                yield from _json_in(value)


def _json_in(text: str) -> Iterator[Any]:
    """The JSON documents in a script, whatever is written around them."""
    decoder = json.JSONDecoder()
    at = 0
    for _ in range(_MOST_STARTS):
        start = _START.search(text, at)
        if start is None:
            return
        try:
            document, at = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            at = start.start() + 1
        else:
            yield document


def _objects(document: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document, outer before inner, in its order."""
    waiting = [document]
    for _ in range(_MOST_VALUES):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting.extend(reversed([item for item in inner if isinstance(item, (dict, list))]))


def _group_of(
    value: dict[str, Any],
    resolve: Resolve,
    lines_of: Callable[[str], list[str]],
    is_credit: Callable[[str], bool],
) -> Group | None:
    large: list[str] = []
    shown: list[str] = []
    alt: str | None = None
    lines: list[str] = []
    for key, text in _strings(value):
        name = key.rpartition("/")[2]
        if is_image_file_text(text):
            url = resolve(text)
            if url and is_image_file(url) and not is_adornment(url):
                (large if _LARGE.search(key) else shown).insert(0 if not _SMALL.search(key) else len(shown), url)
        elif _ALT.match(name):
            alt = one_line(text) or None
        elif _WORDS.search(key):
            lines.extend(clean for raw in plain_lines(text) for clean in lines_of(raw))
    named = [*shown, *large]
    if not named or not any(is_credit(line) or is_quoted(line) for line in lines):
        return None
    return Group(picture=Picture(key=file_key(named[0]), large=large, shown=shown, alt=alt), lines=lines)


def _strings(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The strings of an object and of the plain objects and lists right inside it, each with its path of keys."""
    for key, inner in value.items():
        if isinstance(inner, str):
            yield key, inner
        elif isinstance(inner, dict):
            yield from ((f"{key}/{name}", text) for name, text in inner.items() if isinstance(text, str))
        elif isinstance(inner, list):
            yield from ((key, text) for text in inner if isinstance(text, str))
