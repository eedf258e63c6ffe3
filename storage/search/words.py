"""What a word is: the runs of letters and digits of a text, folded, each with its place in the text as it was given.

The rules are UAX 29's in spirit (https://unicode.org/reports/tr29/#Word_Boundaries) and simpler: hyphens, underscores
and apostrophes part words, and where a script has no spaces (Han, Kana) each sign is a word, as each emoji is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from storage.folding import fold

#: words of one text; what stands behind them is not found by its words
LIMIT = 4_000
#: letters of a word; what is longer is cut into words
LENGTH = 64

#: what is written for an apostrophe
_APOSTROPHE = "['’‘‚‛ʼ′´`ˋ＇]"
#: what may be in a word; all that is no plain letter is judged by ``_scan``. The joiners and soft hyphens are in
_LETTER = (
    r"[^\x00-/:-@\[-`{-\xa9\xab\xac\xae-\xb1\xb4\xb6-\xb8\xbb-\xbf×÷ʼˋ"
    r"\u2000-\u200a\u200e-\u205f\u2061-\u206f\u3000-\u3002＇]"
)
_RUN = re.compile(f"{_LETTER}{{1,{LENGTH}}}(?:{_APOSTROPHE}{_LETTER}{{1,{LENGTH}}}){{0,3}}{_APOSTROPHE}?")
_BETWEEN = re.compile(f"[^{_APOSTROPHE[1:]}+")

#: Han and Kana, which have no spaces: radicals, repetition marks, Kana without the marks of voice, ideographs
_UNSPACED = re.compile(
    "[\u2e80-\u2fdf\u3005-\u3007\u3041-\u3098\u309b-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff66-\uff9d\U00020000-\U0003ffff]"
)

#: articles and little words that lose their vowel before an apostrophe
#: vowel signs that are not dropped as accents are, emoji
_SOUNDS = frozenset(("Mn", "Mc", "So", "Cn"))
_ELIDED = frozenset(("l", "d", "qu", "j", "n", "s", "c", "m", "t", "jusqu", "lorsqu", "puisqu", "quoiqu"))


class Word(NamedTuple):
    """One word of a text.

    Attributes:
        start: offset of its first letter, in code points.
        end: offset behind its last one.
        form: as ``storage.folding.fold`` has it, at most 64 letters: what words are compared by.
    """

    start: int
    end: int
    form: str


def words(text: str) -> Iterator[Word]:
    """The words of ``text`` in its order, at most 4,000; any text is taken.

    Elided articles (l', d', qu' and their like, with whatever apostrophe) and the English 's are left out; digits are
    words, so ``1,000`` is two.
    """
    return islice(_words(text), LIMIT)


def runs(text: str) -> list[str]:
    """The pieces of ``text`` that ``parts`` makes words of, at most 4,000."""
    if len(text) < LIMIT:
        return _RUN.findall(text)
    return [run[0] for run in islice(_RUN.finditer(text), LIMIT)]


@lru_cache(maxsize=1 << 16)  # texts repeat their words
def parts(run: str) -> tuple[Word, ...]:
    """The words of one run, their places counted from its beginning."""
    pieces = [(piece.start(), piece[0]) for piece in _BETWEEN.finditer(run)]
    before_apostrophe = len(pieces) - run.endswith(pieces[-1][1])  # l'« eau » is a run that ends with one
    if len(pieces) > 1 and fold(pieces[-1][1]) == "s":
        pieces.pop()
        before_apostrophe = len(pieces) - 1
    elided = 0
    while elided < before_apostrophe and fold(pieces[elided][1]) in _ELIDED:
        elided += 1
    return tuple(word for at, piece in pieces[elided:] for word in _scan(at, piece))


def _words(text: str) -> Iterator[Word]:
    for run in _RUN.finditer(text):
        at = run.start()
        for start, end, form in parts(run[0]):
            yield Word(at + start, at + end, form)


def _scan(at: int, piece: str) -> Iterator[Word]:
    if piece.isascii():  # letters and digits only: the run saw to that
        yield Word(at, at + len(piece), piece.lower()[:LENGTH])
        return
    begin, end, form, open_ = 0, 0, "", False
    for place, letter in enumerate(piece, at):
        kind = kind_of(letter)
        if kind == "joined":  # marks and joiners belong to what stands before them
            end = place + 1 if form else end
            form += shown(letter) if open_ else ""
            continue
        if form and not (open_ and kind == "letter"):
            yield Word(begin, end, form[:LENGTH])
            form = ""
        if kind != "apart":
            begin, end, form = (begin if form else place), place + 1, form + (shown(letter) or letter.casefold())
        open_ = kind == "letter"
    if form:
        yield Word(begin, end, form[:LENGTH])


def shown(letter: str) -> str:
    """``letter`` folded, without what neither is one nor sounds like one: a keycap's frame, a fraction's stroke."""
    return "".join(one for one in fold(letter) if one.isalnum() or unicodedata.category(one) in _SOUNDS)


def kind_of(letter: str) -> str:
    """What ``letter`` is to words: a ``letter``, ``alone`` (one itself), ``joined`` to the one before, or ``apart``."""
    code = ord(letter)
    if code >= 0x2E80 and _UNSPACED.match(letter):
        return "alone"
    if 0x1F3FB <= code <= 0x1F3FF:
        return "joined"  # the colour of a skin
    if 0x1F000 <= code <= 0x1FAFF:
        return "alone"  # emoji, also those that this Python has not heard of
    category = unicodedata.category(letter)
    if category[0] == "M" or category == "Cf":
        return "joined"
    if letter.isalnum():
        return "letter"
    return "alone" if category == "So" and code >= 0x2190 else "apart"
