"""How sure a split is: of its pieces, of the sentences within them, of the borders between them; it changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from scraper.text.decode import CITED, QUOTE, SENTENCE_END
from scraper.text.evidence import Word
from scraper.text.pieces import Piece, totals
from scraper.text.tables import ALIEN, LANGUAGES

_FR, _EN = LANGUAGES.index("fr"), LANGUAGES.index("en")
_PAIR = (_FR, _EN)
#: how sure a quotation is that was cut out of its sentence: by the rules it is words of it, unless it is long
_QUOTED_PART = 0.75
#: a border as good is looked for so many words away, and not beyond so many nats
_NEAR, _FAR = 12, 12.0
#: nats by which a border must be better than those near it to be as likely as not
_CLEARLY = 1.0


def sureness(words: Sequence[Word], pieces: Sequence[Piece]) -> float:
    """Between 0 and 1: the least sure of the pieces, of the sentences within them and of the borders between them.

    A piece is judged against every language and by what the change to it cost; a sentence against the other of the
    pair only: one that leans the other way was drowned by its neighbours; a border against the places near it.
    """
    if len(pieces) == 1 and pieces[0].state == ALIEN and not any(w.scores[ALIEN] == 0.0 for w in words):
        return 0.5
    sure = 1.0
    previous: Piece | None = None
    for piece in pieces:
        own = words[piece.first : piece.last + 1]
        if previous is not None and {previous.state, piece.state} == {_FR, _EN}:
            sure = min(sure, _sure_border(words, previous, piece))
        previous = piece
        said = totals(own)
        margin = said[piece.state] - max(t for s, t in enumerate(said) if s != piece.state)
        cost = own[0].price if piece.first else 0.0
        sure = min(sure, _logistic((margin - 0.15 * cost) * 0.8))
        if piece.state in _PAIR and len(own) > 1:
            sure = min(sure, _logistic(_weakest(own, piece.state) + 1.5))
    return sure


def _sure_border(words: Sequence[Word], before: Piece, after: Piece) -> float:
    if words[after.first].price in (QUOTE, CITED):
        return _QUOTED_PART
    return _logistic(_border(words, before, after) - _CLEARLY)


def _border(words: Sequence[Word], before: Piece, after: Piece) -> float:
    """By how many nats the place of the change from ``before`` to ``after`` is better than any other near it."""
    at = after.first
    cost = words[at].price
    nearest = 40.0
    for state, other, places in (
        (before.state, after.state, range(at - 1, max(before.first, at - 1 - _NEAR), -1)),
        (after.state, before.state, range(at, min(after.last, at + _NEAR))),
    ):
        lost = 0.0
        for i in places:
            word = words[i]
            lost += (word.scores[state] - word.scores[other]) * word.weight
            # moved so that this word goes with the other side
            nearest = min(nearest, lost + words[i if i < at else i + 1].price - cost)
            if lost > _FAR:
                break
    return nearest


def _weakest(words: Sequence[Word], state: int) -> float:
    """By how many nats the sentence of ``words`` that speaks least for ``state`` does, against the other language."""
    other = _EN if state == _FR else _FR
    weakest, total = 40.0, 0.0
    for i, word in enumerate(words):
        if i and word.price <= SENTENCE_END:
            weakest, total = min(weakest, total), 0.0
        total += (word.scores[state] - word.scores[other]) * word.weight
    return min(weakest, total)


def _logistic(nats: float) -> float:
    # beyond forty nats nothing changes, and exp() would overflow
    return 1.0 / (1.0 + exp(-max(-40.0, min(40.0, nats))))
