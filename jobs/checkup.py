"""What is to be judged of an archive's health, gathered: from its agenda, its journal and its disk; changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from jobs.health import judge
from jobs.stanzas import Config
from jobs.vitals import (
    Ailment,
    ArchiveHealth,
    ChoreHealth,
    DaemonHealth,
    Expected,
    Health,
    Seen,
    SourceHealth,
)
from storage.agenda import Agenda, Matter
from storage.disk import place_of_pictures
from storage.engine import Database
from storage.standing import Standing, last_backup, reasons, standings
from storage.turns import covered
from storage.unmended import unmended

#: posts are new for so long
NEW = timedelta(days=7)


def expected_of(config: Config) -> Expected:
    """What a configuration asks for."""
    jobs = config.jobs
    backup = jobs.backup if jobs.backup is not None and jobs.backup.folder is not None else None
    return Expected(
        failing_runs=config.notify.failing_runs,
        free_space=jobs.free_space,
        # one of another source of the same host may take as long as a visit may
        late=max(jobs.visit_limit, timedelta(hours=1)),
        verified_within=jobs.fixity.within if jobs.fixity is not None else None,
        backup_every=backup.every if backup is not None else None,
    )


def check_up(
    database: Database,
    folder: Path,
    config: Config | None,
    now: datetime,
    *,
    also: Sequence[Ailment] = (),
    is_short: bool = False,
) -> Health:
    """How the archive does: eight questions to its database, however many sources there are.

    Args:
        database: the archive's; may be open for reading only.
        folder: the archive's folder.
        config: the configuration; None when there is none at hand: then all that the archive knows is told of.
        now: aware.
        also: what is wrong by the caller's own knowledge.
        is_short: whether the caller, a daemon, leaves pictures for want of room just now.

    Raises:
        StorageError: the archive cannot be read.
    """
    agenda = Agenda(database)
    matters = agenda.matters()
    known = standings(database, now - NEW)
    visits = {matter.source_id: matter for matter in matters.values() if matter.matter.startswith("visit:")}
    daemons = agenda.daemons(now)
    scheduled = _scheduled(config, visits.values())
    failing = [source for source, visit in visits.items() if visit.failures_in_a_row]
    runs = {source: run.id for source in failing if source and source in known and (run := known[source].last)}
    said = reasons(database, list(runs.values()))
    # what was switched off, or was of a source that is gone, is on nobody's plan
    chores = [matter for matter in matters.values() if matter.matter.startswith("chore:") and matter.next_at]
    return judge(
        Seen(
            at=now,
            sources=[
                _source(
                    name,
                    visits.get(name),
                    known.get(name),
                    is_configured=config is None or name in scheduled,
                    is_scheduled=scheduled.get(name, False),
                    is_at_work=bool(daemons),
                    said=said.get(runs.get(name, 0)),
                )
                for name in dict.fromkeys([*scheduled, *known])
            ],
            chores=[_chore(matter) for matter in chores],
            daemons=[
                DaemonHealth(
                    host=daemon.process.host,
                    pid=daemon.process.pid,
                    started_at=daemon.started_at,
                    beat_at=daemon.beat_at,
                    version=daemon.version,
                    trouble=daemon.trouble,
                )
                for daemon in daemons
            ],
            archive=_archive(database, folder, matters, is_short=is_short),
            also=also,
        ),
        expected_of(config) if config is not None else Expected(),
    )


def _scheduled(config: Config | None, visits: Iterable[Matter]) -> dict[str, bool]:
    """Which sources there are, and whether a daemon is to visit them."""
    if config is not None:
        return {stanza.id: stanza.schedule is not None for stanza in config.sources}
    return {
        visit.source_id: visit.next_at is not None or visit.paused_since is not None
        for visit in visits
        if visit.source_id
    }


def _source(
    name: str,
    visit: Matter | None,
    standing: Standing | None,
    *,
    is_configured: bool,
    is_scheduled: bool,
    is_at_work: bool,
    said: str | None,
) -> SourceHealth:
    standing = standing or Standing(last=None)
    visit = visit or Matter(matter=f"visit:{name}")
    run = standing.last
    # a source that is visited by hand alone has no visit on the agenda
    by_hand = visit.last_started_at is None and run is not None
    return SourceHealth(
        id=name,
        is_configured=is_configured,
        is_scheduled=is_scheduled,
        is_planned=visit.next_at is not None or visit.last_started_at is not None,
        # a visit whose daemon died is open until the next one puts that in order
        is_visiting=visit.is_open and is_at_work,
        last_started_at=run.started_at if by_hand and run else visit.last_started_at,
        last_ended_at=run.ended_at if by_hand and run else visit.last_ended_at,
        last_outcome=run.status if by_hand and run else visit.last_outcome,
        next_at=visit.next_at,
        why=visit.why,
        new_posts=standing.new_posts,
        failures=run.failed if run else 0,
        left_out=run.left_out if run else 0,
        said=said or _said(visit),
        failures_in_a_row=visit.failures_in_a_row,
        pictures_pending=standing.pending,
        pictures_failed=standing.failed,
        paused_since=visit.paused_since,
        pause_reason=visit.pause_reason,
    )


def _chore(matter: Matter) -> ChoreHealth:
    return ChoreHealth(
        name=matter.matter.split(":")[1],
        source_id=matter.source_id,
        last_ended_at=matter.last_ended_at,
        last_outcome=matter.last_outcome,
        succeeded_at=matter.succeeded_at,
        next_at=matter.next_at,
        failures_in_a_row=matter.failures_in_a_row,
        said=_said(matter),
    )


def _said(matter: Matter) -> str | None:
    said = matter.detail.get("error")
    return str(said) if said else None


def _archive(database: Database, folder: Path, matters: Mapping[str, Matter], *, is_short: bool) -> ArchiveHealth:
    try:
        disk = shutil.disk_usage(place_of_pictures(folder))
        free, whole = disk.free, disk.total
    except OSError:
        # an archive that is named by its database's address has no folder here
        free, whole = None, None
    copied = matters.get("chore:backup", Matter(matter="chore:backup")).succeeded_at
    return ArchiveHealth(
        disk_free=free,
        disk_size=whole,
        disk_short=is_short,
        oldest_verified_at=covered(folder).oldest,
        damaged=unmended(database, folder),
        last_backup_at=max(filter(None, (copied, last_backup(database))), default=None),
    )
