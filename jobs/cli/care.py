"""Care of what is held: ``cupola verify`` and ``cupola db``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs import logs
from jobs.cli.main import DONE, IN_PART
from jobs.cli.options import archive_folder, common, reading
from jobs.cli.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from storage.verify import Progress, Report

#: damaged things and orphans that are told one by one; --json has all of them
TOLD = 50


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print what was found as one JSON object.")
@reading
@common
def verify(as_json: bool, archive: Path | None, config: Path | None) -> int:
    """Read every picture and every recorded answer and compare them with their hashes; change nothing.

    Exit status: 0 all is well, 1 something is damaged, 3 the archive cannot be read.
    """
    from storage.engine import open_database
    from storage.verify import verify

    folder = archive_folder(config, archive)
    database = open_database(folder, read_only=True)
    try:
        with _progress() as progress:
            report = verify(database, folder, progress=progress)
    finally:
        database.close()
    if as_json:
        import json

        from jobs.cli.output import for_programs

        with for_programs() as write:
            write(json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n")
    else:
        _tell(report)
    return DONE if report.is_sound else IN_PART


@contextlib.contextmanager
def _progress() -> Iterator[Progress]:
    """Bars on a terminal, nothing otherwise."""
    if logs.loudness < 0 or not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    names = {"media": "pictures", "warc": "answers"}
    with Bars(console=Console(stderr=True), transient=True) as bars:
        tasks = {what: bars.add_task(name, total=None) for what, name in names.items()}
        yield lambda what, done, total: bars.update(tasks[what], completed=done, total=total)


def _tell(report: Report) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from jobs.cli.output import for_people
    from jobs.logs import printable

    with for_people() as console:
        pictures, answers = counted(report.files, "picture"), counted(report.answers, "answer")
        read = f"{pictures} ({report.bytes:,} bytes) and {answers} were read"
        if report.is_sound:
            console.print(Text(f"✓ All is well: {read}, each as it was recorded.", style="green"), soft_wrap=True)
        else:
            table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
            table.add_column("damage", style="red", no_wrap=True)
            table.add_column("where", overflow="fold", ratio=1)
            table.add_column("what is wrong", overflow="fold", ratio=1)
            for item in report.damage[:TOLD]:
                table.add_row(item.trouble, Text(printable(item.what)), Text(printable(item.message)))
            console.print(table)
            _tell_more(console, len(report.damage))
            console.print(Text(f"✗ {len(report.damage):,} damaged: {read}.", style="bold red"))
        if report.orphans:
            console.print(
                f"Of no post, but harmless: {counted(len(report.orphans), 'file')} in media/,"
                " to be removed when no run is under way, or left:"
            )
            for path in report.orphans[:TOLD]:
                console.print(Text(f"  {path}", style="dim"), soft_wrap=True)
            _tell_more(console, len(report.orphans))


def _tell_more(console: Console, count: int) -> None:
    if count > TOLD:
        console.print(f"… and {count - TOLD:,} more; --json names all of them")


@click.group()
def db() -> None:
    """The archive's schema."""


@db.command(short_help="Bring an older archive up to this version's schema.")
@reading
@common
def upgrade(archive: Path | None, config: Path | None) -> int:
    """Bring an older archive up to this version's schema, whole or not at all.

    Make a copy of the folder first if you may want to go back: there is no way down.
    Exit status: 3 when the archive cannot be used.
    """
    from storage.engine import upgrade_database

    folder = archive_folder(config, archive)
    found, now = upgrade_database(folder)
    if found == now:
        click.echo(f"The archive in {folder} is current (schema {now}).")
    else:
        click.echo(f"The archive in {folder} is upgraded from schema {found or '0000'} to {now}.")
    return DONE
