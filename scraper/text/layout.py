"""What the layout of a caption says about where its language changes: its lines, titles and quotations.

It moves the prices that `evidence` gave by what stands between two words, which sees no further than those two.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from scraper.text.decode import BLANK_LINE, BRACKET, CITED, EMOJI, NEWLINE, QUOTE, SENTENCE_END, SEPARATOR
from scraper.text.evidence import Word
from scraper.text.quotations import Quotation, find_quotations
from scraper.text.tables import LANGUAGES

#: nats on top of a change behind a short sentence at the start of a line: it belongs to its line, not to the one above
AFTER_LEAD = 3.0
_LEAD = 2
#: the same behind a title: a short line without a full stop, above a longer one
AFTER_TITLE = 3.0
_TITLE = 6
#: nats on top of a change within a sentence of more than so many words
WITHIN_LONG = 7.0
_SHORT = 6
#: what may stand between the words of a pair, and how many words such a line has at most
_PAIRING = frozenset(("–", "—", "-", ":", "=", "/", "|"))
_ROW = 12
#: the same where a caption is nothing but one pair, and what a change costs there
_COUPLING = {**dict.fromkeys(("–", "—", "-", "=", "/", "|", "→", "//", "||"), 0.5), ":": 2.0, ";": 2.0}
_TIGHT = ("/", "|", "//", "||")
#: nats for a change between the two, and between one line and the next
PAIRED_WORDS = 0.5
#: nats on top of a change of language within a quotation: it is a unit; less where it has lines
WITHIN_UNIT, WITHIN_PARTED = 6.0, 3.0
#: a quotation of at most so many words, at an end of a sentence or in its midst, says little of the sentence's
#: language; what each of its words still counts
_PHRASE, _CLAUSE = 12, 24
_QUOTED = 0.15
#: nats for each where « » and other marks follow on one another: that is French, then English, or the reverse
_PAIRED = 2.5

#: so many words in capitals that follow on one another are no acronyms
_SHOUT = 3

_STOPS = frozenset(".!?…")

_FR, _EN = LANGUAGES.index("fr"), LANGUAGES.index("en")


def lay_out(body: str, words: Sequence[Word]) -> None:
    """Change the prices, and for quotations the weights, of the ``words`` of ``body`` by how it is laid out."""
    _shouts(body, words)
    _lines(body, words)
    _sentences(words)
    # without capitals nothing tells whether a sentence goes on behind a quotation that ends with a stop
    small = body.islower()
    last: Quotation | None = None
    first = after = 0
    for quotation in find_quotations(body):
        before, first = first, after
        while first < len(words) and words[first].start < quotation.start:
            first += 1
        after = first
        while after < len(words) and words[after].start < quotation.end:
            after += 1
        if first == after:
            last = None
            continue
        if small and body[quotation.end - 3 : quotation.end - 1].rstrip()[-1:] in _STOPS:
            quotation.goes_on = False
        _quotation(body, quotation, words, first, after)
        if last is not None and quotation.follows and (last.mark == "«") != (quotation.mark == "«"):
            words[first].price = min(words[first].price, BLANK_LINE)
            for at, mark in ((before, last.mark), (first, quotation.mark)):
                words[at].lean(_FR if mark == "«" else _EN, _PAIRED)
        last = quotation


def _shouts(body: str, words: Sequence[Word]) -> None:
    """Let words in capitals count in full where several follow on one another: a title, no acronyms."""
    first = 0
    for i in range(len(words) + 1):
        if i < len(words) and (words[i].silent or body[words[i].start : words[i].end].isupper()):
            continue
        if i - first >= _SHOUT:
            for word in words[first:i]:
                word.weight = max(word.weight, 1.0)
        first = i + 1


def _lines(body: str, words: Sequence[Word]) -> None:
    """Let the first words of a line, and a title, go with what they stand before."""
    starts = [i for i, word in enumerate(words) if word.price < SENTENCE_END and i]
    _glossary(body, words, [i for i in starts if "\n" in body[words[i - 1].end : words[i].start]])
    for k, start in enumerate(starts):
        for word in words[start + 1 : start + 1 + _LEAD]:
            if word.price == SENTENCE_END:
                word.price += AFTER_LEAD
        if k + 1 < len(starts):
            under = starts[k + 1]
            end = starts[k + 2] if k + 2 < len(starts) else len(words)
            if under - start <= _TITLE and under - start < end - under and _is_title(body, words, start, under):
                words[under].price += AFTER_TITLE


def _sentences(words: Sequence[Word]) -> None:
    """Let a change within a long sentence be dear: a phrase there is borrowed, between short ones it is an answer."""
    starts = [i for i, word in enumerate(words) if word.price <= EMOJI or not i]
    for start, after in pairwise([*starts, len(words)]):
        if after - start > _SHORT:
            for word in words[start + 1 : after]:
                if word.price >= BRACKET:
                    word.price += WITHIN_LONG


def _glossary(body: str, words: Sequence[Word], starts: Sequence[int]) -> None:
    """Let lines that are all «one – other» be pairs: a change of language is likely at each sign."""
    rows = [words[a:b] for a, b in zip([0, *starts], [*starts, len(words)], strict=True)]
    if len(rows) == 1 and len(words) <= _ROW:
        _couple(body, words)
        return
    pairs: list[Word] = []
    for row in rows:
        signs = [w for before, w in pairwise(row) if body[before.end : w.start].strip() in _PAIRING]
        if len(signs) == 1 and len(row) <= _ROW:
            pairs += signs
    if len(pairs) > 1 and len(pairs) + 1 >= len(rows):
        for word in (*pairs, *(row[0] for row in rows[1:])):
            word.price = min(word.price, PAIRED_WORDS)


def _couple(body: str, words: Sequence[Word]) -> None:
    """Let a caption that is nothing but «one / other» be a pair where its sign parts two likenesses in length."""
    signs = [
        (w, sign)
        for before, w in pairwise(words)
        if (sign := body[before.end : w.start].strip()) in _COUPLING
        and (sign in _TIGHT or len(sign) < w.start - before.end)
    ]
    if len(signs) == 1 and all(word.listed for word in words):
        word, sign = signs[0]
        word.price = min(word.price, _COUPLING[sign])


def _is_title(body: str, words: Sequence[Word], start: int, under: int) -> bool:
    """Whether the words from ``start`` up to ``under`` are a line of their own, below a sentence, without a stop."""
    above = body[words[start - 1].end : words[start].start]
    below = body[words[under - 1].end : words[under].start]
    return (
        below.isspace()
        and "\n" in below
        and "\n" in above
        and any(stop in above for stop in ".!?…")
        and body[words[under].start].isupper()
    )


def _quotation(body: str, quotation: Quotation, words: Sequence[Word], first: int, after: int) -> None:
    """Let ``words[first:after]`` be one unit, or a phrase of the sentence that quotes them."""
    parted = False
    for word in words[first + 1 : after]:
        if word.price > NEWLINE:
            word.price += WITHIN_UNIT
            continue
        parted = True
        # an explicit label costs nothing wherever it stands, and a lone «/» is there to part
        if word.price and word.price != SEPARATOR:
            word.price += WITHIN_PARTED
    following = words[after] if after < len(words) else None
    if quotation.alone:
        if quotation.closed and following is not None:
            following.price = min(following.price, SENTENCE_END)
    elif not parted and not words[first].barred:
        cost = CITED
        if quotation.goes_on or after - first <= _PHRASE:
            cost = QUOTE
            for word in words[first:after]:
                word.weight *= _QUOTED
        if quotation.leads:
            words[first].price = cost
        same_line = following is not None and "\n" not in body[quotation.end : following.start]
        if quotation.goes_on and following is not None and same_line and not following.barred:
            following.price = cost
