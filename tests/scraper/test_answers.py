"""What the headers of an answer say of when to ask again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scraper.answers import fresh_until

NOW = datetime(2026, 6, 15, 12, 0, 0, tzinfo=UTC)
EXPIRES = "Mon, 15 Jun 2026 13:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "minutes"),
    [
        ({}, None),
        ({"cache-control": "max-age=600"}, 10),
        ({"cache-control": "public, MAX-AGE=600, must-revalidate"}, 10),
        ({"cache-control": "max-age=600", "age": "120"}, 8),
        ({"cache-control": "max-age=600", "age": "900"}, None),
        ({"cache-control": "max-age=600", "age": "-5"}, 10),
        ({"cache-control": "s-maxage=600"}, None),
        ({"cache-control": "max-age=600, no-cache"}, None),
        ({"cache-control": "no-store"}, None),
        ({"cache-control": "max-age=600", "expires": EXPIRES}, 10),
        ({"expires": EXPIRES}, 60),
        # an hour by the host's own clock, which goes wrong by two
        ({"expires": EXPIRES, "date": "Mon, 15 Jun 2026 12:00:00 GMT"}, 60),
        ({"expires": "0"}, None),
        ({"expires": "Mon, 15 Jun 2020 13:00:00 GMT"}, None),
        ({"cache-control": "max-age=0", "expires": EXPIRES}, None),
        ({"cache-control": "max-age=99999999999"}, 366 * 24 * 60),
    ],
)
def test_until_when_an_answer_is_fresh(headers: dict[str, str], minutes: int | None) -> None:
    """By Cache-Control, else Expires; what is stale, must not be kept or makes no sense says nothing."""
    assert fresh_until(headers, NOW) == (NOW + timedelta(minutes=minutes) if minutes is not None else None)
