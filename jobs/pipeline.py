"""``harvest``: the one loop where a post meets the archive, and the one error policy.

1. a run is opened, with a lease on the source;
2. a page is fetched (a 304: the capture that is held is parsed in its place) and kept;
3. its posts are read (split, credit, date, mission) and recorded in one transaction;
4. its validators are saved, so that only a page that was recorded whole is asked for conditionally;
5. of its posts that were edited the platform's own history is asked for, once for each edit;
6. pictures are taken, several at once, and their outcome is recorded in batches;
7. the run is closed with its counts; the cursor moves only after a whole and faultless listing, and not
   over a gap that ``--since`` left.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial

from jobs.asking import Answers
from jobs.downloads import Downloads, Workers, taker
from jobs.errors import Contradiction, CrewLost, Interrupted, PostUnreadable
from jobs.hindsight import Hindsight
from jobs.lease import renewed
from jobs.logs import about
from jobs.looks import Look
from jobs.report import Failure, Outcome, Report
from jobs.visit import Means, Visit, entries_of, pages, plan
from scraper.capture import Request
from scraper.crawl import Page
from scraper.errors import FetchError
from scraper.masking import named, shown
from scraper.media import fits
from scraper.model import MediaResult, MediaState, Post
from scraper.settings import interval_of
from storage.archive import Archive, Wanted
from storage.changes import Change
from storage.errors import SourceBusy, StorageError
from storage.runs import Run
from storage.states import RunStatus

logger = logging.getLogger(__name__)

#: a later run looks back this far before the cursor, because posts are edited and arrive late
OVERLAP = timedelta(days=3)
#: said when the cursor does not hold any more
CHANGED = "its address or options have changed since it was read whole; everything is read once more"
#: notes that are told
NOTED = 20
#: said when pictures were left because of the disk
NO_ROOM = "pictures are left pending: the disk of the archive has less free space than it shall keep"
#: said when a run ended because it had lost its lease
LOST = "another run took it over in the middle; what is counted here was recorded before"
#: outcomes of pictures recorded in one transaction
BATCH = 40
#: from so many seconds between two requests on each picture is recorded, and seen, as it comes
SLOW = 0.1


def harvest(visit: Visit, archive: Archive, means: Means) -> Report:
    """Visit a source and bring the archive up to date with it.

    What fails outside (a page, a post, a picture, the source) is recorded and told in the report;
    an interrupt ends the run safely after what is in hand.

    A run that loses its lease in the middle (the machine slept, say) ends there: the report tells what was recorded
    until then, and who has the source now.

    Raises:
        SourceBusy: another run has the source, and nothing was begun.
        StorageError: the archive cannot be written to.
    """
    source, started = visit.source, means.now()
    run = archive.journal.begin(
        source.id, source.kind, source.options.url, since=visit.since, until=visit.until, scope=visit.scope, now=started
    )
    work = _Harvest(visit, archive, means, run)
    status = RunStatus.FAILED
    try:
        with about(source.id, run.id), renewed(archive, run, means.now):
            status = work.through()
    except SourceBusy as lost:
        work.lost(lost)
    finally:
        work.report.seconds = (means.now() - started).total_seconds()
        moved = started if status in (RunStatus.COMPLETED, RunStatus.PARTIAL) and work.is_whole else None
        try:
            archive.journal.close(run, status, counts=work.report.counts(), cursor=moved, now=means.now())
        except SourceBusy as lost:
            if status is not RunStatus.FAILED:
                work.lost(lost)
        except StorageError:
            # an archive that cannot be written to cannot note that either: the lease runs out by itself
            if status is not RunStatus.FAILED:
                raise
    return work.report


class _Harvest:
    """One visit under way: its run, its counts, the pictures in hand."""

    def __init__(self, visit: Visit, archive: Archive, means: Means, run: Run) -> None:
        self.visit, self.archive, self.means, self.run = visit, archive, means, run
        self.report = Report(source_id=visit.source.id)
        self.look = Look(visit, archive, run)
        self.answers = Answers(archive, means.web, run, self.report)
        self.hindsight = Hindsight(visit, archive, means, self.answers, fail=self._fail)
        #: whether every post since the cursor was read and recorded
        self.is_whole = False
        self._batch = BATCH if interval_of(means.http.rate) < SLOW else 1
        self._in_hand: dict[int, Wanted] = {}
        self._handed_in = 0
        self._plan = partial(plan, max_film_bytes=visit.max_film_bytes)

    def through(self) -> RunStatus:
        """The whole visit; how it ended."""
        with self._workers() as workers:
            try:
                if self.visit.media:
                    # a cap may have been raised since, or films may be wanted by now
                    cap = self.visit.max_film_bytes
                    self.archive.reconsider(self.visit.source.id, lambda reason: fits(reason, self.means.http, cap))
                if self.visit.listing:
                    self._listing(workers)
                elif not self.visit.due_only:
                    self.archive.ask_for_missing(self.visit.source.id)
                self._pictures(workers, until_done=True)
                # asked to stop meanwhile, workers leave pictures pending and have no more in hand
                self.means.go_on()
            except Interrupted:
                self.report.outcome = Outcome.INTERRUPTED
            except CrewLost as lost:
                self._fail("media", lost, url=self.visit.source.options.url, capture_id=None)
            self._record(workers.stop())
        self.report.media_pending = self.archive.pending_media(self.visit.source.id)
        if self.visit.media and self.report.media_pending and not self.means.room():
            self.report.notes.append(NO_ROOM)
        if self.report.outcome is Outcome.INTERRUPTED:
            return RunStatus.INTERRUPTED
        if self.report.failed:
            self.report.outcome = Outcome.PARTIAL
            return RunStatus.PARTIAL
        return RunStatus.COMPLETED

    def lost(self, error: SourceBusy) -> None:
        """Tell that another run took the source over: what is counted until here is recorded."""
        self.report.outcome = Outcome.BUSY
        self.report.fail(Failure.of("lease", error))
        self.report.notes.append(LOST)

    def _workers(self) -> Workers:
        means, access = self.means, self.visit.source.media_access
        if means.crew is not None:
            return means.crew(self.archive.folder, access, self.visit.max_film_bytes)
        take = taker(
            means.web.stream,
            self.archive.blobs.incoming,
            means.http,
            access,
            means.stop,
            means.room,
            self.visit.max_film_bytes,
        )
        return Downloads(take, means.http.connections)

    def _listing(self, workers: Workers) -> None:
        """Every page of the source."""
        visit, journal = self.visit, self.archive.journal
        cursor = journal.cursor(visit.source.id, visit.scope)
        if cursor is None and visit.since is None and journal.cursor(visit.source.id) is not None:
            self.report.notes.append(CHANGED)
            logger.info("%s: %s", visit.source.id, CHANGED)
        bound = visit.since or (cursor - OVERLAP if cursor and not visit.whole else None)
        after = journal.newest_before(visit.source.id, bound, but=1, scope=visit.scope) if bound else None
        whole, any_whole = True, False
        self.report.left, missed = visit.resume, list[Request]()
        for page in pages(visit, self.means, self.answers.fetch, since=bound, after=after):
            is_page_whole = self._page(page)
            whole, any_whole = whole and is_page_whole, any_whole or is_page_whole
            if isinstance(page.failure, FetchError) and page.failure.retriable:
                missed.append(page.request)
            self.report.left = (*missed, *page.queued)
            self._pictures(workers, until_done=False)
            self.means.progress.page(page, self.report)
            if visit.enough(self.report):
                break
        if whole and not visit.partial:
            self.report.posts_gone = self.look.whole(bound, self.means.now())
        # a look back to somewhere after the cursor leaves a gap, which the next run has to fill
        leaves_gap = visit.since is not None and (cursor is None or visit.since > cursor)
        self.is_whole = (whole or (visit.despite_failures and any_whole)) and not visit.partial and not leaves_gap

    def _page(self, page: Page) -> bool:
        """Keep and record one page; whether nothing of it failed."""
        report, archive = self.report, self.archive
        report.pages += 1
        capture_id, is_held = (None, False) if page.capture is None else self.answers.keep(page.capture, page.posts)
        before = report.failed
        if page.failure is not None:
            self._fail("page", page.failure, url=page.request.url, capture_id=capture_id)
        report.went_round(page)

        def unreadable(post: Post, error: PostUnreadable) -> None:
            self._fail("post", error, url=post.url or page.request.url, key=post.key, capture_id=capture_id)

        entries = entries_of(self.visit, self.means, page, report, unreadable)
        # nobody knows of when a saved page is, nor what became of its posts since
        is_live = self.visit.saved is None
        if entries:
            recorded = archive.record(
                self.run.id, capture_id, entries, plan=self._plan, now=self.means.now(), seen=is_live, settled=True
            )
            changes = list(recorded.changes.values())
            report.posts_found += len(entries)
            report.posts_added += changes.count(Change.ADDED)
            report.posts_updated += changes.count(Change.UPDATED)
            report.posts_unchanged += changes.count(Change.UNCHANGED) + changes.count(Change.CONTRADICTED)
            report.posts_buried += changes.count(Change.BURIED)
            report.needs_review += sum(reading.needs_review for _, reading in entries)
            for key, change in recorded.changes.items():
                if change is Change.CONTRADICTED:
                    self._contradicted(key, page.request.url, capture_id)
            for key, error in recorded.failures.items():
                self._fail("post", error, url=page.request.url, key=key, capture_id=capture_id)
        whole = report.failed == before
        if whole and is_live:
            self.look.page(page, {post.native_id for post, _ in entries}, self.means.now())
        if whole and capture_id is not None and is_held and not self.visit.partial:
            archive.captures.save_validators(self.visit.source.id, page.request.url, capture_id)
        if is_live and entries:
            self.hindsight.ask(entries, recorded.changes)
        return whole

    def _pictures(self, workers: Workers, *, until_done: bool) -> None:
        """Hand in what is wanted and record what is finished; only as far as there is room, unless ``until_done``."""
        if until_done:
            # from the start once more: a later page may have made an old picture wanted again
            self._handed_in = 0
        while self.visit.media:
            self.means.go_on()
            full = workers.open >= 2 * BATCH
            self._record(workers.finished(at_least=self._batch if full else 0))
            self.means.progress.media(self.report, workers.open)
            if not self.means.room():
                break
            last = self.archive.last_attachment()
            wanted = self.archive.wanted(
                self.visit.source.id,
                self.means.now(),
                limit=2 * BATCH,
                after_id=self._handed_in,
                due_only=self.visit.listing or self.visit.due_only,
            )
            for item in wanted:
                self._handed_in = item.attachment_id
                if item.attachment_id in self._in_hand:
                    continue
                self._in_hand[item.attachment_id] = item
                workers.submit(item.attachment_id, item.attachment)
            if len(wanted) < 2 * BATCH:
                # what other sources want lies behind: the next page's pictures come after all of it
                self._handed_in = max(self._handed_in, last)
                break
        while until_done and workers.open:
            self.means.go_on()
            self._record(workers.finished(at_least=min(self._batch, workers.open)))
            self.means.progress.media(self.report, workers.open)

    def _record(self, results: list[tuple[int, MediaResult]]) -> None:
        if not results:
            return
        self.archive.record_media(self.run.id, results, self.means.now())
        for number, result in results:
            wanted = self._in_hand.pop(number)
            self.report.took(result)
            if result.state in (MediaState.FAILED, MediaState.GONE):
                failure = Failure(
                    stage="media", kind=str(result.state), message=result.reason or "", url=result.url, key=wanted.key
                )
                self.report.fail(failure)

    def _contradicted(self, key: str, url: str, capture_id: int | None) -> None:
        """Tell that a page says something else of a post than what is kept; the archive notes it once."""
        message = f"{key} is told otherwise on {named(url)}; what was seen first, or edited last, is kept"
        if len(self.report.notes) < NOTED:
            self.report.notes.append(message)
        if not self.archive.journal.has_failed(self.run.source_id, key, Contradiction):
            self.archive.journal.fail(
                self.run,
                "post",
                Contradiction(message),
                url=shown(url),
                key=key,
                capture_id=capture_id,
                now=self.means.now(),
            )

    def _fail(self, stage: str, error: Exception, *, url: str, capture_id: int | None, key: str | None = None) -> None:
        """Record that something failed, with its evidence, and go on."""
        self.report.fail(Failure.of(stage, error, url=url, key=key))
        self.archive.journal.fail(
            self.run, stage, error, url=shown(url), key=key, capture_id=capture_id, now=self.means.now()
        )
