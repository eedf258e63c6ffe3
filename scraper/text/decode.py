"""The cheapest reading of a row of words: each word's language, against the price of changing between two words.

Viterbi's algorithm over languages. What a word says comes from the letter tables, what a change costs from what
stands between two words: little at a blank line or a lone «/», much at a comma, most inside a phrase.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

#: nats; the order matters more than the figures
BLANK_LINE, SEPARATOR, BLOCK, QUOTES, NEWLINE = 1.0, 1.2, 2.0, 1.6, 2.0
SENTENCE_END, EMOJI, DASH, COLON, QUOTE, BRACKET, CAPITAL, COMMA, SPACE, JOINED = (
    3.2, 3.5, 3.5, 6.0, 11.0, 5.5, 9.5, 7.5, 14.5, 40.0,
)  # fmt: skip
#: «montagnes.Mountains», «rue/street» or «rue|street», «rue/ street», two spaces or more, «farine = flour»
GLUED, TIGHT, HALF_TIGHT, WIDE, EQUALS = 5.0, 5.0, 2.0, 3.5, 5.0
#: at the borders of a long quotation within a sentence, which may be a part of its own
CITED = 6.5
#: on top of a change to or from a third language
THIRD = 0.5
#: an explicit label is as good as two words
LABEL = 9.0

_SEPARATOR = re.compile(
    r"\s(?:/{1,3}|\|{1,2}|[·•‧∙⋅~=*+_]{1,5}|[-–—_=*]{2,9}|[⬇👇▶►➡→↓]\ufe0f?)\s|\n\s{0,3}[./\-–—*•]\s{0,3}\n|\n\s{0,3}/|/\s{0,3}\n|[^\s/]/\s"
)
_QUOTES = re.compile(r"[»”\"’'][.!?…]?\s{0,3}[-–—/|]?\s{0,3}[«“„\"‘']")
_SENTENCE_END = re.compile(r"(?:[.!?…]|\.\.\.)[»”\"')\]]{0,2}(?:\s|$)")
_DASH = re.compile(r"\s[-–—]\s")
_GLUED = re.compile(r"[.!?…][»”\"]?")
_HALF_TIGHT = ("/ ", " /", "| ", " |")
_LONGEST = 64
_ITSELF = b"\x02"


@lru_cache(maxsize=4096)
def _price(gap: str) -> float:
    """The price of a change of language over ``gap``, the text between two words."""
    if gap.lstrip(".!?…»”") in ("/", "//", "|", "||"):
        return TIGHT
    if gap.isspace() and (len(gap) > 1 or gap == "\t") and not set(gap) & set("\n\r\u2028"):
        return WIDE
    if _GLUED.fullmatch(gap):
        return GLUED
    if not gap or gap in "-'’_" or (len(gap) == 1 and not gap.isspace() and gap.isascii() and gap != '"'):
        return JOINED
    if re.search(r"\n[^\S\n]*\n", gap):
        return BLANK_LINE
    if _SEPARATOR.search(gap):
        return SEPARATOR
    if _QUOTES.search(gap):
        return QUOTES
    if "\n" in gap or "\r" in gap or "\u2028" in gap:
        return NEWLINE
    if gap in _HALF_TIGHT:
        return HALF_TIGHT
    if _SENTENCE_END.search(gap):
        return SENTENCE_END
    if _DASH.search(gap):
        return DASH
    if any(ord(c) >= 0x2190 and not c.isalnum() for c in gap):
        return EMOJI
    if "=" in gap:
        return EQUALS
    if ":" in gap or ";" in gap:
        return COLON
    if "«" in gap or "»" in gap or "“" in gap or "”" in gap or '"' in gap:
        return QUOTE
    if "(" in gap or ")" in gap or "[" in gap or "]" in gap or "/" in gap or "|" in gap:
        return BRACKET
    if "," in gap:
        return COMMA
    return SPACE


def price(gap: str) -> float:
    """The price of a change of language over ``gap``, the text between two words, in nats."""
    if gap == " ":
        return SPACE
    if len(gap) > _LONGEST:
        gap = gap[: _LONGEST // 2] + gap[-_LONGEST // 2 :]
    return _price(gap)


def pair_path(lead: Sequence[float], prices: Sequence[float]) -> list[int]:
    """For each word 0 or 1, whichever reading is cheapest of all.

    Args:
        lead: by word, how many nats it speaks for 1 rather than 0.
        prices: by word, what a change just before it costs; the first is not looked at. Under nought it is likelier
            than none.
    """
    if not lead:
        return []
    best = lead[0]  # how far language 1 is ahead of language 0 so far
    # by word: what the best reading that ends here in 0, in 1, had before; at first each has itself
    back = bytearray(_ITSELF) * len(lead)
    for i in range(1, len(lead)):
        cost = prices[i]
        if -cost <= best <= cost:
            pass
        elif cost < best < -cost:
            back[i] = 0b01  # each comes from the other: a change is likelier than none
            best = -best
        elif best > cost:
            back[i] = 0b11  # both come from 1
            best = cost
        else:
            back[i] = 0b00
            best = -cost
        best += lead[i]
    state = 1 if best > 0 else 0
    if back.count(_ITSELF) == len(lead):
        return [state] * len(lead)
    path = [0] * len(lead)
    for i in range(len(lead) - 1, -1, -1):
        path[i] = state
        state = (back[i] >> state) & 1
    return path


def path(scores: Sequence[Sequence[float]], prices: Sequence[float], extra: Sequence[float]) -> list[int]:
    """For each word the index of its language, whichever reading is best of all.

    Args:
        scores: by word, then by language, nats.
        prices: by word, what a change just before it costs.
        extra: by language, what a change to it or from it costs on top.
    """
    if not scores:
        return []
    states = range(len(extra))
    best = list(scores[0])
    back: list[list[int]] = []
    for i in range(1, len(scores)):
        cost = max(prices[i], 0.0)
        # whence a change comes best does not depend on where it goes, but for the state itself
        leaving = [best[s] - extra[s] for s in states]
        top = max(states, key=leaving.__getitem__)
        change = leaving[top] - cost
        row = scores[i]
        came = [top if change - extra[s] > best[s] else s for s in states]
        best = [row[s] + (change - extra[s] if came[s] != s else best[s]) for s in states]
        back.append(came)
    state = max(states, key=best.__getitem__)
    out = [state]
    for came in reversed(back):
        state = came[state]
        out.append(state)
    out.reverse()
    return out
