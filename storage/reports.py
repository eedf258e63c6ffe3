"""What was found when the archive was looked after, kept in its folder: ``reports/<what>-<UTC time>.json``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from storage.disk import disk_faults
from storage.durable import replacing

FOLDER = "reports"
#: what reports of a look at the files are called, whoever looked
AUDIT = "fixity"
#: how many of a kind are kept
KEPT = 60


def keep_report(folder: Path, what: str, found: Mapping[str, Any], now: datetime, *, kept: int = KEPT) -> Path:
    """Write a report and let go of those that are older than the last ones.

    Args:
        folder: the archive's folder.
        what: which kind of report; lower-case letters and hyphens.
        found: what was found, as JSON has it.
        now: aware UTC; stands in the name.
        kept: how many are kept.

    Returns:
        The path of the report.

    Raises:
        StorageError: it cannot be written; then the others are as they were.
    """
    path = folder / FOLDER / f"{what}-{now:%Y%m%dT%H%M%SZ}.json"
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(json.dumps(found, ensure_ascii=False, indent=2).encode() + b"\n")
        for old in reports(folder, what)[:-kept]:
            if old != path:
                old.unlink(missing_ok=True)
    return path


def reports(folder: Path, what: str) -> list[Path]:
    """The reports of a kind that are kept, oldest first."""
    name = re.compile(re.escape(what) + r"-\d{8}T\d{6}Z\.json")
    with suppress(FileNotFoundError):
        return sorted(path for path in (folder / FOLDER).iterdir() if name.fullmatch(path.name))
    return []
