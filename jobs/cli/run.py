"""What `scrape` and `retry` have in common: visit the sources, stop on a signal, tell what was done."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from jobs import logs
from jobs.cli.main import DONE, IN_PART, INTERRUPTED
from jobs.errors import UsageError
from jobs.logs import printable
from jobs.report import Failure, Outcome, Report

if TYPE_CHECKING:
    from jobs.config import ConfigFile
    from jobs.imported import Imported
    from jobs.visit import Means, Visit


def visit_sources(
    names: Sequence[str],
    config: Path | None,
    *,
    as_json: bool,
    dry_run: bool = False,
    from_file: Path | None = None,
    **bounds: Any,
) -> int:
    """Visit the configured sources, or those of ``names``, and tell what was done; the exit status.

    Args:
        names: ids of sources; all when empty.
        config: the configuration file, if one was given.
        as_json: print one JSON object in place of a table.
        dry_run: touch no archive.
        from_file: a saved page in place of the network, for one source.
        bounds: fields of ``Visit``.

    Raises:
        ConfigError, UsageError, StorageError: as they say.
    """
    from jobs.cli.display import progress
    from jobs.config import config_path, load
    from jobs.visit import Visit
    from jobs.wiring import means_of, saved_capture, sources_of

    file = load(config_path(config))
    imported = () if bounds.get("listing", True) else _imported(file, names)
    others = [name for name in names if name not in {source.id for source in imported}]
    configured = sources_of(file, others) if others or not names else ()
    if not configured and not imported:
        raise UsageError(f"{file.path} has no sources; see the templates in it, or cupola sources")
    if from_file is not None and len(configured) != 1:
        raise UsageError("--from-file needs to know whose page it is: name one SOURCE")
    visits = [Visit(source=item.source, mission=item.mission, **bounds) for item in configured]
    visits += [Visit(source=source, **bounds) for source in imported]
    if from_file is not None:
        saved = saved_capture(from_file, configured[0].source.options.url)
        visits = [Visit(source=configured[0].source, mission=configured[0].mission, saved=saved, **bounds)]
    with (
        stopping() as stop,
        progress() as watcher,
        means_of(file, stop=stop, progress=watcher, on_wait=_tell_wait) as means,
    ):
        reports = _rehearsed(visits, means) if dry_run else _harvested(file, visits, means)
    return _told(reports, as_json=as_json, dry_run=dry_run)


def _imported(file: ConfigFile, names: Sequence[str]) -> tuple[Imported, ...]:
    """The sources that came in from files and are not configured: all, or those of ``names``."""
    from jobs.imported import FORMATS, Imported
    from jobs.wiring import archive_of

    with archive_of(file, read_only=True) as archive:
        known = archive.journal.of_kinds(FORMATS)
    configured = {stanza.id for stanza in file.config.sources}
    wanted = [(name, kind) for name, kind in known if name not in configured and (not names or name in names)]
    return tuple(Imported(name, kind) for name, kind in wanted)


def _rehearsed(visits: Sequence[Visit], means: Means) -> list[Report]:
    from jobs.visit import rehearse

    return [_not_come_to(visit) if means.stop.is_set() else rehearse(visit, means) for visit in visits]


def _harvested(file: ConfigFile, visits: Sequence[Visit], means: Means) -> list[Report]:
    from jobs.pipeline import harvest
    from jobs.visiting import duty_of, visited_by_hand
    from jobs.wiring import archive_of
    from storage.errors import SourceBusy

    reports = []
    duties = {
        visit.source.id: duty_of(visit, stanza.schedule, file.config.jobs)
        for visit in visits
        for stanza in file.config.sources
        if stanza.id == visit.source.id and stanza.schedule is not None
    }
    if not any(visit.listing for visit in visits):
        # what takes up old work makes no archive
        archive_of(file, read_only=True).close()
    with archive_of(file) as archive:
        for visit in visits:
            if means.stop.is_set():
                reports.append(_not_come_to(visit))
                continue
            began = means.now()
            try:
                reports.append(harvest(visit, archive, means))
                if visit.source.id in duties and visit.is_whole:
                    visited_by_hand(archive, duties[visit.source.id], reports[-1], began, means.now())
            except SourceBusy as busy:
                report = Report(source_id=visit.source.id, outcome=Outcome.BUSY)
                report.fail(Failure.of("lease", busy))
                reports.append(report)
    return reports


def _not_come_to(visit: Visit) -> Report:
    return Report(source_id=visit.source.id, outcome=Outcome.INTERRUPTED)


def _told(reports: Sequence[Report], *, as_json: bool, dry_run: bool) -> int:
    failed = any(report.failed for report in reports)
    if as_json:
        from jobs.cli.output import for_programs

        told = {report.source_id: report.as_json() for report in reports}
        with for_programs() as write:
            write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    elif logs.loudness >= 0 or failed:
        from rich.console import Console

        from jobs.cli.display import summary

        summary(reports, console=Console(highlight=False), dry_run=dry_run)
    if any(report.outcome is Outcome.INTERRUPTED for report in reports):
        click.echo("Interrupted: all that was done is archived. Go on with the same command.", err=True)
        return INTERRUPTED
    return IN_PART if failed else DONE


def _tell_wait(host: str, seconds: float, why: str) -> None:
    """Say on stderr that a request has to wait, when it is long enough to be wondered at."""
    if seconds >= 3.0 and logs.loudness >= 0:
        click.echo(printable(f"{host}: waiting {seconds:.0f} s ({why})"), err=True)


@contextlib.contextmanager
def stopping() -> Iterator[Event]:
    """An event that the first Ctrl-C (or SIGTERM) sets; a second one leaves at once, safely all the same."""
    stop = Event()

    def told(_number: int) -> None:
        if stop.is_set():
            os._exit(INTERRUPTED)
        stop.set()
        # not click.echo: the main thread may be in the middle of a write
        os.write(2, b"\nStopping after what is in hand; once more to leave at once.\n")

    with hearing(told, signal.SIGINT, signal.SIGTERM):
        yield stop


@contextlib.contextmanager
def hearing(told: Callable[[int], None], *signals: signal.Signals) -> Iterator[None]:
    """Within it ``told`` is called with the number of each of these signals, in a thread of its own.

    A handler of Python's would wait for the main thread, which may be deep in a read.
    """
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    before = {number: signal.signal(number, _heard) for number in signals}

    def listen() -> None:
        while heard := ear.recv(1):
            if heard[0] in before:
                told(heard[0])

    listener = Thread(target=listen, name="signals", daemon=True)
    listener.start()
    earlier = signal.set_wakeup_fd(mouth.fileno())
    try:
        yield
    finally:
        signal.set_wakeup_fd(earlier)
        mouth.close()
        listener.join()
        ear.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def _heard(_number: int, _frame: FrameType | None) -> None:
    """Keep a signal from ending the process; it is told by the wakeup descriptor."""
