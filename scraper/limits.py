"""Limits that services publish for parts of a host, where one budget for the host would be too fast; pure.

What has such limits is an API with terms of its own: robots.txt, which is written for crawlers of pages, does not
bind it, whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass

from scraper.address import Target


@dataclass(frozen=True, slots=True)
class Limit:
    """A part of a host: the name of its budget, the seconds between two requests, and what to do when it has enough.

    ``pause`` is how many seconds it wants after a 429 that names none, ``shut`` after it refused a connection.
    """

    budget: str
    interval: float
    pause: float
    shut: float


# The Internet Archive's hard limits are 30 questions to the index and 600 captures a minute, and it asks clients to
# stay at 80 % of them; whoever goes on after a 429 is shut out: https://archive.org/details/toomanyrequests_20191110
_ARCHIVE = {
    "/cdx/": Limit("web.archive.org/cdx", 60 / 24, 60.0, 300.0),
    "/web/": Limit("web.archive.org/web", 60 / 480, 60.0, 300.0),
}


def limit_of(target: Target) -> Limit | None:
    """The published limit for what ``target`` is a part of; None where there is none."""
    if target.host != "web.archive.org":
        return None
    return next((limit for start, limit in _ARCHIVE.items() if target.path.startswith(start)), None)
