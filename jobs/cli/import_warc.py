"""``cupola import warc PATH``: what others captured, answer for answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.cli.importing import configuration, opened_for, tell
from jobs.cli.options import archive_place, common, once, reading, with_folder
from jobs.errors import UsageError

if TYPE_CHECKING:
    from jobs.config import ConfigFile
    from scraper.source import Source


@click.command(name="warc")
@click.argument("path", type=click.Path(path_type=Path))
@once("--source", metavar="ID", help="Only this source of the configuration; with --kind, what a new one is called.")
@once("--kind", metavar="KIND", help="Read it as a source of this kind, configured or not; see `cupola sources`.")
@once("--url", metavar="URL", help="With --kind: the address of that source.")
@once("--mission", metavar="ID", help="The mission of posts that name none, by its id in the configuration.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@reading
@common
def import_warc(
    path: Path,
    source: str | None,
    kind: str | None,
    url: str | None,
    mission: str | None,
    as_json: bool,
    archive: str | None,
    config: Path | None,
) -> int:
    """Bring in WARC files: PATH is a .warc or .warc.gz, a folder of them, or a .wacz.

    Every answer in them goes to the configured source whose address it is; its pictures come out of the same files, and
    nothing is fetched. The answers are kept with the time at which they were captured. What belongs to no source is
    counted by its host.
    Exit status: 0 done, 1 done but an answer failed, 2 PATH has no WARC file, 3 the archive cannot be used.
    """
    from jobs.fromwarcs import bring_warcs
    from scraper.imports.warcs import Warcs

    if (kind is None) != (url is None):
        raise UsageError("--kind and --url belong together: the kind of the source, and its address")
    place = with_folder(archive_place(config, archive), archive)
    file = configuration(config, archive, wanted=kind is None or mission is not None)
    sources = [_named(source, kind, url)] if kind and url else _configured(file, source)
    with (
        opened_for("warc", path, place, file, mission=mission) as (intake, bundle),
        Warcs(bundle, max_bytes=intake.http.max_page_bytes) as warcs,
    ):
        reports = bring_warcs(intake, warcs, sources)
    return tell(reports, as_json=as_json)


def _configured(file: ConfigFile | None, source: str | None) -> list[Source[Any]]:
    from jobs.wiring import sources_of

    if file is None:
        raise UsageError("which sources there are stands in the configuration: name it with --config, or give --kind")
    found = [item.source for item in sources_of(file, [source] if source else (), offline=True)]
    if not found:
        raise UsageError(f"{file.path} has no sources to hand answers to; name one in it, or give --kind and --url")
    return found


def _named(source: str | None, kind: str, url: str) -> Source[Any]:
    from pydantic import ValidationError

    from scraper import registry
    from scraper.imports.records import source_id

    try:
        found = registry.kind(kind)
        return found(source or source_id("warc", kind), found.options_type.model_validate({"url": url}))
    except LookupError as error:
        raise UsageError(f"--kind: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"--url: {first['msg']}") from error
