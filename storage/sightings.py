"""Which posts were seen at their source and when, which are gone and which are back; inside the caller's transaction.

Nobody is told to be gone by a page that failed. A run that read a whole listing says what it has looked
through: a time between two dates, or pages. A post in there that it did not see is missed; only when an earlier
whole look, later than the last sighting, missed it too, is it gone. Only looks of one scope are compared: a source
that was configured otherwise meanwhile may leave posts out for that reason alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, insert, or_, select, update

from storage.dialects import upsert
from storage.portions import portions
from storage.schema import (
    AbsenceRecord,
    CaptureRecord,
    LookRecord,
    PostRecord,
    RunRecord,
    SightingRecord,
    rows_of,
)

_posts, _runs, _captures = rows_of(PostRecord), rows_of(RunRecord), rows_of(CaptureRecord)
_sightings, _looks, _absences = rows_of(SightingRecord), rows_of(LookRecord), rows_of(AbsenceRecord)
# made once: each is a table of its own, with hundreds of objects that hold each other
_last, _of_look = _runs.alias("last"), _runs.alias("of_look")


def record_sightings(
    connection: Connection, run_id: int, post_ids: Sequence[int], returned: Collection[int], now: datetime
) -> None:
    """Note that this run saw these posts at their source.

    Args:
        connection: a write transaction.
        run_id: the run.
        post_ids: posts whose last sighting is not this run's.
        returned: those that were gone.
        now: aware UTC.
    """
    if post_ids:
        rows = [{"post_id": post_id, "run_id": run_id} for post_id in post_ids]
        seen = upsert(connection, _sightings).on_conflict_do_update(index_elements=["post_id"], set_={"run_id": run_id})
        connection.execute(seen, rows)
    if returned:
        connection.execute(update(_posts).where(_posts.c.id.in_(returned)).values(gone_at=None, back_at=now))
        ended = update(_absences).where(_absences.c.post_id.in_(returned), _absences.c.back_at.is_(None))
        connection.execute(ended.values(back_at=now))


def saw(connection: Connection, run_id: int, native_ids: Sequence[str], now: datetime) -> None:
    """Note that this run saw these posts of its source though it does not record them; some may not be held."""
    source_id, _ = _run(connection, run_id)
    for some in portions(native_ids):
        query = (
            select(_posts.c.id, _posts.c.gone_at)
            .outerjoin(_sightings, _sightings.c.post_id == _posts.c.id)
            .where(_posts.c.source_id == source_id, _posts.c.native_id.in_(some))
            .where(_sightings.c.run_id.is_distinct_from(run_id))
        )
        found = connection.execute(query).all()
        returned = [row.id for row in found if row.gone_at is not None]
        record_sightings(connection, run_id, [row.id for row in found], returned, now)


def looked_between(
    connection: Connection, run_id: int, since: datetime | None, until: datetime | None, now: datetime
) -> int:
    """Note that the run read all that its source dates from ``since`` to ``until``; how many posts are gone by that."""
    source_id, scope = _run(connection, run_id)
    at = _posts.c.stated_at
    covered: list[ColumnElement[bool]] = [at.is_not(None)]
    if since is not None:
        covered.append(at >= since)
    if until is not None:
        covered.append(at <= until)
    earlier = and_(
        _looks.c.url.is_(None),
        or_(_looks.c.since.is_(None), _looks.c.since <= at),
        or_(_looks.c.until.is_(None), _looks.c.until >= at),
    )
    missed = _missed(source_id, run_id, scope, earlier).where(*covered)
    gone = _mark(connection, run_id, missed, now)
    connection.execute(insert(_looks).values(run_id=run_id, source_id=source_id, since=since, until=until))
    return gone


def looked_at_pages(connection: Connection, run_id: int, urls: Sequence[str], now: datetime) -> int:
    """Note that the run read all of these pages; how many posts that stood on them are gone by that."""
    source_id, scope = _run(connection, run_id)
    gone = 0
    for some in portions(urls):
        missed = (
            _missed(source_id, run_id, scope, _looks.c.url == _captures.c.requested_url)
            .join(_captures, _captures.c.id == _posts.c.capture_id)
            .where(_captures.c.requested_url.in_(some))
        )
        gone += _mark(connection, run_id, missed, now)
        # of the looks at one page the last is all that is asked for
        connection.execute(delete(_looks).where(_looks.c.source_id == source_id, _looks.c.url.in_(some)))
        connection.execute(insert(_looks), [{"run_id": run_id, "source_id": source_id, "url": url} for url in some])
    return gone


def _run(connection: Connection, run_id: int) -> tuple[str, str | None]:
    row = connection.execute(select(_runs.c.source_id, _runs.c.scope).where(_runs.c.id == run_id)).one()
    return row.source_id, row.scope


def _missed(source_id: str, run_id: int, scope: str | None, earlier: Any) -> Select[tuple[int]]:
    """Posts of the source that are not gone, that this run did not see and that an ``earlier`` look missed too."""
    missed_before = exists().where(
        _looks.c.source_id == source_id,
        _looks.c.run_id > _sightings.c.run_id,
        _looks.c.run_id < run_id,
        _of_look.c.id == _looks.c.run_id,
        _of_look.c.scope == scope,
        earlier,
    )
    return (
        select(_posts.c.id)
        .join(_sightings, _sightings.c.post_id == _posts.c.id)
        .join(_last, _last.c.id == _sightings.c.run_id)
        .where(_posts.c.source_id == source_id, _posts.c.gone_at.is_(None), _sightings.c.run_id < run_id)
        .where(_last.c.scope == scope, missed_before)
    )


def _mark(connection: Connection, run_id: int, missed: Select[tuple[int]], now: datetime) -> int:
    gone = list(connection.scalars(missed))
    for some in portions(gone):
        connection.execute(update(_posts).where(_posts.c.id.in_(some)).values(gone_at=now))
        connection.execute(
            insert(_absences), [{"post_id": post_id, "gone_at": now, "run_id": run_id} for post_id in some]
        )
    return len(gone)
