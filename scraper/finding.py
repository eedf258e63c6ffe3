"""What an address turns out to be: a place that a kind of source reads, and why that is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class Rank(IntEnum):
    """How good a finding is; the best is offered first."""

    #: known not to be readable in this way; the reason says what to do instead
    CLOSED = 0
    #: the address has the form, and nothing more is known
    POSSIBLE = 1
    #: also to be had here, but something else is more likely what was meant (a feed of comments, a site's whole feed)
    BESIDE = 2
    #: the page or the server says so
    STATED = 3
    #: it is the very thing, or made for it
    CERTAIN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A stanza that an address leads to: the kind of source, its options, and in one sentence why.

    What is found later of the same kind and options replaces what was found before (so that a guess by the address
    gives way to what the server says). ``url`` is among ``options`` unless the kind can do without.
    """

    kind: str
    options: Mapping[str, object] = field(default_factory=dict)
    reason: str
    rank: Rank = Rank.STATED
