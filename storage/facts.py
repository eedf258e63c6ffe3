"""What a post is found and sorted by, from the tables as they are: for the index that is made of it, and to check it.

A post's place in time is one number, ``ordinal``: the second of its date (counted from the year 1, from 1 on; 0 when it
has none) and 24 bits that tell posts of one second apart. Newest first is ``ORDER BY ordinal DESC``.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from storage.search.documents import Texts

#: the columns of ``post_index`` that facts are compared by, in order: all but ``ordinal``
NAMES = (
    *("post_id", "source_id", "mission", "day", "span", "has_fr", "has_en", "has_other", "verdict", "rating"),
    *("needs_review", "edited", "gone", "pictures"),
    *("media_stored", "media_pending", "media_failed", "media_gone", "media_skipped", "width", "height", "seen"),
)
#: bits of an ordinal below its second
TIE = 24

_WIDTHS = {"day": 86400, "minute": 60}
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


def read(connection: Connection, ids: Sequence[int]) -> list[Found]:
    """Posts by the numbers of their rows, in four statements; those that there are, in order."""
    those = f"IN ({','.join(map(str, ids)) or 'NULL'})"
    slices, media, tags = (_by_post(connection, query.format(those)) for query in (_SLICES, _MEDIA, _TAGS))
    dialect = connection.dialect.name
    rows = connection.exec_driver_sql(_POSTS.format(those, second=SECOND[dialect], seen=_SEEN[dialect]))
    return [_found(slices.get(row[0], ()), media.get(row[0], ()), tags.get(row[0], ()), *row) for row in rows]


def tie_of(native_id: str) -> int:
    """24 bits that keep posts of one second in the order of their numbers, where their ids have some."""
    number = _NUMBER.search(native_id)
    # the last digits suffice: a number of any length is cheap to read
    return (int(number[0][-18:]) if number else zlib.crc32(native_id.encode())) % (1 << TIE)


def _by_post(connection: Connection, query: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for post_id, *rest in connection.exec_driver_sql(query):
        found.setdefault(post_id, []).append(rest)
    return found


def _found(
    slices: Sequence[Any],
    media: Sequence[Any],
    tags: Sequence[Any],
    post_id: int,
    source_id: str,
    native_id: str,
    title: str | None,
    body: str,
    machine_fr: str | None,
    machine_en: str | None,
    title_fr: str | None,
    title_en: str | None,
    hashtags: str,
    author: str | None,
    content_warning: str | None,
    credit: str | None,
    note: str | None,
    curated_fr: str | None,
    curated_en: str | None,
    drawn: str | None,
    second: int | None,
    precision: str | None,
    mission: str | None,
    verdict: str,
    rating: int | None,
    needs_review: bool,
    edited: bool,
    gone: bool,
    seen: int,
) -> Found:
    """A post from a row of each kind of query, in the order of their columns."""
    fr = machine_fr if curated_fr is None else curated_fr or None
    en = machine_en if curated_en is None else curated_en or None
    langs = {lang for lang, *_ in json.loads(drawn)} if drawn else {lang for part, lang, *_ in slices if part == "body"}
    states = [state for _, state, *_ in media]
    pictures = [size for kind, _, *size, _, _ in media if kind == "image"]
    # the first of the largest
    width, height = max((size for size in pictures if None not in size), key=math.prod, default=(None, None))
    is_corrected = bool(drawn) or curated_fr is not None or curated_en is not None
    in_title = _beside(title, slices, "title", is_whole=title_fr is None and title_en is None)
    in_body = _beside(body, slices, "body", is_whole=machine_fr is None and machine_en is None)
    rest = [*in_title, *([body] if is_corrected else in_body), credit, author, content_warning, note]
    for *_, alt, credited in media:
        rest += (alt, credited)
    return Found(
        second=0 if second is None else second + 1,
        tie=tie_of(native_id),
        facts=(
            post_id,
            source_id,
            mission,
            None if second is None else second // 86400,
            None if second is None else _WIDTHS.get(precision or "", 1),
            fr is not None,
            en is not None,
            "other" in langs,
            verdict,
            rating,
            bool(needs_review),
            bool(edited),
            bool(gone),
            len(pictures),
            *map(states.count, _STATES),
            width,
            height,
            seen,
        ),
        texts=Texts(
            fr=fr,
            en=en,
            title_fr=title_fr,
            title_en=title_en,
            rest=tuple([text for text in rest if text and not text.isspace()]),
            tags=(*json.loads(hashtags), *[tag for (tag,) in tags]),
        ),
    )


def _beside(text: str | None, slices: Sequence[Any], part: str, *, is_whole: bool) -> list[str | None]:
    """What of a text is in no caption: its slices; all of it when it was not split."""
    found: list[str | None] = [(text or "")[start:stop] for of, _, start, stop in slices if of == part]
    return found or ([text] if is_whole else [])


#: seconds from the year 1 to a post's date; what it has of a second is cut off, not rounded
SECOND = {
    "sqlite": "CAST(strftime('%s', substr(p.shown_at, 1, 19)) AS INTEGER) + 62135596800",
    "postgresql": "CAST(floor(extract(epoch FROM p.shown_at)) AS BIGINT) + 62135596800",
}
#: microseconds from the year 1 to when a post was archived, as exact as that is
_SEEN = {
    "sqlite": (
        "(CAST(strftime('%s', substr(p.first_seen_at, 1, 19)) AS INTEGER) + 62135596800) * 1000000"
        " + CAST(substr(p.first_seen_at || '.000000', 21, 6) AS INTEGER)"
    ),
    "postgresql": "CAST(extract(epoch FROM p.first_seen_at) * 1000000 AS BIGINT) + 62135596800000000",
}
# mission, credit, needs_review and the like are as archive_posts has them; a test compares each with the view's
_POSTS = """
SELECT p.id, p.source_id, p.native_id, p.title, p.body, p.caption_fr, p.caption_en, p.title_fr, p.title_en,
    p.hashtags, p.author, p.content_warning,
    CASE WHEN c.credit IS NULL THEN coalesce(p.credit, p.credit_line) ELSE c.credit END,
    c.note, c.caption_fr, c.caption_en, nullif(c.segments, '[]'),
    {second},
    coalesce(c.published_precision, p.published_precision),
    CASE WHEN c.mission IS NULL THEN p.mission ELSE nullif(c.mission, '') END,
    coalesce(c.verdict, 'unreviewed'), c.rating,
    CASE
        WHEN c.outdated THEN TRUE
        WHEN c.caption_fr IS NOT NULL OR c.caption_en IS NOT NULL
            THEN coalesce(c.published_at, p.published_at) IS NULL
        WHEN c.published_at IS NOT NULL THEN p.split_needs_review
        ELSE p.needs_review
    END,
    p.edited_at IS NOT NULL OR EXISTS (
        SELECT 1 FROM revisions AS r WHERE r.post_id = p.id AND r.why IN ('edited', 'told')
    ),
    p.gone_at IS NOT NULL,
    {seen}
FROM posts AS p LEFT JOIN curation AS c ON c.post_id = p.id
WHERE p.id {0}
ORDER BY p.id
"""
#: what is neither French nor English; in order
_SLICES = """
SELECT post_id, part, lang, start, stop FROM segments
WHERE lang NOT IN ('fr', 'en') AND post_id {}
ORDER BY post_id, part, position
"""
#: what the post shows; measured where the bytes are held, else the source's word
_MEDIA = """
SELECT a.post_id, a.kind, a.state, coalesce(s.width, a.width), coalesce(s.height, a.height),
    CASE WHEN a.corrected_alt IS NULL THEN a.alt ELSE a.corrected_alt END, a.credit
FROM attachments AS a LEFT JOIN assets AS s ON s.sha256 = a.sha256
WHERE a.removed_at IS NULL AND a.post_id {}
ORDER BY a.post_id, a.position, a.id
"""
_TAGS = "SELECT post_id, tag FROM tags WHERE post_id {} ORDER BY post_id, folded"
