"""One post whole, found by its key or its address, and where all of it came from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from storage.engine import Database
from storage.errors import UnknownKey
from storage.filters import split_key
from storage.links import Link, links_of
from storage.loading import posts_of
from storage.postview import PostView
from storage.views import attachments, captures, curation, posts, runs

#: keys that are compared with one that is not known
CANDIDATES = 1000
#: keys that are offered in its place
OFFERED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DateProvenance:
    """How the post's date was decided.

    ``origin`` is ``api``, ``page`` or ``caption``; ``zone_known`` False means that UTC was taken because
    nothing said which zone. ``stated`` is the platform's own date where it has one, and ``credit_line`` what
    the caption says, with its day read day first (``credit_day``) and month first (``other_reading``).
    """

    at: str | None
    precision: str | None
    origin: str | None
    zone_known: bool | None
    stated: str | None
    stated_precision: str | None
    stated_origin: str | None
    credit_line: str | None
    credit_day: str | None
    other_reading: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProvenance:
    """The run that brought the post's present state; times are ISO 8601 with ``Z``."""

    id: int
    status: str
    started_at: str
    ended_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureProvenance:
    """An answer: what was asked, who answered what and when, its hash, and where its bytes lie.

    ``file``, ``offset`` and ``length`` find the record in ``warc/``; they are None for a picture. ``captured_at`` is
    when an archive (the Internet Archive, say) had captured what it gave on ``fetched_at``; None for any other host.
    """

    id: int
    requested_url: str
    url: str
    status: int
    fetched_at: str
    captured_at: str | None
    sha256: str | None
    size: int | None
    file: str | None
    offset: int | None
    length: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaProvenance:
    """How a picture came to its state, and when it will be tried again if it will."""

    position: int
    state: str
    reason: str | None
    attempts: int
    next_attempt_at: str | None
    capture: CaptureProvenance | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a post came from; ``capture`` is None for a post that no answer is recorded for.

    ``back_at`` is when it was last seen again after it had been gone, ``note`` the curator's. ``opt_outs`` are labels
    (``noindex``, say) by which its author asked not to be archived; the configuration gave a reason to do it yet.
    """

    run: RunProvenance
    capture: CaptureProvenance | None
    date: DateProvenance
    media: tuple[MediaProvenance, ...]
    split_confidence: float
    content_hash: str
    first_seen_at: str
    changed_at: str
    back_at: str | None
    note: str | None
    opt_outs: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The object under ``provenance`` in ``show --json``."""
        return asdict(self) | {"media": [asdict(item) for item in self.media]}


def show(database: Database, key: str) -> tuple[PostView, Provenance]:
    """The post of a key or of an address, and its provenance.

    Raises:
        UnknownKey: there is none, or the address is that of several; ``nearest`` has keys that may be meant.
        StorageError: the archive cannot be read.
    """
    with database.read() as connection:
        _, post_id = locate(connection, key)
        (post,) = posts_of(connection, [post_id])
        return post, _provenance(connection, post_id)


def linked(database: Database, key: str) -> tuple[Link, ...]:
    """The posts that the post of a key or of an address is linked with, in the order in which they were published.

    Raises:
        UnknownKey: as ``show``.
        StorageError: the archive cannot be read.
    """
    with database.read() as connection:
        return links_of(connection, locate(connection, key)[1])


def resolve(database: Database, key: str) -> str:
    """The key that ``key`` is, or that the post at this address has.

    Raises:
        UnknownKey: as ``show``.
        StorageError: the archive cannot be read.
    """
    with database.read() as connection:
        return locate(connection, key)[0]


def locate(connection: Connection, key: str) -> tuple[str, int]:
    """The key that ``key`` is, or that the post at this address has, and the number of its row.

    Raises:
        UnknownKey: as ``show``.
    """
    source, native_id = split_key(key)
    of_key = select(posts.c.id).where(posts.c.source_id == source, posts.c.native_id == native_id)
    post_id = connection.execute(of_key).scalar()
    if post_id is not None:
        return key, post_id
    if not key.startswith(("http://", "https://")):
        from storage import tombstones  # loads the writers' tables, which a known key does not wait for

        taken_out = tombstones.told(connection, key)
        if taken_out is not None:
            raise UnknownKey(f"{key} was {taken_out}", key=key)
        nearest = _nearest(connection, key)
        form = "" if ":" in key else " A key is <source>:<id>, as `cupola query` shows it."
        raise UnknownKey(f"the archive has no post {key[:200]!r}.{form}", key=key, nearest=nearest)
    bare = key.rstrip("/")
    of_url = select(posts.c.source_id, posts.c.native_id, posts.c.id).where(posts.c.url.in_((key, bare, f"{bare}/")))
    rows = connection.execute(of_url.order_by(posts.c.source_id, posts.c.native_id).limit(OFFERED + 1)).all()
    if not rows:
        raise UnknownKey(f"the archive has no post at {key[:200]!r}.", key=key)
    found = [(f"{row.source_id}:{row.native_id}", row.id) for row in rows]
    if len(found) > 1:
        keys = tuple(name for name, _ in found[:OFFERED])
        message = f"several posts have the address {key[:200]!r}, name one by its key: {', '.join(keys)}"
        raise UnknownKey(f"{message}{', …' if len(found) > OFFERED else '.'}", key=key, nearest=keys)
    return found[0]


