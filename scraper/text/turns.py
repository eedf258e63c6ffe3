"""What speaks for and against a change of language at a place in a caption, and what the change costs, as fitted.

A text and its translation stand side by side: of about one length, alone on both sides of what parts them, with the
same names and numbers, beginning alike. The more of this is so, the cheaper is the change. The weights are in
``reading.json`` (benchmarks/tuning/reading.py).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import accumulate, chain, pairwise, starmap
from math import log

from scraper.text import decode
from scraper.text.decode import price
from scraper.text.evidence import Word
from scraper.text.lexicon import GOING_ON, LEADING_ON
from scraper.text.likeness import answers_of
from scraper.text.tables import LANGUAGES
from scraper.text.worth import fitted

#: by price the name of what stands between two words, and how deep a cut that is: a paragraph, a line, a sentence
_SIGNS = {
    decode.BLANK_LINE: ("blank line", 3),
    decode.SEPARATOR: ("separator", 3),
    decode.QUOTES: ("quotes", 3),
    decode.NEWLINE: ("newline", 2),
    decode.SENTENCE_END: ("stop", 1),
    decode.EMOJI: ("emoji or dash", 1),
    decode.COLON: ("colon", 0),
    decode.QUOTE: ("quote", 0),
    decode.BRACKET: ("bracket", 0),
    decode.COMMA: ("comma", 0),
    decode.TIGHT: ("tight", 0),
}
_SPACE, _JOINED = ("space", 0), ("joined", 0)
_LABEL, _BARRED = ("label", 3), ("block", 3)
_LINE = 2
#: the price of a change where none can be
NEVER = 40.0
#: nats that a word must say to lean to a side, and one with a capital
_LEANS, _SURELY = 0.5, 5.0
#: nats of a language in a line that is not of it, where the line has more than a few words
_HARDLY, _FEW = 1.0, 12
#: letters that are added to both sides before they are compared
_SLACK = 4
#: sides whose lengths differ by less than this (a logarithm) are even; one is never counted as more uneven than that
_EVEN, _UNEVEN = 0.3, 2.5
#: sides that differ by less than this may be halves of a caption, one of so few words beside a longer one a mere saying
_HALVES, _SAYING = 0.8, 6
#: no word counts for more nats than this where the languages of a caption are weighed against each other
_CAPPED = 4.0
_STOPS = frozenset("!?…")
_BULLETS = frozenset(("-", "–", "—", "•", "*", "·", "▪️", "▪", "►", "→", "✅", "–"))
#: so many words on each side are compared for what they have in common, where the sides are no more uneven than this
_COMPARED, _ALIKE = 30, 1.2
Traits = dict[str, float]
#: what may answer the words of a caption, all in a row, and where each word's begins in it, with the end
_Answers = tuple[list[str], list[int]]


class _Row:
    """The words of a caption with what the traits of its places are made from."""

    def __init__(self, body: str, words: Sequence[Word], pair: tuple[int, int], *, thirds: bool) -> None:
        self.body, self.words, self.pair, self.thirds = body, words, pair, thirds
        count = len(words)
        self.signs = [("start", 4), *starmap(self._sign, pairwise(words))]
        self.letters = [0, *accumulate([0 if word.silent else word.end - word.start for word in words])]
        first, second = pair
        said = [(w.scores[second] - w.scores[first]) * w.weight for w in words]
        #: nats so far for the first language, and for the second
        self.firsts = [0.0, *accumulate([-nats if nats < 0.0 else 0.0 for nats in said])]
        self.seconds = [0.0, *accumulate([nats if nats > 0.0 else 0.0 for nats in said])]
        #: how many times more the one language says than the other in the whole caption, as a logarithm
        self.uneven = _unevenness(said)
        # what may be a name leans to no side: where it stands the change may be before it or behind it
        said = [
            0.0 if -_SURELY < nats < _SURELY and body[word.start].isupper() else nats
            for nats, word in zip(said, words, strict=True)
        ]
        self.before, self.behind = _leanings(said), _leanings(said[::-1])[::-1]
        #: the places with more than a space; of these by depth those that are cut so deep or deeper, with both ends
        self.marked = [i for i, sign in enumerate(self.signs) if sign is not _SPACE]
        self.cuts = [[0, *(i for i in self.marked if i and self.signs[i][1] >= depth), count] for depth in range(1, 5)]
        self.places: dict[str | int, list[int]] = defaultdict(list)
        for i in self.marked:
            name, depth = self.signs[i]
            self.places[depth or name].append(i)

    def _sign(self, before: Word, word: Word) -> tuple[str, int]:
        if word.price <= 0.0:
            return _LABEL
        if word.barred:
            return _BARRED
        if word.start == before.end + 1 and self.body[before.end] == " ":
            return _SPACE
        gap = self.body[before.end : word.start]
        if gap == "." and before.end - before.start == 1:
            return _JOINED
        cost = price(gap)
        if cost in (decode.COMMA, decode.COLON) and not _STOPS.isdisjoint(gap):
            return _SIGNS[decode.SENTENCE_END]  # «Bonne nuit !, Good night!»
        if cost == decode.TIGHT and (word.silent or before.silent):
            return _JOINED  # «24/7»
        return _SIGNS.get(cost, _JOINED if cost >= decode.JOINED else _SPACE)

    def may_turn(self, i: int) -> bool:
        """Whether a change can be here, where more than a space is: not within a compound.

        Nor within a line that hardly a word of the other language is in, or before a number that ends its line: it goes
        with what it stands behind.
        """
        name, depth = self.signs[i]
        if name == "joined" or depth >= _LINE:
            return name != "joined"
        if self.words[i].silent and (i + 1 == len(self.words) or self.signs[i + 1][1] >= _LINE):
            return False
        begin, end = self.around(i, _LINE)
        return (
            end - begin <= _FEW
            or self.thirds
            or min(self.firsts[end] - self.firsts[begin], self.seconds[end] - self.seconds[begin]) > _HARDLY
        )

    def around(self, i: int, depth: int) -> tuple[int, int]:
        """The first word of the unit of this depth before place ``i``, and the end of the one behind it."""
        cuts = self.cuts[depth - 1]
        at = bisect_left(cuts, i)
        return cuts[max(at - 1, 0)], cuts[at + 1 if cuts[at] == i else at]

    def alike(self, depth: int, name: str, begin: int, end: int) -> int:
        """How many places like it there are between two: cuts of one depth, or the same sign within sentences."""
        places = self.places[name if depth == 0 else depth]
        return bisect_left(places, end) - bisect_right(places, begin)

    def length(self, begin: int, end: int) -> int:
        """How many letters the words have that tell a language."""
        return self.letters[end] - self.letters[begin]

    def longer(self, begin: int, i: int, end: int) -> float:
        """How many times longer the text behind ``i`` is than the one before it, as a logarithm."""
        return log((self.length(i, end) + _SLACK) / (self.length(begin, i) + _SLACK))

    def exclaims(self, i: int) -> bool:
        """Whether an exclamation ends with word ``i``."""
        return self.body[self.words[i].end : self.words[i].end + 4].lstrip()[:1] in ("!", "…")

    def is_item(self, i: int) -> bool:
        """Whether the line that begins at ``i`` is an item of a list."""
        gap = self.body[self.words[i - 1].end : self.words[i].start]
        return gap[gap.rfind("\n") + 1 :].strip() in _BULLETS

    @cached_property
    def answers(self) -> tuple[_Answers, _Answers]:
        """What may answer the words, were they of the first language; and were they of the second."""
        codes = LANGUAGES[self.pair[0]], LANGUAGES[self.pair[1]]
        both = [_answers(self.body[word.start : word.end], *codes) for word in self.words]
        return _in_a_row([one for one, _ in both]), _in_a_row([other for _, other in both])

    def text(self, i: int) -> str:
        return self.body[self.words[i].start : self.words[i].end]


def _unevenness(said: Sequence[float]) -> float:
    """How many times more than about equal the words say for the one language than for the other, as a logarithm."""
    first = sum([min(-nats, _CAPPED) for nats in said if nats < 0.0])
    second = sum([min(nats, _CAPPED) for nats in said if nats > 0.0])
    return max(min(abs(log((first + _CAPPED) / (second + _CAPPED))), _UNEVEN) - _HALVES, 0.0)


def _in_a_row(groups: Sequence[Sequence[str]]) -> _Answers:
    return list(chain.from_iterable(groups)), [0, *accumulate(map(len, groups))]


def _leanings(said: Sequence[float]) -> list[int]:
    """By word, the side (1 or -1) of the last word up to it that leans to one; 0 if there was none."""
    found, leaning = [], 0
    for nats in said:
        if nats > _LEANS:
            leaning = 1
        elif nats < -_LEANS:
            leaning = -1
        found.append(leaning)
    return found


def traits(body: str, words: Sequence[Word], pair: tuple[int, int], *, thirds: bool = False) -> list[Traits | None]:
    """By word, what speaks for and against a change of language just before it; None where there can be none.

    Args:
        body: the caption.
        words: its words, as they were weighed and laid out.
        pair: the two languages, as places in the tables.
        thirds: whether a change may be to a third language, too.
    """
    row = _Row(body, words, pair, thirds=thirds)
    found: list[Traits | None] = [None] * len(words)
    for i in row.marked[1:]:
        if row.may_turn(i):
            found[i] = _traits(row, i)
    for i, (before, behind) in enumerate(zip(row.before, row.behind[1:], strict=False), 1):
        if before * behind < 0 and row.signs[i] is _SPACE:
            found[i] = _traits(row, i)
    return found


def _traits(row: _Row, i: int) -> Traits:
    name, depth = row.signs[i]
    found = {name: 1.0}
    word = row.words[i]
    if depth < 3 or name not in ("label", "block"):
        moved = word.price - price(row.body[row.words[i - 1].end : word.start])
        found["laid out"] = max(-6.0, min(10.0, moved)) / 5
    begin, end = row.around(i, max(depth, 1))
    outer_begin, outer_end = row.around(i, min(4, max(depth, 1) + 1))
    inner, outer = row.longer(begin, i, end), row.longer(outer_begin, i, outer_end)
    longer = inner if abs(inner) < abs(outer) else outer
    found[f"{depth}, {'first' if longer > 0 else 'second'} is shorter"] = min(abs(longer), _UNEVEN)
    if abs(longer) < _EVEN:
        found[f"{depth}, even"] = 1.0
    found[f"{depth}, short"] = 1 / (1 + min(row.length(begin, i), row.length(i, end)) / 6)
    if name != "space":
        alike = row.alike(depth, name, outer_begin if depth else begin, outer_end if depth else end)
        kind = ("only and even" if abs(longer) < 1 else "only") if alike == 1 else "few" if alike <= 3 else "many"
        found[f"{depth}, {kind}"] = 1.0
    whole = outer_begin == 0 and outer_end == len(row.words)
    if whole:
        found[f"{depth}, whole"] = 1.0
    if name not in ("label", "block"):
        found[f"{depth}, one-sided"] = row.uneven
        if depth == 0:
            found[f"{name}, uneven"] = min(abs(longer), _UNEVEN)
            if whole:
                found[f"{name}, whole"] = 1.0
                if abs(longer) < _HALVES:
                    found[f"{name}, halves"] = 1.0
        elif abs(longer) > _HALVES:
            short = (begin, i) if longer > 0 else (i, end)
            if short[1] - short[0] <= _SAYING:
                found[f"{depth}, aside"] = 1.0
                if row.exclaims(short[1] - 1):
                    found["exclaimed"] = 1.0
    if name == "colon":
        commas = row.body.count(",", word.start, row.words[end - 1].end)
        found["colon, list"] = float(min(commas, 3))
    if depth == _LINE and row.is_item(i):
        found["item"] = 1.0
    if depth == 0:
        found["sentence"] = min(log(1 + end - begin), 4.0)
        if row.text(i - 1).lower() in LEADING_ON:
            found["led to"] = 1.0
        if row.text(i).lower() in GOING_ON:
            found["goes on"] = 1.0
        capitals = f"capitals {row.text(begin)[0].isupper():d}{row.text(i)[0].isupper():d}"
        found[capitals] = 1.0
        if name in ("colon", "comma"):
            found[f"{name}, {capitals}"] = 1.0
    if row.words[i - 1].silent or word.silent:
        found["number"] = 1.0
    if depth < _LINE and abs(longer) < _ALIKE:
        shared = _shared(row, max(outer_begin, i - _COMPARED), i, min(outer_end, i + _COMPARED))
        if shared:
            found[f"{depth}, shared"] = shared
            found[f"{depth}, any shared"] = 1.0
    return found


def _shared(row: _Row, begin: int, i: int, end: int) -> float:
    """How much of the shorter text the other answers: words alike, names, numbers, words with one meaning."""
    best = 0.0
    first, second = row.answers
    for (before, starts), (behind, others) in ((first, second), (second, first)):
        left = set(before[starts[begin] : starts[i]])
        right = set(behind[others[i] : others[end]])
        if left and right:
            best = max(best, len(left & right) / max(2, min(len(left), len(right))))
    return best


@lru_cache(maxsize=4_096)
def _answers(word: str, first: str, second: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return answers_of(word, first, second)


def prices(body: str, words: Sequence[Word], pair: tuple[int, int], *, thirds: bool) -> list[float]:
    """What a change of language just before each word costs, in nats; the arguments are those of ``traits``."""
    weights = fitted()
    return [
        NEVER if found is None else sum([weights.get(trait, 0.0) * value for trait, value in found.items()])
        for found in traits(body, words, pair, thirds=thirds)
    ]
