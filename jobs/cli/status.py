"""``cupola status``: whether all is well, what is wrong and what to do, and each source's last and next visit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from jobs.cli.main import DONE, IN_PART
from jobs.cli.options import archive_place, common, reading
from jobs.cli.output import for_people, for_programs
from jobs.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from jobs.config import ConfigFile
    from jobs.health import Health
    from jobs.vitals import SourceHealth


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the same as one JSON object.")
@click.option(
    "--notify-test",
    is_flag=True,
    help="Send a trial notice to every configured address, and tell whether it was taken.",
)
@reading
@common
def status(as_json: bool, notify_test: bool, archive: str | None, config: Path | None) -> int:
    """Whether all is well: what is wrong and what to do, and for each source the last and the next visit.

    It only reads, and needs no daemon; times are in jobs.time_zone.
    Exit status: 0 all is well, 1 something is wrong, 2 wrong use or configuration, 3 the archive cannot be read.
    """
    from jobs.checkup import check_up
    from jobs.config import config_path, load
    from storage.engine import open_database

    file = load(config_path(config)) if archive is None or config is not None or notify_test else None
    if notify_test:
        if file is None or archive is not None or as_json:
            raise UsageError("--notify-test is about the configuration alone: leave --archive and --json out")
        return _try_notices(file)
    place = file.place if file is not None and archive is None else archive_place(config, archive)
    database = open_database(place, read_only=True)
    try:
        health = check_up(database, place.folder, file.config if file is not None else None, datetime.now(UTC))
    finally:
        database.close()
    if as_json:
        with for_programs() as write:
            write(json.dumps(health.as_json(), ensure_ascii=False, indent=2) + "\n")
    else:
        zone = ZoneInfo(file.config.jobs.time_zone) if file is not None else UTC
        with for_people() as console:
            for part in _told(health, zone):
                console.print(part)
    return DONE if health.is_well else IN_PART


def _try_notices(file: ConfigFile) -> int:
    from concurrent.futures import ThreadPoolExecutor

    from jobs.messenger import Messenger, NotSent
    from jobs.notices import trial
    from jobs.notify import messengers

    found = messengers(file)
    if not found:
        raise UsageError(f"{file.path} names no addresses: set notify.urls_env")
    notice = trial(str(file.folder))

    def sent(messenger: Messenger) -> str | None:
        try:
            messenger.send(notice)
        except NotSent as error:
            return str(error)
        return None

    with ThreadPoolExecutor(len(found)) as pool:
        faults = list(pool.map(sent, found))
    with for_people() as console:
        for messenger, fault in zip(found, faults, strict=True):
            console.print(f"✗ {fault}" if fault else f"✓ {messenger.name} has taken the trial notice", soft_wrap=True)
    return IN_PART if any(faults) else DONE


def _told(health: Health, zone: tzinfo) -> Iterator[RenderableType]:
    """What is printed: what is wrong, the archive, the sources, the chores."""
    from rich.padding import Padding
    from rich.text import Text

    from jobs.cli.wording import counted
    from jobs.logs import printable

    if health.is_well:
        yield Text("✓ All is well.", style="green")
    else:
        yield Text(f"✗ {counted(len(health.ailments), 'thing')} to see to:", style="bold red")
        for ailment in health.ailments:
            said = f": {printable(ailment.said)}" if ailment.said else ""
            yield Padding(Text(f"{ailment.message}{said}"), (0, 0, 0, 2), expand=False)
            yield Padding(Text(f"→ {ailment.advice}", style="yellow"), (0, 0, 0, 4), expand=False)
    yield Text()
    for line in _facts(health, zone):
        yield Text(line)
    yield Text()
    yield _sources(health, zone)
    if health.seen.chores:
        yield Text()
        yield _chores(health, zone)


def _facts(health: Health, zone: tzinfo) -> Iterator[str]:
    from jobs.spoken import size

    seen, archive = health.seen, health.seen.archive
    for daemon in seen.daemons:
        began = _moment(daemon.started_at, seen.at, zone)
        yield f"daemon     process {daemon.pid} on {daemon.host}, since {began}"
    if not seen.daemons:
        yield "daemon     none is running"
    if archive.disk_free is not None:
        yield f"disk       {size(archive.disk_free)} free"
    verified = _moment(archive.oldest_verified_at, seen.at, zone)
    yield f"verified   the file that was verified longest ago: {verified or 'not by an audit yet'}"
    yield f"backup     {_moment(archive.last_backup_at, seen.at, zone) or 'none yet'}"
    yield f"times      in {zone}"


def _sources(health: Health, zone: tzinfo) -> RenderableType:
    from rich.text import Text

    sources = health.seen.sources
    if not sources:
        return Text("No sources yet.")
    wishes = any(source.left_out for source in sources)
    table = _table("source", "last visit", "next", "new 7d", "failed", "waiting", *(["left out"] if wishes else []))
    for source in sources:
        streak = source.failures_in_a_row
        failed = f"{source.failures:,}" if source.failures else "·"
        if streak > 1:
            failed += f" ×{streak}"
        waiting = source.pictures_pending + source.pictures_failed
        table.add_row(
            Text(source.id, style="" if source.is_configured else "dim"),
            _last(source, health.seen.at, zone),
            _next(source, health.seen.at, zone),
            f"{source.new_posts:,}" if source.new_posts else "·",
            Text(failed, style="yellow" if source.failures or streak else ""),
            f"{waiting:,}" if waiting else "·",
            *([f"{source.left_out:,}" if source.left_out else "·"] if wishes else []),
        )
    return table


def _last(source: SourceHealth, at: datetime, zone: tzinfo) -> Text:
    from rich.text import Text

    from jobs.cli.wording import ended

    if source.last_started_at is None:
        return Text("never", style="dim")
    text = Text(_moment(source.last_started_at, at, zone))
    if source.last_outcome not in (None, "completed") and not source.is_visiting:
        text.append(f" {ended(str(source.last_outcome)).replace('_', ' ')}", style="yellow")
    return text


def _next(source: SourceHealth, at: datetime, zone: tzinfo) -> Text:
    from rich.text import Text

    if not source.is_configured:
        return Text("not configured", style="dim")
    if source.paused_since is not None:
        return Text("paused", style="bold yellow")
    if source.is_visiting:
        return Text("now", style="green")
    if source.next_at is not None:
        why = "" if source.why in (None, "schedule") else f" {str(source.why).replace('_', ' ')}"
        return Text.assemble(_moment(source.next_at, at, zone), (why, "dim"))
    return Text("not planned" if source.is_scheduled else "by hand", style="dim")


def _chores(health: Health, zone: tzinfo) -> RenderableType:
    """A line for each chore; of one that is done source by source, the last time, the next, the worst."""
    from rich.text import Text

    table = _table("chore", "last time", "next", "failed")
    at = health.seen.at
    for name in dict.fromkeys(chore.name for chore in health.seen.chores):
        these = [chore for chore in health.seen.chores if chore.name == name]
        last = max((chore.last_ended_at for chore in these if chore.last_ended_at), default=None)
        due = min((chore.next_at for chore in these if chore.next_at), default=None)
        failed = sum(bool(chore.failures_in_a_row) for chore in these)
        many = f" ({len(these):,} sources)" if len(these) > 1 else ""
        table.add_row(
            f"{name.replace('_', ' ')}{many}",
            _moment(last, at, zone) or "never",
            _moment(due, at, zone) or "·",
            Text(f"{failed:,}" if failed else "·", style="yellow" if failed else ""),
        )
    return table


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number > 2 else "left", overflow="fold", no_wrap=number > 2)
    return table


def _moment(when: datetime | None, at: datetime, zone: tzinfo) -> str:
    """A time as the clock on the wall says, and how far away: ``14:02, 3 h ago``; empty for none."""
    from jobs.spoken import span

    if when is None:
        return ""
    clock, today = when.astimezone(zone), at.astimezone(zone)
    days = abs((clock.date() - today.date()).days)
    if not days:
        told = f"{clock:%H:%M}"
    elif days < 7:
        told = f"{clock:%a %H:%M}"
    else:
        told = f"{clock:%d %b}" if days < 180 else f"{clock:%Y-%m-%d}"
    return f"{told}, in {span(when - at)}" if when > at else f"{told}, {span(at - when)} ago"
