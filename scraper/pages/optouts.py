"""What a page asks of those who archive it, in its head and in its headers."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup

from scraper.capture import Capture
from scraper.pages.tree import attribute


def opt_outs_of(capture: Capture, soup: BeautifulSoup) -> tuple[str, ...]:
    """``noarchive`` and ``noindex``, as ``<meta name=robots>`` (or ``cupola``) and ``X-Robots-Tag`` have them."""
    metas = soup.find_all("meta", attrs={"name": re.compile(r"^(?:robots|cupola)$", re.IGNORECASE)}, limit=20)
    said = ",".join([*(attribute(meta, "content") for meta in metas), capture.headers.get("x-robots-tag", "")])
    words = {word.strip() for word in re.split(r"[,:;]", said.lower())}
    return tuple(word for word in ("noarchive", "noindex") if word in words or (word == "noindex" and "none" in words))
