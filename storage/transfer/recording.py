"""Dossiers into rows, in bulk and within the caller's transaction; a run has its source's lease.

The mapping is that of ``storage.rows``. Rows that say the same already stay, with their runs and answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, func, insert, select, update

from storage.decisions import refresh
from storage.dialects import insert_all, upsert
from storage.portions import portions
from storage.rows import attachment_row, hashtag_rows, post_row, segment_rows
from storage.schema import (
    AbsenceRecord,
    AssetRecord,
    AttachmentRecord,
    CaptureRecord,
    DecisionRecord,
    HashtagRecord,
    PostRecord,
    RevisionRecord,
    SegmentRecord,
    rows_of,
)
from storage.states import Act
from storage.transfer.dossier import Answer, Batch, Decided, Dossier, Medium, Past, Place
from storage.transfer.holdings import Holding

_posts, _segments, _hashtags = rows_of(PostRecord), rows_of(SegmentRecord), rows_of(HashtagRecord)
_attachments, _assets, _captures = rows_of(AttachmentRecord), rows_of(AssetRecord), rows_of(CaptureRecord)
_revisions, _absences, _decisions = rows_of(RevisionRecord), rows_of(AbsenceRecord), rows_of(DecisionRecord)


class Recorder:
    """Brings the rows of some posts of one source to what their dossiers say.

    Args:
        connection: a write transaction.
        run_id: the run that brings them.
        source_id: their source.
    """

    def __init__(self, connection: Connection, run_id: int, source_id: str) -> None:
        self._connection, self._run_id, self._source_id = connection, run_id, source_id
        self._answers: dict[Answer, int] = {}
        self._batches: dict[Batch, int] = {}

    def add(self, dossiers: Sequence[Dossier]) -> None:
        """Posts that are not held."""
        if not dossiers:
            return
        self._prepare(dossiers)
        insert_all(self._connection, _posts, [self._post(item) for item in dossiers])
        names = [item.entry[0].native_id for item in dossiers]
        found = self._connection.execute(
            select(_posts.c.native_id, _posts.c.id).where(
                _posts.c.source_id == self._source_id, _posts.c.native_id.in_(names)
            )
        )
        ids = {row.native_id: row.id for row in found}
        numbered = [(ids[item.entry[0].native_id], item) for item in dossiers]
        self._texts(numbered)
        self._media([(post_id, medium) for post_id, item in numbered for medium in item.media])
        self._pasts([(post_id, past) for post_id, item in numbered for past in item.revisions])
        self._gaps([(post_id, gap.gone_at, gap.back_at) for post_id, item in numbered for gap in item.absences])
        self._decide(numbered)

    def change(self, changed: Sequence[tuple[int, Holding, Dossier, Dossier]]) -> None:
        """Posts that are held: number, what is held as it was read and as it was understood, and what it is to be."""
        if not changed:
            return
        self._prepare([item for *_, item in changed])
        stated = [(post_id, item) for post_id, _, held, item in changed if held.entry != item.entry]
        ids = [post_id for post_id, _ in stated]
        rows = []
        for post_id, _, held, item in changed:
            kept = held.entry == item.entry and held.changed_at == item.changed_at
            row = self._post(item)
            rows.append((kept, {"row_id": post_id, **row}))
        for kept in (True, False):
            some = [row for is_kept, row in rows if is_kept is kept]
            if kept:
                # the same state came with its own run and answer
                some = [{name: value for name, value in row.items() if name not in _CAME} for row in some]
            self._set(_posts, some)
        if ids:
            for table in (_segments, _hashtags):
                self._connection.execute(delete(table).where(table.c.post_id.in_(ids)))
            self._texts(stated)
        self._change_parts(changed)
        self._decide([(post_id, item) for post_id, _, held, item in changed if held.decisions != item.decisions])
        again = [post_id for post_id, _, held, item in changed if item.decisions and held.decisions == item.decisions]
        for some_ids in portions(again):
            refresh(self._connection, some_ids)

    def _change_parts(self, changed: Sequence[tuple[int, Holding, Dossier, Dossier]]) -> None:
        past: list[tuple[int, Past]] = []
        gaps: list[tuple[int, Any, Any]] = []
        back: list[dict[str, Any]] = []
        gone: list[int] = []
        added: list[tuple[int, Medium]] = []
        kept: list[tuple[int, int, Medium]] = []
        lost: list[int] = []
        for post_id, holding, held, item in changed:
            numbers = list(zip(held.revisions, holding.revisions, strict=True))
            gone += [number for there, number in numbers if there not in item.revisions]
            past += [(post_id, there) for there in item.revisions if there not in held.revisions]
            starts = {gap.gone_at: number for gap, number in zip(held.absences, holding.absences, strict=True)}
            for gap in item.absences:
                if gap.gone_at not in starts:
                    gaps.append((post_id, gap.gone_at, gap.back_at))
                elif gap not in held.absences:
                    back.append({"row_id": starts[gap.gone_at], "back_at": gap.back_at})
            if held.media != item.media:
                places = {there.place: number for there, number in zip(held.media, holding.attachments, strict=True)}
                here = {medium.place for medium in item.media}
                lost += [number for place, number in places.items() if place not in here]
                added += [(post_id, medium) for medium in item.media if medium.place not in places]
                kept += [(post_id, places[medium.place], medium) for medium in item.media if medium.place in places]
        for table, numbers_ in ((_revisions, gone), (_attachments, lost)):
            for some in portions(numbers_):
                self._connection.execute(delete(table).where(table.c.id.in_(some)))
        self._pasts(past)
        self._gaps(gaps)
        self._set(_absences, back)
        self._set(_attachments, [{"row_id": number, **self._medium(post_id, item)} for post_id, number, item in kept])
        self._media(added)

    def _post(self, item: Dossier) -> dict[str, Any]:
        return {
            **post_row(*item.entry),
            "content_hash": item.content_hash,
            "changed_at": item.changed_at,
            "first_seen_at": item.first_seen_at,
            "gone_at": item.gone_at,
            "back_at": item.back_at,
            "run_id": self._run_id,
            "capture_id": self._answer(item.answer),
        }

    def _texts(self, numbered: Iterable[tuple[int, Dossier]]) -> None:
        segments: list[dict[str, Any]] = []
        hashtags: list[dict[str, Any]] = []
        for post_id, item in numbered:
            segments += segment_rows(post_id, item.entry[1])
            hashtags += hashtag_rows(post_id, item.entry[1])
        insert_all(self._connection, _segments, segments)
        insert_all(self._connection, _hashtags, hashtags)

    def _media(self, media: Iterable[tuple[int, Medium]]) -> None:
        insert_all(self._connection, _attachments, [self._medium(post_id, item) for post_id, item in media])

    def _medium(self, post_id: int, item: Medium) -> dict[str, Any]:
        return {
            "post_id": post_id,
            **attachment_row(item.item),
            "key": item.place[0],
            "occurrence": item.place[1],
            "position": item.position,
            "state": item.state,
            "reason": item.reason,
            "attempts": item.attempts,
            "next_attempt_at": item.next_attempt_at,
            "sha256": item.asset and item.asset.sha256,
            "fetched_url": item.fetched_url,
            "capture_id": self._answer(item.answer),
            "first_seen_at": item.first_seen_at,
            "removed_at": item.removed_at,
        }

    def _pasts(self, past: Iterable[tuple[int, Past]]) -> None:
        rows = []
        for post_id, item in past:
            row = {name: value for name, value in post_row(*item.entry).items() if name in _revisions.c}
            cuts = segment_rows(post_id, item.entry[1])
            rows.append(
                {
                    **row,
                    "post_id": post_id,
                    "why": item.why,
                    "fields": item.fields,
                    "segments": [[cut["part"], cut["lang"], cut["start"], cut["stop"]] for cut in cuts],
                    "attachments": list(item.media),
                    "changed_at": item.changed_at,
                    "replaced_at": item.replaced_at,
                    "run_id": self._run_id,
                    "capture_id": self._answer(item.answer),
                    "replaced_by": self._run_id,
                }
            )
        insert_all(self._connection, _revisions, rows)

    def _gaps(self, gaps: Iterable[tuple[int, Any, Any]]) -> None:
        rows = [
            {"post_id": post_id, "gone_at": gone_at, "back_at": back_at, "run_id": self._run_id}
            for post_id, gone_at, back_at in gaps
        ]
        insert_all(self._connection, _absences, rows)

    def _decide(self, numbered: Sequence[tuple[int, Dossier]]) -> None:
        """All decisions of these posts anew, so that their rows are in their order."""
        ids = [post_id for post_id, _ in numbered]
        decided = [(post_id, item) for post_id, item in numbered if item.decisions]
        for some in portions(ids):
            self._connection.execute(delete(_decisions).where(_decisions.c.post_id.in_(some)))
        if not decided:
            return
        places = self._places([post_id for post_id, item in decided if any(said.medium for said in item.decisions)])
        rows = [self._said(post_id, said, places) for post_id, item in decided for said in item.decisions]
        insert_all(self._connection, _decisions, rows)
        for some in portions([post_id for post_id, _ in decided]):
            refresh(self._connection, some)

    def _said(self, post_id: int, said: Decided, places: Mapping[tuple[int, Place], int]) -> dict[str, Any]:
        value = said.value
        if said.kind is Act.UNDO:
            value = self._batches.get(value)
        return {
            "batch": self._batches[said.batch],
            "who": said.batch[0],
            "at": said.batch[1],
            "post_id": post_id,
            "attachment_id": None if said.medium is None else places[post_id, said.medium],
            "kind": said.kind,
            "field": said.field,
            "value": value,
            "undone_by": None if said.undone is None else self._batches[said.undone],
        }

    def _places(self, ids: Sequence[int]) -> dict[tuple[int, Place], int]:
        query = select(_attachments.c.post_id, _attachments.c.key, _attachments.c.occurrence, _attachments.c.id)
        return {
            (row.post_id, (row.key, row.occurrence)): row.id
            for some in portions(ids)
            for row in self._connection.execute(query.where(_attachments.c.post_id.in_(some)))
        }

    def _prepare(self, dossiers: Sequence[Dossier]) -> None:
        """See that there are rows for the assets, answers and batches that these posts speak of."""
        media = [medium for item in dossiers for medium in item.media]
        self._hold(media)
        answers = {item.answer for item in dossiers} | {item.answer for item in media}
        answers |= {past.answer for item in dossiers for past in item.revisions}
        self._index(sorted((item for item in answers if item is not None), key=_identity_in_time))
        said = [one for item in dossiers for one in item.decisions]
        batches = {batch for one in said for batch in (one.batch, one.undone) if batch is not None}
        batches |= {one.value for one in said if one.kind is Act.UNDO and one.value is not None}
        self._number(sorted(batches, key=lambda batch: (batch[1], batch[0], batch[2])))

    def _hold(self, media: Sequence[Medium]) -> None:
        assets = {
            item.asset.sha256: {
                "sha256": item.asset.sha256,
                "media_type": item.asset.media_type,
                "extension": item.asset.extension,
                "size": item.asset.size,
                "width": item.asset.width,
                "height": item.asset.height,
                "exif": item.asset.exif,
                "first_seen_at": item.asset_since,
            }
            for item in media
            if item.asset is not None
        }
        if not assets:
            return
        held = upsert(self._connection, _assets)
        earlier = held.excluded.first_seen_at < _assets.c.first_seen_at
        since = {"first_seen_at": held.excluded.first_seen_at}
        self._connection.execute(
            held.on_conflict_do_update(index_elements=["sha256"], set_=since, where=earlier), list(assets.values())
        )

    def _index(self, answers: Sequence[Answer]) -> None:
        """Rows of the capture index for answers that are not in it; their bytes stay where they are."""
        for some in portions(answers):
            wanted = {_identity(item): item for item in some}
            columns = (_captures.c[name] for name in ("id", *_IDENTITY))
            query = select(*columns).where(
                _captures.c.source_id == self._source_id,
                _captures.c.requested_url.in_(list({item.requested_url for item in some})),
            )
            known: dict[tuple[Any, ...], int] = {}
            for number, *identity in self._connection.execute(query.order_by(_captures.c.id)):
                known.setdefault(tuple(identity), number)
            new = [item for name, item in wanted.items() if name not in known]
            if new:
                rows = [
                    {"run_id": self._run_id, "source_id": self._source_id}
                    | {name: getattr(item, name) for name in Answer.__slots__}
                    for item in new
                ]
                made = insert(_captures).returning(_captures.c.id, sort_by_parameter_order=True)
                numbers = self._connection.execute(made, rows).scalars()
                known |= {_identity(item): number for item, number in zip(new, numbers, strict=True)}
            self._answers |= {item: known[_identity(item)] for item in some}

    def _answer(self, answer: Answer | None) -> int | None:
        return None if answer is None else self._answers[answer]

    def _number(self, batches: Sequence[Batch]) -> None:
        """Number the batches: those that are held as they are, others above; see ``storage.transfer.numbering``."""
        if not batches:
            return
        held: dict[tuple[str, Any], list[int]] = {}
        whos = sorted({batch[0] for batch in batches})
        query = select(_decisions.c.who, _decisions.c.at, _decisions.c.batch).distinct()
        for some in portions(sorted({batch[1] for batch in batches})):
            mine = (_decisions.c.who.in_(whos), _decisions.c.at.in_(some))
            for who, at, batch in self._connection.execute(query.where(*mine).order_by(_decisions.c.batch)):
                held.setdefault((who, at), []).append(batch)
        top = (self._connection.scalar(select(func.max(_decisions.c.batch))) or 0) + 1
        for who, at, turn in batches:
            numbers = held.setdefault((who, at), [])
            if turn < len(numbers):
                self._batches[who, at, turn] = numbers[turn]
                continue
            self._batches[who, at, turn] = top
            numbers.append(top)
            top += 1

    def _set(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(update(table).where(table.c.id == bindparam("row_id")), rows)


#: by what an answer is known in the index
_IDENTITY = ("requested_url", "url", "status", "fetched_at", "sha256")
#: what a state came with
_CAME = frozenset({"run_id", "capture_id"})


def _identity(answer: Answer) -> tuple[Any, ...]:
    return tuple([getattr(answer, name) for name in _IDENTITY])


def _identity_in_time(answer: Answer) -> tuple[Any, ...]:
    return answer.fetched_at, answer.requested_url, repr(answer)
