"""Copies of an archive's database, of which the last few are kept: ``<folder>/cupola-<UTC time>.db``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from storage.backup import note
from storage.disk import disk_faults
from storage.durable import sync_folder
from storage.engine import Database
from storage.errors import BackupRefused
from storage.filling import Report
from storage.snapshot import is_of, take_snapshot

_NAME = re.compile(r"cupola-\d{8}T\d{6}Z\.db")
_UNFINISHED = re.compile(r"\.cupola-\d{8}T\d{6}Z\.db\.part(-journal|-wal|-shm)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A copy that was made: where, its bytes and posts, how many are kept with it, and how many older ones went."""

    path: Path
    bytes: int
    posts: int
    kept: int
    removed: int


def generations(folder: Path) -> list[Path]:
    """The copies in a folder, oldest first by their names."""
    with suppress(FileNotFoundError):
        return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    return []


def keep_generation(
    database: Database,
    folder: Path,
    *,
    keep: int,
    now: datetime,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Generation:
    """Copy the database as it is now, whole and checked, and let go of the oldest copies beyond ``keep``.

    None goes before the new one has its name, and the new one never goes. The archive keeps in mind where its copies
    are: they go on holding what it may forget.

    Args:
        database: the archive's; it may be in use.
        folder: where the copies are; made if it is not there.
        keep: how many are kept, 1 at least.
        now: aware UTC; stands in the name.
        progress: told pages that are copied and of how many; may raise to interrupt.

    Raises:
        BackupRefused: the database is on a server, or the folder has the copies of another archive.
        ArchiveDamaged: the database is; the copies that are there stay.
        DiskFull, StorageError: as they say; the copies that are there stay.
    """
    why = cannot(database.dialect)
    if why is not None:
        raise BackupRefused(why)
    folder = folder.resolve()
    path = folder / f"cupola-{now:%Y%m%dT%H%M%SZ}.db"
    part = folder / f".{path.name}.part"
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
    try:
        with closing(take_snapshot(database, part, progress)) as snapshot:
            for older in generations(folder)[-1:]:
                if not is_of(snapshot, older):
                    raise BackupRefused(
                        f"{folder} has copies of another archive, or of a later state of this one (see {older.name});"
                        " choose another folder"
                    )
            posts = snapshot.execute("SELECT count(*) FROM posts").fetchone()[0]
        with disk_faults(path):
            size = part.stat().st_size
            os.replace(part, path)
            sync_folder(folder)
    finally:
        with suppress(OSError):
            _sweep(folder)
    others = [other for other in generations(folder) if other != path]
    going = others[: max(len(others) - (max(keep, 1) - 1), 0)]
    with disk_faults(folder):
        for old in going:
            old.unlink(missing_ok=True)
    kept = len(others) - len(going) + 1
    note(database, Report(path=str(folder), posts=posts, files=kept, bytes=size), now=now)
    return Generation(path=path, bytes=size, posts=posts, kept=kept, removed=len(going))


def cannot(dialect: str) -> str | None:
    """Why no copies can be kept of databases of this dialect, in a sentence; None when they can."""
    if dialect == "sqlite":
        return None
    return "the archive's database is on a server: have the server's own pg_dump copy it"


def _sweep(folder: Path) -> None:
    """Remove what was cut off."""
    for path in folder.iterdir():
        if _UNFINISHED.fullmatch(path.name):
            path.unlink(missing_ok=True)
