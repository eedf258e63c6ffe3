"""What is damaged is asked for again: its state says so, and the next run that meets it takes it anew.

Nothing is lost here. A damaged picture stays where it is until a sound copy has come (``storage.blobs`` then puts
it aside), or until every post that had it shows another one, which its source had in its place; a damaged answer
stays in its file until it has come again (``storage.aside`` then does).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, delete, select, tuple_, update

from scraper.model import MediaState
from storage.aside import put_aside
from storage.blobs import Blobs, relative_path
from storage.damage import Damage
from storage.engine import Database
from storage.errors import BlobMismatch, BlobMissing, StorageError
from storage.schema import AssetRecord, AttachmentRecord, CaptureRecord, PostRecord, ValidatorRecord, rows_of

#: rows that are looked at in one transaction
BATCH = 500

_assets, _attachments = rows_of(AssetRecord), rows_of(AttachmentRecord)
_captures, _posts, _validators = rows_of(CaptureRecord), rows_of(PostRecord), rows_of(ValidatorRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """How many pictures, and pages, are asked for again, and how many damaged records were put aside.

    ``replaced`` are damaged pictures that were put aside, because their posts show other ones by now.
    ``busy`` are the sources whose damaged records were left, because a run is at work on them.
    """

    pictures: int = 0
    pages: int = 0
    aside: int = 0
    replaced: int = 0
    busy: tuple[str, ...] = ()


def ask_again(database: Database, folder: Path, damage: Sequence[Damage], now: datetime) -> Mended:
    """Have what is damaged fetched anew by the next run: pictures are ``failed`` and due, pages have no validators.

    Each file is looked at once more before: a run may have mended it meanwhile. Pictures that their post no
    longer points to are left as they are, for no run would take them. Damaged records whose answer has come again
    since are put aside.

    Args:
        database: of the archive.
        folder: the archive's folder.
        damage: what ``storage.verify`` has found.
        now: aware UTC.

    Raises:
        StorageError: the archive cannot be written to.
    """
    blobs = Blobs(folder)
    pictures = pages = replaced = 0
    done = put_aside(database, folder, [item.file for item in damage if item.file is not None], now)
    for item in damage:
        if item.sha256 is not None:
            asked, is_replaced = _picture(database, blobs, item.sha256)
            pictures, replaced = pictures + asked, replaced + is_replaced
        elif item.file is not None:
            file, offset = done.moved.get((item.file, item.offset or 0), (item.file, item.offset))
            pages += _pages(database, file, offset)
    with database.write() as connection:
        # called stored without a row that says which bytes they are
        unheld = (_attachments.c.state == MediaState.STORED, _attachments.c.sha256.is_(None))
        pictures += _failed(connection, unheld, "nothing said which bytes were held")
    busy = tuple(sorted(done.busy))
    return Mended(pictures=pictures, pages=pages, aside=len(done.records), replaced=replaced, busy=busy)


def ask_for_missing(database: Database, folder: Path, source_id: str) -> int:
    """As ``ask_again`` for the pictures of a source whose file is not there or has another size: no bytes are read.

    Returns:
        How many pictures are asked for again.
    """
    mine = _attachments.c.post_id.in_(select(_posts.c.id).where(_posts.c.source_id == source_id))
    used = select(_attachments.c.sha256).where(mine, _attachments.c.state == MediaState.STORED)
    query = select(_assets.c.sha256, _assets.c.extension, _assets.c.size).where(_assets.c.sha256.in_(used))
    asked, last = 0, ""
    while rows := _read(database, query.where(_assets.c.sha256 > last).order_by(_assets.c.sha256).limit(BATCH)):
        missing = [row.sha256 for row in rows if not _is_there(folder, row)]
        if missing:
            with database.write() as connection:
                there = (_attachments.c.sha256.in_(missing), _attachments.c.state == MediaState.STORED, mine)
                asked += _failed(connection, there, "its file was missing or cut short")
        last = rows[-1].sha256
    return asked


def _picture(database: Database, blobs: Blobs, sha256: str) -> tuple[int, bool]:
    """How many pictures of posts are asked for again, and whether it was put aside, because no post has it."""
    rows = _read(database, select(_assets.c.extension, _assets.c.size).where(_assets.c.sha256 == sha256))
    if not rows or _is_sound(blobs, sha256, rows[0].extension, rows[0].size):
        return 0, False
    mine = _attachments.c.sha256 == sha256
    with database.write() as connection:
        if connection.execute(select(_attachments.c.id).where(mine).limit(1)).first() is None:
            # within the transaction: no run gives it to a post meanwhile
            blobs.put_aside(sha256, rows[0].extension)
            return 0, True
        held = (mine, _attachments.c.state == MediaState.STORED)
        return _failed(connection, held, "its file was damaged"), False


def _is_sound(blobs: Blobs, sha256: str, extension: str, size: int) -> bool:
    try:
        return blobs.verify(sha256, extension) == size
    except (BlobMissing, BlobMismatch, StorageError, ValueError):
        return False


def _failed(connection: Connection, conditions: Iterable[Any], reason: str) -> int:
    due = {"state": MediaState.FAILED, "reason": reason, "attempts": 0, "next_attempt_at": None}
    present = _attachments.c.removed_at.is_(None)
    return connection.execute(update(_attachments).where(*conditions, present).values(due)).rowcount


def _pages(database: Database, file: str, offset: int | None) -> int:
    place = [_captures.c.file == file]
    if offset is not None:
        place.append(_captures.c.offset == offset)
    asked = select(_captures.c.source_id, _captures.c.requested_url).where(*place)
    with database.write() as connection:
        mine = tuple_(_validators.c.source_id, _validators.c.url).in_(asked)
        return connection.execute(delete(_validators).where(mine)).rowcount


def _is_there(folder: Path, row: Any) -> bool:
    try:
        found = (folder / relative_path(row.sha256, row.extension)).stat(follow_symlinks=False).st_size
    except (OSError, ValueError):
        return False
    return bool(found == row.size)


def _read(database: Database, query: Select[Any]) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(query))
