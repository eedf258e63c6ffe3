"""``cupola sources find``: what an address leads to, as a stanza to paste."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.cli.main import DONE, IN_PART
from jobs.cli.options import common
from jobs.logs import printable

if TYPE_CHECKING:
    from jobs.config import ConfigFile
    from jobs.proposals import Proposal
    from scraper.discovery import Discovery


@click.command()
@click.argument("url", metavar="URL")
@click.option("--json", "as_json", is_flag=True, help="Print all that was found as one JSON object.")
@common
def find(url: str, as_json: bool, config: Path | None) -> int:
    """Look at URL and print the stanza to paste under `sources`, the best one first, each with its reason.

    URL may also be an account: @someone@social.example, someone.bsky.social, a DID. The page is asked for politely,
    once, and so are a few addresses that tell what the server is; robots.txt is obeyed, and nothing is archived. Exit
    status: 0 all was looked at, 1 something did not answer, 2 wrong use.
    """
    from jobs.cli.run import stopping
    from jobs.proposals import proposals
    from jobs.visit import Progress
    from jobs.wiring import means_of
    from scraper import registry
    from scraper.discovery import look

    if not url.strip():
        raise click.UsageError("URL is empty")
    file = _file(config)
    with stopping() as stop, means_of(file, stop=stop, progress=Progress()) as means:
        found = look(url, registry.names(), registry.kind, means.web.fetch)
    stanzas = list(proposals(found.findings, [stanza.id for stanza in file.config.sources]))
    if as_json:
        _as_json(url, found, stanzas)
    else:
        _as_text(url, found, stanzas)
    return IN_PART if found.failures else DONE


def _file(config: Path | None) -> ConfigFile:
    """The configuration for contact and rate; without one, an empty one, with which only loopback hosts are asked."""
    from jobs.config import config_path, load, parse

    path = config_path(config)
    return parse("", path) if config is None and not path.exists() else load(path)


def _as_text(url: str, found: Discovery, stanzas: list[Proposal]) -> None:
    from scraper.finding import Rank

    for number, proposal in enumerate(stanzas):
        click.echo(printable(("\n" if number else "") + proposal.text.rstrip("\n")))
    told = [found.closed] if found.closed else []
    told += [f"Not as {item.kind}: {item.reason}" for item in found.findings if item.rank is Rank.CLOSED]
    told += [str(failure) for failure in found.failures]
    if not stanzas and not told:
        told.append(
            f"{url}: nothing here is a feed, names one, or is known to be a blog or a profile; a page of pictures "
            "can be read as kind gallery, by selectors: cupola sources try URL --item CSS shows what they find"
        )
    for line in told:
        click.echo(printable(line), err=True)


def _as_json(url: str, found: Discovery, stanzas: list[Proposal]) -> None:
    from scraper.finding import Rank

    shut = [
        {"kind": item.kind, "options": dict(item.options), "reason": item.reason}
        for item in found.findings
        if item.rank is Rank.CLOSED
    ]
    told = {
        "url": url,
        "found": [proposal.as_json() for proposal in stanzas],
        "closed": found.closed,
        "not_readable": shut,
        "failures": [{"url": failure.url, "message": str(failure)} for failure in found.failures],
    }
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))
