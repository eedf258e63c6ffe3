"""Damage that audits have found and that nothing has mended since, by their reports and by the state of pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from storage.damage import Share
from storage.engine import Database
from storage.portions import portions
from storage.reports import AUDIT, reports
from storage.views import attachments

#: bytes of a report that are read: one that lists more than that tells of far too much to be counted here
_LARGEST = 20_000_000


def unmended(database: Database, folder: Path, what: str = AUDIT) -> int:
    """How many of the things that the kept reports call damaged still are.

    A picture is mended when it is held again; a file of answers, and the database, when a later audit that read it
    finds nothing wrong. What no later audit has come to counts as damaged.

    Args:
        database: the archive's.
        folder: the archive's folder.
        what: the kind of report.

    Raises:
        StorageError: the archive cannot be read.
    """
    pictures: set[str] = set()
    #: by name, and whether it is a file, of which an audit reads a share
    others: set[tuple[str, bool]] = set()
    for report in map(_read, reports(folder, what)):
        share = _share(report)
        found = [item for item in report.get("damage", ()) if isinstance(item, Mapping)]
        # what this look has read is as it says, whatever an earlier one said
        others = {(name, is_file) for name, is_file in others if is_file and not share.holds(name)}
        for item in found:
            if not item.get("sha256"):
                others.add((str(item.get("file") or item.get("what")), bool(item.get("file"))))
        pictures |= {str(item["sha256"]) for item in found if item.get("sha256")}
    return len(others) + len(_not_held(database, sorted(pictures)))


def _not_held(database: Database, hashes: list[str]) -> set[str]:
    """Those of which a post's picture waits to be had again, or cannot be."""
    found: set[str] = set()
    with database.read() as connection:
        for some in portions(hashes):
            query = select(attachments.c.sha256).where(
                attachments.c.sha256.in_(some),
                attachments.c.state != "stored",
                attachments.c.removed_at.is_(None),
            )
            found |= set(connection.scalars(query))
    return found


def _read(path: Path) -> Mapping[str, Any]:
    """A report; an empty one for what is none, or is gone meanwhile."""
    try:
        with path.open("rb") as file:
            report = json.loads(file.read(_LARGEST))
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, Mapping) else {}


def _share(report: Mapping[str, Any]) -> Share:
    share = report.get("share")
    try:
        return Share(part=int(share["part"]), of=int(share["of"])) if share else Share()
    except (KeyError, TypeError, ValueError):
        return Share()
