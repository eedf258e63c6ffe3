"""Care of what is held: ``cupola verify`` and ``cupola db``."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs import logs
from jobs.cli.main import DONE, IN_PART
from jobs.cli.options import archive_place, common, reading, with_folder
from jobs.cli.wording import counted
from jobs.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from storage.damage import Share
    from storage.engine import Database
    from storage.mending import Mended
    from storage.verify import Progress, Report

#: damaged things and orphans that are told one by one; --json has all of them
TOLD = 50


@click.command()
@click.option(
    "--share",
    metavar="1/N",
    help="Read the part of N equal ones that was read longest ago: N such runs read everything.",
)
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="Read about N pictures, others every time, and as much of the answers.",
)
@click.option(
    "--mend",
    is_flag=True,
    help="Have what is damaged fetched again by the next `scrape` or `retry`, and put aside once it has come again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as one JSON object.")
@reading
@common
def verify(
    share: str | None, sample: int | None, mend: bool, as_json: bool, archive: str | None, config: Path | None
) -> int:
    """Read every picture and every recorded answer and compare them with their hashes.

    Nothing is changed without --mend. The database itself is always checked whole.
    Exit status: 0 all is well, 1 something is damaged, 3 the archive cannot be read.
    """
    from storage.engine import open_database
    from storage.mending import ask_again
    from storage.verify import verify

    if share and sample:
        raise UsageError("--share and --sample are two ways to choose a part; give one of them")
    place = with_folder(archive_place(config, archive), archive)
    began = datetime.now(UTC)
    database = open_database(place, read_only=not mend)
    try:
        part = _share(database, place.folder, share, sample)
        with _progress() as progress:
            report = verify(database, place.folder, share=part, progress=progress)
        mended = ask_again(database, place.folder, report.damage, datetime.now(UTC)) if mend else None
        _note(place.folder, report, mended, began)
    finally:
        database.close()
    if as_json:
        import json

        from jobs.cli.output import for_programs

        with for_programs() as write:
            told = report.as_json() | ({} if mended is None else {"asked_again": asdict(mended)})
            write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    else:
        _tell(report, mended)
    return DONE if report.is_sound else IN_PART


def _share(database: Database, folder: Path, share: str | None, sample: int | None) -> Share:
    """The part that is to be read now."""
    from storage.turns import next_share
    from storage.verify import pictures

    of = 1
    if share is not None:
        found = re.fullmatch(r"1/([1-9][0-9]{0,5})", share.strip())
        if not found:
            raise UsageError(f"--share is a fraction such as 1/30, not {share!r}")
        of = int(found[1])
    elif sample is not None:
        of = max(-(-pictures(database) // sample), 1)
    return next_share(folder, of)


def _note(folder: Path, report: Report, mended: Mended | None, began: datetime) -> None:
    """Note where the next look goes on, and what was found; an archive that may only be read is verified all the same.

    What is damaged and was not asked for again is for the person who reads it here: it stays as it is.
    """
    from storage.errors import StorageError
    from storage.reports import AUDIT, keep_report
    from storage.turns import note

    try:
        note(folder, report.share, began)
        if report.is_sound or mended is not None:
            found = report.as_json() | {"began": began.isoformat(), "ended": datetime.now(UTC).isoformat()}
            keep_report(folder, AUDIT, found | ({"asked_again": asdict(mended)} if mended else {}), began)
    except StorageError as error:
        if report.share.of > 1:
            click.echo(f"The same part will be read again the next time: {error}", err=True)


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
        yield lambda what, done, total: bars.update(tasks[what], completed=done, total=total or None)


def _tell(report: Report, mended: Mended | None) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from jobs.cli.output import for_people
    from jobs.logs import printable

    with for_people() as console:
        pictures, answers = counted(report.files, "picture"), counted(report.answers, "answer")
        read = f"{pictures} ({report.bytes:,} bytes) and {answers} were read"
        if report.share.of > 1:
            read += f" (part {report.share.part + 1} of {report.share.of})"
        if report.is_sound and report.share.of > 1 and not (report.files or report.answers):
            part = f"part {report.share.part + 1} of {report.share.of}"
            console.print(
                f"Nothing lies in {part}: nothing was read; the same command reads the next part.", soft_wrap=True
            )
        elif report.is_sound:
            console.print(Text(f"✓ All is well: {read}, each as it was recorded.", style="green"), soft_wrap=True)
        else:
            table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
            table.add_column("damage", style="red", no_wrap=True)
            table.add_column("where", overflow="fold", ratio=1)
            table.add_column("what is wrong", overflow="fold", ratio=1)
            for item in report.damage[:TOLD]:
                wrong = item.message.removeprefix(f"{item.what} ")
                table.add_row(item.trouble, Text(printable(item.what)), Text(printable(wrong)))
            console.print(table)
            _tell_more(console, len(report.damage))
            console.print(Text(f"✗ {len(report.damage):,} damaged: {read}.", style="bold red"))
        if mended is not None and not report.is_sound:
            counts = ((mended.pictures, "picture"), (mended.pages, "page"))
            wanted = " and ".join(counted(number, what) for number, what in counts if number)
            console.print(
                f"{wanted} will be fetched again by the next `cupola scrape` or `retry`, if still there; what is"
                " damaged is kept until then."
                if wanted
                else "Nothing of this can be fetched again.",
                soft_wrap=True,
            )
            if mended.replaced:
                console.print(
                    f"{counted(mended.replaced, 'damaged picture')} put aside into media/.damaged/: no post shows it"
                    " any more, for its source had another one in its place.",
                    soft_wrap=True,
                )
            if mended.aside:
                console.print(
                    f"{counted(mended.aside, 'damaged record')} of recorded answers put aside into warc/.damaged/: what"
                    " they held has come again, or is read by nobody. Their files are written anew without them.",
                    soft_wrap=True,
                )
            if mended.busy:
                console.print(
                    f"The damaged records of {', '.join(mended.busy)} are left as they are: a run is at work on it."
                    " Run the same command again when it is done.",
                    soft_wrap=True,
                )
        for what, where, paths in (
            ("Of no post, but harmless", "to be removed when no run is under way, or left", report.orphans),
            ("Held, though no post points to it any more", "kept", report.unreferenced),
            ("Damaged once and replaced since", "to be removed, or left", report.aside),
        ):
            if paths:
                console.print(f"{what}: {counted(len(paths), 'file')}, {where}:", soft_wrap=True)
            for path in paths[:TOLD]:
                console.print(Text(f"  {printable(path)}", style="dim"), soft_wrap=True)
            _tell_more(console, len(paths))


def _tell_more(console: Console, count: int) -> None:
    if count > TOLD:
        console.print(f"… and {count - TOLD:,} more; --json names all of them")


@click.group()
def db() -> None:
    """The archive's schema."""


