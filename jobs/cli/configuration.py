"""``cupola config``: write a first configuration, or check one."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from jobs.cli.main import DONE
from jobs.cli.options import common
from jobs.cli.wording import counted
from jobs.errors import UsageError


@click.group()
def config() -> None:
    """Write a first config.yaml, or check one."""


@config.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path("config.yaml"))
@common
def init(path: Path, config: Path | None) -> int:
    """Write a commented sample to PATH (./config.yaml). An existing file is left as it is."""
    from jobs.sample import sample_text

    target = config or path
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(sample_text())
    except FileExistsError as error:
        raise UsageError(f"{target} is there already and was left as it is") from error
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error
    named = "" if target == Path("config.yaml") else f" {shlex.quote(str(target))}"
    click.echo(f"{target} is written. Put your address into http.contact, then: cupola config check{named}")
    return DONE


@config.command(short_help="Read the configuration and say all that is wrong with it.")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@common
def check(path: Path | None, config: Path | None) -> int:
    """Read the configuration as every command does, and every source's options; say all that is wrong."""
    from jobs.config import config_path, load
    from jobs.wiring import sources_of
    from scraper.manners import usable_contact

    file = load(path or config_path(config))
    configured = sources_of(file)
    click.echo(
        f"{file.path} is valid: {counted(len(configured), 'source')}, "
        f"{counted(len(file.config.missions), 'mission')}, archive in {file.place}"
    )
    for item in configured:
        click.echo(f"  {item.source.id}: {item.source.kind}, {item.source.options.url}")
    if usable_contact(file.config.http.contact) is None:
        told = "http.contact is not your mail or web address yet; only loopback hosts are asked until it is."
        click.echo(f"Note: {told}", err=True)
    return DONE
