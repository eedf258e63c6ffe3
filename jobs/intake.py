"""The loop in which posts from files meet the archive: read, recorded in batches, their pictures taken from beside.

A source gets a run of its own, with its lease, when its first post comes. What is given again changes nothing, so that
an import that was stopped, or killed, is ended by giving it again.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from types import TracebackType
from typing import Self

from jobs.errors import Contradiction, PostUnreadable
from jobs.lease import renewed
from jobs.report import Failure, Outcome, Report
from jobs.visit import plan
from scraper.errors import ScraperError
from scraper.imports.bundle import Bundle, Missing
from scraper.imports.records import Bad, Item, LeftOut, Note, Record
from scraper.imports.repeats import Repeats
from scraper.imports.taking import take_file
from scraper.masking import shown
from scraper.model import MediaResult, MediaState, Mission, Post, Reading
from scraper.reading import licensed, read
from scraper.settings import HttpSettings
from storage.archive import Archive, Wanted
from storage.changes import Change
from storage.runs import Run
from storage.states import RunStatus

#: posts recorded in one transaction
BATCH = 400
#: sources that one import may make
SOURCES = 50
#: outcomes of pictures recorded in one transaction
PICTURES = 40
#: notes that are told
NOTED = 20


class BadRecord(ScraperError):
    """A record of a file of which no post can be made; the message names the file and the line or record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """With what an import works; ``now`` is the clock (aware, UTC), ``stop`` is set by a signal.

    ``kind`` and ``origin`` are what a source that is not known yet is called, and what its run is of. ``mission`` is
    the id that posts get when nothing in them says otherwise. ``told`` is called after each batch.
    """

    archive: Archive
    kind: str
    origin: str
    now: Callable[[], datetime]
    http: HttpSettings = field(default_factory=HttpSettings)
    missions: Sequence[Mission] = ()
    mission: str | None = None
    stop: Event = field(default_factory=Event)
    told: Callable[[Report], None] = lambda report: None

    def bring(self, records: Iterable[Record], bundle: Bundle) -> list[Report]:
        """Bring posts in, and of each its pictures that lie in ``bundle``; a report for every source.

        Raises:
            NotReadable: PATH is not what its format is.
            SourceBusy: another run has a source that a post is of.
            StorageError: the archive cannot be written to.
        """
        with Repeats() as repeats, _Work(self, bundle, repeats) as work:
            for record in records:
                work.take(record)
                if self.stop.is_set():
                    work.is_interrupted = True
                    break
            work.flush()
        return work.reports()


@dataclass(slots=True)
class Opened:
    """A run under way, and what it has come to."""

    run: Run
    report: Report


