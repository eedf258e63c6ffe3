"""What is wanted and what became of it: the states of attachments, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, ScalarSelect, Select, bindparam, func, insert, or_, select, text, update

from scraper.capture import Access
from scraper.model import Asset, Attachment, MediaResult, MediaState
from storage import fingerprints
from storage.dialects import upsert
from storage.rows import attachment_of
from storage.schema import AssetRecord, AttachmentRecord, CaptureRecord, FailureRecord, PostRecord, rows_of
from storage.states import Stage

FIRST_PAUSE = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(days=7)

_attachments, _posts = rows_of(AttachmentRecord), rows_of(PostRecord)
_assets, _captures, _failures = rows_of(AssetRecord), rows_of(CaptureRecord), rows_of(FailureRecord)

_MISSING = (MediaState.PENDING, MediaState.FAILED, MediaState.GONE)

# in these very words, so that SQLite sees that the partial index serves
_UNDECIDED = text("attachments.state IN ('pending', 'failed')")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An attachment that is to be taken; ``key`` is its post's, ``attempts`` have failed so far."""

    attachment_id: int
    key: str
    attachment: Attachment
    attempts: int


def pause_after(attempts: int) -> timedelta:
    """How long a failed attachment rests: 15 minutes after the first try, twice that each time, a week at most."""
    doublings = min(max(attempts - 1, 0), 20)  # more would overflow, and the week is reached by then
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def wanted(
    connection: Connection, source_id: str, now: datetime, *, limit: int, after_id: int, due_only: bool
) -> list[Wanted]:
    """See ``Archive.wanted``."""
    query = _undecided(source_id, select(_attachments, _of_post("native_id").label("of_post")))
    query = query.where(_attachments.c.id > after_id, _attachments.c.url.is_not(None))
    if due_only:
        rest = _attachments.c.next_attempt_at
        query = query.where(or_(rest.is_(None), rest <= now))
    rows = connection.execute(query.order_by(_attachments.c.id).limit(limit)).mappings()
    return [_wanted(source_id, row) for row in rows]


def _wanted(source_id: str, row: Mapping[Any, Any]) -> Wanted:
    return Wanted(
        attachment_id=row["id"],
        key=f"{source_id}:{row['of_post']}",
        attachment=attachment_of(row),
        attempts=row["attempts"],
    )


def unheld(connection: Connection, source_id: str, native_ids: Sequence[str]) -> list[Wanted]:
    """See ``Archive.unheld``."""
    query = (
        select(_attachments, _posts.c.native_id.label("of_post"))
        .join(_posts, _posts.c.id == _attachments.c.post_id)
        .where(_posts.c.source_id == source_id, _posts.c.native_id.in_(native_ids))
        .where(_attachments.c.removed_at.is_(None), _attachments.c.state.in_(_MISSING))
    )
    return [_wanted(source_id, row) for row in connection.execute(query.order_by(_attachments.c.id)).mappings()]


def last(connection: Connection) -> int:
    """See ``Archive.last_attachment``."""
    return connection.scalar(select(func.max(_attachments.c.id))) or 0


def pending(connection: Connection, source_id: str) -> int:
    """How many attachments of a source are wanted and not tried yet."""
    query = _undecided(source_id, select(func.count())).where(_attachments.c.state == MediaState.PENDING)
    return connection.scalar(query) or 0


def reconsider(connection: Connection, source_id: str, again: Callable[[str], bool]) -> int:
    """See ``Archive.reconsider``."""
    mine = (
        _attachments.c.state == MediaState.SKIPPED,
        _attachments.c.removed_at.is_(None),
        _of_post("source_id") == source_id,
    )
    reasons = connection.scalars(
        select(_attachments.c.reason).where(*mine, _attachments.c.reason.is_not(None)).distinct()
    )
    wanted = {"state": MediaState.PENDING, "reason": None, "attempts": 0, "next_attempt_at": None}
    return sum(
        connection.execute(update(_attachments).where(*mine, _attachments.c.reason == reason).values(wanted)).rowcount
        for reason in list(reasons)
        if again(reason)
    )


def by_state(connection: Connection, source_id: str) -> dict[MediaState, int]:
    """How many attachments of a source are in each state; those edited away are not counted."""
    query = (
        select(_attachments.c.state, func.count())
        .join(_posts, _posts.c.id == _attachments.c.post_id)
        .where(_posts.c.source_id == source_id, _attachments.c.removed_at.is_(None))
        .group_by(_attachments.c.state)
    )
    return {state: count for state, count in connection.execute(query)}  # noqa: C416 - rows are no pairs to mypy


