"""All that an archive holds of posts beside the public record, as plain values that travel; a query for each part.

Left out is what is of one archive alone: the numbers of its rows and runs, when a post was seen last, which looks a
source had, and where in ``warc/`` an answer lies. Of an answer all that the index says of it goes along.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from storage.portions import portions
from storage.revisions import OF_ATTACHMENT
from storage.schema import (
    AbsenceRecord,
    AssetRecord,
    AttachmentRecord,
    CaptureRecord,
    DecisionRecord,
    PostRecord,
    PostState,
    RevisionRecord,
    SegmentRecord,
    rows_of,
)
from storage.states import Act, Part
from storage.transfer.plain import Codec, plain, stamp

#: columns of a post under the names that the public record has them by; they are not told twice
PUBLIC = {
    "url": "url",
    "author": "author",
    "title": "title",
    "body": "text",
    "content_warning": "content_warning",
    "hashtags": "hashtags",
    "license": "license",
    "license_url": "license_url",
}
#: made of the others by ``storage.rows``, or of one archive alone
_MADE = {
    *("needs_review", "caption_fr", "caption_en", "title_fr", "title_en", "run_id", "capture_id"),
    "content_hash",
}
#: what a post and each of its revisions say
STATE = tuple(name for name in PostState.__annotations__ if name not in _MADE)

_posts, _segments, _attachments = rows_of(PostRecord), rows_of(SegmentRecord), rows_of(AttachmentRecord)
_assets, _captures, _revisions = rows_of(AssetRecord), rows_of(CaptureRecord), rows_of(RevisionRecord)
_absences, _decisions = rows_of(AbsenceRecord), rows_of(DecisionRecord)

_SURE = {"split_confidence": 1.0}
POST = Codec(_posts, ("content_hash", "first_seen_at", "gone_at", "back_at"))
STATED = Codec(_posts, tuple(name for name in STATE if name not in PUBLIC), _SURE)
STATED_PUBLIC = Codec(_posts, tuple(PUBLIC))
REVISION = Codec(_revisions, (*STATE, "why", "fields", "replaced_at", "segments", "attachments"), _SURE)
ATTACHMENT = Codec(
    _attachments,
    (
        *("key", "occurrence", "position", "url", "kind", "alternatives", "native_id", "alt", "media_type"),
        *("width", "height", "size", "credit", "state", "reason", "attempts", "next_attempt_at", "fetched_url"),
        *("first_seen_at", "removed_at"),
    ),
    {"occurrence": 0, "attempts": 0},
)
#: an attachment as a revision has it
HELD_ONCE = Codec(_attachments, OF_ATTACHMENT)
ASSET = Codec(_assets, ("sha256", "media_type", "extension", "size", "width", "height", "exif", "first_seen_at"))
ANSWER = Codec(
    _captures,
    (*("requested_url", "url", "access", "carry", "status", "headers", "fetched_at", "sha256", "size"),),
)
ABSENCE = Codec(_absences, ("gone_at", "back_at"))
DECISION = Codec(_decisions, ("who", "at", "kind", "field", "value"))

_PUBLIC_COLUMNS = tuple(PUBLIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What is held of one post.

    Attributes:
        public: columns that the public record has, under its names for them.
        archive: the rest, as the record's ``archive``.
        attachments: the numbers of their rows, in the order of ``archive``.
        revisions: likewise.
        absences: likewise.
    """

    public: dict[str, Any]
    archive: dict[str, Any]
    attachments: tuple[int, ...]
    revisions: tuple[int, ...]
    absences: tuple[int, ...]


def holdings(connection: Connection, post_ids: Sequence[int]) -> dict[int, Holding]:
    """All that is held of these posts, however many; the same on every database, and the same when it was restored."""
    found: dict[int, Holding] = {}
    for some in portions(post_ids):
        found |= _some(connection, some)
    return found


