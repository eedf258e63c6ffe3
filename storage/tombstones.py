"""Which posts were taken out for good: told by the hash of their key, and by nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import Connection, select

from storage.columns import safe
from storage.schema import TombstoneRecord, rows_of
from storage.traces import names_in

_tombstones = rows_of(TombstoneRecord)

#: letters of an id that is not met by chance
TELLING = 6


def key_hash(key: str) -> str:
    """What a tombstone has in place of the key: its SHA-256 in hex."""
    return hashlib.sha256(safe(key).encode()).hexdigest()


def told(connection: Connection, key: str) -> str | None:
    """When a post was taken out for good, by whom and why, in a few words; None for one that was not."""
    columns = (_tombstones.c.at, _tombstones.c.who, _tombstones.c.reason)
    query = select(*columns).where(_tombstones.c.key_hash == key_hash(key))
    found = connection.execute(query).one_or_none()
    return None if found is None else f"taken out for good on {found.at:%Y-%m-%d} by {found.who}: {found.reason}"


def has_any(connection: Connection, source_id: str) -> bool:
    """Whether any post of a source was taken out for good."""
    query = select(_tombstones.c.key_hash).where(_tombstones.c.source_id == source_id)
    return connection.scalar(query.limit(1)) is not None


def buried(connection: Connection, source_id: str, native_ids: Iterable[str]) -> set[str]:
    """Those of these native ids of a source that were taken out for good."""
    by_hash = {key_hash(f"{source_id}:{native_id}"): native_id for native_id in native_ids}
    query = select(_tombstones.c.key_hash).where(_tombstones.c.key_hash.in_(list(by_hash)))
    return {by_hash[found] for found in connection.scalars(query)}


def are_named_in(connection: Connection, source_id: str, body: bytes) -> bool:
    """Whether an answer of a source names a post that was taken out for good, though it may not be one of its posts.

    An account shows its own old post again as a boost, a page that cannot be read holds it all the same. Short ids,
    which may stand anywhere, are not looked for.
    """
    mine = select(_tombstones.c.key_hash).where(_tombstones.c.source_id == source_id)
    graves = set(connection.scalars(mine))
    names = {name for name in names_in(body) if len(name) >= TELLING} if graves else set()
    return any(key_hash(f"{source_id}:{name}") in graves for name in names)
