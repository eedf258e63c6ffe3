"""The native ids of posts: the same ones by the API and by the feed, which know different things of a post."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Sequence

_NUMBER = re.compile(r"[?&]p=(\d{1,18})(?:&|$)")
_WEB = re.compile(r"https?://[^/?#]+(.*)", re.IGNORECASE)
_LONGEST = 400


def name_of(guid: str, number: str = "") -> str:
    """The native id of the post with a ``guid``, which no later change of its title or address touches.

    A post that began as a draft has the guid ``https://…/?p=60``: its name is that number, which is the API's as well.
    One that was published at once, or imported, has some address as its guid: its name is that without the host, which
    may move. ``number`` is the API's; where the guid says another (a post imported under a new number), it counts.
    """
    guid = html.unescape(guid).strip()
    numbered = _NUMBER.search(guid)
    if numbered:
        return number or numbered[1]
    address = _WEB.fullmatch(guid)
    name = address[1].strip("?") if address else guid
    return name if name.strip("/") and not re.search(r"\s", name) and len(name) <= _LONGEST else number or guid


def names_of(guids: Sequence[str]) -> list[str]:
    """The same for the entries of one feed, which gives guids only; two that would share a name keep their guids."""
    names = [name_of(guid) for guid in guids]
    times = Counter(names)
    return [name if times[name] == 1 else guid for name, guid in zip(names, guids, strict=True)]
