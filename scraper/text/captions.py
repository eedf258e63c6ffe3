"""One body of text cut into its French, its English and what is neither; pure, deterministic, total.

How: what is no running text is set aside (`tokens`), each word is weighed for each language (`tables`, `evidence`) and
each place for a change of it (`layout`), the cheapest reading of the whole row is found (`decode`), and the answer
is slices of the original (`pieces`), never a rewrite; `sureness` tells how far it can be trusted.
What a part is made of: running text with its own punctuation and the hashtags within its sentences; never a separator,
a label, a flag, a block of hashtags, a link, a credit line, a file number or a date at an edge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from scraper.model import Lang, Segment, Split
from scraper.text.accents import compose
from scraper.text.decode import EMOJI, NEWLINE, THIRD, pair_path, path
from scraper.text.evidence import Word, weigh
from scraper.text.layout import lay_out
from scraper.text.pieces import Piece, bounds, pieces_in, totals
from scraper.text.sureness import sureness
from scraper.text.tables import ALIEN, LANGUAGES, PAIR, is_common
from scraper.text.turns import prices
from scraper.text.worth import revalue

#: a longer body is read a window at a time, so that memory is bounded by the window
WINDOW = 20_000

#: under this confidence a person should look
REVIEW_BELOW = 0.9

#: nats by which a third language must beat French and English over a stretch to be thought of, and to need no
#: common word of its own there
_THIRD_MARGIN, _THIRD_SURE = 3.0, 5.0
#: sums may differ by so much by the order in which they were added up
_ROUNDING = 1e-6
#: a sentence within a line is thought to be of a third language from so many words on
_SENTENCE = 3
#: at most so many words of another language within a sentence are borrowed or quoted, and are words of it
_BORROWED = 8
#: with less than this between French and English in a whole caption nobody can tell
_UNDECIDED = 0.3
_NOBODY_KNOWS = ALIEN
#: spaces that make no difference
_SPACES = "\u00a0\u202f\u2009"
#: the languages from here on are not written in Latin letters
_OTHER_SCRIPT = LANGUAGES.index("ru")


class Span(NamedTuple):
    """``body[start:end]``, and the code of its language, ``other`` or ``none``."""

    lang: str
    text: str
    start: int
    end: int


def _states(words: Sequence[Word], pair: tuple[int, int], thirds: Sequence[int]) -> list[int]:
    """The language of each word, as an index into the tables' languages."""
    prices = [word.price for word in words]
    first, second = pair
    if not thirds:
        lead = [(word.scores[second] - word.scores[first]) * word.weight for word in words]
        if abs(sum(lead)) < _UNDECIDED and max(map(abs, lead)) < 1.0:
            return [_NOBODY_KNOWS] * len(words)
        return [pair[s] for s in pair_path(lead, prices)]
    states = (*pair, *thirds)
    scores = [[word.scores[s] * word.weight for s in states] for word in words]
    extra = [0.0, 0.0, *(THIRD for _ in thirds)]
    return [states[s] for s in path(scores, prices, extra)]


def _thirds(body: str, words: Sequence[Word], pair: tuple[int, int]) -> list[int]:
    """The languages, other than the pair, that explain some stretch of ``words`` better than the pair does."""
    found: set[int] = set()
    for first, after, sentence in _doubtful(words, pair):
        third = _judge(body, words[first:after], pair, sentence=sentence)
        if third is not None:
            found.add(third)
    return sorted(found)


def _doubtful(words: Sequence[Word], pair: tuple[int, int]) -> Iterator[tuple[int, int, bool]]:
    """The stretches (from, up to, whether it is a sentence within a line) in which a third language may be."""
    # by word, what all words before it say for each language of the pair, and the most they say for any other
    ahead = [list(accumulate([w.scores[s] * w.weight for w in words], initial=0.0)) for s in pair]
    most = [w.beyond * w.weight if pair == PAIR else 0.0 for w in words]
    beyond = list(accumulate(most, initial=0.0))
    leaning = list(accumulate([word.leans is not None for word in words], initial=0))
    for first, after, sentence in _stretches(words):
        margin = beyond[after] - beyond[first] - max(sums[after] - sums[first] for sums in ahead)
        if margin > _THIRD_MARGIN - _ROUNDING or leaning[after] > leaning[first]:
            yield first, after, sentence


def _stretches(words: Sequence[Word]) -> Iterator[tuple[int, int, bool]]:
    """The lines of ``words``, and the sentences within them: from, up to, whether it is a sentence."""
    first = begin = 0
    for i, word in enumerate(words):
        if word.price <= EMOJI and i:
            if word.price <= NEWLINE + 1.0 and not 0.0 < word.price < 1.0:
                yield first, i, False
                if begin != first:
                    yield begin, i, True
                first = i
            else:
                yield begin, i, True
            begin = i
    yield first, len(words), False
    if begin != first:
        yield begin, len(words), True


