"""One body of text cut into its French, its English and what is neither; pure, deterministic, total.

How: what is no running text is set aside (`tokens`), each word is weighed for each language (`tables`, `evidence`) and
each place for a change of it (`layout`), the cheapest reading of the whole row is found (`decode`), and the answer
is slices of the original (`pieces`), never a rewrite; `sureness` tells how far it can be trusted.
What a part is made of: running text with its own punctuation and the hashtags within its sentences; never a separator,
a label, a flag, a block of hashtags, a link, a credit line, a file number or a date at an edge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from scraper.model import Lang, Segment, Split
from scraper.text.decode import BRACKET, NEWLINE, THIRD, pair_path, path
from scraper.text.evidence import Word, weigh
from scraper.text.layout import lay_out
from scraper.text.pieces import Piece, bounds, pieces_in, totals
from scraper.text.sureness import sureness
from scraper.text.tables import ALIEN, LANGUAGES, is_common

#: a longer body is read a window at a time, so that memory is bounded by the window
WINDOW = 100_000

#: under this confidence a person should look
REVIEW_BELOW = 0.9

_FR, _EN = LANGUAGES.index("fr"), LANGUAGES.index("en")
_LANGS = {_FR: Lang.FR, _EN: Lang.EN}
#: nats by which a third language must beat French and English over a stretch to be thought of, and to need no
#: common word of its own there
_THIRD_MARGIN, _THIRD_SURE = 3.0, 6.5
#: at most so many words of another language within a sentence are borrowed or quoted, and are words of it
_BORROWED = 8
#: with less than this between French and English in a whole caption nobody can tell
_UNDECIDED = 0.3
_NOBODY_KNOWS = ALIEN
#: spaces that make no difference, one character for one
_TYPOGRAPHY = str.maketrans(dict.fromkeys("\u00a0\u202f\u2009", " "))
#: the languages from here on are not written in Latin letters
_OTHER_SCRIPT = LANGUAGES.index("ru")


def _states(body: str, words: Sequence[Word]) -> list[int]:
    """The language of each word, as an index into the tables' languages."""
    prices = [word.price for word in words]
    thirds = _thirds(body, words)
    if not thirds:
        lead = [(word.scores[_EN] - word.scores[_FR]) * word.weight for word in words]
        if abs(sum(lead)) < _UNDECIDED and max(map(abs, lead)) < 1.0:
            return [_NOBODY_KNOWS] * len(words)
        return _lent(pair_path(lead, prices), words)
    states = (_FR, _EN, *thirds)
    scores = [[word.scores[s] * word.weight for s in states] for word in words]
    extra = [0.0, 0.0, *(THIRD for _ in thirds)]
    return _lent([states[s] for s in path(scores, prices, extra)], words)


def _lent(states: list[int], words: Sequence[Word]) -> list[int]:
    """``states`` with the short stretches that a sentence begins before and ends after given to its language."""
    starts = [0, *(i for i in range(1, len(states)) if states[i] != states[i - 1]), len(states)]
    for first, after in pairwise(starts[1:-1]):
        within = min(words[first].price, words[after].price) >= BRACKET
        if within and after - first <= _BORROWED and states[first - 1] == states[after]:
            states[first:after] = [states[after]] * (after - first)
    return states


def _thirds(body: str, words: Sequence[Word]) -> list[int]:
    """The languages, other than the pair, that explain some stretch of ``words`` better than the pair does."""
    found: set[int] = set()
    first = 0
    for i, word in enumerate(words):
        if i and word.price <= NEWLINE + 1.0:
            _judge(body, words[first:i], found)
            first = i
    _judge(body, words[first:], found)
    return sorted(found)


def _judge(body: str, words: Sequence[Word], found: set[int]) -> None:
    total = totals(words)
    best = max(total)
    margin = best - max(total[_FR], total[_EN])
    if margin <= _THIRD_MARGIN:
        return
    third = total.index(best)
    # the letters of two or three words prove nothing, unless they are of another script; a common word does
    if (
        margin > _THIRD_SURE
        or third >= _OTHER_SCRIPT
        or any(is_common(body[w.start : w.end], LANGUAGES[third]) for w in words)
    ):
        found.add(third)


def segments_of(body: str, words: Sequence[Word], pieces: Sequence[Piece], at: int) -> Iterator[Segment]:
    """The segments that ``pieces`` make of ``body``, which itself begins at ``at``; one for each piece, and NONE."""
    position = 0
    for piece, (start, end) in zip(pieces, bounds(body, words, pieces), strict=True):
        if start > position:
            yield _segment(Lang.NONE, body, position, start, at)
        yield _segment(_LANGS.get(piece.state, Lang.OTHER), body, start, end, at)
        position = end
    if position < len(body):
        yield _segment(Lang.NONE, body, position, len(body), at)


def _segment(lang: Lang, body: str, start: int, end: int, at: int) -> Segment:
    return Segment(lang=lang, text=body[start:end], start=at + start, end=at + end)


def pieces_of(body: str) -> tuple[list[Word], list[Piece]]:
    """The running words of ``body`` and the pieces they make; what ``split`` and its explanation both stand on."""
    body = body.translate(_TYPOGRAPHY)
    words = weigh(body)
    lay_out(body, words)
    if all(word.silent for word in words):
        return words, []
    return words, pieces_in(body, words, _states(body, words))


def windows_of(body: str) -> Iterator[tuple[int, str]]:
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


def split(body: str) -> Split:
    """``body`` cut into segments that concatenate to it exactly; any string will do.

    Args:
        body: plain text (markup already removed).

    Returns:
        Segments labelled French, English, a third language or undecided (``other``), or no running text
        (``none``); how sure the least sure of them is; whether a person should look.
    """
    segments: list[Segment] = []
    sure = 1.0
    for start, window in windows_of(body):
        words, pieces = pieces_of(window)
        segments += segments_of(window, words, pieces, start)
        sure = min(sure, sureness(words, pieces))
    return Split(segments=tuple(segments), confidence=round(sure, 4), needs_review=sure < REVIEW_BELOW)
