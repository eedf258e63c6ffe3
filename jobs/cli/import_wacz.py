"""``cupola import wacz PATH``: the same as ``warc``, by the name of the file."""

from __future__ import annotations

import click

from jobs.cli.import_warc import import_warc

import_wacz = click.Command(
    name="wacz", callback=import_warc.callback, params=import_warc.params, help=import_warc.help
)
