"""``cupola demo``: the bundled mission's site on loopback, archived by the very same harvest, twice."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from jobs.cli.main import DONE, IN_PART, INTERRUPTED
from jobs.cli.options import common
from jobs.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from jobs.config import ConfigFile
    from jobs.demo.mission import DemoMission
    from jobs.report import Report
    from storage.archive import Archive
    from storage.postview import PostView

#: posts shown whole at the end: with both captions and a picture that is held
SHOWN = 3


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-archive"),
    show_default=True,
    help="Where the demo's configuration and archive go; an existing one is used again.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the demo's site; 0 for any. Else a fixed one.")
@click.option(
    "--serve",
    is_flag=True,
    help="Only serve the site, for commands in a second terminal: Enter turns to its next edition, Ctrl-C stops it.",
)
@common
def demo(folder: Path, port: int | None, serve: bool, config: Path | None) -> int:
    """Archive the bundled demo mission, over loopback: no network is needed, nobody is asked.

    A small site (a gallery page and a Mastodon account of an invented mission) is started, harvested twice (the second
    time adds nothing) and stopped; the archive stays and can be queried. Exit status 0 when exactly the
    failures that are planned (a picture cut short) occurred.
    """
    from rich.console import Console

    from jobs.cli.display import summary
    from jobs.cli.run import stopping
    from jobs.config import load
    from jobs.demo.mission import load as load_demo
    from jobs.demo.site import DEFAULT_PORT, DemoSite
    from jobs.wiring import archive_of
    from storage.filters import Filters
    from storage.queries import find

    if config is not None:
        raise UsageError("the demo has a configuration of its own; name its folder with --folder")
    mission = load_demo()
    if serve:
        return _serve(mission, folder, DEFAULT_PORT if port is None else port)
    console = Console(highlight=False)
    console.rule(
        f"[bold]Cupola demo: the mission {mission.mission.name}, {mission.mission.start} to {mission.mission.end}"
    )
    with DemoSite(mission, port=DEFAULT_PORT if port is None else port) as site, stopping() as stop:
        path = _write_config(folder, site.base_url)
        file = load(path)
        console.print(f"Its site is up at {site.base_url}; its archive will be in {file.folder}\n")
        with archive_of(file) as archive:
            new = not any(True for _ in find(archive.database, Filters(limit=1)))
            first = (
                "First run: everything is new" if new else "A run on the archive of before: it is kept, not made anew"
            )
            for title in (first, "Second run: nothing is new, nothing is taken twice"):
                console.print(f"[bold]{title}")
                reports = _run(file, archive, stop)
                summary(reports, console=console)
                if stop.is_set():
                    return INTERRUPTED
            _show(console, archive)
            faithful = _compare(console, archive, mission, again=reports)
    _next_steps(console, folder)
    return DONE if faithful else IN_PART


def _serve(mission: DemoMission, folder: Path, port: int) -> int:
    """The site and nothing else, until Ctrl-C; each line on stdin turns to its next edition."""
    from jobs.demo.site import DemoSite

    last = len(mission.editions) + 1
    with DemoSite(mission, port=port) as site:
        path = _write_config(folder, site.base_url)
        click.echo(f"The site of the demo mission is up at {site.base_url}; {path} is the configuration for it.")
        click.echo(f"Edition 1 of {last}. Enter: the next edition; Ctrl-C: stop.")
        try:
            for number, edition in enumerate(mission.editions, start=2):
                if not sys.stdin.readline():
                    break  # there is nobody to press Enter
                site.turn_to(edition)
                click.echo(f"Edition {number} of {last}: {edition.tells}")
            Event().wait()
        except KeyboardInterrupt:
            click.echo("The site has stopped.")
    return DONE


def _write_config(folder: Path, base_url: str) -> Path:
    from jobs.demo.mission import config_text

    path = folder / "config.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(config_text(base_url), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written to: {error.strerror}") from error
    return path


def _run(file: ConfigFile, archive: Archive, stop: Event) -> list[Report]:
    """What ``cupola scrape`` does, on the demo's two sources."""
    from jobs.cli.display import progress
    from jobs.pipeline import harvest
    from jobs.visit import Visit
    from jobs.wiring import means_of, sources_of

    with progress() as watcher, means_of(file, stop=stop, progress=watcher) as means:
        visits = (Visit(source=item.source, mission=item.mission) for item in sources_of(file))
        return [harvest(visit, archive, means) for visit in visits if not stop.is_set()]


