"""``cupola fingerprint``: pictures that nobody has looked at are."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from jobs import logs
from jobs.cli.main import DONE, IN_PART
from jobs.cli.options import archive_place, common, reading, with_folder
from jobs.cli.wording import counted


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@reading
@common
def fingerprint(as_json: bool, archive: str | None, config: Path | None) -> int:
    """Look at held pictures that were not looked at yet, so that posts with pictures that look alike are linked.

    Pictures are looked at as they come in; this is for those of an older Cupola, or from another archive. Interrupted,
    the same command goes on. Exit status: 0 done, 1 a file is not there (see `cupola verify`), 3 the archive cannot
    be used.
    """
    from jobs.cli.run import stopping
    from jobs.fingerprinting import look_at_pictures
    from jobs.visit import Means, Unplugged
    from jobs.wiring import clock
    from scraper.settings import HttpSettings
    from storage.archive import Archive
    from storage.engine import open_database

    place = with_folder(archive_place(config, archive), archive)
    open_database(place, read_only=True).close()  # a writer would make one where there is none
    with stopping() as stop, Archive.open(place) as opened, _bar() as progress:
        means = Means(web=Unplugged(), http=HttpSettings(), missions=(), now=clock, stop=stop)
        looked = look_at_pictures(opened, means, progress=progress)
    if as_json:
        from jobs.cli.output import for_programs

        with for_programs() as write:
            write(json.dumps(asdict(looked), indent=2) + "\n")
    elif logs.loudness >= 0:
        told = f"{counted(looked.pictures, 'picture')} looked at"
        if looked.without:
            told += f", {looked.without:,} without a fingerprint (of one shade, or not to be decoded)"
        if looked.missing:
            told += f"; the files of {looked.missing:,} are not there, see `cupola verify`"
        click.echo(f"{told}.")
    return IN_PART if looked.missing else DONE


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing otherwise."""
    if logs.loudness < 0 or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("pictures", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
