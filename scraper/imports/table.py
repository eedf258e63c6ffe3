"""A table as CSV: a post a row, named columns in its first row, as ``docs/imports.md`` describes it."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator

from scraper.imports.bundle import Bundle
from scraper.imports.plain import FIELDS, Plain, Wrong, misspelt, nearest
from scraper.imports.records import Bad, Note, NotReadable, Record, shortened

#: characters of the largest cell
LARGEST = 8 * 2**20
_NUMBERED = re.compile(r"(?:media|alt)_\d{1,3}")
_FOREIGN = re.compile("[\udc80-\udcff]")
_HEAD = 2**16


def read(bundle: Bundle, plain: Plain, encoding: str | None = None) -> Iterator[Record]:
    """The posts of a file.

    Args:
        bundle: the file and what lies beside it.
        plain: how a record is read.
        encoding: of the file; without it UTF-8, or UTF-16 with its mark.

    Raises:
        NotReadable: it has no columns of ours.
    """
    if bundle.single is None:
        raise NotReadable(f"{bundle.path} is no file; name the .csv file, its pictures lie beside it or in --media")
    name = bundle.single
    with bundle.open(name) as raw:
        head = raw.read(_HEAD)
        raw.seek(0)
        is_wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        named = encoding or ("utf-16" if is_wide else "utf-8-sig")
        text = io.TextIOWrapper(raw, encoding=named, errors="replace" if is_wide else "surrogateescape", newline="")
        first = head.decode(named, "replace").lstrip("\ufeff")
        if not first.strip("\r\n\t ,;"):
            raise NotReadable(f"{name} is empty")
        skipped = 0
        if found := re.match(r'"?sep=(.)"?\r?\n', first):
            # what spreadsheets write first to say how the cells are parted
            delimiter, first, skipped = found[1], first[found.end() :], 1
            text.readline()
        else:
            delimiter = _delimiter(first)
        yield from _rows(text, name, delimiter, skipped, plain)


def _delimiter(head: str) -> str:
    """The one with which the first row has most columns of ours; of several the comma."""

    def known(delimiter: str) -> tuple[int, int]:
        row = next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), [])
        return sum(_column(cell) in FIELDS for cell in row), len(row)

    return max((",", ";", "\t"), key=known)


def _column(cell: str) -> str:
    return cell.strip().lower().replace(" ", "_")


def _rows(text: io.TextIOWrapper, name: str, delimiter: str, skipped: int, plain: Plain) -> Iterator[Record]:
    reader = csv.reader(text, delimiter=delimiter)
    columns: list[str] | None = None
    before = csv.field_size_limit(LARGEST)
    try:
        while True:
            start = reader.line_num + 1 + skipped
            where = f"{name}, line {start}"
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Bad(where=where, message=_told(error))
                continue
            if columns is None:
                columns = [_column(cell) for cell in row]
                yield from _columns(columns, name, where)
            elif any(cell.strip() for cell in row):
                yield _record(columns, row, where, plain)
    finally:
        csv.field_size_limit(before)


def _told(error: csv.Error) -> str:
    if "field larger" in str(error):
        return f"a cell is larger than {LARGEST:,} characters: is a quotation mark not closed? Rows may be lost with it"
    return f"cannot be read as CSV ({error})"


def _columns(columns: list[str], name: str, where: str) -> Iterator[Note]:
    """What is told of columns that are not known.

    Raises:
        NotReadable: those that a post needs are not there, or one is there twice.
    """
    if twice := [column for column in columns if column and columns.count(column) > 1]:
        raise NotReadable(f"{where}: the column {shortened(twice[0])} is there twice")
    strange = [column for column in columns if column and column not in FIELDS and not _NUMBERED.fullmatch(column)]
    near = {column: nearest(column) for column in strange}
    for wanted in (("id", "url"), ("text", "title", "media")):
        if not set(wanted) & {*columns, *("media" for column in columns if _NUMBERED.fullmatch(column))}:
            meant = next(((found, name) for name in wanted if (found := misspelt(name, strange))), None)
            hint = f"; is {meant[0]!r} meant for {meant[1]!r}?" if meant else "."
            has = ", ".join(shortened(column, 30) for column in columns[:12])
            raise NotReadable(
                f"{name} has no column {' or '.join(wanted)}{hint} Its first row is {has}. "
                f"Known are {', '.join(FIELDS)}"
            )
    for column in strange:
        known = near[column]
        guess = f"; is {known!r} meant?" if known and known not in columns else ""
        yield Note(message=f"the column {shortened(column)} is not known and not used{guess}")


def _record(columns: list[str], row: list[str], where: str, plain: Plain) -> Record:
    if len(row) > len(columns) and any(cell.strip() for cell in row[len(columns) :]):
        return Bad(
            where=where,
            message=f"has {len(row)} cells where the first row has {len(columns)}: is a text with the delimiter in it "
            "not in quotation marks?",
        )
    if foreign := next((cell for cell in row if _FOREIGN.search(cell)), None):
        byte = ord(_FOREIGN.search(foreign)[0]) - 0xDC00  # type: ignore[index]
        return Bad(
            where=where,
            message=f"is not in UTF-8 (it has the byte 0x{byte:02X}): save it as UTF-8, or give --encoding cp1252",
        )
    try:
        return plain.item({column: cell for column, cell in zip(columns, row, strict=False) if column}, where)
    except Wrong as error:
        return Bad(where=where, message=str(error))
