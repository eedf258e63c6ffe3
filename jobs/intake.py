"""Runs in which posts that a person brings meet the archive: opened, recorded in, closed; knows no format.

A source gets a run of its own, with its lease, when its first post comes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from types import TracebackType
from typing import Self

from jobs.errors import PostUnreadable
from jobs.lease import renewed
from jobs.report import Failure, Outcome, Report
from jobs.visit import plan
from scraper.errors import ScraperError
from scraper.masking import shown
from scraper.model import MediaResult, MediaState, Mission, Post, Reading
from scraper.reading import licensed, read
from scraper.settings import HttpSettings
from storage.archive import Archive, Wanted
from storage.changes import Change
from storage.runs import Run
from storage.states import RunStatus


class BadRecord(ScraperError):
    """A record of a file of which no post can be made; the message names the file and the line or record."""


class BadMedium(ScraperError):
    """A file that is not the picture that it should be."""


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
        """Record the pictures that were taken. What was not is told, and stays as wanted as it was."""
        opened = self.of(source_id)
        stored = [(wanted, result) for wanted, result in results if result.state is MediaState.STORED]
        if stored:
            self._intake.archive.record_media(
                opened.run.id, [(wanted.attachment_id, result) for wanted, result in stored], self._intake.now()
            )
        for wanted, result in results:
            if result.state is MediaState.STORED:
                opened.report.took(result)
            elif result.state is not MediaState.PENDING:
                self.fail(source_id, "media", BadMedium(result.reason or "cannot be taken"), key=wanted.key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(Exception) if error is not None else contextlib.nullcontext():
            self.close(failed=error is not None)

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
