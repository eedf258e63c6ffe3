"""One folder on its way to be a copy of an archive: one state of its database, and every file that this speaks of."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from storage import copies, warcfiles
from storage.blobs import MEDIA, Blobs, relative_path
from storage.damage import Damage, Trouble
from storage.disk import disk_faults
from storage.engine import FILE, Database
from storage.errors import BackupRefused
from storage.snapshot import is_of, take_snapshot

#: says of a folder that it is a backup, and of what
MANIFEST = "backup.json"
#: the folders of an archive whose files may take another's place
BELOW = ("", warcfiles.FOLDER)
_BATCH, _THREADS = 500, min(4, os.cpu_count() or 1)

#: told as it goes on: ``database``, ``media`` or ``warc``, how much is done, of how much
Progress = Callable[[str, int, int], None]


@dataclass(slots=True, kw_only=True)
class Report:
    """What a backup, or what was restored, holds, and what of it is new; ``bytes`` are those of its files.

    ``damage`` is what was missing or damaged in the place that it was taken from.
    """

    path: str
    posts: int = 0
    files: int = 0
    bytes: int = 0
    new_files: int = 0
    new_bytes: int = 0
    linked_files: int = 0
    removed_files: int = 0
    damage: list[Damage] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing was damaged."""
        return not self.damage

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return asdict(self) | {"sound": self.is_sound}


