"""Whose the pictures in a post's content are, by the captions that stand under them."""

from __future__ import annotations

import re

from scraper.feeds.addresses import absolute
from scraper.feeds.pictures import identity
from scraper.feeds.tags import attributes_of
from scraper.text.markup import html_to_text
from scraper.wordpress.entries import credit_in

_CAPTIONS = ("figcaption", "wp-caption-text", "gallery-caption")
_PARTS = re.compile(
    r"<img\b((?:[^<>\"']++|\"[^\"]{0,20000}+\"|'[^']{0,20000}+'){0,200}+)>"
    r"|<(figcaption|p|dd)\b([^<>]{0,2000})>",
    re.IGNORECASE,
)
_LONGEST = 4_000


def credits_in(content: str, base: str) -> dict[str, str]:
    """For each picture with a credit line in its caption, by its identity (`scraper.feeds.pictures`), that line."""
    if not any(mark in content for mark in _CAPTIONS):
        return {}
    told: dict[str, str] = {}
    shown = ""
    for found in _PARTS.finditer(content):
        if not found[2]:
            shown = absolute(base, attributes_of(found[1]).get("src", ""))
            continue
        name, said = found[2].lower(), found[3]
        if not shown or (name != "figcaption" and not any(mark in said for mark in _CAPTIONS[1:])):
            continue
        end = content.find(f"</{name}", found.end(), found.end() + _LONGEST)
        # the caption under a whole gallery is not its last picture's
        if end > 0 and "blocks-gallery-caption" not in said:
            credit = credit_in(html_to_text(content[found.end() : end]).strip(" \n"))
            if credit:
                told.setdefault(identity(shown), credit)
        shown = ""
    return told
