"""Words of one language inside a sentence of the other: borrowed, a name, a title, a quotation, or a second part.

A reading of two languages must explain itself. Over a line, a separator, a label it does; within a line the other
language's words are a part of their own only where they stand as a translation does: beside a text of about their
length, not behind an article, not in the midst of a sentence. Else they are words of the sentence that has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from scraper.text.decode import BRACKET, COLON, COMMA, DASH, EMOJI, SENTENCE_END, SPACE, price
from scraper.text.evidence import Word
from scraper.text.lexicon import GOING_ON, LEADING_ON
from scraper.text.tables import is_frequent

#: a text and its translation: how many times longer one may be, and how much more where the shorter has few letters
_LONGER, _FEW = 1.35, 10.0
#: so few words are a word and its translation, whatever letters they begin with
_FEW_WORDS = 4
#: a sentence of at most so many words, so many times shorter than the line's other language, is an exclamation of it
_EXCLAIMED, _SHORTER = 4, 2.0
#: how much a word with a capital counts where a sentence's own language is asked for: it may be of a name
_CAPITAL = 0.2
#: nats that a sentence of two halves may fit worse than one of more changes
_MISFIT = 8.0
#: a sentence that quotes has so many words at least, and nats that its first and last words say
_FRAMED, _EDGE = 5, 3.0
#: the prices of what ends a sentence within a line; under this price a change of language needs no reason
_STOPS = frozenset((SENTENCE_END, DASH, EMOJI))
_FREE = 1.0
_OPENING, _CLOSING = frozenset('«“„"'), frozenset('»”"')


@dataclass(slots=True)
class _Caption:
    """What is looked at: the words of a body, the language of each so far, and the pair."""

    body: str
    words: Sequence[Word]
    states: list[int]
    pair: tuple[int, int]
    #: by word, how many nats it speaks for the second language of the pair rather than the first
    said: list[float]

    def size(self, begin: int, end: int, state: int | None = None) -> int:
        """How many letters the words have that tell a language, or those of one language."""
        return sum(
            w.end - w.start
            for w, s in zip(self.words[begin:end], self.states[begin:end], strict=True)
            if not w.silent and (state is None or s == state)
        )

    def lead(self, begin: int, end: int) -> float:
        """How many nats the words speak for the second language of the pair rather than the first."""
        return sum(self.said[begin:end])

    def own(self, begin: int, end: int) -> int:
        """The language that the words speak, where those with capitals, which may be names, count for little."""
        total = self.said[begin] if begin < end else 0.0
        for i in range(begin + 1, end):
            total += self.said[i] * (_CAPITAL if self.body[self.words[i].start].isupper() else 1.0)
        return self.pair[total > 0]

    def text(self, i: int) -> str:
        return self.body[self.words[i].start : self.words[i].end].lower()


def settle(body: str, words: Sequence[Word], states: list[int], pair: tuple[int, int]) -> list[int]:
    """``states`` (each word's language) with what is borrowed given to the language that borrows it; in place."""
    first, second = pair
    caption = _Caption(body, words, states, pair, [(w.scores[second] - w.scores[first]) * w.weight for w in words])
    _framed(caption)
    if not (first in states and second in states):
        return states
    tabled = "=" in body
    stops: set[int] = set()
    lines = [0]
    for i in range(1, len(words)):
        cost = price(body[words[i - 1].end : words[i].start])
        if (
            words[i].barred
            or words[i].price < _FREE
            or (cost < BRACKET and cost not in _STOPS)
            or (tabled and cost == COMMA)
        ):
            lines.append(i)
        elif cost in _STOPS:
            stops.add(i)
    everywhere = {state: states.count(state) for state in pair}
    for begin, end in pairwise([*lines, len(words)]):
        own = set(states[begin:end])
        if not (first in own and second in own):
            continue
        ends = [begin, *(i for i in range(begin + 1, end) if i in stops), end]
        for start, stop in pairwise(ends):
            _sentence(caption, start, stop, (begin, end))
        _exclaimed(caption, ends, everywhere)
    return states


def _framed(caption: _Caption) -> None:
    """Give a sentence to the language it begins and ends in, where only words between speak the other: it quotes them.

    «The Jardin des Plantes in spring»: the name outweighs the words around it.
    """
    words, states, said = caption.words, caption.states, caption.said
    starts = [0, *(i for i in range(1, len(words)) if words[i].price <= EMOJI), len(words)]
    for begin, end in pairwise(starts):
        state = states[begin]
        if end - begin < _FRAMED or state not in caption.pair or states[begin:end].count(state) != end - begin:
            continue
        sign = -1.0 if state == caption.pair[1] else 1.0
        if (
            max(said[begin] * sign, said[begin + 1] * sign) < _EDGE
            or max(sign * s for s in said[end - 3 : end]) < _EDGE
        ):
            continue
        if _edge(caption, range(begin, end), sign) and _edge(caption, range(end - 1, begin - 1, -1), sign):
            states[begin:end] = [caption.pair[state == caption.pair[0]]] * (end - begin)


def _edge(caption: _Caption, way: range, sign: float) -> bool:
    """Whether the first words on this way are a phrase of the other language, with one of its common words."""
    total = 0.0
    common = False
    for i in way[: len(way) // 2]:
        total += caption.said[i] * sign
        if total < 0:
            return False
        common = common or (caption.said[i] * sign > _EDGE and is_frequent(caption.text(i)))
        if common and total > _EDGE:
            return True
    return False


def _sentence(caption: _Caption, begin: int, end: int, line: tuple[int, int]) -> None:
    """Give the sentence ``words[begin:end]`` to one language, unless it is a text and its translation."""
    states, pair = caption.states, caption.pair
    turns = [i for i in range(begin + 1, end) if states[i] != states[i - 1]]
    if not turns or not set(states[begin:end]) <= set(pair):
        return
    turn, misfit = _best_turn(caption, begin, turns, end)
    if misfit <= _MISFIT and _translates(caption, begin, turn, end, line):
        first = pair[caption.lead(begin, turn) > caption.lead(turn, end)]
        states[begin:end] = [first] * (turn - begin) + [pair[first == pair[0]]] * (end - turn)
    else:
        states[begin:end] = [caption.own(begin, end)] * (end - begin)


def _best_turn(caption: _Caption, begin: int, turns: Sequence[int], end: int) -> tuple[int, float]:
    """The one place to change language in ``words[begin:end]``, and by how many nats that fits worse."""
    if len(turns) == 1:
        turn = turns[0]
        # «course» is a word of both: a text that ends with an article has one word more
        small = caption.body[caption.words[turn].start].islower()
        late = small and caption.text(turn - 1) in LEADING_ON and turn + 1 < end and abs(caption.said[turn]) < _EDGE
        return turn + late, 0.0
    best = sum(abs(caption.lead(a, b)) for a, b in pairwise([begin, *turns, end]))
    fit, turn = max((abs(caption.lead(turn, end) - caption.lead(begin, turn)), turn) for turn in turns)
    return turn, best - fit


def _translates(caption: _Caption, begin: int, turn: int, end: int, line: tuple[int, int]) -> bool:
    """Whether the words before ``turn`` may be a text and those from it on its translation."""
    one, other = caption.size(begin, turn), caption.size(turn, end)
    first = caption.pair[caption.lead(begin, turn) > caption.lead(turn, end)]
    # the rest of the line, where it is all in one language
    rest = [caption.size(*line, state) - caption.size(begin, end, state) for state in caption.pair]
    if not min(rest):
        more = rest if first == caption.pair[0] else rest[::-1]
        one, other = one + more[0], other + more[1]
    less = max(1, min(one, other))
    if max(one, other) > (_LONGER + _FEW / less) * less:
        return False
    if caption.text(turn) in GOING_ON:
        return False
    gap = caption.body[caption.words[turn - 1].end : caption.words[turn].start]
    cost = price(gap)
    start = caption.words[begin].start
    behind = caption.words[end - 1].end
    quoted = _OPENING & set(gap) and _CLOSING & set(caption.body[behind : behind + 3])
    if cost == COLON and quoted and not (start and caption.body[start - 1] in _OPENING):
        return False  # «Le mot de la fin : “…”»
    if cost == COLON and end - begin > _FEW_WORDS:
        # «Sa devise : no pain, no gain»: a translation would begin as the text does
        return caption.body[caption.words[begin].start].isupper() == caption.body[caption.words[turn].start].isupper()
    if cost < SPACE:
        return True
    return caption.text(turn - 1) not in LEADING_ON and begin == line[0]


def _exclaimed(caption: _Caption, ends: Sequence[int], everywhere: dict[int, int]) -> None:
    """Give a short sentence in a line to the language of its line, as in «Voilà! The greenhouse is finished»."""
    states, words = caption.states, caption.words
    sizes = {state: caption.size(ends[0], ends[-1], state) for state in caption.pair}
    less, more = sorted(caption.pair, key=sizes.__getitem__)
    short = [i for i in range(ends[0], ends[-1]) if states[i] == less]
    if (
        0 < len(short) <= _EXCLAIMED
        and len(short) == everywhere[less]
        and states[ends[0] : ends[-1]].count(more) > _EXCLAIMED
        and sizes[more] > _SHORTER * sizes[less]
        and caption.body[words[short[0]].start - 1 : words[short[0]].start] not in ("(", "[")
    ):
        for i in short:
            states[i] = more
