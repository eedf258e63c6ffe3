"""One body on its way into a sink: unpacked, capped, and taken up where it broke off.

A rest is asked for, and believed, only under proof that it belongs to what came before: the same strong validator,
the same total, exactly the next byte. In doubt the body begins again, so that two versions never become one file.
https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from scraper.answers import moment_of
from scraper.errors import FetchError, TooLarge
from scraper.wire import NotAsEncoded, Unpacker

#: bytes below which a body that broke off is rather asked for anew
WORTH_RESUMING = 2**16

_MOST_SAID = 4096
_NOT_PACKED = frozenset({"", "identity", "none", "utf-8"})
_UNPACKABLE = frozenset({"gzip", "x-gzip", "deflate"})
_STRONG = re.compile(r'"[\x21\x23-\x7e]*"')
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")
# a file may change twice within the second that Last-Modified counts in; RFC 7232 2.2.2 asks for this distance
_SETTLED = timedelta(seconds=60)


class Sink(Protocol):
    """Where the bytes of an answer go."""

    def begin(self, url: str, headers: Mapping[str, str]) -> None:
        """An answer starts, perhaps again: drop what was written before. May raise ScraperError to refuse it."""

    def write(self, chunk: bytes) -> None:
        """Take the next bytes of the body, unpacked; after a break they may come from another connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """What is known of an answer whose body went into a sink.

    ``url`` is the final address, header names are lower-case, ``size`` counts unpacked bytes,
    ``fetched_at`` is aware UTC. Of a body that came in parts, all but the size is that of the first.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    size: int
    fetched_at: datetime


class Answer(Protocol):
    """One answer as the carrier hands it over, its body unread and still packed."""

    status: int
    headers: Mapping[str, str]

    def read(self) -> bytes:
        """The next bytes that are there; empty at the end. Raises Broken."""

    def let_go(self) -> None:
        """Done with it, read or not."""


class Broken(Exception):
    """The carrier got no answer, or lost it midway: what happened, and whether a new try may go better."""

    def __init__(self, what: str, *, passing: bool = True, retriable: bool = True, refused: bool = False) -> None:
        super().__init__(what)
        self.passing = passing
        #: whether the host is there and lets nobody in
        self.refused = refused
        self.retriable = retriable


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The beginning of a body, in the sink; ``validator`` is what its rest is known by."""

    head: Streamed
    total: int
    validator: str

    def is_continued_by(self, headers: Mapping[str, str]) -> bool:
        """Whether a 206 with these headers is the rest, or the beginning of the rest."""
        told = _RANGE.fullmatch(headers.get("content-range", "").strip())
        if told is None or _encoding(headers) not in _NOT_PACKED:
            return False
        start, last, total = map(int, told.groups())
        length = str(last - start + 1)
        if (start, total) != (self.head.size, self.total) or not start <= last < total:
            return False
        return headers.get("content-length", length).strip() == length and self._is_of_this_version(headers)

    def _is_of_this_version(self, headers: Mapping[str, str]) -> bool:
        etag, modified = headers.get("etag"), headers.get("last-modified")
        before = self.head.headers
        if etag != before.get("etag"):
            return False
        # a 206 has the ETag that a 200 would have, but may leave out Last-Modified beside it: RFC 9110 15.3.7
        return modified == before.get("last-modified") or (modified is None and etag == self.validator)