def _nearest(connection: Connection, key: str) -> tuple[str, ...]:
    from difflib import get_close_matches

    # somebody may have left the source out
    bare = select(posts.c.source_id).where(posts.c.native_id == key).order_by(posts.c.source_id).limit(OFFERED)
    without_source = tuple(f"{source}:{key}" for source in connection.scalars(bare))
    if without_source:
        return without_source
    # equal but for the last characters, then but for more of them, then any of the source, then any at all
    candidates: dict[str, None] = {}
    for condition in _prefixes(key):
        statement = select(posts.c.source_id, posts.c.native_id).where(*condition).order_by(posts.c.id.desc())
        rows = connection.execute(statement.limit(CANDIDATES))
        candidates |= dict.fromkeys(f"{row.source_id}:{row.native_id}" for row in rows)
        close = get_close_matches(key[:300], candidates, n=OFFERED, cutoff=0.75)
        if close:
            return tuple(close)
    return ()


def _prefixes(key: str) -> Iterator[tuple[Any, ...]]:
    source, native_id = split_key(key)
    for length in sorted({max(len(native_id) - 2, 1), max(len(native_id) // 2, 1)}, reverse=True):
        start = native_id[:length]
        yield (
            posts.c.source_id == source,
            posts.c.native_id >= start,
            posts.c.native_id < f"{start}\U0010ffff",
        )
    yield (posts.c.source_id == source,)
    yield ()


def _provenance(connection: Connection, post_id: int) -> Provenance:
    post = connection.execute(select(posts).where(posts.c.id == post_id)).one()
    run = connection.execute(select(runs).where(runs.c.id == post.run_id)).one()
    media = connection.execute(
        select(attachments)
        .where(attachments.c.post_id == post_id, attachments.c.removed_at.is_(None))
        .order_by(attachments.c.position, attachments.c.id)
    ).all()
    wanted = {post.capture_id, *(item.capture_id for item in media)} - {None}
    answers = {
        row.id: _capture(row) for row in connection.execute(select(captures).where(captures.c.id.in_(sorted(wanted))))
    }
    return Provenance(
        run=RunProvenance(id=run.id, status=run.status, started_at=iso(run.started_at), ended_at=_iso(run.ended_at)),
        capture=answers.get(post.capture_id),
        date=DateProvenance(
            at=_as_known(post.published_at, post.published_precision),
            precision=post.published_precision,
            origin=post.published_origin,
            zone_known=post.published_zone_known,
            stated=_as_known(post.stated_at, post.stated_precision),
            stated_precision=post.stated_precision,
            stated_origin=post.stated_origin,
            credit_line=post.credit_line,
            credit_day=post.credit_day and post.credit_day.isoformat(),
            other_reading=post.credit_other_reading and post.credit_other_reading.isoformat(),
        ),
        media=tuple(
            MediaProvenance(
                position=item.position,
                state=item.state,
                reason=item.reason,
                attempts=item.attempts,
                next_attempt_at=_iso(item.next_attempt_at),
                capture=answers.get(item.capture_id),
            )
            for item in media
        ),
        split_confidence=post.split_confidence,
        content_hash=post.content_hash,
        first_seen_at=iso(post.first_seen_at),
        changed_at=iso(post.changed_at),
        back_at=_iso(post.back_at),
        note=connection.scalar(select(curation.c.note).where(curation.c.post_id == post_id)),
        opt_outs=tuple(json.loads(post.opt_outs)),
    )


def _capture(row: Any) -> CaptureProvenance:
    # loaded when a post is shown: whoever counts does not need it
    from scraper.capture import memento_of

    captured = memento_of(row.url)
    return CaptureProvenance(
        id=row.id,
        requested_url=row.requested_url,
        url=row.url,
        status=row.status,
        fetched_at=iso(row.fetched_at),
        captured_at=iso(captured[0]) if captured else None,
        sha256=row.sha256,
        size=row.size,
        file=row.file,
        offset=row.offset,
        length=row.length,
    )


def iso(at: datetime) -> str:
    """A time as the views write it: ISO 8601 in UTC with ``Z``, to the second."""
    return (
        at.strftime("%Y-%m-%dT%H:%M:%SZ")
        if at.year >= 1000
        else f"{at.replace(microsecond=0, tzinfo=None).isoformat()}Z"
    )


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at)


def _as_known(at: datetime | None, precision: str | None) -> str | None:
    if at is None:
        return None
    return iso(at)[:10] if precision == "day" else iso(at)
