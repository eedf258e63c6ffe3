"""Hashtags of a text: where they stand, what they are compared by, and the words that capitals show in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from storage.folding import fold_tag
from storage.search.words import LENGTH, LIMIT, Word, kind_of, words

_HASHTAG = re.compile(r"(?<!\w)[#＃](?=(\S{1,256}))")


class Hashtag(NamedTuple):
    """One hashtag of a text: its place, with its sign, and its letters as written."""

    start: int
    end: int
    name: str


def hashtags(text: str) -> Iterator[Hashtag]:
    """The hashtags of ``text`` in its order: ``#`` and at least one letter, digit or underscore."""
    if "#" not in text and "＃" not in text:
        return
    for found in islice(_HASHTAG.finditer(text), LIMIT):
        name = found[1]
        end = next((at for at, letter in enumerate(name) if not _of_tag(letter)), len(name))
        if tag_key(name[:end]):
            yield Hashtag(found.start(), found.end() + end, name[:end])


def tag_key(tag: str) -> str:
    """What two tags are compared by: folded, letters, digits and ``_`` alone, at most 64; empty when it has none."""
    folded = fold_tag(tag)
    return "".join(letter for letter in folded if _of_tag(letter))[:LENGTH] if not folded.isalnum() else folded[:LENGTH]


@lru_cache(maxsize=1 << 12)
def spelled(name: str) -> tuple[Word, ...]:
    """The words that capitals and digits show in a tag (MissionAlpha, ISSPhoto, Apollo11); none when it shows one."""
    cuts = [at for at in range(1, len(name)) if _begins(name, at)]
    if not cuts:
        return ()
    found = [
        Word(begin + word.start, begin + word.end, word.form)
        for begin, end in zip([0, *cuts], [*cuts, len(name)], strict=True)
        for word in words(name[begin:end])
    ]
    return tuple(found)


def _begins(name: str, at: int) -> bool:
    before, letter, after = name[at - 1], name[at], name[at + 1 : at + 2]
    if letter.isdigit() != before.isdigit() and letter.isalnum() and before.isalnum():
        return True
    return letter.isupper() and (before.islower() or (before.isupper() and after.islower()))


def _of_tag(letter: str) -> bool:
    kind = kind_of(letter)
    return letter == "_" or kind in ("letter", "joined") or (kind == "alone" and letter.isalnum())
