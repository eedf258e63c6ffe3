"""Logging as a person at a terminal reads it; remote text never reaches the terminal raw."""

from __future__ import annotations

import logging
import sys

_LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO, 2: logging.DEBUG}
_ROOMS = ("scraper", "storage", "jobs")

#: how loud: -1 quiet, 0 as usual, 1 and 2 more
loudness = 0


def printable(text: str) -> str:
    """``text`` without what a terminal would obey: control characters become visible pictures of themselves.

    Newlines and tabs stay; lone surrogates, which no terminal encoding has, become U+FFFD, and the marks that
    turn the direction of text round are left out.
    """
    return text.translate(_SAFE)


_SAFE: dict[int, str | None] = {code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)}
_SAFE |= {0x7F: "\u2421"}
_SAFE |= dict.fromkeys(range(0x80, 0xA0), "\ufffd")
_SAFE |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
_SAFE |= dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


class _Printable(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def configure(level: int) -> None:
    """Send the log to stderr; ``level`` is -1 (errors) to 2 (everything, libraries' own words included).

    May be called again; the last call holds.
    """
    global loudness
    loudness = max(-1, min(2, level))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Printable("%(levelname)s %(name)s: %(message)s"))
    libraries = _LEVELS[loudness] if loudness != 1 else logging.WARNING
    logging.basicConfig(level=libraries, handlers=[handler], force=True)
    for room in _ROOMS:
        logging.getLogger(room).setLevel(_LEVELS[loudness])
