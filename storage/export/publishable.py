"""Which posts may leave the archive in an export that others get to see, and why the others may not.

Four reasons, all of them stated by somebody: the post is gone at its source; its stated licence forbids passing it on;
the configuration keeps its source or its mission back; its author asked, in words that machines read, not to be
archived or listed. A post without a stated licence is not held back: that nothing is said forbids nothing here, and
the item says that nothing is said. A post that was forgotten is not there at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from storage.folding import fold

#: statements that forbid passing on whatever else they say, folded; no Creative Commons licence holds one of them
_FORBIDDING = re.compile(
    r"\b(?:all rights reserved|tous droits reserves|no(?:t for)? redistribution|no republication|not for publication"
    r"|redistribution (?:is )?prohibited|may not be (?:redistributed|republished|reproduced)"
    r"|reproduction (?:is )?(?:prohibited|interdite)|diffusion interdite|ne pas (?:diffuser|reproduire|publier))\b"
)


class Reason(Enum):
    """Why a post stays; the value is said of a number of posts."""

    GONE = "gone at the source"
    LICENSE = "the stated licence forbids passing on"
    CLEARANCE = "kept back by the configuration (publish: false)"
    OPT_OUT = "the author asked not to be archived or listed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """What the configuration keeps back: sources and missions by id, with the reason given, which may be empty."""

    sources: Mapping[str, str] = field(default_factory=dict)
    missions: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def forbids(licence: str) -> bool:
    """Whether a stated licence forbids passing on, in express words; one that is not understood does not."""
    return _FORBIDDING.search(fold(licence)) is not None


def withheld(
    clearance: Clearance, source: str, mission: str | None, licence: str | None, gone_at: str | None, opt_outs: str
) -> tuple[Reason, str] | None:
    """Why a post may not be passed on, and that in a sentence; None when it may. Of several reasons the first.

    Args:
        clearance: what the configuration keeps back.
        source: the post's source.
        mission: its mission, as the curator or the reading says.
        licence: as stated.
        gone_at: since when it is gone at its source.
        opt_outs: labels such as ``noindex``, as a JSON array.
    """
    if gone_at is not None:
        return Reason.GONE, f"gone at its source since {gone_at}"
    if opt_outs != "[]":
        return Reason.OPT_OUT, f"its author asked not to be archived or listed: {', '.join(json.loads(opt_outs))}"
    if licence is not None and forbids(licence):
        return Reason.LICENSE, f"its stated licence forbids passing it on: {licence}"
    if source in clearance.sources:
        return Reason.CLEARANCE, _kept("source", source, clearance.sources[source])
    if mission is not None and mission in clearance.missions:
        return Reason.CLEARANCE, _kept("mission", mission, clearance.missions[mission])
    return None


def _kept(what: str, name: str, why: str) -> str:
    return f"the configuration keeps the {what} {name} back{f': {why}' if why else ''}"
