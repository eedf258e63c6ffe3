"""Credit lines found in a caption and taken apart: person, agency, mission, date, file numbers; knows no language.

The spellings met are listed in ``sources.md`` section 9. Dates are read day first («03/12/2016» is 3 December);
where the month-first reading is a date too it is kept beside, for the mission's own dates to decide.
Every pattern here is bounded and starts at a fixed hint, so that no text makes it slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from scraper.model import CreditLine
from scraper.text.days import DIGITS, WORDS, days_in
from scraper.text.holders import AGENCIES, HOLDER, JOINT, PERSON, agencies, holders, plausible, tidy
from scraper.text.library import MAY_TELL_TAKEN, TAKEN
from scraper.text.licences import ALONE, BEHIND, LICENSE
from scraper.text.surroundings import find_whose

DATE = re.compile(DIGITS)

#: photo and file numbers as cameras, agencies and the crew write them
FILE_NUMBER = re.compile(
    r"""(?<![\w#@/.-])(?i:
      [0-9]{3}[A-Z][0-9]{4}
    | (?:iss|ISS)[0-9]{3}-?[eE]-?[0-9]{3,7}
    | (?:jsc|JSC)[0-9]{4}[eE][0-9]{5,6}
    | NHQ[0-9]{12}
    | (?:DSCN?|_?DSC|IMG|_?MG|DSCF|PESQ|PXL|GOPR)_?[0-9]{3,8}
    | GMT[0-9]{1,3}_[0-9]{1,2}_[0-9]{1,2}(?:_[A-Za-z0-9-]{1,30}(?:[ ][A-Z][A-Za-z]{1,30}_[0-9]{1,6})?){0,3}
    )(?![\w-])""",
    re.VERBOSE,
)
#: the same with the words and brackets that stand around them, for whoever masks them out of a caption
FILE_MARK = re.compile(
    rf"""[(\[]?(?:(?i:\bID|\bPhoto\ ID|\bn[°º])\ ?:?\ ?)?(?:{FILE_NUMBER.pattern})[)\]]?
      | (?<![\w&\#/])\#[0-9]{{3,7}}(?!\w)""",
    re.VERBOSE,
)

#: symbols and emoji, which end a holder's name
_EMOJI = r"\u2600-\u27bf\U0001f1e6-\U0001faff"
_NAMED = rf"[^\n\r#@|()\[\]{_EMOJI}]"
_HINTED = re.compile(
    rf"""(?:(?:\b[Ii]mages?|\b[Pp]hotos?|\b[Pp]icture)[ ])?
         \b(?:[Cc]r(?:é|e\u0301?)dits?|CR(?:É|E\u0301?)DITS?)(?:[ ][Pp]hotos?|[ ][Ii]mages?)?
         [ \u00a0\u202f]?[:：][ \u00a0\u202f]?(?P<holder>{_NAMED}{{2,160}})
       | (?:©|\([cC]\)|\b[Cc]opyright\b)[ \u00a0\u202f]?:?[ \u00a0\u202f]?(?P<owner>{_NAMED}{{2,120}})""",
    re.VERBOSE,
)
_SHOT = re.compile(
    rf"""(?:\b[PpFf]h?otos?|\b[Ii]mages?|\b[Pp]ictures?|\b[Vv]id[eé]os?|📷|📸|🎥)\ufe0f?
        [ \u00a0\u202f]?:?[ \u00a0\u202f]?
        (?:(?:taken[ ]|prises?[ ])?(?:by|par)[ ]|courtesy[ ]of[ ])?(?:{HOLDER}|{PERSON}{JOINT}{AGENCIES})
        (?=[ \u00a0]{{0,3}}(?:[\n\r#@(\[)\]{_EMOJI}]|https?:|{DIGITS}|$))""",
    re.VERBOSE,
)
_PICTURE = r"(?:[Pp]hotos?|PHOTOS?|[Ii]mages?|[Pp]ictures?|[Vv]id[eé]os?|📷\ufe0f?|📸|🎥)[ \u00a0\u202f]?"
#: a line that is nothing but agencies and a name, or says in so many words who took the picture
_BARE = re.compile(
    rf"""(?m)^[ \t]{{0,9}}(?P<text>(?:{HOLDER}|{PERSON}[ \u00a0]\({AGENCIES}\)
          |{_PICTURE}(?:taken[ ]by|prises?[ ]par)[ ]{PERSON}
          |{_PICTURE}(?::|by\b|par\b)[ \u00a0\u202f]?(?:{PERSON}(?={BEHIND.pattern})|@\w{{1,64}}(?:@[\w.-]{{1,80}})?)
        )(?:,?[ \t]\d{{4}})?(?:{BEHIND.pattern})?)[ \t]?\.?[ \t]{{0,9}}$""",
    re.VERBOSE,
)
#: what leads to a name: «Photo prise par », «Image courtesy of »
_LEAD = re.compile(
    r"^[^\w@]*(?:(?i:photo\w*|foto|images?|pictures?|vid[eé]os?|clich[eé]s?|visuels?|illustrations?|source|cr[eé]dits?|courtesy"
    r"|copyright|of|by|par|taken|prises?)\b[^\w@]*|c\)[^\w@]*){0,5}"
)
#: «Thomas Pesquet, Proxima mission image 03/12/2016» and the like; a day in words only where the mission is named
_SIGNED = re.compile(
    rf"""(?<![\w'’])(?P<person>{PERSON})[ \u00a0]?,?[ \u00a0]{{1,2}}
        (?:(?:(?P<m1>[\w' -]{{1,40}}?)[ ]mission[ ](?:image|photo|picture)
           |(?:image|photo)[ ]de[ ]la[ ]mission[ ](?P<m2>[\w' -]{{1,40}}?)
           |(?P<m3>{PERSON})[ ]mission
           |[Mm]ission[ ](?P<m4>{PERSON}))
           [ \u00a0]?,?[ \u00a0]{{1,3}}(?:{DIGITS}|{WORDS})
         |{DIGITS})""",
    re.VERBOSE,
)
#: whoever shows changed Sentinel data has to say so: https://sentinels.copernicus.eu/web/sentinel/terms-conditions
_SENTINEL = re.compile(
    rf"""(?:\b[Cc]r(?:é|e\u0301?)dits?[ \u00a0\u202f]?:[ \u00a0\u202f]?)?(?:©[ ]?)?
        \b(?i:contains[ ](?:modified[ ])?Copernicus[ ](?:Sentinel(?:-\d[A-D]?)?[ ])?data
          |enthält[ ](?:modifizierte[ ])?Copernicus[ -](?:Sentinel[ -])?Daten
          |contient[ ]des[ ]données[ ](?:modifiées[ ])?Copernicus(?:[ ]Sentinel)?(?:[ ]modifiées)?)
        (?:[ ]?[(\[]\d{{4}}(?:[–-]\d{{2,4}})?[)\]])?
        (?:,?[ ](?i:processed[ ]by|bearbeitet[ ]von(?:[ ]der)?|traitées?[ ]par)[ ](?:l['’])?
          (?P<by>{AGENCIES})(?:[ ]?[,–/-]?[ ]?{LICENSE})?)?""",
    re.VERBOSE,
)
_YEAR = re.compile(r"\d{4}")
#: what a text has, in small letters, that holds a label; a picture; a licence: cheap tests before the patterns
_LABELS = ("cr\u00e9dit", "credit", "cre\u0301dit", "©", "(c)", "copyright")
_PICTURES = ("photo", "foto", "image", "picture", "video", "vid\u00e9o", "📷", "📸", "🎥")
_LICENCES = (
    "cc0", "cc 0", "cc by", "cc-by", "creative commons", "standard licen", "government licen", "licence ouverte",
    "etalab", "public domain", "domaine public", "rights reserved", "droits réservés",
)  # fmt: skip
#: … that tells whose a picture is, besides the labels and pictures
_WHOSE = (
    "clich", "visuel", "illustration", "source", "contains modified", "courtesy", "courtoisie", "permission",
    "autorisation",
)  # fmt: skip
#: … and as it is, that may be an agency's
_AGENCIES = (
    "ESA",
    "NASA",
    "CNES",
    "JAXA",
    "CSA",
    "ASC",
    "DLR",
    "ASI",
    "oscosmos",
    "ROSCOSMOS",
    "Agency",
    "Agence",
    "CSG",
    "GCTC",
    "SpaceX",
    "rianespace",
    "ARIANESPACE",
    "opernicus",
    "umetsat",
    "EUMETSAT",
    "ESO",
    "NOAA",
    "CERN",
)

_LINE_END = re.compile("\n")
_SENTENCE_END = re.compile(r"(?<=\w{3})[.!?](?=\s|$)|https?:|www\.|[\"“”«»]")


def _cut(text: str) -> int:
    """How much of what follows «Credits:» is the holder: up to the sentence's end, a link or a quotation mark."""
    end = _SENTENCE_END.search(text)
    return len((text[: end.start()] if end else text).rstrip(" \t\u00a0,;–—-"))


def _holders(text: str) -> tuple[str | None, str | None]:
    """(person, agency) of what is left without dates and file numbers; an account is a person's."""
    if text.startswith("@"):
        return text, None
    return holders(DATE.sub(" ", FILE_NUMBER.sub(" ", text)))


def _lines_of(body: str) -> list[int]:
    """Where the lines of ``body`` begin."""
    return [0, *(m.end() for m in _LINE_END.finditer(body))]


def may_tell_whose(body: str) -> bool:
    """Whether ``find_whose`` can find any in ``body`` at all; a cheap test."""
    has = body.lower().__contains__
    return (
        any(map(has, _LABELS))
        or any(map(has, _PICTURES))
        or any(map(has, _WHOSE))
        or ("/" in body and (any(map(body.__contains__, _AGENCIES)) or "UKSA" in body))
    )


def _spans(body: str) -> Iterator[tuple[int, int, str | None, str | None, str | None]]:
    """(start, end, person, agency, mission) of each credit line, as they are found."""
    quiet = body.lower()
    labelled, shown = (any(map(quiet.__contains__, words)) for words in (_LABELS, _PICTURES))
    named = any(map(body.__contains__, _AGENCIES))
    starts = _lines_of(body)
    # names are looked for only where a day may stand behind one
    dated = any(map(body.__contains__, "0123456789")) and _YEAR.search(body) is not None
    for m in _SIGNED.finditer(body) if dated and ("ission" in body or DATE.search(body)) else ():
        mission = m["m1"] or m["m2"] or m["m3"] or m["m4"]
        # without the mission's word it is one only as a line of its own: «over Lyon 02/04/2017» is a sentence
        if not mission and (" " not in m["person"] or body[m.start() - 1 : m.start()] not in ("", "\n")):
            continue
        yield m.start(), m.end(), tidy(m["person"]), None, (mission or "").strip() or None
    for m in TAKEN.finditer(body) if MAY_TELL_TAKEN in body else ():
        yield m.start(), m.end(), tidy(m["person"]), None, m["mission"]
    for m in _SENTINEL.finditer(body) if "opernicus" in body else ():
        yield m.start(), m.end(), None, f"Copernicus/{agencies(m['by'])}" if m["by"] else "Copernicus", None
    for m in _HINTED.finditer(body) if labelled else ():
        group = "holder" if m["holder"] is not None else "owner"
        end = m.start(group) + _cut(m[group])
        holder = body[m.start(group) : end]
        if end > m.start(group) and plausible(holder):
            yield (m.start(), end, *_holders(holder), None)
    for m in _SHOT.finditer(body) if shown and named else ():
        yield (m.start(), m.end(), *_holders(_LEAD.sub("", m.group())), None)
    for m in filter(None, [_BARE.match(body, at) for at in starts]) if shown or named else ():
        yield (m.start("text"), m.end("text"), *_holders(_LEAD.sub("", m["text"])), None)
    if may_tell_whose(body):
        for m in find_whose(body):
            inner = m.group().strip(" ()[]")
            yield (start := body.index(inner, m.start()), start + len(inner), *_holders(_LEAD.sub("", inner)), None)
    for m in ALONE.finditer(body) if any(map(quiet.__contains__, _LICENCES)) else ():
        yield m.start("stated"), m.end("stated"), None, None, None


def find_credits(body: str) -> tuple[CreditLine, ...]:
    """The credit lines of ``body`` in order, not overlapping; empty where there is none.

    A date, file number or licence on the same line belongs to the line's credit. A licence on a line of its own is a
    credit line that names nobody. File numbers that stand alone (a habit on Flickr) are the last credit's that names
    somebody; with no credit at all they make one by themselves.
    """
    lines: list[CreditLine] = []
    end = 0
    for start, stop, person, agency, mission in sorted(_spans(body), key=lambda span: (span[0], -span[1])):
        if start < end:
            continue
        stop = _with_tail(body, stop)
        text = body[start:stop]
        day, other = days_in(text)
        lines.append(
            CreditLine(
                text=text,
                start=start,
                person=person,
                agency=agency,
                mission=mission,
                day=day,
                other_reading=other,
                files=tuple(f.group() for f in FILE_NUMBER.finditer(text)),
            )
        )
        end = stop
    return _with_files(body, lines)


_TAIL = re.compile(rf"[ \t\u00a0]{{1,3}}{DIGITS}|{BEHIND.pattern}")


def _with_tail(body: str, stop: int) -> int:
    """The end of a credit line with the date and the licence that may follow on the same line."""
    for _ in range(2):
        tail = _TAIL.match(body, stop)
        stop = tail.end() if tail else stop
    return stop


def _with_files(body: str, lines: list[CreditLine]) -> tuple[CreditLine, ...]:
    if not any(map(body.__contains__, "0123456789")):
        return tuple(lines)
    known = iter(lines)
    line = next(known, None)
    loose: list[re.Match[str]] = []
    for found in FILE_NUMBER.finditer(body):
        while line is not None and line.start + len(line.text) <= found.start():
            line = next(known, None)
        if line is None or found.start() < line.start:
            loose.append(found)
    if not loose:
        return tuple(lines)
    numbers = tuple(dict.fromkeys(found.group() for found in loose))
    if not lines:
        return (CreditLine(text=loose[0].group(), start=loose[0].start(), files=numbers),)
    at = next((i for i in reversed(range(len(lines))) if lines[i].person or lines[i].agency), len(lines) - 1)
    lines[at] = replace(lines[at], files=tuple(dict.fromkeys((*lines[at].files, *numbers))))
    return tuple(lines)


def best_credit(credits_: Iterable[CreditLine]) -> CreditLine | None:
    """The credit line that says most (the later of two equals); None for none."""

    def told(line: CreditLine) -> int:
        return sum(bool(field) for field in (line.person, line.agency, line.mission, line.day, line.files))

    return max(reversed(tuple(credits_)), key=told, default=None)
