"""The rows of posts that are taken out for good: what they lead to, and their end; inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection, Table, delete, func, or_, select, update

from scraper.model import Lang
from storage import removals
from storage.blobs import relative_path
from storage.dialects import upsert
from storage.portions import portions
from storage.schema import (
    AssetRecord,
    AttachmentRecord,
    CaptureRecord,
    FailureRecord,
    PostRecord,
    RevisionRecord,
    SegmentRecord,
    TombstoneRecord,
    ValidatorRecord,
    rows_of,
)
from storage.tombstones import TELLING, key_hash
from storage.traces import LINE, Traces

_posts, _revisions, _segments = rows_of(PostRecord), rows_of(RevisionRecord), rows_of(SegmentRecord)
_attachments, _assets = rows_of(AttachmentRecord), rows_of(AssetRecord)
_captures, _validators, _failures = rows_of(CaptureRecord), rows_of(ValidatorRecord), rows_of(FailureRecord)
_tombstones = rows_of(TombstoneRecord)

#: tables whose rows may name an answer
_NAMING = (_posts, _revisions, _attachments, _failures, _validators)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """Posts that are to go, and what leads to their words and pictures.

    ``posts`` are keys by row, ``names`` their ids (but for short ones, which may be anything), ``answers`` the rows of
    the answers that they came with, ``pictures`` the hashes of what only they point to, with the paths of the files.
    ``newest`` is the last answer there was when this was read.
    """

    posts: Mapping[int, str]
    names: frozenset[str]
    sources: frozenset[str]
    traces: Traces
    urls: frozenset[str]
    answers: frozenset[int]
    pictures: Mapping[str, str]
    newest: int

    def is_named_in(self, address: str) -> bool:
        """Whether an address is of one of these posts alone: of its history, say."""
        return not self.names.isdisjoint(map(unquote, urlsplit(address).path.split("/")))


@dataclass(slots=True, kw_only=True)
class Answers:
    """What becomes of the index of answers: rows whose bytes go, and the places that others move to."""

    gone: set[int] = field(default_factory=set)
    #: rows by file and place, to the new file and place
    moved: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)


def doomed(connection: Connection, posts: Mapping[int, str]) -> Doomed:
    """What the words and pictures of these posts (keys by row) are found by."""
    ids = list(posts)
    texts: set[str] = set()
    urls: set[str] = set()
    own_pages: set[str] = set()
    pictures: set[str] = set()
    answers: set[int] = set()
    sources: set[str] = set()
    for table, column in ((_posts, _posts.c.id), (_revisions, _revisions.c.post_id)):
        for row in _rows(connection, table, column, ids):
            texts |= {text for text in (row["body"], row["title"]) if text}
            own_pages |= {row["url"]} - {None}
            answers |= {row["capture_id"]} - {None}
            sources |= {row["source_id"]} if table is _posts else set()
            if table is _revisions:
                stated = row["attachments"]
                texts |= {item["alt"] for item in stated if item["alt"]}
                pictures |= {item["sha256"] for item in stated} - {None}
                urls |= {url for item in stated for url in (item["url"], item["fetched_url"], *item["alternatives"])}
    texts |= set(_slices(connection, ids))
    for row in _rows(connection, _attachments, _attachments.c.post_id, ids):
        texts |= {row["alt"]} - {None}
        urls |= {row["url"], row["fetched_url"], *row["alternatives"]}
        pictures |= {row["sha256"]} - {None}
        answers |= {row["capture_id"]} - {None}
    found = frozenset(url for url in (*urls, *_unshared(connection, own_pages, posts)) if url)
    pictures |= _replaced(connection, pictures, urls, sources, posts)
    return Doomed(
        posts=posts,
        names=frozenset(name for key in posts.values() if len(name := key.partition(":")[2]) >= TELLING),
        sources=frozenset(sources),
        traces=Traces(texts, {*found, *_paths(urls)}),
        urls=found,
        answers=frozenset(answers),
        pictures=dict(_only_theirs(connection, pictures, posts)),
        newest=connection.scalar(select(func.max(_captures.c.id))) or 0,
    )


def erase(connection: Connection, going: Doomed, answers: Answers, *, reason: str, who: str, now: datetime) -> None:
    """End every row that holds a word of the posts, and note which files have to go and who said so.

    Args:
        connection: a write transaction.
        going: the posts.
        answers: the answers whose bytes go, and where the others lie from now on; the files are in place.
        reason: why; held in the tombstones.
        who: said so; likewise.
        now: aware UTC.
    """
    graves = [
        {"key_hash": key_hash(key), "source_id": key.partition(":")[0], "reason": reason, "who": who, "at": now}
        for key in going.posts.values()
    ]
    again = {"reason": reason, "who": who, "at": now, "done_at": None}
    dig = upsert(connection, _tombstones).on_conflict_do_update(index_elements=["key_hash"], set_=again)
    connection.execute(dig, graves)
    ids, keys = list(going.posts), list(going.posts.values())
    for table, column, values in (
        (_failures, _failures.c.key, keys),
        (_failures, _failures.c.url, list(going.urls)),
        (_failures, _failures.c.capture_id, list(answers.gone)),
        (_validators, _validators.c.capture_id, list(answers.gone)),
        # what belongs to a post goes with it
        (_posts, _posts.c.id, ids),
    ):
        for some in portions(values):
            connection.execute(delete(table).where(column.in_(some)))
    for some in portions(list(going.pictures)):
        connection.execute(delete(_assets).where(_assets.c.sha256.in_(some)))
    _end_answers(connection, going, answers.gone)
    for (file, offset), (new_file, new_offset) in answers.moved.items():
        there = (_captures.c.file == file, _captures.c.offset == offset)
        connection.execute(update(_captures).where(*there).values(file=new_file, offset=new_offset))
    removals.listed(connection, going.pictures.values())


def unfinished(connection: Connection) -> int:
    """How many posts were taken out of which a byte may be left."""
    return connection.scalar(select(func.count()).where(_tombstones.c.done_at.is_(None))) or 0


def finished(connection: Connection, now: datetime) -> None:
    """Note that no byte is left of what was taken out."""
    connection.execute(update(_tombstones).where(_tombstones.c.done_at.is_(None)).values(done_at=now))


def _end_answers(connection: Connection, going: Doomed, gone: set[int]) -> None:
    """Answers that other posts came with keep their row without its bytes; those that nobody names go."""
    for some in portions(sorted(gone)):
        connection.execute(
            update(_captures).where(_captures.c.id.in_(some)).values(file=None, offset=None, length=None)
        )
    # a picture's answer has no bytes of its own; it is known by its address
    of_pictures: list[int] = []
    for urls in portions(list(going.urls)):
        query = select(_captures.c.id).where(
            _captures.c.source_id.in_(going.sources),
            or_(_captures.c.requested_url.in_(urls), _captures.c.url.in_(urls)),
            _captures.c.file.is_(None),
        )
        of_pictures += connection.scalars(query)
    for some in portions(sorted(gone.union(of_pictures, going.answers))):
        named: set[int | None] = set()
        for table in _NAMING:
            named |= set(connection.scalars(select(table.c.capture_id).where(table.c.capture_id.in_(some)).distinct()))
        unnamed = (_captures.c.id.in_([number for number in some if number not in named]), _captures.c.file.is_(None))
        connection.execute(delete(_captures).where(*unnamed))


def _slices(connection: Connection, ids: list[int]) -> Iterator[str]:
    """What the posts say in a language, part by part: pages may put anything between two of them."""
    query = (
        select(_segments.c.start, _segments.c.stop, _posts.c.body)
        .join(_posts, _posts.c.id == _segments.c.post_id)
        .where(_segments.c.part == "body", _segments.c.lang != Lang.NONE)
    )
    for some in portions(ids):
        for row in connection.execute(query.where(_segments.c.post_id.in_(some))):
            yield row.body[row.start : row.stop]


def _paths(urls: Iterable[str | None]) -> Iterator[str]:
    """The paths of pictures' addresses, as pages of the same host write them; short ones may be anybody's."""
    for url in urls:
        path = urlsplit(url or "").path
        if len(path) >= LINE:
            yield path


def _unshared(connection: Connection, urls: set[str], ids: Container[int]) -> set[str]:
    """Those addresses of posts that are not also other posts': a page's address is no trace of one of its posts."""
    shared: set[str] = set()
    for some in portions(sorted(urls)):
        for row in connection.execute(select(_posts.c.url, _posts.c.id).where(_posts.c.url.in_(some))):
            if row.id not in ids:
                shared.add(row.url)
    return urls - shared


def _replaced(
    connection: Connection, known: set[str], urls: Iterable[str | None], sources: Iterable[str], ids: Container[int]
) -> set[str]:
    """The hashes of what pictures' addresses gave before they gave something else; not where others point there, too.

    No attachment leads there any more: a damaged picture is fetched again, and its address may give others by then.
    """
    found: dict[str, str] = {}
    for some in portions(sorted({url for url in urls if url})):
        query = select(_captures.c.sha256, _captures.c.requested_url).where(
            _captures.c.source_id.in_(sources),
            _captures.c.requested_url.in_(some),
            _captures.c.file.is_(None),
            _captures.c.sha256.is_not(None),
        )
        found |= {row.sha256: row.requested_url for row in connection.execute(query) if row.sha256 not in known}
    shared: set[str] = set()
    for some in portions(sorted(set(found.values()))):
        pointing = select(_attachments.c.url, _attachments.c.post_id).where(_attachments.c.url.in_(some))
        shared |= {row.url for row in connection.execute(pointing) if row.post_id not in ids}
    return {sha256 for sha256, url in found.items() if url not in shared}


def _only_theirs(connection: Connection, hashes: set[str], ids: Container[int]) -> Iterator[tuple[str, str]]:
    """The pictures that no other post has, with their paths."""
    for some in portions(sorted(hashes)):
        pointing = select(_attachments.c.sha256, _attachments.c.post_id).where(_attachments.c.sha256.in_(some))
        elsewhere = {row.sha256 for row in connection.execute(pointing) if row.post_id not in ids}
        query = select(_assets.c.sha256, _assets.c.extension).where(_assets.c.sha256.in_(some))
        for row in connection.execute(query):
            if row.sha256 not in elsewhere:
                yield row.sha256, relative_path(row.sha256, row.extension)


def _rows(connection: Connection, table: Table, column: Any, ids: list[int]) -> Iterator[Mapping[Any, Any]]:
    for some in portions(ids):
        yield from connection.execute(select(table).where(column.in_(some))).mappings()
