"""Some posts of one source on their way in: understood, their files taken, united with what is held, recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import Connection, select

from scraper.model import SOURCE_ID, Asset
from storage.archive import Archive
from storage.columns import safe
from storage.errors import BlobMismatch, RowRefused, StorageError
from storage.leases import ensure_running
from storage.portions import portions
from storage.schema import AssetRecord, PostRecord, rows_of
from storage.tombstones import buried
from storage.transfer.dossier import Dossier, without_files
from storage.transfer.holdings import PUBLIC, Holding, holdings
from storage.transfer.lines import Line
from storage.transfer.pictures import Pictures
from storage.transfer.recording import Recorder
from storage.transfer.understanding import dossier_of
from storage.transfer.uniting import unite

#: how many of what, by the names of ``storage.transfer.bringing.NAMES``
Outcome = Counter[str]

_posts, _assets = rows_of(PostRecord), rows_of(AssetRecord)


class Batch:
    """Some lines of one source.

    Attributes:
        fresh: what they say, by native id.
        same: how many of the lines say what is held already, word for word.
        faults: number, key and sentence of each line that cannot be brought in.
        damage: files that are not what they should be: a sentence and the key of a post.
        is_source: whether the source's name is one.
    """

    def __init__(self, archive: Archive, source_id: str, pictures: Pictures) -> None:
        self._archive, self._source_id, self._pictures = archive, source_id, pictures
        self._lines: dict[str, int] = {}
        self.is_source = SOURCE_ID.fullmatch(source_id) is not None
        self.same = 0
        self.fresh: dict[str, Dossier] = {}
        self.faults: list[tuple[int, str | None, str]] = []
        self.damage: list[tuple[str, str]] = []

    def read(self, lines: list[Line]) -> None:
        """Understand the lines; of a post that stands in two of them both count."""
        known = self._known_at_a_glance(lines)
        self.same = len(known)
        for line in lines:
            if line.number in known:
                continue
            record = line.record or {}
            key = record.get("key")
            try:
                dossier = dossier_of(record)
                native_id = safe(dossier.entry[0].native_id)
                if native_id in self.fresh:
                    dossier = unite(self.fresh[native_id], dossier)
            except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
                # whatever a file says: one line of it must not cost the others
                self.faults.append((line.number, safe(key) if isinstance(key, str) else None, str(error)))
                continue
            self.fresh[native_id] = dossier
            self._lines[native_id] = line.number

    def rehearse(self) -> Outcome:
        """What would become of them; nothing is written. Files are not looked at."""
        with self._archive.database.read() as connection:
            new, changed, outcome = self._sorted(connection, self.fresh)
        return outcome + Counter(added=len(new), updated=len(changed))

    def record(self, run_id: int) -> Outcome:
        """Record them, all in one transaction; if the database refuses that, one by one.

        Raises:
            SourceBusy: the run has lost its lease.
            StorageError: the archive cannot be written to; then nothing of this batch is in it.
        """
        taken = self._take_files()
        try:
            with self._archive.database.write() as connection:
                ensure_running(connection, run_id)
                return taken + self._record(connection, run_id, self.fresh)
        except RowRefused:
            pass
        outcome: Outcome = Counter()
        with self._archive.database.write() as connection:
            ensure_running(connection, run_id)
            for native_id, dossier in self.fresh.items():
                try:
                    with connection.begin_nested():
                        outcome += self._record(connection, run_id, {native_id: dossier})
                except Exception as error:  # one post must not cost the others; it is told with its line
                    own = error if isinstance(error, StorageError) else self._archive.database.translate(error)
                    if own is not None and not isinstance(own, RowRefused):
                        raise own from error
                    self.faults.append((self._lines[native_id], dossier.key, f"cannot be recorded: {own or error}"))
        return taken + outcome

    def _record(self, connection: Connection, run_id: int, fresh: Mapping[str, Dossier]) -> Outcome:
        new, changed, outcome = self._sorted(connection, fresh)
        recorder = Recorder(connection, run_id, self._source_id)
        recorder.add(new)
        recorder.change(changed)
        return outcome + Counter(added=len(new), updated=len(changed))

    def _sorted(
        self, connection: Connection, fresh: Mapping[str, Dossier]
    ) -> tuple[list[Dossier], list[tuple[int, Holding, Dossier, Dossier]], Outcome]:
        """Those that are not held, those of which something changes, and how many are neither."""
        ids: dict[str, int] = {}
        for some in portions(list(fresh)):
            mine = (_posts.c.source_id == self._source_id, _posts.c.native_id.in_(some))
            rows = connection.execute(select(_posts.c.native_id, _posts.c.id).where(*mine))
            ids |= {row.native_id: row.id for row in rows}
        held = holdings(connection, list(ids.values()))
        absent = [native_id for native_id in fresh if native_id not in ids]
        graves = buried(connection, self._source_id, absent) if absent else set()
        new = [fresh[native_id] for native_id in absent if native_id not in graves]
        changed = []
        for native_id, post_id in ids.items():
            holding = held[post_id]
            before = self._understood(native_id, holding)
            after = unite(before, fresh[native_id])
            if after != before:
                changed.append((post_id, holding, before, after))
        outcome: Outcome = Counter(buried=len(graves), unchanged=len(ids) - len(changed))
        return new, changed, outcome

    def _known_at_a_glance(self, lines: list[Line]) -> set[int]:
        """The numbers of the lines whose bytes are those of what is held: they need not be understood."""
        named: dict[str, list[tuple[int, bytes]]] = {}
        for line in lines:
            record = line.record or {}
            native_id = record.get("native_id")
            if isinstance(native_id, str) and safe(native_id) == native_id:
                named.setdefault(native_id, []).append((line.number, _digest(record, record.get("archive"))))
        same: set[int] = set()
        with self._archive.database.read() as connection:
            for some in portions(list(named)):
                mine = (_posts.c.source_id == self._source_id, _posts.c.native_id.in_(some))
                rows = connection.execute(select(_posts.c.id, _posts.c.native_id).where(*mine)).all()
                held = holdings(connection, [row.id for row in rows])
                for row in rows:
                    here = _digest(held[row.id].public, held[row.id].archive)
                    same |= {number for number, there in named[row.native_id] if there == here}
        return same

    def _understood(self, native_id: str, holding: Holding) -> Dossier:
        named = {"source": self._source_id, "native_id": native_id}
        return dossier_of(orjson.loads(orjson.dumps(named | holding.public | {"archive": holding.archive})))

    def _take_files(self) -> Outcome:
        """Take the files in that are not held; what is missing or damaged stays wanted."""
        wanted: dict[str, tuple[Asset, str]] = {}
        for dossier in self.fresh.values():
            for item in dossier.media:
                if item.asset is not None:
                    wanted.setdefault(item.asset.sha256, (item.asset, dossier.key))
        held = self._held(list(wanted))
        outcome: Outcome = Counter()
        missing: set[str] = set()
        for sha256, (asset, key) in wanted.items():
            if sha256 in held:
                continue
            try:
                taken = self._pictures.take(asset)
            except BlobMismatch as error:
                self.damage.append((str(error), key))
                outcome["media_failed"] += 1
                missing.add(sha256)
                continue
            outcome["media_stored" if taken else "media_missing"] += 1
            if not taken:
                missing.add(sha256)
        for native_id, dossier in self.fresh.items():
            self.fresh[native_id] = _as_held(without_files(dossier, frozenset(missing)), held)
        return outcome

    def _held(self, hashes: list[str]) -> dict[str, Asset]:
        """What is said here of the files that are held."""
        names = ("sha256", "media_type", "extension", "size", "width", "height", "exif")
        with self._archive.database.read() as connection:
            return {
                row.sha256: Asset(**{name: getattr(row, name) for name in names})
                for some in portions(hashes)
                for row in connection.execute(
                    select(*(_assets.c[name] for name in names)).where(_assets.c.sha256.in_(some))
                )
            }


def _as_held(dossier: Dossier, held: Mapping[str, Asset]) -> Dossier:
    """The same with what is said here of files that are held: of one file one thing is said."""
    if all(item.asset is None or held.get(item.asset.sha256, item.asset) == item.asset for item in dossier.media):
        return dossier
    media = [
        item if item.asset is None else replace(item, asset=held.get(item.asset.sha256, item.asset))
        for item in dossier.media
    ]
    return replace(dossier, media=tuple(media))


def _digest(public: Mapping[str, Any], archive: Any) -> bytes:
    """What is compared at a glance: equal bytes say the same."""
    return orjson.dumps([[public.get(name) for name in PUBLIC.values()], archive])
