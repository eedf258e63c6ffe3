"""What an address leads to, as stanzas to paste under ``sources`` in ``config.yaml``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from scraper.finding import Finding, Rank

_LONGEST = 40
#: words of an address that name nothing
_PLAIN = frozenset(
    {
        "www",
        "https",
        "http",
        "feed",
        "feeds",
        "rss",
        "atom",
        "xml",
        "json",
        "html",
        "php",
        "profile",
        "photos",
        "users",
        "status",
        "index",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A stanza to paste, and why; ``stanza`` has its keys in the order in which a person reads them."""

    finding: Finding
    stanza: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The stanza in YAML, as an item of a list, under its reason as a comment."""
        reason = " ".join(self.finding.reason.split())
        body = yaml.safe_dump([dict(self.stanza)], allow_unicode=True, sort_keys=False, width=1000)
        return f"# {reason}\n{body}"

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints for it."""
        finding = self.finding
        return {
            "rank": finding.rank.name.lower(),
            "reason": finding.reason,
            "stanza": dict(self.stanza),
            "yaml": self.text,
        }


def proposals(findings: Iterable[Finding], taken: Iterable[str]) -> Iterator[Proposal]:
    """The stanzas of what can be read, each with an id of its own that is not one of those ``taken``."""
    ids = set(taken)
    for finding in findings:
        if finding.rank is Rank.CLOSED:
            continue
        words = name_of(str(finding.options.get("url", "")), finding.kind)
        name = next(
            one for number in range(1, 1000) if (one := words if number == 1 else f"{words}-{number}") not in ids
        )
        ids.add(name)
        stanza: dict[str, Any] = {"id": name, "kind": finding.kind, **finding.options}
        if finding.kind != "wayback":  # what was captured is read once
            stanza["schedule"] = {"every": "1d"}
        yield Proposal(finding=finding, stanza=stanza)


def name_of(url: str, kind: str) -> str:
    """A source's id made of an address: the site, and the last telling word of the path."""
    parts = urlsplit(url)
    if kind == "wayback":
        kind, site = "", ["captured", *_words(parts.hostname or "")[:-1]]
    else:
        site = _words(parts.hostname or "")[:-1]
    path = [word for piece in unquote(parts.path).split("/") if (word := "-".join(_words(piece)))]
    telling = [word for word in path if word not in _PLAIN and not word.isdigit()]
    joined = "-".join([*site[-2:], *telling[-1:]])[:_LONGEST].strip("-")
    return joined or kind.replace("_", "-") or "found"


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word and word not in _PLAIN]
