"""WARC and WACZ files as a web that answers from what was captured: an index on the disk, and answers by address.

https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/ and
https://specs.webrecorder.net/wacz/1.1.1/. Memory is that of the largest answer that is read, whatever the files' size.
"""

from __future__ import annotations

import re
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import urlsplit
from zipfile import BadZipFile

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from scraper.capture import SAVED, Capture, Request
from scraper.delivery import Sink, Streamed
from scraper.errors import FetchError, Gone, TooLarge
from scraper.imports.bundle import Bundle, Missing
from scraper.imports.records import Bad, NotReadable, address

_CHUNK = 2**18
_TABLE = """
CREATE TABLE answers (
    id INTEGER PRIMARY KEY, file INTEGER, place INTEGER, url TEXT, address TEXT, path TEXT, host TEXT,
    at TEXT, status INTEGER, type TEXT, used INTEGER DEFAULT 0
);
CREATE TABLE others (what TEXT PRIMARY KEY, count INTEGER);
"""
#: what no source parses
_NO_PAGE = re.compile(
    r"image/|video/|audio/|font/|text/css|(?:text|application)/(?:x-)?javascript|application/wasm|application/octet"
)
#: how a record begins, packed or not, behind the end of another
_BEGINS = re.compile(rb"\x1f\x8b\x08[\x00-\x1f]|(?<=\n)WARC/[01]\.\d\r?\n")
#: a record of a WARC file, or of an ARC file
_HEAD = re.compile(rb"WARC/[01]\.\d\r?\n|[a-z]{3,10}:\S+ \S+ \d{14} ")
#: records that cannot be read are told one by one up to this many in a file
_GAPS = 50
_WHOLE = "it is compressed as a whole: `warcio recompress` mends it"
_FAULTS = (ArchiveLoadFailed, OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, UnicodeError)


@dataclass(frozen=True, slots=True)
class Held:
    """An answer in the files: where it is, what was asked and when (aware, UTC), its status and type."""

    number: int
    file: int
    place: int
    url: str
    at: datetime
    status: int
    type: str


