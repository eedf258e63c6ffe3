"""Words and phrases that French and English texts borrow from each other, found in a text: they say little of it.

The list is ``loans.txt``, our own; spelled without accents and with one space between words, as they are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib.resources import files

from scraper.text.likeness import folded


@cache
def _loans() -> dict[str, list[tuple[str, ...]]]:
    """The phrases by their first word, the longest first."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for line in files("scraper.text").joinpath("loans.txt").read_text(encoding="utf-8").splitlines():
        if line and line[0] != "#":
            words = tuple(folded(line).split())
            found.setdefault(words[0], []).append(words)
    for phrases in found.values():
        phrases.sort(key=len, reverse=True)
    return found


@lru_cache(maxsize=16_384)
def _spelled(word: str) -> str:
    return folded(word.replace("’", "'"))


def loans_in(words: Sequence[str], gaps: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where borrowed phrases stand, as (first, after); the longest at each place, none within another.

    Args:
        words: in any case, with or without their accents.
        gaps: by word, what stands before it; a phrase has spaces and hyphens only.
    """
    loans = _loans()
    spelled = [_spelled(word) for word in words]
    i = 0
    while i < len(spelled):
        for phrase in loans.get(spelled[i], ()):
            after = i + len(phrase)
            if tuple(spelled[i:after]) == phrase and all(gaps[k] in (" ", "-") for k in range(i + 1, after)):
                yield i, after
                i = after
                break
        else:
            i += 1
