"""``cupola sources try``: what an address gives, shown before anything is archived."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jobs.cli.main import DONE, IN_PART
from jobs.cli.options import common
from jobs.errors import ConfigError, UsageError
from jobs.logs import printable

if TYPE_CHECKING:
    from jobs.config import ConfigFile
    from jobs.trial import Trial
    from jobs.wiring import Configured

F = TypeVar("F", bound=Callable[..., Any])

#: the options of the kind `gallery` that have a flag of their own
SELECTORS = {
    "item": "What holds one picture and its words.",
    "picture": "The picture in an item: img, a@href, div@style.",
    "caption": "The text of an item.",
    "title": "The title of an item.",
    "date": "When it was published.",
    "date_format": "How that is written: %d/%m/%Y.",
    "credit": "Whose picture it is.",
    "link": "The item's own page.",
    "id": "What names an item for good: @data-id.",
    "next": "The link to the next page.",
}
#: rows of the table
ROWS = 50


def _selectors(command: F) -> F:
    for name, what in reversed(SELECTORS.items()):
        metavar = "FORMAT" if name == "date_format" else "CSS"
        command = click.option(f"--{name.replace('_', '-')}", name, multiple=True, metavar=metavar, help=what)(command)
    return command


@click.command("try")
@click.argument("target", metavar="URL|SOURCE")
@click.option("--kind", metavar="KIND", help="Which kind of source it is; gallery where a selector is given.")
@_selectors
@click.option(
    "--option", "others", multiple=True, metavar="KEY=VALUE", help="Any other option of the kind, as in YAML."
)
@click.option(
    "--from-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="F",
    help="Read a saved page or answer of URL in place of the network.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all that was found as one JSON object.")
@common
def try_(
    target: str,
    kind: str | None,
    others: tuple[str, ...],
    from_file: Path | None,
    as_json: bool,
    config: Path | None,
    **selectors: tuple[str, ...],
) -> int:
    """Show what URL gives as a source, or a SOURCE of the configuration: one page, and nothing is archived.

    The first page with posts is asked for, politely: dates, ids, captions in French and English, pictures, and what
    each post lacks. Exit status: 0 posts were found, 1 something failed or nothing was found, 2 wrong use.
    """
    from jobs.cli.run import stopping
    from jobs.trial import try_source
    from jobs.visit import Progress
    from jobs.wiring import means_of, saved_capture

    given = {name: list(values) if len(values) > 1 else values[0] for name, values in selectors.items() if values}
    file, source = _source(target, kind, given, others, config, offline=from_file is not None)
    saved = saved_capture(from_file, source.source.options.url) if from_file else None
    with stopping() as stop, means_of(file, stop=stop, progress=Progress(), on_wait=_tell_wait) as means:
        trial = try_source(source.source, means.web.fetch, missions=means.missions, mission=source.mission, saved=saved)
    if as_json:
        _as_json(trial, source)
    else:
        _as_table(trial)
    for failure in trial.failures:
        click.echo(f"Failed: {printable(str(failure))}", err=True)
    if not trial.posts and not trial.failures:
        click.echo("Nothing was found, and the source says that there is nothing.", err=True)
    return IN_PART if trial.failures or not trial.posts else DONE


def _source(
    target: str,
    kind: str | None,
    selectors: dict[str, Any],
    others: tuple[str, ...],
    config: Path | None,
    *,
    offline: bool,
) -> tuple[ConfigFile, Configured]:
    """The source that is meant, and the configuration with it alone."""
    from jobs.config import SourceStanza, config_path, load, parse
    from jobs.wiring import sources_of

    path = config_path(config)
    # nobody needs a configuration to look at a page; without one nobody but loopback is told who asks
    file = load(path) if config is not None or path.exists() else parse("", path)
    options = selectors | dict(map(_option, others))
    if not target.startswith(("http://", "https://")):
        if options or kind:
            raise UsageError(f"{target} is tried as it is configured; for other options give an address")
        return file, sources_of(file, (target,), offline=offline)[0]
    stanza = SourceStanza.model_validate(
        {"id": "tried", "kind": kind or _kind_of(target, selectors), "url": target} | options
    )
    alone = type(file)(file.path, file.config.model_copy(update={"sources": (stanza,)}), {})
    try:
        return alone, sources_of(alone, offline=offline)[0]
    except ConfigError as error:
        wrong = (f"{problem.key.removeprefix('sources[0].')}: {problem.message}" for problem in error.problems)
        raise UsageError("\n".join(wrong)) from error


def _kind_of(url: str, selectors: dict[str, Any]) -> str:
    """The kind that a person means who names none: by the selectors given, else by the address's form."""
    from scraper.finding import Finding, Rank
    from scraper.registry import kinds

    if selectors:
        return "gallery"
    found = [item for kind in kinds().values() for item in kind.knows(url) if isinstance(item, Finding)]
    best = max((item.rank for item in found), default=Rank.CLOSED)
    names = {item.kind for item in found if item.rank is best and best > Rank.CLOSED}
    if len(names) != 1:
        raise UsageError(f"it cannot be told from the address what it is: say --kind, one of {', '.join(kinds())}")
    return names.pop()


def _option(text: str) -> tuple[str, Any]:
    import yaml

    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"expected --option KEY=VALUE and got {text!r}")
    try:
        return name.strip(), yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise UsageError(f"--option {name}: the value is not YAML") from error


def _as_json(trial: Trial, source: Configured) -> None:
    from jobs.cli.output import for_programs

    told = {
        "kind": source.source.kind,
        "url": source.source.options.url,
        "asked": list(trial.asked),
        "posts": [item.as_json() for item in trial.posts],
        "following": list(trial.following),
        "failures": [{"error": type(item).__name__, "message": str(item)} for item in trial.failures],
    }
    with for_programs() as write:
        write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")


def _as_table(trial: Trial) -> None:
    from jobs.cli.output import for_people
    from jobs.cli.trialtable import summary, table

    if not trial.posts:
        return
    with for_people() as console:
        console.print(table(trial.posts[:ROWS], console.width))
        for line in summary(trial, ROWS):
            console.print(line)


def _tell_wait(host: str, seconds: float, why: str) -> None:
    if seconds >= 2:
        click.echo(f"waiting {seconds:.0f} s for {printable(host)}: {printable(why)}", err=True)