def _some(connection: Connection, ids: Sequence[int]) -> dict[int, Holding]:
    rows = _Rows(connection, ids)
    answers = rows.answers()
    found: dict[int, Holding] = {}
    for row in rows.posts:
        post_id, capture_id, *values = row
        here = _Answers(answers)
        own, stated = values[: len(POST.names)], values[len(POST.names) : len(POST.names) + len(STATED.names)]
        archive = POST.encode(own)
        state = STATED.encode(stated)
        state |= rows.slices(post_id)
        here.refer(state, capture_id)
        archive["state"] = state
        attachments, revisions = rows.attachments.get(post_id, ()), rows.revisions.get(post_id, ())
        media = [_medium(item, here) for item in attachments]
        if media:
            archive["attachments"] = media
        if revisions:
            archive["revisions"] = [_revision(item, here) for item in revisions]
        absences = rows.absences.get(post_id, ())
        if absences:
            archive["absences"] = [ABSENCE.encode(item[2:]) for item in absences]
        decisions = rows.decisions.get(post_id)
        if decisions:
            places = {
                item[1]: [said["key"], said.get("occurrence", 0)] for item, said in zip(attachments, media, strict=True)
            }
            archive["decisions"] = _decided(decisions, places)
        if here.told:
            archive["answers"] = here.told
        public = zip(PUBLIC.values(), values[len(POST.names) + len(STATED.names) :], strict=True)
        found[post_id] = Holding(
            public=dict(public),
            archive=archive,
            attachments=tuple([item[1] for item in attachments]),
            revisions=tuple([item[1] for item in revisions]),
            absences=tuple([item[1] for item in absences]),
        )
    return found


class _Rows:
    """The rows of some posts and of their parts, by post."""

    def __init__(self, connection: Connection, ids: Sequence[int]) -> None:
        self._connection, self._ids = connection, ids
        columns = (*POST.names, *STATED.names, *_PUBLIC_COLUMNS)
        posts = select(_posts.c.id, _posts.c.capture_id, *(_posts.c[name] for name in columns))
        self.posts = connection.execute(posts.where(_posts.c.id.in_(ids))).all()
        self._segments = self._of(
            select(_segments.c.post_id, _segments.c.part, _segments.c.lang, _segments.c.start, _segments.c.stop)
            .where(_segments.c.post_id.in_(ids))
            .order_by(_segments.c.post_id, _segments.c.part, _segments.c.position)
        )
        self.attachments = self._of(
            select(
                _attachments.c.post_id,
                _attachments.c.id,
                _attachments.c.capture_id,
                *(_attachments.c[name] for name in ATTACHMENT.names),
                *(_assets.c[name] for name in ASSET.names),
            )
            .outerjoin(_assets, _assets.c.sha256 == _attachments.c.sha256)
            .where(_attachments.c.post_id.in_(ids))
            .order_by(
                _attachments.c.removed_at.is_not(None),
                _attachments.c.position,
                _attachments.c.key,
                _attachments.c.occurrence,
            )
        )
        self.revisions = self._of(
            select(
                _revisions.c.post_id,
                _revisions.c.id,
                _revisions.c.capture_id,
                *(_revisions.c[name] for name in REVISION.names),
            )
            .where(_revisions.c.post_id.in_(ids))
            .order_by(_revisions.c.replaced_at, _revisions.c.id)
        )
        self.absences = self._of(
            select(_absences.c.post_id, _absences.c.id, _absences.c.gone_at, _absences.c.back_at)
            .where(_absences.c.post_id.in_(ids))
            .order_by(_absences.c.gone_at, _absences.c.id)
        )
        columns_ = ("post_id", "batch", "undone_by", "attachment_id", *DECISION.names)
        self.decisions = self._of(
            select(*(_decisions.c[name] for name in columns_))
            .where(_decisions.c.post_id.in_(ids))
            .order_by(_decisions.c.id)
        )

    def slices(self, post_id: int) -> dict[str, Any]:
        """The labelled slices of the body and of the title, where there are any."""
        cut: dict[str, list[Any]] = {}
        for _, part, lang, start, stop in self._segments.get(post_id, ()):
            cut.setdefault("segments" if part is Part.BODY else "title_segments", []).append([lang.value, start, stop])
        return cut

    def answers(self) -> dict[int, dict[str, Any]]:
        """What the index says of the answers that these posts and their parts came with."""
        numbers = {row[1] for row in self.posts}
        for part in (self.attachments, self.revisions):
            numbers |= {row[2] for rows in part.values() for row in rows}
        told: dict[int, dict[str, Any]] = {}
        query = select(_captures.c.id, *(_captures.c[name] for name in ANSWER.names))
        for some in portions(sorted(numbers - {None})):
            for number, *values in self._connection.execute(query.where(_captures.c.id.in_(some))):
                told[number] = ANSWER.encode(values)
        return told

    def _of(self, query: Select[Any]) -> Mapping[int, list[Sequence[Any]]]:
        grouped: defaultdict[int, list[Sequence[Any]]] = defaultdict(list)
        for row in self._connection.execute(query):
            grouped[row[0]].append(row)
        return grouped


