"""All that an archive holds of one post, as checked values that know no row: what is united, and what is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from scraper.capture import Access
from scraper.model import Asset, Attachment, MediaState
from storage.changes import Entry
from storage.states import Act, Why

#: what tells an attachment from its post's others: its key, and which of those with the same one
Place = tuple[str, int]
#: what one command decided: who, when, and its turn among those of that very moment
Batch = tuple[str, datetime, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the index says of an answer; its bytes are elsewhere."""

    requested_url: str
    url: str
    access: Access
    carry: str | None
    status: int
    headers: tuple[Any, ...]
    fetched_at: datetime
    sha256: str | None
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """An attachment that a post has or had, and how far it was from being held where this was written."""

    item: Attachment
    place: Place
    position: int
    state: MediaState
    reason: str | None
    attempts: int
    next_attempt_at: datetime | None
    asset: Asset | None
    asset_since: datetime | None
    fetched_url: str | None
    first_seen_at: datetime
    removed_at: datetime | None
    answer: Answer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An earlier state of a post; ``media`` are its attachments as ``revisions`` has them."""

    entry: Entry
    media: tuple[Mapping[str, Any], ...]
    why: Why
    fields: tuple[str, ...]
    changed_at: datetime
    replaced_at: datetime
    answer: Answer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision; ``value`` of one that took others back is their ``Batch``, ``undone`` is who took this one back."""

    batch: Batch
    kind: Act
    field: str | None
    value: Any
    medium: Place | None
    undone: Batch | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A time in which a post was gone at its source; ``back_at`` is None while it is."""

    gone_at: datetime
    back_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Everything about one post; see ``storage.schema`` for what the fields mean."""

    entry: Entry
    content_hash: str
    changed_at: datetime
    answer: Answer | None
    first_seen_at: datetime
    gone_at: datetime | None
    back_at: datetime | None
    media: tuple[Medium, ...]
    revisions: tuple[Past, ...]
    absences: tuple[Absence, ...]
    decisions: tuple[Decided, ...]

    @property
    def key(self) -> str:
        """The post's."""
        return self.entry[0].key


def without_files(dossier: Dossier, missing: frozenset[str]) -> Dossier:
    """The same where the files of these hashes are not there: their attachments are wanted."""
    if not any(item.asset is not None and item.asset.sha256 in missing for item in dossier.media):
        return dossier
    wanted: dict[str, Any] = {"state": MediaState.PENDING, "reason": None, "attempts": 0, "next_attempt_at": None}
    wanted |= {"asset": None, "asset_since": None, "fetched_url": None, "answer": None}
    media = [
        replace(item, **wanted) if item.asset is not None and item.asset.sha256 in missing else item
        for item in dossier.media
    ]
    return replace(dossier, media=tuple(media))
