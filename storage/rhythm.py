"""How often a source posts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from storage.engine import Database
from storage.schema import PostRecord, rows_of

#: posts that are looked at
_POSTS = 10

_posts = rows_of(PostRecord)


def posting_pace(database: Database, source_id: str, now: datetime) -> timedelta | None:
    """The time between two posts of a source of late, or since its last one where that is longer.

    None when there are no two posts whose date is known.
    """
    query = select(_posts.c.published_at).where(_posts.c.source_id == source_id, _posts.c.published_at <= now)
    with database.read() as connection:
        found: Sequence[datetime] = connection.scalars(query.order_by(_posts.c.published_at.desc()).limit(_POSTS)).all()
    if len(found) < 2:
        return None
    return max((found[0] - found[-1]) / (len(found) - 1), now - found[0])
