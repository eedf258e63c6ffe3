"""Captures as WARC 1.1 records, each a gzip member of its own, and back; knows bytes, no files and no rows.

A capture's body has its content encoding removed, so the record's ``Content-Encoding``,
``Transfer-Encoding`` and ``Content-Length`` are the stored body's; the host's own stand beside as ``x-orig-…``.
A body that is held already is not written again: a revisit record says where it is.
Authorization is never written: a request's record has what it asked for, not who asked.

See https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

from scraper.capture import Capture
from storage.columns import safe

# RFC 9110, section 5.6.2
_NOT_OF_A_NAME = re.compile(r"[^!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_OF_THE_TRANSFER = frozenset({"content-encoding", "transfer-encoding", "content-length", "content-range"})
_WARC_11 = "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"
_NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response record read back: its id, address and date as they stand in it, and the body."""

    record_id: str
    url: str
    date: str
    body: bytes


def info_record(filename: str, created: str, *, software: str, part_of: str) -> bytes:
    """The record with which a file begins.

    Args:
        filename: of the file.
        created: ISO 8601 with ``Z``.
        software: name and version of who writes.
        part_of: the run that the file is of.
    """
    writer, out = _writer()
    info = {
        "software": _line(software),
        "format": "WARC File Format 1.1",
        "conformsTo": _WARC_11,
        "isPartOf": _line(part_of),
    }
    record = writer.create_warcinfo_record(filename, info)
    record.rec_headers.replace_header("WARC-Date", created)
    writer.write_record(record)
    return out.getvalue()


def request_and_response(capture: Capture) -> tuple[bytes, bytes]:
    """The two records of a capture; each names the other."""
    ids = _new_id(), _new_id()
    writer, out = _writer()
    writer.write_record(
        writer.create_warc_record(
            _line(capture.url),
            "response",
            payload=BytesIO(capture.body),
            length=len(capture.body),
            warc_headers_dict=_named(capture, own=ids[1], other=ids[0]),
            http_headers=_answered(capture.status, _response_headers(capture)),
        )
    )
    return _request(capture, ids), out.getvalue()


def resource(capture: Capture) -> tuple[bytes, bytes]:
    """The record of a file that a person saved: what it holds, and no request and no answer, since there were none."""
    writer, out = _writer()
    named = {"WARC-Record-ID": _new_id(), "WARC-Date": _date(capture)}
    kind = capture.media_type or "application/octet-stream"
    record = writer.create_warc_record(
        _line(capture.url),
        "resource",
        payload=BytesIO(capture.body),
        length=len(capture.body),
        warc_content_type=kind,
        warc_headers_dict=named,
    )
    writer.write_record(record)
    return b"", out.getvalue()


def request_and_revisit(capture: Capture, original: Answer) -> tuple[bytes, bytes]:
    """The two records of a capture whose body is held in another record; each names the other.

    An answer that the host gave anew refers to the same payload; one that it confirmed with a 304 says so.
    """
    ids = _new_id(), _new_id()
    writer, out = _writer()
    confirmed = capture.not_modified
    headers = _response_headers(capture) if confirmed is None else _safe_headers(confirmed)
    record = writer.create_revisit_record(
        _line(capture.url),
        _digest(original.body),
        original.url,
        original.date,
        http_headers=_answered(capture.status if confirmed is None else 304, headers),
        warc_headers_dict=_named(capture, own=ids[1], other=ids[0]) | {"WARC-Refers-To": original.record_id},
    )
    if confirmed is not None:
        record.rec_headers.replace_header("WARC-Profile", _NOT_MODIFIED)
    writer.write_record(record)
    return _request(capture, ids), out.getvalue()


def response_head(status: int, headers: Mapping[str, str], size: int) -> bytes:
    """Status line and headers of an answer whose body of ``size`` bytes is held as it was before its transfer."""
    lines = [f"HTTP/1.1 {_status_line(status)}"]
    lines += (f"{name}: {value}" for name, value in _held_headers(headers, size))
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def header_line(text: str) -> str:
    """``text`` as it may stand in a header."""
    return _line(text)


