"""Credit lines found in a caption and taken apart: person, agency, mission, date, file numbers; knows no language.

The spellings met are listed in ``sources.md`` section 9. Dates are read day first («03/12/2016» is 3 December);
where the month-first reading is a date too it is kept beside, for the mission's own dates to decide.
Every pattern here is bounded and starts at a fixed hint, so that no text makes it slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from scraper.model import CreditLine
from scraper.text.days import DIGITS, WORDS, days_in
from scraper.text.holders import AGENCIES, HOLDER, JOINT, LICENSE, PERSON, agencies, holders, plausible, tidy

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
         \b(?:[Cc]r[eé]dits?|CR[EÉ]DITS?)(?:[ ][Pp]hotos?|[ ][Ii]mages?)?
         [ \u00a0\u202f]?[:：][ \u00a0\u202f]?(?P<holder>{_NAMED}{{2,160}})
       | (?:©|\([cC]\)|\b[Cc]opyright\b)[ \u00a0\u202f]?:?[ \u00a0\u202f]?(?P<owner>{_NAMED}{{2,120}})""",
    re.VERBOSE,
)
_SHOT = re.compile(
    rf"""(?:\b[Pp]hotos?|\b[Ii]mages?|\b[Pp]ictures?|\b[Vv]id[eé]os?|📷|📸|🎥)\ufe0f?[ \u00a0\u202f]?:?[ \u00a0\u202f]?
        (?:by[ ]|par[ ])?(?:{HOLDER}|{PERSON}{JOINT}{AGENCIES})
        (?=[ \u00a0]{{0,3}}(?:[\n\r#@(\[)\]{_EMOJI}]|https?:|{DIGITS}|$))""",
    re.VERBOSE,
)
#: a line that is nothing but agencies and a name: «ESA - S. Corvaja», «ESA/NASA»
_BARE = re.compile(rf"(?m)^[ \t]*(?:{HOLDER})(?:,?[ \t]\d{{4}})?[ \t]*\.?[ \t]*$")
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
    rf"""(?:\b[Cc]r[eé]dits?[ \u00a0\u202f]?:[ \u00a0\u202f]?)?(?:©[ ]?)?
        \b(?i:contains[ ](?:modified[ ])?Copernicus[ ](?:Sentinel(?:-\d[A-D]?)?[ ])?data
          |enthält[ ](?:modifizierte[ ])?Copernicus[ -](?:Sentinel[ -])?Daten
          |contient[ ]des[ ]données[ ](?:modifiées[ ])?Copernicus(?:[ ]Sentinel)?(?:[ ]modifiées)?)
        (?:[ ]?[(\[]\d{{4}}(?:[–-]\d{{2,4}})?[)\]])?
        (?:,?[ ](?i:processed[ ]by|bearbeitet[ ]von(?:[ ]der)?|traitées?[ ]par)[ ](?:l['’])?
          (?P<by>{AGENCIES})(?:[ ]?[,–/-]?[ ]?{LICENSE})?)?""",
    re.VERBOSE,
)
_YEAR = re.compile(r"\d{4}")
#: cheap test whether a text can hold any of the above
_ANY = re.compile(
    r"[Cc]r[eé]dit|CR[EÉ]DIT|©|\([cC]\)|opyright|ESA|NASA|CNES|JAXA|CSA|oscosmos|OSCOSMOS|Agency|opernicus|\d{4}"
)

_SENTENCE_END = re.compile(r"(?<=\w{3})[.!?](?=\s|$)|https?:|www\.|[\"“”«»]")


def _cut(text: str) -> int:
    """How much of what follows «Credits:» is the holder: up to the sentence's end, a link or a quotation mark."""
    end = _SENTENCE_END.search(text)
    return len((text[: end.start()] if end else text).rstrip(" \t\u00a0,;–—-"))