class _Answers:
    """The answers of one post: each is told once, and referred to by its place."""

    def __init__(self, known: Mapping[int, dict[str, Any]]) -> None:
        self._known = known
        self._places: dict[int, int] = {}
        self.told: list[dict[str, Any]] = []

    def refer(self, said: dict[str, Any], capture_id: int | None) -> None:
        """Add to an object which answer it came with."""
        if capture_id is None:
            return
        if capture_id not in self._places:
            answer = self._known[capture_id]
            if answer in self.told:  # one that came twice within a microsecond; restored it would be one
                self._places[capture_id] = self.told.index(answer)
            else:
                self._places[capture_id] = len(self.told)
                self.told.append(answer)
        said["answer"] = self._places[capture_id]


def _medium(row: Sequence[Any], answers: _Answers) -> dict[str, Any]:
    _, _, capture_id, *values = row
    said = ATTACHMENT.encode(values[: len(ATTACHMENT.names)])
    asset = values[len(ATTACHMENT.names) :]
    if asset[0] is not None:
        said["asset"] = ASSET.encode(asset)
    answers.refer(said, capture_id)
    return said


def _revision(row: Sequence[Any], answers: _Answers) -> dict[str, Any]:
    _, _, capture_id, *values = row
    said = REVISION.encode(values)
    # by part and start, whatever the order of the rows was
    said["segments"] = sorted(said["segments"], key=lambda cut: (cut[0], cut[2]))
    answers.refer(said, capture_id)
    return said


def _decided(rows: Sequence[Sequence[Any]], places: Mapping[int, list[Any]]) -> list[dict[str, Any]]:
    """Decisions in their order; a batch is told by who decided it and when, for its number is of one archive alone."""
    batches = dict(_batches(rows))
    told = []
    for _, batch, undone_by, attachment_id, *values in rows:
        who, at, kind, field, value = values
        said = DECISION.encode((who, at, kind, field, batches.get(value) if kind is Act.UNDO else value))
        if batches[batch]["turn"]:
            said["turn"] = batches[batch]["turn"]
        if attachment_id is not None:
            said["medium"] = places[attachment_id]
        if undone_by is not None:
            said["undone"] = batches.get(undone_by, batches[batch])
        told.append(said)
    return told


def _batches(rows: Sequence[Sequence[Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each batch by its number: who, when, and its turn among those of that very moment."""
    turns: dict[tuple[str, Any], int] = {}
    named = {row[1]: (row[4], row[5]) for row in rows}
    for batch in sorted(named):
        who, at = named[batch]
        turn = turns[who, at] = turns.get((who, at), -1) + 1
        yield batch, {"who": plain(who), "at": stamp(at), "turn": turn}
