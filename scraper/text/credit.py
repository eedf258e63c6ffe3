"""Credit lines found in a caption and taken apart: person, agency, mission, date, file numbers; knows no language.

The spellings met are listed in ``sources.md`` section 9. Dates are read day first («03/12/2016» is 3 December);
where the month-first reading is a date too it is kept beside, for the mission's own dates to decide.
Every pattern here is bounded and starts at a fixed hint, so that no text makes it slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from scraper.model import CreditLine, Mission

_AGENCY = (
    r"(?:ESA|NASA|CNES|JAXA|CSA|ASC|DLR|ASI|UKSA|Roscosmos|ROSCOSMOS|SpaceX|Arianespace|CSG|GCTC|Copernicus|Eumetsat"
    r"|EUMETSAT|Canadian Space Agency|European Space Agency|Agence spatiale canadienne|Agence spatiale europ[ée]enne)"
)
_JOINT = r"[ \u00a0\u202f]?[/–—&+,-][ \u00a0\u202f]?"
_AGENCIES = rf"{_AGENCY}(?:{_JOINT}{_AGENCY}){{0,5}}"
#: a capitalised name of one to four words, initials allowed («T. Pesquet», «M.Maurer», «Megan McArthur»)
_UPPER = "A-ZÀ-ÖØ-Þ"
_WORD = rf"(?:[{_UPPER}]\.[ \u00a0]?)?[{_UPPER}][\w'’-]{{1,30}}"
_PERSON = rf"{_WORD}(?:[ \u00a0]{_WORD}){{0,3}}"
_LICENSE = r"(?:[ \u00a0]?[,–-]?[ \u00a0](?:CC[ -]BY(?:[ -][\w.]{1,6}){0,5}|[Pp]ublic [Dd]omain))?"
_HOLDER = rf"{_AGENCIES}(?:{_JOINT}{_PERSON}){{0,3}}{_LICENSE}"

_DATE = (
    r"(?<![\w/.-])(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{4}|\d{1,2}\.\d{1,2}\.\d{4}|\d{1,2}-\d{1,2}-\d{4})"
    r"(?![\w/-])"
)
DATE = re.compile(_DATE)

#: photo and file numbers as cameras, agencies and the crew write them
FILE_NUMBER = re.compile(
    r"""(?<![\w#@/.-])(?:
      [0-9]{3}[A-Z][0-9]{4}
    | (?:iss|ISS)[0-9]{3}-?[eE]-?[0-9]{3,7}
    | (?:DSCN?|_?DSC|IMG|_?MG|DSCF|PESQ|PXL|GOPR)_?[0-9]{3,8}
    | GMT[0-9]{1,3}_[0-9]{1,2}_[0-9]{1,2}(?:_[A-Za-z0-9-]{1,30}(?:[ ][A-Z][A-Za-z]{1,30}_[0-9]{1,6})?){0,3}
    )(?![\w-])""",
    re.VERBOSE,
)
#: the same with the words and brackets that stand around them, for whoever masks them out of a caption
FILE_MARK = re.compile(
    rf"""[(\[]?(?:(?:\bID|\bPhoto\ ID|\bn[°º])\ ?:?\ ?)?(?:{FILE_NUMBER.pattern})[)\]]?
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
        (?:by[ ]|par[ ])?{_HOLDER}
        (?=[ \u00a0]{{0,3}}(?:[\n\r#@(\[)\]{_EMOJI}]|https?:|{_DATE}|$))""",
    re.VERBOSE,
)
#: a line that is nothing but agencies and a name: «ESA - S. Corvaja», «ESA/NASA»
_BARE = re.compile(rf"(?m)^[ \t]*(?:{_HOLDER})[ \t]*\.?[ \t]*$")
_SIGNED = re.compile(
    rf"""(?<![\w'’])(?P<person>{_PERSON}),?[ \u00a0]{{1,2}}
        (?:(?:(?P<m1>[\w' -]{{1,40}}?)[ ]mission[ ](?:image|photo|picture)
           |(?:image|photo)[ ]de[ ]la[ ]mission[ ](?P<m2>[\w' -]{{1,40}}?))[ \u00a0,]{{1,3}})?
        {_DATE}""",
    re.VERBOSE,
)
#: cheap test whether a text can hold any of the above
_ANY = re.compile(r"[Cc]r[eé]dit|CR[EÉ]DIT|©|\([cC]\)|opyright|ESA|NASA|CNES|JAXA|CSA|oscosmos|OSCOSMOS|Agency|\d{4}")

_SENTENCE_END = re.compile(r"(?<=\w{3})[.!?](?=\s|$)|https?:|www\.|[\"“”«»]")
_INITIALS = re.compile(r"(?<=\.)(?=\w)")


def _cut(text: str) -> int:
    """How much of what follows «Credits:» is the holder: up to the sentence's end, a link or a quotation mark."""
    end = _SENTENCE_END.search(text)
    return len((text[: end.start()] if end else text).rstrip(" \t\u00a0,;–—-"))


def _plausible(holder: str) -> bool:
    """Whether ``holder`` names someone: an agency, or a capitalised name and little else."""
    words = holder.split()
    return bool(re.match(_AGENCIES, holder)) or (
        0 < len(words) <= 10 and sum(w[:1].isupper() or not w[:1].isalpha() for w in words) * 2 > len(words)
    )


def _dates(text: str) -> tuple[date | None, date | None]:
    """The date in ``text`` read day first, and month first where that is another date; impossible ones are none."""
    for found in DATE.finditer(text):
        a, b, c = (int(number) for number in re.findall(r"\d+", found.group()))
        readings = ((a, b, c),) if a > 31 else ((c, b, a), (c, a, b))
        days: list[date | None] = []
        for year, month, day in readings:
            try:
                days.append(date(year, month, day))
            except ValueError:
                days.append(None)
        first = days[0]
        other = days[1] if len(days) > 1 and days[1] != first else None
        if first or other:
            return first, other
    return None, None


def _tidy(name: str) -> str:
    """«M.Maurer» → «M. Maurer»: one spelling of a name."""
    return _INITIALS.sub(" ", " ".join(name.split())).strip(" ,-–—/.") if "." in name else " ".join(name.split())


def _holders(text: str) -> tuple[str | None, str | None]:
    """(person, agency) of «ESA/NASA–T. Pesquet», «CNES / ESA», «Roscosmos-P. Dubrov», «T. Pesquet»."""
    text = DATE.sub(" ", FILE_NUMBER.sub(" ", text))
    text = re.split(r"[,–-]?\s(?=CC[ -]BY|[Pp]ublic [Dd]omain)", text, maxsplit=1)[0]
    text = text.strip(" \t\u00a0\u202f,;:.–—-")
    found = re.match(_AGENCIES, text)
    if found:
        agency = re.sub(r"\s*([/&+,–—-])\s*", lambda m: "/", found.group())
        rest = text[found.end() :].strip(" \u00a0\u202f,/–—-&+")
        name = re.match(_PERSON, rest)
        return (_tidy(name.group()) if name else None), agency
    agency_after = re.search(rf"(?:{_JOINT}|\s\(?){_AGENCIES}", text)
    if agency_after:
        name = re.match(_PERSON, text)
        agency = re.sub(r"^[\s(/–—&+,-]+", "", agency_after.group())
        return (_tidy(name.group()) if name else None), re.sub(r"\s*([/&+,–—-])\s*", "/", agency)
    name = re.fullmatch(_PERSON, text)
    if name and "." not in text and " " not in text:
        return None, text
    return (_tidy(name.group()) if name else None), (None if name else text or None)


def _spans(body: str) -> Iterator[tuple[int, int, str | None, str | None, str | None]]:
    """(start, end, person, agency, mission) of each credit line, as they are found."""
    for m in _SIGNED.finditer(body):
        mission = m["m1"] or m["m2"]
        # without the mission's word it is one only as a line of its own: «over Lyon 02/04/2017» is a sentence
        if not mission and (" " not in m["person"] or body[m.start() - 1 : m.start()] not in ("", "\n")):
            continue
        yield m.start(), m.end(), _tidy(m["person"]), None, (mission or "").strip() or None
    for m in _HINTED.finditer(body):
        group = "holder" if m["holder"] is not None else "owner"
        end = m.start(group) + _cut(m[group])
        holder = body[m.start(group) : end]
        if end > m.start(group) and _plausible(holder):
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
        day, other = _dates(text)
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


_TAIL = re.compile(rf"[ \t\u00a0]{{1,3}}{_DATE}")


def _with_tail(body: str, stop: int) -> int:
    """The end of a credit line with the date that may follow on the same line."""
    tail = _TAIL.match(body, stop)
    return tail.end() if tail else stop


def _with_files(body: str, lines: list[CreditLine]) -> tuple[CreditLine, ...]:
    known = [(line.start, line.start + len(line.text)) for line in lines]
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


def resolve_day(credit: CreditLine | None, mission: Mission | None) -> date | None:
    """The day a credit line means: day first, unless only the month-first reading lies inside ``mission``."""
    if credit is None:
        return None
    if credit.day is None or credit.other_reading is None:
        return credit.day or credit.other_reading
    if mission is not None and mission.covers(credit.other_reading) and not mission.covers(credit.day):
        return credit.other_reading
    return credit.day
