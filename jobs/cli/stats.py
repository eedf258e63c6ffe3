"""``cupola stats``: the archive in numbers, as charts for a person, as JSON for a program."""

from __future__ import annotations

import json
from pathlib import Path

import click

from jobs.cli.filters import bounds_of
from jobs.cli.main import DONE
from jobs.cli.options import archive_place, common, once, reading
from jobs.cli.output import for_people, for_programs
from jobs.cli.query import hint
from jobs.errors import UsageError


@click.command()
@once("--source", metavar="S", help="Only posts of this source, by its id.")
@once("--mission", metavar="M", help="Only posts of this mission, by its id.")
@once(
    "--since",
    metavar="D",
    help="Only posts of this day or time and later, as for `cupola query`; those without a date are left out.",
)
@once("--until", metavar="D", help="Only posts before this day or time.")
@click.option("--json", "as_json", is_flag=True, help="Print the same numbers as one JSON object.")
@reading
@common
def stats(
    source: str | None,
    mission: str | None,
    since: str | None,
    until: str | None,
    as_json: bool,
    archive: str | None,
    config: Path | None,
) -> int:
    """The archive in numbers: posts by month, language, source and mission; pictures; what is incomplete; last runs.

    Exit status: 0 also when nothing is there, 2 wrong use, 3 the archive cannot be read.
    """
    from storage.engine import open_database
    from storage.filters import Filters
    from storage.tally import tally

    start, end = bounds_of(since, until)
    try:
        filters = Filters(
            source=(source,) if source is not None else (),
            mission=(mission,) if mission is not None else (),
            since=start,
            until=end,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    database = open_database(archive_place(config, archive), read_only=True)
    try:
        found = tally(database, filters)
        if not found.posts:
            hint(database, filters)
    finally:
        database.close()
    if as_json:
        with for_programs() as write:
            write(json.dumps(found.as_json(), ensure_ascii=False, indent=2) + "\n")
        return DONE
    from jobs.cli.charts import charts

    with for_people() as console:
        console.print(charts(found, console))
    return DONE
