"""What words have in common: the Snowball stem of a folded form, and a term that no engine takes apart.

The algorithms are https://snowballstem.org/algorithms/french/stemmer.html and …/english/stemmer.html. They are run
by us, so that SQLite and PostgreSQL, whose own rules differ, find the same (docs/adr/0010).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import Literal

from storage.folding import fold

Lang = Literal["fr", "en"]
#: the languages that have a stem
STEMMED: tuple[Lang, ...] = ("fr", "en")

_ALGORITHMS = {"fr": "french", "en": "english"}
_lock = Lock()  # a stemmer is not to be used by two threads at once


def stem(form: str, lang: Lang) -> str:
    """The stem of a folded form, itself folded; a form of another script is its own.

    In French the endings that only an accent tells are read with it: montée, folded montee, is taken for montée.
    """
    return _stem(form, lang)


def term(form: str) -> str:
    """``form`` in a-z, 0-9 and ``_`` alone: any other letter is ``_`` and its UTF-8 in hexadecimal digits.

    Two forms never have the same term.
    """
    return form if form.isascii() else "".join(c if c.isascii() else "_" + c.encode().hex() for c in form)


@lru_cache(maxsize=1 << 16)
def _stem(form: str, lang: Lang) -> str:
    if not form.isascii() or not form.isalpha():
        return form
    stemmed = _stemmer(lang)
    with _lock:
        return fold(stemmed(_accented(form) if lang == "fr" else form)) or form


@lru_cache
def _stemmer(lang: Lang) -> Callable[[str], str]:
    import Stemmer

    made: Callable[[str], str] = Stemmer.Stemmer(_ALGORITHMS[lang], 0).stemWord  # 0: what is remembered, we remember
    return made


_ENDINGS = ((re.compile(r"e+e(s?)$"), r"é\1"), (re.compile(r"iere(s?)$"), r"ière\1"), (re.compile(r"erent$"), "èrent"))


def _accented(form: str) -> str:
    """``form`` with the accents of those endings that nothing else can be."""
    for ending, accented in _ENDINGS:
        form = ending.sub(accented, form)
    return form
