"""Captures as WARC 1.1 records, each a gzip member of its own, and back; knows bytes, no files and no rows.

A capture's body has its content encoding removed, so the record's ``Content-Encoding``,
``Transfer-Encoding`` and ``Content-Length`` are the stored body's; the host's own stand beside as ``x-orig-…``.
Authorization is never written: a request's record has what it asked for, not who asked.

See https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/
"""

from __future__ import annotations

import re
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlsplit

from scraper.capture import Capture
from storage.columns import safe

# RFC 9110, section 5.6.2
_NOT_OF_A_NAME = re.compile(r"[^!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_OF_THE_TRANSFER = frozenset({"content-encoding", "transfer-encoding", "content-length"})


def info_record(filename: str, created: str) -> bytes:
    """The record with which a file begins; ``created`` is ISO 8601 with ``Z``."""
    writer, out = _writer()
    info = {"software": "cupola", "format": "WARC File Format 1.1", "conformsTo": _WARC_11}
    record = writer.create_warcinfo_record(filename, info)
    record.rec_headers.replace_header("WARC-Date", created)
    writer.write_record(record)
    return out.getvalue()


def request_and_response(capture: Capture) -> tuple[bytes, bytes]:
    """The two records of a capture; they name each other."""
    from warcio.statusandheaders import StatusAndHeaders

    url = _line(capture.url)
    date = {"WARC-Date": capture.fetched_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    writer, out = _writer()
    response = writer.create_warc_record(
        url,
        "response",
        payload=BytesIO(capture.body),
        length=len(capture.body),
        warc_headers_dict=dict(date),
        http_headers=StatusAndHeaders(_status_line(capture.status), _response_headers(capture), protocol="HTTP/1.1"),
    )
    writer.write_record(response)
    answered = out.getvalue()
    writer, out = _writer()
    parts = urlsplit(url)
    path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe="/?&=%:@!$'()*+,;~-._[]")
    request = writer.create_warc_record(
        url,
        "request",
        payload=BytesIO(b""),
        length=0,
        warc_headers_dict=date | {"WARC-Concurrent-To": response.rec_headers.get_header("WARC-Record-ID")},
        http_headers=StatusAndHeaders(
            f"GET {path} HTTP/1.1", _request_headers(capture, parts.netloc), is_http_request=True
        ),
    )
    writer.write_record(request)
    return out.getvalue(), answered


def body_of(record: bytes) -> bytes:
    """The body in a response record.

    Raises:
        ValueError: the bytes are no whole record.
    """
    import zlib

    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    try:
        for found in ArchiveIterator(BytesIO(record)):
            if found.rec_type == "response":
                body: bytes = found.raw_stream.read()
                return body
    except (ArchiveLoadFailed, EOFError, zlib.error) as error:
        raise ValueError(f"no whole WARC record ({error})") from error
    raise ValueError("no response record")


_WARC_11 = "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"


def _writer() -> tuple[Any, BytesIO]:
    # only a writer needs it: 30 ms that `cupola query` does not spend
    from warcio.warcwriter import WARCWriter

    out = BytesIO()
    return WARCWriter(out, gzip=True, warc_version="1.1"), out


def _line(text: str) -> str:
    """``text`` as it may stand in a header: no line break, nothing that has no UTF-8."""
    return _CONTROL.sub(" ", safe(text)).strip()


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


def _response_headers(capture: Capture) -> list[tuple[str, str]]:
    headers = [
        (f"x-orig-{name}" if name in _OF_THE_TRANSFER else name, value)
        for name, value in (
            (_NOT_OF_A_NAME.sub("_", name).lower(), _line(value)) for name, value in capture.headers.items()
        )
    ]
    return [*headers, ("content-length", str(len(capture.body)))]


def _request_headers(capture: Capture, host: str) -> list[tuple[str, str]]:
    asked = capture.request
    given = {"Accept": asked.accept, "If-None-Match": asked.etag, "If-Modified-Since": asked.last_modified}
    # user and password of an address are nobody's business
    named = [("Host", host.rpartition("@")[2])]
    return named + [(name, _line(value)) for name, value in given.items() if value]
