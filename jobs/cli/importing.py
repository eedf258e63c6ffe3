"""What the commands that import from files have in common: their options, the archive, what is told at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jobs import logs
from jobs.cli.main import DONE, IN_PART, INTERRUPTED
from jobs.cli.options import archive_place, common, once, reading, with_folder
from jobs.errors import UsageError

if TYPE_CHECKING:
    from datetime import tzinfo

    from jobs.config import ConfigFile
    from jobs.intake import Intake
    from jobs.report import Report
    from scraper.imports.bundle import Bundle
    from scraper.imports.plain import Plain
    from scraper.imports.records import Record
    from storage.settings import ArchiveSettings

F = TypeVar("F", bound=Callable[..., Any])


def importing(command: F) -> F:
    """PATH and the options that every such command has."""
    for decorate in (
        common,
        reading,
        click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object."),
        click.option("--fetch", is_flag=True, help="Then take the media that have an address, from the web."),
        once("--mission", metavar="ID", help="The mission of posts that name none, by its id in the configuration."),
        once("--media", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="FOLDER",
             help="Another folder in which media are looked for."),
        once("--source", metavar="ID", help="Whose posts they shall be, in place of the id that follows from PATH."),
        click.argument("path", type=click.Path(path_type=Path)),
    ):  # fmt: skip
        command = decorate(command)
    return command


def bring(
    kind: str,
    path: Path,
    records: Callable[[Bundle, str | None], Iterable[Record]],
    *,
    source: str | None,
    media: Path | None,
    mission: str | None,
    fetch: bool,
    as_json: bool,
    archive: str | None,
    config: Path | None,
) -> int:
    """Import and tell; the exit status.

    Args:
        kind: what a new source is called.
        path: what is imported.
        records: reads it, given what lies there and the id that was given.
        source: the option of that name, as are the others.
        media: see ``importing``.
        mission: see ``importing``.
        fetch: see ``importing``.
        as_json: see ``importing``.
        archive: see ``jobs.cli.options.reading``.
        config: see ``jobs.cli.options.common``.

    Raises:
        UsageError: PATH is not what the format is, or an option cannot be meant.
    """
    from jobs.fromfiles import bring_files
    from scraper.model import SOURCE_ID

    if source is not None and not SOURCE_ID.fullmatch(source):
        raise UsageError(f"--source: an id is lower-case letters, digits and hyphens, not {source!r}")
    if fetch and archive is not None:
        raise UsageError("--fetch goes by the configuration: name it with --config in place of --archive")
    place = with_folder(archive_place(config, archive), archive)
    file = configuration(config, archive, wanted=fetch or mission is not None)
    with opened_for(kind, path, place, file, mission=mission, media=media) as (intake, bundle):
        reports = bring_files(intake, records(bundle, source), bundle)
    status = tell(reports, as_json=as_json)
    if fetch and status != INTERRUPTED:
        from jobs.cli.run import visit_sources

        fetched = visit_sources([report.source_id for report in reports], config, as_json=as_json, listing=False)
        return status or fetched
    return status


@contextmanager
def opened_for(
    kind: str,
    path: Path,
    place: ArchiveSettings,
    file: ConfigFile | None,
    *,
    mission: str | None = None,
    media: Path | None = None,
) -> Iterator[tuple[Intake, Bundle]]:
    """With what an import works, and what is imported; a signal ends it safely.

    Args:
        kind: what a new source is called.
        path: what is imported.
        place: the archive.
        file: the configuration, for missions and caps.
        mission: the id of the mission of posts that name none.
        media: another folder in which media are looked for.

    Raises:
        UsageError: PATH is not what it should be, the mission is not configured, or a source is busy.
    """
    from jobs.cli.run import stopping
    from jobs.intake import Intake
    from jobs.wiring import clock
    from scraper.imports.bundle import Bundle
    from scraper.imports.records import NotReadable
    from scraper.settings import HttpSettings
    from storage.archive import Archive
    from storage.errors import SourceBusy

    missions = file.config.mission_values if file else ()
    known = sorted(one.id for one in missions)
    if mission is not None and mission not in known:
        raise UsageError(f"--mission: {mission!r} is not configured; known are {', '.join(known) or 'none'}")
    try:
        with stopping() as stop, Bundle(path, media) as bundle, Archive.open(place) as opened:
            intake = Intake(
                archive=opened,
                kind=kind,
                origin=f"{kind} {path.name}",
                now=clock,
                missions=missions,
                mission=mission,
                stop=stop,
                http=file.config.http if file else HttpSettings(),
            )
            yield intake, bundle
    except NotReadable as error:
        raise UsageError(str(error)) from error
    except SourceBusy as busy:
        raise UsageError(f"{busy}: give the same again when it is done") from busy


def plainly(kind: str, path: Path, source: str | None, zone: str | None) -> Plain:
    """How plain records are read.

    Raises:
        UsageError: ``zone`` is none.
    """
    from scraper.imports.plain import Plain
    from scraper.imports.records import source_id

    return Plain(source_id=source or source_id(kind, path.stem), zone=None if zone is None else _zone(zone))


def _zone(name: str) -> tzinfo:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    try:
        if name[:1] in "+-":
            found = datetime.fromisoformat(f"2016-12-03T10:00:00{name}").tzinfo
            if found is not None:
                return found
        return ZoneInfo(name)
    except (ValueError, OSError):
        raise UsageError(f"--zone: {name!r} is no zone such as Europe/Paris, UTC or +02:00") from None


def configuration(config: Path | None, archive: str | None, *, wanted: bool = False) -> ConfigFile | None:
    """The configuration for missions and caps; with ``--archive`` alone there is none, unless it is wanted."""
    from jobs.config import config_path, load

    if archive is not None and config is None and not wanted:
        return None
    return load(config_path(config))


def tell(reports: list[Report], *, as_json: bool) -> int:
    """Say what was done; the exit status."""
    from jobs.report import Outcome

    failed = any(report.failed for report in reports)
    if as_json:
        from jobs.cli.output import for_programs

        told = {report.source_id: report.as_json() for report in reports}
        with for_programs() as write:
            write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    elif logs.loudness >= 0 or failed:
        from rich.console import Console

        from jobs.cli.display import summary

        summary(reports, console=Console(highlight=False))
    if any(report.outcome is Outcome.INTERRUPTED for report in reports):
        click.echo("Interrupted: all that was done is archived. Go on with the same command.", err=True)
        return INTERRUPTED
    return IN_PART if failed else DONE
