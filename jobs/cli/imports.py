"""``cupola import``: what was kept elsewhere comes in. Each format is a command in a file of its own."""

from __future__ import annotations

import importlib
import pkgutil

import click

import jobs.cli

#: a module ``jobs.cli.import_<name>`` holds the command ``import_<name>`` of the format ``<name>`` (``-`` is ``_``)
_PREFIX = "import_"


class Formats(click.Group):
    """Finds the formats by scanning, and loads the module of the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the formats, in alphabetical order."""
        found = (module.name for module in pkgutil.iter_modules(jobs.cli.__path__))
        return sorted(name.removeprefix(_PREFIX).replace("_", "-") for name in found if name.startswith(_PREFIX))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a format, its module loaded now."""
        known = self.list_commands(ctx)
        if cmd_name not in known:
            ctx.fail(f"there is no format {cmd_name!r} to import; known are {', '.join(known)}")
        name = _PREFIX + cmd_name.replace("-", "_")
        command = getattr(importlib.import_module(f"jobs.cli.{name}"), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"jobs.cli.{name}.{name} is no command")
        return command


@click.group(name="import", cls=Formats)
def import_() -> None:
    """Bring in what was kept elsewhere: FORMAT says what it is."""
