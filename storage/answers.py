"""Reads the WARC files of an archive from their first byte to their last and compares them with the index."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import func, select

from storage import warc, warcfiles
from storage.damage import Damage, Share, Trouble
from storage.engine import Database
from storage.views import captures, removals, runs

_PLACE = (captures.c.offset, captures.c.length, captures.c.sha256, captures.c.size)
_BATCH = 500


def files(database: Database, folder: Path, share: Share) -> Iterator[tuple[str, bool]]:
    """Every WARC file of a part of the archive, by its path within it, and whether it belongs to it.

    A file belongs to the archive if an index row or the journal of runs knows it; not one that is to be removed, be
    it whole or not: what was taken out for good, or was half written for that when somebody was cut off.
    """
    held = {name for name in _listed(folder) if share.holds(name)}
    last = ""
    while True:
        query = select(captures.c.file).where(captures.c.file > last).distinct()
        with database.read() as connection:
            indexed = list(connection.scalars(query.order_by(captures.c.file).limit(_BATCH)))
        for name in indexed:
            if share.holds(name):
                held.discard(name)
                yield name, True
        if not indexed:
            break
        last = indexed[-1]
    for name in sorted(held):
        run_id = warcfiles.run_of(Path(name).name)
        with database.read() as connection:
            known = connection.scalar(select(runs.c.id).where(runs.c.id == run_id)) is not None
            going = connection.scalar(select(removals.c.path).where(removals.c.path == name)) is not None
        yield name, known and not going


def read(folder: Path, row: Mapping[Any, Any]) -> warc.Answer | None:
    """The record that a row of the index points to; None when it is not there or holds other bytes."""
    try:
        with (folder / row["file"]).open("rb") as file:
            file.seek(row["offset"])
            answer = warc.answer_of(file.read(row["length"]))
    except (OSError, ValueError):
        return None
    return answer if _is_of(answer.body, row["size"], row["sha256"]) else None


def check(database: Database, folder: Path, name: str) -> Iterator[int | Damage]:
    """Read one file whole: every answer of the index against its row, all else against its checksums.

    What a run that is under way, or was killed, has written behind its last indexed record is left alone: it
    is put in order by the next run.

    Returns:
        Numbers of rows as they are dealt with, and what is wrong.
    """
    try:
        file = (folder / name).open("rb")
    except FileNotFoundError:
        yield Damage(
            trouble=Trouble.MISSING, what=name, message="the file with recorded answers is not there", file=name
        )
        yield _rows_of(database, name)
        return
    except OSError as error:
        yield Damage(trouble=Trouble.UNREADABLE, what=name, message=str(error), file=name)
        yield _rows_of(database, name)
        return
    with file, database.read() as connection:
        columns = (*_PLACE, func.min(captures.c.url).label("url"), func.count().label("rows"))
        query = select(*columns).where(captures.c.file == name).group_by(*_PLACE).order_by(*_PLACE)
        at = 0
        for row in connection.execute(query, execution_options={"yield_per": _BATCH}):
            if row.offset is not None:
                yield from _between(file, name, at, row.offset)
            yield from _answer(file, name, row)
            yield row.rows
            at = max(at, (row.offset or 0) + (row.length or 0))
        status = connection.scalar(select(runs.c.status).where(runs.c.id == warcfiles.run_of(Path(name).name)))
        if status != "running":
            yield from _between(file, name, at, os.fstat(file.fileno()).st_size)


def _answer(file: BinaryIO, name: str, row: Any) -> Iterator[Damage]:
    what = f"{name} at byte {row.offset}"
    place = {"what": what, "file": name, "offset": row.offset}
    try:
        file.seek(row.offset)
        body = warc.body_of(file.read(row.length))
    except (OSError, ValueError, TypeError) as error:
        yield Damage(
            trouble=Trouble.UNREADABLE, message=f"the answer of {row.url} cannot be read back: {error}", **place
        )
        return
    if not _is_of(body, row.size, row.sha256):
        message = f"the answer of {row.url} is cut short, or is not the one that was recorded"
        yield Damage(trouble=Trouble.MISMATCH, message=message, **place)


def _is_of(body: bytes, size: int, sha256: str) -> bool:
    return len(body) == size and hashlib.sha256(body).hexdigest() == sha256


def _between(file: BinaryIO, name: str, start: int, end: int) -> Iterator[Damage]:
    """The records that have no row: heads of files, requests, revisits."""
    at, told = start, "what was asked, or came again, cannot be read back"
    try:
        for gap in warcfiles.gaps(file, start, end):
            at, what = gap.offset, f"{name} at byte {gap.offset}"
            message = f"{told}: {gap.why}"
            yield Damage(trouble=Trouble.UNREADABLE, what=what, message=message, file=name, offset=at)
    except OSError as error:
        message = f"{told}: {error}"
        yield Damage(trouble=Trouble.UNREADABLE, what=f"{name} at byte {at}", message=message, file=name, offset=at)


def _rows_of(database: Database, name: str) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).where(captures.c.file == name)).scalar_one()


def _listed(folder: Path) -> Iterator[str]:
    try:
        for entry in os.scandir(folder / warcfiles.FOLDER):
            if entry.is_file(follow_symlinks=False):
                yield f"{warcfiles.FOLDER}/{entry.name}"
    except FileNotFoundError:
        return
