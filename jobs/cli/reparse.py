"""``cupola reparse`` and ``cupola resplit``: what is held is read anew, with no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs import logs
from jobs.cli.filters import Filtered, filtering, filters_of
from jobs.cli.main import DONE, IN_PART, INTERRUPTED
from jobs.cli.options import common, once
from jobs.cli.run import stopping
from jobs.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from jobs.config import ConfigFile
    from jobs.reread import Reread
    from jobs.visit import Means
    from storage.archive import Archive

#: posts whose difference is shown, and keys of posts not found again
SHOWN = 50

_dry_run = click.option("--dry-run", is_flag=True, help="Change nothing; show what would differ, post by post.")
_json = click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON object.")


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@once("--since", metavar="D", help="Posts of this day or time and later: 2016-11-17, 2016-11-17T08:00 (UTC) or 7d.")
@once("--until", metavar="D", help="Posts before this day or time.")
@click.option("--key", "keys", multiple=True, metavar="KEY", help="Only this post, <source>:<id>; may be given again.")
@_dry_run
@_json
@common
def reparse(
    sources: tuple[str, ...],
    since: str | None,
    until: str | None,
    keys: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    config: Path | None,
) -> int:
    """Parse the recorded answers of all configured sources (or of each SOURCE) once more; nothing is fetched.

    Each post is taken from the last answer that it is in. What differs is recorded, with what was before it; posts
    that are in no answer any more are listed and kept. What a curator decided stays. Exit status as for scrape.
    """
    from jobs.config import config_path, load
    from jobs.maintenance import reparse
    from jobs.moments import parse_moment
    from jobs.visit import Visit
    from jobs.wiring import clock, sources_of

    now = clock()
    start, end = (parse_moment(bound, now) if bound else None for bound in (since, until))
    if start and end and start >= end:
        raise UsageError(f"--since {since} does not lie before --until {until}")
    file = load(config_path(config))
    configured = sources_of(file, sources, offline=True)
    visits = [Visit(source=item.source, mission=item.mission, since=start, until=end) for item in configured]

    def work(archive: Archive, means: Means) -> Iterator[tuple[str, Callable[[], Reread]]]:
        visited = [visit.source.id for visit in visits]
        chosen = [_resolved(archive, key, visited) for key in keys]
        if stray := [key for key in chosen if key.partition(":")[0] not in visited]:
            raise UsageError(f"{stray[0]} is no post of {', '.join(visited)}: name its source too, or none")
        for visit in visits:
            own = frozenset(key for key in chosen if key.startswith(f"{visit.source.id}:"))
            if own or not keys:
                yield visit.source.id, lambda: reparse(visit, archive, means, keys=own, dry=dry_run)  # noqa: B023 - called at once

    return _done(file, work, dry_run=dry_run, as_json=as_json)


@click.command(cls=Filtered)
@filtering
@click.option("--key", "keys", multiple=True, metavar="KEY", help="Only this post, <source>:<id>; may be given again.")
@_dry_run
@_json
@common
def resplit(keys: tuple[str, ...], dry_run: bool, as_json: bool, config: Path | None, **wanted: Any) -> int:
    """Read the texts of held posts once more: captions, credit, date, hashtags, mission; nothing is fetched.

    All posts are read, or those that pass the filters. The configured missions count as they are now. What differs is
    recorded, with what was before it; what a curator decided stays. Exit status as for scrape.
    """
    import dataclasses

    from jobs.config import config_path, load
    from jobs.maintenance import resplit
    from storage.queries import names

    chosen = filters_of(**wanted)
    file = load(config_path(config))
    missions = {stanza.id: stanza.mission for stanza in file.config.sources}

    def work(archive: Archive, means: Means) -> Iterator[tuple[str, Callable[[], Reread]]]:
        held = names(archive.database).sources
        for name in chosen.source:
            if name not in held:
                raise UsageError(f"the archive has no source {name!r}; it has {', '.join(held) or 'none'}")
        posts = tuple(_resolved(archive, key, ()) for key in keys)
        filters = dataclasses.replace(chosen, keys=posts or None)
        for name in held:
            if not chosen.source or name in chosen.source:
                own = dataclasses.replace(filters, source=(name,))
                is_configured, mission = name in missions, missions.get(name)
                yield (
                    name,
                    lambda: resplit(own, mission, archive, means, dry=dry_run, is_configured=is_configured),  # noqa: B023 - called at once
                )

    return _done(file, work, dry_run=dry_run, as_json=as_json)


def _resolved(archive: Archive, key: str, sources: Sequence[str]) -> str:
    """The key of a post that is held, or that an answer of one of ``sources`` may hold."""
    from storage.errors import UnknownKey
    from storage.lookup import resolve

    try:
        return resolve(archive.database, key)
    except UnknownKey:
        if key.partition(":")[0] in sources:
            return key
        raise


def _done(
    file: ConfigFile,
    work: Callable[[Archive, Means], Iterator[tuple[str, Callable[[], Reread]]]],
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Do the work source by source and tell what came of it; the exit status."""
    from jobs.report import Failure, Outcome, Report
    from jobs.reread import Reread
    from jobs.wiring import archive_of, unplugged
    from storage.errors import SourceBusy

    found: list[Reread] = []
    with stopping() as stop, _archive(file, archive_of, dry_run=dry_run) as archive:
        for name, reread in work(archive, unplugged(file, stop=stop)):
            if stop.is_set():
                break
            try:
                found.append(reread())
            except SourceBusy as busy:
                report = Report(source_id=name, outcome=Outcome.BUSY)
                report.fail(Failure.of("lease", busy))
                found.append(Reread(report=report))
        interrupted = stop.is_set()
    if as_json:
        import json

        from jobs.cli.output import for_programs

        told = {item.report.source_id: item.as_json() for item in found}
        with for_programs() as write:
            write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    elif logs.loudness >= 0 or any(item.report.failed for item in found):
        from jobs.cli.output import for_people

        with for_people() as console:
            _tell(found, console, dry_run=dry_run)
    if interrupted:
        click.echo("Interrupted: what was read is recorded. Go on with the same command.", err=True)
        return INTERRUPTED
    return IN_PART if any(item.report.failed for item in found) else DONE


