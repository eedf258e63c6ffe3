"""The archive in numbers: what is counted, of which posts, and with how few questions."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import event, update
from sqlalchemy.engine import Engine

from storage.coverage import Gap, coverage
from storage.filters import Filters
from storage.schema import AttachmentRecord, PostRecord
from storage.sizes import Growth, Sizes
from storage.tally import CAPTIONS, STATES, Tally, tally

EVERY = Filters()
NOTHING = Sizes(database=0, media=0, warc=0)


@pytest.fixture
def seven(held):
    """Seven posts of two sources: with every kind of caption, picture and date."""
    held.add("1", fr="Un", en="One", published=date(2016, 12, 3), mission="proxima", pictures=({"data": b"x" * 20},))
    held.add("2", fr="Deux", published=date(2016, 12, 31), mission="proxima", pictures=({"state": "failed"},))
    held.add("3", en="Three", published=datetime(2017, 1, 1, 23, 59, tzinfo=UTC), pictures=({"state": "gone"},))
    held.add("4", other="La Tierra", published=date(2017, 3, 1), needs_review=True)
    held.add("5", credit_line="#alpha", published=date(2017, 3, 31), mission="alpha")
    # the same picture once more, and one of its own
    held.add("6", source="thom", fr="Six", pictures=({"data": b"x" * 20}, {"data": b"y" * 7}, {"state": "pending"}))
    held.add("7", source="thom", pictures=({"state": "skipped"},))
    return held


def test_everything_is_counted_once(seven):
    """Captions and picture states add up to all; the same bytes in two posts are one file."""
    found = tally(seven.database, EVERY)
    assert replace(found, runs=(), coverage=(), growth=(), size=NOTHING) == Tally(
        posts=7,
        first="2016-12-03",
        last="2017-03-31",
        undated=2,
        needs_review=3,  # those without a date, too
        gone=0,
        captions={"both": 1, "fr": 2, "en": 1, "other": 1, "none": 2},
        months={"2016-12": 2, "2017-01": 1, "2017-03": 2},
        sources={"esa-proxima": 5, "thom": 2},
        missions={None: 4, "proxima": 2, "alpha": 1},
        pictures={"stored": 3, "pending": 1, "failed": 1, "gone": 1, "skipped": 1},
        files=2,
        bytes=27,
        coverage=(),
        size=NOTHING,
        growth=(),
        runs=(),
    )
    assert list(found.missions) == [None, "proxima", "alpha"]
    assert (tuple(found.captions), tuple(found.pictures)) == (CAPTIONS, STATES)
    assert [(run.source, run.status, dict(run.counts)) for run in found.runs] == [
        ("thom", "completed", {"posts_added": 1}),
        ("esa-proxima", "completed", {"posts_added": 1}),
    ]
    assert found.runs[0].started_at == "2017-06-02T12:00:00Z"


@pytest.mark.parametrize(
    ("filters", "months", "pictures", "size"),
    [
        (Filters(source=("esa-proxima",)), {"2016-12": 2, "2017-01": 1, "2017-03": 2}, 3, 20),
        (Filters(source=("thom",)), {}, 4, 27),
        (Filters(mission=("proxima",)), {"2016-12": 2}, 2, 20),
        (Filters(since=datetime(2017, 1, 1, tzinfo=UTC)), {"2017-01": 1, "2017-03": 2}, 1, 0),
        (Filters(until=datetime(2016, 12, 4, tzinfo=UTC)), {"2016-12": 1}, 1, 20),
        (Filters(source=("nobody",)), {}, 0, 0),
    ],
)
def test_filters_hold_for_every_number(seven, filters, months, pictures, size):
    """Posts, pictures, files and bytes are those of the posts that pass."""
    found = tally(seven.database, filters)
    assert found.months == months
    assert (sum(found.pictures.values()), found.bytes) == (pictures, size)
    assert sum(found.captions.values()) == sum(found.sources.values()) == sum(found.missions.values()) == found.posts
    if filters.source:
        assert {run.source for run in found.runs} <= set(filters.source)


def test_what_was_taken_away_is_not_counted(seven):
    """A picture that its post no longer points to is not the post's; a post that is gone is told as such."""
    with seven.database.write() as connection:
        taken = update(AttachmentRecord).where(AttachmentRecord.state == "failed")
        connection.execute(taken.values(removed_at=datetime(2020, 1, 1, tzinfo=UTC)))
        gone = update(PostRecord).where(PostRecord.native_id == "2")
        connection.execute(gone.values(gone_at=datetime(2020, 1, 1, tzinfo=UTC)))
    found = tally(seven.database, EVERY)
    assert (found.pictures["failed"], found.gone, found.posts) == (0, 1, 7)


