"""``cupola sources``: the kinds of place that can be read, and what each needs."""

from __future__ import annotations

from pathlib import Path

import click

from jobs.cli.main import DONE
from jobs.cli.options import common


@click.command()
@common
def sources(config: Path | None) -> int:
    """List the kinds of source, with an address that each reads and the options it takes."""
    from scraper.registry import kinds

    for name, kind in kinds().items():
        click.echo(f"{name}\n  {kind.summary}\n  for example {kind.example}")
        options = [field for field in kind.options_type.model_fields if field != "token"]
        click.echo(f"  options: {', '.join(options)}\n")
    return DONE
