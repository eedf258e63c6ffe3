"""CSV: one table of posts for spreadsheets and statistics; with pictures a folder with a second table and the files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from sqlalchemy import Connection

from storage.export.cells import defused, lines
from storage.export.formats import Export, Format
from storage.export.items import NAMES, Item, Picture
from storage.export.pictures import put
from storage.export.place import Place

#: what is no cell: pictures have a table of their own, slices are the captions'
COLUMNS = tuple(name for name in NAMES if name not in {"media", "segments"})
#: of the table of pictures
MEDIA_COLUMNS = ("post_key", *Picture._fields)
_POSTS, _MEDIA, _README = "posts.csv", "media.csv", "README.txt"
_TEXT = """{cupola} made this folder out of an archive of what space missions publish.

posts.csv   one line a post: what was published, whose it is, where it came from, how to cite it, what is missing
media.csv   one line a picture of a post (post_key is posts.csv's key); path is the file, empty while it is not held
media/      the pictures, named by the SHA-256 of their bytes

UTF-8, commas, RFC 4180. Lists are JSON. An apostrophe before =, +, - or @ keeps a spreadsheet from running a cell.
Rights are as the source states them (credit, license, license_url); where nothing was, the cell is empty.{private}
"""
_PRIVATE = """
This is a private copy: lines with publishable = false may not be passed on, and withheld says why.
"""


class CsvFormat(Format):
    """One table; or, with pictures, a folder of two tables and the files."""

    name: ClassVar[str] = "csv"
    summary: ClassVar[str] = (
        "a table for spreadsheets and statistics; with pictures, a folder of two tables and the files"
    )
    media: ClassVar[bool | None] = False
    marks: ClassVar[tuple[str, ...]] = (_POSTS, _MEDIA, _README)

    @classmethod
    def is_folder(cls, *, with_media: bool) -> bool:
        """A folder when the pictures go along."""
        return with_media

    def write(self, place: Place, export: Export) -> None:
        """Write the table, or both of them with the pictures."""
        mark = "\ufeff".encode() if export.wishes.bom else b""
        if not export.with_media:
            place.file.write(mark + lines([COLUMNS]))
            for chunk in export.chunks(encode):
                place.file.write(chunk)
            return
        with place.create(_README) as file:
            file.write(_TEXT.format(cupola=export.cupola, private=_PRIVATE if export.private else "").encode())
        with place.create(_POSTS) as posts, place.create(_MEDIA) as media:
            posts.write(mark + lines([COLUMNS]))
            media.write(mark + lines([MEDIA_COLUMNS]))
            for items in export.batches:
                posts.write(encode(export.connection, items))
                media.write(lines(_pictures(items)))
                for item in items:
                    for picture in item.media:
                        put(place, export, item.key, picture)


def encode(_connection: Connection, items: list[Item]) -> bytes:
    """The lines of a batch."""
    return lines([[_cell(value) for value in (*item[:_MEDIA_AT], *item[_MEDIA_AT + 2 : _END])] for item in items])


_MEDIA_AT, _END = NAMES.index("media"), len(NAMES)


def _pictures(items: list[Item]) -> Iterator[list[Any]]:
    for item in items:
        for picture in item.media:
            yield [defused(item.key), *map(_cell, picture)]


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str):
        return defused(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False) if value else "[]"
    return value