class Warcs:
    """The answers in a bundle's WARC files.

    Args:
        bundle: a WARC file, a folder of them, or a WACZ.
        max_bytes: of the largest page that is read.

    Raises:
        NotReadable: there is no WARC file.
    """

    def __init__(self, bundle: Bundle, *, max_bytes: int) -> None:
        self._bundle, self._max_bytes = bundle, max_bytes
        names = [bundle.single] if bundle.single else [*bundle.names(".warc.gz"), *bundle.names(".warc")]
        if bundle.is_zip:
            names = [name for name in names if name.startswith("archive/")] or names
        if not names:
            raise NotReadable(f"{bundle.path} has no .warc or .warc.gz file")
        self._names = names
        self._files: dict[int, IO[bytes]] = {}
        # without a name it is a file that goes with the process
        self._index = sqlite3.connect("")
        self._index.executescript(_TABLE)

    def read(self) -> Iterator[Bad]:
        """Read all files once and note what is where; gives what cannot be read."""
        for number, name in enumerate(self._names):
            try:
                with self._bundle.seekable(name) as file:
                    yield from self._read(number, name, file)
            except (Missing, OSError, EOFError, BadZipFile, zlib.error) as error:
                yield Bad(where=name, message=f"cannot be read, or not to its end ({_line(error)})")
        self._index.executescript(
            "CREATE INDEX by_address ON answers (address); CREATE INDEX by_path ON answers (path);"
        )

    def _read(self, number: int, name: str, file: IO[bytes]) -> Iterator[Bad]:
        """Note one file's answers; behind a record that cannot be read it goes on at the next one."""
        count, gaps, start = 0, 0, 0
        while True:
            offset, fault = start, None
            try:
                file.seek(start)
                records = ArchiveIterator(file, arc2warc=True)
                for record in records:
                    count, offset = count + 1, records.get_record_offset()
                    self._note(number, offset, record)
            except _FAULTS as error:
                fault = error
            if fault is None:
                break
            if _is_whole(fault):
                yield Bad(where=name, message=f"cannot be read in pieces; {_WHOLE}")
                break
            begin = _next_record(file, offset + 1)
            if not count and begin is None:
                yield Bad(where=name, message=f"is no WARC file ({_line(fault)})")
                return
            count, gaps = count + 1, gaps + 1
            if gaps <= _GAPS or begin is None:
                after = "nor what comes after it" if begin is None else f"read on at byte {begin:,}"
                yield Bad(where=f"{name}, record {count}", message=f"cannot be read, {after} ({_line(fault)})")
            elif gaps == _GAPS + 1:
                yield Bad(where=name, message=f"has more than {_GAPS} records that cannot be read")
            if begin is None:
                break
            start = begin
        if not count:
            yield Bad(where=name, message="has no record in it: it is empty")

    def _note(self, number: int, offset: int, record: Any) -> None:
        row = self._row(record)
        if isinstance(row, str):
            self._other(row)
            return
        self._index.execute(
            "INSERT INTO answers (file, place, url, address, path, host, at, status, type) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (number, offset, *row),
        )

    def _row(self, record: Any) -> tuple[Any, ...] | str:
        kind = record.rec_type
        if kind not in ("response", "resource"):
            return str(kind)[:20]
        url = address(record.rec_headers.get_header("WARC-Target-URI"))
        at = _moment(record.rec_headers.get_header("WARC-Date"))
        if url is None or at is None:
            return "without address or date"
        status, media_type = SAVED, str(record.content_type or "")
        if kind == "response":
            headers = record.http_headers
            if headers is None:
                return "of another protocol"
            status = int(found[0]) if (found := re.match(r"\d{3}", headers.get_statuscode() or "")) else 0
            if status != 200:
                return f"answers with status {status}"
            media_type = headers.get_header("Content-Type") or ""
        parts = urlsplit(url)
        return (
            url,
            plain(url),
            path_of(url),
            parts.hostname or "",
            at.isoformat(),
            status,
            media_type.partition(";")[0].strip().lower()[:80],
        )

    def _other(self, what: str) -> None:
        self._index.execute(
            "INSERT INTO others VALUES (?, 1) ON CONFLICT (what) DO UPDATE SET count = count + 1", (what,)
        )

    def of_address(self, url: str) -> list[Held]:
        """The answers to an address, newest first."""
        return self._found("address = ?", plain(url))

    def of_path(self, url: str) -> list[Held]:
        """The answers to an address whatever its query, newest first."""
        return [held for held in self._found("path = ?", path_of(url)) if not _NO_PAGE.match(held.type)]

    def below(self, url: str) -> Iterator[Held]:
        """The answers to addresses that lie below one, newest first; pictures and the like left out."""
        start = path_of(url).rstrip("/") + "/"
        # "0" comes after "/"
        rows = self._rows("path >= ? AND path < ?", start, start[:-1] + "0")
        while some := rows.fetchmany(500):
            yield from (held for row in some if not _NO_PAGE.match((held := _held(row)).type))

    def _rows(self, condition: str, *values: str) -> sqlite3.Cursor:
        columns = "id, file, place, url, at, status, type"
        statement = f"SELECT {columns} FROM answers WHERE {condition} ORDER BY at DESC, id"  # noqa: S608 - our own words
        return self._index.execute(statement, values)

    def _found(self, condition: str, value: str) -> list[Held]:
        return [_held(row) for row in self._rows(condition, value)]

    def capture(self, held: Held, request: Request) -> Capture:
        """The answer, its body as the page was (no transfer or content encoding).

        Raises:
            FetchError: it cannot be read back, or is too large.
        """
        record = self._record(held)
        try:
            body = record.content_stream().read(self._max_bytes + 1)
        except Exception as error:  # what a wrong encoding raises is the decoder's affair
            raise FetchError(
                f"{held.url}: its record cannot be read ({_line(error)})", url=held.url, retriable=False
            ) from error
        if len(body) > self._max_bytes:
            message = f"{held.url}: is too large, the cap is {self._max_bytes} bytes (http.max_page_bytes)"
            raise TooLarge(message, url=held.url, limit=self._max_bytes)
        return Capture(
            request=request,
            url=held.url,
            status=held.status,
            headers=_headers(record, held),
            body=body,
            fetched_at=held.at,
        )

    def stream(self, request: Request, sink: Sink, *, max_bytes: int | None = None) -> Streamed:
        """Write the newest answer to an address into ``sink``; see ``PoliteClient.stream``.

        Raises:
            FetchError: there is none, or it cannot be read.
        """
        for held in self.of_address(request.url):
            record = self._record(held)
            headers, size = _headers(record, held), 0
            sink.begin(held.url, headers)
            content = record.content_stream()
            while chunk := _read(content, held):
                size += len(chunk)
                if max_bytes is not None and size > max_bytes:
                    message = f"{held.url}: is too large, the cap is {max_bytes} bytes (http.max_media_bytes)"
                    raise TooLarge(message, url=held.url, limit=max_bytes)
                sink.write(chunk)
            self.use(held)
            return Streamed(url=held.url, status=held.status, headers=headers, size=size, fetched_at=held.at)
        raise Gone(f"{request.url}: is not in {self._bundle.path.name}", url=request.url)

    def use(self, held: Held) -> None:
        """Note that an answer was of use."""
        self._index.execute("UPDATE answers SET used = 1 WHERE id = ?", (held.number,))

    def unused(self) -> list[tuple[str, int]]:
        """Hosts, each with how many of its answers were of no use, most first."""
        query = "SELECT host, count(*) FROM answers WHERE NOT used GROUP BY host ORDER BY count(*) DESC, host"
        return [(str(host), int(count)) for host, count in self._index.execute(query)]

    def others(self) -> list[tuple[str, int]]:
        """Kinds of records that are no answers of use (requests, revisits, redirects), each with how many there are."""
        rows = self._index.execute("SELECT what, count FROM others ORDER BY count DESC, what")
        return [(str(what), int(count)) for what, count in rows]

    def _record(self, held: Held) -> Any:
        if held.file not in self._files:
            self._files[held.file] = self._bundle.seekable(self._names[held.file])
        file = self._files[held.file]
        file.seek(held.place)
        try:
            return next(iter(ArchiveIterator(file, arc2warc=True)))
        except (StopIteration, *_FAULTS) as error:
            raise FetchError(
                f"{held.url}: its record cannot be read ({_line(error)})", url=held.url, retriable=False
            ) from error

    def close(self) -> None:
        """Close all files."""
        self._index.close()
        for file in self._files.values():
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _next_record(file: IO[bytes], start: int) -> int | None:
    """Where the next record begins, at ``start`` or behind it; read in portions, whatever the gap's size."""
    place, rest = start, b""
    while True:
        file.seek(place)
        portion = file.read(_CHUNK)
        window = rest + portion
        for found in _BEGINS.finditer(window):
            begin = place - len(rest) + found.start()
            if begin >= start and _can_be_read(file, begin):
                return begin
        if not portion:
            return None
        place, rest = place + len(portion), window[-16:]


