"""Text and addresses from outside as they may stand in XML: nothing in them is markup, and no address runs anything."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

# what XML 1.0 has no way to write (section 2.2)
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;", ord("\r"): "\n"}
_IN_ATTRIBUTE = _ESCAPES | {ord("\n"): "&#10;", ord("\t"): "&#9;"}
_OF_AN_ADDRESS = "!#$%&'()*+,/:;=?@[]~-._"


def plain(text: str) -> str:
    """``text`` without what XML cannot hold, which is control characters and halves of a surrogate pair."""
    return _NO_XML.sub("", text)


def escaped(text: str) -> str:
    """``text`` as what stands between tags, without what XML cannot hold."""
    return plain(text.replace("\r\n", "\n")).translate(_ESCAPES)


def element(name: str, text: str | None = None, /, **attributes: str | int | None) -> str:
    """An element with a text or without one; an attribute that is None is left out, ``lang`` is ``xml:lang``."""
    told = "".join(
        f' {"xml:lang" if key == "lang" else key}="{plain(str(value)).translate(_IN_ATTRIBUTE)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{told}/>" if text is None else f"<{name}{told}>{escaped(text)}</{name}>"


def web_address(url: str | None) -> str | None:
    """An absolute http(s) address as a link may have it, all in ASCII but for a host's name; None for anything else.

    So no ``javascript:``, no ``data:``, nothing with a user's name or password in it.
    """
    if url is None:
        return None
    url = url.strip()
    try:
        parts = urlsplit(url)
        told = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        parts.port  # noqa: B018 - refuses one that is no number
    except ValueError:
        return None
    if not told or re.search(r"[\x00-\x20\x7f\\\"<>^`{|}]", parts.netloc):
        return None
    rest = url.split(parts.netloc, 1)[1]
    return f"{parts.scheme}://{parts.netloc}{quote(rest, safe=_OF_AN_ADDRESS, errors='replace')}"