def test_nothing_is_nothing(held):
    """An empty archive has zeros, and no dates."""
    found = tally(held.database, EVERY)
    assert (found.posts, found.first, found.last, found.months, found.files, found.bytes) == (0, None, None, {}, 0, 0)
    assert set(found.captions.values()) == set(found.pictures.values()) == {0}
    assert found.runs == ()


def test_a_few_questions_are_enough(seven):
    """However many posts there are, the database answers a few questions with a few rows."""
    asked = []

    def note(connection, cursor, statement, *rest):
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        tally(seven.database, EVERY)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    selects = [statement for statement in asked if statement.startswith("SELECT")]
    assert 5 <= len(selects) <= 14
    assert not any("body," in statement for statement in selects)


def test_numbers_are_plain_in_json(seven):
    """Months, sources and missions are lists, in order, so that a program need not know the names."""
    record = tally(seven.database, EVERY).as_json()
    assert record["months"][0] == {"month": "2016-12", "posts": 2}
    assert record["missions"][0] == {"mission": None, "posts": 4}
    assert record["sources"] == [{"source": "esa-proxima", "posts": 5}, {"source": "thom", "posts": 2}]
    assert all(type(record[name]) is int for name in ("posts", "files", "bytes", "undated", "needs_review", "gone"))


def test_coverage_is_by_mission_and_day(seven):
    """A day with a post is covered; a mission's days are those it is known to have, else those of its posts."""
    known = {"proxima": (date(2016, 12, 1), date(2016, 12, 31)), "beta": (date(2020, 1, 1), date(2020, 1, 3))}
    proxima, alpha, beta, none = tally(seven.database, EVERY, known).coverage
    assert (proxima.mission, proxima.posts, proxima.days, proxima.missing) == ("proxima", 2, 2, 29)
    gaps = (Gap(first=date(2016, 12, 1), last=date(2016, 12, 2)), Gap(first=date(2016, 12, 4), last=date(2016, 12, 30)))
    assert (proxima.gaps, proxima.longest) == (gaps, gaps[1])
    assert (alpha.mission, alpha.first, alpha.last, alpha.gaps) == ("alpha", date(2017, 3, 31), date(2017, 3, 31), ())
    assert (beta.mission, beta.posts, beta.missing, len(beta.gaps)) == ("beta", 0, 3, 1)
    assert (none.mission, none.first, none.last, none.days) == (None, date(2017, 1, 1), date(2017, 3, 1), 2)
    (only,) = tally(seven.database, Filters(mission=("proxima",)), known).coverage
    assert only == proxima
    record = only.as_json()
    assert record["longest_gap"] == record["gaps"][1] == {"first": "2016-12-04", "last": "2016-12-30", "days": 27}


def test_days_beyond_a_mission_are_not_its_own():
    """A post dated before a mission's beginning or after its end covers no day of it, and one without a date none."""
    days = {"x": {date(2016, 1, 1): 2, date(2016, 2, 1): 1, date(2016, 4, 1): 3, None: 7}}
    (found,) = coverage(days, {"x": (date(2016, 1, 31), date(2016, 2, 2))})
    assert (found.posts, found.days, found.missing) == (1, 1, 2)
    assert coverage({"x": {None: 1}}, {"x": (date(2016, 1, 1), None)}) == ()
    (open_ended,) = coverage(days, {"x": (date(2015, 12, 31), None)})
    assert (open_ended.first, open_ended.last, open_ended.missing) == (date(2015, 12, 31), date(2016, 4, 1), 90)


def test_the_archives_size_and_growth_are_told(seven):
    """What the database and the recorded files take, and in which month posts and files came first."""
    found = tally(seven.database, Filters(source=("nobody",)))
    assert found.size.database > 50_000
    assert found.size.media == 27
    assert found.growth == (Growth(month="2017-06", posts=7, files=2, bytes=27),)
