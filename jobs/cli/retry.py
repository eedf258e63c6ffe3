"""``cupola retry``: the pictures that are still wanted, now."""

from __future__ import annotations

from pathlib import Path

import click

from jobs.cli.options import common
from jobs.cli.run import visit_sources


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@common
def retry(sources: tuple[str, ...], as_json: bool, config: Path | None) -> int:
    """Take the pictures that are pending or have failed, due or not, of all sources or of each SOURCE.

    No page is asked for. What is gone or skipped stays so. Exit status as for scrape.
    """
    return visit_sources(sources, config, as_json=as_json, listing=False)
