"""The reference of every command, made from the program itself: ``make docs`` writes it, a test compares it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from jobs.cli.main import commands

_BLOCK = re.compile(r"(?<=<!-- help begins -->\n).*?(?=<!-- help ends -->)", re.DOTALL)


def commands_of(group: click.Group, name: str = "cupola") -> Iterator[tuple[str, click.Command]]:
    """Every command below ``group`` by its full name, groups before what they hold."""
    yield name, group
    context = click.Context(group, info_name=name)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        if isinstance(command, click.Group):
            yield from commands_of(command, f"{name} {word}")
        elif command is not None:
            yield f"{name} {word}", command


def page(text: str) -> str:
    """``text`` with the help between its two marks made anew."""
    made = ""
    for name, command in commands_of(commands):
        names = commands.context_settings["help_option_names"]
        context = click.Context(
            command, info_name=name, terminal_width=100, max_content_width=100, help_option_names=names
        )
        made += f"\n### `{name}`\n\n```text\n{command.get_help(context)}\n```\n"
    return _BLOCK.sub(lambda _: made + "\n", text)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(page(target.read_text(encoding="utf-8")), encoding="utf-8")
