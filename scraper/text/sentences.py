"""Where the sentences of a French or English caption begin and end; knows neither which language it is nor its words.

A full stop ends a sentence unless it belongs to an abbreviation, an initial, a number or three dots in mid-sentence.
Every pattern here is bounded and looks a few characters back, so that time grows with the text's length only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: behind these a full stop is part of the word, whatever comes next
_BEFORE_NAMES = _words(
    "mm mr mrs ms mme mlle dr pr prof st ste sts mgr lt col gen gén cdt cne cpt capt sgt maj adm sen gov cf vs "
    "approx env mt mts ft bd hon jr sr e.g i.e p.ex"
)
#: … behind these only when a number comes next: «p. 12», «No. 5»; they also end sentences
_BEFORE_NUMBERS = _words("no nos nº n° art fig figs vol vols chap éd ed c p pp av ca réf ref tél tel")
#: … and behind these unless what comes next begins a sentence, as «The» does
_SHORTENED = _words("inc ltd co corp bros janv févr avr juill sept oct nov déc jan feb mar apr aug dec")
_DOTTED = re.compile(r"(?:[^\W\d_]{1,3}\.-?){1,6}[^\W\d_]{1,2}")
#: words that begin a sentence rather than go on with a name: «in the U.S. The sun …»
_OPENERS = _words(
    "a an and as at but for from here i if in it its it's my no not on our she he so that the then there these "
    "they this those to today tonight we what when where which who why you your au aux avec c'est ce ces cet "
    "cette d'ici dans de des du elle en et ici il ils j'ai je l'équipe la le les leur mais mes mon ma nos notre "
    "nous où par pour puis qu'il quand que qui sa se ses si son sous sur tu un une vous"
)

_CLOSING = "»”\"’')\\]"
_OPENING = "«“\"‘'(\\["
_SPACE = " \t\u00a0\u202f"
#: what may end a sentence: its marks, and the brackets and quotation marks that close behind them
_END = re.compile(
    rf"(?<![.!?…‽])[.!?…‽]++(?:[{_SPACE}]?[{_CLOSING}]){{0,4}}+(?=\s|$|[\U0001f000-\U0001faff\u2600-\u27bf])|\n++"
)
_SYMBOLS = re.compile(rf"(?:[{_SPACE}]?[\u2600-\u27bf\U0001f000-\U0001faff\ufe0f\u200d]{{1,20}}+){{1,20}}+(?=\s|$)")
_FIRST = re.compile(rf"[\s{_OPENING}–—•*-]{{0,20}}")
_LAST_WORD = re.compile(r"(?:[^\W\d_]|[.'’-]|n[°º]){1,16}$")
_WORD = re.compile(r"[\w'’]{1,20}")
#: how far back the word before a full stop is looked for
_BACK = 18


def sentences_of(text: str) -> tuple[tuple[int, int], ...]:
    """The sentences of ``text`` as (start, end) in code points, in order, without the space between them.

    Line breaks end a sentence, but for those within one (a lower-case letter follows, no full stop came before).
    What has no letter or digit (emoji, dashes) belongs to the sentence before it. Nothing but space is left out.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for end in _ends(text):
        piece = text[start:end]
        inner = piece.strip()
        if inner:
            at = start + len(piece) - len(piece.lstrip())
            span = (at, at + len(inner))
            if found and not _tells(inner):
                span = (found.pop()[0], span[1])
            found.append(span)
        start = end
    if len(found) > 1 and not _tells(text[slice(*found[0])]):
        found[:2] = [(found[0][0], found[1][1])]
    return tuple(found)


def _tells(sentence: str) -> bool:
    """Whether there is anything to read in it."""
    return any(c.isalnum() for c in sentence)


def _ends(text: str) -> Iterator[int]:
    """Where sentences end, the text's own end last."""
    for found in _END.finditer(text):
        if found[0][0] == "\n":
            if not _goes_on_below(text, found.start(), found.end()):
                yield found.end()
            continue
        end = found.end()
        after = _SYMBOLS.match(text, end)
        if after is not None:
            # «Magnifique ! 🚀 La suite …»: the emoji is of the sentence that it comments on
            end = after.end()
        elif end < len(text) and not text[end].isspace():
            continue
        if not _goes_on(text, found.start(), found[0], end):
            yield end
    yield len(text)


def _goes_on_below(text: str, start: int, end: int) -> bool:
    """Whether a line break only wraps a sentence."""
    if end - start > 1:
        return False
    before, after = text[max(0, start - 3) : start].rstrip(), text[end : end + 1]
    return after.islower() and before[-1:] not in '.!?…:»”"' and before != ""


def _goes_on(text: str, start: int, marks: str, end: int) -> bool:
    """Whether the sentence goes on behind marks that begin at ``start`` and end, with what closes, at ``end``."""
    head = _FIRST.match(text, end)
    at = head.end() if head else end
    if at >= len(text):
        return False
    if text[at].islower():
        return True
    if marks[0] != "." or marks[:2] == "..":
        return False
    found = _LAST_WORD.search(text, max(0, start - _BACK), start)
    if found is None:
        return False
    word = found[0].lstrip(".'’-")
    if not word:
        return False
    if "'" in word or "’" in word:
        word = re.split("['’]", word)[-1]
    name, number = word.casefold(), text[at].isdigit()
    if name in ("av", "apr") and text.startswith(("J.-C", "J-C", "JC"), at):
        return True
    if name in _BEFORE_NAMES or (number and name in _BEFORE_NUMBERS):
        return True
    if text[found.start() - 1 : found.start()] == "°":
        return False
    # initials, «U.S.», «J.-C.», «sept.»: also the last words of sentences
    if (len(word) == 1 and word.isupper()) or name in _SHORTENED or _DOTTED.fullmatch(word):
        return number or _next(text, at) not in _OPENERS
    return False


def _next(text: str, at: int) -> str:
    found = _WORD.match(text, at)
    return found[0].replace("’", "'").casefold() if found else ""
