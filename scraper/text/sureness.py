"""How likely a split is right, from how close other readings came and how much was known; it changes nothing.

The traits of a split are measured here; what they are worth was fitted on captions of our own by
benchmarks/tuning/confidence.py, which wrote confidence.json, and is judged on others: docs/split.md has the figures.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import exp, log
from pathlib import Path
from typing import NamedTuple

from scraper.text.evidence import Word
from scraper.text.pieces import Piece
from scraper.text.tables import ALIEN, PAIR

#: a change of language that costs more than this is within a line
_LINE = 3.0
_STEEPEST, _LARGEST = 15.0, 1e12
_RAREST = exp(-_STEEPEST)
_LEAST, _MOST = -6.0, 12.0


class Traits(NamedTuple):
    """What a split is judged by.

    ``odds``: how likely this reading is beside all others, as the logarithm of the odds; ``dearest``: nats of the
    dearest change of language; ``parts``: logarithm of their number; ``shortest``: of the words in the shortest;
    ``words``: of all; ``against``: logarithm of the nats that words speak against the language they are given;
    ``uneven``: how many times longer one language is than the other, as a logarithm, nought where there is one;
    ``within``: changes of language within a line.
    """

    odds: float
    dearest: float
    parts: float
    shortest: float
    words: float
    against: float
    uneven: float
    within: float


def traits(words: Sequence[Word], pieces: Sequence[Piece], pair: tuple[int, int] = PAIR) -> Traits:
    """The traits of the split of ``words`` into ``pieces``; both are not empty."""
    own = [piece for piece in pieces if piece.state in pair]
    turns = _turns(words, pieces)
    return Traits(
        odds=_odds(words, pieces, pair),
        dearest=max(turns, default=0.0),
        parts=log(len(pieces)),
        shortest=log(min(piece.last - piece.first + 1 for piece in pieces)),
        words=log(len(words)),
        against=log(1.0 + _against(words, pieces, pair)),
        uneven=_uneven(words, own, pair),
        within=log(1.0 + sum(price > _LINE for price in turns)),
    )


def _against(words: Sequence[Word], pieces: Sequence[Piece], pair: tuple[int, int]) -> float:
    """The nats that words speak against the language of their piece."""
    total = 0.0
    for piece in pieces:
        if piece.state in pair:
            own, other = piece.state, pair[piece.state == pair[0]]
            for word in words[piece.first : piece.last + 1]:
                scores = word.scores
                if scores[other] > scores[own]:
                    total += (scores[other] - scores[own]) * word.weight
    return total


def _uneven(words: Sequence[Word], own: Sequence[Piece], pair: tuple[int, int]) -> float:
    """The logarithm of how many times longer one language is than the other; 0 where there is one only."""
    sizes = [sum(words[p.last].end - words[p.first].start for p in own if p.state == state) for state in pair]
    return abs(log(sizes[0] / sizes[1])) if min(sizes) else 0.0


def _turns(words: Sequence[Word], pieces: Sequence[Piece]) -> list[float]:
    """The prices of the changes of language."""
    return [words[piece.first].price for before, piece in pairwise(pieces) if before.state != piece.state]


def _odds(words: Sequence[Word], pieces: Sequence[Piece], pair: tuple[int, int]) -> float:
    """The logarithm of the odds of this reading against all others of the pair together, a change priced as in it."""
    nats = 0.0  # how much likelier all readings are together than this one alone
    here, other = 1.0, 0.0  # by the language of the last word, all readings so far beside this one alone
    last: int | None = None
    for piece in pieces:
        state = piece.state
        if state not in pair:
            nats, here, other, last = nats + log(here + other), 1.0, 0.0, None
            continue
        against = pair[state == pair[0]]
        for word in words[piece.first : piece.last + 1]:
            # compared by hand: what is called for each word is most of the time
            if last is None:
                other = 1.0
            else:
                price = word.price
                change = exp(-price) if price < _STEEPEST else _RAREST
                if state == last:
                    here, other = here + other * change, other + here * change
                else:
                    here, other = other / change + here, here / change + other
            margin = (word.scores[state] - word.scores[against]) * word.weight
            if margin > _STEEPEST:
                other *= _RAREST
            elif margin:
                other *= exp(-margin if margin > -_STEEPEST else _STEEPEST)
            if here + other > _LARGEST:
                return _LEAST
            last = state
    nats += log(here + other)
    return max(_LEAST, min(_MOST, -log(max(exp(min(nats, 50.0)) - 1.0, 1e-9))))


@lru_cache(maxsize=1)
def _fitted() -> tuple[float, tuple[float, ...]]:
    fitted = json.loads(Path(__file__).with_name("confidence.json").read_bytes())
    return fitted["bias"], tuple(fitted["weights"][name] for name in Traits._fields)


def sureness(words: Sequence[Word], pieces: Sequence[Piece], pair: tuple[int, int] = PAIR) -> float:
    """The probability, between 0 and 1, that every word of the split is where it belongs."""
    if not pieces:
        return 1.0
    if len(pieces) == 1 and pieces[0].state == ALIEN and not any(w.scores[ALIEN] == 0.0 for w in words):
        return 0.5
    bias, weights = _fitted()
    nats = bias + sum(weight * trait for weight, trait in zip(weights, traits(words, pieces, pair), strict=True))
    return 1.0 / (1.0 + exp(-max(-40.0, min(40.0, nats))))
