"""``cupola scrape``: one run now, over all sources or those named."""

from __future__ import annotations

from pathlib import Path

import click

from jobs.cli.options import common
from jobs.cli.run import visit_sources
from jobs.errors import UsageError
from jobs.moments import parse_moment


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "--since", metavar="D", help="Posts of this day or time and later: 2016-11-17, 2016-11-17T08:00 (UTC) or 7d."
)
@click.option("--until", metavar="D", help="Posts before this day or time.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many posts of each source.")
@click.option("--dry-run", is_flag=True, help="Read the sources and count; touch no archive.")
@click.option("--no-media", is_flag=True, help="Take no pictures now; they stay wanted.")
@click.option(
    "--from-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="F",
    help="Read a saved page or answer in place of the network (one SOURCE).",
)
@click.option(
    "--despite-failures",
    is_flag=True,
    help="Go on from here the next time although a page or a post fails: for one that fails for ever.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")
@common
def scrape(
    sources: tuple[str, ...],
    since: str | None,
    until: str | None,
    limit: int | None,
    dry_run: bool,
    no_media: bool,
    from_file: Path | None,
    despite_failures: bool,
    as_json: bool,
    config: Path | None,
) -> int:
    """Fetch what the configured sources (or each SOURCE) have published, once.

    The first run takes everything; later ones go on from where the last whole run was, less a few days.
    --since (inclusive) and --until (exclusive) filter by the posts' own dates.
    Exit status: 0 all done, 1 something failed and is recorded, 2 wrong use, 3 the archive cannot be used,
    130 interrupted, safely.
    """
    from jobs.wiring import clock

    now = clock()
    start, end = (parse_moment(bound, now) if bound else None for bound in (since, until))
    if start and end and start >= end:
        raise UsageError(f"--since {since} does not lie before --until {until}")
    return visit_sources(
        sources,
        config,
        as_json=as_json,
        dry_run=dry_run,
        from_file=from_file,
        since=start,
        until=end,
        limit=limit,
        media=not no_media,
        despite_failures=despite_failures,
    )