class Filling:
    """One folder on its way to be a copy of another one."""

    def __init__(
        self, database: Database, folder: Path, place: Path, target: Path, link: bool, progress: Progress
    ) -> None:
        self._database, self._folder, self._place = database, folder, place
        self._target, self._link, self._progress = target, link, progress
        self._report = Report(path=str(target))
        self._touched = {place / MEDIA, place / warcfiles.FOLDER}
        self._files = 0

    def as_backup(self, now: datetime) -> Report:
        """Bring the place to the state of the archive, with a manifest."""
        with closing(self._snapshot()) as snapshot:
            if (self._place / FILE).exists() and not is_of(snapshot, self._place / FILE):
                raise BackupRefused(
                    f"{self._target} is a backup of another archive, or has runs that this archive has not;"
                    " choose another folder"
                )
            self._fill(snapshot)
            held = {name: getattr(self._report, name) for name in ("posts", "files", "bytes")}
            said = {"made_at": now.isoformat(), "archive": str(self._folder)} | held
            self._write(self._place / MANIFEST, json.dumps(said, indent=2).encode() + b"\n")
            self._settle(snapshot)
        return self._report

    def as_archive(self) -> Report:
        """Bring the place to the state of the backup."""
        with closing(self._snapshot()) as snapshot:
            self._fill(snapshot)
            self._settle(snapshot)
        return self._report

    def _snapshot(self) -> sqlite3.Connection:
        """One state of the database, whole and on the disk, under its new name."""
        made = take_snapshot(
            self._database,
            copies.new(self._place / FILE),
            lambda done, total: self._progress("database", done, total),
        )
        self._report.posts = made.execute("SELECT count(*) FROM posts").fetchone()[0]
        return made

    def _fill(self, snapshot: sqlite3.Connection) -> None:
        with disk_faults(self._place):
            (self._place / MEDIA).mkdir(exist_ok=True)
            (self._place / warcfiles.FOLDER).mkdir(exist_ok=True)
        self._media(snapshot)
        self._answers(snapshot)

    def _media(self, snapshot: sqlite3.Connection) -> None:
        """Every picture that the snapshot speaks of, several at once; and damaged ones that were put aside."""
        total = snapshot.execute("SELECT count(*) FROM assets").fetchone()[0]
        last = ""
        used = "EXISTS (SELECT 1 FROM attachments WHERE attachments.sha256 = assets.sha256)"
        query = f"SELECT sha256, extension, {used} FROM assets WHERE sha256 > ? ORDER BY sha256 LIMIT ?"  # noqa: S608
        replaced = Blobs(self._folder).aside_of()

        def is_kept(row: tuple[str, str, int]) -> bool:
            """Whether it is not one that was damaged, and put aside because its posts show another one by now."""
            if row[2] or f"{row[0]}.{row[1]}" not in replaced:
                return True
            return (self._folder / relative_path(row[0], row[1])).exists()

        with ThreadPoolExecutor(_THREADS, thread_name_prefix="backup") as pool:
            while rows := snapshot.execute(query, (last, _BATCH)).fetchall():
                for found in pool.map(self._picture, filter(is_kept, rows)):
                    self._count(found)
                    self._progress("media", self._files, total)
                last = rows[-1][0]
        for name in (*Blobs(self._folder).aside(), *warcfiles.aside(self._folder)):
            self._count(self._plain(name))

    def _picture(self, row: tuple[str, str, int]) -> copies.Placed | Damage | int:
        name = relative_path(row[0], row[1])
        source, target = self._folder / name, self._place / name
        if copies.is_current(source, target, link=self._link):
            return target.stat().st_size
        self._make(target.parent)
        try:
            placed = copies.prepare(source, target, link=self._link)
        except FileNotFoundError:
            return Damage(trouble=Trouble.MISSING, what=name, message="the file is not there", sha256=row[0])
        if placed.sha256 == row[0]:
            copies.accept(target)
            return placed
        if target.exists():
            copies.refuse(target)
        else:
            copies.accept(target)
        message = f"its bytes have the hash {placed.sha256}"
        return Damage(trouble=Trouble.MISMATCH, what=name, message=message, sha256=row[0])

    def _answers(self, snapshot: sqlite3.Connection) -> None:
        """The WARC files of every run that the snapshot knows; of a run that was under way what it had written."""
        names = list(self._known(snapshot))
        for number, (name, end) in enumerate(names, 1):
            self._count(self._plain(name, end))
            self._progress("warc", number, len(names))

    def _known(self, snapshot: sqlite3.Connection) -> Iterator[tuple[str, int | None]]:
        held = {path.name for path in (self._folder / warcfiles.FOLDER).glob("*.warc.gz")}
        indexed = {
            row[0].rpartition("/")[2]
            for row in snapshot.execute("SELECT DISTINCT file FROM captures WHERE file IS NOT NULL")
        }
        # what was taken out for good, by a forget that was cut off: the next one removes it
        going = {row[0].rpartition("/")[2] for row in snapshot.execute("SELECT path FROM removals")}
        for name in sorted(held - going | indexed):
            path = f"{warcfiles.FOLDER}/{name}"
            run = snapshot.execute("SELECT status FROM runs WHERE id = ?", (warcfiles.run_of(name),)).fetchone()
            if run is not None and run[0] == "running":
                end = snapshot.execute("SELECT max(offset + length) FROM captures WHERE file = ?", (path,)).fetchone()[
                    0
                ]
                with suppress(FileNotFoundError):
                    whole = warcfiles.end_of_revisits(self._folder / path, end or 0)
                    if whole:
                        yield path, whole
            elif run is not None or name in indexed:
                yield path, None

    def _plain(self, name: str, end: int | None = None) -> copies.Placed | Damage | int:
        """A file that has no hash for a name; it takes the place of an older one only when all is ready."""
        source, target = self._folder / name, self._place / name
        if end is None and copies.is_current(source, target, link=self._link):
            return target.stat().st_size
        self._make(target.parent)
        try:
            placed = copies.prepare(source, target, link=self._link, end=end)
        except FileNotFoundError:
            return Damage(trouble=Trouble.MISSING, what=name, message="the file is not there", file=name)
        copies.accept(target, later=target.exists())
        return placed

    def _write(self, path: Path, data: bytes) -> None:
        with disk_faults(path), copies.new(path).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _make(self, folder: Path) -> None:
        if folder not in self._touched:
            with disk_faults(folder):
                folder.mkdir(parents=True, exist_ok=True)
            self._touched.update((folder, folder.parent))

    def _count(self, found: copies.Placed | Damage | int) -> None:
        self._files += 1
        report = self._report
        if isinstance(found, Damage):
            report.damage.append(found)
            return
        report.files += 1
        report.bytes += found if isinstance(found, int) else found.size
        if isinstance(found, copies.Placed):
            report.new_files += 1
            report.new_bytes += found.size
            report.linked_files += found.linked

    def _settle(self, snapshot: sqlite3.Connection) -> None:
        """Make all of it durable, give the new files their names, and drop what the snapshot does not know."""
        with disk_faults(self._place):
            for folder in sorted(self._touched):
                copies.sync(folder)
        dropped = list(self._dropped(snapshot))
        copies.mark(self._place)
        copies.settle(self._place, BELOW)
        for path in dropped:
            with disk_faults(path):
                path.unlink(missing_ok=True)
            self._report.removed_files += 1

    def _dropped(self, snapshot: sqlite3.Connection) -> Iterator[Path]:
        for blob in Blobs(self._place).walk():
            known = snapshot.execute(
                "SELECT 1 FROM assets WHERE sha256 = ? AND extension = ?", (blob.sha256, blob.extension)
            )
            if known.fetchone() is None:
                yield self._place / relative_path(blob.sha256, blob.extension)
        named = {path.rpartition("/")[2] for path, _ in self._known(snapshot)}
        for path in (self._place / warcfiles.FOLDER).glob("*.warc.gz"):
            if path.name not in named:
                yield path
        kept = {*Blobs(self._folder).aside(), *warcfiles.aside(self._folder)}
        for name in (*Blobs(self._place).aside(), *warcfiles.aside(self._place)):
            if name not in kept:
                yield self._place / name