def _show(console: Console, archive: Archive) -> None:
    """A few posts as they are held now: both captions, and what was read from them."""
    from storage.filters import Filters
    from storage.queries import find

    console.print("[bold]What the archive holds, for example")
    shown: dict[str, int] = {}
    for post in find(archive.database, Filters()):
        if shown.get(post.source, 0) < 2 and len(shown) <= SHOWN and _tells(post):
            shown[post.source] = shown.get(post.source, 0) + 1
            console.print(_panel(post))
            if sum(shown.values()) == SHOWN:
                break


def _tells(post: PostView) -> bool:
    """Whether a post shows well: both captions, neither long, and a picture that is held."""
    length = len(f"{post.caption_fr}{post.caption_en}")
    bilingual = post.caption_fr is not None and post.caption_en is not None
    return bilingual and 120 < length < 420 and any(item.state == "stored" for item in post.media)


def _panel(post: PostView) -> RenderableType:
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    from jobs.logs import printable

    captions = Table.grid(expand=True, padding=(0, 2))
    for _ in range(2):
        captions.add_column(ratio=1)
    captions.add_row(Text("français", style="dim"), Text("English", style="dim"))
    captions.add_row(Text(printable(post.caption_fr or "")), Text(printable(post.caption_en or "")))
    picture = next(item for item in post.media if item.state == "stored")
    facts = f"{post.credit or post.author}, {picture.width}x{picture.height} {picture.media_type}"
    return Panel(
        captions,
        title=Text(f"{(post.published_at or 'undated')[:10]}  {printable(post.key)}"),
        subtitle=Text(printable(facts), style="dim"),
        title_align="left",
        subtitle_align="left",
    )


def _compare(console: Console, archive: Archive, mission: DemoMission, *, again: list[Report]) -> bool:
    """Say what failed and why, and whether the archive is what the mission's data say that it must be."""
    from rich.text import Text

    from jobs.logs import printable
    from storage.filters import Filters
    from storage.queries import find

    planned = {
        (item.key, item.position, str(item.state)) for item in (*mission.planned_failures, *mission.planned_skips)
    }
    keys, pictures, files, fell_short = set(), 0, set(), set()
    reviews = bilingual = 0
    for post in find(archive.database, Filters()):
        keys.add(post.key)
        reviews += post.needs_review
        bilingual += bool(post.caption_fr and post.caption_en)
        for item in post.media:
            if item.state == "stored":
                pictures += 1
                files.add(item.sha256)
            else:
                fell_short.add((post.key, item.position, item.state))
    console.print(
        f"[green]✓[/] {len(keys)} posts, {bilingual} in both languages ({reviews} for a person to look at); "
        f"{pictures} pictures in {len(files)} files: the same bytes are held once",
        soft_wrap=True,
    )
    for short in (*mission.planned_failures, *mission.planned_skips):
        where = f"{printable(short.key)} picture {short.position + 1}"
        console.print(Text(f"✓ as planned, {where} is {short.state}: {short.why}"), soft_wrap=True)
    wrong = [f"{key} picture {position + 1} is {state}" for key, position, state in sorted(fell_short ^ planned)]
    wrong += [f"{key} is missing" for key in sorted(mission.expected_keys - keys)]
    wrong += [f"{key} should not be there" for key in sorted(keys - mission.expected_keys)]
    wrong += [f"{report.source_id}: the second run was not without news" for report in again if _has_news(report)]
    for line in wrong:
        console.print(Text(f"✗ not as planned: {printable(line)}", style="red"), soft_wrap=True)
    return not wrong


def _has_news(report: Report) -> bool:
    return bool(report.posts_added or report.posts_updated or report.media_stored or report.failures)


def _next_steps(console: Console, folder: Path) -> None:
    console.print("\n[bold]Its site has stopped; the archive is yours to ask:")
    program, where = _called(), f"--config {shlex.quote(str(folder / 'config.yaml'))}"
    for command in (
        f"{program} query {where}",
        f'{program} query {where} --text "lumière" --format jsonl',
        f"{program} query {where} --needs-review --format ids",
        f"{program} verify {where}",
    ):
        console.print(f"  {command}", markup=False, soft_wrap=True)


def _called() -> str:
    """What to type for Cupola: `make demo` runs it from an environment that is on nobody's path."""
    program = Path(sys.argv[0])
    return "cupola" if program.name != "cupola" or shutil.which("cupola") else shlex.quote(str(program))