@db.command(short_help="Bring an older archive up to this version's schema.")
@reading
@common
def upgrade(archive: str | None, config: Path | None) -> int:
    """Bring an older archive up to this version's schema, whole or not at all.

    Then what posts are found by is built, as far as it is not; interrupted there, the same command goes on.
    Make a copy of the archive first if you may want to go back: there is no way down.
    Exit status: 3 when the archive cannot be used.
    """
    from storage.engine import upgrade_database

    place = archive_place(config, archive)
    with _building() as progress:
        found, now = upgrade_database(place, progress=progress)
    if found == now:
        click.echo(f"The archive in {place} is current (schema {now}).")
    else:
        click.echo(f"The archive in {place} is upgraded from schema {found or '0000'} to {now}.")
    return DONE


@db.command(short_help="Make anew what posts are found by.")
@reading
@common
def reindex(archive: str | None, config: Path | None) -> int:
    """Throw away what posts are found by, their index, and make it anew from what is held.

    For an index that `cupola verify` found damaged; nothing else ever needs it. While it lasts, and until it is gone on
    with after an interruption (by this command or `cupola db upgrade`), the archive cannot be queried.
    Exit status: 3 when the archive cannot be used.
    """
    from storage.engine import open_database

    place = archive_place(config, archive)
    open_database(place, read_only=True).close()  # a writer would make one where there is none
    database = open_database(place)
    count = 0
    try:
        with _building() as progress:

            def told(done: int, total: int) -> None:
                nonlocal count
                count = total
                progress(done, total)

            database.build_index(told, anew=True)
    finally:
        database.close()
    click.echo(f"The index of {counted(count, 'post')} in {place} was made anew.")
    return DONE


@contextlib.contextmanager
def _building() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, once there is something to build; nothing otherwise."""
    if logs.loudness < 0 or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("index", total=None, visible=False)
        yield lambda done, total: bars.update(task, completed=done, total=total or None, visible=done < total)
