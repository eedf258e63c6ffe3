"""Damaged records of WARC files are put aside once their answer is held sound elsewhere; their file is written anew.

The record's bytes go into ``warc/.damaged/``, named by their file and place, and nothing of them is deleted. The
index follows in one transaction: what stays moves to the new file; an answer that was damaged and has come again with
other bytes keeps its row (when, what, which hash) without a place. Killed between two steps, what was is still there
or what will be is, and ``storage.removals`` says which file is left over.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, select, update

from storage import answers, leases, removals, warcfiles
from storage.disk import disk_faults
from storage.durable import sync_folder
from storage.engine import Database
from storage.errors import SourceBusy
from storage.redaction import Cut, rewrite
from storage.schema import CaptureRecord, RunRecord, rows_of
from storage.states import RunStatus

_captures, _runs = rows_of(CaptureRecord), rows_of(RunRecord)

Place = tuple[str, int]
#: told before each step, by name; who raises there stops between two steps
Step = Callable[[str], None]


@dataclass(slots=True)
class Aside:
    """What was done: paths of the records that were put aside, and where the answers beside them lie from now on.

    ``busy`` are the sources whose files were left as they are, because a run is at work on them.
    """

    records: list[str] = field(default_factory=list)
    moved: dict[Place, Place] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What becomes of one file: the ranges of bytes that go, and the places of answers that have no bytes any more."""

    going: list[tuple[int, int]]
    lost: list[int]
    kept: list[tuple[int, int]]


def put_aside(
    database: Database,
    folder: Path,
    files: Iterable[str],
    now: datetime,
    *,
    step: Step = lambda name: None,
) -> Aside:
    """Put the damaged records of these files aside, as far as their answers are held sound elsewhere.

    A damaged answer that has not come again stays where it is. Requests and revisit records, which nobody reads
    back, go as soon as they are damaged.

    Args:
        database: of the archive.
        folder: the archive's folder.
        files: paths of WARC files within the archive, there or not.
        now: aware UTC.
        step: told before each step.

    Raises:
        StorageError: the archive cannot be written to; the same call again completes it.
    """
    done = Aside()
    removals.complete(database, folder)
    for name in dict.fromkeys(files):
        with database.read() as connection:
            run_id = warcfiles.run_of(Path(name).name)
            run = connection.execute(select(_runs.c.source_id, _runs.c.status).where(_runs.c.id == run_id)).first()
            if run is None:
                continue
            try:
                leases.ensure_free(connection, run.source_id, now)
            except SourceBusy:
                done.busy.add(run.source_id)
                continue
            # what a run has left that was killed is put in order by the next run, and not before
            if run.status is RunStatus.RUNNING:
                continue
            plan = _plan(connection, folder, name)
        if plan.going or plan.lost:
            _carry_out(database, folder, name, run.source_id, plan, done, now, step)
    step("remove the old files")
    removals.complete(database, folder)
    return done


def _plan(connection: Connection, folder: Path, name: str) -> _Plan:
    query = select(_captures).where(_captures.c.file == name).order_by(_captures.c.offset, _captures.c.id)
    # of several rows for one answer the last: whatever came after it came after all of them
    rows = {row["offset"]: row for row in connection.execute(query).mappings()}
    lost = [
        offset
        for offset, row in rows.items()
        if answers.read(folder, row) is None and _has_come_again(connection, folder, row)
    ]
    path = folder / name
    if not path.exists():
        return _Plan([], lost, [])
    with disk_faults(path), path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        going = _going(file, size, rows, frozenset(lost))
    edges = sorted({0, size, *(place for pair in going for place in pair), *(at for at in rows if at < size)})
    gone = {start for start, _ in going}
    kept = [(start, end - start) for start, end in pairwise(edges) if start not in gone]
    return _Plan(going, lost, kept)


def _going(file: BinaryIO, size: int, rows: Mapping[int, Any], lost: frozenset[int]) -> list[tuple[int, int]]:
    """The ranges of bytes that go, in order."""
    going: list[tuple[int, int]] = []
    at = 0
    for offset, row in rows.items():
        going += [(gap.offset, gap.offset + gap.length) for gap in warcfiles.gaps(file, at, min(offset, size))]
        at = max(at, offset + row["length"])
        if offset in lost and offset < size:
            going.append((offset, min(at, size)))
    return going + [(gap.offset, gap.offset + gap.length) for gap in warcfiles.gaps(file, at, size)]


def _has_come_again(connection: Connection, folder: Path, row: Mapping[Any, Any]) -> bool:
    """Whether the same address has given a later answer that is held sound."""
    later = select(_captures).where(
        _captures.c.source_id == row["source_id"],
        _captures.c.requested_url == row["requested_url"],
        _captures.c.status == row["status"],
        _captures.c.id > row["id"],
        _captures.c.file.is_not(None),
    )
    found = connection.execute(later.order_by(_captures.c.id.desc())).mappings()
    return any(answers.read(folder, other) is not None for other in found)


def _carry_out(
    database: Database, folder: Path, name: str, source_id: str, plan: _Plan, done: Aside, now: datetime, step: Step
) -> None:
    step("copy the records")
    records = [_copy_aside(folder, name, start, end) for start, end in plan.going]
    moved: dict[Place, Place] = {}
    targets: list[str] = []
    if plan.going and plan.kept:
        target = warcfiles.beside(folder, name)
        targets = [target]
        step("note the new file")
        with database.write() as connection:
            # until rows point to it, it is to be removed, should this be the end of it
            removals.listed(connection, targets)
        step("write the new file")
        with disk_faults(folder / target):
            cut = Cut(kept=tuple(plan.kept), answers=frozenset(plan.lost), is_whole=False)
            places = rewrite(folder / name, folder / target, cut)
            sync_folder(folder / warcfiles.FOLDER)
        moved = {(name, old): (target, new) for old, new in places.items()}
    step("move the rows")
    with database.write() as connection:
        try:
            leases.ensure_free(connection, source_id, now)
        except SourceBusy:
            # nothing has changed; the new file goes when all is done
            done.busy.add(source_id)
            return
        for offset in plan.lost:
            there = (_captures.c.file == name, _captures.c.offset == offset)
            connection.execute(update(_captures).where(*there).values(file=None, offset=None, length=None))
        for (file, offset), (new_file, new_offset) in moved.items():
            there = (_captures.c.file == file, _captures.c.offset == offset)
            connection.execute(update(_captures).where(*there).values(file=new_file, offset=new_offset))
        removals.unlisted(connection, targets)
        if plan.going:
            removals.listed(connection, [name])
    done.records += records
    done.moved |= moved


def _copy_aside(folder: Path, name: str, start: int, end: int) -> str:
    """Write a range of a file into ``warc/.damaged``, on the disk to its last byte; its path within the archive."""
    aside = folder / warcfiles.FOLDER / warcfiles.ASIDE
    path = folder / name
    with disk_faults(aside), path.open("rb") as file:
        if not aside.is_dir():
            aside.mkdir()
            sync_folder(aside.parent)
        # a damaged record is as long as it should have been, or reaches to the next one
        file.seek(start)
        data = file.read(end - start)
        # by its hash, too: the same call again after a kill makes the same file, and no other takes its name
        target = aside / f"{path.name}.{start}.{hashlib.sha256(data).hexdigest()[:8]}"
        part = target.with_name(target.name + ".part")
        with part.open("wb") as copy:
            copy.write(data)
            copy.flush()
            os.fsync(copy.fileno())
        os.replace(part, target)
        sync_folder(aside)
    return f"{warcfiles.FOLDER}/{warcfiles.ASIDE}/{target.name}"
