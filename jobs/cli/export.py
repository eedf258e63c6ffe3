"""``cupola export``: posts in the formats of others, with their rights and where they came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs import __version__, logs
from jobs.cli.filters import Filtered, filtering, filters_of
from jobs.cli.main import DONE, IN_PART
from jobs.cli.options import archive_place, common, once, reading
from jobs.cli.wording import counted
from jobs.errors import Interrupted, UsageError

if TYPE_CHECKING:
    # loaded when something is exported: SQLAlchemy takes 0.2 s, which --help has not to wait for
    from storage.engine import Database
    from storage.export.exporting import Progress, Report
    from storage.export.formats import Format
    from storage.export.publishable import Clearance
    from storage.filters import Filters

#: things that are missing which are told one by one
TOLD = 20


class _Formats(Filtered):
    """Says in its ``--help`` which formats there are, and what each needs."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of formats; none of what they need is loaded for it."""
        from storage.export.formats import format_of, names

        with formatter.section("Formats"):
            formatter.write_dl([(name, _described(format_of(name))) for name in names()])


@click.command(cls=_Formats)
@click.argument("name", metavar="FORMAT")
@click.argument("dest", type=click.Path(path_type=Path))
@filtering
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many, as `cupola query` has them.")
@click.option(
    "--private",
    is_flag=True,
    help="Also what may not be passed on, for your own hands; each item says whether it may be, and why not.",
)
@click.option("--force", is_flag=True, help="Replace DEST, if it is a file, or a folder that such an export has made.")
@click.option(
    "--with-media/--no-media",
    default=None,
    help="Whether the pictures' files go along, for a format that can; see below what it does when nothing is said.",
)
@click.option(
    "--records-only", is_flag=True, help="jsonl: without what `cupola import cupola` makes an equal archive of."
)
@click.option("--bom", is_flag=True, help="csv: begin with a byte-order mark, by which Excel knows UTF-8.")
@once("--base-url", metavar="URL", help="atom: where the archive's folder can be reached, to link its pictures there.")
@once("--organisation", metavar="NAME", help="bagit: who hands it on.")
@once("--date", metavar="D", help="bagit: the day of the export; nothing in an export reads the clock by itself.")
@reading
@common
def export(
    name: str,
    dest: Path,
    limit: int | None,
    private: bool,
    force: bool,
    with_media: bool | None,
    records_only: bool,
    bom: bool,
    base_url: str | None,
    organisation: str | None,
    date: str | None,
    archive: str | None,
    config: Path | None,
    **wanted: Any,
) -> int:
    """Write posts to DEST in FORMAT, with rights, provenance, a citation and what is incomplete. All filters must hold.

    Left out are posts that are gone at their source, whose stated licence or configuration (publish: false) does not
    allow it, or whose author asked not to be archived; --private takes them in. DEST is whole or not there at all.

    Exit status: 0 done, 1 done but a picture or answer is missing, 2 wrong use or DEST cannot be had,
    3 the archive cannot be read or the disk is full.
    """
    from storage.engine import open_database
    from storage.errors import ExportRefused
    from storage.export.exporting import export as write
    from storage.export.formats import format_of
    from storage.export.hands import processors

    try:
        kind = format_of(name)
    except LookupError as error:
        raise UsageError(_unknown(name)) from error
    filters = filters_of(limit=limit or kind.usual, **wanted)
    place = archive_place(config, archive)
    clearance = _clearance(config, archive)
    database = open_database(place, read_only=True)
    try:
        with _progress(database, filters) as progress:
            report = write(
                database,
                place.folder,
                kind,
                dest,
                filters,
                clearance=clearance,
                cupola=f"cupola {__version__}",
                private=private,
                force=force,
                with_media=with_media,
                wishes=_wishes(
                    records_only=records_only, bom=bom, base_url=base_url, organisation=organisation, date=date
                ),
                progress=progress,
                archive=place,
                processes=processors(),
            )
        _tell(report, private=private)
        if limit is None and kind.usual == report.found and logs.loudness >= 0:
            _say(f"These are the newest {kind.usual}; --limit N takes more.")
        if not report.found:
            from jobs.cli.query import hint

            hint(database, filters)
    except ExportRefused as error:
        raise UsageError(str(error)) from error
    finally:
        database.close()
    return IN_PART if report.missing else DONE


