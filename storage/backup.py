"""A copy of a whole archive that is an archive itself: made while the archive is in use, whole at every moment.

First comes one state of the database (SQLite's online backup), then every file that this state speaks of: a file is
always there before its row. A backup that is renewed takes what is new and drops what the archive no longer has.
"""

from __future__ import annotations

import fcntl
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from storage import copies
from storage.dialects import upsert
from storage.disk import disk_faults
from storage.durable import sync_folder
from storage.engine import Database
from storage.errors import BackupRefused, StorageError
from storage.filling import BELOW, MANIFEST, Filling, Progress, Report
from storage.schema import BackupRecord, rows_of

__all__ = ["MANIFEST", "Progress", "Report", "back_up", "note", "restore", "settle"]

_backups = rows_of(BackupRecord)


def back_up(
    database: Database,
    folder: Path,
    target: Path,
    *,
    link: bool = True,
    now: datetime,
    progress: Progress = lambda what, done, total: None,
) -> Report:
    """Make or renew a backup of the archive in ``folder``.

    Args:
        database: the archive's; it may be in use.
        folder: the archive's folder.
        target: a folder that is not there, or an earlier backup of this archive.
        link: whether files may be hard links to the archive's, where both are on one file system: no room is taken,
            and a broken disk breaks both.
        now: aware UTC.
        progress: told every so often; may raise to interrupt, and the next call goes on from there.

    Raises:
        BackupRefused: the target is something else, or the backup of another archive.
        ArchiveDamaged: the database is; what was there before stays as it was.
        DiskFull, StorageError: as they say; what was there before stays as it was.
    """
    if database.dialect != "sqlite":
        message = (
            f"the archive in {database} is on a server: dump it with the server's own tools, and copy media/ and warc/"
        )
        raise BackupRefused(message)
    folder, target = folder.resolve(), target.resolve()
    if folder.is_relative_to(target) or target.is_relative_to(folder):
        raise BackupRefused(f"{target} and the archive {folder} lie in one another; choose a folder of its own")
    _refuse_foreign(target)
    with _growing(target) as place:
        copies.settle(place, BELOW)
        return Filling(database, folder, place, target, link, progress).as_backup(now)


def restore(
    database: Database, folder: Path, target: Path, *, progress: Progress = lambda what, done, total: None
) -> Report:
    """Copy the backup in ``folder`` to where an archive is to be; nothing is linked.

    Args:
        database: the backup's.
        folder: the backup's folder, verified before.
        target: a folder that is not there, or is empty.
        progress: as for ``back_up``.

    Raises:
        BackupRefused: there is something in the target.
        DiskFull, StorageError: as they say; then nothing is there.
    """
    folder, target = folder.resolve(), target.resolve()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupRefused(f"{target} is not empty, and nothing is ever overwritten; choose another folder")
    if folder.is_relative_to(target) or target.is_relative_to(folder):
        raise BackupRefused(f"{target} and the backup {folder} lie in one another; choose a folder of its own")
    with _growing(target) as place:
        copies.settle(place, BELOW)
        return Filling(database, folder, place, target, False, progress).as_archive()


def note(database: Database, report: Report, *, now: datetime) -> None:
    """Keep in mind that a backup was made: it goes on holding what the archive may forget.

    Raises:
        StorageError: the archive cannot be written to.
    """
    held = {
        "host": platform.node(),
        "made_at": now,
        "posts": report.posts,
        "files": report.files,
        "bytes": report.bytes,
    }
    with database.write() as connection:
        row = upsert(connection, _backups).values(path=report.path, **held)
        connection.execute(row.on_conflict_do_update(index_elements=["path"], set_=held))


def settle(folder: Path) -> None:
    """Finish what a killed ``back_up`` had begun to give its names, if it had.

    Raises:
        StorageError: it cannot be written to.
    """
    if copies.is_unsettled(folder):
        copies.settle(folder, BELOW)


@contextmanager
def _growing(target: Path) -> Iterator[Path]:
    """Where the copy is made: the target itself if it is there, else a folder beside it that becomes it at the end."""
    is_new = not (target.is_dir() and any(target.iterdir()))
    place = target.with_name(f".{target.name}.part") if is_new else target
    with disk_faults(place):
        place.mkdir(parents=True, exist_ok=True)
        lock = os.open(place / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupRefused(f"{target} is being written by another process; wait until it is done") from error
        try:
            yield place
        except StorageError:
            # what was begun would keep a full disk full
            with suppress(StorageError):
                copies.remove_tree(place) if is_new else copies.settle(place, BELOW)
            raise
        with disk_faults(target):
            (place / ".lock").unlink(missing_ok=True)
            if is_new:
                os.rename(place, target)
                sync_folder(target.parent)
    finally:
        os.close(lock)


def _refuse_foreign(target: Path) -> None:
    """Nothing, or BackupRefused: there is something that is no backup."""
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not (target / MANIFEST).is_file())):
        raise BackupRefused(f"{target} is there and is no earlier backup; choose a folder that is not there")
