"""Dates as feeds write them: RFC 822 with English months, and ISO 8601; anything else is no date, nothing is guessed.

RSS: https://www.rssboard.org/rss-specification (RFC 822), Atom and JSON Feed: RFC 3339. feedparser's own reading is
not used: it takes a time without a zone for UTC and does not say so, and fills what is missing from the clock.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

from scraper.model import DateOrigin, Precision, Published

_CLOCK = r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s*(?:\(?([A-Za-z]{1,5}|(?:GMT|UTC)?[+-]\d\d:?(?:\d\d)?)\)?)?"
_RFC822 = re.compile(
    rf"(?:[^\W\d]+\.?,?\s+)?(\d{{1,2}})(?:\s+|-)([A-Za-z]{{3,9}})\.?(?:\s+|-)(\d{{4}}|\d\d)(?:,?\s+{_CLOCK})?"
)
_ISO = re.compile(rf"(\d{{4}})-(\d\d)-(\d\d)(?:[Tt\s]\s*{_CLOCK})?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = (
    "january", "february", "march", "april", "june", "july", "august", "september", "sept", "october", "november",
    "december",
)  # fmt: skip
#: hours from UTC; names that mean several zones (IST, BST) are none
_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "cet": 1, "met": 1, "cest": 2, "mest": 2, "eet": 2,
    "eest": 3, "msk": 3, "edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7, "pdt": -7, "pst": -8,
}  # fmt: skip
_LONGEST = 100


def published_of(text: str) -> Published | None:
    """The publication date that ``text`` states: to the second, the minute or the day as it is written; None if none.

    A time without a zone is kept as UTC with ``zone_known`` False; so is one that ends in ``-0000``, which says that
    the zone is not known (RFC 5322).
    """
    found = _read(" ".join(text[:_LONGEST].split()))
    if found is None:
        return None
    day, clock, zone = found
    if clock is None:
        return Published.on_day(day, DateOrigin.API)
    hour, minute, second = clock
    try:
        at = datetime(day.year, day.month, day.day, hour, minute, min(second or 0, 59), tzinfo=zone or UTC)
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):  # 25 o'clock, or outside the years 1 to 9999 once in UTC
        return None
    precision = Precision.MINUTE if second is None else Precision.SECOND
    return Published(at=at, precision=precision, origin=DateOrigin.API, zone_known=zone is not None)


def _read(text: str) -> tuple[date, tuple[int, int, int | None] | None, timezone | None] | None:
    iso = _ISO.fullmatch(text)
    found = iso or _RFC822.fullmatch(text)
    if found is None:
        return None
    first, second, third, hours, minutes, seconds, zone = found.groups()
    try:
        year, month, day = (first, second, third) if iso else (_year(third), _month(second), first)
        on = date(int(year), int(month), int(day))
    except ValueError:  # no such day, or no English month
        return None
    if hours is None:
        return on, None, None
    return on, (int(hours), int(minutes), None if seconds is None else int(seconds)), _zone(zone or "")


def _year(digits: str) -> int:
    # RFC 2822, section 4.3
    return int(digits) + (0 if len(digits) > 2 else 2000 if int(digits) < 50 else 1900)


def _month(name: str) -> int:
    name = name.lower()
    if name not in _MONTHS and name not in _LONG_MONTHS:
        raise ValueError(f"{name} is no English month")
    return _MONTHS.index(name[:3]) + 1


def _zone(text: str) -> timezone | None:
    name = text.lower()
    if name in _ZONES:
        return timezone(timedelta(hours=_ZONES[name]))
    offset = re.fullmatch(r"(?:gmt|utc)?([+-])(\d\d):?(\d\d)?", name)
    if offset is None or (offset[1] == "-" and not int(offset[2] + (offset[3] or ""))):
        return None
    ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
    return timezone(ahead if offset[1] == "+" else -ahead) if ahead < timedelta(hours=24) else None
