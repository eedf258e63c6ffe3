"""``cupola query``: find posts, for a person as a table, for a program as JSON, CSV or keys."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs import logs
from jobs.cli.filters import Filtered, filtering, filters_of
from jobs.cli.main import DONE
from jobs.cli.options import archive_place, common, either, once, reading
from jobs.cli.output import csv_line, defused, for_people, for_programs
from jobs.errors import UsageError
from jobs.logs import printable
from storage.filters import SORTS
from storage.postview import COLUMNS, PostView

if TYPE_CHECKING:
    # loaded when a query is made: SQLAlchemy takes 0.2 s, which --help has not to wait for
    from rich.console import Console, RenderableType

    from storage.engine import Database
    from storage.filters import Filters
    from storage.hits import Hit
    from storage.queries import Page
    from storage.settings import ArchiveSettings

#: rows of a table when no --limit is given
ROWS = 50
_GIVEN = "jobs.cli.query.given"


class _Query(Filtered):
    """Remembers how it was called, to tell how the next page is had."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, which takes the arguments out of the list."""
        ctx.meta[_GIVEN] = tuple(args)
        return super().parse_args(ctx, args)


@click.command(cls=_Query)
@filtering
@once(
    "--sort",
    type=click.Choice(SORTS),
    help="newest (the default without --text), oldest, rank (the default with it: best answers first), rating (best"
    " first) or seen (last archived first). Those without a date, or without a rating, come last.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help=f"At most so many; a table shows {ROWS} without it."
)
@once("--page", metavar="TOKEN", help="Go on behind an earlier page, which has told its token; with the same filters.")
@click.option("--count", "counted", is_flag=True, help="Print only how many there are.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "jsonl", "json", "csv", "ids")),
    default="table",
    show_default=True,
    help="jsonl: one JSON object a line; json: one array; csv: the columns of archive_posts, where a leading"
    " apostrophe keeps a cell from being a formula; ids: one key a line. With --text, JSON has `hits`: the offsets of"
    " what was found.",
)
@either(
    "--previews/--no-previews",
    help="Small pictures in the table. Without either: where kitty, ghostty, WezTerm or iTerm2 can show them, and of"
    " half blocks in terminals with 24-bit colour that are 120 columns wide or wider.",
)
@reading
@common
def query(
    limit: int | None,
    page: str | None,
    counted: bool,
    form: str,
    previews: bool | None,
    archive: str | None,
    config: Path | None,
    **wanted: Any,
) -> int:
    """Find posts in the archive: newest first, or the best answers to --text. All filters given must hold.

    Exit status: 0 also when nothing was found, 2 wrong use, 3 the archive cannot be read.
    """
    from storage.engine import open_database
    from storage.errors import PageRefused

    if counted and page is not None:
        raise UsageError("--count counts all that there are: it goes without --page")
    if previews and (counted or form != "table"):
        raise UsageError("--previews is for a table")
    filters = filters_of(limit=limit, after=page, **wanted)
    place = archive_place(config, archive)
    database = open_database(place, read_only=True)
    try:
        if counted:
            found = _counted(database, filters)
        elif form == "table":
            found = _as_table(database, filters, place, previews)
        else:
            found = _WRITERS[form](database, filters)
        if not found:
            hint(database, filters)
    except PageRefused as error:
        raise UsageError(f"--page: {error}") from error
    finally:
        database.close()
    return DONE


def _counted(database: Database, filters: Filters) -> int:
    from storage.queries import count

    found = count(database, filters)
    click.echo(found)
    return found


def _as_table(database: Database, filters: Filters, place: ArchiveSettings, previews: bool | None) -> int:
    from dataclasses import replace

    from storage.queries import about, page

    found = page(database, replace(filters, limit=filters.limit or ROWS), hits=True)
    if not found.posts:
        click.echo("No posts found.", err=True)
        return 0
    with for_people() as console:
        console.print(_drawn(found, console, place, previews))
        if found.next is not None:
            console.print()
            more = "More follow"
            if filters.after is None:
                there = about(database, filters if filters.limit is None else replace(filters, limit=None))
                few = "" if there.exact else "about "
                more = f"… and {few}{there.number - len(found.posts):,} more"
            console.print(f"{more}. The next page:\n  {_next(found.next)}", soft_wrap=True)
    return len(found.posts)