def _holders(text: str) -> tuple[str | None, str | None]:
    """(person, agency) of what is left without dates and file numbers."""
    return holders(DATE.sub(" ", FILE_NUMBER.sub(" ", text)))


def _spans(body: str) -> Iterator[tuple[int, int, str | None, str | None, str | None]]:
    """(start, end, person, agency, mission) of each credit line, as they are found."""
    # names are looked for only where a day may stand behind one
    for m in _SIGNED.finditer(body) if _YEAR.search(body) else ():
        mission = m["m1"] or m["m2"] or m["m3"] or m["m4"]
        # without the mission's word it is one only as a line of its own: «over Lyon 02/04/2017» is a sentence
        if not mission and (" " not in m["person"] or body[m.start() - 1 : m.start()] not in ("", "\n")):
            continue
        yield m.start(), m.end(), tidy(m["person"]), None, (mission or "").strip() or None
    for m in _SENTINEL.finditer(body) if "opernicus" in body else ():
        yield m.start(), m.end(), None, f"Copernicus/{agencies(m['by'])}" if m["by"] else "Copernicus", None
    for m in _HINTED.finditer(body):
        group = "holder" if m["holder"] is not None else "owner"
        end = m.start(group) + _cut(m[group])
        holder = body[m.start(group) : end]
        if end > m.start(group) and plausible(holder):
            yield (m.start(), end, *_holders(holder), None)
    for m in _SHOT.finditer(body):
        yield (
            m.start(),
            m.end(),
            *_holders(re.sub(r"^\W*(?:[a-zé]+\s?:?\s)?(?:by |par )?", "", m.group(), flags=re.I)),
            None,
        )
    for m in _BARE.finditer(body):
        text = m.group()
        start = m.start() + len(text) - len(text.lstrip())
        yield (start, m.start() + len(text.rstrip()), *_holders(text), None)


def find_credits(body: str) -> tuple[CreditLine, ...]:
    """The credit lines of ``body`` in order, not overlapping; empty where there is none.

    A date or file number on the same line belongs to the line's credit. File numbers that stand alone behind it
    (a habit on Flickr) are the last credit's; with no credit at all they make one by themselves.
    """
    lines: list[CreditLine] = []
    end = 0
    found = sorted(_spans(body), key=lambda s: (s[0], -s[1])) if _ANY.search(body) else []
    for start, stop, person, agency, mission in found:
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


_TAIL = re.compile(rf"[ \t\u00a0]{{1,3}}{DIGITS}")


def _with_tail(body: str, stop: int) -> int:
    """The end of a credit line with the date that may follow on the same line."""
    tail = _TAIL.match(body, stop)
    return tail.end() if tail else stop


def _with_files(body: str, lines: list[CreditLine]) -> tuple[CreditLine, ...]:
    known = [(line.start, line.start + len(line.text)) for line in lines]
    if not any(map(body.__contains__, "0123456789")):
        return tuple(lines)
    loose = [f for f in FILE_NUMBER.finditer(body) if not any(a <= f.start() < b for a, b in known)]
    if not loose:
        return tuple(lines)
    numbers = tuple(dict.fromkeys(f.group() for f in loose))
    if not lines:
        first = loose[0]
        return (CreditLine(text=first.group(), start=first.start(), files=numbers),)
    last = lines[-1]
    lines[-1] = CreditLine(
        text=last.text,
        start=last.start,
        person=last.person,
        agency=last.agency,
        mission=last.mission,
        day=last.day,
        other_reading=last.other_reading,
        files=tuple(dict.fromkeys((*last.files, *numbers))),
    )
    return tuple(lines)


def best_credit(credits_: Iterable[CreditLine]) -> CreditLine | None:
    """The credit line that says most (the later of two equals); None for none."""

    def told(line: CreditLine) -> int:
        return sum(bool(field) for field in (line.person, line.agency, line.mission, line.day, line.files))

    return max(reversed(tuple(credits_)), key=told, default=None)
