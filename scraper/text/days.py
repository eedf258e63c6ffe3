"""Days as credit lines write them, in digits or in French or English words; day first, the other reading kept beside.

Every pattern is bounded; a day that never was is none.
"""

from __future__ import annotations

import re
from datetime import date

from scraper.model import CreditLine, Mission

#: in digits: 03/12/2016, 03.12.2016, 3-12-2016, 2016-12-03
DIGITS = (
    r"(?<![\w/.-])(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{4}|\d{1,2}\.\d{1,2}\.\d{4}|\d{1,2}-\d{1,2}-\d{4})"
    r"(?![\w/-])"
)
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "janvier janv january jan",
            "février fevrier févr fevr february feb",
            "mars march mar",
            "avril avr april apr",
            "mai may",
            "juin june jun",
            "juillet juil july jul",
            "août aout august aug",
            "septembre september sept sep",
            "octobre october oct",
            "novembre november nov",
            "décembre decembre december déc dec",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
#: in words: 3 décembre 2016, 1er mai 2017, 3rd December 2016, December 3, 2016
WORDS = (
    rf"(?<![\w/.-])(?:\d{{1,2}}(?:er|st|nd|rd|th)?[ \u00a0](?i:{_MONTH})\.?[ \u00a0]\d{{4}}"
    rf"|(?i:{_MONTH})\.?[ \u00a0]\d{{1,2}}(?:st|nd|rd|th)?,?[ \u00a0]\d{{4}})(?![\w/-])"
)
_DAY = re.compile(rf"(?P<digits>{DIGITS})|{WORDS}")


def days_in(text: str) -> tuple[date | None, date | None]:
    """The first day in ``text`` read day first, and month first where that is another day; impossible ones are none."""
    for found in _DAY.finditer(text):
        if found["digits"]:
            a, b, c = (int(number) for number in re.findall(r"\d+", found.group()))
            readings = ((a, b, c),) if a > 31 else ((c, b, a), (c, a, b))
        else:
            day, year = (int(number) for number in re.findall(r"\d+", found.group()))
            (month,) = {MONTHS[name] for name in re.findall(r"[^\W\d_]+", found.group().lower()) if name in MONTHS}
            readings = ((year, month, day),)
        days = [_day(*reading) for reading in readings]
        first, other = days[0], days[-1]
        if first or other:
            return first, other if other != first else None
    return None, None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def resolve_day(credit: CreditLine | None, mission: Mission | None) -> date | None:
    """The day a credit line means: day first, unless only the month-first reading lies inside ``mission``."""
    if credit is None:
        return None
    if credit.day is None or credit.other_reading is None:
        return credit.day or credit.other_reading
    if mission is not None and mission.covers(credit.other_reading) and not mission.covers(credit.day):
        return credit.other_reading
    return credit.day
