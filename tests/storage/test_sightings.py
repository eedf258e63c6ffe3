"""Gone is what two whole looks have missed, and nothing else; what is seen again is back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from scraper.model import DateOrigin, Precision, Published
from storage.archive import Archive
from storage.changes import Entry
from storage.runs import RunStatus
from storage.schema import AbsenceRecord, PostRecord, rows_of

DAY = timedelta(days=1)
START = datetime(2016, 12, 1, tzinfo=UTC)


def on(day: int) -> Published:
    return Published(at=START + day * DAY, precision=Precision.SECOND, origin=DateOrigin.API)


@dataclass
class Site:
    """A source with a post a day, and runs that look at it; each run is an hour after the one before."""

    archive: Archive
    entry_of: Callable[..., Entry]
    plan: Any
    hour: int = 0

    def look(
        self,
        *numbers: int,
        since: int | None = None,
        whole: bool = True,
        scope: str = "a",
        pages: dict[str, tuple[int, ...]] | None = None,
        seen: bool = True,
    ) -> int:
        """One run that finds these posts (or, page by page, those of ``pages``); how many it finds to be gone."""
        now = self.now
        self.hour += 1
        run = self.archive.journal.begin("iss", "mastodon", None, scope=scope, now=now)
        for url, found in (pages or {"https://iss.example/": numbers}).items():
            capture_id = self.archive.captures.keep(run, self.capture(url, found)) if pages else None
            entries = [self.entry_of(str(number), pictures=0, published=on(number)) for number in found]
            self.archive.record(run.id, capture_id, entries, plan=self.plan, now=now, seen=seen)
        gone = 0
        if whole and pages:
            gone = self.archive.looked(run.id, pages=list(pages), now=now)
        elif whole:
            bound = None if since is None else START + since * DAY
            gone = self.archive.looked(run.id, since=bound, until=now, now=now)
        self.archive.journal.close(run, RunStatus.COMPLETED, now=now)
        return gone

    @property
    def now(self) -> datetime:
        """When the next run begins."""
        return START + 30 * DAY + timedelta(hours=self.hour)

    @staticmethod
    def capture(url: str, found: tuple[int, ...]) -> Any:
        from scraper.capture import Capture, Request

        return Capture(
            request=Request(url=url), url=url, status=200, headers={}, body=repr(found).encode(), fetched_at=START
        )

    def gone(self) -> dict[str, bool]:
        """The posts that are gone or were; whether they are."""
        with self.archive.database.read() as connection:
            rows = connection.exec_driver_sql(
                "SELECT native_id, gone_at IS NOT NULL AS gone, back_at FROM posts"
                " WHERE gone_at IS NOT NULL OR back_at IS NOT NULL ORDER BY native_id"
            )
            return {row.native_id: bool(row.gone) for row in rows}


@pytest.fixture
def site(archive: Archive, entry_of: Callable[..., Entry], plan: Any) -> Site:
    return Site(archive, entry_of, plan)


def test_a_post_is_gone_when_two_whole_looks_miss_it(site: Site) -> None:
    """The first look that misses a post makes it suspect, the second one says so; the others stay."""
    site.look(1, 2, 3)
    assert (site.look(1, 3), site.gone()) == (0, {})
    assert (site.look(1, 3), site.gone()) == (1, {"2": True})
    assert site.look(1, 3) == 0


def test_a_post_that_returns_is_back(site: Site) -> None:
    """Seen again it is not gone any more, since when is noted, and that it was gone stays known."""
    site.look(1, 2)
    site.look(1)
    site.look(1)
    then = site.now
    site.look(1, 2)
    assert site.gone() == {"2": False}
    with site.archive.database.read() as connection:
        (absence,) = connection.execute(select(rows_of(AbsenceRecord))).all()
        posts = rows_of(PostRecord)
        back = connection.scalar(select(posts.c.back_at).where(posts.c.native_id == "2"))
    assert (absence.back_at, back, absence.run_id) == (then, then, 3)
    assert absence.gone_at == then - timedelta(hours=1)
    site.look(1)
    assert site.look(1) == 1


def test_a_look_that_failed_says_nothing(site: Site) -> None:
    """Runs that did not read everything neither mark a post nor count as having missed it."""
    site.look(1, 2)
    for _ in range(3):
        site.look(1, whole=False)
    assert site.look(1) == 0
    site.look(1, whole=False)
    assert site.look(1) == 1


def test_only_what_was_looked_through_is_missed(site: Site) -> None:
    """A look down to the third says nothing of the first and second, however often."""
    site.look(1, 2, 3, 4)
    for _ in range(3):
        site.look(4, since=3)
    assert site.gone() == {"3": True}


def test_a_deep_look_needs_another_deep_one(site: Site) -> None:
    """Between two whole looks there may be any number of shorter ones: they do not count, nor do they hinder."""
    site.look(1, 2, 3)
    site.look(2, 3)
    site.look(3, since=3)
    site.look(3, since=3)
    assert site.gone() == {}
    assert site.look(2, 3) == 1


def test_another_configuration_is_another_look(site: Site) -> None:
    """A source told to leave boosts out does not make the boosts of before gone."""
    site.look(1, 2, scope="with boosts")
    for _ in range(3):
        assert site.look(1, scope="without") == 0
    site.look(1, 2, scope="with boosts")
    site.look(1, scope="with boosts")
    assert site.look(1, scope="with boosts") == 1


def test_reading_anew_sees_nothing(site: Site) -> None:
    """A post that is read from an answer that is held was not seen at its source: it can still be missed."""
    site.look(1, 2)
    site.look(1)
    site.look(2, whole=False, seen=False)
    assert site.look(1) == 1
    site.look(2, whole=False, seen=False)
    assert site.gone() == {"2": True}


def test_a_post_that_was_seen_and_not_recorded_is_not_missed(site: Site) -> None:
    """Seen is seen, whatever is done with it; what is not held is passed over."""
    site.look(1, 2)
    for _ in range(2):
        now = site.now
        run = site.archive.journal.begin("iss", "mastodon", None, scope="a", now=now)
        site.archive.saw(run.id, ["1", "2", "no such post"], now)
        assert site.archive.looked(run.id, now=now) == 0
        site.archive.journal.close(run, RunStatus.COMPLETED, now=now)
        site.hour += 1


def test_undated_posts_are_not_between_two_dates(site: Site) -> None:
    """Nothing is concluded about a post without a date by a look from date to date."""
    now = site.now
    run = site.archive.journal.begin("iss", "mastodon", None, scope="a", now=now)
    site.archive.record(run.id, None, [site.entry_of("0", published=None)], plan=site.plan, now=now)
    site.archive.journal.close(run, RunStatus.COMPLETED, now=now)
    site.look(1)
    site.look(1)
    assert site.look(1) == 0


def test_a_page_is_looked_through_by_itself(site: Site) -> None:
    """What stood on a page is missed there only; a page that was not read says nothing; a post that moved is seen."""
    a, b = "https://iss.example/a", "https://iss.example/b"
    site.look(pages={a: (1, 2, 5), b: (3, 4)})
    site.look(pages={a: (1, 5)})
    site.look(pages={a: (1,), b: (3, 4, 5)})
    assert site.gone() == {"2": True}
    site.look(pages={b: (3,)})
    site.look(pages={b: (3,)})
    assert site.gone() == {"2": True, "4": True}
    with site.archive.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM looks").scalar() == 2


def test_many_are_gone_at_once(site: Site) -> None:
    """More posts than a statement takes can be gone in one look."""
    site.hour = 24 * 3000
    site.look(*range(1, 2400))
    site.look(1)
    assert site.look(1) == 2398
