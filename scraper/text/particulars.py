"""Stretches of a caption that are no text by what they are made of: figures, and nothing else but words for them.

«Photo n° 12», «October 1st, 2022», «le 12 mai à 18 h 45 (UTC+1)», «IMG-20230412-WA0007»: a date, a time of day, the
number of a picture, the name of a file, alone on a line, before what it is set off from, or behind the last sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from scraper.text.days import MONTHS
from scraper.text.lexicon import BESIDE_FIGURES, FIGURED

_TELLING = FIGURED | MONTHS.keys()
#: the name of a file, a day in figures
_CODE = re.compile(
    r"\b(?=[A-Za-z_-]*\d)(?=(?:[A-Za-z_-]*\d){4})[A-Za-z]{0,12}[\d_-][\w-]{3,40}(?:\.\w{3,4})?\b"
    r"|\b\d{1,4}[./-]\d{1,2}[./-]\d{2,4}\b"
)
_ITEM = re.compile(r"[^\W\d_]+|\d+|[!?\"«»“”;&=*~]")
_LONGEST = 72
#: where the line's own words end
_ADDED = re.compile(r"[ ]?(?:(?<!\w)[#@]\w|https?:|www\.|\b[a-z]{1,12}\.[a-z]{2,4}/)")
#: what sets off a stretch from the words behind it, and from the words before it
_BEHIND = re.compile(r"[ ]?[:–—|•-][ ]")
_BEFORE = re.compile(r"[.!?…][»”\")]?[ ]{1,2}|[ ][–—|•·/-][ ]")


def find_particulars(body: str) -> Iterator[tuple[int, int, bool]]:
    """Where such stretches are, in order: start, end, and whether it is a day or a time of day."""
    start = 0
    for line in body.split("\n"):
        if any(map(line.__contains__, "0123456789")):
            for first, after in _stretches(line):
                day = _judge(line[first:after])
                if day is not None:
                    yield start + first, start + after, day
                    break
        start += len(line) + 1


def _stretches(line: str) -> Iterator[tuple[int, int]]:
    """The line without links and hashtags; what stands before a sign in it, and behind its last sentences."""
    added = _ADDED.search(line)
    after = len(line[: added.start() if added else len(line)].rstrip())
    if after <= _LONGEST:
        yield 0, after
    for sign in _BEHIND.finditer(line, 0, min(after, _LONGEST)):
        yield 0, sign.start()
    for stop in _BEFORE.finditer(line, max(0, after - _LONGEST), after):
        yield stop.end(), after


def _judge(text: str) -> bool | None:
    """Whether ``text`` is a day or a time of day; None where it is no particular at all."""
    bare = _CODE.sub(" 0 ", text)
    told = bare != text
    day = figures = False
    for item in _ITEM.findall(bare.lower()):
        if item.isdigit():
            figures = True
        elif item in _TELLING:
            told = True
            day = day or item in MONTHS or item in ("h", "utc", "gmt")
        elif item not in BESIDE_FIGURES:
            return None
    return day if told and figures and not text.rstrip().endswith((",", " -")) else None
