"""The duty of visiting a source: a harvest, and what follows from it for the next one."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from jobs.duty import Done, Duty, Turn, due_of
from jobs.leash import Leash
from jobs.pipeline import harvest
from jobs.report import Outcome, Report
from jobs.stanzas import JobsStanza, Schedule
from jobs.timetable import Rhythm
from jobs.visit import Visit
from scraper.settings import SourceOptions
from storage.agenda import Agenda, Ending, Matter
from storage.archive import Archive
from storage.errors import SourceBusy
from storage.rhythm import posting_pace

_ENDINGS = {
    Outcome.COMPLETED: Ending.COMPLETED,
    Outcome.PARTIAL: Ending.PARTIAL,
    Outcome.INTERRUPTED: Ending.INTERRUPTED,
    Outcome.BUSY: Ending.BUSY,
}


def matter_of(source_id: str) -> str:
    """The name of a source's visits on the agenda."""
    return f"visit:{source_id}"


def lane_of(options: SourceOptions) -> str:
    """The host that a source is on: two on one host are never visited at once."""
    return urlsplit(options.url).hostname or options.url


def duty_of(visit: Visit, schedule: Schedule, jobs: JobsStanza) -> Duty:
    """The duty of visiting a source by its schedule."""
    return Duty(
        matter=matter_of(visit.source.id),
        lane=lane_of(visit.source.options),
        rhythm=Rhythm.of_source(schedule, jobs),
        limit=jobs.visit_limit,
        do=visiting(visit, is_adaptive=schedule.adaptive is not None),
        configured=hashlib.sha256(visit.scope.encode()).hexdigest()[:16],
    )


def visited_by_hand(archive: Archive, duty: Duty, report: Report, began: datetime, now: datetime) -> None:
    """Note on the agenda that a person had a source visited whole: the daemon's next visit comes after that.

    It is a reason to go on with a source that was paused, or that failed, too. One that failed is no concern of the
    daemon's.

    Raises:
        StorageError: the archive cannot be written to.
    """
    ending = ending_of(report)
    if not ending.is_success:
        return
    agenda = Agenda(archive.database)
    before = agenda.matter(duty.matter)
    if not agenda.begin(duty.matter, began, after=before.last_started_at):
        return
    kept = {**counts_of(report), "configured": duty.configured}
    after = Matter(matter=duty.matter, last_started_at=began, last_ended_at=now, last_outcome=ending, detail=kept)
    due = due_of(duty, after, now)
    if before.paused_since is not None:
        agenda.resume(duty.matter)
    if due is not None:
        agenda.end(duty.matter, ending, now, next_at=due.at, why=due.why, detail=kept)


def visiting(visit: Visit, *, is_adaptive: bool = False) -> Callable[[Turn], Done]:
    """One visit as a duty is done."""

    def do(turn: Turn) -> Done:
        try:
            report = harvest(visit, turn.archive, turn.means)
        except SourceBusy as busy:
            return Done(ending=Ending.BUSY, said=str(busy))
        now = turn.means.now()
        pace = posting_pace(turn.archive.database, visit.source.id, now) if is_adaptive else None
        first = report.failures[0].message if report.failures else ""
        done = Done(ending=ending_of(report), said=said_of(report), error=first, detail=counts_of(report), pace=pace)
        leash = turn.means.web
        if not isinstance(leash, Leash):
            return done
        return dataclasses.replace(
            done,
            pause=leash.closed if done.ending is Ending.FAILED else None,
            pause_until=now + timedelta(seconds=leash.pause) if leash.pause else None,
            fresh_until=leash.fresh_until if is_adaptive else None,
        )

    return do


def ending_of(report: Report) -> Ending:
    """How a visit ended: it failed when no page of it could be read."""
    if report.outcome is Outcome.PARTIAL and report.pages:
        unread = sum(failure.stage == "page" for failure in report.failures)
        if unread >= report.pages:
            return Ending.FAILED
    return _ENDINGS[report.outcome]


def counts_of(report: Report) -> dict[str, int]:
    """What the agenda keeps of a report: the numbers that are not zero."""
    return {name: count for name, count in report.counts().items() if count}


def said_of(report: Report) -> str:
    """A report in a line of the log."""
    said = [
        f"{report.posts_added} new" if report.posts_added else "nothing new",
        f"{report.posts_updated} edited" if report.posts_updated else "",
        f"{report.posts_gone} gone" if report.posts_gone else "",
        _counted(report.media_stored, "picture") if report.media_stored else "",
        f"{_counted(report.media_pending, 'picture')} waiting" if report.media_pending else "",
        f"{_counted(report.failed, 'failure')}, the first: {report.failures[0].message}" if report.failures else "",
    ]
    return f"{', '.join(filter(None, said))} ({report.seconds:.1f} s)"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
