"""A question's text cut into its pieces: words, phrases, hashtags and signs, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple, NoReturn

from storage.errors import QueryRefused
from storage.pointing import pointer
from storage.search.hashtags import tag_key
from storage.search.stems import STEMMED, Lang
from storage.search.tree import Captioned, Leaf, Phrase, Prefix, Tagged
from storage.search.words import Word, words


def _words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: letters that a beginning has at least: the beginnings of all words are not to be read for one question
BEGINNING = 2

#: they say nothing in either language, and are no thing in the other: été, son, car and est are not among them
STOP_WORDS = _words_of(
    "le la les l un une de des du d au aux et ou en dans par pour sur ce cet cette ces qui que qu ne se il elle "
    "the a an of to in on at by and or for from with is are was were this that it its as"
)

Sign = Literal["(", ")", "OR", "AND", "NOT"]
_NAMED: dict[str, Sign] = {"AND": "AND", "OR": "OR", "NOT": "NOT"}

#: what ends a quotation that began so; curly ones are mixed up by those who type them
_CLOSING = {"«": "»", "»": "«", **dict.fromkeys('"“”„‟＂', '"“”„‟＂')}
_QUOTES = "".join(_CLOSING)
_PIECE = re.compile(rf"[^\s()|{_QUOTES}]+")
_LANG = re.compile(r"lang:", re.IGNORECASE)


class Piece(NamedTuple):
    """One piece of a question.

    Attributes:
        at: offset of its first letter.
        sign: the operator that it is; None for something that is looked for.
        sought: what is looked for, side by side but for a star's; several only where the last one has a star.
        stop: it is a single stop word, and not in quotation marks.
        size: how many words it is.
    """

    at: int
    sign: Sign | None = None
    sought: tuple[Leaf, ...] = ()
    stop: bool = False
    size: int = 0


def refuse(text: str, at: int | None, why: str) -> NoReturn:
    """Raise the error that says ``why``, with a caret below ``at``."""
    raise QueryRefused(why + pointer(text, at), text=text, at=at)


def pieces(text: str) -> Iterator[Piece]:
    """The pieces of ``text`` in its order; punctuation that is no operator is in none.

    Raises:
        QueryRefused: a quotation without an end, an unknown language, a star that does not end a word.
    """
    at = 0
    while at < len(text):
        letter = text[at]
        if letter in "()":
            yield Piece(at, sign="(" if letter == "(" else ")")
            at += 1
        elif letter == "|":
            yield Piece(at, sign="OR")
            at = _behind(text, at, "|")
        elif letter in _CLOSING:
            end = next((end for end in range(at + 1, len(text)) if text[end] in _CLOSING[letter]), None)
            if end is None:
                refuse(text, at, f"the quotation that begins here has no end: close it, or leave {letter} out")
            yield from _quoted(text, at, end)
            at = end + 1
        elif letter == "-" and _denies(text, at):
            yield Piece(at, sign="NOT")
            at += 1
        elif letter == "-":
            at = _behind(text, at, "-")
        elif found := _PIECE.match(text, at):
            yield from _typed(text, at, found[0])
            at = found.end()
        else:  # white space
            at += 1


def _behind(text: str, at: int, letter: str) -> int:
    while text[at : at + 1] == letter:
        at += 1
    return at


def _denies(text: str, at: int) -> bool:
    """Whether the hyphen at ``at`` stands before something and behind nothing; two of them are a dash."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return (not before or before.isspace() or before in "(|") and bool(after.strip()) and after not in "-)|"


def _quoted(text: str, at: int, end: int) -> Iterator[Piece]:
    forms = tuple(word.form for word in words(text[at + 1 : end]))
    if forms:
        yield Piece(at, sought=(Phrase(forms),), size=len(forms))


def _typed(text: str, at: int, piece: str) -> Iterator[Piece]:
    if sign := _NAMED.get(piece):
        yield Piece(at, sign=sign)
    elif _LANG.match(piece):
        yield Piece(at, sought=(Captioned(_lang(text, at, piece)),))
    elif piece[0] in "#＃":
        if key := tag_key(piece):
            yield Piece(at, sought=(Tagged(key, begun=piece.endswith("*")),), size=1)
    elif found := list(words(piece)):
        yield _words(text, at, piece, found)


def _lang(text: str, at: int, piece: str) -> Lang:
    named = piece[len("lang:") :]
    for lang in STEMMED:
        if named.casefold() == lang:
            return lang
    said = f"not {named!r}" if named else "and nothing stands behind the colon"
    refuse(text, at + len("lang:"), f"a language is lang:fr or lang:en, {said}")


def _words(text: str, at: int, piece: str, found: list[Word]) -> Piece:
    forms = tuple(word.form for word in found)
    last = found[-1]
    stars = [star for star, letter in enumerate(piece) if letter == "*"]
    wrong = next((star for star in stars if star < last.start), None)
    if wrong is not None:
        refuse(
            text,
            at + wrong,
            "a star ends a word (mont*) and stands nowhere else; words are looked for by their beginning",
        )
    if not stars or stars[0] != last.end:
        return Piece(at, sought=(Phrase(forms),), stop=len(forms) == 1 and forms[0] in STOP_WORDS, size=len(forms))
    start = forms[-1]
    if len(start) < BEGINNING and start.isalnum() and start.isascii():
        refuse(text, at + last.start, f"before a star stand at least {BEGINNING} letters")
    whole = (Phrase(forms[:-1]),) if forms[:-1] else ()
    return Piece(at, sought=(*whole, Prefix(start)), size=len(forms))
