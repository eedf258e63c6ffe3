"""Whom a credit line names: agencies and a person; as they are written, one spelling of a name."""

from __future__ import annotations

import re

from scraper.text.licences import LICENSE

#: the agencies and firms that credit lines name in one word
AGENCIES_IN_A_WORD = (
    "ESA", "NASA", "CNES", "JAXA", "CSA", "ASC", "DLR", "ASI", "UKSA", "CSG", "GCTC", "Roscosmos", "SpaceX",
    "Arianespace", "Copernicus", "Eumetsat", "ESO", "NOAA", "CERN",
)  # fmt: skip
AGENCY = "|".join((*AGENCIES_IN_A_WORD, "ROSCOSMOS", "ARIANESPACE", "EUMETSAT"))
_AGENCY = (
    rf"(?:{AGENCY}|Canadian Space Agency|European Space Agency|Agence spatiale canadienne|Agence spatiale "
    "europ[ée]enne)"
)
JOINT = r"[ \u00a0\u202f]?[/–—&+,-][ \u00a0\u202f]?"
AGENCIES = rf"{_AGENCY}(?:{JOINT}{_AGENCY}){{0,5}}"
#: a capitalised name of one to four words, initials allowed («T. Pesquet», «M.Maurer», «Megan McArthur»)
_UPPER = "A-ZÀ-ÖØ-Þ"
_WORD = rf"(?:[{_UPPER}]\.[ \u00a0]?){{0,2}}[{_UPPER}][\w'’-]{{1,30}}"
PERSON = rf"{_WORD}(?:[ \u00a0]{_WORD}){{0,3}}"
#: agencies with the people and the licence behind them
HOLDER = rf"{AGENCIES}(?:{JOINT}{PERSON}){{0,3}}(?:[ \u00a0]?[,–/-]?[ \u00a0]?{LICENSE})?"

_YEAR = re.compile(r"^\d{4}(?:[–-]\d{2,4})?[ \u00a0,]{1,2}")
_INITIALS = re.compile(r"(?<=\.)(?=\w)")


def plausible(holder: str) -> bool:
    """Whether ``holder`` names someone: an agency, or a capitalised name and little else."""
    words = re.sub(LICENSE, " ", holder).strip(" ,;–—-").split()
    return bool(re.match(AGENCIES, holder)) or (
        0 < len(words) <= 10 and sum(w[:1].isupper() or not w[:1].isalpha() for w in words) * 2 > len(words)
    )


def tidy(name: str) -> str:
    """«M.Maurer» → «M. Maurer»: one spelling of a name."""
    return _INITIALS.sub(" ", " ".join(name.split())).strip(" ,-–—/.") if "." in name else " ".join(name.split())


def agencies(text: str) -> str:
    """«CNES / ESA» → «CNES/ESA»: one spelling of several agencies."""
    return re.sub(r"\s*([/&+,–—-])\s*", "/", text)


def holders(text: str) -> tuple[str | None, str | None]:
    """(person, agency) of «ESA/NASA–T. Pesquet», «CNES / ESA», «Roscosmos-P. Dubrov», «T. Pesquet».

    Dates and file numbers are no part of ``text`` any more.
    """
    text = _YEAR.sub("", re.sub(LICENSE, " ", text).strip(" \t\u00a0\u202f,;:./()[]–—-"))
    found = re.match(AGENCIES, text)
    if found:
        return _person(text[found.end() :]), agencies(found.group())
    after = re.search(rf"(?:{JOINT}|\s\(?){AGENCIES}", text)
    if after:
        name = re.match(PERSON, text)
        return (tidy(name.group()) if name else None), agencies(re.sub(r"^[\s(/–—&+,-]+", "", after.group()))
    name = re.fullmatch(PERSON, text)
    if name and "." not in text and " " not in text:
        return None, text
    return (tidy(name.group()) if name else None), (None if name else text or None)


def _person(text: str) -> str | None:
    """The first person among what stands behind agencies: «/ATG medialab–D. Ducros», not «/Rosetta/NavCam»."""
    for part in re.split(r"[/–—,&+]|[ \u00a0]-[ \u00a0]?", text.strip(" \u00a0\u202f,/–—-&+")):
        found = re.match(PERSON, part.strip(" \u00a0\u202f"))
        if found is None:
            continue
        words = re.split(r"[ \u00a0]", found.group())
        # an initial or a second name tells a person from an instrument; «CSG», «JSC» at the end an institution
        last = words[-1]
        if ("." in found.group() or len(words) > 1) and not (len(last) <= 4 and last.isupper() and "." not in words[0]):
            return tidy(found.group())
    return None