def _can_be_read(file: IO[bytes], begin: int) -> bool:
    """Whether a record stands there: the same four bytes may occur in what is compressed."""
    file.seek(begin)
    head = file.read(4096)
    try:
        if head.startswith(b"\x1f\x8b"):
            # the iterator takes what cannot be unpacked as it is
            head = zlib.decompressobj(wbits=31).decompress(head, 512)
        if not _HEAD.match(head):
            return False
        file.seek(begin)
        return next(iter(ArchiveIterator(file, arc2warc=True)), None) is not None
    except (zlib.error, *_FAULTS):
        return False


def _is_whole(fault: BaseException) -> bool:
    return "non-chunked gzip" in str(fault)


def _read(content: Any, held: Held) -> bytes:
    try:
        return bytes(content.read(_CHUNK))
    except Exception as error:  # what a wrong encoding raises is the decoder's affair
        message = f"{held.url}: its record cannot be read ({_line(error)})"
        raise FetchError(message, url=held.url, retriable=False) from error


def plain(url: str) -> str:
    """An address without what does not tell two apart: scheme, ``www.``, usual port, fragment, slash at its end."""
    rest = url.partition("#")[0].partition("://")[2]
    authority, slash, path = rest.partition("/")
    host = authority.lower().removeprefix("www.").removesuffix(":80").removesuffix(":443")
    return (host + slash + path).removesuffix("/")


def path_of(url: str) -> str:
    """``plain`` without the query."""
    return plain(url.partition("?")[0])


def _held(row: tuple[Any, ...]) -> Held:
    number, file, place, url, at, status, media_type = row
    return Held(number, file, place, url, datetime.fromisoformat(at), status, media_type)


def _headers(record: Any, held: Held) -> dict[str, str]:
    if record.http_headers is None:
        return {"content-type": held.type or "application/octet-stream"}
    return {str(name).lower(): str(value) for name, value in record.http_headers.headers}


def _moment(given: object) -> datetime | None:
    if not isinstance(given, str):
        return None
    try:
        at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", given.strip()))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:160]
