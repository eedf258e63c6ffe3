"""Options that many commands share, and what they open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from jobs import logs

F = TypeVar("F", bound=Callable[..., Any])


def once(*names: str, **settings: Any) -> Callable[[F], F]:
    """An option that counts once: given again it is refused, where click would take the last and say nothing."""

    def only(ctx: click.Context, option: click.Parameter, values: tuple[Any, ...]) -> Any:
        if len(values) > 1:
            raise click.UsageError(f"{option.opts[0]} is given {len(values)} times, and counts once", ctx)
        return values[0] if values else None

    return click.option(*names, multiple=True, callback=only, **settings)


def common(command: F) -> F:
    """``--config``, ``-v`` and ``-q``: every command has them."""

    def loudness(_ctx: click.Context, option: click.Parameter, count: int) -> int:
        if count:
            logs.configure(count if option.name == "verbose" else -count)
        return count

    for decorate in (
        click.option(
            "--config",
            type=click.Path(path_type=Path),
            metavar="PATH",
            help="The configuration file; else $CUPOLA_CONFIG, else ./config.yaml.",
        ),
        click.option(
            "-v", "--verbose", count=True, expose_value=False, callback=loudness, help="Say more (-vv: everything)."
        ),
        click.option("-q", "--quiet", count=True, expose_value=False, callback=loudness, help="Say only what failed."),
    ):
        command = decorate(command)
    return command


def reading(command: F) -> F:
    """``--archive`` in place of the configuration: commands that only read have it."""
    return click.option(
        "--archive",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="The archive's folder, in place of a configuration file.",
    )(command)


def archive_folder(config: Path | None, archive: Path | None) -> Path:
    """The folder that a reading command reads."""
    if archive is not None:
        return archive
    from jobs.config import config_path, load

    return load(config_path(config)).folder
