"""``cupola query``: find posts, for a person as a table, for a program as JSON, CSV or keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.cli.filters import filtering, filters_of
from jobs.cli.main import DONE
from jobs.cli.options import archive_place, common, reading
from jobs.cli.output import csv_line, defused, for_people, for_programs
from jobs.logs import printable
from storage.postview import COLUMNS, PostView

if TYPE_CHECKING:
    # loaded when a query is made: SQLAlchemy takes 0.2 s, which --help has not to wait for
    from storage.engine import Database
    from storage.filters import Filters

#: rows of a table when no --limit is given
ROWS = 50


@click.command()
@filtering
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help=f"At most so many; a table shows {ROWS} without it."
)
@click.option("--count", "counted", is_flag=True, help="Print only how many there are.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "jsonl", "json", "csv", "ids")),
    default="table",
    show_default=True,
    help="jsonl: one JSON object a line; json: one array; csv: the columns of archive_posts, where a leading"
    " apostrophe keeps a cell from being a formula; ids: one key a line.",
)
@reading
@common
def query(limit: int | None, counted: bool, form: str, archive: str | None, config: Path | None, **wanted: Any) -> int:
    """Find posts in the archive: newest first, those without a date last. All filters given must hold.

    Exit status: 0 also when nothing was found, 2 wrong use, 3 the archive cannot be read.
    """
    from storage.engine import open_database

    filters = filters_of(limit=limit, **wanted)
    database = open_database(archive_place(config, archive), read_only=True)
    try:
        found = _counted(database, filters) if counted else _WRITERS[form](database, filters)
        if not found:
            hint(database, filters)
    finally:
        database.close()
    return DONE


def _counted(database: Database, filters: Filters) -> int:
    from storage.queries import count

    found = count(database, filters)
    click.echo(found)
    return found


def _as_table(database: Database, filters: Filters) -> int:
    from dataclasses import replace

    from jobs.cli.listing import listing
    from storage.queries import count, find

    posts = list(find(database, filters if filters.limit else replace(filters, limit=ROWS)))
    if not posts:
        click.echo("No posts found.", err=True)
        return 0
    with for_people() as console:
        console.print(listing(posts, console))
        if filters.limit is None and len(posts) == ROWS:
            more = count(database, filters) - ROWS
            if more > 0:
                console.print(f"… and {more:,} more: --limit N shows more, --format jsonl or csv gives all.")
    return len(posts)


def _as_jsonl(database: Database, filters: Filters) -> int:
    return _written(database, filters, lambda post: f"{_json(post)}\n")


def _as_ids(database: Database, filters: Filters) -> int:
    return _written(database, filters, lambda post: f"{post.key}\n")


def _as_json(database: Database, filters: Filters) -> int:
    found = 0
    with for_programs() as write:
        for post in _posts(database, filters):
            write(",\n" if found else "[\n")
            write(_json(post))
            found += 1
        write("\n]\n" if found else "[]\n")
    return found


def _as_csv(database: Database, filters: Filters) -> int:
    def line(post: PostView) -> str:
        return csv_line(_cell(post, name) for name in COLUMNS)

    return _written(database, filters, line, csv_line(COLUMNS))


def _written(database: Database, filters: Filters, form: Callable[[PostView], str], head: str = "") -> int:
    found = 0
    with for_programs() as write:
        write(head)
        for post in _posts(database, filters):
            write(form(post))
            found += 1
    return found


def _posts(database: Database, filters: Filters) -> Iterator[PostView]:
    from storage.queries import find

    return find(database, filters)


def _json(post: PostView) -> str:
    return json.dumps(post.as_json(), ensure_ascii=False)


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
    "table": _as_table,
    "jsonl": _as_jsonl,
    "json": _as_json,
    "csv": _as_csv,
    "ids": _as_ids,
}
