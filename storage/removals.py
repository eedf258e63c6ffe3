"""Files that are to be removed: noted in the database before they must go, until they are gone.

Whoever writes a file anew notes the new one first, then, with the rows that point to it, the old one in its place:
killed at any moment, what is noted and what nothing points to is what is left over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy import Connection, delete, select

from storage.blobs import relative_path
from storage.dialects import upsert
from storage.disk import disk_faults
from storage.durable import sync_folder
from storage.engine import Database
from storage.portions import portions
from storage.schema import AssetRecord, CaptureRecord, RemovalRecord, rows_of

_assets, _captures, _removals = rows_of(AssetRecord), rows_of(CaptureRecord), rows_of(RemovalRecord)


def listed(connection: Connection, paths: Iterable[str]) -> None:
    """Note files, by their paths within the archive, that have to go."""
    rows = [{"path": path} for path in paths]
    if rows:
        note = upsert(connection, _removals).on_conflict_do_nothing(index_elements=["path"])
        connection.execute(note, rows)


def unlisted(connection: Connection, paths: Sequence[str]) -> None:
    """Forget that files had to go."""
    for some in portions(paths):
        connection.execute(delete(_removals).where(_removals.c.path.in_(some)))


def complete(database: Database, folder: Path) -> None:
    """Remove every file that has to go and that nothing has pointed to since.

    Raises:
        StorageError: the archive cannot be written to; what is left is done the next time.
    """
    with database.write() as connection:
        paths = _to_remove(connection)
        # nobody can record anew what is removed here: that takes the same lock
        for path in paths:
            _remove(folder / path)
        unlisted(connection, paths)


def _to_remove(connection: Connection) -> list[str]:
    """The files that have to go: those of them that something has pointed to since are no longer listed."""
    paths = list(connection.scalars(select(_removals.c.path).order_by(_removals.c.path)))
    needed: set[str] = set()
    for some in portions(paths):
        needed |= set(connection.scalars(select(_captures.c.file).where(_captures.c.file.in_(some)).distinct()))
        names = [path.rpartition("/")[2].partition(".")[0] for path in some]
        held = select(_assets.c.sha256, _assets.c.extension).where(_assets.c.sha256.in_(names))
        needed |= {relative_path(row.sha256, row.extension) for row in connection.execute(held)}
    unlisted(connection, sorted(needed))
    return [path for path in paths if path not in needed]


def _remove(place: Path) -> None:
    with disk_faults(place):
        place.unlink(missing_ok=True)
        if place.parent.is_dir():
            sync_folder(place.parent)
