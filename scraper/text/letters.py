"""How likely a word's letters are in each language, from langdetect's own tables; deterministic, read on first use.

langdetect's *detector* is not used here: it draws random samples, takes milliseconds a text and skips words in
capitals. Its *profiles* (counts of 1-, 2- and 3-letter groups in Wikipedia, Apache-2.0) are good, and summed as they
are they give the same answer on every run and every machine.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from math import log
from pathlib import Path
from struct import unpack

#: weights of the three-, two- and one-letter groups: the tables hold the commoner groups only
_W3, _W2, _W1 = 0.62, 0.30, 0.08
_FLOOR = 1e-4
#: logarithms of all languages are added up as one number: a field of so many bits each, in millionths of a nat; a
#: word's two dozen letters never fill a field
_BITS, _SCALE = 32, 1e6
#: how much of an accented letter group's count its unaccented twin is given: posts are typed in haste
_UNACCENTED = 0.10


def _folder() -> Path:
    # found, not imported: importing langdetect builds its detector factory and draws in `random` and `six`
    spec = find_spec("langdetect")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("langdetect, whose letter tables the split needs, is not installed")
    return Path(spec.submodule_search_locations[0]) / "profiles"


def _fold(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


@lru_cache(maxsize=32)
def _table(language: str) -> dict[str, float]:
    raw: dict[str, int] = json.loads((_folder() / language).read_bytes())["freq"]
    table: dict[str, float] = {}
    initials = letters = 0.0
    for group, count in raw.items():
        small = group.lower()
        table[small] = table.get(small, 0.0) + count
        if not small.isascii():
            twin = _fold(small)
            table[twin] = table.get(twin, 0.0) + count * _UNACCENTED
        if len(group) == 2 and group[0] == " ":
            initials += count
        elif len(group) == 1:
            letters += count
    table[" "] = initials
    table[""] = letters + initials
    return table


@lru_cache(maxsize=4)
def _tables(languages: tuple[str, ...]) -> list[tuple[Callable[[str, float], float], float]]:
    """By language how to look a group up, and how many letters were counted."""
    return [(_table(language).get, _table(language)[""]) for language in languages]


@lru_cache(maxsize=16_384)
def _group(group: str, languages: tuple[str, ...]) -> int:
    """How unlikely, by language, the last letter of ``group`` is after the ones before it, as one packed number."""
    pair, last = group[-2:], group[-1]
    context, single = group[:-1], pair[:-1]
    whole = len(group) == 3
    packed = 0
    shift = 0
    for get, letters in _tables(languages):
        p = _W1 * get(last, 0.0) / letters
        below = get(single, 0.0)
        if below:
            share = get(pair, 0.0) / below
            p += _W2 * (share if share < 1.0 else 1.0)
        if not whole:
            p *= 1.0 + _W3 / _W2
        else:
            below = get(context, 0.0)
            if below:
                share = get(group, 0.0) / below
                p += _W3 * (share if share < 1.0 else 1.0)
        packed |= round(-log(p + _FLOOR) * _SCALE) << shift
        shift += _BITS
    return packed


def spelling(word: str, languages: tuple[str, ...]) -> list[float]:
    """Log-likelihood of the letters of ``word`` (small letters) in each of ``languages``."""
    padded = f" {word} "
    total = _group(padded[:2], languages)
    for i in range(3, len(padded) + 1):
        total += _group(padded[i - 3 : i], languages)
    size = len(languages)
    return [field / -_SCALE for field in unpack(f"<{size}I", total.to_bytes(size * 4, "little"))]
