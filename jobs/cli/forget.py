"""``cupola forget``: take posts out for good."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.cli.keys import keys_argument, read_keys
from jobs.cli.main import DONE
from jobs.cli.options import archive_place, common, reading, with_folder
from jobs.cli.wording import counted
from jobs.errors import UsageError
from jobs.logs import printable

if TYPE_CHECKING:
    from storage.forget import Forget, Forgotten

#: keys and paths that are told one by one
TOLD = 20


@click.command()
@keys_argument
@click.option("--author", metavar="A", help="All posts by this author, in place of keys.")
@click.option("--reason", metavar="R", help="Why; it is kept, so do not repeat what is taken out.")
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--who", metavar="NAME", help="Who says so; else $CUPOLA_WHO, else your login name.")
@reading
@common
def forget(
    keys: tuple[str, ...],
    author: str | None,
    reason: str | None,
    dry_run: bool,
    yes: bool,
    who: str | None,
    archive: str | None,
    config: Path | None,
) -> int:
    """Take posts out for good: text, pictures, earlier states, decisions, and every recorded answer they stand in.

    No later run brings them back. There is no way to undo this. Cut off, the same command again completes it. KEY is
    <source>:<id> or the post's web address; without any, or as -, keys are read from stdin as for `cupola keep`.

    Exit status: 1 when a run is working on the source, 2 when there is no such post or author, 3 when the archive
    cannot be written to.
    """
    from storage.engine import open_database
    from storage.errors import UnknownAuthor
    from storage.forget import Forget

    if author is not None and keys:
        raise UsageError("either keys or --author, not both")
    if not dry_run and not (reason or "").strip():
        raise UsageError("say why: --reason")
    wanted = () if author is not None else read_keys(keys)
    if not (dry_run or yes or sys.stdin.isatty()):
        raise UsageError("nobody can be asked here: say --yes, or --dry-run to see what would go")
    place = with_folder(archive_place(config, archive), archive)
    open_database(place, read_only=True).close()
    database = open_database(place)
    try:
        return _forget(Forget(place.folder, database), wanted, author, reason or "", dry_run, yes, who)
    except UnknownAuthor as error:
        hint = f" Did you mean {error.nearest[0]}?" if error.nearest else ""
        raise UsageError(f"{error}{hint}") from error
    finally:
        database.close()


def _forget(
    work: Forget, keys: tuple[str, ...], author: str | None, reason: str, dry_run: bool, yes: bool, who: str | None
) -> int:
    from datetime import UTC, datetime

    from jobs.config import curator

    now = datetime.now(UTC)
    if dry_run or not yes:
        _tell(work.rehearse(keys, author=author, now=now), "would go")
        if dry_run:
            return DONE
        click.confirm("Take this out for good?", abort=True, err=True)
    gone = work.forget(keys, author=author, reason=reason.strip(), who=curator(who), now=now)
    _tell(gone, "are gone")
    return DONE


def _tell(told: Forgotten, what: str) -> None:
    for key in told.already:
        click.echo(printable(f"{key} was taken out before; nothing is left of it."))
    if not told.keys:
        return
    answers = counted(told.answers, "recorded answer")
    _list(f"{_count(told.keys, 'post')}, {_count(told.pictures, 'picture')} and {answers} {what}:", told.keys)
    _list(f"{_count(told.others, 'other post')} came with these answers: kept, without that evidence.", told.others)
    _list(f"{_count(told.same_text, 'other post')} with the very same text stay:", told.same_text)
    _list("These copies of the archive still hold what was there when they were made:", told.backups)


def _count(things: tuple[str, ...], name: str) -> str:
    return counted(len(things), name)


def _list(head: str, things: tuple[str, ...]) -> None:
    if not things:
        return
    click.echo(head)
    for thing in things[:TOLD]:
        click.echo(printable(f"  {thing}"))
    if len(things) > TOLD:
        click.echo(f"  … and {len(things) - TOLD:,} more")
