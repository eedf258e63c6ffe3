"""Lines of CSV that every program reads alike (RFC 4180), and cells that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

#: what makes a cell a formula, in all the widths that Unicode has of it, behind white space and marks that are not
#: seen; and what ends a cell for a program that does not heed the quotes
_RUN = re.compile(
    r"[\t\r\n]|[\s\x00-\x1f\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]*"
    r"[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207c\u207a\u207b\u208c\u208a\u208b\u2212]"
)


def defused(text: str) -> str:
    """``text`` as a cell: an apostrophe in front of what a spreadsheet would run, or could after trimming it."""
    if text[:1].isalnum():  # most begin so, and this is quicker
        return text
    return f"'{text}" if _RUN.match(text) else text


def lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as lines of CSV in UTF-8: they end in CRLF, quotes are doubled, a cell is quoted where that is needed."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode("utf-8", "replace")
