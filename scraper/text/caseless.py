"""Credit lines and their like in a text that has no capitals, or nothing else: names are not known by them there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scraper.text.days import DIGITS, WORDS
from scraper.text.holders import AGENCIES_IN_A_WORD
from scraper.text.lexicon import LEADING_ON
from scraper.text.tables import is_frequent

_AGENCY = rf"(?:{'|'.join(AGENCIES_IN_A_WORD).lower()})"
_NAME = r"[^\W\d_][\w.’'-]{0,30}(?:[ ][^\W\d_][\w.’'-]{0,30}){0,4}"
#: a line that tells by its words whose picture it is; ``names`` must be names only
_LINE = re.compile(
    rf"""(?m)^[ ]?[(\[]?(?:
        (?:©|\(c\)[ ])[^\n]{{1,120}}
      | contains[ ]modified[ ]copernicus[^\n]{{1,120}}
      | (?:(?:images?|photos?|pictures?|vid[ée]os?)[ ])?cr[ée]dits?(?:[ ](?:photos?|images?|vid[ée]os?))?[ ]?:
        [ ]?(?P<holder>[^\n]{{2,120}}?)
      | (?:(?:photos?|images?|pictures?|vid[ée]os?)[ ]?(?::|by\b|par\b)|📷|📸|🎥)[ ]?(?P<names>[^\n]{{2,80}}?)
      | {_AGENCY}(?:[ ]?[/–—-][ ]?[^\n]{{1,80}})?
      | {_NAME}[ ]?,[ ](?:[\w'-]{{1,20}}[ ]){{1,3}}mission[ ](?:image|photo|picture)s?,?[ ]{{1,2}}(?:{DIGITS}|{WORDS})
      | {_NAME}[ ]?,[ ](?:mission[ ][\w'-]{{1,20}},?[ ])?{DIGITS}
      | {_NAME}[ ]{DIGITS}
    )[)\]]?(?=[ ]?$|[ ]https?:)""",
    re.VERBOSE,
)
_PARTICLES = frozenset(
    ("de", "du", "des", "d", "la", "le", "les", "l", "of", "the", "and", "et", "by", "par", "for", "pour", "van", "von")
)
_WORD = re.compile(r"[^\W\d_]+")
_MOST = 10


def has_no_case(body: str) -> bool:
    """Whether all letters of ``body`` are small, or all capitals."""
    return body.islower() or body.isupper()


def caseless_credits(body: str) -> Iterator[tuple[int, int]]:
    """Where credit lines are in ``body``, which is in small letters."""
    for m in _LINE.finditer(body):
        named = m["holder"] or m["names"]
        if named is None or _are_names(named, told=m["holder"] is not None):
            yield m.start() + (body[m.start()] == " "), m.end()


def _are_names(text: str, *, told: bool) -> bool:
    """Whether ``text`` may be names: it has few words and none of a sentence; ``told`` that it is said to be so."""
    words = _WORD.findall(text)
    small = LEADING_ON - _PARTICLES
    return len(words) <= _MOST and not any(
        w in small or (not told and len(w) > 1 and w not in _PARTICLES and is_frequent(w)) for w in words
    )
