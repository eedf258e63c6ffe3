"""Moments and durations as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.errors import UsageError
from jobs.moments import parse_duration, parse_moment

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2016-11-17", datetime(2016, 11, 17, tzinfo=UTC)),
        ("2016-11-17T08:00", datetime(2016, 11, 17, 8, tzinfo=UTC)),
        ("2016-11-17 08:00:30", datetime(2016, 11, 17, 8, 0, 30, tzinfo=UTC)),
        ("2016-11-17T08:00+01:00", datetime(2016, 11, 17, 7, tzinfo=UTC)),
        ("2016-11-17T08:00Z", datetime(2016, 11, 17, 8, tzinfo=UTC)),
        ("7d", NOW - timedelta(days=7)),
        ("90m", NOW - timedelta(minutes=90)),
    ],
)
def test_a_moment_is_a_date_a_time_or_a_while_ago(text, expected):
    """A date is its midnight in UTC; a time is UTC unless it carries an offset; 7d is a week ago."""
    assert parse_moment(text, NOW) == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "17/11/2016", "2016-13-01", "2016-02-30", "0d", "999999w", "20161117", "2016-W01"]
)
def test_what_is_no_moment_is_refused_with_examples(text):
    """Anything else is a usage error that shows the forms that work."""
    with pytest.raises(UsageError):
        parse_moment(text, NOW)


def test_a_duration_has_a_number_and_a_unit():
    """Seconds to weeks."""
    assert [parse_duration(text) for text in ("30s", "6h", "2w")] == [
        timedelta(seconds=30),
        timedelta(hours=6),
        timedelta(weeks=2),
    ]
