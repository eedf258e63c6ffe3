"""The running words of a caption, each with what it says for each language and what a change before it costs.

Capitals make a name likely, and a name says little; labels and flags speak for the words behind them; what stands
between two words gives the price. It weighs; it decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from scraper.text.decode import BLOCK, CAPITAL, COLON, SEPARATOR, SPACE, price
from scraper.text.tables import ALIEN, LANGUAGES, WordScore, score
from scraper.text.tokens import Kind, Token, tokenize

#: nats that an explicit label gives to the word behind it, and a flag (which mostly means a place)
LABEL, FLAG = 9.0, 0.8
#: nats for French where a space stands before «!», «?», «:», «;» or «»»: that is how it is typeset
FRENCH_SPACING = 1.0
#: nats for English where a sentence begins with «A»: in French that is an «À» without its accent
ARTICLE = 2.5
#: how many words of a hyphenated name are looked back upon for the capital before: «-sur-», «-de-la-»
_CHAIN = 4
#: from so many letters on a word may be a name
_LONG = 4
#: how much a word counts: an acronym, a name, a capital at a sentence's start, a hashtag within a sentence
_ACRONYM, _NAME, _INITIAL, _TAGGED = 0.12, 0.35, 0.75, 0.5
#: how much a rare word counts that stands in the caption more than once: it is likely a name, in both languages; one
#: that is there more often than this is what the caption is about
_AGAIN, _OFTEN = 0.3, 4
#: how much each word of «tête-à-tête» or «Aix-en-Provence» counts, and a word that no table knows
_HYPHENATED, _UNLISTED = 0.12, 1.3

#: words in capitals, and how many at least make a text one that is written in capitals
_CAPITALS = re.compile(r"[A-ZÀ-ÖØ-Þ]{3}")
_SHOUTED = 2

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
    of hashtags, a credit line); ``silent`` that the word tells no language (a number); ``listed`` that it is a
    common one, ``frequent`` that it is one of the few hundred of a language; ``beyond`` is the most that it says for
    a language behind the tables' first two. ``leans`` are nats by language that not the word says but what stands
    around it: a label, a flag.
    """

    start: int
    end: int
    scores: tuple[float, ...]
    weight: float
    price: float
    barred: bool
    silent: bool
    listed: bool = False
    frequent: bool = False
    beyond: float = 0.0
    leans: dict[int, float] | None = None

    def lean(self, index: int, nats: float) -> None:
        """Let what stands around the word speak ``nats`` for one language."""
        self.leans = self.leans or {}
        self.leans[index] = self.leans.get(index, 0.0) + nats


def weigh(body: str) -> list[Word]:
    """The running words of ``body`` in order, with the evidence of all that stands around them."""
    tokens = tokenize(body)
    shouting = _is_shouted(body, tokens)
    words: list[Word] = []
    between: list[Token] = []
    hint: str | None = None
    push = 0.0
    address = False
    end = 0
    plain, number = Kind.WORD, Kind.NUMBER  # an enumeration's members are slow to reach
    for token in tokens:
        kind = token.kind
        if kind is not plain and kind is not number:
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
            cost = SPACE if gap == " " else price(gap)
        if kind is number:
            # all else being equal a number goes with what it stands behind
            word = Word(token.start, token.end, _SILENT.by_language, 1.0, cost + 0.1, barred=False, silent=True)
            address = "/" in body[token.start : token.end]
        else:
            text = body[token.start : token.end]
            if address:
                cost, address = min(cost, COLON), False
            weighed, weight = _weigh(text, cost < SPACE - 2 or not words, shouting)
            if cost == SPACE and not shouting and text[0].isupper() and text[1:2].islower():
                cost = CAPITAL if weighed.listed else SPACE - 1.0
            scores, listed, frequent, beyond = weighed
            word = Word(token.start, token.end, scores, weight, cost, False, False, listed, frequent, beyond)
            if text in ("A", "a") and (cost < SPACE or not words):
                word.lean(_EN, ARTICLE)
            if hint is not None:
                if hint in LANGUAGES:
                    word.lean(LANGUAGES.index(hint), push)
                hint, push = None, 0.0
            if gap == " ":
                pass
            elif gap == "-":
                _hyphenate(body, words, word)
                if not shouting and text[0].isupper() and words and body[words[-1].start].isupper():
                    for half in (words[-1], word):
                        half.weight = min(half.weight, _NAME)
            elif words and len(gap) > 1 and gap[0] in _SPACED and gap[1] in "!?:;»" and not words[-1].silent:
                words[-1].lean(_FR, FRENCH_SPACING)
        if between:
            word.barred = any(other.kind not in _WITHIN for other in between)
            between.clear()
        words.append(word)
        end = token.end
    _lighten(body, words)
    return words


def _lighten(body: str, words: Sequence[Word]) -> None:
    """Let the rare words that stand in ``body`` two to four times count less: they are likely names."""
    long = [word for word in words if word.end - word.start >= _LONG and not word.silent]
    texts = [body[word.start : word.end].lower() for word in long]
    if len(set(texts)) == len(texts):
        return
    said: dict[str, list[Word]] = {}
    for text, word in zip(texts, long, strict=True):
        said.setdefault(text, []).append(word)
    for same in said.values():
        if 1 < len(same) <= _OFTEN and not (same[0].frequent and not any(_is_name(body, word) for word in same[1:])):
            for word in same:
                word.weight = min(word.weight, _AGAIN)


def _is_name(body: str, word: Word) -> bool:
    """Whether the word is one with a capital within a sentence or a hyphenated name."""
    text = body[word.start : word.end]
    return text[0].isupper() and text[1:].islower() and body[word.start - 1 : word.start] in (" ", "-")


def _hyphenate(body: str, words: Sequence[Word], last: Word) -> None:
    """Let «Aix-en-Provence» be a name and «tête-à-tête» one word: its small words are of no sentence."""
    chain = [last]
    for word in reversed(words[-_CHAIN:]):
        if body[word.end : chain[-1].start] != "-":
            break
        chain.append(word)
    if len(chain) > 2:
        for word in chain:
            word.weight = min(word.weight, _HYPHENATED)


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
    if len(_CAPITALS.findall(body)) < _SHOUTED:
        return False
    upper = lower = 0
    for token in tokens[:400]:
        if token.kind is Kind.WORD and token.end - token.start > 2:
            if body[token.start : token.end].isupper():
                upper += 1
            else:
                lower += 1
    # one word in capitals is a name, «ISS»
    return upper > max(lower, 1)


@lru_cache(maxsize=8_192)
def _weigh(text: str, first: bool, shouting: bool) -> tuple[WordScore, float]:
    """What ``text`` says, and how much it counts: a name or an acronym says little about the words around it."""
    weight = 1.0
    if text[0] in "#＃":
        text, weight = text[1:], _TAGGED
        weighed = score(text)._replace(frequent=False)
    else:
        weighed = score(text)
    if not weighed.listed:
        weight *= _UNLISTED
    if shouting or text == text.lower():
        return weighed, weight
    rest = text[1:].replace("'", "").replace("’", "")
    if rest and rest.isupper() and text[0].isupper():
        weight *= _ACRONYM if len(text) < 6 else _NAME
    elif rest and not rest.islower():
        weight *= _NAME if weighed.listed else _ACRONYM
    elif text[0].isupper() and not weighed.listed:
        weight *= _INITIAL if first else _NAME
    return weighed, weight
