"""What a post was before it changed: rows of ``revisions`` made of what is replaced, and read back as they went in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from scraper.model import Lang, MediaKind
from storage.changes import Decision, Entry
from storage.rows import entry_of
from storage.schema import PostRecord, PostState, RevisionRecord, rows_of
from storage.states import Part, Why

__all__ = ["HeldMedium", "Revision", "Why", "edited", "load_revisions", "revision_row"]

Row = Mapping[Any, Any]

_posts, _revisions = rows_of(PostRecord), rows_of(RevisionRecord)
#: what a post and each of its revisions have in common
_STATE = tuple(name for name in PostState.__annotations__ if name in _posts.c)
#: what is kept of an attachment: all that its source stated, and what was held of it
OF_ATTACHMENT = (
    *("url", "kind", "alternatives", "native_id", "alt", "media_type", "width", "height", "size", "credit"),
    *("position", "state", "sha256", "fetched_url"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldMedium:
    """What was held of an attachment of an earlier state; ``sha256`` is None when nothing was."""

    position: int
    state: str
    sha256: str | None
    fetched_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """An earlier state of a post: what it was, from when to when, where it came from and what differed after it.

    ``since`` is when this state was first seen and ``until`` when the next one was (aware UTC); of one that the
    source's own history tells, from when to when it stood there. ``entry`` has in ``edited_at`` what the platform
    itself says. ``media`` are in the order of the post's attachments.
    """

    why: Why
    fields: tuple[str, ...]
    since: datetime
    until: datetime
    run_id: int
    capture_id: int | None
    replaced_by: int
    entry: Entry
    media: tuple[HeldMedium, ...]


def revision_row(
    post: Row, segments: Iterable[Row], attachments: Iterable[Row], decision: Decision, run_id: int, now: datetime
) -> dict[str, Any]:
    """The row that keeps the state which ``decision`` replaces.

    Args:
        post: its row of ``posts``.
        segments: its segments, in order.
        attachments: those that it pointed to, in order.
        decision: what was decided.
        run_id: the run that brought the new state.
        now: aware UTC.
    """
    return {
        **{name: post[name] for name in _STATE},
        "post_id": post["id"],
        "why": Why.EDITED if decision.is_edited else Why.READ_ANEW,
        "fields": decision.why,
        "segments": [[item["part"], item["lang"], item["start"], item["stop"]] for item in segments],
        "attachments": [{name: item[name] for name in OF_ATTACHMENT} for item in attachments],
        "replaced_at": now,
        "replaced_by": run_id,
    }


def load_revisions(connection: Connection, post_id: int) -> list[Revision]:
    """The earlier states of a post, in the order in which they were replaced."""
    identity = select(_posts.c.source_id, _posts.c.native_id).where(_posts.c.id == post_id)
    named = connection.execute(identity).mappings().one()
    query = select(_revisions).where(_revisions.c.post_id == post_id)
    query = query.order_by(_revisions.c.replaced_at, _revisions.c.id)
    return [_revision({**row, **named}) for row in connection.execute(query).mappings()]


def edited(connection: Connection, post_ids: Sequence[int]) -> set[int]:
    """Those of these posts whose source once stated something else: what was read in that may have been kept."""
    query = select(_revisions.c.post_id).where(_revisions.c.post_id.in_(post_ids), _revisions.c.why == Why.EDITED)
    return set(connection.scalars(query))


def _revision(row: Row) -> Revision:
    segments = [
        {"part": Part(part), "lang": Lang(lang), "start": start, "stop": stop}
        for part, lang, start, stop in row["segments"]
    ]
    return Revision(
        why=row["why"],
        fields=row["fields"],
        since=row["changed_at"],
        until=row["replaced_at"],
        run_id=row["run_id"],
        capture_id=row["capture_id"],
        replaced_by=row["replaced_by"],
        entry=entry_of(row, segments, _attachments(row["attachments"])),
        media=tuple(
            HeldMedium(
                position=item["position"],
                state=item["state"],
                sha256=item["sha256"],
                fetched_url=item["fetched_url"],
            )
            for item in row["attachments"]
        ),
    )


def _attachments(documents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item | {"kind": MediaKind(item["kind"]), "alternatives": tuple(item["alternatives"])} for item in documents]
