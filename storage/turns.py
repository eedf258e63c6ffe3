"""Where on the ring of an archive's parts the next look goes on, kept in a file of its folder: ``verified.json``.

It is no row, for whoever verifies an archive may not be allowed to write to its database, and a copy of the database
is not verified because the archive was.
"""

from __future__ import annotations

import json
import os
from fractions import Fraction
from pathlib import Path

from storage.damage import Share
from storage.disk import disk_faults

NAME = "verified.json"


def next_share(folder: Path, of: int) -> Share:
    """The part of ``of`` that was read longest ago, as far as anybody noted; the first when nobody did."""
    try:
        place = Fraction(json.loads((folder / NAME).read_bytes())["next"])
    except (OSError, ValueError, TypeError, KeyError, ZeroDivisionError):
        # never noted, or no note of ours: the worst is that something is read twice
        place = Fraction(0)
    return Share.from_place(place % 1, of)


def note(folder: Path, share: Share) -> None:
    """Note that a part was read, so that the next look goes on behind it.

    Raises:
        StorageError: it cannot be written; then the same part is read again the next time.
    """
    path = folder / NAME
    part = path.with_name(f".{NAME}.{os.getpid()}.part")
    with disk_faults(path):
        part.write_text(json.dumps({"next": str(share.end)}) + "\n")
        os.replace(part, path)
