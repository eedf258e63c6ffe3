"""Words and phrases that French and English texts borrow from each other, found in a text: they say little of it.

The list is ``loans.txt``, our own; spelled without accents and with one space between words, as they are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib.resources import files

from scraper.text.likeness import folded

#: what may stand between the words of a phrase
_WITHIN = (" ", "-")
#: the phrases that begin with one word, the longest first, by their second word; those of one word by none
_Phrases = dict[str, list[tuple[str, ...]]]


@cache
def _loans() -> dict[str, _Phrases]:
    """The phrases by their first word."""
    found: dict[str, _Phrases] = {}
    for line in files("scraper.text").joinpath("loans.txt").read_text(encoding="utf-8").splitlines():
        if line and line[0] != "#":
            words = tuple(folded(line).split())
            found.setdefault(words[0], {}).setdefault("".join(words[1:2]), []).append(words)
    for phrases in found.values():
        for those in phrases.values():
            those.sort(key=len, reverse=True)
    return found


@lru_cache(maxsize=4_096)
def _spelled(word: str) -> str:
    return folded(word.replace("’", "'"))


@lru_cache(maxsize=4_096)
def _begun(word: str) -> _Phrases | None:
    """The phrases that ``word`` may begin."""
    return _loans().get(_spelled(word))


def loans_in(words: Sequence[str], gaps: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where borrowed phrases stand, as (first, after); the longest at each place, none within another.

    Args:
        words: in any case, with or without their accents.
        gaps: by word, what stands before it; a phrase has spaces and hyphens only.
    """
    end = 0
    for i, phrases in enumerate(map(_begun, words)):
        if phrases is None or i < end:
            continue
        second = _spelled(words[i + 1]) if i + 1 < len(words) else ""
        for phrase in (*phrases.get(second, ()), *phrases.get("", ())):
            after = i + len(phrase)
            if tuple(map(_spelled, words[i:after])) == phrase and all(gap in _WITHIN for gap in gaps[i + 1 : after]):
                yield i, after
                end = after
                break