class Delivery:
    """What one request brings in, over as many answers as it takes. For one thread.

    Args:
        sink: takes the body.
        limit: most unpacked bytes, of all parts together.
        name: how to call what was asked for in a message.
        resumes: whether a body that breaks off may be taken up; else it begins again.
    """

    def __init__(self, sink: Sink, limit: int, name: str, *, resumes: bool) -> None:
        self._sink = sink
        self._limit = limit
        self._name = name
        self._resumes = resumes
        self._part: _Part | None = None

    def asking(self, url: str) -> dict[str, str]:
        """The headers that ask ``url`` for the rest of what broke off; none when it is to begin."""
        if self._part is None or self._part.head.url != url:
            return {}
        return {"Range": f"bytes={self._part.head.size}-", "If-Range": self._part.validator}

    def is_continued_by(self, answer: Answer) -> bool:
        """Whether a 206 or 416 to what ``asking`` asked goes on where the body broke off; if not, it begins again."""
        part = self._part
        if part is not None and answer.status == 206 and part.is_continued_by(answer.headers):
            return True
        self._part = None
        return False

    def take(self, url: str, answer: Answer, now: datetime) -> Streamed:
        """Read the body of a 200, of a 206 that continues it, or none (304), into the sink.

        Raises:
            Broken: it broke off.
            NotAsEncoded: it is not packed as it says.
            TooLarge: it is over the limit.
            FetchError: it is packed in a way that is not unpacked.
        """
        part, self._part = self._part, None
        if answer.status == 206 and part is not None:
            return self._read(answer, part.head, part.total, None)
        head = Streamed(url=url, status=answer.status, headers=answer.headers, size=0, fetched_at=now)
        if answer.status != 200:
            return head
        unpacker = _unpacker(answer.headers, self._name)
        total = _announced(answer.headers)
        if total is not None and total > self._limit:
            message = f"{self._name}: announces {total} bytes, {_cap(self._limit)}"
            raise TooLarge(message, url=self._name, limit=self._limit)
        self._sink.begin(url, answer.headers)
        return self._read(answer, head, total if unpacker is None else None, unpacker)

    def _read(self, answer: Answer, head: Streamed, total: int | None, unpacker: Unpacker | None) -> Streamed:
        size = head.size
        try:
            while data := answer.read():
                for piece in (data,) if unpacker is None else unpacker.feed(data):
                    size += len(piece)
                    if size > self._limit:
                        message = f"{self._name}: is too large, {_cap(self._limit)}"
                        raise TooLarge(message, url=self._name, limit=self._limit)
                    self._sink.write(piece)
            if unpacker is not None:
                unpacker.finish()
            if total is not None and size != total:
                raise Broken(f"the answer has {size} bytes where {total} were announced")
        except Broken:
            if self._resumes and total is not None and WORTH_RESUMING <= size < total:
                self._part = _part(head, size, total)
            raise
        return _sized(head, size)


def words_of(answer: Answer) -> str:
    """What a refusal says in plain text, on one line and not longer than a person reads; empty when it says nothing."""
    if answer.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/plain":
        return ""
    try:
        data = answer.read()[:_MOST_SAID]
        unpacker = _unpacker(answer.headers, "")
        text = data if unpacker is None else next(unpacker.feed(data), b"")
    except (Broken, NotAsEncoded, FetchError):
        return ""
    words = " ".join(text[:_MOST_SAID].decode("utf-8", "replace").split())
    return "".join(letter for letter in words if letter.isprintable())[:300]


def _part(head: Streamed, size: int, total: int) -> _Part | None:
    """The beginning that came, when its headers hold a strong validator; None without one."""
    etag, modified = head.headers.get("etag"), head.headers.get("last-modified")
    validator = None
    if etag is not None:
        validator = etag if _STRONG.fullmatch(etag) else None
    elif modified is not None:
        then, now = moment_of(modified), moment_of(head.headers.get("date", ""))
        validator = modified if then is not None and now is not None and now - then >= _SETTLED else None
    return None if validator is None else _Part(head=_sized(head, size), total=total, validator=validator)


def _sized(head: Streamed, size: int) -> Streamed:
    return Streamed(url=head.url, status=head.status, headers=head.headers, size=size, fetched_at=head.fetched_at)


def _announced(headers: Mapping[str, str]) -> int | None:
    """The number of bytes that will come, by the answer's own word."""
    said = headers.get("content-length", "")[:20]
    # where the body comes in chunks their own end counts
    return int(said) if said.isdecimal() and said.isascii() and "transfer-encoding" not in headers else None


def _cap(limit: int) -> str:
    return f"the cap is {limit} bytes (http.max_page_bytes, for pictures http.max_media_bytes)"


def _encoding(headers: Mapping[str, str]) -> str:
    return headers.get("content-encoding", "").strip().lower()


def _unpacker(headers: Mapping[str, str], name: str) -> Unpacker | None:
    encoding = _encoding(headers)
    if encoding in _NOT_PACKED:
        return None
    if encoding not in _UNPACKABLE:
        message = f"{name}: came packed as {encoding[:40]!r}, which was not asked for and is not unpacked"
        raise FetchError(message, url=name, retriable=False)
    return Unpacker(encoding)