def answer_of(record: bytes) -> Answer:
    """What a response record holds.

    Raises:
        ValueError: the bytes are no whole record.
    """
    from warcio.archiveiterator import ArchiveIterator

    try:
        for found in ArchiveIterator(BytesIO(record)):
            if found.rec_type in ("response", "resource"):
                header = found.rec_headers.get_header
                body: bytes = found.raw_stream.read()
                return Answer(
                    record_id=header("WARC-Record-ID") or "",
                    url=header("WARC-Target-URI") or "",
                    date=header("WARC-Date") or "",
                    body=body,
                )
    except Exception as error:
        # damaged bytes make more of warcio's parser than its own errors: a header that is None, say
        raise ValueError(f"no whole WARC record ({error})") from error
    raise ValueError("no response record")


#: lines of a head
Lines = list[tuple[str, str]]


def parts_of(record: bytes) -> tuple[Lines, tuple[str, Lines] | None, bytes]:
    """A whole record in parts: its own headers; status line and headers of the answer, if it has one; the body."""
    from warcio.archiveiterator import ArchiveIterator

    found = next(iter(ArchiveIterator(BytesIO(record))))
    http = found.http_headers
    answered = None if http is None else (f"{http.protocol} {http.statusline}", list(http.headers))
    return list(found.rec_headers.headers), answered, found.raw_stream.read()


def body_of(record: bytes) -> bytes:
    """The body in a response record.

    Raises:
        ValueError: the bytes are no whole record.
    """
    return answer_of(record).body


def _named(capture: Capture, *, own: str, other: str) -> dict[str, str]:
    """What both records of a capture say of themselves."""
    return {
        "WARC-Record-ID": own,
        "WARC-Date": _date(capture),
        "WARC-Concurrent-To": other,
    }


def _date(capture: Capture) -> str:
    return capture.fetched_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _request(capture: Capture, ids: tuple[str, str]) -> bytes:
    from warcio.statusandheaders import StatusAndHeaders

    url = _line(capture.url)
    parts = urlsplit(url)
    path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe="/?&=%:@!$'()*+,;~-._[]")
    writer, out = _writer()
    writer.write_record(
        writer.create_warc_record(
            url,
            "request",
            payload=BytesIO(b""),
            length=0,
            warc_headers_dict=_named(capture, own=ids[0], other=ids[1]),
            http_headers=StatusAndHeaders(
                f"GET {path} HTTP/1.1", _request_headers(capture, parts.netloc), is_http_request=True
            ),
        )
    )
    return out.getvalue()


def _answered(status: int, headers: list[tuple[str, str]]) -> Any:
    from warcio.statusandheaders import StatusAndHeaders

    return StatusAndHeaders(_status_line(status), headers, protocol="HTTP/1.1")


def _writer() -> tuple[Any, BytesIO]:
    # only a writer needs it: 30 ms that `cupola query` does not spend
    from warcio.warcwriter import WARCWriter

    out = BytesIO()
    return WARCWriter(out, gzip=True, warc_version="1.1"), out


def _new_id() -> str:
    return f"<{uuid4().urn}>"


def _digest(body: bytes) -> str:
    """The payload's digest as the response's own record has it."""
    from warcio.utils import Digester

    digester = Digester("sha1")
    digester.update(body)
    return str(digester)


def _line(text: str) -> str:
    """``text`` as it may stand in a header: no line break, nothing that has no UTF-8."""
    return _CONTROL.sub(" ", safe(text)).strip()


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


def _safe_headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(_NOT_OF_A_NAME.sub("_", name).lower(), _line(value)) for name, value in headers.items()]


def _response_headers(capture: Capture) -> list[tuple[str, str]]:
    return _held_headers(capture.headers, len(capture.body))


def _held_headers(headers: Mapping[str, str], size: int) -> list[tuple[str, str]]:
    held = [(f"x-orig-{name}" if name in _OF_THE_TRANSFER else name, value) for name, value in _safe_headers(headers)]
    return [*held, ("content-length", str(size))]


def _request_headers(capture: Capture, host: str) -> list[tuple[str, str]]:
    asked = capture.request
    given = {"Accept": asked.accept, "If-None-Match": asked.etag, "If-Modified-Since": asked.last_modified}
    # user and password of an address are nobody's business
    named = [("Host", host.rpartition("@")[2])]
    return named + [(name, _line(value)) for name, value in given.items() if value]
