"""One line by which a post can be cited, made of what its source states.

``<author>: “<title or first words>”, <date>. <address>. Archived as <key>, fetched <day>.``

Without an author the line begins with the title; without a date it says ``undated``; without an address or a recorded
answer that part is left out. A title that was split into two languages is taken as it stands.
"""

from __future__ import annotations

#: letters of a title or of first words, at most
WORDS = 72


def citation(
    *,
    key: str,
    author: str | None,
    title: str | None,
    text: str,
    date: str | None,
    url: str | None,
    fetched: str | None,
) -> str:
    """The line; ``date`` and ``fetched`` are ISO 8601, of which the day is told."""
    words = " ".join((title or text)[: 3 * WORDS].split())
    if len(words) > WORDS or len(title or text) > 3 * WORDS:
        words = f"{words[:WORDS].rpartition(' ')[0] or words[:WORDS]}…"
    who = " ".join(author.split()) if author else ""
    named = f"{who}: “{words}”, " if who and words else f"“{words}”, " if words else f"{who}, " if who else ""
    where = f" {url}." if url else ""
    when = f", fetched {fetched[:10]}" if fetched else ""
    return f"{named}{date[:10] if date else 'undated'}.{where} Archived as {key}{when}."
