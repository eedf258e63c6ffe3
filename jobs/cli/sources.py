"""``cupola sources``: the kinds of place that can be read, and what each needs; what an address gives."""

from __future__ import annotations

import click

from jobs.cli.finding import find
from jobs.cli.main import DONE
from jobs.cli.trying import try_


@click.group(invoke_without_command=True)
@click.pass_context
def sources(context: click.Context) -> int:
    """List the kinds of source: an address that each reads, and the options it takes.

    With a command below, look at one address.
    """
    if context.invoked_subcommand is None:
        import shutil

        from jobs.kindlist import told

        click.echo("\n\n".join(told(min(shutil.get_terminal_size().columns, 120))))
    return DONE


sources.add_command(find)
sources.add_command(try_)
