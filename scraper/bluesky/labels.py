"""Labels on accounts and posts: which ask not to be archived or shown, and which warn of what is to be seen.

See https://docs.bsky.app/docs/advanced-guides/moderation and https://atproto.com/specs/label.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: of the platform or of the author, who do not want this shown (to those who are not logged in, or at all)
OPT_OUTS = frozenset({"!no-unauthenticated", "!hide", "!takedown"})
#: what a viewer is warned of
WARNINGS = frozenset({"!warn", "porn", "sexual", "nudity", "graphic-media", "gore"})
_VALUE = re.compile(r"[!a-z0-9-]{1,128}")


def labels_in(*places: object) -> tuple[str, ...]:
    """The labels of several places, sorted, once each; one that is taken back (``neg``) by who gave it does not count.

    Args:
        places: a list of labels as a server gives them, or the ``labels`` that an author wrote into a record.
    """
    found: dict[tuple[str, str], bool] = {}
    for place in places:
        for source, value, holds in _read(place):
            found[source, value] = holds and found.get((source, value), True)
    return tuple(sorted({value for (_, value), holds in found.items() if holds}))


def opt_outs_of(labels: tuple[str, ...]) -> set[str]:
    """Those by which an author or the platform asks not to be archived or shown."""
    return set(labels) & OPT_OUTS


def warning_of(labels: tuple[str, ...]) -> str | None:
    """What a viewer is warned of, in the platform's words: ``graphic-media, nudity``."""
    return ", ".join(label for label in labels if label in WARNINGS) or None


def _read(place: object) -> Iterator[tuple[str, str, bool]]:
    match place:
        case list() as given:
            labels, source = given, ""
        case {"values": list() as given}:
            labels, source = given, "self"
        case _:
            return
    for label in labels:
        match label:
            case {"val": str() as value} if _VALUE.fullmatch(value):
                yield str(label.get("src", source)), value, label.get("neg") is not True
            case _:
                continue
