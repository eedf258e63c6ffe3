"""What became of a post over the years, in order: seen, edited, read anew, gone, back, decided, taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import Connection, select

from storage.engine import Database
from storage.lookup import iso, locate
from storage.revisions import load_revisions
from storage.rows import post_row
from storage.schema import (
    AbsenceRecord,
    AttachmentRecord,
    CaptureRecord,
    DecisionRecord,
    PostRecord,
    rows_of,
)
from storage.states import Act

_posts, _attachments, _captures = rows_of(PostRecord), rows_of(AttachmentRecord), rows_of(CaptureRecord)
_absences, _decisions = rows_of(AbsenceRecord), rows_of(DecisionRecord)

#: fields of a reading whose value is told by the captions and the date that come of it
_TOLD_BY = {"split": ("caption_fr", "caption_en"), "title_split": ("title",), "credit": ("credit", "credit_line")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to a post; ``at`` is ISO 8601 with ``Z``.

    ``kind`` is ``seen``, ``edited``, ``told`` (an edit that the source's own history tells, at its time there),
    ``read anew``, ``gone``, ``back`` or ``decided``; ``fields`` are what it was about.
    ``before`` are the values that were replaced, by field, plain as in JSON, with ``media`` for the pictures.
    ``since`` is since when these had been known, ``run`` the run that saw it, ``capture`` the answer that the
    replaced state had come with: its number, address, time and record. Of a decision ``who`` made it, ``value`` is
    what was said, ``undone`` whether it was taken back since.
    """

    at: str
    kind: str
    fields: tuple[str, ...] = ()
    before: Mapping[str, Any] | None = None
    since: str | None = None
    run: int | None = None
    capture: Mapping[str, Any] | None = None
    who: str | None = None
    value: Any = None
    undone: bool | None = None

    def as_json(self) -> dict[str, Any]:
        """What ``show --history --json`` prints of it: what is known, by name."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in told.items() if value is not None and value != ()}


def history(database: Database, key: str) -> list[Event]:
    """Everything that is known to have happened to a post, oldest first.

    Raises:
        UnknownKey: there is no such post.
        StorageError: the archive cannot be read.
    """
    with database.read() as connection:
        _, post_id = locate(connection, key)
        # sorted by what is kept to the microsecond; of one moment in this order
        events = [*_seen(connection, post_id), *_revised(connection, post_id), *_absent(connection, post_id)]
        events += _decided(connection, post_id)
    return [event for _, event in sorted(events, key=lambda pair: pair[0])]


Timed = tuple[datetime, Event]


def _seen(connection: Connection, post_id: int) -> Iterator[Timed]:
    at = connection.scalar(select(_posts.c.first_seen_at).where(_posts.c.id == post_id))
    if at is not None:
        yield at, Event(at=iso(at), kind="seen")


def _revised(connection: Connection, post_id: int) -> Iterator[Timed]:
    for revision in load_revisions(connection, post_id):
        row = post_row(*revision.entry)
        before: dict[str, Any] = {}
        for field in revision.fields:
            for name in _TOLD_BY.get(field, (field,)):
                if name == "attachments":
                    before["media"] = [
                        {
                            "position": held.position,
                            "state": held.state,
                            "sha256": held.sha256,
                            "alt": item.alt,
                            "source_url": held.fetched_url or item.url,
                        }
                        for item, held in zip(revision.entry[0].attachments, revision.media, strict=True)
                    ]
                elif name == "published":
                    before["published_at"] = str(revision.entry[1].published or "") or None
                else:
                    before[name] = _plain(row[name])
        yield (
            revision.until,
            Event(
                at=iso(revision.until),
                kind=revision.why.value,
                fields=revision.fields,
                before=before,
                since=iso(revision.since),
                run=revision.replaced_by,
                capture=_capture(connection, revision.capture_id),
            ),
        )


def _absent(connection: Connection, post_id: int) -> Iterator[Timed]:
    query = select(_absences).where(_absences.c.post_id == post_id).order_by(_absences.c.id)
    for row in connection.execute(query):
        yield row.gone_at, Event(at=iso(row.gone_at), kind="gone", run=row.run_id)
        if row.back_at is not None:
            yield row.back_at, Event(at=iso(row.back_at), kind="back")


def _decided(connection: Connection, post_id: int) -> Iterator[Timed]:
    query = (
        select(_decisions, _attachments.c.position)
        .outerjoin(_attachments, _attachments.c.id == _decisions.c.attachment_id)
        .where(_decisions.c.post_id == post_id)
        .order_by(_decisions.c.id)
    )
    for row in connection.execute(query).mappings():
        named = [row["kind"].value, *([row["field"]] if row["field"] else [])]
        if row["position"] is not None:
            named.append(str(row["position"] + 1))
        undone = None if row["kind"] is Act.UNDO else row["undone_by"] is not None
        event = Event(
            at=iso(row["at"]),
            kind="decided",
            fields=tuple(named),
            who=row["who"],
            value=_said(row["value"]),
            undone=undone,
        )
        yield row["at"], event


def _said(value: Any) -> Any:
    """What a person said, without what is kept beside it."""
    if not isinstance(value, dict):
        return value
    return value.get("text", value.get("segments", value.get("at")))


def _capture(connection: Connection, capture_id: int | None) -> dict[str, Any] | None:
    if capture_id is None:
        return None
    row = connection.execute(select(_captures).where(_captures.c.id == capture_id)).mappings().one()
    told = {name: row[name] for name in ("id", "url", "sha256", "file", "offset", "length")}
    return told | {"fetched_at": iso(row["fetched_at"])}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return iso(value)
        case date():
            return value.isoformat()
        case Enum():
            return value.value
        case tuple():
            return [_plain(item) for item in value]
        case _:
            return value
