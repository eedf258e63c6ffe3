"""The answers of one run: asked for with what is known of them, and kept with what must not be."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from jobs.report import Report
from scraper.capture import Capture, Fetcher, Request
from scraper.model import History, Post
from storage.archive import Archive
from storage.runs import Run


class Answers:
    """What a run is answered.

    Args:
        archive: where answers are kept.
        web: who answers.
        run: whose they are; its source's lease is held.
        report: counts those that are as they were.
    """

    def __init__(self, archive: Archive, web: Fetcher, run: Run, report: Report) -> None:
        self._archive, self._web, self._run = archive, web, run
        self.report = report
        self._keeps_bodies = not archive.has_buried(run.source_id)

    @property
    def run(self) -> Run:
        """The run whose answers they are."""
        return self._run

    def fetch(self, request: Request) -> Capture:
        """The answer; for a 304 the capture that it confirms, as if it had been given now."""
        captures, source_id = self._archive.captures, self._run.source_id
        known = captures.validators(source_id, request.url)
        if known is None:
            return self._web.fetch(request)
        asked = dataclasses.replace(request, etag=known[0], last_modified=known[1])
        capture = self._web.fetch(asked)
        if capture.status != 304:
            return capture
        held = captures.confirmed(source_id, request.url)
        if held is None:
            return self._web.fetch(request)
        self.report.pages_unchanged += 1
        return dataclasses.replace(held, request=asked, fetched_at=capture.fetched_at, not_modified=capture.headers)

    def keep(self, capture: Capture, found: Iterable[Post | History]) -> tuple[int, bool]:
        """Keep an answer; without its bytes, which is told, when they hold a post that was taken out for good.

        Args:
            capture: the answer.
            found: the posts in it, or what it tells of posts.

        Returns:
            The number of its index row, and whether its bytes are held.
        """
        names = [item.native_id for item in found]
        if self._keeps_bodies or not self._archive.buried(self._run.source_id, names, capture.body):
            return self._archive.captures.keep(self._run, capture), True
        return self._archive.captures.note(self._run, capture), False
