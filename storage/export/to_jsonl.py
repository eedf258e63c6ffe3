"""JSON lines: the record of ``query --format jsonl`` with rights and provenance, and all that an archive holds beside.

The first line is a header; ``storage.transfer`` reads the rest back. The number of a run is left out of
``provenance``: it means nothing elsewhere, and what was brought in elsewhere gives the same bytes again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, BinaryIO, ClassVar

import orjson
from sqlalchemy import Connection

from storage.blobs import relative_path
from storage.export.discretion import discreet_archive, is_suspect
from storage.export.formats import Encode, Export, Format
from storage.export.items import Item, Picture, record_of
from storage.export.pictures import put
from storage.export.place import Place
from storage.filters import Filters
from storage.transfer.holdings import holdings
from storage.transfer.lines import FORMAT, VERSION

POSTS = "posts.jsonl"
#: digits that the header has room for
_ROOM = 12


class JsonlFormat(Format):
    """A file; or, with pictures, a folder of the file and the pictures as they lie in the archive."""

    name: ClassVar[str] = "jsonl"
    summary: ClassVar[str] = "JSON lines, for programs; whole, so that `cupola import cupola` makes an equal archive"
    media: ClassVar[bool | None] = False
    marks: ClassVar[tuple[str, ...]] = (POSTS,)
    segments: ClassVar[bool] = True

    @classmethod
    def is_folder(cls, *, with_media: bool) -> bool:
        """A folder when the pictures go along."""
        return with_media

    def write(self, place: Place, export: Export) -> None:
        """Write the header, the records, and then into the header how many there are."""
        if not export.with_media:
            _write(place.file, export, export.chunks(_encoding(export)))
            return
        with place.create(POSTS) as file:
            _write(file, export, _with_pictures(place, export))


def plainly(_connection: Connection, items: list[Item]) -> bytes:
    """The lines of a batch, without ``archive``."""
    return b"".join([orjson.dumps(_record(item), option=orjson.OPT_APPEND_NEWLINE) for item in items])


def wholly(connection: Connection, items: list[Item]) -> bytes:
    """The lines of a batch."""
    return b"".join(_lines(items, _archives(connection, items)))


def discreetly(connection: Connection, items: list[Item]) -> bytes:
    """The lines of a batch for others: addresses and headers without secrets."""
    return b"".join(map(_without_secrets, _lines(items, _archives(connection, items))))


def _encoding(export: Export) -> Encode:
    if export.wishes.records_only:
        return plainly
    return wholly if export.private else discreetly


def _archives(connection: Connection, items: list[Item]) -> list[dict[str, Any]]:
    held = holdings(connection, [item.post_id for item in items])
    return [held[item.post_id].archive for item in items]


def _lines(items: list[Item], archives: list[dict[str, Any]]) -> Iterator[bytes]:
    for item, archive in zip(items, archives, strict=True):
        record = _record(item)
        record["archive"] = archive
        yield orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _without_secrets(line: bytes) -> bytes:
    """A line for others; nearly all are as they are."""
    if not is_suspect(line):
        return line
    record = orjson.loads(line)
    record["archive"] = discreet_archive(record["archive"])
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _record(item: Item) -> dict[str, Any]:
    record = record_of(item)
    del record["provenance"]["run"]
    return record


def _with_pictures(place: Place, export: Export) -> Iterator[bytes]:
    for items in export.batches:
        archives = _archives(export.connection, items)
        for item, archive in zip(items, archives, strict=True):
            for medium in archive.get("attachments", ()):
                asset = medium.get("asset")
                if asset is not None:
                    put(place, export, item.key, _picture(asset["sha256"], asset["extension"]))
        if export.wishes.records_only:
            yield plainly(export.connection, items)
        else:
            lines = _lines(items, archives)
            yield b"".join(lines if export.private else map(_without_secrets, lines))


def _picture(sha256: str, extension: str) -> Picture:
    """A file that is held, also of an attachment that is not shown any more."""
    unsaid = dict.fromkeys(Picture._fields)
    return Picture(**unsaid | {"sha256": sha256, "path": relative_path(sha256, extension)})  # type: ignore[arg-type] # the rest is not asked for


def _write(file: BinaryIO, export: Export, chunks: Iterator[bytes]) -> None:
    file.write(_header(export, 0))
    posts = 0
    for chunk in chunks:
        posts += chunk.count(b"\n")
        file.write(chunk)
    # only now it is known, and a line of the same length takes the place of the first
    file.seek(0)
    file.write(_header(export, posts))


def _header(export: Export, posts: int) -> bytes:
    said = {
        "format": FORMAT,
        "version": VERSION,
        "cupola": export.cupola,
        "private": export.private,
        "records_only": export.wishes.records_only,
        "media": "media/" if export.with_media else None,
        "filters": _said(export.filters),
        "sources": [{"id": item.id, "kind": item.kind, "url": item.url} for item in export.sources.values()],
        "posts": None,
    }
    return orjson.dumps(said)[: -len(b"null}")] + f"{posts:>{_ROOM}}}}\n".encode()


def _said(filters: Filters) -> dict[str, Any]:
    """The filters that were given."""
    given = ((item.name, getattr(filters, item.name)) for item in fields(Filters) if item.init)
    usual = Filters()
    return {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in given
        if value != getattr(usual, name)
    }
