"""Over what is held, with no network: parse again from recorded answers, split again from held texts.

Both read first and write what differs, in batches, as a run with its source's lease; posts that are not found again
are told and never removed. What was before becomes a revision (``storage.revisions``), a curator's word stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace

from jobs.errors import Interrupted, PostUnreadable
from jobs.hindsight import earlier
from jobs.lease import renewed
from jobs.report import Failure, Outcome, Report
from jobs.reread import TOLD, Reread
from jobs.visit import Means, Visit, entries_of, plan
from scraper.crawl import Page, parsed
from scraper.errors import ParseError
from scraper.masking import shown
from scraper.model import History, Post
from scraper.reading import read
from storage import hindsight, rereading
from storage.archive import Archive
from storage.captures import Kept
from storage.changes import Change, Entry, decide
from storage.errors import RowRefused, StorageError
from storage.filters import Filters
from storage.rereading import Preview, Seen
from storage.runs import Run
from storage.states import RunStatus


def reparse(
    visit: Visit, archive: Archive, means: Means, *, keys: frozenset[str] = frozenset(), dry: bool = False
) -> Reread:
    """Parse every answer of a source that is held once more, and record what differs.

    Each post is taken from the last answer that it is in, so that nothing goes back to an older state. A post that is
    not held is added if the run that fetched the answer would have taken it.

    Args:
        visit: the source, the mission of its posts, and bounds on their dates.
        archive: where the answers are.
        means: the missions and the clock; nothing is fetched.
        keys: only these posts; all when empty.
        dry: change nothing, and tell what would differ.

    Raises:
        SourceBusy: another run has the source.
        StorageError: the archive cannot be used.
    """
    source = visit.source
    found = Reread(report=Report(source_id=source.id))
    with _undertaken(archive, means, found.report, source.kind, source.options.url) as opened:
        work = _Reparse(visit, archive, means, keys, found, None if dry else opened())
        for kept in archive.captures.newest_first(source.id):
            means.go_on()
            work.answer(kept)
        work.tell_missing()
    return found


def resplit(
    filters: Filters,
    mission: str | None,
    archive: Archive,
    means: Means,
    *,
    dry: bool = False,
    is_configured: bool = True,
) -> Reread:
    """Read the texts of held posts of one source once more, and record what differs.

    What was misread goes, too; but of a post that was edited what its earlier text said stays where the text of now
    says nothing.

    Args:
        filters: which posts; their source is named.
        mission: the mission that posts of this source get when nothing in them says otherwise.
        archive: where they are.
        means: the missions and the clock; nothing is fetched.
        dry: change nothing, and tell what would differ.
        is_configured: whether the source is in the configuration of now; else its posts keep the mission that they
            had from it.

    Raises:
        SourceBusy: something differs, and another run has the source.
        StorageError: the archive cannot be used.
    """
    source_id = filters.source[0] if filters.source else ""
    found = Reread(report=Report(source_id=source_id))
    kind, url = rereading.kind_of(archive.database, source_id)
    run: Run | None = None
    with _undertaken(archive, means, found.report, kind, url) as opened:
        for rows in rereading.batches(archive.database, filters):
            means.go_on()
            changed = _read_anew(archive, rows, mission, means, is_configured)
            if changed and run is None and not dry:
                run = opened()
                # somebody may have recorded these posts since; nobody can from now on
                changed = _read_anew(archive, rows, mission, means, is_configured)
            found.report.posts_found += len(rows)
            found.count([item.decision.change for item in changed])
            found.report.posts_unchanged += len(rows) - len(changed)
            for item in changed:
                found.differs(item)
            if changed and run is not None:
                fresh = [item.decision.entry for item in changed]
                archive.record(run.id, None, fresh, plan=plan, now=means.now(), seen=False, anew=True)
    return found


class _Reparse:
    """One source under way: the posts that were met, the answers that were read."""

    def __init__(
        self, visit: Visit, archive: Archive, means: Means, keys: frozenset[str], found: Reread, run: Run | None
    ) -> None:
        self._visit, self._archive, self._means, self._keys = visit, archive, means, keys
        self._found, self._run, self._seen = found, run, Seen()

    def answer(self, kept: Kept) -> None:
        """Parse one answer; its posts that no later one had are recorded, or told."""
        report = self._found.report
        report.pages += 1
        if kept.capture is None:
            message = f"{kept.url}: the recorded answer cannot be read back; see cupola verify"
            self._fail("page", ParseError(message, url=kept.url, sha256=""), url=kept.url, kept=kept)
            return
        histories: list[History] = []
        posts, failure = parsed(self._visit.source, kept.capture, None, tell=histories.append)
        if failure is not None:
            self._fail("page", failure, url=kept.url, kept=kept)
        source_id = self._visit.source.id
        held = rereading.rows_by_id(self._archive.database, source_id, [post.native_id for post in posts])
        unmet = [post for post in posts if self._seen.add(post.native_id, held.get(post.native_id))]
        wanted = tuple(post for post in unmet if not self._keys or post.key in self._keys)

        def unreadable(post: Post, error: PostUnreadable) -> None:
            self._fail("post", error, url=post.url or kept.url, key=post.key, kept=kept)

        page = Page(request=kept.capture.request, capture=kept.capture, posts=wanted)
        entries = [
            (post, reading)
            for post, reading in entries_of(self._visit, self._means, page, report, unreadable)
            if post.native_id in held or reading.published is None or reading.published.overlaps(kept.since, kept.until)
        ]
        report.posts_found += len(entries)
        if entries:
            self._record(kept, entries)
        for history in histories:
            self._tell(kept, history)

    def tell_missing(self) -> None:
        """Tell the posts that came with a recorded answer once and are in none now."""
        visit = self._visit
        filters = Filters(
            source=(visit.source.id,), since=visit.since, until=visit.until, keys=tuple(self._keys) or None
        )
        for rows in rereading.batches(self._archive.database, filters):
            self._means.go_on()
            unmet = [row for row in rows if not self._seen.holds(row)]
            for _, key in rereading.captured(self._archive.database, unmet) if unmet else ():
                self._found.missing += 1
                if len(self._found.not_found) < TOLD:
                    self._found.not_found.append(key)

    def _tell(self, kept: Kept, history: History) -> None:
        if self._keys and history.key not in self._keys:
            return
        try:
            states = earlier(self._visit, self._archive, self._means, history, kept.id)
            if states and self._run is not None:
                hindsight.tell(self._archive.database, self._run.id, kept.id, history.key, states)
            self._found.told += len(states)
        except (PostUnreadable, RowRefused) as error:
            self._fail("post", error, url=kept.url, key=history.key, kept=kept)

    def _record(self, kept: Kept, entries: list[Entry]) -> None:
        if self._run is None:
            for item in rereading.previews(self._archive.database, self._visit.source.id, entries):
                self._found.count([item.decision.change])
                if item.decision.change in (Change.ADDED, Change.UPDATED):
                    self._found.differs(item)
            return
        now = self._means.now()
        recorded = self._archive.record(self._run.id, kept.id, entries, plan=plan, now=now, seen=False, anew=True)
        self._found.count(list(recorded.changes.values()))
        for key, error in recorded.failures.items():
            self._fail("post", error, url=kept.url, key=key, kept=kept)

    def _fail(self, stage: str, error: Exception, *, url: str, kept: Kept, key: str | None = None) -> None:
        self._found.report.fail(Failure.of(stage, error, url=url, key=key))
        if self._run is not None:
            self._archive.journal.fail(
                self._run, stage, error, url=shown(url), key=key, capture_id=kept.id, now=self._means.now()
            )


def _read_anew(
    archive: Archive, rows: Sequence[int], mission: str | None, means: Means, is_configured: bool
) -> list[Preview]:
    """What differs in the posts of these rows when their texts are read now."""
    changed = []
    for (post, reading), was_edited in rereading.entries(archive.database, rows):
        anew = read(post, means.missions, mission)
        if not is_configured and anew.mission is None:
            anew = replace(anew, mission=reading.mission)
        if anew != reading:
            decision = decide((post, reading), (post, anew), read_anew=not was_edited)
            if decision.change is Change.UPDATED:
                changed.append(Preview(stored=(post, reading), decision=decision))
    return changed


@contextmanager
def _undertaken(
    archive: Archive, means: Means, report: Report, kind: str, url: str | None
) -> Iterator[Callable[[], Run]]:
    """Gives a function that opens the run with its lease; it is closed with its counts however the block ends."""
    started, run, status = means.now(), None, RunStatus.FAILED
    with ExitStack() as lease:

        def opened() -> Run:
            nonlocal run
            run = archive.journal.begin(report.source_id, kind, url, now=means.now())
            lease.enter_context(renewed(archive, run, means.now))
            return run

        try:
            yield opened
            report.outcome = Outcome.PARTIAL if report.failed else Outcome.COMPLETED
            status = RunStatus.PARTIAL if report.failed else RunStatus.COMPLETED
        except Interrupted:
            report.outcome, status = Outcome.INTERRUPTED, RunStatus.INTERRUPTED
        finally:
            report.seconds = (means.now() - started).total_seconds()
            lease.close()
            if run is not None:
                # an archive that cannot be written to cannot note that either: the lease runs out by itself
                with suppress(StorageError) if status is RunStatus.FAILED else nullcontext():
                    archive.journal.close(run, status, counts=report.counts(), now=means.now())
