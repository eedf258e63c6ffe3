"""What belongs to the posts of a batch: pictures, slices, tags, answers; a query each, however many posts there are."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Executable,
    any_,
    bindparam,
    case,
    func,
    literal,
    select,
)

from storage.export import rows
from storage.export.items import Picture, Slice
from storage.lookup import iso
from storage.views import assets, attachments, captures, curation, segments, tags

#: answers that are remembered: the posts of one page came with one answer, and are near each other
_REMEMBERED = 20_000

#: address, time and hash of an answer
Answer = tuple[str, str, str | None]


class Parts:
    """Reads the parts of posts by their numbers, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_list = connection.dialect.name == "postgresql"
        self._known: dict[int, Answer] = {}
        self._posts = rows.statement(connection.dialect.name)
        self._media = (
            select(attachments.c.post_id, attachments.c.kind, *_PICTURE)
            .select_from(attachments.outerjoin(assets, assets.c.sha256 == attachments.c.sha256))
            .where(self._among(attachments.c.post_id), attachments.c.removed_at.is_(None))
            .order_by(attachments.c.post_id, attachments.c.position, attachments.c.id)
        )
        self._slices = (
            select(segments.c.post_id, segments.c.lang, segments.c.start, segments.c.stop)
            .where(self._among(segments.c.post_id), segments.c.part == "body")
            .order_by(segments.c.post_id, segments.c.position)
        )
        self._drawn = select(curation.c.post_id, curation.c.segments).where(
            self._among(curation.c.post_id), curation.c.segments.is_not(None)
        )
        self._tags = (
            select(tags.c.post_id, tags.c.tag)
            .where(self._among(tags.c.post_id))
            .order_by(tags.c.post_id, tags.c.folded)
        )
        self._answers = select(captures.c.id, captures.c.url, captures.c.fetched_at, captures.c.sha256).where(
            self._among(captures.c.id)
        )

    def posts(self, ids: Sequence[int]) -> list[Any]:
        """The rows of ``storage.export.rows``, in no order."""
        return self._rows(self._posts, ids)

    def media(self, ids: Sequence[int]) -> tuple[dict[int, list[Picture]], dict[int, int]]:
        """The media of these posts, in order, and how many pictures are among them."""
        shown: defaultdict[int, list[Picture]] = defaultdict(list)
        counts: defaultdict[int, int] = defaultdict(int)
        for row in self._rows(self._media, ids):
            shown[row[0]].append(Picture._make(row[2:]))
            if row[1] == "image":
                counts[row[0]] += 1
        return shown, counts

    def slices(self, ids: Sequence[int]) -> dict[int, list[Slice]]:
        """The labelled slices of these posts: the curator's where he drew them, else the split's."""
        found: defaultdict[int, list[Slice]] = defaultdict(list)
        for row in self._rows(self._slices, ids):
            found[row[0]].append(row[1:])
        for post_id, drawn in self._rows(self._drawn, ids):
            found[post_id] = [(lang, start, stop) for lang, start, stop in json.loads(drawn)]
        return found

    def tags(self, ids: Sequence[int]) -> dict[int, list[str]]:
        """The curator's tags on these posts, in order."""
        found: defaultdict[int, list[str]] = defaultdict(list)
        for post_id, tag in self._rows(self._tags, ids):
            found[post_id].append(tag)
        return found

    def answers(self, ids: set[int]) -> Mapping[int, Answer]:
        """The recorded answers of these numbers; what is asked for again soon is remembered."""
        new = ids - self._known.keys()
        if new and len(self._known) > _REMEMBERED:
            self._known.clear()
            new = ids
        for number, url, at, sha256 in self._connection.execute(self._answers, self._given(sorted(new))):
            self._known[number] = url, iso(at), sha256
        return self._known

    def _among(self, column: ColumnElement[int]) -> ColumnElement[bool]:
        """A column is one of the numbers of the parameter ``ids``, however many: it is one parameter."""
        if self._is_list:
            return column == any_(bindparam("ids", type_=ARRAY(BigInteger)))
        return column.in_(select(func.json_each(bindparam("ids")).table_valued("value").c.value))

    def _given(self, ids: Sequence[int]) -> dict[str, Any]:
        return {"ids": ids if self._is_list else json.dumps(ids)}

    def _rows(self, statement: Executable, ids: Sequence[int]) -> list[Any]:
        """The rows as the driver has them: SQLAlchemy's own would be a tenth of the time, and nothing uses them."""
        with self._connection.execute(statement, self._given(ids)) as result:
            return list(result.cursor.fetchall())


# archive_media cannot be asked by post without reading all of it, for its key is put together from two columns; so
# its columns are made here once more, in the order of ``Picture``. A test compares every one of them with the view's.
_PICTURE = (
    attachments.c.position,
    attachments.c.state,
    attachments.c.reason,
    attachments.c.sha256,
    literal("media/")
    .op("||")(func.substr(assets.c.sha256, 1, 2))
    .op("||")("/")
    .op("||")(func.substr(assets.c.sha256, 3, 2))
    .op("||")("/")
    .op("||")(assets.c.sha256)
    .op("||")(".")
    .op("||")(assets.c.extension)
    .label("path"),
    func.coalesce(assets.c.media_type, attachments.c.media_type),
    assets.c.size,
    func.coalesce(assets.c.width, attachments.c.width),
    func.coalesce(assets.c.height, attachments.c.height),
    case(
        (attachments.c.corrected_alt.is_(None), attachments.c.alt),
        else_=func.nullif(attachments.c.corrected_alt, ""),
    ),
    attachments.c.credit,
    func.coalesce(attachments.c.fetched_url, attachments.c.url),
)
