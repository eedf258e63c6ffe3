"""The Archive's index of captures: what to ask it, and its answer in text or JSON.

https://github.com/internetarchive/wayback/tree/master/wayback-cdx-server, and what it leaves unsaid: the key to go on
with stands after a blank line, in JSON after an empty row; a capture may be listed several times.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from scraper.capture import Capture

#: rows in one answer
PAGE = 5000

_COLUMNS = ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length")
_TIMESTAMP = re.compile(r"[12]\d{13}", re.ASCII)
_REVISIT = "warc/revisit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One capture as it is listed: the 14 digits of its time (UTC), the address that was captured, what came.

    ``status`` is empty where the index has none («-»), as for a revisit, whose bytes are those of an earlier capture.
    """

    timestamp: str
    original: str
    media_type: str = ""
    status: str = ""
    digest: str = ""

    @property
    def is_revisit(self) -> bool:
        """Whether the index says no more than that nothing had changed."""
        return self.media_type == _REVISIT


def question(server: str, url: str, options: Mapping[str, str], filters: Iterable[str], resume: str | None) -> str:
    """The address of a page of the index; ``options`` are CDX's own names, those without a value are left out."""
    fields = [("url", url), *((name, value) for name, value in options.items() if value)]
    fields += [("filter", text) for text in filters]
    fields += [("output", "json"), ("resolveRevisits", "true"), ("showResumeKey", "true")]
    # the key comes encoded, and is encoded once more on its way back, as every value is
    fields += [("resumeKey", resume)] if resume else []
    return f"{server}/cdx/search/cdx?{urlencode(fields)}"


def answer(capture: Capture) -> tuple[list[Row], str | None]:
    """The captures that a page of the index lists, and the key of the next page if there is one.

    No row at all says that nothing is listed; the answer is then ``[]``.

    Raises:
        ParseError: it is no answer of a CDX server, or one that breaks off.
    """
    if capture.body.lstrip()[:1] in (b"[", b"{", b"<", b'"') or not capture.body.strip():
        return _from_json(capture)
    return _from_text(capture)


def _from_json(capture: Capture) -> tuple[list[Row], str | None]:
    value = capture.json()
    if not isinstance(value, list) or not all(
        isinstance(row, list) and all(isinstance(cell, str) for cell in row) for row in value
    ):
        raise capture.parse_error(f"expected the index of an archive (CDX) and got {json.dumps(value)[:80]}")
    if not value:
        return [], None
    header, *lines = value
    if not {"timestamp", "original"} <= set(header):
        raise capture.parse_error(f"expected the index of an archive (CDX) and got columns {', '.join(header)[:80]}")
    return _read(capture, header, lines)


def _from_text(capture: Capture) -> tuple[list[Row], str | None]:
    lines = [line.split(" ") if line.strip() else [] for line in capture.text.splitlines()]
    if not capture.body.endswith(b"\n"):
        raise capture.parse_error("the index of the archive (CDX) breaks off in the middle of a line")
    while lines and not lines[-1]:
        lines.pop()
    return _read(capture, list(_COLUMNS), lines)


def _read(capture: Capture, header: list[str], lines: list[list[str]]) -> tuple[list[Row], str | None]:
    resume = None
    if [] in lines:
        at = lines.index([])
        if len(lines) != at + 2 or len(lines[-1]) != 1:
            raise capture.parse_error("what follows the rows of the index (CDX) is not the one key to go on with")
        resume, lines = lines[-1][0], lines[:at]
    return [_row(capture, header, line) for line in lines], resume


def _row(capture: Capture, header: list[str], line: list[str]) -> Row:
    # a server of another make may have more columns behind
    cells = dict(zip(header, line, strict=False))
    if len(line) < min(len(header), len(_COLUMNS)) or not _TIMESTAMP.fullmatch(cells.get("timestamp", "")):
        raise capture.parse_error(f"a row of the index (CDX) cannot be read: {' '.join(line)[:200]}")
    told = {name: "" if cells.get(name, "-") == "-" else cells[name] for name in ("mimetype", "statuscode", "digest")}
    return Row(
        timestamp=cells["timestamp"],
        original=cells["original"],
        media_type=told["mimetype"],
        status=told["statuscode"],
        digest=told["digest"],
    )


def worth_asking(rows: Iterable[Row]) -> list[Row]:
    """The captures that may hold something, oldest first and once each.

    Left out are redirects and errors, and revisits of bytes that another listed capture has.
    """
    kept = {(row.timestamp, row.original): row for row in rows if row.status in ("", "200")}
    held = {row.digest for row in kept.values() if row.status == "200"}
    return sorted(
        (row for row in kept.values() if row.status == "200" or row.digest not in held),
        key=lambda row: (row.timestamp, row.original),
    )
