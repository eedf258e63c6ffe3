"""Make scraper/text/words.txt.gz, the table of how common words are in each language, from the package wordfreq.

Usage: ``python benchmarks/tuning/words.py [FILE]`` (``make tables``). The same wordfreq makes the same bytes.
wordfreq is wanted here only, never by Cupola itself. Its data are CC BY-SA 4.0, hence so is the table: see
scraper/text/words.LICENSE.

A line is a word, a tab, and two signs for each language that has it: the language's letter and how common the word
is there, from ``0`` up in steps of a fifth of a power of ten (``W``: one word in ten). Lines are in the order of
their bytes, so that the text can be searched as it is.
"""

from __future__ import annotations

import gzip
import sys
import unicodedata
from math import log10
from pathlib import Path

from wordfreq import get_frequency_dict

#: by language: its letter in the table, and how many of its commonest words bring a line
LANGUAGES = {
    "fr": ("f", 110_000),
    "en": ("e", 110_000),
    "de": ("d", 25_000),
    "es": ("s", 25_000),
    "it": ("i", 25_000),
    "pt": ("p", 15_000),
    "nl": ("n", 15_000),
    "pl": ("l", 8_000),
    "ca": ("c", 8_000),
    "ro": ("r", 8_000),
    "sv": ("v", 8_000),
}
#: a power of ten, the level ``0``; rarer than this a word is not counted for a language
RAREST = -8.0
STEPS = 5
#: so many levels below the language that has it most, a word is foreign: nothing is written
FOREIGN = 10
LONGEST = 24
#: how often a word's accents are left out, by people in haste and keyboards without them
UNACCENTED = 0.1
_PLAIN = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ı": "i"})


def is_word(text: str) -> bool:
    """Whether ``text`` is one word as the split meets them: Latin letters, apostrophes within."""
    core = text.replace("'", "")
    return (
        len(text) <= LONGEST
        and text[0] != "'"
        and text[-1] != "'"
        and core.isalpha()
        and all(c.isascii() or unicodedata.name(c).startswith("LATIN") for c in core)
    )


def unaccented(word: str) -> str:
    """``word`` as it is typed without accents and ligatures."""
    return "".join(c for c in unicodedata.normalize("NFD", word.translate(_PLAIN)) if not unicodedata.combining(c))


def with_twins(table: dict[str, float]) -> dict[str, float]:
    """How common each word of ``table`` is, where some of the accented ones are typed without."""
    out = {word: common for word, common in table.items() if is_word(word)}
    for word in [word for word in out if not word.isascii()]:
        twin = unaccented(word)
        if twin != word:
            out[twin] = out.get(twin, 0.0) + UNACCENTED * out[word]
    return out


def rows() -> dict[str, str]:
    """By word the signs of the languages that have it."""
    tables = {language: with_twins(get_frequency_dict(language, "best")) for language in LANGUAGES}
    kept: set[str] = set()
    for language, (_, size) in LANGUAGES.items():
        table = tables[language]
        kept.update(sorted(table, key=lambda word: (-table[word], word))[:size])
    made = {}
    for word in kept:
        levels = {
            letter: round((log10(tables[language][word]) - RAREST) * STEPS)
            for language, (letter, _) in LANGUAGES.items()
            if word in tables[language]
        }
        least = max(0, max(levels.values()) - FOREIGN)
        made[word] = "".join(letter + chr(ord("0") + level) for letter, level in levels.items() if level > least)
    return made


def main() -> None:
    """Write the table to the file named, or to its place in the package."""
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "scraper/text/words.txt.gz"
    lines = sorted(f"{word}\t{signs}\n".encode() for word, signs in rows().items())
    place.write_bytes(gzip.compress(b"".join(lines), mtime=0))
    print(f"{place}: {len(lines):,} words, {place.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
