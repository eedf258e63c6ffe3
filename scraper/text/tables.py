"""How likely a word is in each language, from langdetect's own letter tables; deterministic, read once on first use.

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
from typing import NamedTuple

from scraper.text.lexicon import CONTRACTED, ELIDED, FUNCTION_WORDS

#: the pair that captions are split into, then the languages that must not be taken for one of them
LANGUAGES = ("fr", "en", "de", "es", "it", "pt", "nl", "pl", "ru")
#: index of «written in a script that none of our languages uses», behind the languages
ALIEN = len(LANGUAGES)

#: a word says no more than this many nats against a language, however odd its letters
CAP = 6.5
#: what standing in a language's list of common words is worth
LISTED = 3.5
#: by how many nats a word that is common in one of the pair only must lead there, whatever its letters
#: («nuages»: the French table has no «nu» to begin with)
LEAD = 3.0
#: weights of the three-, two- and one-letter groups: the tables hold the commoner groups only
_W3, _W2, _W1 = 0.62, 0.30, 0.08
_FLOOR = 1e-4
#: how much of an accented letter group's count its unaccented twin is given: posts are typed in haste
_UNACCENTED = 0.10
_LETTERS = 24

_CYRILLIC = LANGUAGES.index("ru")


class WordScore(NamedTuple):
    """Nats below the best language, by language (0 is best, never under -CAP); ``listed`` if it is a common word."""

    by_language: tuple[float, ...]
    listed: bool


def _folder() -> Path:
    # found, not imported: importing langdetect builds its detector factory and draws in `random` and `six`
    spec = find_spec("langdetect")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("langdetect, whose letter tables the split needs, is not installed")
    return Path(spec.submodule_search_locations[0]) / "profiles"


def _fold(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[str, float], ...]:
    folder = _folder()
    tables = []
    for language in LANGUAGES:
        raw: dict[str, int] = json.loads((folder / language).read_bytes())["freq"]
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
        tables.append(table)
    return tuple(tables)


@lru_cache(maxsize=16_384)
def _group(group: str) -> tuple[float, ...]:
    """Log-probability, by language, of the last letter of ``group`` after the ones before it."""
    pair, last = group[-2:], group[-1]
    context, single = group[:-1], pair[:-1]
    out = []
    for table in _tables():
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


def _spelling(word: str) -> list[float]:
    """Log-likelihood of the letters of ``word`` by language."""
    padded = f" {word} "
    groups = [padded[:2], *(padded[i - 2 : i + 1] for i in range(2, len(padded)))]
    return [sum(column) for column in zip(*map(_group, groups), strict=True)]


def _relative(scores: list[float]) -> tuple[float, ...]:
    best = max(scores)
    return tuple(max(score - best, -CAP) for score in scores)


def _alien(word: str) -> tuple[float, ...] | None:
    """The verdict on a word outside the Latin script, or None for a Latin one."""
    letter = next((c for c in word if c > "\u024f" and c.isalpha()), None)
    if letter is None or "\u1e00" <= letter <= "\u1eff" or unicodedata.name(letter, "").startswith("LATIN"):
        return None
    home = _CYRILLIC if "\u0400" <= letter <= "\u04ff" else ALIEN
    return tuple(0.0 if i == home else -CAP for i in range(ALIEN + 1))


@lru_cache(maxsize=16_384)
def _score(word: str) -> WordScore:
    alien = _alien(word)
    if alien is not None:
        return WordScore(alien, listed=False)
    head, apostrophe, tail = word.partition("'")
    core = word
    bonus: tuple[str, ...] = ()
    if apostrophe and tail:
        if head in ELIDED:
            core, bonus = tail, ELIDED[head]
        elif tail in CONTRACTED:
            core, bonus = head, CONTRACTED[tail]
    core = core.replace("'", "") or word
    scores = _spelling(core)
    listed = bool(bonus)
    for i, language in enumerate(LANGUAGES):
        common = FUNCTION_WORDS[language]
        if word in common or core in common:
            scores[i] += LISTED
            listed = True
        if language in bonus:
            scores[i] += LISTED
    for own, other in ((0, 1), (1, 0)):
        if core in FUNCTION_WORDS[LANGUAGES[own]] and core not in FUNCTION_WORDS[LANGUAGES[other]]:
            scores[own] = max(scores[own], scores[other] + LEAD)
    return WordScore((*_relative(scores), -CAP), listed)


def score(word: str) -> WordScore:
    """How well each language explains ``word`` (any case; straight or curly apostrophes; NFC or NFD).

    Case is ignored: langdetect skips words in capitals, and captions are often written in them. A word longer
    than any real one is judged by its first letters.
    """
    if not word.isascii():
        word = unicodedata.normalize("NFC", word).replace("\u2019", "'").replace("\u02bc", "'")
    return _score(word[:_LETTERS].lower())
