"""What is held, in batches, to be read anew; and what recording would come to, without doing it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from storage.changes import Change, Decision, Entry, content_hash, decide
from storage.columns import safe
from storage.engine import Database
from storage.filters import Filters
from storage.fulltext import whole
from storage.posts import load_entries
from storage.revisions import edited
from storage.schema import CaptureRecord, PostRecord, SourceRecord, rows_of
from storage.tombstones import buried
from storage.views import post_index

#: posts that are loaded at once
BATCH = 300

_posts, _sources, _captures = rows_of(PostRecord), rows_of(SourceRecord), rows_of(CaptureRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would become of a post: what is held of it at present (None: nothing), and what would be then."""

    stored: Entry | None
    decision: Decision


class Seen:
    """Which posts of a source have been met: a bit for each row, and the ids of those that have none yet."""

    def __init__(self) -> None:
        self._rows = bytearray()
        self._others: set[str] = set()

    def add(self, native_id: str, row: int | None) -> bool:
        """Note a post; whether it was met for the first time."""
        if native_id in self._others:
            return False
        if row is None:
            self._others.add(native_id)
            return True
        if self.holds(row):
            return False
        at, bit = divmod(row, 8)
        if at >= len(self._rows):
            self._rows.extend(bytes(at + 1 - len(self._rows) + len(self._rows) // 8))
        self._rows[at] |= 1 << bit
        return True

    def holds(self, row: int) -> bool:
        """Whether the post of a row was met."""
        at, bit = divmod(row, 8)
        return at < len(self._rows) and bool(self._rows[at] & 1 << bit)


def kind_of(database: Database, source_id: str) -> tuple[str, str | None]:
    """The kind and address with which a source was visited last; both empty when it never was."""
    query = select(_sources.c.kind, _sources.c.url).where(_sources.c.id == source_id)
    with database.read() as connection:
        row = connection.execute(query).first()
    return ("", None) if row is None else (row.kind, row.url)


def rows_by_id(database: Database, source_id: str, native_ids: Sequence[str]) -> dict[str, int]:
    """The row of each of these posts of a source that is held."""
    wanted = {safe(native_id): native_id for native_id in native_ids}
    mine = (_posts.c.source_id == source_id, _posts.c.native_id.in_(list(wanted)))
    with database.read() as connection:
        rows = connection.execute(select(_posts.c.native_id, _posts.c.id).where(*mine))
        return {wanted[row.native_id]: row.id for row in rows}


def previews(database: Database, source_id: str, entries: Sequence[Entry]) -> list[Preview]:
    """What recording these posts of one source would come to, in their order; nothing is recorded."""
    found: list[Preview] = []
    fresh = {safe(post.native_id): (post, reading) for post, reading in entries}
    mine = (_posts.c.source_id == source_id, _posts.c.native_id.in_(list(fresh)))
    with database.read() as connection:
        query = select(_posts.c.native_id, _posts.c.id, _posts.c.content_hash).where(*mine)
        known = {row.native_id: (row.id, row.content_hash) for row in connection.execute(query)}
        changed = [known[name][0] for name in known if known[name][1] != content_hash(fresh[name])]
        stored = load_entries(connection, changed)
        gone = buried(connection, source_id, [name for name in fresh if name not in known])
    for name, entry in fresh.items():
        row = known.get(name)
        if row is None:
            found.append(Preview(stored=None, decision=decide(None, entry, buried=name in gone)))
        elif row[0] in stored:
            found.append(Preview(stored=stored[row[0]], decision=decide(stored[row[0]], entry)))
        else:
            found.append(Preview(stored=entry, decision=Decision(change=Change.UNCHANGED, entry=entry)))
    return found


def batches(database: Database, filters: Filters) -> Iterator[list[int]]:
    """The rows of the posts that pass, some hundred at a time, as they were when it began."""
    query = select(post_index.c.post_id).limit(filters.limit)
    with database.read() as connection:
        statement = query.where(*whole(connection, filters)).order_by(post_index.c.post_id)
        rows = array("q", connection.execute(statement, execution_options={"yield_per": 1000}).scalars())
    for at in range(0, len(rows), BATCH):
        yield list(rows[at : at + BATCH])


def entries(database: Database, rows: Sequence[int]) -> list[tuple[Entry, bool]]:
    """The posts of these rows with what their texts were read to say, and whether their source has ever edited them.

    Those taken out meanwhile are left out.
    """
    with database.read() as connection:
        changed = edited(connection, rows)
        return [(entry, row in changed) for row, entry in load_entries(connection, rows).items()]


def captured(database: Database, rows: Sequence[int]) -> list[tuple[int, str]]:
    """Of these rows those that came with an answer that is recorded, and their posts' keys."""
    query = select(_posts.c.id, _posts.c.source_id, _posts.c.native_id)
    # of a post that was brought in the answer is told, and its bytes are elsewhere
    query = query.join(_captures, _captures.c.id == _posts.c.capture_id).where(_captures.c.file.is_not(None))
    with database.read() as connection:
        found = connection.execute(query.where(_posts.c.id.in_(rows)))
        return [(row.id, f"{row.source_id}:{row.native_id}") for row in found]
