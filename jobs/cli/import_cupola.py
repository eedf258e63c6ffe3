"""``cupola import cupola PATH``: an archive's own export back in, or another archive's beside what is held."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs import logs
from jobs.cli.main import DONE, IN_PART, INTERRUPTED
from jobs.cli.options import archive_place, common, reading, with_folder
from jobs.cli.wording import counted
from jobs.errors import UsageError

if TYPE_CHECKING:
    from storage.transfer.bringing import Brought, Means

#: faults that are told one by one; --json has more
TOLD = 20


@click.command(name="cupola")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--media",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="The folder that holds media/, where it does not lie beside the file.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would become of it.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@reading
@common
def import_cupola(
    path: Path, media: Path | None, dry_run: bool, as_json: bool, archive: str | None, config: Path | None
) -> int:
    """Bring in what `cupola export jsonl` has written: a file, or the folder that --with-media makes.

    Into a new archive it is restored; what is held already is united with it: of two states of a post the newer one
    counts and the older one is kept as a revision, decisions of both curators are kept in the order of their times.
    What was taken out for good here stays out. Given again it changes nothing, so that an import that was stopped is
    ended by giving it again.

    Exit status: 0 done, 1 done but a line, a picture or a busy source was left out, 2 PATH is no such export,
    3 the archive cannot be used.
    """
    from storage.archive import Archive
    from storage.errors import ImportRefused
    from storage.transfer.bringing import bring

    place = with_folder(archive_place(config, archive), archive)
    if media is not None and not (media / "media").is_dir() and media.name == "media":
        media = media.parent
    try:
        with Archive.open(place, read_only=dry_run) as opened, _means() as means:
            brought = bring(opened, path, means, media=media, dry_run=dry_run)
    except ImportRefused as error:
        raise UsageError(str(error)) from error
    _tell(brought, as_json=as_json, dry_run=dry_run)
    if brought.interrupted:
        return INTERRUPTED
    return DONE if brought.is_whole else IN_PART


@contextmanager
def _means() -> Iterator[Means]:
    """The clock, what knows pictures, a bar on a terminal, and the wish to stop."""
    import sys

    from jobs.cli.run import stopping
    from storage.transfer.bringing import Means

    with stopping() as stop:
        if logs.loudness < 0 or not sys.stderr.isatty():
            yield Means(now=_now, recognise=_recognise, stopped=stop.is_set)
            return
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("posts", total=None)

            def shown(done: int, of: int) -> None:
                bar.update(task, completed=done, total=of)

            yield Means(now=_now, recognise=_recognise, stopped=stop.is_set, progress=shown)


def _now() -> datetime:
    return datetime.now(UTC)


def _recognise(head: bytes) -> str:
    from scraper import films
    from scraper.pictures import NotAPicture, recognise

    try:
        found = recognise(head)
    except NotAPicture as error:
        with contextlib.suppress(NotAPicture):
            return films.recognise(head)
        raise ValueError(str(error)) from error
    return "image/png" if found == "image/apng" else found


def _tell(brought: Brought, *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        from jobs.cli.output import for_programs

        with for_programs() as write:
            write(json.dumps(brought.as_json(), ensure_ascii=False, indent=2) + "\n")
        return
    for fault in (*brought.faults[:TOLD], *brought.busy.values()):
        click.echo(logs.printable(f"✗ {fault}"), err=True)
    failed = brought.counts["failed"] + brought.counts["media_failed"]
    if failed > TOLD:
        click.echo(f"… {failed:,} faults in all; see the failures of the runs, or --json", err=True)
    if logs.loudness >= 0:
        click.echo(_summary(brought, dry_run=dry_run))


def _summary(brought: Brought, *, dry_run: bool) -> str:
    counts = brought.counts
    parts = [f"{counts['added']:,} new", f"{counts['updated']:,} changed", f"{counts['unchanged']:,} as they were"]
    if counts["buried"]:
        parts.append(f"{counts['buried']:,} left out: taken out for good here")
    if counts["busy"]:
        parts.append(f"{counts['busy']:,} left out: their source is being worked on")
    if counts["failed"]:
        parts.append(f"{counts['failed']:,} failed")
    would = "Would bring in: " if dry_run else ""
    posts = sum(counts[name] for name in ("added", "updated", "unchanged", "buried", "busy"))
    text = f"{would}{counted(posts, 'post')}: {', '.join(parts)}."
    if counts["media_stored"]:
        text += f" {counted(counts['media_stored'], 'picture')} taken."
    wanted = counts["media_missing"] + counts["media_failed"]
    if wanted:
        text += f" {counted(wanted, 'picture')} not there: they stay wanted (give --media, or `cupola scrape`)."
    return text