def _described(kind: type[Format]) -> str:
    """What a format is for, what it makes, and what it needs."""
    makes = "a folder" if kind.is_folder(with_media=bool(kind.media)) else "a file"
    if kind.media is not None:
        other = "--no-media" if kind.media else "--with-media"
        shape = "a folder" if kind.is_folder(with_media=not kind.media) else "a file"
        how = "with pictures" if not kind.media else "without"
        makes += f" ({other}: {shape if shape != makes else 'the same'} {how})"
    usual = f" The newest {kind.usual} unless --limit is given." if kind.usual is not None else ""
    needs = f" Needs pip install 'cupola[{kind.extra}]'." if kind.extra is not None else ""
    return f"{kind.summary}; makes {makes}.{usual}{needs}"


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    from storage.export.formats import names

    near = get_close_matches(name, names(), n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    return f"there is no format {name!r}; known are {', '.join(names())}.{meant}"


def _wishes(*, date: str | None, **wishes: Any) -> Any:
    from datetime import date as day

    from storage.export.formats import Wishes

    try:
        return Wishes(date=None if date is None else day.fromisoformat(date), **wishes)
    except ValueError as error:
        raise UsageError(f"--date is a day such as 2026-11-22, not {date!r}") from error


def _clearance(config: Path | None, archive: str | None) -> Clearance:
    """What the configuration keeps back.

    Also when ``--archive`` names the archive: then of the configuration that would be read without it, if there is
    one, so that nothing leaves because of how the archive was named.
    """
    from jobs.config import config_path, load
    from storage.export.publishable import Clearance

    path = config_path(config)
    if archive is not None and config is None and not path.exists():
        if logs.loudness >= 0:
            click.echo("Note: no configuration was read, which could keep sources back (publish: false).", err=True)
        return Clearance()
    return load(path).config.clearance


@contextmanager
def _progress(database: Database, filters: Filters) -> Iterator[Progress]:
    """A bar on a terminal, nothing otherwise; ends the export when somebody asks to stop."""
    import sys

    from jobs.cli.run import stopping

    with stopping() as stop:

        def told(read: int) -> None:
            if stop.is_set():
                raise Interrupted("asked to stop")

        if logs.loudness < 0 or not sys.stderr.isatty():
            yield told
            return
        from rich.console import Console
        from rich.progress import Progress as Bars

        from storage.queries import count

        with Bars(console=Console(stderr=True), transient=True) as bars:
            task = bars.add_task("posts", total=count(database, filters))

            def shown(read: int) -> None:
                told(read)
                bars.update(task, completed=read)

            yield shown


def _tell(report: Report, *, private: bool) -> None:
    """Say on stderr what is in it, what was left out, and what is incomplete."""
    for sentence in report.missing[:TOLD]:
        _say(f"✗ {sentence}")
    if len(report.missing) > TOLD:
        _say(f"… and {len(report.missing) - TOLD:,} more that are missing")
    if logs.loudness < 0:
        return
    _say(f"{report.path}: {counted(report.posts, 'post')}.")
    if report.left_out:
        each = ", ".join(f"{number:,} {reason.value}" for reason, number in _greatest_first(report.left_out.items()))
        number = sum(report.left_out.values())
        _say(
            f"Not to be passed on: {number:,} of them ({each}); each says so (publishable)."
            if private
            else f"Left out: {number:,} ({each}). --private takes them in, for your own hands."
        )
    if report.incomplete:
        each = ", ".join(f"{word} {number:,}" for word, number in sorted(report.incomplete.items()))
        _say(f"Incomplete: {each}; each item says so (incomplete).")
    for sentence in report.notes:
        _say(f"{sentence[:1].upper()}{sentence[1:]}.")


def _greatest_first(counts: Any) -> list[tuple[Any, int]]:
    """Counts, the greatest first, in an order that stays."""
    return sorted(counts, key=lambda pair: (-pair[1], pair[0].value))


def _say(text: str) -> None:
    from jobs.logs import printable

    click.echo(printable(text), err=True)
