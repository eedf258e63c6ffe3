"""What a page repeats, where the items that a selector looked for are not: the nearest first."""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher

from bs4 import BeautifulSoup, Tag

from scraper.pages.tree import attribute, walk

_NAME = re.compile(r"[A-Za-z_][\w-]{0,60}")
_ALIKE = 0.7
_BOXES = frozenset({"article", "div", "figure", "li", "a", "section", "dl", "dt", "tr", "td", "picture", "img", "p"})


def repeated_in(soup: BeautifulSoup, wanted: str, most: int = 6) -> str:
    """The tags and classes that a page repeats, with how often: the nearest to ``wanted``, then those around pictures.

    Empty where nothing is repeated.
    """
    counts: Counter[str] = Counter()
    pictured: Counter[str] = Counter()
    for tag, _ in walk(soup):
        if tag.name not in _BOXES:
            continue
        for name in _names(tag):
            counts[name] += 1
            pictured[name] += tag.name == "img" or tag.find("img") is not None
    words = _NAME.findall(wanted.lower())
    likely = [(_likeness(name, words), pictured[name], name) for name, number in counts.items() if number > 1]
    likely.sort(key=lambda found: (-found[0] if found[0] > _ALIKE else 0, -found[1], found[2]))
    return ", ".join(f"{name} ({counts[name]})" for _, _, name in likely[:most])


def _names(tag: Tag) -> list[str]:
    classes = [name for name in attribute(tag, "class").split() if _NAME.fullmatch(name)][:5]
    return [f"{tag.name}.{name}" for name in classes] or [tag.name]


def _likeness(name: str, words: list[str]) -> float:
    parts = name.lower().replace(".", " ").split()
    return max((SequenceMatcher(None, part, word).ratio() for part in parts[-1:] for word in words), default=0.0)
