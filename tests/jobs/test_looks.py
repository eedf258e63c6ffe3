"""What a visit may conclude from its listing depends on what the kind of source shows of itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.looks import Look
from jobs.visit import Visit
from scraper.capture import Request
from scraper.crawl import Page
from scraper.errors import Refused, ScraperError
from scraper.model import DateOrigin, Post, Precision, Published, Reading
from scraper.registry import kinds
from scraper.settings import SourceOptions
from scraper.source import Reach, Source
from storage.archive import Archive
from storage.runs import RunStatus
from storage.settings import ArchiveSettings

NOW = datetime(2017, 6, 10, tzinfo=UTC)


class Site(Source[SourceOptions]):
    """A source of this test, which shows of itself what the test says."""

    kind = "site"
    options_type = SourceOptions

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        yield Request(url=self.options.url)

    def parse(self, capture: Any, since: datetime | None) -> Iterator[Post | Request]:
        yield from ()


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(ArchiveSettings(folder=tmp_path / "archive")) as opened:
        yield opened


def post(day: int, *, pinned: bool = False) -> Post:
    at = NOW - timedelta(days=10 - day)
    published = Published(at=at, precision=Precision.SECOND, origin=DateOrigin.API)
    return Post(source_id="site", native_id=str(day), body=str(day), published=published, pinned=pinned)


def visit(
    archive: Archive, reach: Reach, *pages: list[Post], since: int | None = None, refused: ScraperError | None = None
) -> int:
    """One visit that finds these posts on these pages, after one that was ``refused``; how many are gone by it."""
    source = type("Reaching", (Site,), {"reach": reach})("site", SourceOptions(url="https://site.example/"))
    asked = Visit(source=source)
    run = archive.journal.begin("site", "site", None, scope=asked.scope, now=NOW)
    look = Look(asked, archive, run)
    if refused is not None:
        look.page(Page(request=Request(url="https://site.example/api"), detour=refused), set(), NOW)
    for number, posts in enumerate(pages):
        entries = [(item, Reading(published=item.published)) for item in posts]
        archive.record(run.id, None, entries, plan=lambda item: ("pending", None), now=NOW)
        look.page(Page(request=Request(url=f"https://site.example/{number}"), posts=tuple(posts)),
                  {item.native_id for item in posts}, NOW)  # fmt: skip
    gone = look.whole(None if since is None else NOW - timedelta(days=10 - since), NOW)
    archive.journal.close(run, RunStatus.COMPLETED, now=NOW)
    return gone


def test_each_kind_says_how_far_it_shows_itself() -> None:
    """A listing that is complete, a page that is whole, a feed that is cut at its end."""
    assert {name: kind.reach for name, kind in kinds().items() if name in ("mastodon", "esa_gallery", "feed")} == {
        "mastodon": Reach.WINDOW,
        "esa_gallery": Reach.PAGE,
        "feed": Reach.EXTENT,
    }


def test_a_complete_listing_shows_everything_down_to_the_bound(archive: Archive) -> None:
    """Also the newest and the oldest post within the bound can be missed."""
    visit(archive, Reach.WINDOW, [post(9), post(5), post(4), post(1)])
    visit(archive, Reach.WINDOW, [post(5)], since=4)
    assert visit(archive, Reach.WINDOW, [post(5)], since=4) == 2


def test_a_feed_shows_what_lies_between_its_ends(archive: Archive) -> None:
    """What is older than its last entry has left it, and its newest may be in the cache of somebody."""
    visit(archive, Reach.EXTENT, [post(9), post(7), post(5), post(4), post(1)])
    visit(archive, Reach.EXTENT, [post(7), post(4)])
    assert visit(archive, Reach.EXTENT, [post(7), post(4)]) == 1


def test_a_feed_out_of_order_shows_nothing(archive: Archive) -> None:
    """An old entry that was taken up again says nothing of those between it and the new ones; a pinned one neither."""
    visit(archive, Reach.EXTENT, [post(9), post(7), post(5), post(4), post(1)])
    for _ in range(3):
        assert visit(archive, Reach.EXTENT, [post(1), post(9)]) == 0
    for _ in range(3):
        assert visit(archive, Reach.EXTENT, [post(1, pinned=True), post(9), post(7)]) == 0


@pytest.mark.parametrize("reach", list(Reach))
def test_an_empty_listing_shows_nothing(archive: Archive, reach: Reach) -> None:
    """A site that shows no post at all is more likely broken than abandoned by all of them."""
    visit(archive, reach, [post(9), post(5)])
    for _ in range(3):
        assert visit(archive, reach, []) == 0


def test_a_kind_that_says_nothing_of_itself_proves_nothing(archive: Archive) -> None:
    """Without knowing what a listing shows, nothing is concluded from it."""
    visit(archive, Reach.NOTHING, [post(9), post(5)])
    for _ in range(3):
        assert visit(archive, Reach.NOTHING, [post(9)]) == 0


def test_a_complete_listing_read_by_another_way_shows_what_lies_between_its_ends(archive: Archive) -> None:
    """A feed in the place of a closed API has the newest posts alone: the older ones, which it lacks, are not gone."""
    refused = Refused("closed", url="https://site.example/api", status=401)
    visit(archive, Reach.WINDOW, [post(9), post(7), post(5), post(4), post(1)])
    visit(archive, Reach.WINDOW, [post(7), post(4)], refused=refused)
    assert visit(archive, Reach.WINDOW, [post(7), post(4)], refused=refused) == 1
