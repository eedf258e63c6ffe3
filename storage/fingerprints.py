"""What pictures look like, held beside their bytes; they are made where pictures are decoded, which is not here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, and_, exists, func, select

from scraper.model import Fingerprint
from storage.blobs import relative_path
from storage.dialects import upsert
from storage.engine import Database
from storage.likeness import bands, signed
from storage.schema import AssetRecord, AttachmentRecord, FingerprintRecord, rows_of

_assets, _fingerprints, _attachments = rows_of(AssetRecord), rows_of(FingerprintRecord), rows_of(AttachmentRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A picture that is held and has no fingerprint; ``path`` is relative to the archive's folder."""

    sha256: str
    path: str
    pixels: int


def put(connection: Connection, found: Mapping[str, Fingerprint]) -> None:
    """Hold what these pictures, by SHA-256, look like; one that has a fingerprint or a reason keeps it.

    Args:
        connection: a write transaction, in which the pictures have rows.
        found: those that have none are told with the reason, so that they are not looked at again.
    """
    rows = [{"sha256": sha256, "reason": look.reason, **_bits(look)} for sha256, look in sorted(found.items())]
    if rows:
        connection.execute(upsert(connection, _fingerprints).on_conflict_do_nothing(index_elements=["sha256"]), rows)


def unseen(database: Database, after: str, limit: int) -> list[Unseen]:
    """Pictures that posts show and that nobody has looked at, in the order of their hashes.

    Args:
        database: the archive's.
        after: only those behind this hash.
        limit: how many at most.
    """
    columns = (_assets.c.sha256, _assets.c.extension, _assets.c.width, _assets.c.height)
    query = select(*columns).where(_assets.c.sha256 > after, *_WITHOUT).order_by(_assets.c.sha256).limit(limit)
    with database.read() as connection:
        return [
            Unseen(sha256=row.sha256, path=relative_path(row.sha256, row.extension), pixels=row.width * row.height)
            for row in connection.execute(query)
        ]


def number_unseen(database: Database) -> int:
    """How many pictures nobody has looked at."""
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(_assets).where(*_WITHOUT)) or 0


def keep(database: Database, found: Mapping[str, Fingerprint]) -> None:
    """As ``put``, in a transaction of its own; pictures that are not held any more are left out.

    Raises:
        ArchiveLocked, DiskFull, ArchiveReadOnly: as they say.
    """
    with database.write() as connection:
        held = set(connection.scalars(select(_assets.c.sha256).where(_assets.c.sha256.in_(list(found)))))
        put(connection, {sha256: look for sha256, look in found.items() if sha256 in held})


def _bits(look: Fingerprint) -> dict[str, int | None]:
    if look.hash is None:
        return dict.fromkeys(("hash", "band_1", "band_2", "band_3"))
    number = signed(look.hash)
    return {"hash": number, **dict(zip(("band_1", "band_2", "band_3"), bands(number), strict=True))}


_WITHOUT = (
    ~exists().where(_fingerprints.c.sha256 == _assets.c.sha256),
    exists().where(and_(_attachments.c.sha256 == _assets.c.sha256, _attachments.c.removed_at.is_(None))),
)
