"""What the decisions about a post come to: pure, and kept in columns so that the views are plain SQL.

A decision is never changed; what it comes to is made anew from all that were not taken back, whenever one is
added or taken back and whenever the post itself changes. So it survives whatever is scraped or read anew.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from scraper.model import Precision
from storage.folding import fold_tag
from storage.schema import AttachmentRecord, CurationRecord, DecisionRecord, PostRecord, TagRecord, rows_of
from storage.states import Act, Verdict

Row = Mapping[Any, Any]

_decisions, _curation, _tags = rows_of(DecisionRecord), rows_of(CurationRecord), rows_of(TagRecord)
_posts, _attachments = rows_of(PostRecord), rows_of(AttachmentRecord)

#: what can be corrected, by the names of the views; ``alt`` is an attachment's
FIELDS = ("caption_fr", "caption_en", "segments", "published_at", "credit", "mission", "alt")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the decisions about one post come to.

    ``corrections`` are the values by field, but for the alt texts, which are by number of the attachment in ``alts``.
    An empty text says that there is none. ``tags`` are by the form in which they are compared.
    """

    verdict: Verdict = Verdict.UNREVIEWED
    rating: int | None = None
    note: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    corrections: Mapping[str, Any] = field(default_factory=dict)
    alts: Mapping[int, str] = field(default_factory=dict)

    @property
    def corrected(self) -> tuple[str, ...]:
        """The names of the fields whose value is the curator's, in the order of ``FIELDS``."""
        drawn = set(self.corrections["segments"]["captions"]) if "segments" in self.corrections else set()
        named = drawn | set(self.corrections) | ({"alt"} if self.alts else set())
        return tuple(name for name in FIELDS if name in named)


def state_of(decisions: Iterable[Row]) -> State:
    """What these decisions come to; they are of one post, in their order, and none of them was taken back."""
    verdict, rating, note = Verdict.UNREVIEWED, None, None
    tags: dict[str, str] = {}
    corrections: dict[str, Any] = {}
    alts: dict[int, str] = {}
    for decision in decisions:
        name, value = decision["field"], decision["value"]
        match decision["kind"]:
            case Act.VERDICT:
                verdict = Verdict(value)
            case Act.RATING:
                rating = value
            case Act.NOTE:
                note = value or None
            case Act.TAG if value:
                tags[fold_tag(name)] = name
            case Act.TAG:
                tags.pop(fold_tag(name), None)
            case Act.CORRECTION:
                held, at = (alts, decision["attachment_id"]) if name == "alt" else (corrections, name)
                # what is said last counts, also of captions and the segments that they would be made of
                held.pop(at, None)
                if value is not None:
                    held[at] = value
                elif name in ("caption_fr", "caption_en") and "segments" in corrections:
                    corrections["segments"] = _without(corrections["segments"], name)
            case Act.UNDO:
                pass
    return State(verdict=verdict, rating=rating, note=note, tags=tags, corrections=corrections, alts=alts)


def _without(drawn: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Corrected segments that make this caption no more: it was given back to the machine, they were not."""
    return {**drawn, "captions": {field: text for field, text in drawn["captions"].items() if field != name}}


def captions_in(corrections: Mapping[str, Any]) -> dict[str, str]:
    """The curator's captions by field: of several corrections of one, what was said last counts."""
    captions: dict[str, str] = {}
    for name, value in corrections.items():
        if name == "segments":
            captions |= value["captions"]
        elif name in ("caption_fr", "caption_en"):
            captions[name] = value["text"]
    return captions


def digest_of(body: str) -> str:
    """What a correction of captions or segments says of the body that the curator had before him."""
    return hashlib.sha256(body.encode()).hexdigest()


def refresh(connection: Connection, post_ids: Sequence[int]) -> None:
    """Make anew what the decisions about these posts come to; one statement where there are none.

    Args:
        connection: a write transaction.
        post_ids: at most a thousand posts.
    """
    query = select(_decisions).where(_decisions.c.post_id.in_(post_ids)).order_by(_decisions.c.id)
    of_post: defaultdict[int, list[Row]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        of_post[row["post_id"]].append(row)
    if not of_post:
        return
    decided = list(of_post)
    for table in (_curation, _tags):
        connection.execute(delete(table).where(table.c.post_id.in_(decided)))
    curation: list[dict[str, Any]] = []
    tags: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []
    alts: dict[int, str | None] = {}
    present = _present(connection, of_post)
    columns = (_posts.c.id, _posts.c.body, _posts.c.published_at, _posts.c.shown_at)
    for post in connection.execute(select(*columns).where(_posts.c.id.in_(decided))):
        rows = of_post[post.id]
        state = state_of(row for row in rows if row["undone_by"] is None)
        alts |= {row["attachment_id"]: None for row in rows if row["attachment_id"] is not None}
        alts |= state.alts
        tags += [{"post_id": post.id, "folded": folded, "tag": tag} for folded, tag in state.tags.items()]
        # of a picture that the post no longer points to nothing is shown
        held = {number: alt for number, alt in state.alts.items() if number in present}
        decided_row = _curation_row(post.id, replace(state, alts=held), post.body)
        if state != State():
            curation.append(decided_row)
        at = decided_row["published_at"] or post.published_at
        if at != post.shown_at:
            shown.append({"row_id": post.id, "shown_at": at})
    for table, rows_ in ((_curation, curation), (_tags, tags)):
        if rows_:
            connection.execute(insert(table), rows_)
    if shown:
        connection.execute(update(_posts).where(_posts.c.id == bindparam("row_id")), shown)
    if alts:
        given = [{"row_id": number, "corrected_alt": alt} for number, alt in alts.items()]
        connection.execute(update(_attachments).where(_attachments.c.id == bindparam("row_id")), given)


def _present(connection: Connection, of_post: Mapping[int, Sequence[Row]]) -> set[int]:
    """The attachments that something was decided about and that their posts point to."""
    numbers = {row["attachment_id"] for rows in of_post.values() for row in rows} - {None}
    query = select(_attachments.c.id).where(_attachments.c.id.in_(numbers), _attachments.c.removed_at.is_(None))
    return set(connection.scalars(query)) if numbers else set()


def _curation_row(post_id: int, state: State, body: str) -> dict[str, Any]:
    captions, date = captions_in(state.corrections), state.corrections.get("published_at")
    drawn = state.corrections.get("segments")
    read = [state.corrections[name]["of"] for name in FIELDS[:3] if name in state.corrections]
    digest = digest_of(body) if read else None
    return {
        "post_id": post_id,
        "verdict": state.verdict,
        "rating": state.rating,
        "note": state.note,
        "caption_fr": captions.get("caption_fr"),
        "caption_en": captions.get("caption_en"),
        "published_at": date and datetime.fromisoformat(date["at"]),
        "published_precision": date and Precision(date["precision"]),
        "credit": state.corrections.get("credit"),
        "mission": state.corrections.get("mission"),
        "segments": drawn["segments"] if drawn and drawn["of"] == digest else None,
        "corrected": state.corrected or None,
        "outdated": any(of != digest for of in read),
    }
