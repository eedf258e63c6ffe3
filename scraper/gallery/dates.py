"""Dates as pages write them: in configured formats, by the standards, or in words and digits, day first."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from scraper.feeds.dates import published_of
from scraper.model import DateOrigin, Precision, Published
from scraper.text.days import days_in

_ISO = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s?(?:[Zz]|[+-]\d\d:?\d\d)?")
_LONGEST = 300


def checked_format(text: str) -> str:
    """``text``, which is a format of ``strptime`` that holds a whole day.

    Raises:
        ValueError: it is not.
    """
    try:
        example = datetime(2016, 12, 3, 14, 5, 9, tzinfo=UTC)
        whole = datetime.strptime(example.strftime(text), text).replace(tzinfo=UTC)
    except (ValueError, re.error) as error:
        raise ValueError(f"expected a format such as %d/%m/%Y %H:%M: {error}") from error
    if (whole.year, whole.month, whole.day) != (2016, 12, 3):
        raise ValueError("expected a format with day, month and year, such as %d/%m/%Y")
    return text


def date_in(text: str, formats: Sequence[str]) -> Published | None:
    """The date that ``text`` is in the first of ``formats`` that fits; without formats the first date that it holds.

    Standards (ISO 8601, RFC 822) come first, then days in digits or in French or English words: 03/12/2016 is the third
    of December, unless that cannot be. To the second, the minute or the day as it is written; without a zone UTC is
    taken and marked. None where there is none.
    """
    text = " ".join(text[:_LONGEST].split())
    if formats:
        return next((found for form in formats if (found := _by_format(text, form)) is not None), None)
    iso = _ISO.search(text)
    found = published_of(iso[0]) if iso else published_of(text)
    if found is not None:
        return dataclasses.replace(found, origin=DateOrigin.PAGE)
    day, other = days_in(text)
    day = day or other
    return Published.on_day(day, DateOrigin.PAGE) if day is not None else None


def _by_format(text: str, form: str) -> Published | None:
    try:
        at = datetime.strptime(text, form)  # noqa: DTZ007 - whether it names a zone is asked next
        zone_known = at.tzinfo is not None
        at = at.astimezone(UTC) if zone_known else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    if not re.search(r"%(?:-?[HI]|c|X|T|R)", form):
        return Published.on_day(at.date(), DateOrigin.PAGE)
    precision = Precision.SECOND if re.search(r"%(?:-?S|c|X|T)", form) else Precision.MINUTE
    return Published(at=at, precision=precision, origin=DateOrigin.PAGE, zone_known=zone_known)
