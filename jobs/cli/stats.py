"""``cupola stats``: the archive in numbers, as charts for a person, as JSON for a program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.cli.filters import Filtered, filtering, filters_of
from jobs.cli.main import DONE
from jobs.cli.options import archive_place, common, reading
from jobs.cli.output import for_people, for_programs
from jobs.cli.query import hint

if TYPE_CHECKING:
    from storage.coverage import Span


@click.command(cls=Filtered)
@filtering
@click.option("--json", "as_json", is_flag=True, help="Print the same numbers as one JSON object.")
@reading
@common
def stats(as_json: bool, archive: str | None, config: Path | None, **wanted: Any) -> int:
    """The archive in numbers: posts by month, language, source and mission; pictures; days without a post; growth.

    The posts are those that pass the filters; size and growth are the whole archive's. A mission's days are those of
    the configuration, where one is read, else from its first post to its last.

    Exit status: 0 also when nothing is there, 2 wrong use, 3 the archive cannot be read.
    """
    from storage.engine import open_database
    from storage.tally import tally

    filters = filters_of(**wanted)
    database = open_database(archive_place(config, archive), read_only=True)
    try:
        found = tally(database, filters, _missions(config, archive))
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


def _missions(config: Path | None, archive: str | None) -> dict[str, Span]:
    """When missions began and ended; --archive stands in place of a configuration, unless that is named, too."""
    if archive is not None and config is None:
        return {}
    from jobs.config import config_path, load

    return {name: (one.start, one.end) for name, one in load(config_path(config)).config.missions.items()}
