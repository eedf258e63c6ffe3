"""The SQL conditions that filters mean, all over one table: ``post_index``, a narrow row for each post.

What is looked for in texts is in ``storage.fulltext``, which joins both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    false,
    literal_column,
    not_,
    or_,
    select,
    true,
    union,
)

from storage.columns import safe
from storage.dialects import among, named
from storage.errors import UnknownKey
from storage.filters import Filters, split_key
from storage.folding import fold_tag
from storage.likeness import files_like
from storage.views import attachments, curation, fingerprints, hashtags, post_index, posts, tags

#: the first place in time of a post that has a date; below it are those without
DATED = 1 << 24
#: the widest interval that a post's date can be, in seconds
_DAY = 86_400
#: values that are walked through one by one; SQLite joins at most 500 statements
_MOST = 100
_MICROSECOND = timedelta(microseconds=1)
#: the second of a post's date, counted from the first one of the year 1; for one with a date
SECOND: ColumnElement[int] = literal_column("(post_index.ordinal / 16777216 - 1)", BigInteger)
# in the very words of the indexes that hold a part of the rows only: SQLite compares them
NONE: ColumnElement[int] = literal_column("0")
_START = datetime.min.replace(tzinfo=UTC)
_CAPTIONS = {"fr": post_index.c.has_fr, "en": post_index.c.has_en, "other": post_index.c.has_other}


@dataclass(frozen=True, slots=True)
class Set:
    """Posts that another table than the index tells: those of any of ``parts``, selects of one column.

    ``column`` is what of the index stands in them: ``post_id`` or ``ordinal``.
    """

    column: ColumnElement[int]
    parts: tuple[Select[Any], ...]

    @property
    def ids(self) -> Any:
        """All of them, each once or more often, as a statement."""
        return self.parts[0] if len(self.parts) == 1 else union(*self.parts)

    def whole(self) -> ColumnElement[bool]:
        """A row of the index is one of them; for a statement that looks at all of them anyhow."""
        return self.column.in_(self.ids)

    def one(self) -> ColumnElement[bool]:
        """The same, asked for each row by itself; for a statement that stops after a page."""
        return or_(*(part.where(part.selected_columns[0] == self.column).exists() for part in self.parts))


def own(filters: Filters) -> Iterator[ColumnElement[bool]]:
    """What the index's own row tells."""
    index = post_index.c
    if filters.source:
        yield _any(index.source_id, filters.source)
    if filters.mission:
        yield _any(index.mission, [safe(mission) for mission in filters.mission])
    if filters.verdict:
        yield _any(index.verdict, filters.verdict)
        if "unreviewed" not in filters.verdict:
            yield index.verdict != literal_column("'unreviewed'")
    for lang in sorted(set(filters.lang)):
        yield _CAPTIONS[lang] == true()
    for lang in sorted(set(filters.lacks_lang)):
        yield _CAPTIONS[lang] == false()
    for wanted, column in (
        (filters.needs_review, index.needs_review),
        (filters.edited, index.edited),
        (filters.gone, index.gone),
    ):
        if wanted is not None:
            yield column == (true() if wanted else false())
    yield from _dated(filters)
    if filters.seen_since is not None:
        yield index.seen >= _microseconds(filters.seen_since)
    if filters.seen_until is not None:
        yield index.seen < _microseconds(filters.seen_until)
    yield from _rated(filters)
    yield from _pictured(filters)
    if filters.noted is False:
        yield not_(exists().where(curation.c.post_id == index.post_id, *_NOTED))


def alternatives(filters: Filters) -> tuple[ColumnElement[bool], ...]:
    """One of these holds of every post that passes, where several values of a column with an index are asked for.

    An index has the posts of each value in order, not those of several: each is walked through by itself.
    """
    for column, values in (
        (post_index.c.source_id, filters.source),
        (post_index.c.mission, tuple(map(safe, filters.mission))),
    ):
        if 1 < len(different := dict.fromkeys(values)) <= _MOST:
            return tuple(column == value for value in different)
    return ()


def sets(connection: Connection, filters: Filters) -> Iterator[Set]:
    """What other tables tell, each a set of posts; those that are likely small come first.

    Raises:
        UnknownKey: the archive does not hold what ``like`` names.
    """
    if filters.keys is not None:
        pairs = [split_key(safe(key)) for key in filters.keys]
        one_of = among(connection, posts.c.source_id, posts.c.native_id, pairs)
        yield Set(post_index.c.post_id, (select(posts.c.id).where(one_of),))
    if filters.files is not None:
        shown = (attachments.c.sha256.in_(filters.files), attachments.c.removed_at.is_(None))
        yield Set(post_index.c.post_id, (select(attachments.c.post_id).where(*shown),))
    if filters.like is not None:
        alike = named(connection, attachments.c.sha256, _files_like(connection, safe(filters.like.strip())))
        yield Set(post_index.c.post_id, (select(attachments.c.post_id).where(alike, *_SHOWN),))
    if filters.noted:
        yield Set(post_index.c.post_id, (select(curation.c.post_id).where(*_NOTED),))
    for tag in filters.curator_tag:
        yield Set(post_index.c.post_id, (_tagged(tags, tag),))
    for tag in filters.hashtag:
        yield Set(post_index.c.post_id, (_tagged(hashtags, tag),))
    for tag in filters.tag:
        yield Set(post_index.c.post_id, (_tagged(hashtags, tag), _tagged(tags, tag)))


