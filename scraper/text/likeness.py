"""What in two sentences of two languages may answer each other: numbers, names, tags, words alike, words known.

Words are compared by what they begin with, accents folded («station» and «stations», «général» and "generally"), or
by a small list of pairs that do not look alike (``answers.txt``, our own), which is French and English only: other
pairs are compared without it. Which language a sentence is in is given.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from math import log

from scraper.text.vocabulary import find

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss"})


def folded(word: str) -> str:
    """``word`` without case and accents."""
    if word.isascii():
        return word.lower()
    word = word.casefold().translate(_LIGATURES)
    if word.isascii():
        return word
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


def _words(text: str) -> frozenset[str]:
    return frozenset(map(folded, text.split()))


#: the languages of ``answers.txt``
LISTED = ("fr", "en")
_BOTH = (LISTED, LISTED[::-1])
#: a word as common as this in its language answers nothing by itself, where there is no list of such words
_COMMON = log(5e-4)
#: words that answer nothing by themselves, in French or in English
_EMPTY = _words(
    "a à ai ainsi alors après as au aux avec avez avons c'est ca ça car ce cela ces cet cette ceux chez ci comme "
    "comment d dans de des donc dont du elle elles en es est et être était eu eux faire fait il ils j je l la le "
    "les leur leurs lui m ma mais me mes moi moins mon n ne ni nos notre nous on ont or ou où par pas plus pour "
    "pourquoi pu qu quand que quel quelle qui quoi s sa se sera serait ses si soi son sont sous sur t ta te tes "
    "toi ton tu un une va vos votre vous y about am an and any are at be been being but by can could did do does "
    "for from had has have he her his how i if in into is it its just more my no nor not of off only our out own "
    "she so some such than that the their them then there these they this those through to up us very was we were "
    "what when where which who whom why will with would you your"
)
#: nats that a token of a kind speaks for one sentence answering the other when both have it, and against when one has
#: it; from how often that is so of our own pairs of sentences, and of strangers with a subject in common
HIT = {"#": 3.0, "0": 2.7, "N": 1.5, "=": 2.6, "w": 2.8}
MISS = {"#": 0.3, "0": 1.0, "N": 0.8, "=": 0.5, "w": 0.17}

#: a word has no more letters
_WORD_LENGTH = 60
_TOKEN = re.compile(
    r"""(?P<link>https?://[^\s<>«»"“”]{1,300})
      | (?P<tag>[#@]\w{1,60})
      | (?P<number>\d{1,3}(?:[ \u00a0\u202f.,]\d{3}){1,4}(?!\d)|\d{1,20}(?:[.,:/h]\d{1,20}){0,4})
      | (?P<word>[^\W\d_]{1,60}(?:['’][^\W\d_]{1,60}){0,3})""",
    re.VERBOSE,
)


@cache
def _meanings() -> dict[str, dict[str, str]]:
    """The words of ``answers.txt`` by language, each with the key of its meaning."""
    found: dict[str, dict[str, str]] = {lang: {} for lang in LISTED}
    lines = files("scraper.text").joinpath("answers.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if line and line[0] != "#":
            sides = line.split("|")
            key = f"={sides[0].split()[0]}"
            for lang, side in zip(LISTED, sides, strict=True):
                for word in side.split():
                    found[lang].setdefault(word, key)
    return found


def tokens_of(text: str, lang: str, other: str) -> frozenset[str]:
    """What ``text`` has that an answer to it may have too; the first character of each tells its kind.

    Args:
        text: a sentence, or several.
        lang: its language, a code of ``tables.LANGUAGES``.
        other: the language of what may answer it.
    """
    meanings = _meanings()[lang] if (lang, other) in _BOTH else {}
    if len(text) <= _WORD_LENGTH and text.isalpha():
        return frozenset(_word(text, lang, meanings))  # the same, at once
    # where all are capitals none of them makes a name
    return frozenset(_tokens(text, lang, meanings, named=not text.isupper()))


def answers_of(word: str, first: str, second: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a single word has that an answer may have too, were it of the one language, and were it of the other."""
    if (first, second) not in _BOTH or len(word) > _WORD_LENGTH or not word.isalpha():
        return tuple(tokens_of(word, first, second)), tuple(tokens_of(word, second, first))
    plain = folded(word)
    if plain in _EMPTY:
        return (), ()
    meanings = _meanings()
    return tuple(_plain_word(plain, meanings[first])), tuple(_plain_word(plain, meanings[second]))


def _tokens(text: str, lang: str, meanings: dict[str, str], *, named: bool) -> Iterable[str]:
    begun = False
    for found in _TOKEN.finditer(text):
        token = found[0]
        match found.lastgroup:
            case "number":
                yield f"0{_number(token)}"
            case "tag":
                # most often a word of the sentence: «#Paris» may answer «Paris»
                yield from _word(token[1:], lang, meanings) if token[0] == "#" else (f"#{folded(token)}",)
            case "link":
                yield f"#{token.rstrip('.,;:!?)')}"
            case _:
                parts = re.split("['’]", token)
                word = parts[-1] if len(parts[-1]) > 2 else max(parts, key=len)
                yield from _word(word, lang, meanings, named=named and begun)
        begun = True


def _word(word: str, lang: str, meanings: dict[str, str], *, named: bool = False) -> Iterable[str]:
    plain = folded(word)
    if _is_empty(word, plain, lang):
        return
    yield from _plain_word(plain, meanings)
    # every noun has a capital in German
    if named and word[0].isupper() and lang != "de" and len(plain) > 2 and not _meaning(plain, meanings):
        yield f"N{plain[:4]}"


def _plain_word(plain: str, meanings: dict[str, str]) -> Iterable[str]:
    meaning = _meaning(plain, meanings)
    if meaning is not None:
        return (meaning,)
    return (f"w{plain[:4]}",) if len(plain) > 2 else ()


def _meaning(plain: str, meanings: dict[str, str]) -> str | None:
    """The key of what a word means, whether it stands in one form or another in the list; None if it does not."""
    key = meanings.get(plain)
    if key is None and plain[-1:] in ("s", "x"):
        for ending in ("s", "es", "x"):
            key = key or meanings.get(plain.removesuffix(ending))
    return key


def _is_empty(word: str, plain: str, lang: str) -> bool:
    """Whether a word answers nothing by itself."""
    if lang in LISTED:
        return plain in _EMPTY
    return find(unicodedata.normalize("NFC", word.lower())).get(lang, -99.0) > _COMMON


def _number(text: str) -> str:
    if re.fullmatch(r"\d{1,3}(?:[ \u00a0\u202f.,]\d{3})+", text):
        return re.sub(r"\D", "", text)
    return text.replace(",", ".").replace("h", ":")
