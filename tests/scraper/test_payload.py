"""Values as APIs write them: dates are read strictly, fields strictly or leniently as their types say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from scraper.model import DateOrigin, Precision
from scraper.payload import Address, Id, Items, Pixels, Word, moment, published


class Example(BaseModel):
    id: Id = "1"
    word: Word = ""
    address: Address = ""
    items: Items = []
    pixels: Pixels = None


@pytest.mark.parametrize(
    ("text", "at", "precision", "zone_known"),
    [
        ("2026-08-01T13:49:42.878Z", "2026-08-01T13:49:42Z", Precision.SECOND, True),
        ("2026-08-01T13:49:42.878123+00:00", "2026-08-01T13:49:42Z", Precision.SECOND, True),
        ("2026-08-01T13:49:42.878123456Z", "2026-08-01T13:49:42Z", Precision.SECOND, True),
        ("2026-08-01T01:49:42+02:00", "2026-07-31T23:49:42Z", Precision.SECOND, True),
        ("2026-08-01 13:49:42-0530", "2026-08-01T19:19:42Z", Precision.SECOND, True),
        ("2026-08-01T13:49", "2026-08-01T13:49:00Z", Precision.SECOND, False),
        ("2026-08-01T13:49:42", "2026-08-01T13:49:42Z", Precision.SECOND, False),
        ("2016-12-03", "2016-12-03", Precision.DAY, False),
    ],
)
def test_a_date_in_iso_8601_is_read(text: str, at: str, precision: Precision, zone_known: bool) -> None:
    """To the second in UTC, to the day where only a day is said; a zone that is not given is known not to be."""
    date = published(text)
    assert date is not None
    assert (str(date), date.precision, date.zone_known, date.origin) == (at, precision, zone_known, DateOrigin.API)


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "03/12/2016", "2024-02-31", "2024-02-31T10:00:00Z", "2024-13-01T00:00:00Z", "1704110400",
        "20240101", "20240101T101010Z", "2024-W01-1", "2024-01-01T25:00:00Z", "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00", "2024-01-01T10:00:00Zulu", "2024-01-01T10:00:00+99:00", " 2024-01-01",
        "2024-01-01\n",
    ],
)  # fmt: skip
def test_what_is_no_iso_8601_date_is_no_date(text: str) -> None:
    """Nothing is guessed: such a post is kept undated."""
    assert published(text) is None


@given(st.text(alphabet="0123456789-T:.+Z ", max_size=30) | st.text(max_size=30))
def test_any_text_is_a_date_in_utc_or_none(text: str) -> None:
    """No text raises, and every time that is read is aware and in UTC."""
    at = moment(text)
    assert at is None or at.tzinfo is UTC
    assert published(text) is None or str(published(text))


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))
def test_a_time_of_any_zone_keeps_its_instant(at: datetime) -> None:
    """What Python writes as ISO 8601 is read back as the same instant."""
    assert moment(at.isoformat()) == at.astimezone(UTC)


@pytest.mark.parametrize(("value", "read"), [("01J9", "01J9"), (5, "5"), (2**80, str(2**80)), ("a:b/c", "a:b/c")])
def test_an_id_is_an_opaque_text(value: Any, read: str) -> None:
    """Numbers become their digits, everything else stays as it is."""
    assert Example(id=value).id == read


@pytest.mark.parametrize(
    "value", [None, "", " ", "a b", "a\n", "a\x00", "a\ufffd", "a\x9b", "\ud800", 1.5, True, [], {}]
)
def test_what_can_be_no_id_is_refused(value: Any) -> None:
    """An id that is missing or broken must not become the key of a post."""
    with pytest.raises(ValidationError):
        Example(id=value)


@pytest.mark.parametrize(
    "value", [None, 0, -1, 2**63, 10**30, True, 1.5, "12", [], {}, "ftp://x.example", "http://a b", "javascript:x"]
)
def test_a_descriptive_field_is_empty_where_it_is_odd(value: Any) -> None:
    """It costs neither the post nor an exception."""
    odd = Example(word=[value], address=value, items={"a": value}, pixels=value)  # type: ignore[arg-type]
    assert odd == Example()


def test_descriptive_fields_are_taken_where_they_are_right() -> None:
    """Text, an absolute web address, a list and a size pass unchanged."""
    good = Example(word="a", address="https://é.example/ü?q#f", items=[1, "b"], pixels=1080)
    assert (good.word, good.address, good.items, good.pixels) == ("a", "https://é.example/ü?q#f", [1, "b"], 1080)