def _judge(body: str, words: Sequence[Word], pair: tuple[int, int], *, sentence: bool) -> int | None:
    """The language, other than the pair, that explains ``words`` better than the pair does; None if there is none."""
    total = totals(words)
    best = max(total)
    third = total.index(best)
    if sentence and len(words) < _SENTENCE and third < _OTHER_SCRIPT:
        return None
    margin = best - max(total[s] for s in pair)
    # the letters of two or three words prove nothing, unless they are of another script; a common word does
    if margin > _THIRD_MARGIN and (
        margin > _THIRD_SURE
        or third >= _OTHER_SCRIPT
        or any(is_common(body[w.start : w.end], LANGUAGES[third], pair) for w in words)
    ):
        return third
    return None


def pieces_of(body: str, pair: tuple[int, int] = PAIR) -> tuple[list[Word], list[Piece]]:
    """The running words of ``body`` and the pieces they make."""
    body = quiet(body)
    words = weigh(body)
    lay_out(body, words)
    if all(word.silent for word in words):
        return words, []
    thirds = _thirds(body, words, pair)
    costs = prices(body, words, pair, thirds=bool(thirds))
    revalue(body, words)
    for word, cost in zip(words, costs, strict=True):
        word.price = cost
    return words, pieces_in(body, words, _states(words, pair, thirds))


def quiet(body: str) -> str:
    """``body`` with plain spaces, and in small letters where it is all in capitals, which say nothing then.

    One word in capitals may be an acronym, and stays.
    """
    if not body.isascii():
        for space in _SPACES:
            body = body.replace(space, " ")
    if body.isupper() and len(body.split()) > 1:
        small = body.lower()
        if len(small) == len(body):
            return small
    return body


@dataclass(frozen=True, slots=True)
class Reading:
    """How one window of a body was read: what ``split`` and its explanation both stand on.

    ``text`` is the window with its accents composed, and ``places`` says where each of its characters, and its end, is
    in the body; ``pair`` are the two languages, as places in the tables.
    """

    body: str
    text: str
    places: Sequence[int]
    words: Sequence[Word]
    pieces: Sequence[Piece]
    pair: tuple[int, int]

    @property
    def sure(self) -> float:
        """The probability that it is right."""
        return sureness(self.words, self.pieces, self.pair)

    def spans(self) -> Iterator[Span]:
        """The spans of the body that the pieces make, one for each, and those between them."""
        position = 0
        for piece, (start, end) in zip(self.pieces, bounds(self.text, self.words, self.pieces), strict=True):
            if start > position:
                yield self._span("none", position, start)
            yield self._span(LANGUAGES[piece.state] if piece.state in self.pair else "other", start, end)
            position = end
        if position < len(self.text):
            yield self._span("none", position, len(self.text))

    def _span(self, lang: str, start: int, end: int) -> Span:
        start, end = self.places[start], self.places[end]
        return Span(lang, self.body[start:end], start, end)


def read(body: str, pair: tuple[str, str] = ("fr", "en")) -> Iterator[Reading]:
    """The readings of ``body``, a window at a time; see ``cut``."""
    for language in pair:
        if language not in LANGUAGES:
            raise ValueError(f"there are no tables for {language!r}, only for {', '.join(LANGUAGES)}")
    first, second = map(LANGUAGES.index, pair)
    for start, window in _windows_of(body):
        text, places = compose(window, start)
        words, pieces = pieces_of(text, (first, second))
        yield Reading(body, text, places, words, pieces, (first, second))


def _windows_of(body: str) -> Iterator[tuple[int, str]]:
    """Stretches of at most WINDOW code points with their starts, cut at a blank line, line or space if there is one."""
    start = 0
    while len(body) - start > WINDOW:
        for mark in ("\n\n", "\n", " "):
            cut = body.rfind(mark, start + WINDOW // 2, start + WINDOW)
            if cut >= 0:
                cut += len(mark)
                break
        else:
            cut = start + WINDOW
        yield start, body[start:cut]
        start = cut
    yield start, body[start:]


def cut(body: str, pair: tuple[str, str]) -> tuple[Span, ...]:
    """``body`` cut for any two of the tables' languages, as ``split`` cuts it for French and English.

    Args:
        body: plain text (markup already removed).
        pair: two of ``tables.LANGUAGES``.

    Returns:
        Spans that concatenate to the body, of a language of the pair, ``other`` or ``none``.

    Raises:
        ValueError: a language is none of the tables'.
    """
    return tuple(span for reading in read(body, pair) for span in reading.spans())


def split(body: str) -> Split:
    """``body`` cut into segments that concatenate to it exactly; any string will do.

    Args:
        body: plain text (markup already removed).

    Returns:
        Segments labelled French, English, a third language or undecided (``other``), or no running text
        (``none``); how likely all of it is right; whether a person should look.
    """
    segments: list[Segment] = []
    sure = 1.0
    for reading in read(body):
        segments += (Segment(lang=Lang(s.lang), text=s.text, start=s.start, end=s.end) for s in reading.spans())
        sure = min(sure, reading.sure)
    return Split(segments=tuple(segments), confidence=round(sure, 4), needs_review=sure < REVIEW_BELOW)
