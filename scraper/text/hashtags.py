"""Hashtags as they are written in a text; knows no platform's list of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: letters, digits and underscores behind «#», at least one of them a letter; not the end of a link
HASHTAG = re.compile(r"[#＃](?<![\w&/].)((?=\d{0,40}[^\W\d])\w{1,100})")


def find_hashtags(body: str) -> tuple[str, ...]:
    """The hashtags of ``body`` in order, without «#», as written; once each, whatever their case."""
    if "#" not in body and "＃" not in body:
        return ()
    return once_each(found[1] for found in HASHTAG.finditer(body))


def once_each(*groups: Iterable[str]) -> tuple[str, ...]:
    """All hashtags of ``groups`` in order, each once whatever its case, in the spelling that came first."""
    kept: dict[str, str] = {}
    for group in groups:
        for tag in group:
            name = tag.lstrip("#＃")
            if name:
                kept.setdefault(name.casefold(), name)
    return tuple(kept.values())
