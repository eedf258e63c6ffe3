"""Selectors as a configuration writes them: CSS, and behind an @ the attribute to read; knows no page.

``figure.photo``, ``img@data-full``, ``@data-id`` (of the item itself), ``+ dd`` (beside the item, up to the next one).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import soupsieve
from bs4 import Tag

from scraper.pages.tree import ancestors, attribute

_ATTRIBUTE = re.compile(r"(?s)(.*)@\s*([A-Za-z_][\w:.-]{0,60})\s*\Z")


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector, ready to be used; without ``css`` it is the item itself that is meant."""

    text: str
    css: soupsieve.SoupSieve | None
    attribute: str | None
    is_beside: bool

    def tags(self, item: Tag, is_own: Callable[[Tag], bool]) -> Iterator[Tag]:
        """The tags that match within ``item`` (or beside it) and are its own, in the page's order, none in another."""
        found: list[Tag] = []
        for tag in self._matches(item, is_own):
            if self.attribute is not None or not any(outer is inner for outer in found for inner in ancestors(tag)):
                found.append(tag)
                yield tag

    def _matches(self, item: Tag, is_own: Callable[[Tag], bool]) -> Iterator[Tag]:
        if self.css is None:
            yield item
        elif self.is_beside:
            for sibling in item.next_siblings:
                if not isinstance(sibling, Tag):
                    continue
                if not is_own(sibling):
                    return
                yield from [sibling] if self.css.match(sibling) else self.css.select(sibling)
        else:
            yield from (tag for tag in self.css.select(item) if is_own(tag))

    def value(self, tag: Tag) -> str:
        """The attribute that is asked for; empty where there is none."""
        return attribute(tag, self.attribute) if self.attribute else ""


def selector(text: str) -> Selector:
    """Read a selector.

    Raises:
        ValueError: it is none; the message says where it goes wrong.
    """
    given = text.strip()
    if not given:
        raise ValueError("expected a CSS selector such as figure.photo, or img@data-src for an attribute")
    named = _ATTRIBUTE.fullmatch(given)
    css, name = (named[1].strip(), named[2]) if named else (given, None)
    is_beside = css.startswith("+")
    css = css.removeprefix("+").strip()
    if "::" in css:
        raise ValueError("is no CSS selector: for an attribute write img@src, and text is taken without ::text")
    try:
        compiled = soupsieve.compile(css) if css else None
    except (soupsieve.SelectorSyntaxError, NotImplementedError, RecursionError) as error:
        raise ValueError(f"is no CSS selector: {str(error).partition(chr(10))[0]}") from error
    return Selector(given, compiled, name, is_beside)
