"""How well each language explains a word: how common the word is there, or else how likely its letters are."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from math import exp, log
from typing import NamedTuple

from scraper.text.letters import SCALE, costs_of
from scraper.text.lexicon import CONTRACTED, ELIDED
from scraper.text.vocabulary import LETTERS, NATS, find, signs

#: the pair that captions are split into, then the languages that must not be taken for one of them
LANGUAGES = ("fr", "en", "de", "es", "it", "pt", "nl", "pl", "ca", "ro", "sv", "ru")
#: the two that captions are split into, as places in LANGUAGES
PAIR = (0, 1)
#: index of «written in a script that none of our languages uses», behind the languages
ALIEN = len(LANGUAGES)

#: a word says no more than this many nats against a language, however odd its letters
CAP = 9.0
#: the same for a word in another script: that is no doubt at all
FOREIGN_SCRIPT = 20.0
#: nats for the languages that write an elision («l'») or a contraction («'s») so
JOINED = 3.5
#: a word that no table has: how much of a language's words are such, and how far its letters are believed
UNKNOWN, BELIEVED = 0.02, 0.9
_UNKNOWN = log(UNKNOWN)
#: a word that no table has is no less likely than this
_LEAST = _UNKNOWN - 60.0
#: how much of a language's words are found in texts of another, which the table counts there: quotations, titles, names
QUOTED = 0.05
_LETTERS = 24
#: what is left of a letter table's number for a word that no table has
_FADED = BELIEVED / SCALE
#: by the sign of a language its place in LANGUAGES, and by the sign of how common a word is which share that is
_PLACES = {sign: LANGUAGES.index(language) for sign, language in LETTERS.items()}
_SHARES = [exp(nats) for nats in NATS]
_CYRILLIC = LANGUAGES.index("ru")
#: a word as common as this in one of the languages is known
_KNOWN = log(1e-6)
#: a common one; and by how many nats it must be commoner in one language than in another to be its own
_COMMON, _OWN = log(3e-4), 2.0
_NEVER = log(1e-8)


class WordScore(NamedTuple):
    """Nats below the best language, by language (0 is best, never under -CAP).

    ``listed`` if it is a common word, ``frequent`` if one of the few hundred that the texts of some language are full
    of, ``beyond`` the most that it says for a language behind the first two.
    """

    by_language: tuple[float, ...]
    listed: bool
    frequent: bool = False
    beyond: float = 0.0


def _alien(word: str) -> tuple[float, ...] | None:
    """The verdict on a word outside the Latin script, or None for a Latin one."""
    if word.isascii():
        return None
    letter = next((c for c in word if c > "\u024f" and c.isalpha()), None)
    if letter is None or "\u1e00" <= letter <= "\u1eff" or unicodedata.name(letter, "").startswith("LATIN"):
        return None
    home = _CYRILLIC if "\u0400" <= letter <= "\u04ff" else ALIEN
    return tuple(0.0 if i == home else -FOREIGN_SCRIPT for i in range(ALIEN + 1))


@lru_cache(maxsize=4_096)
def _score(word: str) -> WordScore:
    alien = _alien(word)
    if alien is not None:
        return WordScore(alien, listed=False)
    core = word
    bonus: tuple[str, ...] = ()
    known = signs(word)
    frequent = bool(known) and NATS[max(known[1::2])] > _COMMON
    if "'" in word and not known:
        head, _, tail = word.partition("'")
        if head in ELIDED:
            core, bonus = tail, ELIDED[head]
        elif tail in CONTRACTED:
            core, bonus = head, CONTRACTED[tail]
        core = core.replace("'", "") or word
        known = signs(core)
    scores = [nats if (nats := _UNKNOWN + cost * _FADED) > _LEAST else _LEAST for cost in costs_of(core)]
    listed = bool(bonus)
    if known:
        most = max(known[1::2])
        listed = listed or NATS[most] > _KNOWN
        foreign = QUOTED * _SHARES[most]
        for at in range(0, len(known), 2):
            share = _SHARES[known[at + 1]] - foreign
            if share > 0.0:
                place = _PLACES[known[at]]
                scores[place] = log(exp(scores[place]) + share)
    if bonus:
        scores = [score + JOINED * (language in bonus) for language, score in zip(LANGUAGES, scores, strict=True)]
    best = max(scores)
    least = best - CAP
    relative = [score - best if score > least else -CAP for score in scores]
    relative.append(-CAP)
    return WordScore(tuple(relative), listed, frequent, max(relative[2:]))


def is_common(word: str, language: str, pair: tuple[int, int] = PAIR) -> bool:
    """Whether ``word`` is one that ``language`` is full of, and the pair's languages are not."""
    known = find(_spelled(word))
    there = known.get(language, _NEVER)
    return there > _COMMON and all(there - known.get(LANGUAGES[other], _NEVER) > _OWN for other in pair)


def is_frequent(word: str) -> bool:
    """Whether ``word`` is one of the few hundred that the texts of some language are full of."""
    return _score(_spelled(word)).frequent


def _spelled(word: str) -> str:
    if not word.isascii():
        word = unicodedata.normalize("NFC", word).replace("\u2019", "'").replace("\u02bc", "'")
    return word[:_LETTERS].lower()


def score(word: str) -> WordScore:
    """How well each language explains ``word`` (any case; straight or curly apostrophes; NFC or NFD).

    Case is ignored: captions are often written in capitals. A word longer than any real one is judged by its
    first letters.
    """
    return _score(_spelled(word))
