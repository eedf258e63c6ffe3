"""Addresses in feeds: made absolute, or nothing."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urljoin, urlsplit

from scraper.pages import tree


@lru_cache(maxsize=1024)  # an address is met several times while its entry is read
def absolute(base: str, href: str) -> str:
    """``href`` as an absolute http(s) address; empty where it is no such thing.

    The fragment stays: in a feed of a page's sections it is all that tells two posts apart.
    """
    address, mark, fragment = href.strip().partition("#")
    url = tree.absolute(base, address) or ""
    return f"{url}{mark}{fragment}" if url and fragment.isascii() and not set(fragment) & set(' \t\r\n"<>') else url


def joined(base: str, href: str) -> str:
    """The base that ``href`` (an ``xml:base``) makes of ``base``; ``base`` where it makes no http(s) address."""
    try:
        address = urljoin(base, href.strip())
        return address if urlsplit(address).scheme in ("http", "https") else base
    except ValueError:
        return base