def record_results(
    connection: Connection, run_id: int, results: Sequence[tuple[int, MediaResult]], now: datetime
) -> None:
    """See ``Archive.record_media``; a result that is pending changes nothing."""
    tried = {number: result for number, result in results if result.state is not MediaState.PENDING}
    if not tried:
        return
    query = (
        select(_attachments.c.id, _attachments.c.attempts, _attachments.c.url, _posts.c.source_id, _posts.c.native_id)
        .join(_posts, _posts.c.id == _attachments.c.post_id)
        .where(_attachments.c.id.in_(list(tried)))
    )
    held = {row["id"]: row for row in connection.execute(query).mappings()}
    assets = [_asset_row(result.asset, now) for result in tried.values() if result.asset is not None]
    if assets:
        connection.execute(upsert(connection, _assets).on_conflict_do_nothing(index_elements=["sha256"]), assets)
        looks = ((result.asset, result.fingerprint) for result in tried.values())
        fingerprints.put(
            connection, {asset.sha256: look for asset, look in looks if asset is not None and look is not None}
        )
    answers = _index(connection, run_id, {number: tried[number] for number in held}, held)
    failed = [
        _failure_row(run_id, held[number], tried[number], now, answers.get(number))
        for number in held
        if tried[number].state in (MediaState.FAILED, MediaState.GONE)
    ]
    if failed:
        connection.execute(insert(_failures), failed)
    stored, others = [], []
    for number, row in held.items():
        result = tried[number]
        outcome = {"row_id": number, "state": result.state, "reason": result.reason, "attempts": row["attempts"] + 1}
        outcome |= {"next_attempt_at": _next(result, row["attempts"] + 1, now), "capture_id": answers.get(number)}
        if result.asset is None:
            others.append(outcome)
        else:
            stored.append(outcome | {"sha256": result.asset.sha256, "fetched_url": result.url})
    for outcomes in (stored, others):
        if outcomes:
            connection.execute(update(_attachments).where(_attachments.c.id == bindparam("row_id")), outcomes)


def _of_post(name: str) -> ScalarSelect[Any]:
    # not a join: SQLite would then go through all posts of the source to find the few that miss something
    return select(_posts.c[name]).where(_posts.c.id == _attachments.c.post_id).scalar_subquery()


def _undecided(source_id: str, query: Select[Any]) -> Select[Any]:
    mine = (_of_post("source_id") == source_id, _attachments.c.removed_at.is_(None))
    return query.select_from(_attachments).where(_UNDECIDED, *mine)


def _next(result: MediaResult, attempts: int, now: datetime) -> datetime | None:
    if result.state is not MediaState.FAILED:
        return None
    due = now + pause_after(attempts)
    return due if result.not_before is None else max(due, min(result.not_before, now + LONGEST_PAUSE))


def _asset_row(asset: Asset, now: datetime) -> dict[str, Any]:
    return {
        "sha256": asset.sha256,
        "media_type": asset.media_type,
        "extension": asset.extension,
        "size": asset.size,
        "width": asset.width,
        "height": asset.height,
        "exif": asset.exif,
        "first_seen_at": now,
    }


def _index(
    connection: Connection, run_id: int, tried: Mapping[int, MediaResult], held: Mapping[int, Mapping[Any, Any]]
) -> dict[int, int]:
    """Rows of the capture index for those that were answered; a picture's bytes live in ``media/`` alone."""
    answered = {
        number: {
            "run_id": run_id,
            "source_id": held[number]["source_id"],
            "requested_url": held[number]["url"] or result.url,
            "url": result.url or held[number]["url"],
            "access": Access.PAGE,
            "status": result.status,
            "headers": result.headers,
            "fetched_at": result.fetched_at,
            "sha256": result.asset.sha256 if result.asset else None,
            "size": result.asset.size if result.asset else None,
        }
        for number, result in tried.items()
        if result.status is not None and result.fetched_at is not None
    }
    if not answered:
        return {}
    statement = insert(_captures).returning(_captures.c.id, sort_by_parameter_order=True)
    return dict(zip(answered, connection.execute(statement, list(answered.values())).scalars(), strict=True))


def _failure_row(
    run_id: int, held: Mapping[Any, Any], result: MediaResult, now: datetime, capture_id: int | None
) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "source_id": held["source_id"],
        "at": now,
        "stage": Stage.MEDIA,
        "error": result.state.value,
        "message": result.reason,
        "url": result.url or held["url"],
        "key": f"{held['source_id']}:{held['native_id']}",
        "capture_id": capture_id,
        "evidence": () if result.status is None else (("status", str(result.status)),),
    }
