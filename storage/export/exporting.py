"""Takes posts out in a format: read in one transaction, written to a place that is whole or not at all, counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from sqlalchemy import Connection

from storage.engine import FILE, Database
from storage.errors import ExportRefused
from storage.export.choosing import chosen
from storage.export.formats import Encode, Export, Format, Wishes, ensure_installed
from storage.export.hands import MOST, Hands, Orders, hands, snapshot_of, unwritten
from storage.export.items import Item
from storage.export.place import placed
from storage.export.publishable import Clearance, Reason
from storage.export.reading import Counts, Reader, sources_of
from storage.filters import Filters
from storage.settings import ArchiveSettings

#: batches that one process reads by itself before others are worth their start
_ALONE = 10

#: told how many posts have been read; who raises there ends the export, and nothing is left of it
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was exported.

    Attributes:
        path: DEST, absolute.
        posts: how many items are in it.
        found: how many posts passed the filters.
        left_out: how many of them are not publishable, by reason; under ``private`` they are in it all the same.
        incomplete: how many items lack what, by the words of ``Item.incomplete``.
        missing: pictures and answers that should be in it, and are damaged or not there; a sentence each.
        notes: what else a person should be told; likewise.
    """

    path: Path
    posts: int
    found: int
    left_out: Mapping[Reason, int]
    incomplete: Mapping[str, int]
    missing: tuple[str, ...]
    notes: tuple[str, ...] = ()


def export(
    database: Database,
    folder: Path,
    kind: type[Format],
    dest: Path,
    filters: Filters,
    *,
    clearance: Clearance,
    cupola: str,
    private: bool = False,
    force: bool = False,
    with_media: bool | None = None,
    wishes: Wishes | None = None,
    progress: Progress = lambda read: None,
    archive: ArchiveSettings | None = None,
    processes: int = 1,
) -> Report:
    """Write the posts that pass to ``dest`` in a format.

    Args:
        database: of the archive.
        folder: the archive's folder.
        kind: the format.
        dest: the file or folder to make; the folder above it is there.
        filters: which posts.
        clearance: what the configuration keeps back.
        cupola: name and version of the program, for formats that say who made them.
        private: also what may not be passed on; each item says whether it may.
        force: replace what is at ``dest``, if it is a file or such an export.
        with_media: whether the pictures' bytes go along; None: as the format has it.
        wishes: what a person wishes beyond the posts.
        progress: told how many posts have been read, batch by batch.
        archive: where the database is; without it one process does it all.
        processes: how many may be at a large export; memory is some 100 MB for each.

    Raises:
        ExportRefused: it cannot go there, or not in this format.
        DiskFull: there is no room at ``dest``.
        StorageError: the archive cannot be read.
    """
    if with_media and kind.media is None:
        raise ExportRefused(f"the format {kind.name} holds no pictures; leave --with-media out")
    ensure_installed(kind)
    _not_within(folder, dest)
    taken = bool(kind.media if with_media is None else with_media)
    with ExitStack() as ends:
        place = ends.enter_context(placed(dest, folder=kind.is_folder(with_media=taken), force=force, marks=kind.marks))
        is_same = ends.enter_context(unwritten(database))

        def helped(orders: Orders) -> Hands | None:
            begun = ends.enter_context(hands(orders, min(processes, MOST)))
            return begun if is_same() else None

        work = _Work(
            connection=ends.enter_context(database.read()),
            kind=kind,
            filters=filters,
            clearance=clearance,
            private=private,
            progress=progress,
            ends=ends,
            helped=helped,
            archive=archive if processes > 1 else None,
        )
        given = Export(
            batches=work.batches(),
            chunks=work.chunks,
            connection=work.connection,
            folder=folder,
            with_media=taken,
            private=private,
            sources=sources_of(work.connection, private=private),
            cupola=cupola,
            clearance=clearance,
            filters=filters,
            wishes=wishes or Wishes(),
        )
        with place.faults():
            kind().write(place, given)
    if work.counts.masked:
        given.notes.append(_masked(work.counts.masked))
    return Report(
        path=place.path,
        posts=work.written,
        found=work.counts.found,
        left_out=work.counts.left_out,
        incomplete=work.counts.incomplete,
        missing=tuple(given.missing),
        notes=tuple(given.notes),
    )


@dataclass(slots=True, kw_only=True)
class _Work:
    """Goes through the posts once, alone or with other processes, and counts."""

    connection: Connection
    kind: type[Format]
    filters: Filters
    clearance: Clearance
    private: bool
    progress: Progress
    ends: ExitStack
    #: other processes that see what ``connection`` sees; None where there are none
    helped: Callable[[Orders], Hands | None]
    archive: ArchiveSettings | None
    counts: Counts = field(default_factory=Counts)
    written: int = 0

    def batches(self) -> Iterator[list[Item]]:
        """The items, a batch at a time, none of them empty."""
        yield from self._read(self._chosen())

    def chunks(self, encode: Encode) -> Iterator[bytes]:
        """What ``encode`` makes of each batch."""
        chosen = self._chosen()
        first = list(islice(chosen, _ALONE + 1))
        helpers = self._helpers(encode) if len(first) > _ALONE else None
        if helpers is None:
            yield from (encode(self.connection, items) for items in self._read(chain(first, chosen)))
            return
        for written, counts, chunk in helpers.made(chain(first, chosen)):
            self.counts.add(counts)
            if written:
                yield chunk
            self._told(written)

    def _helpers(self, encode: Encode) -> Hands | None:
        if self.archive is None:
            return None
        snapshot = snapshot_of(self.connection)
        if snapshot is None and self.connection.dialect.name == "postgresql":
            return None
        orders = Orders(
            place=self.archive,
            clearance=self.clearance,
            private=self.private,
            with_segments=self.kind.segments,
            encode=encode,
            snapshot=snapshot,
        )
        return self.helped(orders)

    def _chosen(self) -> Iterator[list[int]]:
        # closed by name before its connection is, should the export end in the middle
        return self.ends.enter_context(closing(chosen(self.connection, self.filters, self.kind.order)))

    def _read(self, batches: Iterable[list[int]]) -> Iterator[list[Item]]:
        reader = Reader(self.connection, self.clearance, private=self.private, with_segments=self.kind.segments)
        for ids in batches:
            items = reader.items(ids, self.counts)
            if items:
                yield items
            self._told(len(items))

    def _told(self, written: int) -> None:
        self.written += written
        self.progress(self.counts.found)


def _masked(number: int) -> str:
    told = "1 post has an address" if number == 1 else f"{number:,} posts have addresses"
    return f"{told} with a user name, a password or a token in it, which is masked; --private leaves it"


def _not_within(folder: Path, dest: Path) -> None:
    """See that an export takes the place of nothing that the archive itself lives on."""
    archive, wanted = folder.resolve(), dest.parent.resolve() / dest.name
    if wanted == archive or any(wanted.is_relative_to(archive / own) for own in ("media", "warc")):
        raise ExportRefused(f"{dest} belongs to the archive itself; choose a place outside of it")
    if wanted.parent == archive and wanted.name.startswith(FILE):
        raise ExportRefused(f"{dest} is the archive's database; choose another name")
