"""What each kind of word is worth as a sign of its sentence's language: fitted, by kind and by how much it says.

A borrowed phrase, a name, a rare word may stand in a text of the other language, however plainly it is not of it; the
small words of a sentence are its own. What was fitted is in ``reading.json`` (benchmarks/tuning/reading.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

from scraper.text.decode import SPACE, price
from scraper.text.evidence import Word
from scraper.text.loans import loans_in

#: what a word says up to here is one thing, what it says beyond is another
_KNEE = 3.0
#: a word that counts less than this is one of a quotation or hyphenated name; less than that, one that is said twice
_SHAKY, _AGAIN = 0.25, 0.31
#: the longest of the small words within a name, and how many of them may follow on one another: «Île de la Cité»
_SMALL, _INNER = 5, 2
_CLOSE = (" ", "-")
#: a list has more items than this, of at most so many words each in the mean; and what ends it
_LISTED, _ITEM = 1, 5
_ENDS = (".", "!", "?", "…", "\n", ":")


@cache
def fitted() -> dict[str, float]:
    """What was fitted, by trait: nats."""
    found: dict[str, float] = json.loads(Path(__file__).with_name("reading.json").read_bytes())
    return found


def kinds(body: str, words: Sequence[Word]) -> list[str]:
    """The kind of each word; empty for one that tells no language."""
    texts = [body[w.start : w.end] for w in words]
    gaps = [" ", *(body[a.end : b.start] for a, b in pairwise(words))]
    capital = [text[0].isupper() and not text.isupper() for text in texts]
    named = any(capital)
    found = []
    for i, word in enumerate(words):
        if word.silent:
            found.append("")
        elif word.weight < _AGAIN:
            found.append("shaky" if word.weight < _SHAKY else "again")
        elif capital[i]:
            begins = i == 0 or word.barred or (gaps[i] != " " and price(gaps[i]) < SPACE)
            if begins:
                found.append("odd first" if not word.listed else "small" if word.frequent else "first")
            else:
                found.append("name" if word.listed else "odd name")
        elif not word.listed:
            found.append("odd")
        elif word.frequent:
            found.append("inner" if named and _within_name(words, gaps, capital, i) else "small")
        else:
            found.append("word")
    for i in _titles(gaps):
        if found[i] not in ("", "shaky", "again"):
            found[i] = "title"
    loans = list(loans_in(texts, gaps))
    if sum([after - first for first, after in loans]) == len(words):
        return found  # «Bonne nuit! Good night!»: nothing is left that could have borrowed it
    for first, after in loans:
        for i in range(first, after):
            if found[i] not in ("", "shaky", "again") and (after - first > 1 or not words[i].frequent):
                found[i] = "loan" if after - first == 1 else "phrase"
    return found


def _titles(gaps: Sequence[str]) -> Iterator[int]:
    """The words of a list behind a colon: titles, dishes, places, a few words each, parted by commas."""
    for start, gap in enumerate(gaps):
        if ":" not in gap:
            continue
        end = start + 1
        items = 1
        while end < len(gaps) and not any(map(gaps[end].__contains__, _ENDS)):
            items += "," in gaps[end]
            end += 1
        if items > _LISTED and end - start <= items * _ITEM:
            yield from range(start, end)


def _within_name(words: Sequence[Word], gaps: Sequence[str], capital: Sequence[bool], at: int) -> bool:
    """Whether a small word stands between two with capitals, with no more than small words between."""
    count = len(words)
    for step in (-1, 1):
        for i in range(at + step, at + step * (_INNER + 2), step):
            if not 0 <= i < count or gaps[i if step > 0 else i + 1] not in _CLOSE:
                return False
            if capital[i]:
                break
            if words[i].end - words[i].start > _SMALL:
                return False
        else:
            return False
    return True


def traits(word: Word, kind: str, language: int) -> tuple[float, float]:
    """What the word says for the language, up to the knee and beyond, in nats."""
    said = word.scores[language] * min(word.weight, 1.0)
    return max(said, -_KNEE), min(said + _KNEE, 0.0)


@lru_cache(maxsize=8_192)
def _worth(scores: tuple[float, ...], weight: float, kind: str) -> tuple[float, ...]:
    near, far = fitted()[f"{kind}, near"], fitted()[f"{kind}, far"]
    knee = -_KNEE * near
    return tuple(
        [said * near if (said := score * weight) > -_KNEE else knee + (said + _KNEE) * far for score in scores]
    )


def revalue(body: str, words: Sequence[Word]) -> None:
    """Let each word say what its kind is worth."""
    leaning = fitted()["leaning"]
    for word, kind in zip(words, kinds(body, words), strict=True):
        if kind:
            weight = word.weight
            word.scores = _worth(word.scores, weight if weight < 1.0 else 1.0, kind)
            word.weight = 1.0
        if word.leans:
            scores = list(word.scores)
            for language, nats in word.leans.items():
                scores[language] += nats * leaning
            word.scores, word.leans = tuple(scores), None
