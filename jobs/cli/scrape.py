"""``cupola scrape``: one run now, over all sources or those named."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

import click

from jobs.cli.main import DONE, IN_PART, INTERRUPTED
from jobs.cli.options import common
from jobs.errors import UsageError
from jobs.moments import parse_moment
from jobs.report import Outcome, Report


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "--since", metavar="D", help="Posts of this day or time and later: 2016-11-17, 2016-11-17T08:00 (UTC) or 7d."
)
@click.option("--until", metavar="D", help="Posts before this day or time.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many posts of each source.")
@click.option("--dry-run", is_flag=True, help="Read the sources and count; touch no archive.")
@click.option("--no-media", is_flag=True, help="Take no pictures now; they stay wanted.")
@click.option(
    "--from-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="F",
    help="Read a saved page or answer in place of the network (one SOURCE).",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@common
def scrape(
    sources: tuple[str, ...],
    since: str | None,
    until: str | None,
    limit: int | None,
    dry_run: bool,
    no_media: bool,
    from_file: Path | None,
    as_json: bool,
    config: Path | None,
) -> int:
    """Fetch what the configured sources (or each SOURCE) have published, once.

    The first run takes everything; later ones go on from where the last whole run was, less a few days.
    --since (inclusive) and --until (exclusive) filter by the posts' own dates.
    Exit status: 0 all done, 1 something failed and is recorded, 2 wrong use, 3 the archive cannot be used,
    130 interrupted, safely.
    """
    from jobs.cli.display import progress
    from jobs.config import config_path, load
    from jobs.visit import Visit
    from jobs.wiring import clock, means_of, saved_capture, sources_of

    now = clock()
    bounds = (parse_moment(since, now) if since else None, parse_moment(until, now) if until else None)
    if bounds[0] and bounds[1] and bounds[0] >= bounds[1]:
        raise UsageError(f"--since {since} does not lie before --until {until}")
    file = load(config_path(config))
    configured = sources_of(file, sources)
    if not configured:
        raise UsageError(f"{file.path} has no sources; see the templates in it, or cupola sources")
    if from_file is not None and len(configured) != 1:
        raise UsageError("--from-file needs to know whose page it is: name one SOURCE")
    with stopping() as stop, progress() as watcher:
        visits = [
            Visit(
                source=item.source,
                mission=item.mission,
                since=bounds[0],
                until=bounds[1],
                limit=limit,
                media=not no_media,
                saved=saved_capture(from_file, item.source.options.url) if from_file else None,
            )
            for item in configured
        ]
        means = means_of(file, stop=stop, progress=watcher, on_wait=tell_wait)
        reports = _dry(visits, means) if dry_run else _for_real(file, visits, means)
    return _told(reports, as_json=as_json, dry_run=dry_run)


def _dry(visits: list[Any], means: Any) -> list[Report]:
    from jobs.visit import rehearse

    reports = []
    for visit in visits:
        reports.append(rehearse(visit, means))
        if means.stop.is_set():
            break
    return reports


def _for_real(file: Any, visits: list[Any], means: Any) -> list[Report]:
    from jobs.pipeline import harvest
    from jobs.report import Failure
    from jobs.wiring import archive_of
    from storage.errors import SourceBusy

    reports = []
    with archive_of(file) as archive:
        for visit in visits:
            try:
                reports.append(harvest(visit, archive, means))
            except SourceBusy as busy:
                failure = Failure.of("lease", busy)
                reports.append(Report(source_id=visit.source.id, outcome=Outcome.BUSY, failures=[failure]))
            if means.stop.is_set():
                break
    return reports


def _told(reports: list[Report], *, as_json: bool, dry_run: bool) -> int:
    from jobs import logs

    if as_json:
        click.echo(json.dumps({report.source_id: report.as_json() for report in reports}, ensure_ascii=False, indent=2))
    elif logs.loudness >= 0 or any(report.failures for report in reports):
        from rich.console import Console

        from jobs.cli.display import summary

        summary(reports, console=Console(), dry_run=dry_run)
    if any(report.outcome is Outcome.INTERRUPTED for report in reports):
        click.echo("Interrupted: all that was done is archived. Go on with the same command.", err=True)
        return INTERRUPTED
    return IN_PART if any(report.failures for report in reports) else DONE


def tell_wait(host: str, seconds: float, why: str) -> None:
    """Say on stderr that a request has to wait, when it is long enough to be wondered at."""
    if seconds >= 3.0:
        click.echo(f"{host}: waiting {seconds:.0f} s ({why})", err=True)


@contextlib.contextmanager
def stopping() -> Iterator[Event]:
    """An event that the first Ctrl-C (or SIGTERM) sets; a second one leaves at once, safely all the same."""
    stop = Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(INTERRUPTED)
        stop.set()
        click.echo("\nStopping after what is in hand; once more to leave at once.", err=True)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
