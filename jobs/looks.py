"""What a visit saw at its source, recorded or not, and what it has looked through when its listing was read whole."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from jobs.visit import Visit
from scraper.crawl import Page
from scraper.source import Reach
from storage.archive import Archive
from storage.runs import Run


class Look:
    """One visit's look at its source; see ``storage.sightings`` for what becomes of it."""

    def __init__(self, visit: Visit, archive: Archive, run: Run) -> None:
        self._reach = visit.source.reach
        self._archive, self._run = archive, run
        self._pages: list[str] = []
        self._oldest: datetime | None = None
        self._newest: datetime | None = None
        self._last: datetime | None = None
        self._has_seen, self._in_order = False, True

    def page(self, page: Page, recorded: Collection[str], now: datetime) -> None:
        """Take note of a page without fault.

        Args:
            page: what was found on it.
            recorded: native ids of the posts on it that were recorded; the others (too old, left out because
                their author asks for it) were seen all the same.
            now: aware UTC.
        """
        if page.detour is not None and self._reach is Reach.WINDOW:
            self._reach = Reach.EXTENT
        others = [post.native_id for post in page.posts if post.native_id not in recorded]
        if others:
            self._archive.saw(self._run.id, others, now)
        if page.posts:
            self._has_seen = True
            self._pages.append(page.request.url)
        dates = [post.published.at for post in page.posts if post.published is not None and not post.pinned]
        for at in dates:
            self._in_order &= self._last is None or at <= self._last
            self._last = at
        self._oldest = min((at for at in (self._oldest, *dates) if at is not None), default=None)
        self._newest = max((at for at in (self._newest, *dates) if at is not None), default=None)

    def whole(self, since: datetime | None, now: datetime) -> int:
        """The listing was read whole, down to ``since``; how many posts are known to be gone by that.

        A listing in which nothing at all was found says nothing.
        """
        if not self._has_seen or self._reach is Reach.NOTHING:
            return 0
        if self._reach is Reach.PAGE:
            return self._archive.looked(self._run.id, pages=self._pages, now=now)
        until = self._run.started_at
        if self._reach is Reach.EXTENT:
            # an old entry that was taken up again stands among the new ones, and nothing between them was listed
            if self._oldest is None or self._newest is None or not self._in_order:
                return 0
            # of the oldest second a part may have been cut off
            since, until = self._oldest + timedelta(seconds=1), self._newest
        return self._archive.looked(self._run.id, since=since, until=until, now=now)
