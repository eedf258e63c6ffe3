"""Which part of an archive was read when, and where the next look goes on, kept in its folder: ``verified.json``.

It is no row, for whoever verifies an archive may not be allowed to write to its database, and a copy of the database
is not verified because the archive was. Places are fractions of the ring that ``storage.damage.Share`` is a part of.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from storage.damage import Share
from storage.disk import disk_faults
from storage.durable import replacing

NAME = "verified.json"
#: parts at most that are read in one look to make up for looks that were missed
MOST = 4


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the ring and when it was read; aware UTC."""

    start: Fraction
    stop: Fraction
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """How far the looks have come: ``share`` of all has been read (0 to 1), and the longest ago ``oldest``.

    What came in since its part was read was hashed when it came.
    """

    share: float
    oldest: datetime | None


def next_share(folder: Path, of: int) -> Share:
    """The part of ``of`` that was read longest ago, as far as anybody noted; the first when nobody did."""
    return Share.from_place(_place(_noted(folder)), of)


def due_share(folder: Path, within: timedelta, every: timedelta, now: datetime) -> Share:
    """The part to read now, so that all is read ``within`` a time by looks that come ``every`` so often.

    After looks that were missed it is larger, up to ``MOST`` times, until they are made up for.
    """
    noted = _noted(folder)
    of = max(within // every, 1)
    place, parts = _place(noted), 1
    while parts < min(MOST, of):
        following = (place + Fraction(parts, of)) % 1
        read = next((item.at for item in _stretches(noted) if item.start <= following < item.stop), None)
        # what was never read was hashed when it came in: it has its turn, and nothing to make up for
        if read is None or read + within > now + every / 2:
            break
        parts += 1
    return Share.from_place(place, max(of // parts, 1))


def covered(folder: Path) -> Covered:
    """What the looks at an archive have read so far."""
    read = _stretches(_noted(folder))
    share = float(sum(item.stop - item.start for item in read))
    return Covered(share=share, oldest=min((item.at for item in read), default=None))


def note(folder: Path, share: Share, now: datetime) -> None:
    """Note that a part was read, so that the next look goes on behind it.

    Args:
        folder: the archive's folder.
        share: what was read.
        now: when that began; aware UTC.

    Raises:
        StorageError: it cannot be written; then the same part is read again the next time.
    """
    start, stop = Fraction(share.part, share.of), Fraction(share.part + 1, share.of)
    kept = [Stretch(start, stop, now)]
    for item in _stretches(_noted(folder)):
        # of an older look what lies before and what lies behind
        kept += [replace(item, stop=min(item.stop, start))] if item.start < start else []
        kept += [replace(item, start=max(item.start, stop))] if item.stop > stop else []
    read = [
        [str(item.start), str(item.stop), item.at.isoformat()] for item in sorted(kept, key=lambda item: item.start)
    ]
    path = folder / NAME
    with disk_faults(path), replacing(path) as file:
        file.write(json.dumps({"next": str(share.end), "read": read}).encode() + b"\n")


def _noted(folder: Path) -> dict[str, Any]:
    """What stands in the file; nothing when it is not there or is no note of ours: at worst a part is read twice."""
    try:
        noted = json.loads((folder / NAME).read_bytes())
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _place(noted: dict[str, Any]) -> Fraction:
    try:
        return Fraction(noted["next"]) % 1
    except (ValueError, TypeError, KeyError, ZeroDivisionError):
        return Fraction(0)


def _stretches(noted: dict[str, Any]) -> list[Stretch]:
    try:
        read = [
            Stretch(Fraction(start), Fraction(stop), datetime.fromisoformat(at).astimezone(UTC))
            for start, stop, at in noted["read"]
        ]
    except (ValueError, TypeError, KeyError, ZeroDivisionError):
        return []
    return [item for item in read if item.start < item.stop]
