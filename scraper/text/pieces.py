"""Words of one language that stand together, and where each such piece begins and ends with its own punctuation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scraper.text.evidence import Word

_OPENING = re.compile(r"(?:[«“„\"‘'(\[¿¡*_~…#@]|\.{2,3}|(?<=[«“„])[ \u00a0\u202f])+\Z")
_CLOSING = re.compile(
    r"(?:[ \u00a0\u202f]?(?:[!?;:](?![a-z(])|»(?!\w))|[.…,;)\]”\"’'°%*_~]|[ \u00a0\u202f]?[€$£]|[\u00a0\u202f][!?;:»])+"
)
#: what follows the number of an item: «1. », «2) »
_NUMBERING = re.compile(r"[.)][^\S\n]")
_SEPARATING = re.compile(
    r"\s(?:/{1,3}|\|{1,2}|[→➡⇒]\ufe0f?|>{1,2}|~{1,3})\s|[^\S\n][·•]\s|[.!?…][^\S\n][-–—]\s"
    r"|\n\s{0,3}(?:[./\-–—]|[*_-]{3,9}|\* \* \*)\s{0,3}\n"
)

#: signs that are no text where they stand alone between one language and the other
_PARTING = frozenset(":;,")


@dataclass(slots=True)
class Piece:
    """Words of one language that stand together, and how sure that is."""

    state: int
    first: int
    last: int


def pieces_in(body: str, words: Sequence[Word], states: Sequence[int]) -> list[Piece]:
    """Stretches of one language, also cut where something stands between that is no text."""
    pieces: list[Piece] = []
    current, end = -1, 0
    for i, (word, state) in enumerate(zip(words, states, strict=True)):
        parted = word.barred or (word.start - end > 2 and _SEPARATING.search(body[end : word.start][:80]))
        if parted or state != current:
            pieces.append(Piece(state, i, i))
            current = state
        end = word.end
    for piece, following in pairwise(pieces):
        piece.last = following.first - 1
    if pieces:
        pieces[-1].last = len(words) - 1
    return pieces


def bounds(body: str, words: Sequence[Word], pieces: Sequence[Piece]) -> Iterator[tuple[int, int]]:
    """Where each piece begins and ends in ``body``, with the punctuation that is its own."""
    floor = 0
    for k, piece in enumerate(pieces):
        first = piece.first
        while words[first].silent and first < piece.last and _NUMBERING.match(body, words[first].end):
            first += 1
        last = _without_figures(body, words, first, piece.last)
        start, end = words[first].start, words[last].end
        floor = max(floor, words[first - 1].end + 1 if first > piece.first else 0)
        ceiling = words[pieces[k + 1].first].start if k + 1 < len(pieces) else len(body)
        low = max(floor, start - 8)
        opening = _OPENING.search(body, low, start)
        parted = k + 1 < len(pieces) and piece.state != pieces[k + 1].state and body[end:ceiling].strip() in _PARTING
        closing = None if parted else _CLOSING.match(body, end, min(ceiling, end + 12))
        start = opening.start() if opening else start
        end = closing.end() if closing else end
        if len(pieces) > 1:
            start, end = _unbracketed(body, start, end)
        yield start, end
        floor = end


def _without_figures(body: str, words: Sequence[Word], first: int, last: int) -> int:
    """The last word of ``words[first : last + 1]`` without a line that is nothing but numbers at its end."""
    end = last
    while end > first and words[end].silent:
        if "\n" in body[words[end - 1].end : words[end].start]:
            last = end - 1
        end -= 1
    return last


def _unbracketed(body: str, start: int, end: int) -> tuple[int, int]:
    """``body[start:end]`` without the brackets around the whole of it: they set a translation off, and are no text."""
    close = {"(": ")", "[": "]"}.get(body[start])
    if close is not None and body.find(close, start, end) == end - 1:
        return start + 1, end - 1
    return start, end


def totals(words: Sequence[Word]) -> list[float]:
    """What ``words`` say together, in nats, by language."""
    rows = [w.scores if w.weight == 1.0 else [score * w.weight for score in w.scores] for w in words]
    sums = [sum(column) for column in zip(*rows, strict=True)]
    for word in words:
        for language, nats in (word.leans or {}).items():
            sums[language] += nats
    return sums
