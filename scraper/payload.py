"""Values as web APIs write them: types for a pydantic model of an answer, and dates.

A field that makes a post (its id, its text) is strict: a wrong type refuses the model. A field that only describes it
is lenient: ``Word``, ``Address``, ``Items`` and ``Pixels`` are empty where it is not what it should be.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from scraper.model import DateOrigin, Precision, Published

_ADDRESS = re.compile(r"https?://\S+")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")

#: strict: an opaque id without spaces; a number is taken as its digits
Id = Annotated[
    str, BeforeValidator(lambda v: str(v) if type(v) is int else v), Field(pattern=r"^[^\s\x00-\x1f\x7f-\x9f\ufffd]+$")
]
#: lenient: text
Word = Annotated[str, BeforeValidator(lambda v: v if isinstance(v, str) else "")]
#: lenient: an absolute http(s) address
Address = Annotated[str, BeforeValidator(lambda v: v if isinstance(v, str) and _ADDRESS.fullmatch(v) else "")]
#: lenient: a list of anything
Items = Annotated[list[object], BeforeValidator(lambda v: v if isinstance(v, list) else [])]
#: lenient: a width or a height; one that no database could hold must not cost the post
Pixels = Annotated[int | None, BeforeValidator(lambda v: v if type(v) is int and 0 < v < 2**31 else None)]


def moment(text: str) -> datetime | None:
    """The instant that an ISO 8601 date and time names, aware and in UTC; one without a zone is taken as UTC.

    None for any other text: nothing is guessed.
    """
    if not _TIME.match(text):
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):  # no such day, or before the year 1 once in UTC
        return None


def published(text: str, origin: DateOrigin = DateOrigin.API) -> Published | None:
    """The publication date that an ISO 8601 text states: to the second for a time, to the day for a date alone.

    None for any other text. ``origin`` is who said so.
    """
    at = moment(text)
    if at is not None:
        zone_known = datetime.fromisoformat(text).tzinfo is not None
        return Published(at=at, precision=Precision.SECOND, origin=origin, zone_known=zone_known)
    if not _DAY.fullmatch(text):
        return None
    try:
        return Published.on_day(date.fromisoformat(text), origin)
    except ValueError:  # no such day
        return None
