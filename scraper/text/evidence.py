"""The running words of a caption, each with what it says for each language and what a change before it costs.

Capitals make a name likely, and a name says little; labels and flags speak for the words behind them; what stands
between two words gives the price. It weighs; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scraper.text.decode import BLANK_LINE, BLOCK, CAPITAL, CITED, NEWLINE, QUOTE, SENTENCE_END, SEPARATOR, SPACE, price
from scraper.text.quotations import Quotation, find_quotations
from scraper.text.tables import ALIEN, LANGUAGES, WordScore, score
from scraper.text.tokens import Kind, Token, tokenize

#: nats that an explicit label gives to the word behind it, and a flag (which mostly means a place)
LABEL, FLAG = 9.0, 0.8
#: nats for French where a space stands before «!», «?», «:», «;» or «»»: that is how it is typeset
FRENCH_SPACING = 1.0
#: nats for English where a sentence begins with «A»: in French that is an «À» without its accent
ARTICLE = 2.5
#: nats on top of a change of language within a quotation: it is a unit; less where it has lines
WITHIN_UNIT, WITHIN_PARTED = 6.0, 3.0
#: a quotation of at most so many words within a sentence says as little about it as a name
_PHRASE = 12
_QUOTED = 0.15
#: nats for each where « » and other marks follow on one another: that is French, then English, or the reverse
_PAIRED = 2.5
#: nats on top of a change behind the first words of a line: a short sentence belongs to its line, not to the one above
AFTER_LEAD = 3.0
_LEAD = 2
#: how much a word counts: an acronym, a name, a capital at a sentence's start, a hashtag within a sentence
_ACRONYM, _NAME, _INITIAL, _TAGGED = 0.12, 0.35, 0.75, 0.5

_FR, _EN = LANGUAGES.index("fr"), LANGUAGES.index("en")
_SPACED = " \u00a0\u202f"
_SILENT = WordScore((0.0,) * (ALIEN + 1), listed=False)
_CHEAPENING = frozenset((Kind.TAG, Kind.CREDIT, Kind.LINK, Kind.STAMP))
_WITHIN = frozenset((Kind.SHORTCODE, Kind.MENTION))


@dataclass(slots=True)
class Word:
    """A word of running text, ``body[start:end]``.

    ``scores`` are nats by language (the tables' order), to be multiplied by ``weight``; ``price`` is what a change
    of language just before the word costs; ``barred`` says that something stands there that is no text (a block
    of hashtags, a credit line); ``silent`` that the word tells no language (a number).
    """

    start: int
    end: int
    scores: tuple[float, ...]
    weight: float
    price: float
    barred: bool
    silent: bool

    def lean(self, index: int, nats: float) -> None:
        """Let the word speak ``nats`` more for one language."""
        scores = list(self.scores)
        scores[index] += nats / self.weight
        self.scores = tuple(scores)


def weigh(body: str) -> list[Word]:
    """The running words of ``body`` in order, with the evidence of all that stands around them."""
    tokens = tokenize(body)
    shouting = _is_shouted(body, tokens)
    words: list[Word] = []
    between: list[Token] = []
    hint: str | None = None
    push = 0.0
    end = 0
    line = 0  # the word that the present line begins with
    for token in tokens:
        kind = token.kind
        if kind is not Kind.WORD and kind is not Kind.NUMBER:
            between.append(token)
            continue
        gap = body[end : token.start]
        if between:
            cost = price(_without(body, end, token.start, between))
            for other in between:
                if other.kind is Kind.LABEL:
                    hint, push, cost = other.hint, LABEL, 0.0
                elif other.kind is Kind.FLAG:
                    hint, push, cost = (hint, push, cost) if push == LABEL else (other.hint, FLAG, min(cost, SEPARATOR))
                elif other.kind in _CHEAPENING:
                    cost = min(cost, BLOCK)
        else:
            cost = price(gap)
        if cost < SENTENCE_END:
            line = len(words)
        elif cost == SENTENCE_END and line > 0 and len(words) - line <= _LEAD:
            cost += AFTER_LEAD
        if kind is Kind.NUMBER:
            word = Word(token.start, token.end, _SILENT.by_language, 1.0, cost, barred=False, silent=True)
        else:
            text = body[token.start : token.end]
            weighed, weight = _weigh(text, first=cost < SPACE - 2 or not words, shouting=shouting)
            if cost == SPACE and not shouting and text[0].isupper() and text[1:2].islower():
                cost = CAPITAL if weighed.listed else SPACE - 1.0
            word = Word(token.start, token.end, weighed.by_language, weight, cost, barred=False, silent=False)
            if text == "A" and not shouting and cost < SPACE:
                word.lean(_EN, ARTICLE)
            if hint is not None:
                if hint in LANGUAGES:
                    word.lean(LANGUAGES.index(hint), push)
                hint, push = None, 0.0
            if words and len(gap) > 1 and gap[0] in _SPACED and gap[1] in "!?:;»" and not words[-1].silent:
                words[-1].lean(_FR, FRENCH_SPACING)
        if between:
            word.barred = any(other.kind not in _WITHIN for other in between)
            between.clear()
        words.append(word)
        end = token.end
    _heed(body, words)
    return words


def _heed(body: str, words: Sequence[Word]) -> None:
    """Let the quotations of ``body`` say where a change is likely, and which words are but quoted by a sentence."""
    last: Quotation | None = None
    at = after = 0
    for quotation in find_quotations(body):
        first = after
        while first < len(words) and words[first].start < quotation.start:
            first += 1
        before, at, after = at, first, first
        while after < len(words) and words[after].start < quotation.end:
            after += 1
        if first == after:
            last = None
            continue
        inside = words[first + 1 : after]
        parted = False
        for word in inside:
            if word.price > NEWLINE:
                word.price += WITHIN_UNIT
                continue
            parted = True
            # an explicit label costs nothing wherever it stands, and a lone «/» is there to part
            if word.price and word.price != SEPARATOR:
                word.price += WITHIN_PARTED
        following = words[after] if after < len(words) else None
        if not quotation.alone:
            if not parted and not words[first].barred:
                cost = CITED
                if len(inside) < _PHRASE:
                    cost = QUOTE
                    _quote(words[first:after])
                if quotation.leads:
                    words[first].price = cost
                if quotation.goes_on and following is not None and not following.barred:
                    following.price = cost
        elif quotation.closed and following is not None:
            following.price = min(following.price, SENTENCE_END)
        if last is not None and quotation.follows and (last.mark == "«") != (quotation.mark == "«"):
            words[first].price = min(words[first].price, BLANK_LINE)
            for start, mark in ((before, last.mark), (first, quotation.mark)):
                words[start].lean(_FR if mark == "«" else _EN, _PAIRED)
        last = quotation


def _quote(words: Sequence[Word]) -> None:
    for word in words:
        word.weight *= _QUOTED


def _without(body: str, start: int, end: int, between: Sequence[Token]) -> str:
    """``body[start:end]`` without the tokens that stand in it."""
    pieces = []
    for token in between:
        pieces.append(body[start : token.start])
        start = token.end
    pieces.append(body[start:end])
    return " ".join(pieces)


def _is_shouted(body: str, tokens: Sequence[Token]) -> bool:
    """Whether the body is written in capitals, so that capitals say nothing."""
    upper = lower = 0
    for token in tokens[:400]:
        if token.kind is Kind.WORD and token.end - token.start > 2:
            if body[token.start : token.end].isupper():
                upper += 1
            else:
                lower += 1
    # one word in capitals is a name, «ISS»
    return upper > max(lower, 1)


def _weigh(text: str, *, first: bool, shouting: bool) -> tuple[WordScore, float]:
    """What ``text`` says, and how much it counts: a name or an acronym says little about the words around it."""
    weight = 1.0
    if text[0] in "#＃":
        text, weight = text[1:], _TAGGED
    weighed = score(text)
    if shouting or text.islower():
        return weighed, weight
    rest = text[1:].replace("'", "").replace("’", "")
    if rest and rest.isupper() and text[0].isupper():
        weight *= _ACRONYM if len(text) < 6 else _NAME
    elif rest and not rest.islower():
        weight *= _NAME if weighed.listed else _ACRONYM
    elif text[0].isupper() and not weighed.listed:
        weight *= _INITIAL if first else _NAME
    return weighed, weight