class Runs:
    """The runs of an import, one a source, opened when the source is met; closed at the end.

    Args:
        intake: with what they work.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._leases = contextlib.ExitStack()
        self.opened: dict[str, Opened] = {}
        self.is_interrupted = False

    def of(self, source_id: str) -> Opened:
        """The run of a source.

        Raises:
            SourceBusy: another run has it.
        """
        if source_id not in self.opened:
            self.opened[source_id] = self._open(source_id)
        return self.opened[source_id]

    def _open(self, source_id: str) -> Opened:
        archive, intake = self._intake.archive, self._intake
        # a source that is visited as well stays what it is
        kind, url = archive.journal.known(source_id) or (intake.kind, None)
        run = archive.journal.begin(source_id, kind, url, scope=f"import {intake.origin}", now=intake.now())
        self._leases.enter_context(renewed(archive, run, intake.now))
        return Opened(run=run, report=Report(source_id=source_id))

    def fail(
        self,
        source_id: str,
        stage: str,
        error: Exception,
        *,
        url: str | None = None,
        key: str | None = None,
        capture_id: int | None = None,
    ) -> None:
        """Record that something failed, with its evidence."""
        opened = self.of(source_id)
        opened.report.fail(Failure.of(stage, error, url=url, key=key))
        self._intake.archive.journal.fail(
            opened.run, stage, error, url=url and shown(url), key=key, capture_id=capture_id, now=self._intake.now()
        )

    def record(
        self, source_id: str, entries: list[tuple[Post, Reading]], *, capture_id: int | None = None
    ) -> Mapping[str, Change]:
        """Record posts of one source and count what became of them."""
        opened, now = self.of(source_id), self._intake.now()
        recorded = self._intake.archive.record(
            opened.run.id, capture_id, entries, plan=plan, now=now, seen=False, settled=True
        )
        report, changes = opened.report, list(recorded.changes.values())
        report.pages += 1
        report.posts_found += len(entries)
        report.posts_added += changes.count(Change.ADDED)
        report.posts_updated += changes.count(Change.UPDATED)
        report.posts_unchanged += changes.count(Change.UNCHANGED) + changes.count(Change.CONTRADICTED)
        report.posts_buried += changes.count(Change.BURIED)
        report.needs_review += sum(reading.needs_review for _, reading in entries)
        for key, error in recorded.failures.items():
            self.fail(source_id, "post", error, key=key)
        return recorded.changes

    def pictures(self, source_id: str, results: list[tuple[Wanted, MediaResult]]) -> None:
        """Record what became of pictures and count it."""
        opened = self.of(source_id)
        self._intake.archive.record_media(
            opened.run.id, [(wanted.attachment_id, result) for wanted, result in results], self._intake.now()
        )
        for wanted, result in results:
            opened.report.took(result)
            if result.state in (MediaState.FAILED, MediaState.GONE):
                failure = Failure(
                    stage="media", kind=str(result.state), message=result.reason or "", url=result.url, key=wanted.key
                )
                opened.report.fail(failure)

    def close(self, *, failed: bool) -> None:
        """Close all runs."""
        self._leases.close()
        archive = self._intake.archive
        for source_id, opened in self.opened.items():
            report, now = opened.report, self._intake.now()
            report.media_pending = archive.pending_media(source_id)
            report.seconds = (now - opened.run.started_at).total_seconds()
            status = RunStatus.COMPLETED
            if failed:
                status = RunStatus.FAILED
            elif self.is_interrupted:
                status, report.outcome = RunStatus.INTERRUPTED, Outcome.INTERRUPTED
            elif report.failed:
                status, report.outcome = RunStatus.PARTIAL, Outcome.PARTIAL
            archive.journal.close(opened.run, status, counts=report.counts(), now=now)


def readings(
    intake: Intake, posts: Iterable[Post], fail: Callable[[Post, PostUnreadable], None]
) -> list[tuple[Post, Reading]]:
    """Posts, each with all that its text says; ``fail`` is told of each that cannot be read."""
    entries = []
    for post in posts:
        try:
            entries.append((licensed(post), read(post, intake.missions, intake.mission)))
        except Exception as error:  # noqa: BLE001 - one post that cannot be read must not cost the others; it is told
            unreadable = PostUnreadable(f"cannot be read ({type(error).__name__}: {error})")
            unreadable.__cause__ = error
            fail(post, unreadable)
    return entries


class _Work(Runs):
    """One import of files under way."""

    def __init__(self, intake: Intake, bundle: Bundle, repeats: Repeats) -> None:
        super().__init__(intake)
        self._intake, self._bundle, self._repeats = intake, bundle, repeats
        self._batch: dict[str, list[Item]] = {}
        self._held = 0
        self._before: list[Bad] = []
        self._lost = 0
        self._left_out: Counter[str] = Counter()
        self._absent = 0
        self._notes: list[str] = []

    def take(self, record: Record) -> None:
        """Take one record."""
        match record:
            case Item():
                self._item(record)
            case Bad():
                self._bad(record)
            case LeftOut():
                self._left_out[record.reason] += 1
            case Note():
                if len(self._notes) < NOTED:
                    self._notes.append(record.message)

    def _item(self, item: Item) -> None:
        source_id = item.post.source_id
        if source_id not in self.opened:
            if len(self.opened) >= SOURCES:
                return self._bad(
                    Bad(where=item.where, message=f"would be of the {SOURCES + 1}st source; give --source")
                )
            self.of(source_id)
            for bad in self._before:
                self._bad(bad)
            self._before.clear()
        first = self._repeats.first(item.post, item.where)
        if first is not None:
            place, is_same = first
            if not is_same:
                message = f"{item.where}: {item.post.key} is told otherwise than in {place}, which counts"
                self.fail(source_id, "post", Contradiction(message), key=item.post.key)
            return None
        self._batch.setdefault(source_id, []).append(item)
        self._held += 1
        if self._held >= BATCH:
            self.flush()
        return None

    def _bad(self, bad: Bad) -> None:
        if not self.opened:
            # whose it is is not known yet; of very many the first are told
            self._lost += len(self._before) >= BATCH
            if len(self._before) < BATCH:
                self._before.append(bad)
            return
        self.fail(next(iter(self.opened)), "post", BadRecord(f"{bad.where}: {bad.message}"))

    def flush(self) -> None:
        """Record what is in hand."""
        batches, self._batch, self._held = self._batch, {}, 0
        for source_id, items in batches.items():
            places = {item.post.native_id: item for item in items}

            def unreadable(post: Post, error: PostUnreadable) -> None:
                self.fail(post.source_id, "post", error, url=post.url, key=post.key)

            entries = readings(self._intake, (item.post for item in items), unreadable)
            changes = self.record(source_id, entries)
            wanted = [post.native_id for post, _ in entries if places[post.native_id].beside and post.key in changes]
            if wanted:
                self._pictures(source_id, wanted, places)
            self._intake.told(self.opened[source_id].report)

    def _pictures(self, source_id: str, native_ids: list[str], places: Mapping[str, Item]) -> None:
        results: list[tuple[Wanted, MediaResult]] = []
        archive = self._intake.archive
        for wanted in archive.unheld(source_id, native_ids):
            if self._intake.stop.is_set():
                break
            item = places.get(wanted.key.partition(":")[2])
            names = item.beside.get(wanted.attachment.key, ()) if item else ()
            if item is None or not names:
                continue
            result = self._taken(wanted, names, item)
            if result is not None:
                results.append((wanted, result))
            if len(results) >= PICTURES:
                self.pictures(source_id, results)
                results = []
        if results:
            self.pictures(source_id, results)

    def _taken(self, wanted: Wanted, names: Sequence[str], item: Item) -> MediaResult | None:
        missing: Missing | None = None
        for name in names:
            try:
                file = self._bundle.open(name)
            except Missing as error:
                missing = missing or error
                continue
            with file:
                return take_file(
                    wanted.attachment,
                    name,
                    file,
                    incoming=self._intake.archive.blobs.incoming,
                    settings=self._intake.http,
                )
        self._absent += 1
        if item.expected:
            self.fail(item.post.source_id, "media", BadRecord(f"{item.where}: {missing}"), key=wanted.key)
        return None

    def reports(self) -> list[Report]:
        """What was done, a report for every source; what belongs to none is in the first."""
        reports = [opened.report for opened in self.opened.values()]
        if not reports:
            reports = [Report(source_id=self._intake.kind)]
            for bad in self._before:
                reports[0].fail(Failure.of("post", BadRecord(f"{bad.where}: {bad.message}")))
            reports[0].failed += self._lost
            if reports[0].failed:
                reports[0].outcome = Outcome.PARTIAL
        first = reports[0]
        first.posts_left_out += sum(self._left_out.values())
        first.notes += [f"{count:,} left out: {reason}" for reason, count in sorted(self._left_out.items())]
        first.notes += self._notes
        if self._absent:
            first.notes.append(f"{self._absent:,} media are not beside, and stay wanted")
        return reports

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(Exception) if error is not None else contextlib.nullcontext():
            self.close(failed=error is not None)