def _files_like(connection: Connection, like: str) -> list[str]:
    """The pictures that are those of a post, or the one of a hash, or look like them."""
    if re.fullmatch(r"[0-9a-fA-F]{64}", like):
        own = [like.lower()]
        pointing = select(attachments.c.id).where(attachments.c.sha256 == own[0], *_SHOWN)
        if connection.scalar(pointing.limit(1)) is None:
            raise UnknownKey(f"no post shows a picture with the SHA-256 {own[0]}", key=like)
    else:
        source, native_id = split_key(like)
        of_key = and_(posts.c.source_id == source, posts.c.native_id == native_id)
        bare = like.rstrip("/")
        which = posts.c.url.in_((like, bare, f"{bare}/")) if like.startswith(("http://", "https://")) else of_key
        ids = list(connection.scalars(select(posts.c.id).where(which)))
        if not ids:
            raise UnknownKey(f"the archive has no post {like[:200]!r} to look for the like of", key=like)
        held = select(attachments.c.sha256).where(attachments.c.post_id.in_(ids), *_SHOWN)
        own = list(connection.scalars(held.where(attachments.c.sha256.is_not(None)).distinct()))
    looks = select(fingerprints.c.hash).where(named(connection, fingerprints.c.sha256, own))
    hashes = connection.scalars(looks.where(fingerprints.c.hash.is_not(None)).distinct())
    return sorted({*own, *files_like(connection, hashes)})


_SHOWN = (attachments.c.removed_at.is_(None), attachments.c.kind == "image")
_NOTED = (curation.c.note.is_not(None), curation.c.note != "")


def _tagged(table: Any, tag: str) -> Select[Any]:
    return select(table.c.post_id).where(table.c.folded == safe(fold_tag(tag)))


def _any(column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    different = list(dict.fromkeys(values))
    return column == different[0] if len(different) == 1 else column.in_(different)


def between(filters: Filters, ordinal: ColumnElement[int]) -> Iterator[ColumnElement[bool]]:
    """What an order by time can use of the filters, for a column of ordinals; it may let through a day too much."""
    if filters.undated:
        yield ordinal < DATED
    elif filters.undated is False or filters.since is not None or filters.until is not None:
        since = None if filters.since is None else _place(math.floor(_seconds(filters.since)) - _DAY)
        yield ordinal >= max(DATED, since or 0)
    if filters.until is not None:
        yield ordinal < _place(math.ceil(_seconds(filters.until)))


def _dated(filters: Filters) -> Iterator[ColumnElement[bool]]:
    """The interval of a post's date overlaps the bounds: it starts before ``until``, it ends after ``since``."""
    yield from between(filters, post_index.c.ordinal)
    if filters.since is not None:
        yield SECOND + post_index.c.span > math.floor(_seconds(filters.since))


def _seconds(at: datetime) -> float:
    passed = at - _START
    return passed.days * _DAY + passed.seconds + (0.5 if passed.microseconds else 0)


def _microseconds(at: datetime) -> int:
    return (at - _START) // _MICROSECOND


def _place(second: int) -> int:
    """The first ordinal of a second."""
    return max(0, second + 1) << 24


def _rated(filters: Filters) -> Iterator[ColumnElement[bool]]:
    rating = post_index.c.rating
    if filters.unrated is not None:
        yield rating.is_(None) if filters.unrated else rating.is_not(None)
    if filters.rating is not None or filters.rating_most is not None:
        yield rating.is_not(None)
    if filters.rating is not None:
        yield rating >= filters.rating
    if filters.rating_most is not None:
        yield rating <= filters.rating_most


def _pictured(filters: Filters) -> Iterator[ColumnElement[bool]]:
    index = post_index.c
    if filters.has_picture is not None:
        yield index.pictures > 0 if filters.has_picture else index.pictures == 0
    if filters.media:
        yield or_(*(index[f"media_{state}"] > NONE for state in sorted(set(filters.media))))
    for least, most, column in (
        (filters.min_width, filters.max_width, index.width),
        (filters.min_height, filters.max_height, index.height),
    ):
        if least is not None:
            yield column >= least
        if most is not None:
            yield column <= most
    match filters.orientation:
        case "landscape":
            yield index.width > index.height
        case "portrait":
            yield index.width < index.height
        case "square":
            yield index.width == index.height
