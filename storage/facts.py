"""What a post is found and sorted by, from the tables as they are: for the index that is made of it, and to check it.

A post's place in time is one number, ``ordinal``: the second of its date (counted from the year 1, from 1 on; 0 when it
has none) and 24 bits that tell posts of one second apart. Newest first is ``ORDER BY ordinal DESC``.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from storage.search.documents import Texts

#: the columns of ``post_index`` that facts are compared by, in order: all but ``ordinal``
NAMES = (
    *("post_id", "source_id", "mission", "span", "has_fr", "has_en", "has_other", "verdict", "rating"),
    *("needs_review", "edited", "gone", "pictures"),
    *("media_stored", "media_pending", "media_failed", "media_gone", "media_skipped", "width", "height"),
)
#: bits of an ordinal below its second
TIE = 24

_STATES = ("stored", "pending", "failed", "gone", "skipped")
_NUMBER = re.compile(r"[0-9]+(?=[^0-9]*\Z)")


class Found(NamedTuple):
    """A post as it is to be found.

    Attributes:
        second: of its date, as ordinals count; 0 when it has none.
        tie: the 24 bits that tell it from others of its second, if they are free.
        facts: the values of ``NAMES``.
        texts: what is written in it.
    """

    second: int
    tie: int
    facts: tuple[Any, ...]
    texts: Texts

    @property
    def post_id(self) -> int:
        """The number of its row."""
        return int(self.facts[0])


class _Media(NamedTuple):
    states: Counter[str]
    pictures: int
    size: tuple[int | None, int | None]
    texts: list[str]


def read(connection: Connection, ids: Sequence[int]) -> list[Found]:
    """Posts by the numbers of their rows, in four statements; those that there are, in no order."""
    those = f"IN ({','.join(map(str, ids)) or 'NULL'})"
    slices: dict[int, list[Any]] = {}
    for row in connection.exec_driver_sql(_SLICES.format(those)):
        slices.setdefault(row[0], []).append(row)
    media: dict[int, list[Any]] = {}
    for row in connection.exec_driver_sql(_MEDIA.format(those)):
        media.setdefault(row[0], []).append(row)
    tags: dict[int, list[str]] = {}
    for post_id, tag in connection.exec_driver_sql(_TAGS.format(those)):
        tags.setdefault(post_id, []).append(tag)
    rows = connection.exec_driver_sql(_POSTS.format(those, second=_SECOND[connection.dialect.name]))
    return [_found(row, slices.get(row.id, ()), _media_of(media.get(row.id, ())), tags.get(row.id, ())) for row in rows]


def tie_of(native_id: str) -> int:
    """24 bits that keep posts of one second in the order of their numbers, where their ids have some."""
    number = _NUMBER.search(native_id)
    # the last digits suffice: a number of any length is cheap to read
    return (int(number[0][-18:]) if number else zlib.crc32(native_id.encode())) % (1 << TIE)


def _found(row: Any, slices: Sequence[Any], media: _Media, tags: Iterable[str]) -> Found:
    drawn = json.loads(row.drawn) if row.drawn else []
    fr = row.caption_fr if row.curated_fr is None else row.curated_fr or None
    en = row.caption_en if row.curated_en is None else row.curated_en or None
    langs = [lang for lang, *_ in drawn] or [lang for _, part, lang, *_ in slices if part == "body"]
    facts = (
        row.id,
        row.source_id,
        row.mission if row.curated_mission is None else row.curated_mission or None,
        None if row.second is None else {"day": 86400, "minute": 60}.get(row.precision, 1),
        fr is not None,
        en is not None,
        "other" in langs,
        row.verdict,
        row.rating,
        bool(row.needs_review),
        bool(row.edited),
        bool(row.gone),
        media.pictures,
        *(media.states[state] for state in _STATES),
        *media.size,
    )
    rest = [*_rest(row, slices), row.credit, row.author, row.content_warning, row.note, *media.texts]
    return Found(
        second=0 if row.second is None else row.second + 1,
        tie=tie_of(row.native_id),
        facts=facts,
        texts=Texts(
            fr=fr,
            en=en,
            title_fr=row.title_fr,
            title_en=row.title_en,
            rest=tuple(text for text in rest if text and not text.isspace()),
            tags=(*json.loads(row.hashtags), *tags),
        ),
    )


def _rest(row: Any, slices: Sequence[Any]) -> list[str | None]:
    """What of title and body stands in no caption that is shown."""
    texts: dict[str, str | None] = {"title": row.title, "body": row.body}
    found: dict[str, list[str | None]] = {
        part: [(text or "")[start:stop] for _, of, _, start, stop in slices if of == part]
        for part, text in texts.items()
    }
    if not (found["title"] or row.title_fr or row.title_en):  # it was not split
        found["title"] = [row.title]
    is_corrected = row.drawn or row.curated_fr is not None or row.curated_en is not None
    if is_corrected or not (found["body"] or row.caption_fr or row.caption_en):
        found["body"] = [row.body]
    return found["title"] + found["body"]


def _media_of(rows: Sequence[Any]) -> _Media:
    states: Counter[str] = Counter(row.state for row in rows)
    pictures = [row for row in rows if row.kind == "image"]
    measured = [(row.width, row.height) for row in pictures if row.width is not None and row.height is not None]
    return _Media(
        states=states,
        pictures=len(pictures),
        # the first of the largest
        size=max(measured, key=lambda size: size[0] * size[1], default=(None, None)),
        texts=[text for row in rows for text in (row.alt, row.credit) if text],
    )


#: seconds from the year 1 to a post's date; what it has of a second is cut off, not rounded
_SECOND = {
    "sqlite": "CAST(strftime('%s', substr(p.shown_at, 1, 19)) AS INTEGER) + 62135596800",
    "postgresql": "CAST(floor(extract(epoch FROM p.shown_at)) AS BIGINT) + 62135596800",
}
# needs_review, credit and the like are as archive_posts has them; a test compares every one of them with the view's
_POSTS = """
SELECT p.id, p.source_id, p.native_id, p.title, p.body, p.author, p.content_warning, p.hashtags,
    p.mission, p.caption_fr, p.caption_en, p.title_fr, p.title_en,
    c.mission AS curated_mission, c.caption_fr AS curated_fr, c.caption_en AS curated_en,
    nullif(c.segments, '[]') AS drawn, c.note, c.rating,
    coalesce(c.verdict, 'unreviewed') AS verdict,
    {second} AS second,
    coalesce(c.published_precision, p.published_precision) AS precision,
    CASE WHEN c.credit IS NULL THEN coalesce(p.credit, p.credit_line) ELSE c.credit END AS credit,
    CASE
        WHEN c.outdated THEN TRUE
        WHEN c.caption_fr IS NOT NULL OR c.caption_en IS NOT NULL
            THEN coalesce(c.published_at, p.published_at) IS NULL
        WHEN c.published_at IS NOT NULL THEN p.split_needs_review
        ELSE p.needs_review
    END AS needs_review,
    p.edited_at IS NOT NULL OR EXISTS (
        SELECT 1 FROM revisions AS r WHERE r.post_id = p.id AND r.why IN ('edited', 'told')
    ) AS edited,
    p.gone_at IS NOT NULL AS gone
FROM posts AS p LEFT JOIN curation AS c ON c.post_id = p.id
WHERE p.id {0}
"""
#: what is neither French nor English; in order
_SLICES = """
SELECT post_id, part, lang, start, stop FROM segments
WHERE lang NOT IN ('fr', 'en') AND post_id {}
ORDER BY post_id, part, position
"""
#: what the post shows; measured where the bytes are held, else the source's word
_MEDIA = """
SELECT a.post_id, a.kind, a.state, coalesce(s.width, a.width) AS width, coalesce(s.height, a.height) AS height,
    CASE WHEN a.corrected_alt IS NULL THEN a.alt ELSE a.corrected_alt END AS alt, a.credit
FROM attachments AS a LEFT JOIN assets AS s ON s.sha256 = a.sha256
WHERE a.removed_at IS NULL AND a.post_id {}
ORDER BY a.post_id, a.position, a.id
"""
_TAGS = "SELECT post_id, tag FROM tags WHERE post_id {} ORDER BY post_id, folded"
