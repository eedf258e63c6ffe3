"""Accents that were typed apart from their letters, put together for reading, and where everything then is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_CLUSTER = re.compile(r"(?s).[\u0300-\u036f]{1,8}")


def compose(text: str, at: int = 0) -> tuple[str, Sequence[int]]:
    """``text`` with each letter and the accents behind it as one character (NFC), where there is such a character.

    Args:
        text: any string.
        at: where it begins in the whole.

    Returns:
        The composed text, and for each of its characters, and for its end, its place in the whole.
    """
    if text.isascii() or not _CLUSTER.search(text):
        return text, range(at, at + len(text) + 1)
    pieces: list[str] = []
    places: list[int] = []
    end = 0
    for match in _CLUSTER.finditer(text):
        whole = unicodedata.normalize("NFC", match.group())
        pieces += text[end : match.start()], whole
        places += range(at + end, at + match.start() + len(whole))
        end = match.end()
    pieces.append(text[end:])
    places += range(at + end, at + len(text) + 1)
    return "".join(pieces), places
