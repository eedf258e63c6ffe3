"""What is held of answers that come in again, or late: the same one, and posts whose state is of a later one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from storage.columns import safe
from storage.engine import Database
from storage.schema import CaptureRecord, PostRecord, rows_of

_captures, _posts = rows_of(CaptureRecord), rows_of(PostRecord)


def held_already(database: Database, source_id: str, url: str, sha256: str, at: datetime) -> int | None:
    """The index row of the very answer: to the same address, of the same bytes, given at the same time (aware, UTC)."""
    same = (
        _captures.c.source_id == source_id,
        _captures.c.requested_url == url,
        _captures.c.sha256 == sha256,
        _captures.c.fetched_at == at,
    )
    with database.read() as connection:
        found: int | None = connection.scalar(select(func.min(_captures.c.id)).where(*same))
    return found


def of_later(database: Database, source_id: str, native_ids: Sequence[str], at: datetime) -> set[str]:
    """Those posts whose present state is of an answer later than ``at`` (aware, UTC)."""
    wanted = {safe(native_id): native_id for native_id in native_ids}
    query = (
        select(_posts.c.native_id)
        .join(_captures, _captures.c.id == _posts.c.capture_id)
        .where(_posts.c.source_id == source_id, _posts.c.native_id.in_(list(wanted)), _captures.c.fetched_at > at)
    )
    with database.read() as connection:
        return {wanted[native_id] for native_id in connection.scalars(query)}