@contextmanager
def _archive(file: ConfigFile, opened: Callable[..., Archive], *, dry_run: bool) -> Iterator[Archive]:
    """The archive, which must be there; open for writing unless nothing is to be changed."""
    with opened(file, read_only=True) as archive:
        if dry_run:
            yield archive
            return
    with opened(file) as archive:
        yield archive


def _tell(found: Sequence[Reread], console: Console, *, dry_run: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from jobs.cli.display import failure_text
    from jobs.logs import printable

    if not any(item.report.posts_found or item.report.failed or item.missing for item in found):
        console.print("No posts to read anew.")
        return
    for item in found:
        if dry_run:
            _tell_differences(item, console)
        if item.missing:
            console.print(f"{item.report.source_id}: in no recorded answer any more, and kept:", soft_wrap=True)
            for key in item.not_found[:SHOWN]:
                console.print(Text(f"  {printable(key)}"), soft_wrap=True)
            if item.missing > SHOWN:
                console.print(f"  … and {item.missing - SHOWN:,} more; --json names {len(item.not_found):,}")
    table = Table(title="Dry run: nothing was changed" if dry_run else None, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("source", overflow="fold")
    # name, number of each source, and whether it is told when it is 0 everywhere
    columns = [
        ("answers", [item.report.pages for item in found], False),
        ("posts", [item.report.posts_found for item in found], True),
        ("new", [item.report.posts_added for item in found], False),
        ("changed", [item.report.posts_updated for item in found], True),
        ("same", [item.report.posts_unchanged for item in found], True),
        ("not found", [item.missing for item in found], False),
        ("failed", [item.report.failed for item in found], False),
    ]
    shown = [(name, numbers) for name, numbers, always in columns if always or any(numbers)]
    for name in (*(name for name, _ in shown), "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for row, item in enumerate(found):
        counts = (f"{numbers[row]:,}" if numbers[row] else "·" for _, numbers in shown)
        table.add_row(item.report.source_id, *counts, f"{item.report.seconds:.1f} s")
    console.print(table)
    for item in found:
        if item.fields:
            fields = ", ".join(f"{name} {number:,}" for name, number in item.fields.most_common())
            console.print(Text(f"{item.report.source_id}: {fields}"), soft_wrap=True)
        if item.told:
            told = f"earlier states that the source's own history tells: {item.told:,}"
            console.print(f"{item.report.source_id}: {told}", soft_wrap=True)
        for note in item.report.notes:
            console.print(Text(f"{item.report.source_id}: {printable(note)}"), soft_wrap=True)
        for failure in item.report.failures[:SHOWN]:
            console.print(failure_text(item.report.source_id, failure), soft_wrap=True)


def _tell_differences(item: Reread, console: Console) -> None:
    from rich.text import Text

    from jobs.cli.wording import counted
    from jobs.logs import printable

    styles = {"-": "red", "+": "green", "@": "cyan"}
    for post in item.differences[:SHOWN]:
        console.print(Text(f"{printable(post.key)} would be {post.change}", style="bold"), soft_wrap=True)
        for line in post.lines():
            console.print(Text(f"  {printable(line)}", style=styles.get(line[:1], "")), soft_wrap=True)
    differing = item.report.posts_added + item.report.posts_updated - item.slight
    if differing > SHOWN:
        console.print(f"… and {differing - SHOWN:,} more posts; --json has the first {len(item.differences):,}")
    if item.slight:
        told = f"{counted(item.slight, 'post')} would differ in the confidence alone"
        console.print(Text(f"{item.report.source_id}: {told}"), soft_wrap=True)
