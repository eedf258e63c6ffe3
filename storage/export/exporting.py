"""Takes posts out in a format: read in one transaction, written to a place that is whole or not at all, counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from storage.engine import FILE, Database
from storage.errors import ExportRefused
from storage.export.choosing import chosen
from storage.export.formats import Export, Format, Wishes, ensure_installed
from storage.export.items import Item
from storage.export.place import placed
from storage.export.publishable import Clearance, Reason
from storage.export.reading import Counts, Reader, sources_of
from storage.filters import Filters

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
    written = 0

    counts = Counts()

    def told(connection: Connection) -> Iterator[list[Item]]:
        nonlocal written
        reader = Reader(connection, clearance, private=private, with_segments=kind.segments)
        for ids in chosen(connection, filters, kind.order):
            items = reader.items(ids, counts)
            if items:
                yield items
            written += len(items)
            progress(counts.found)

    with (
        placed(dest, folder=kind.is_folder(with_media=taken), force=force, marks=kind.marks) as place,
        database.read() as connection,
    ):
        batches = told(connection)
        given = Export(
            batches=batches,
            chunks=lambda encode: (encode(connection, items) for items in batches),
            connection=connection,
            folder=folder,
            with_media=taken,
            private=private,
            sources=sources_of(connection),
            cupola=cupola,
            clearance=clearance,
            filters=filters,
            wishes=wishes or Wishes(),
        )
        kind().write(place, given)
    return Report(
        path=place.path,
        posts=written,
        found=counts.found,
        left_out=counts.left_out,
        incomplete=counts.incomplete,
        missing=tuple(given.missing),
        notes=tuple(given.notes),
    )


def _not_within(folder: Path, dest: Path) -> None:
    """See that an export takes the place of nothing that the archive itself lives on."""
    archive, wanted = folder.resolve(), dest.parent.resolve() / dest.name
    if wanted == archive or any(wanted.is_relative_to(archive / own) for own in ("media", "warc")):
        raise ExportRefused(f"{dest} belongs to the archive itself; choose a place outside of it")
    if wanted.parent == archive and wanted.name.startswith(FILE):
        raise ExportRefused(f"{dest} is the archive's database; choose another name")
