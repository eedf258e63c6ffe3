"""Which sentence of a caption answers which of the other language's, and how likely they are translations at all.

Gale and Church's way (https://aclanthology.org/J93-1004/): the cheapest row of beads of one or two sentences a side,
or of one that nobody answers, by how well the lengths fit; and besides by what both have (``likeness``). It is pure,
deterministic and total. Sentences answer each other in their order; two neighbours that changed places do so together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scraper.text.likeness import HIT, MISS, tokens_of
from scraper.text.sentences import sentences_of

#: the pair of languages of most captions; others are aligned by lengths, numbers, names and words alike only
PAIR = ("fr", "en")
#: English characters for a French one, and the variance of that for each character; of our own pairs
_RATIO, _VARIANCE = 0.95, 2.0
#: how much wider lengths differ that have nothing to do with each other
_STRAY = 4.0
#: the least that lengths and words together may say of a bead, so that one odd sentence does not spoil the row
_LEAST, _MOST = -8.0, 12.0
#: (French sentences, English sentences): nats for how seldom such a bead is
_PRIORS = {(1, 1): -0.1, (1, 0): -3.0, (0, 1): -3.0, (1, 2): -2.4, (2, 1): -2.4, (2, 2): -4.5}
#: of lengths further apart than this no words make an answer
_HOPELESS = 40.0
#: nats that a sentence costs which is said to be answered together with another, and has nothing of the answer
_IDLE = 1.5
#: texts of more sentences than this are searched along the diagonal, this many sentences to each side
_SMALL, _BAND = 60, 10
#: nats of a bead at which it is as likely as not that its sides answer each other, and how sharp that is
_EVEN, _SLOPE = 1.0, 0.6

#: under this score of two captions they are most likely no translations of each other; docs/split.md has the figures
DOUBTFUL = 0.3


@dataclass(frozen=True, slots=True)
class Bead:
    """Sentences that answer each other: ``fr`` and ``en`` are (start, end) in the two captions, None where nobody does.

    (Of another pair ``fr`` is the first language and ``en`` the second.)

    ``score`` is between 0 and 1: how likely the two say the same; 0 for a sentence that is not answered.
    """

    fr: tuple[int, int] | None
    en: tuple[int, int] | None
    score: float


@dataclass(frozen=True, slots=True)
class Alignment:
    """The beads in order, with every sentence of both captions once; ``score``, 0 to 1, is that of the whole."""

    beads: tuple[Bead, ...]
    score: float

    @property
    def doubtful(self) -> bool:
        """Whether the captions are most likely no translations of each other."""
        return self.score < DOUBTFUL


@dataclass(frozen=True, slots=True)
class _Side:
    """One sentence or more: its length, what each has that an answer may have, what it costs if the answer has not."""

    length: int
    tokens: frozenset[str]
    miss: float
    parts: tuple[frozenset[str], ...] = ()


def align(fr: str, en: str, pair: tuple[str, str] = PAIR) -> Alignment:
    """Which sentences of ``fr`` and ``en`` answer each other; any two strings will do, in time linear in their size.

    Args:
        fr: the caption in the first language of ``pair``.
        en: the one in the second.
        pair: two of ``tables.LANGUAGES``.
    """
    spans = sentences_of(fr), sentences_of(en)
    sides = tuple(
        [_side(text[start:end], lang, other) for start, end in cut]
        for lang, other, text, cut in zip(pair, pair[::-1], (fr, en), spans, strict=True)
    )
    beads: list[Bead] = []
    weighed = said = 0.0
    i = j = 0
    for m, n in _cheapest(*sides):
        french = (spans[0][i][0], spans[0][i + m - 1][1]) if m else None
        english = (spans[1][j][0], spans[1][j + n - 1][1]) if n else None
        a, b = _joined(sides[0][i : i + m]), _joined(sides[1][j : j + n])
        score = _likely(_gain(a, b)) if m and n else 0.0
        beads.append(Bead(french, english, round(score, 4)))
        weighed += (a.length + b.length) * score
        said += a.length + b.length
        i, j = i + m, j + n
    return Alignment(tuple(beads), round(weighed / said, 4) if said else 0.0)


def answers(fr: str, en: str, alignment: Alignment, pair: tuple[str, str] = PAIR) -> list[dict[str, Any]]:
    """The beads of two captions in plain values: by language the sentences (None where nobody answers), ``score``."""
    return [
        {
            pair[0]: fr[slice(*bead.fr)] if bead.fr else None,
            pair[1]: en[slice(*bead.en)] if bead.en else None,
            "score": bead.score,
        }
        for bead in alignment.beads
    ]


def _side(text: str, lang: str, other: str) -> _Side:
    tokens = tokens_of(text, lang, other)
    return _Side(len(text), tokens, sum(MISS[token[0]] for token in tokens))


def _joined(sides: Sequence[_Side]) -> _Side:
    if len(sides) == 1:
        return sides[0]
    tokens = frozenset().union(*(side.tokens for side in sides))
    parts = tuple(side.tokens for side in sides)
    return _Side(sum(side.length for side in sides), tokens, sum(MISS[token[0]] for token in tokens), parts)


def _gain(a: _Side, b: _Side) -> float:
    """Nats that speak for two texts answering each other, rather than having met by chance."""
    spread = (b.length - _RATIO * a.length) ** 2 / (_VARIANCE * (a.length + b.length) / 2)
    if spread > _HOPELESS:
        return _LEAST
    gain = math.log(_STRAY) - spread / 2 * (1 - 1 / _STRAY**2) - (a.miss + b.miss) / 2
    for token in a.tokens & b.tokens:
        gain += HIT[token[0]] + MISS[token[0]]
    for one, other in ((a, b), (b, a)):
        for part in one.parts:
            if part.isdisjoint(other.tokens):
                gain -= _IDLE
    return min(_MOST, max(_LEAST, gain))


def _likely(gain: float) -> float:
    return 1 / (1 + math.exp(_SLOPE * (_EVEN - gain)))


def _cheapest(french: Sequence[_Side], english: Sequence[_Side]) -> list[tuple[int, int]]:
    """The beads, as numbers of sentences of each side, whose gains and priors come to most."""
    pairs = tuple([_joined(side[i - 1 : i + 1]) for i in range(len(side))] for side in (french, english))
    centres = _diagonal(french, english)
    small = len(french) <= _SMALL and len(english) <= _SMALL
    low = [0 if small else max(0, centre - _BAND) for centre in centres]
    high = [len(english) if small else min(len(english), centre + _BAND) for centre in centres]
    # neighbouring rows of the band must meet, however long one sentence is
    for i in range(1, len(low)):
        low[i] = min(low[i], high[i - 1])
    totals: list[list[float]] = []
    moves: list[list[tuple[int, int]]] = []
    for i in range(len(french) + 1):
        totals.append([-math.inf] * (high[i] - low[i] + 1))
        moves.append([(0, 0)] * (high[i] - low[i] + 1))
        for j in range(low[i], high[i] + 1):
            best, move = (0.0, (0, 0)) if i == j == 0 else (-math.inf, (0, 0))
            for (m, n), prior in _PRIORS.items():
                if m > i or not low[i - m] <= j - n <= high[i - m]:
                    continue
                so_far = totals[i - m][j - n - low[i - m]] + prior
                if so_far == -math.inf:
                    continue
                if m and n:
                    a = (french if m == 1 else pairs[0])[i - 1]
                    b = (english if n == 1 else pairs[1])[j - 1]
                    so_far += _gain(a, b)
                if so_far > best:
                    best, move = so_far, (m, n)
            totals[i][j - low[i]], moves[i][j - low[i]] = best, move
        if i >= 2:
            totals[i - 2] = []
    return _back(moves, low, len(french), len(english))


def _diagonal(french: Sequence[_Side], english: Sequence[_Side]) -> list[int]:
    """For each number of French sentences the number of English ones that takes the same share of the text."""
    whole = [max(1, sum(side.length for side in sides)) for sides in (french, english)]
    centres, done, j, reached = [0], 0, 0, 0
    for side in french:
        done += side.length
        while j < len(english) and (reached + english[j].length / 2) * whole[0] < done * whole[1]:
            reached += english[j].length
            j += 1
        centres.append(j)
    centres[-1] = len(english)
    return centres


def _back(moves: list[list[tuple[int, int]]], low: list[int], i: int, j: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while i or j:
        m, n = moves[i][j - low[i]]
        found.append((m, n))
        i, j = i - m, j - n
    return found[::-1]
