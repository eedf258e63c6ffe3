"""What a source's own history tells of a post: the states that no visit saw, each a revision, and none told twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, or_, select

from storage.changes import Change, Decision, Entry
from storage.columns import safe
from storage.dialects import insert_all
from storage.engine import Database
from storage.leases import ensure_running
from storage.revisions import Why, load_revisions, revision_row
from storage.rows import attachment_row, post_row, segment_rows
from storage.schema import AttachmentRecord, PostRecord, RevisionRecord, ValidatorRecord, rows_of

_posts, _revisions = rows_of(PostRecord), rows_of(RevisionRecord)
_attachments, _validators = rows_of(AttachmentRecord), rows_of(ValidatorRecord)

# of a medium that was never asked for
_NOT_HELD = {"state": "skipped", "sha256": None, "fetched_url": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A state of a post that is past: it stood from ``since`` to ``until`` (aware UTC); ``fields`` differ after it."""

    entry: Entry
    since: datetime
    until: datetime
    fields: tuple[str, ...]


def unasked(database: Database, source_id: str, addresses: Mapping[str, str]) -> set[str]:
    """Those of these posts whose history has not been read since they came as they are now.

    Args:
        database: the archive's.
        source_id: whose posts they are.
        addresses: by native id, where the history is asked for.
    """
    if not addresses:
        return set()
    found: set[str] = set()
    with database.read() as connection:
        for native_id, url in addresses.items():
            asked = and_(_validators.c.source_id == source_id, _validators.c.url == url)
            since = or_(_validators.c.capture_id.is_(None), _validators.c.capture_id < _posts.c.capture_id)
            mine = (_posts.c.source_id == source_id, _posts.c.native_id == safe(native_id), since)
            if connection.scalar(select(_posts.c.id).outerjoin(_validators, asked).where(*mine)) is not None:
                found.add(native_id)
    return found


def untold(database: Database, key: str, capture_id: int, states: Sequence[Earlier]) -> list[Earlier]:
    """Those of these states that ``tell`` would keep; none of a post that is not held."""
    with database.read() as connection:
        return _untold(connection, _post(connection, key), capture_id, states)


def tell(database: Database, run_id: int, capture_id: int, key: str, states: Sequence[Earlier]) -> int:
    """Keep these states of a post, but for those that are known; how many were kept.

    A state that is known from the same answer, and was read in it otherwise, is put in that one's place.

    Args:
        database: the archive's.
        run_id: the run that reads of them; it must have its source's lease.
        capture_id: the answer in which they stand.
        key: of the post; nothing is kept of one that is not held.
        states: what it was.

    Raises:
        SourceBusy: the run has lost its lease.
        StorageError: the archive cannot be written to, or (RowRefused) does not take a value.
    """
    with database.write() as connection:
        ensure_running(connection, run_id)
        post = _post(connection, key)
        new = _untold(connection, post, capture_id, states)
        if post is None or not new:
            return 0
        same = (_revisions.c.post_id == post.id, _revisions.c.why == Why.TOLD, _revisions.c.capture_id == capture_id)
        for state in new:
            at = _revisions.c.edited_at.is_not_distinct_from(state.entry[0].edited_at)
            connection.execute(delete(_revisions).where(*same, at))
        held = _held(connection, post.id)
        insert_all(connection, _revisions, [_row(post.id, held, state, run_id, capture_id) for state in new])
        return len(new)


def _post(connection: Connection, key: str) -> Row[Any, Any] | None:
    source_id, _, native_id = key.partition(":")
    mine = (_posts.c.source_id == source_id, _posts.c.native_id == safe(native_id))
    return connection.execute(select(_posts.c.id, _posts.c.edited_at).where(*mine)).one_or_none()


def _untold(
    connection: Connection, post: Row[Any, Any] | None, capture_id: int, states: Iterable[Earlier]
) -> list[Earlier]:
    """A state is told by the time of the edit that made it: no two are made at once."""
    if post is None:
        return []
    seen, read = {_second(post.edited_at)}, {}
    for revision in load_revisions(connection, post.id):
        at = _second(revision.entry[0].edited_at)
        if revision.why is Why.TOLD and revision.capture_id == capture_id:
            read[at] = revision.entry
        else:
            seen.add(at)
    new = []
    for state in states:
        at = _second(state.entry[0].edited_at)
        if at not in seen and read.get(at) != state.entry:
            new.append(state)
    return new


def _second(at: datetime | None) -> datetime | None:
    return at and at.replace(microsecond=0)


def _held(connection: Connection, post_id: int) -> dict[str, Mapping[Any, Any]]:
    """What is held of every medium that the post ever had, by its key."""
    query = select(_attachments).where(_attachments.c.post_id == post_id).order_by(_attachments.c.id)
    return {row["key"]: row for row in connection.execute(query).mappings()}


def _row(
    post_id: int, held: Mapping[str, Mapping[Any, Any]], state: Earlier, run_id: int, capture_id: int
) -> dict[str, Any]:
    post, reading = state.entry
    row = post_row(post, reading)
    row |= {"id": post_id, "changed_at": state.since, "run_id": run_id, "capture_id": capture_id}
    media = []
    for position, item in enumerate(post.attachments):
        known = held.get(safe(item.key))
        # another file under the same key is not what was held
        known = known if known is not None and item.url in (known["url"], *known["alternatives"]) else _NOT_HELD
        media.append(attachment_row(item) | {name: known[name] for name in _NOT_HELD} | {"position": position})
    decision = Decision(change=Change.UPDATED, why=state.fields, is_edited=True, entry=state.entry)
    made = revision_row(row, segment_rows(post_id, reading), media, decision, run_id, state.until)
    return made | {"why": Why.TOLD}
