"""What we asked and the answer byte for byte; knows how to be read, not how to be fetched."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

from scraper.errors import ParseError
from scraper.masking import named

_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)
# half a surrogate pair or NUL, as an escape or in bytes (or JSON in UTF-16): most bodies have none and are not walked
_UNSTORABLE = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)|\xed[\xa0-\xbf]|\x00")
_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_:.-]{2,40})""")


_MEMENTO = re.compile(r"https?://[^/?#]+/(?:[^?#]{0,80}/)??web/([12]\d{13})(?:[a-z]{2}_)?/(.+)", re.ASCII | re.DOTALL)


class Access(StrEnum):
    """Which rules bind a request: robots.txt binds a page, its own terms and limits bind an API."""

    PAGE = "page"
    API = "api"


#: the status of a file that a person saved and brought: nobody was asked, nobody answered
SAVED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One GET to be made.

    ``token`` is sent as ``Authorization: Bearer`` to the host of ``url`` only and is neither shown nor
    kept. ``key``, a name and a value, is likewise added to the query of the address on its way to that host, and is
    never part of ``url``. ``carry`` is handed back to the source with the answer (``capture.request.carry``).
    """

    url: str
    access: Access = Access.PAGE
    accept: str | None = None
    token: str | None = field(default=None, repr=False)
    key: tuple[str, str] | None = field(default=None, repr=False)
    etag: str | None = None
    last_modified: str | None = None
    carry: str | None = None

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"a request needs an absolute http(s) address, not {self.url[:80]!r}")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What goes to the host and may be told and kept nowhere."""
        return tuple(filter(None, (self.token, self.key and self.key[1])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One answer verbatim: its final address, status, headers and body (content encoding removed).

    Header names are lower-case. ``fetched_at`` is aware UTC. A 304 has an empty body; the
    archive puts the capture that it holds in its place, and ``not_modified`` are then the headers
    of that 304 (None where the host gave the body itself).
    """

    request: Request
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    fetched_at: datetime
    sha256: str = ""
    not_modified: Mapping[str, str] | None = None

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
        # UTF-8 labelled as a legacy encoding would decode without complaint into nonsense; the reverse hardly
        # happens by chance. UTF-16 and UTF-32 of plain text are valid UTF-8 full of NULs, so their label stands.
        legacy = not charset.lower().startswith(("utf-16", "utf-32", "utf16", "utf32"))
        for name in ("utf-8-sig", charset) if legacy and not self.body.isascii() else (charset, "utf-8-sig"):
            try:
                return self.body.decode(name)
            except (UnicodeError, LookupError):
                continue
        # what browsers do with undeclared western text
        return self.body.decode("cp1252", errors="replace")

    def json(self) -> Any:
        """The body as JSON; in its texts U+FFFD stands for NUL and for half a surrogate pair, which no store takes.

        Raises:
            ParseError: the body is not JSON, or nested deeper than can be read.
        """
        try:
            value = json.loads(self.body)
            return _storable(value) if _holds_unstorable(self.body) else value
        except (ValueError, RecursionError) as error:
            if self.body[:200].lstrip().startswith(b"<"):
                message = "a web page came in place of JSON: a login page, a check for browsers, or no such API"
                raise self.parse_error(message) from error
            kind = self.media_type or "an answer without a type"
            raise self.parse_error(f"expected JSON and got {kind} that is not ({error})") from error

    def link(self, relation: str) -> str | None:
        """The absolute address that the ``Link`` header (RFC 8288) gives for ``relation``; None when it gives none.

        Raises:
            ParseError: what stands there is no address, or one on another server than the one asked.
        """
        for target, parameters in re.findall(r"<([^<>]*)>([^<]*)", self.headers.get("link", "")):
            named = re.search(r"""\brel\s*=\s*["']?([\w\s-]*)""", parameters, re.IGNORECASE)
            if named and relation in named[1].lower().split():
                try:
                    url = urljoin(self.url, str(target).strip())
                    at_home = _origin(url) in (_origin(self.url), _origin(self.request.url))
                except ValueError as error:
                    raise self.parse_error(f"its {relation} link is no address: {target[:200]}") from error
                if not at_home:
                    raise self.parse_error(f"its {relation} link leads to another server: {url[:200]}")
                return url
        return None

    def parse_error(self, message: str) -> ParseError:
        """The error for an answer that was not understood, with this capture as its evidence."""
        return ParseError(f"{named(self.url)}: {message}", url=self.url, sha256=self.sha256)


def memento_of(url: str) -> tuple[datetime, str] | None:
    """When an archive made the capture at ``url`` (aware UTC), and of which address; None for any other address.

    Such an address is ``https://web.archive.org/web/20161203174500id_/https://…``. A post's date is something else.
    """
    found = _MEMENTO.fullmatch(url)
    try:
        at = found and datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:  # no such day
        return None
    return (at, found[2]) if found and at else None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(':443' if parts.scheme == 'https' else ':80')}"


def _holds_unstorable(body: bytes) -> bool:
    """Whether a text in a body of JSON may hold what no store takes."""
    if not _UNSTORABLE.search(body):
        return False
    # halves that belong together, as many machines write an emoji; behind a backslash no «u» is an escape
    return b"\\\\u" in body or bool(_UNSTORABLE.search(_PAIR.sub(b" ", body)))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        # through UTF-16, so that two halves that belong together become their character
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value


class Fetcher(Protocol):
    """Whatever answers requests: the polite client, or recorded captures."""

    def fetch(self, request: Request) -> Capture:
        """The answer to ``request``.

        Raises:
            FetchError: there is no usable answer.
        """
        ...
