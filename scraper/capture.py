"""What we asked and the answer byte for byte; knows how to be read, not how to be fetched."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from scraper.errors import ParseError

_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_:.-]{2,40})""")


class Access(StrEnum):
    """Which rules bind a request: robots.txt binds a page, its own terms and limits bind an API."""

    PAGE = "page"
    API = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One GET to be made.

    ``token`` is sent as ``Authorization: Bearer`` to the host of ``url`` only and is neither shown nor
    kept. ``carry`` is handed back to the source with the answer (``capture.request.carry``).
    """

    url: str
    access: Access = Access.PAGE
    accept: str | None = None
    token: str | None = field(default=None, repr=False)
    etag: str | None = None
    last_modified: str | None = None
    carry: str | None = None

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"a request needs an absolute http(s) address, not {self.url[:80]!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One answer verbatim: its final address, status, headers and body (content encoding removed).

    Header names are lower-case. ``fetched_at`` is aware UTC. A 304 has an empty body; the
    archive puts the capture that it holds in its place.
    """

    request: Request
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    fetched_at: datetime
    sha256: str = ""

    def __post_init__(self) -> None:
        if self.fetched_at.utcoffset() != timedelta(0):
            raise ValueError(f"the time of a capture is aware and in UTC, not {self.fetched_at!r}")
        if not self.sha256:
            object.__setattr__(self, "sha256", hashlib.sha256(self.body).hexdigest())

    @property
    def media_type(self) -> str:
        """The type in ``Content-Type``, lower-case and without parameters; empty when not given."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The body's encoding: a byte-order mark, the header, then the document's own word, then UTF-8."""
        for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
            if self.body.startswith(mark):
                return name
        named = re.search(r"charset\s*=\s*[\"']?([\w:.-]{2,40})", self.headers.get("content-type", ""), re.IGNORECASE)
        head = self.body[:4096]
        said = _XML_ENCODING.search(head) or _META_CHARSET.search(head)
        candidates = [named.group(1)] if named else []
        candidates += [said.group(1).decode("ascii")] if said else []
        for name in candidates:
            try:
                "".encode(name)
            except (LookupError, UnicodeError):
                continue
            return name
        return "utf-8"

    @property
    def text(self) -> str:
        """The body as text; never an exception. A wrong label is overruled when the bytes are good UTF-8."""
        charset = self.charset
        try:
            return self.body.decode("utf-8-sig" if charset == "utf-8" else charset)
        except (UnicodeError, LookupError):
            pass
        try:
            return self.body.decode("utf-8")
        except UnicodeError:
            # what browsers do with undeclared western text
            return self.body.decode("cp1252", errors="replace")

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ParseError: the body is not JSON, or nested deeper than can be read.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            kind = self.media_type or "an answer without a type"
            raise self.parse_error(f"expected JSON and got {kind} that is not ({error})") from error

    def parse_error(self, message: str) -> ParseError:
        """The error for an answer that was not understood, with this capture as its evidence."""
        return ParseError(f"{self.url}: {message}", url=self.url, sha256=self.sha256)


class Fetcher(Protocol):
    """Whatever answers requests: the polite client, or recorded captures."""

    def fetch(self, request: Request) -> Capture:
        """The answer to ``request``.

        Raises:
            FetchError: there is no usable answer.
        """
        ...
