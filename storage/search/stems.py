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


def stem_once(form: str, lang: Lang) -> str:
    """The same, of what is no word but a beginning of one: it is not remembered."""
    return _stem.__wrapped__(form, lang)


def term(form: str) -> str:
    """``form`` in a-z, 0-9 and ``_`` alone: any other letter is ``_`` and its UTF-8 in hexadecimal digits.

    Two forms never have the same term.
    """
    return form if form.isascii() else "".join(c if c.isascii() else "_" + c.encode().hex() for c in form)


@lru_cache(maxsize=1 << 17)
def _stem(form: str, lang: Lang) -> str:
    if not form.isascii() or not form.isalpha():
        return form
    stemmed = _stemmer(lang)
    with _lock:
        found = stemmed(_accented(form) if lang == "fr" else form)
    return (found if found.isascii() else fold(found)) or form


@lru_cache
def _stemmer(lang: Lang) -> Callable[[str], str]:
    import Stemmer

    made: Callable[[str], str] = Stemmer.Stemmer(_ALGORITHMS[lang], 0).stemWord  # 0: what is remembered, we remember
    return made


#: endings as they are written without accents, and as Snowball wants to read them. Of the pairs of French words (a list
#: of 129,000) that have one stem with their accents, 17.6 % had two without these lines, and 1.5 % have with them
_ENDINGS = tuple(
    (re.compile(ending), accented)
    for ending, accented in (
        (r"(graph|[aeiou]f|[po]ubl|etud)i(?:er|ees?)$", r"\1ie"),  # photographier, identifiée
        (r"e+e(s?)$", r"é\1"),  # montée is read as monté
        (r"iere(s?|ment)$", r"ière\1"),
        (r"(?<!coh)(?<!adh)(?<!inh)(?<!lig)(?<!f)erent$", "èrent"),  # montèrent; cohérent and différent are none
        (r"ye(s?)$", r"yé\1"),
        (
            r"(?<=al|el|il|iv|ic|id|os|ar|ur|ir|or|ac|un|in|on|im|it)ite(s?)$",
            r"ité\1",
        ),  # électricité; satellite is none
    )
)
#: all of them end so
_ACCENTED = re.compile(r"(?:e|es|er|erent|ment)$")


def _accented(form: str) -> str:
    """``form`` with the accents of those endings that nothing else can be."""
    if _ACCENTED.search(form):
        for ending, accented in _ENDINGS:
            form = ending.sub(accented, form)
    return form
