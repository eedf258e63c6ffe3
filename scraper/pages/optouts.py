"""What a page asks of those who archive it, in its head and in its headers."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup

from scraper.capture import Capture
from scraper.pages.tree import attribute
from scraper.text.wishes import asked_of_all


def opt_outs_of(capture: Capture, soup: BeautifulSoup) -> tuple[str, ...]:
    """``noarchive`` and ``noindex``, as ``<meta name=robots>`` (or ``cupola``) and ``X-Robots-Tag`` have them."""
    metas = soup.find_all("meta", attrs={"name": re.compile(r"^(?:robots|cupola)$", re.IGNORECASE)}, limit=20)
    said = [*(attribute(meta, "content") for meta in metas), capture.headers.get("x-robots-tag", "")]
    return tuple(sorted({label for directives in said for label in asked_of_all(directives)}))
