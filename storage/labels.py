"""The curator's corrections of captions and cuts as labels: what the splitter's answer is to be measured by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from storage.decisions import captions_in, digest_of, state_of
from storage.engine import Database
from storage.filters import Filters
from storage.fulltext import whole
from storage.schema import DecisionRecord, PostRecord, rows_of
from storage.states import Act
from storage.views import post_index

#: posts that are loaded at once
BATCH = 300

_decisions, _posts = rows_of(DecisionRecord), rows_of(PostRecord)
_FIELDS = ("caption_fr", "caption_en", "segments")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a curator says about one post's text.

    ``fr`` and ``en`` are the right captions: None where nothing was said of it, empty where there is none.
    ``segments`` are (language, start, end) in code points and make up ``body``, where the curator drew them.
    ``outdated``: the text was edited since, so that what was said is of another one.
    """

    key: str
    source: str
    body: str
    fr: str | None
    en: str | None
    segments: tuple[tuple[str, int, int], ...] | None
    outdated: bool


def labels(database: Database, filters: Filters) -> Iterator[Label]:
    """The posts that pass and whose captions or cuts are corrected, in the order in which they were recorded.

    They are read as they are taken, in one transaction. A correction that was taken back is none.

    Raises:
        StorageError: the archive cannot be read.
    """
    said = select(_decisions.c.post_id).where(
        _decisions.c.kind == Act.CORRECTION, _decisions.c.field.in_(_FIELDS), _decisions.c.undone_by.is_(None)
    )
    with database.read() as connection:
        number, wanted = post_index.c.post_id, whole(connection, filters)
        query = select(number).where(*wanted, number.in_(said)).order_by(number).limit(filters.limit)
        rows = list(connection.execute(query).scalars())
        for at in range(0, len(rows), BATCH):
            yield from _labels(connection, rows[at : at + BATCH])


def _labels(connection: Connection, rows: Sequence[int]) -> Iterator[Label]:
    given: defaultdict[int, list[Any]] = defaultdict(list)
    query = select(_decisions).where(_decisions.c.post_id.in_(rows), _decisions.c.undone_by.is_(None))
    for decision in connection.execute(query.order_by(_decisions.c.id)).mappings():
        given[decision["post_id"]].append(decision)
    columns = (_posts.c.id, _posts.c.source_id, _posts.c.native_id, _posts.c.body)
    for post in connection.execute(select(*columns).where(_posts.c.id.in_(rows)).order_by(_posts.c.id)):
        corrections = state_of(given[post.id]).corrections
        told = [corrections[name] for name in _FIELDS if name in corrections]
        if not told:
            # said, and then given back to the machine
            continue
        captions = captions_in(corrections)
        digest = digest_of(post.body)
        drawn = corrections.get("segments")
        # captions that were said after the segments were drawn count for more than these
        whole = drawn is not None and captions == drawn["captions"]
        yield Label(
            key=f"{post.source_id}:{post.native_id}",
            source=post.source_id,
            body=post.body,
            fr=captions.get("caption_fr"),
            en=captions.get("caption_en"),
            segments=tuple((lang, start, end) for lang, start, end in drawn["segments"]) if drawn and whole else None,
            outdated=any(value["of"] != digest for value in told),
        )
