"""Options that many commands share, and what they open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jobs import logs
from jobs.errors import UsageError

if TYPE_CHECKING:
    from storage.settings import ArchiveSettings

F = TypeVar("F", bound=Callable[..., Any])


def once(*names: str, **settings: Any) -> Callable[[F], F]:
    """An option that counts once: given again it is refused, where click would take the last and say nothing."""

    def only(ctx: click.Context, option: click.Parameter, values: tuple[Any, ...]) -> Any:
        if len(values) > 1:
            raise click.UsageError(f"{option.opts[0]} is given {len(values)} times, and counts once", ctx)
        return values[0] if values else None

    return click.option(*names, multiple=True, callback=only, **settings)


def either(names: str, *name: str, **settings: Any) -> Callable[[F], F]:
    """A flag and its opposite, ``--gone/--not-gone``: None when neither is given, refused when both are."""

    def only(ctx: click.Context, option: click.Parameter, values: tuple[bool, ...]) -> bool | None:
        if len(set(values)) > 1:
            raise click.UsageError(f"{option.opts[0]} and {option.secondary_opts[0]} cannot both hold", ctx)
        return values[0] if values else None

    return click.option(names, *name, multiple=True, default=None, callback=only, **settings)


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
        metavar="FOLDER|URL",
        help="The archive's folder, or its database's address, in place of a configuration file.",
    )(command)


def archive_place(config: Path | None, archive: str | None) -> ArchiveSettings:
    """Where the archive is that a command is about: what ``--archive`` names, else the configured one.

    Of an archive that is named by its database's address the folder is not known; what of it is told counts from it.
    """
    from storage.settings import ArchiveSettings, is_address

    if archive is None:
        from jobs.config import config_path, load

        return load(config_path(config)).place
    if not is_address(archive):
        return ArchiveSettings(folder=Path(archive))
    try:
        return ArchiveSettings(folder=Path(), database=archive)
    except ValueError as error:
        raise UsageError(f"--archive: {error}") from error


def with_folder(place: ArchiveSettings, archive: str | None) -> ArchiveSettings:
    """``place``, for a command that works on pictures and answers as well.

    Raises:
        UsageError: ``--archive`` is an address, which does not tell where those are.
    """
    if archive is not None and place.database is not None:
        raise UsageError(
            "an address does not tell where the pictures and answers are: name the configuration, with --config"
        )
    return place
