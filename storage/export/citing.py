"""One line by which a post can be cited, made of what its source states.

``<author>: “<title or first words>”, <date>. <address>. Archived as <key>, fetched <day>.``

Without an author the line begins with the title; without a date it says ``undated``; without an address or a recorded
answer that part is left out. A title that was split into two languages is taken as it stands.
"""

from __future__ import annotations

#: letters of a title or of first words, at most
WORDS = 72
_LOOKED_AT = 108


def citation(key: str, author: str | None, words: str, date: str | None, url: str | None, fetched: str | None) -> str:
    """The line.

    Args:
        key: of the post.
        author: as stated.
        words: the title, or the text.
        date: ISO 8601, of which the day is told.
        url: of the post.
        fetched: when it was, likewise.
    """
    # some more, because white space between them becomes one space
    first = " ".join(words[:_LOOKED_AT].split())
    if len(first) > WORDS or len(words) > _LOOKED_AT:
        first = f"{first[:WORDS].rpartition(' ')[0] or first[:WORDS]}…"
    line = f"“{first}”, " if first else ""
    if author:
        line = f"{' '.join(author.split())}: {line}" if first else f"{' '.join(author.split())}, "
    line += date[:10] if date else "undated"
    if url:
        line += f". {url}"
    return f"{line}. Archived as {key}, fetched {fetched[:10]}." if fetched else f"{line}. Archived as {key}."
