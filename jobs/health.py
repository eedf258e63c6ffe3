"""Whether all is well, and what is not: a pure judgement of what the agenda, the journal and the disk say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from jobs.spoken import size, span
from jobs.vitals import Ailment, ArchiveHealth, ChoreHealth, Expected, Health, Kind, Seen, SourceHealth

__all__ = ["Ailment", "Expected", "Health", "Kind", "Seen", "judge"]

#: how long a daemon that has just started may take to plan every source
SETTLING = timedelta(minutes=5)
#: letters of what a source or an error said that are told in a sentence
SAID = 300
_HOUR = timedelta(hours=1)


def judge(seen: Seen, expected: Expected) -> Health:
    """Everything that is wrong with what was ``seen``, by what was ``expected``; no clock and no archive are asked."""
    found = [*seen.also, *_of_daemons(seen), *_of_archive(seen, expected)]
    for source in seen.sources:
        found += _of_source(source, seen, expected)
    found += _of_chores(seen, expected)
    order = list(Kind)
    return Health(seen=seen, ailments=tuple(sorted(found, key=lambda ailment: order.index(ailment.kind))))


def _of_daemons(seen: Seen) -> Iterator[Ailment]:
    scheduled = sum(source.is_scheduled for source in seen.sources)
    if scheduled and not seen.daemons:
        what = "source is" if scheduled == 1 else "sources are"
        yield Ailment(
            kind=Kind.NO_DAEMON,
            message=f"no daemon is running, although {scheduled:,} {what} scheduled",
            advice="start it: cupola daemon, or its service",
        )
    for daemon in seen.daemons:
        if daemon.trouble:
            yield Ailment(
                kind=Kind.TROUBLE,
                about=daemon.host,
                message=f"the daemon on {daemon.host}, process {daemon.pid}, is in trouble",
                said=_cut(daemon.trouble),
                advice="mend that; a configuration that was mended is read again after a SIGHUP",
            )


def _of_archive(seen: Seen, expected: Expected) -> Iterator[Ailment]:
    archive = seen.archive
    if archive.damaged:
        what = "file is" if archive.damaged == 1 else "files are"
        yield Ailment(
            kind=Kind.DAMAGE,
            message=f"{archive.damaged:,} {what} damaged",
            advice="see which, and have them fetched again: cupola verify --mend",
        )
    yield from _of_disk(archive, expected)
    verified = archive.oldest_verified_at
    if expected.verified_within is not None and verified and seen.at - verified > 1.5 * expected.verified_within:
        yield Ailment(
            kind=Kind.UNVERIFIED,
            message=f"some files were verified last {span(seen.at - verified)} ago, and should be within"
            f" {span(expected.verified_within)}",
            advice="let the daemon run at night, or once: cupola verify",
        )
    every, backup = expected.backup_every, archive.last_backup_at
    if every is not None and backup is not None and seen.at - backup > 2 * every + _HOUR:
        yield Ailment(
            kind=Kind.BACKUP,
            message=f"the last backup is {span(seen.at - backup)} old, and one is to be made every {span(every)}",
            advice="look at the daemon's log, and at the folder of the backups",
        )


def _of_disk(archive: ArchiveHealth, expected: Expected) -> Iterator[Ailment]:
    if expected.free_space is None or archive.disk_free is None:
        return
    is_less = archive.disk_free < expected.free_space
    if is_less or archive.disk_short:
        yield Ailment(
            kind=Kind.DISK,
            message=f"{size(archive.disk_free)} are free on the archive's disk,"
            f" {'less than' if is_less else 'hardly more than'} free_space"
            f" of {size(expected.free_space)}: no pictures are taken, text goes on",
            advice="make room; pictures are taken again by themselves",
        )


def _of_source(source: SourceHealth, seen: Seen, expected: Expected) -> Iterator[Ailment]:
    # of one that is visited by hand alone nobody wants to hear what a daemon made of it once
    if not source.is_configured or not source.is_scheduled:
        return
    if source.paused_since is not None:
        yield Ailment(
            kind=Kind.PAUSED,
            about=source.id,
            message=f"{source.id} is paused, for {span(seen.at - source.paused_since)} now",
            said=_cut(source.pause_reason),
            advice=f"if it can be read again: cupola scrape {source.id}; else take it out of the configuration",
        )
        return
    if source.failures_in_a_row >= expected.failing_runs:
        times = source.failures_in_a_row
        yield Ailment(
            kind=Kind.FAILING,
            about=source.id,
            message=f"{source.id} has failed {'once' if times == 1 else f'{times:,} times in a row'}",
            said=_cut(source.said),
            advice=f"see why: cupola scrape {source.id}",
        )
    if not seen.daemons:
        return
    if not source.is_planned and all(seen.at - daemon.started_at > SETTLING for daemon in seen.daemons):
        yield Ailment(
            kind=Kind.UNPLANNED,
            about=source.id,
            message=f"{source.id} is scheduled, and the daemon does not know it",
            advice="have it read the configuration again: send it SIGHUP, or restart it",
        )
    if source.next_at is not None and not source.is_visiting and seen.at - source.next_at > expected.late:
        yield Ailment(
            kind=Kind.OVERDUE,
            about=source.id,
            message=f"the visit to {source.id} is {span(seen.at - source.next_at)} late",
            advice="look at the daemon's log; more jobs.workers may be wanted",
        )


def _of_chores(seen: Seen, expected: Expected) -> Iterator[Ailment]:
    """A chore that fails for many sources is one thing that is wrong; that of a source which fails itself is none.

    What asks a site for something may fail now and then, as visits may; what is done for the archive may not.
    """
    ill = {source.id for source in seen.sources if source.failures_in_a_row or source.paused_since}
    ill |= {source.id for source in seen.sources if not source.is_configured}
    failing: dict[str, list[ChoreHealth]] = {}
    for chore in seen.chores:
        enough = 1 if chore.source_id is None else expected.failing_runs
        if chore.failures_in_a_row >= enough and chore.source_id not in ill:
            failing.setdefault(chore.name, []).append(chore)
    for name, chores in failing.items():
        times = max(chore.failures_in_a_row for chore in chores)
        often = "the last time" if times == 1 else f"{times:,} times in a row"
        first = next((chore for chore in chores if chore.said), chores[0])
        what = f" of {len(chores):,} sources" if len(chores) > 1 else ""
        about = f" of {first.source_id}" if first.source_id and not what else ""
        yield Ailment(
            kind=Kind.CHORE,
            about=name,
            message=f"{name.replace('_', ' ')}{what}{about} failed {often}",
            said=_cut(first.said),
            advice="look at the daemon's log",
        )


def _cut(text: str | None) -> str:
    text = " ".join((text or "").split())
    return text if len(text) <= SAID else f"{text[: SAID - 1]}…"
