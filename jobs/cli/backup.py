"""``cupola backup`` and ``cupola restore``: the whole archive elsewhere, and back."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs import logs
from jobs.cli.main import DONE, IN_PART
from jobs.cli.options import archive_place, common, reading, with_folder
from jobs.cli.wording import counted
from jobs.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from storage.backup import Progress, Report
    from storage.damage import Damage

#: damaged things that are told one by one; --json has all of them
TOLD = 50

_json = click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")


@click.command()
@click.argument("dest", type=click.Path(path_type=Path))
@click.option("--copy", is_flag=True, help="Copy every file, also where hard links would do.")
@_json
@reading
@common
def backup(dest: Path, copy: bool, as_json: bool, archive: str | None, config: Path | None) -> int:
    """Make a backup of the whole archive in DEST, or renew the one that is there; the archive may be in use.

    DEST is an archive itself, and at every moment whole: the old state or the new one. On the same file system its
    files are hard links, which take no room but do not outlive a broken disk. Every new picture is compared with its
    hash; `cupola verify --archive DEST` reads the recorded answers as well.

    Exit status: 0 done, 1 done but something in the archive is missing or damaged, 2 DEST is something else,
    3 the archive cannot be read or the disk is full.
    """
    from storage.backup import back_up, note
    from storage.engine import open_database
    from storage.errors import BackupRefused, StorageError

    now = datetime.now(UTC)
    place = with_folder(archive_place(config, archive), archive)
    database = open_database(place, read_only=True)
    try:
        with _progress() as progress:
            report = back_up(database, place.folder, dest, link=not copy, now=now, progress=progress)
    except BackupRefused as error:
        raise UsageError(str(error)) from error
    finally:
        database.close()
    try:
        database = open_database(place)
        note(database, report, now=now)
        database.close()
    except StorageError as error:
        click.echo(
            f"Note: the archive could not be told of its backup ({error}); `cupola forget` will not name it", err=True
        )
    _tell(report, as_json=as_json, done="is a backup")
    return DONE if report.is_sound else IN_PART


@click.command()
@click.argument("backup", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("dest", type=click.Path(path_type=Path), required=False)
@click.option("--into", type=click.Path(path_type=Path), metavar="FOLDER", help="The same as DEST.")
@click.option("--despite-damage", is_flag=True, help="Restore a backup that is damaged, too; what is damaged stays so.")
@_json
@common
def restore(
    backup: Path, dest: Path | None, into: Path | None, despite_damage: bool, as_json: bool, config: Path | None
) -> int:
    """Copy BACKUP to DEST, which is not there yet or is empty; without DEST to the configured archive's folder.

    Every file of the backup is read and checked before; nothing is ever overwritten.
    Exit status: 0 done, 1 the backup is damaged, 2 there is something in DEST, 3 it cannot be read or written.
    """
    from storage.backup import restore, settle
    from storage.engine import open_database
    from storage.errors import ArchiveMissing, BackupRefused
    from storage.verify import verify

    if dest is not None and into is not None:
        raise UsageError("DEST and --into are the same thing; give one of them")
    target = dest or into or _configured(config)
    settle(backup)
    try:
        database = open_database(backup, read_only=True)
    except ArchiveMissing as error:
        raise ArchiveMissing(f"there is no backup in {backup}; name the folder that `cupola backup` made") from error
    try:
        with _progress() as progress:
            checked = verify(database, backup, progress=progress)
            if not checked.is_sound and not despite_damage:
                for damage in checked.damage[:TOLD]:
                    _say(_wrong(damage))
                _tell_more(len(checked.damage))
                where = f"`cupola verify --archive {shlex.quote(str(backup))}`"
                _say(f"{backup} is damaged and was not restored; see {where}, or say --despite-damage")
                return IN_PART
            report = restore(database, backup, target, progress=progress)
    except BackupRefused as error:
        raise UsageError(str(error)) from error
    finally:
        database.close()
    _tell(report, as_json=as_json, done="is restored")
    return DONE if report.is_sound else IN_PART


def _configured(config: Path | None) -> Path:
    """The folder of the configured archive."""
    from jobs.config import config_path

    path = config_path(config)
    if config is None and not path.exists():
        raise UsageError(f"say where to restore it, as DEST: there is no {path} that names an archive")
    return archive_place(config, None).folder


@contextmanager
def _progress() -> Iterator[Progress]:
    """Bars on a terminal, nothing otherwise; ends what it is told of when somebody asks to stop."""
    import sys

    from jobs.cli.run import stopping

    with stopping() as stop:

        def told(what: str, done: int, total: int) -> None:
            if stop.is_set():
                raise Interrupted("asked to stop")

        if logs.loudness < 0 or not sys.stderr.isatty():
            yield told
            return
        from rich.console import Console
        from rich.progress import Progress as Bars

        names = {"database": "database", "media": "pictures", "warc": "answers"}
        with Bars(console=Console(stderr=True), transient=True) as bars:
            tasks = {what: bars.add_task(name, total=None) for what, name in names.items()}

            def shown(what: str, done: int, total: int) -> None:
                told(what, done, total)
                bars.update(tasks[what], completed=done, total=total or None)

            yield shown


def _tell(report: Report, *, as_json: bool, done: str) -> None:
    from jobs.cli.output import for_programs

    if as_json:
        import json

        with for_programs() as write:
            write(json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n")
        return
    for damage in report.damage[:TOLD]:
        _say(_wrong(damage))
    _tell_more(len(report.damage))
    from jobs.cli.wording import size

    new = f"{counted(report.new_files, 'file')} new ({size(report.new_bytes)}"
    new += f", {report.linked_files:,} of them hard links)" if report.linked_files else ")"
    gone = f", {counted(report.removed_files, 'file')} gone" if report.removed_files else ""
    held = f"{counted(report.posts, 'post')}, {counted(report.files, 'file')}, {size(report.bytes)}"
    if logs.loudness >= 0:
        _say(f"{report.path} {done}: {held}; {new}{gone}.")


def _wrong(damage: Damage) -> str:
    named = damage.message.startswith(damage.what)
    return f"✗ {damage.message}" if named else f"✗ {damage.what}: {damage.message}"


def _tell_more(count: int) -> None:
    if count > TOLD:
        _say(f"… and {count - TOLD:,} more; --json names all of them")


def _say(text: str) -> None:
    from jobs.logs import printable

    click.echo(printable(text))