def _drawn(found: Page, console: Console, place: ArchiveSettings, previews: bool | None) -> RenderableType:
    from jobs.cli.listing import illustrated, listing

    if previews is not False and console.is_terminal:
        from jobs.cli import previews as small

        how = small.means(os.environ, console.width, asked=previews)
        # of an archive that is named by its database's address the folder is not known
        if how is not None and (place.folder != Path() or place.database is None):
            drawn, size = small.previews(found.posts, place.folder, how, console.width)
            if any(drawn):
                return illustrated(found.posts, console, found.hits, [one or "" for one in drawn], size)
    elif previews and logs.loudness >= 0:
        click.echo("No previews: this is no terminal.", err=True)
    return listing(found.posts, console, found.hits)


def _next(token: str) -> str:
    """The command for the page behind this one, to be copied; without the password of a database's address."""
    from storage.settings import masked

    given, kept = iter(click.get_current_context().meta[_GIVEN]), []
    for argument in given:
        if argument == "--page":
            next(given, None)
        elif not argument.startswith("--page="):
            kept.append(argument)
    return printable(masked(shlex.join(["cupola", "query", *kept, f"--page={token}"])))


def _as_jsonl(database: Database, filters: Filters) -> int:
    return _written(database, filters, lambda post, hits: f"{_json(post, hits)}\n")


def _as_ids(database: Database, filters: Filters) -> int:
    return _written(database, filters, lambda post, _: f"{post.key}\n")


def _as_json(database: Database, filters: Filters) -> int:
    def item(post: PostView, hits: tuple[Hit, ...] | None) -> str:
        return f"\n{_json(post, hits)}"

    return _written(database, filters, item, head="[", between=",", tail="\n]\n")


def _as_csv(database: Database, filters: Filters) -> int:
    def line(post: PostView, _: object) -> str:
        return csv_line(_cell(post, name) for name in COLUMNS)

    return _written(database, filters, line, csv_line(COLUMNS))


def _written(
    database: Database,
    filters: Filters,
    form: Callable[[PostView, tuple[Hit, ...] | None], str],
    head: str = "",
    between: str = "",
    tail: str = "",
) -> int:
    from storage.hits import hits_in
    from storage.queries import pages

    found, follows, cut = 0, None, None
    with for_programs() as write:
        write(head)
        for part in pages(database, filters):
            for post in part.posts:
                write(between if found else "")
                write(form(post, None if filters.query is None else hits_in(post, filters.query)))
                found += 1
            follows = part.next
        write(tail)
        cut = follows
    # nothing of this where the reader had enough before
    if cut is not None and logs.loudness >= 0:
        click.echo(f"More follow. The next page:\n  {_next(cut)}", err=True)
    return found


def _json(post: PostView, hits: tuple[Hit, ...] | None) -> str:
    record = post.as_json()
    if hits is not None:
        record["hits"] = [{name: value for name, value in hit._asdict().items() if value is not None} for hit in hits]
    return json.dumps(record, ensure_ascii=False)


def _cell(post: PostView, name: str) -> str:
    value = getattr(post, name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    return defused(str(value))


def hint(database: Database, filters: Filters) -> None:
    """Say on stderr when nothing was found because a name is not one that the archive knows."""
    if not filters.source and not filters.mission:
        return
    from storage.queries import names

    known = names(database)
    for what, given, there in (
        ("source", filters.source, known.sources),
        ("mission", filters.mission, known.missions),
    ):
        listed = f"it has {', '.join(there)}" if there else "it has none"
        for wanted in given:
            if wanted not in there:
                click.echo(printable(f"The archive has no {what} {wanted!r}; {listed}."), err=True)


_WRITERS: dict[str, Callable[[Database, Filters], int]] = {
    "jsonl": _as_jsonl,
    "json": _as_json,
    "csv": _as_csv,
    "ids": _as_ids,
}
