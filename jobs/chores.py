"""The chores of a daemon: what is done for the archive beside visiting its sources, each as a duty of its own.

What asks a site for something is a duty of each source, in the lane of its host; what reads the archive has one lane.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from jobs.deep import deep_pass
from jobs.duty import ARCHIVE, Done, Duty, Turn
from jobs.fingerprinting import look_at_pictures
from jobs.fixity import audit
from jobs.stanzas import Backup, Chore, Fixity, JobsStanza, LookAgain
from jobs.timetable import Rhythm
from jobs.visit import Visit
from jobs.visiting import lane_of, matter_of, visiting
from storage.agenda import Agenda, Ending
from storage.errors import ArchiveLocked, ArchiveUnreachable, StorageError
from storage.generations import cannot, keep_generation

#: work on the archive itself may take so long: it is slow where much is held, and hangs nowhere
LIMIT = timedelta(hours=12)
#: looking at pictures has a turn so long, after which other work on the archive has its own
PICTURES = timedelta(minutes=15)

Do = Callable[[Turn], Done]


def chores_of(jobs: JobsStanza, visits: Sequence[Visit], base: Path) -> tuple[Duty, ...]:
    """The duties of a configuration that are no visits by schedule.

    Args:
        jobs: which chores there are, and how often.
        visits: the sources that are visited by schedule, as they are visited.
        base: the folder from which a relative ``backup.folder`` counts.
    """
    return (*_of_sources(jobs, visits), *_of_archive(jobs, base))


def refusals(jobs: JobsStanza, dialect: str) -> tuple[str, ...]:
    """What is configured and cannot be done with a database of this dialect, in a sentence each; to be said once."""
    wanted = jobs.backup is not None and jobs.backup.folder is not None
    why = cannot(dialect)
    return (f"no copies of the database are kept: {why}",) if wanted and why else ()


def _of_sources(jobs: JobsStanza, visits: Sequence[Visit]) -> Iterator[Duty]:
    for visit in visits:
        if jobs.retry_media is not None:
            retry = _of_source("retry_media", visit, jobs.retry_media, jobs, retrying(visit))
            yield dataclasses.replace(retry, is_poll=True)
        if jobs.look_again is not None:
            yield _of_source("look_again", visit, jobs.look_again, jobs, looking_again(visit, jobs.look_again))
        if jobs.deep_pass is not None:
            do = _unless_young(visit, jobs.deep_pass.every, deep_pass(visit, jobs.visit_limit / 2))
            yield _of_source("deep_pass", visit, jobs.deep_pass, jobs, do)


def _of_source(name: str, visit: Visit, chore: Chore, jobs: JobsStanza, do: Do) -> Duty:
    return Duty(
        matter=f"chore:{name}:{visit.source.id}",
        lane=lane_of(visit.source.options),
        rhythm=Rhythm.of_chore(chore, jobs, asks_sites=True),
        limit=jobs.visit_limit,
        do=_unless_paused(visit.source.id, do),
    )


def _of_archive(jobs: JobsStanza, base: Path) -> Iterator[Duty]:
    works: list[tuple[str, Chore, Do]] = []
    if jobs.fixity is not None:
        works.append(("fixity", jobs.fixity, auditing(jobs.fixity)))
    if jobs.fingerprint is not None:
        works.append(("fingerprint", jobs.fingerprint, looking_at_pictures))
    if jobs.backup is not None and jobs.backup.folder is not None:
        works.append(("backup", jobs.backup, copying(jobs.backup, base / jobs.backup.folder)))
    if jobs.optimise is not None:
        works.append(("optimise", jobs.optimise, optimising))
    for name, chore, do in works:
        rhythm = Rhythm.of_chore(chore, jobs, asks_sites=False)
        yield Duty(matter=f"chore:{name}", lane=ARCHIVE, rhythm=rhythm, limit=max(LIMIT, jobs.visit_limit), do=do)


def retrying(visit: Visit) -> Do:
    """Take the pictures of a source that are pending, or failed and have rested; no run is opened when none is."""
    due = visiting(dataclasses.replace(visit, listing=False, due_only=True))

    def do(turn: Turn) -> Done:
        if not turn.means.room():
            return Done(ending=Ending.COMPLETED, said="no room for pictures", is_idle=True)
        if not turn.archive.wanted(visit.source.id, turn.means.now(), limit=1):
            return Done(ending=Ending.COMPLETED, said="no picture is due", is_idle=True)
        return due(turn)

    return do


def looking_again(visit: Visit, chore: LookAgain) -> Do:
    """Read the listing back to some days ago: edits are recorded, and what was missed twice is gone.

    No pictures are taken: what is new among them has its turn at the next visit.
    """

    def do(turn: Turn) -> Done:
        since = turn.means.now() - timedelta(days=chore.days)
        return visiting(dataclasses.replace(visit, since=since, media=False))(turn)

    return _unless_young(visit, chore.every, do)


def auditing(chore: Fixity) -> Do:
    """Read the share whose turn it is; see ``jobs.fixity``."""

    def do(turn: Turn) -> Done:
        found = audit(turn.archive, turn.means, within=chore.within, every=chore.every)
        report, mended = found.report, found.mended
        detail = {
            "pictures": report.files,
            "bytes": report.bytes,
            "answers": report.answers,
            "damaged": len(report.damage),
            "asked_again": mended.pictures + mended.pages,
            "share": f"{report.share.part + 1}/{report.share.of}",
            "report": str(found.path.relative_to(turn.archive.folder)),
        }
        said = f"{report.files} pictures and {report.answers} answers were read"
        if report.is_sound:
            return Done(ending=Ending.COMPLETED, said=said, detail=detail)
        said += f"; {len(report.damage)} damaged, the first: {report.damage[0].message}"
        return Done(ending=Ending.PARTIAL, said=said, detail=detail)

    return do


def looking_at_pictures(turn: Turn) -> Done:
    """Make the fingerprints that held pictures lack, for a quarter of an hour; the next turn goes on."""
    seen = look_at_pictures(turn.archive, turn.means, budget=PICTURES)
    if not seen.pictures:
        return Done(ending=Ending.COMPLETED, said="every picture has been looked at", is_idle=True)
    detail = {"pictures": seen.pictures, "without": seen.without, "left": seen.left}
    said = f"{seen.pictures} pictures were looked at, {seen.left} are left"
    return Done(ending=Ending.COMPLETED, said=said, detail=detail | ({"goes_on": True} if seen.left else {}))


def copying(chore: Backup, folder: Path) -> Do:
    """Copy the database into a folder; what is wrong with the copy is no trouble of the archive."""

    def do(turn: Turn) -> Done:
        database, now = turn.archive.database, turn.means.now()
        why = cannot(database.dialect)
        if why is not None:
            return Done(ending=Ending.COMPLETED, said=why)
        try:
            made = keep_generation(
                database, folder, keep=chore.keep, now=now, progress=lambda done, total: turn.means.go_on()
            )
        except (ArchiveLocked, ArchiveUnreachable):
            raise
        except StorageError as error:
            return Done(ending=Ending.FAILED, said=str(error))
        detail = {"path": str(made.path), "bytes": made.bytes, "posts": made.posts, "kept": made.kept}
        return Done(ending=Ending.COMPLETED, said=f"{made.path} ({made.bytes} bytes, {made.kept} kept)", detail=detail)

    return do


def optimising(turn: Turn) -> Done:
    """Put the database's statistics in order."""
    turn.archive.database.optimise()
    return Done(ending=Ending.COMPLETED, said="the statistics are in order")


def _unless_paused(source_id: str, do: Do) -> Do:
    """Ask nothing of a source that is not visited any more."""

    def unless(turn: Turn) -> Done:
        paused = Agenda(turn.archive.database).matter(matter_of(source_id)).pause_reason
        if paused is not None:
            said = f"the source is paused: {paused}"
            return Done(ending=Ending.COMPLETED, said=said, detail=turn.matter.detail, is_idle=True)
        # what closes the source pauses its visits, at the next one; this comes back with them
        return dataclasses.replace(do(turn), pause=None)

    return unless


def _unless_young(visit: Visit, every: timedelta, do: Do) -> Do:
    """The first time only when the source has been visited for that long: its first visit reads everything."""

    def unless(turn: Turn) -> Done:
        if turn.matter.last_started_at is None:
            first = turn.archive.journal.first_run_at(visit.source.id)
            if first is None or first > turn.means.now() - every:
                return Done(ending=Ending.COMPLETED, said="its first visit reads all of it")
        return do(turn)

    return unless
