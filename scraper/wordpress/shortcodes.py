"""Shortcodes that were left in a text because the plug-in that made something of them is gone."""

from __future__ import annotations

import re

_QUOTED = r"(?:[\"”“″«][^\[\]\"”“″»\n]{0,300}[\"”“″»]|['’‘′][^\[\]'’‘′\n]{0,300}['’‘′]|[^\s\[\]\"'”“″’‘′]{1,300})"
_OPENING = re.compile(rf"\[([a-z][a-z0-9_-]{{2,40}})((?:[ \t\xa0]+[\w-]{{1,60}}={_QUOTED}){{0,60}})[ \t]*/?\]")
_CLOSING = re.compile(r"\[/([a-z][a-z0-9_-]{2,40})\]")


def without_shortcodes(text: str) -> str:
    """``text`` without shortcodes, what they enclose kept: those with attributes, and those that are closed again.

    Labels such as «[FR]» and «[fr]», «[…]» and brackets that people write stay.
    """
    if "[" not in text:
        return text
    closed = set(_CLOSING.findall(text))
    bare = _OPENING.sub(lambda found: "" if found[2] or found[1] in closed else found[0], text)
    if bare == text and not closed:
        return text
    opened = {found[1] for found in _OPENING.finditer(text)}
    bare = _CLOSING.sub(lambda found: "" if found[1] in opened else found[0], bare)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", bare)).strip(" \n")
