"""Answers that others captured into the archive: each handed to the source whose address it is, pictures with them.

A source's own addresses are those that it would ask for, and those that its pages lead it to. Newest first: of a post
that stands in several answers the newest state counts, and what is held of a later answer stays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from jobs.asking import Answers
from jobs.errors import PostUnreadable
from jobs.intake import BadRecord, Intake, Runs, readings
from jobs.report import Failure, Outcome, Report
from jobs.visit import Unplugged
from scraper.capture import Capture, Request
from scraper.crawl import parsed
from scraper.errors import FetchError
from scraper.imports.repeats import Repeats
from scraper.imports.warcs import Held, Warcs, path_of, plain
from scraper.media import take
from scraper.model import MediaResult, Post
from scraper.source import Source
from storage import recaptured
from storage.archive import Wanted

#: hosts that are told
TOLD = 10
#: outcomes of pictures recorded in one transaction
PICTURES = 40
#: answers that are gone through for one source
_ROUNDS = 100


def bring_warcs(intake: Intake, warcs: Warcs, sources: Sequence[Source[Any]]) -> list[Report]:
    """Bring in what the files hold of these sources; a report for every source of which there was something.

    Raises:
        SourceBusy: another run has a source.
        StorageError: the archive cannot be written to.
    """
    faults = []
    for bad in warcs.read():
        faults.append(BadRecord(f"{bad.where}: {bad.message}"))
        if intake.stop.is_set():
            break
    with Repeats() as repeats, _Work(intake, warcs, repeats) as work:
        for source in sources:
            work.source(source)
        for fault in faults if work.opened else ():
            work.fail(next(iter(work.opened)), "page", fault)
        work.is_interrupted = intake.stop.is_set()
    reports = [opened.report for opened in work.opened.values()]
    if not reports:
        reports = [Report(source_id=intake.kind)]
        for fault in faults:
            reports[0].fail(Failure.of("page", fault))
        reports[0].outcome = Outcome.PARTIAL if faults else Outcome.COMPLETED
    reports[0].notes += _told(warcs)
    return reports


def _told(warcs: Warcs) -> Iterator[str]:
    unused = warcs.unused()
    if unused:
        named = ", ".join(f"{host} {count:,}" for host, count in unused[:TOLD])
        more = f" and {len(unused) - TOLD:,} more hosts" if len(unused) > TOLD else ""
        yield f"{sum(count for _, count in unused):,} answers belong to no source here, or have no post: {named}{more}"
    others = ", ".join(f"{count:,} {what}" for what, count in warcs.others()[:TOLD])
    if others:
        yield f"passed over, as holding nothing of their own: {others}"


class _Work(Runs):
    """One import of captured answers under way."""

    def __init__(self, intake: Intake, warcs: Warcs, repeats: Repeats) -> None:
        super().__init__(intake)
        self._intake, self._warcs, self._repeats = intake, warcs, repeats

    def source(self, source: Source[Any]) -> None:
        """Go through all answers of one source, as far as its own pages lead."""
        asked: dict[str, Request] = {}
        paths: dict[str, str] = {}
        done: set[int] = set()

        def enqueue(request: Request) -> None:
            asked.setdefault(plain(request.url), request)
            paths.setdefault(path_of(request.url), request.url)

        for request in (*source.start(None), Request(url=source.options.url)):
            enqueue(request)
        looked: set[str] = set()
        for _ in range(_ROUNDS):
            fresh = [path for path in paths if path not in looked]
            if not fresh:
                break
            for path in fresh:
                looked.add(path)
                for held in self._warcs.of_path(paths[path]):
                    if self._intake.stop.is_set():
                        return
                    if held.number not in done:
                        done.add(held.number)
                        self._answer(source, held, asked.get(plain(held.url)), enqueue, is_sure=True)
        for held in self._warcs.below(source.options.url):
            if self._intake.stop.is_set():
                return
            if held.number not in done:
                done.add(held.number)
                self._answer(source, held, None, enqueue, is_sure=False)

    def _answer(self, source: Source[Any], held: Held, asked: Request | None, enqueue: Any, *, is_sure: bool) -> None:
        """One answer: parsed, kept, its posts recorded; of one that may be of another kind only if it has posts."""
        request = Request(url=held.url) if asked is None else dataclasses.replace(asked, url=held.url, token=None)
        try:
            capture = self._warcs.capture(held, request)
        except FetchError as error:
            return self.fail(source.id, "page", error, url=held.url) if is_sure else None
        # at its own words: an address that it asks for is followed as far as it was captured
        posts, failure = parsed(source, capture, None, enqueue)
        if not posts and failure is not None and not is_sure:
            return None
        opened = self.of(source.id)
        self._warcs.use(held)
        capture_id = self._kept(source.id, capture, posts)
        if failure is not None:
            self.fail(source.id, "page", failure, url=held.url, capture_id=capture_id)
        fresh = [post for post in posts if self._repeats.first(post, held.url) is None]
        if fresh:
            self._posts(source, fresh, capture, capture_id)
        self._intake.told(opened.report)
        return None

    def _kept(self, source_id: str, capture: Capture, posts: Sequence[Post]) -> int:
        archive, opened = self._intake.archive, self.of(source_id)
        same = recaptured.held_already(
            archive.database, source_id, capture.request.url, capture.sha256, capture.fetched_at
        )
        if same is not None:
            return same
        return Answers(archive, Unplugged(), opened.run, opened.report).keep(capture, posts)[0]

    def _posts(self, source: Source[Any], posts: Sequence[Post], capture: Capture, capture_id: int) -> None:
        opened = self.of(source.id)
        if source.options.ignore_opt_outs is None:
            for post in posts:
                if post.opt_outs:
                    opened.report.left_out(post.opt_outs)
            posts = [post for post in posts if not post.opt_outs]

        def unreadable(post: Post, error: PostUnreadable) -> None:
            self.fail(source.id, "post", error, url=post.url, key=post.key, capture_id=capture_id)

        names = [post.native_id for post in posts]
        later = recaptured.of_later(self._intake.archive.database, source.id, names, capture.fetched_at)
        entries = readings(self._intake, (post for post in posts if post.native_id not in later), unreadable)
        if entries:
            self.record(source.id, entries, capture_id=capture_id)
        opened.report.posts_found += len(later)
        opened.report.posts_unchanged += len(later)
        self._pictures(source, names)

    def _pictures(self, source: Source[Any], native_ids: Sequence[str]) -> None:
        """Take the pictures whose answers are in the files; the others stay wanted."""
        archive, settings = self._intake.archive, self._intake.http.model_copy(update={"attempts": 1})
        results: list[tuple[Wanted, MediaResult]] = []
        for wanted in archive.unheld(source.id, native_ids):
            if self._intake.stop.is_set():
                break
            item = wanted.attachment
            known = [url for url in (item.url, *item.alternatives) if url and self._warcs.of_address(url)]
            if not known:
                continue
            result = take(
                dataclasses.replace(item, url=known[0], alternatives=tuple(known[1:])),
                stream=self._warcs.stream,
                incoming=archive.blobs.incoming,
                settings=settings,
                access=source.media_access,
            )
            results.append((wanted, result))
            if len(results) >= PICTURES:
                self.pictures(source.id, results)
                results = []
        if results:
            self.pictures(source.id, results)
