"""A record of an export becomes checked values: what is missing, foreign or contradicts itself is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from scraper.model import Asset, Attachment, Lang, MediaState
from storage.blobs import relative_path
from storage.changes import Entry
from storage.columns import safe
from storage.decisions import FIELDS
from storage.rows import attachment_of, entry_of, post_row
from storage.states import Act, Part, Verdict
from storage.transfer.dossier import Absence, Answer, Batch, Decided, Dossier, Medium, Past, Place
from storage.transfer.holdings import (
    ABSENCE,
    ANSWER,
    ASSET,
    ATTACHMENT,
    DECISION,
    HELD_ONCE,
    POST,
    PUBLIC,
    REVISION,
    STATE,
    STATED,
    STATED_PUBLIC,
)
from storage.transfer.plain import moment, plain, text, told


def dossier_of(record: Mapping[str, Any]) -> Dossier:
    """The checked values of a record.

    Args:
        record: ``source``, ``native_id``, the names of ``PUBLIC`` and ``archive``, as JSON has them.

    Raises:
        ValueError: something is missing, is no value of its field, or contradicts something else; says what.
    """
    archive = _object(record.get("archive"), "archive")
    named = {"source_id": text(record.get("source")), "native_id": text(record.get("native_id"))}
    if record.get("key") not in (None, f"{named['source_id']}:{named['native_id']}"):
        raise ValueError(f"the key {told(record['key'])} is not that of its source and native id")
    own = POST.decode(archive, "archive")
    said = _object(archive.get("state"), "archive.state")
    state = STATED.decode(said, "archive.state") | _public(record)
    answers = [Answer(**ANSWER.decode(item, "archive.answers")) for item in _list(archive, "answers")]
    media = tuple([_medium(item, answers) for item in _list(archive, "attachments")])
    if len({item.place for item in media}) != len(media):
        raise ValueError("archive.attachments: two have the same key")
    present = tuple([item.item for item in media if item.removed_at is None])
    entry = _entry(named | state, _slices(said), present)
    places = {item.place for item in media}
    return Dossier(
        entry=entry,
        content_hash=own["content_hash"],
        changed_at=state["changed_at"],
        answer=_answer(said, answers),
        first_seen_at=own["first_seen_at"],
        gone_at=own["gone_at"],
        back_at=own["back_at"],
        media=media,
        revisions=tuple([_past(named, item, answers) for item in _list(archive, "revisions")]),
        absences=tuple([Absence(**ABSENCE.decode(item, "archive.absences")) for item in _list(archive, "absences")]),
        decisions=tuple([_decided(item, places) for item in _list(archive, "decisions")]),
    )


def _public(record: Mapping[str, Any]) -> dict[str, Any]:
    given = {column: record.get(name) for column, name in PUBLIC.items()}
    return STATED_PUBLIC.decode(given, "the record")


def _entry(row: dict[str, Any], slices: list[dict[str, Any]], attachments: tuple[Attachment, ...]) -> Entry:
    post, reading = entry_of(row, slices, ())
    entry = (replace(post, attachments=attachments), reading)
    post_row(*entry)  # refuses a split that is of another text
    return entry


def _slices(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    parts = (("segments", Part.BODY), ("title_segments", Part.TITLE))
    return [_slice(part, item) for name, part in parts for item in _list(said, name)]


def _slice(part: Part, item: Any) -> dict[str, Any]:
    if not (isinstance(item, list) and len(item) == 3 and type(item[1]) is int and type(item[2]) is int):
        raise ValueError(f"a segment is its language, start and end, not {told(item)}")
    return {"part": part, "lang": Lang(text(item[0])), "start": item[1], "stop": item[2]}


def _medium(item: Any, answers: list[Answer]) -> Medium:
    row = ATTACHMENT.decode(item, "archive.attachments")
    stated = attachment_of(row)
    if not 0 <= row["position"] < 2**31 or not 0 <= row["occurrence"] < 2**31 or row["attempts"] < 0:
        raise ValueError("archive.attachments: a place is a small number")
    asset = since = None
    if item.get("asset") is not None:
        held = ASSET.decode(item["asset"], "archive.attachments.asset")
        since = held.pop("first_seen_at")
        asset = Asset(**held)
        relative_path(asset.sha256, asset.extension)  # refuses what is no name
    if row["state"] is MediaState.STORED and asset is None:
        raise ValueError(f"archive.attachments: {told(row['key'])} is stored, and nothing says which bytes")
    return Medium(
        item=stated,
        place=(row["key"], row["occurrence"]),
        asset=asset,
        asset_since=since,
        answer=_answer(item, answers),
        **{
            name: row[name]
            for name in (
                *("position", "state", "reason", "attempts", "next_attempt_at", "fetched_url", "first_seen_at"),
                "removed_at",
            )
        },
    )


def _past(named: dict[str, Any], item: Any, answers: list[Answer]) -> Past:
    row = REVISION.decode(item, "archive.revisions")
    slices = []
    for cut in row["segments"]:
        if not isinstance(cut, list) or len(cut) != 4:
            raise ValueError(f"archive.revisions: a segment is a part and three more, not {told(cut)}")
        slices.append(_slice(Part(text(cut[0])), cut[1:]))
    media, attachments = [], []
    for held in _list(row, "attachments"):
        stated = HELD_ONCE.decode(held, "archive.revisions.attachments")
        attachments.append(attachment_of(stated))
        media.append({name: plain(value) for name, value in stated.items()})
    state = {name: row[name] for name in STATE}
    return Past(
        entry=_entry(named | state, slices, tuple(attachments)),
        media=tuple(media),
        why=row["why"],
        fields=row["fields"],
        changed_at=row["changed_at"],
        replaced_at=row["replaced_at"],
        answer=_answer(item, answers),
    )


def _decided(item: Any, places: set[Place]) -> Decided:
    row = DECISION.decode(item, "archive.decisions")
    batch = _batch({"who": row["who"], "at": item.get("at"), "turn": item.get("turn", 0)})
    value = row["value"]
    if row["kind"] is Act.UNDO:
        value = None if value is None else _batch(value)
    medium = item.get("medium")
    if medium is not None:
        medium = (safe(medium[0]), medium[1]) if isinstance(medium, list) and len(medium) == 2 else None
        if medium not in places:
            raise ValueError(f"archive.decisions: there is no attachment {told(item['medium'])}")
    _check(row["kind"], row["field"], row["value"], medium)
    undone = item.get("undone")
    return Decided(
        batch=batch,
        kind=row["kind"],
        field=row["field"],
        value=value,
        medium=medium,
        undone=None if undone is None else _batch(undone),
    )


def _check(kind: Act, field: str | None, value: Any, medium: Place | None) -> None:
    """Refuse what no curator could have said: ``storage.decisions`` takes every decision as it stands."""
    fits = False
    match kind:
        case Act.VERDICT:
            fits = value in set(Verdict)
        case Act.RATING:
            fits = value is None or (type(value) is int and 0 <= value <= 5)
        case Act.NOTE:
            fits = value is None or isinstance(value, str)
        case Act.TAG:
            fits = isinstance(field, str) and isinstance(value, bool)
        case Act.UNDO:
            fits = True
        case Act.CORRECTION if field == "alt":
            fits = medium is not None and (value is None or isinstance(value, str))
        case Act.CORRECTION if field in FIELDS:
            fits = value is None or _is_correction(field, value)
    if not fits:
        raise ValueError(f"archive.decisions: {kind.value} {field or ''} cannot be {told(value)}")


def _is_correction(field: str, value: Any) -> bool:
    if field in ("credit", "mission"):
        return isinstance(value, str)
    if not isinstance(value, dict):
        return False
    if field == "published_at":
        at = datetime.fromisoformat(text(value.get("at")))
        return at.utcoffset() is not None and value.get("precision") in ("second", "minute", "day")
    if not isinstance(value.get("of"), str):
        return False
    if field == "segments":
        for cut in value.get("segments") or ():
            _slice(Part.BODY, cut)
        captions = value.get("captions")
        return (
            isinstance(value.get("segments"), list)
            and isinstance(captions, dict)
            and set(captions) <= {"caption_fr", "caption_en"}
            and all(isinstance(caption, str) for caption in captions.values())
        )
    return isinstance(value.get("text"), str)


def _batch(said: Any) -> Batch:
    told_ = _object(said, "archive.decisions")
    turn = told_.get("turn", 0)
    if type(turn) is not int or not 0 <= turn < 2**31:
        raise ValueError(f"archive.decisions: a turn is a small number, not {told(turn)}")
    return text(told_.get("who")), moment(told_.get("at")), turn


def _answer(said: Mapping[str, Any], answers: list[Answer]) -> Answer | None:
    at = said.get("answer")
    if at is None:
        return None
    if type(at) is not int or not 0 <= at < len(answers):
        raise ValueError(f"archive: there is no answer {told(at)}")
    return answers[at]


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(
            f"{where} is missing" if value is None else f"{where}: expected an object, found {told(value)}"
        )
    return value


def _list(said: Mapping[str, Any], name: str) -> list[Any]:
    value = said.get(name)
    if value is not None and not isinstance(value, list):
        raise ValueError(f"archive.{name}: expected a list, found {told(value)}")
    return value or []
