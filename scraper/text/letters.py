"""How likely a word's letters are in each language, from langdetect's own tables; deterministic, read on first use.

langdetect's *detector* is not used here: it draws random samples, takes milliseconds a text and skips words in
capitals. Its *profiles* (counts of 1-, 2- and 3-letter groups in Wikipedia, Apache-2.0) are good, and summed as they
are they give the same answer on every run and every machine.
"""

from __future__ import annotations

import json
import unicodedata
from functools import lru_cache
from importlib.util import find_spec
from math import log
from pathlib import Path

#: weights of the three-, two- and one-letter groups: the tables hold the commoner groups only
_W3, _W2, _W1 = 0.62, 0.30, 0.08
_FLOOR = 1e-4
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


@lru_cache(maxsize=16_384)
def _group(group: str, languages: tuple[str, ...]) -> tuple[float, ...]:
    """Log-probability, by language, of the last letter of ``group`` after the ones before it."""
    pair, last = group[-2:], group[-1]
    context, single = group[:-1], pair[:-1]
    out = []
    for language in languages:
        table = _table(language)
        get = table.get
        p = _W1 * get(last, 0.0) / table[""]
        below = get(single, 0.0)
        if below:
            p += _W2 * min(get(pair, 0.0) / below, 1.0)
        if len(group) == 3:
            below = get(context, 0.0)
            if below:
                p += _W3 * min(get(group, 0.0) / below, 1.0)
        else:
            p *= 1.0 + _W3 / _W2
        out.append(log(p + _FLOOR))
    return tuple(out)


def spelling(word: str, languages: tuple[str, ...]) -> list[float]:
    """Log-likelihood of the letters of ``word`` (small letters) in each of ``languages``."""
    padded = f" {word} "
    groups = [padded[:2], *(padded[i - 2 : i + 1] for i in range(2, len(padded)))]
    return [sum(column) for column in zip(*(_group(group, languages) for group in groups), strict=True)]
