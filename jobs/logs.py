"""Logging: as a person at a terminal reads it, or a line of JSON a record; remote text never reaches either raw."""

from __future__ import annotations

import contextvars
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from logging.handlers import RotatingFileHandler
from pathlib import Path

from jobs.secrecy import discreet

_LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO, 2: logging.DEBUG}
ROOMS = ("scraper", "storage", "jobs")
#: a log file is put aside when it is so large, and so many of those are kept: 60 MB at most, some months of a daemon
FILE_BYTES, FILES_KEPT = 10_000_000, 5

#: how loud: -1 quiet, 0 as usual, 1 and 2 more
loudness = 0


class Form(StrEnum):
    """How a record is told: ``AUTO`` is for people on a terminal and for programs elsewhere."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


@dataclass(slots=True)
class _Subject:
    source: str | None = None
    run: int | None = None


_subject: contextvars.ContextVar[_Subject] = contextvars.ContextVar("subject", default=_Subject())  # noqa: B039 - never changed


@contextmanager
def about(source: str | None, run: int | None = None) -> Iterator[None]:
    """Within it every record of this thread says that it is about this source, and this run of it, where there is one.

    What is said of the same source around it afterwards is about that run as well. A thread begun within it takes
    that along only where it is run in ``contextvars.copy_context()``.
    """
    around = _subject.get()
    if source is not None and around.source == source:
        around.run = run or around.run
    token = _subject.set(_Subject(source, run))
    try:
        yield
    finally:
        _subject.reset(token)


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


class _Plain(logging.Formatter):
    """Of a command at a terminal: level, module and message; nobody needs to be told the time."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(discreet(super().format(record)))


class _Text(logging.Formatter):
    """One line a record, a traceback below it: time (UTC), level, source and run where there is one, message."""

    def format(self, record: logging.LogRecord) -> str:
        subject = _subject.get()
        whose = (
            ""
            if subject.source is None
            else f" [{subject.source}{'' if subject.run is None else f' run {subject.run}'}]"
        )
        # a message that could begin a line of its own could forge one
        message = discreet(record.getMessage()).replace("\n", "␊")
        line = f"{_time(record, 'seconds')} {record.levelname}{whose} {record.name}: {message}"
        if record.exc_info:
            told = discreet(self.formatException(record.exc_info))
            line += "".join(f"\n    {each}" for each in told.splitlines())
        return printable(line)


class _Json(logging.Formatter):
    """One line of ASCII a record, whatever was said: ``time``, ``level``, ``source``, ``run``, ``logger``, ``message``.

    ``error`` is the traceback, where there is one. Journals, files and pagers cannot be led astray by ASCII, and what
    reads JSON sees the letters as they are.
    """

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, str | int] = {"time": _time(record, "milliseconds"), "level": record.levelname.lower()}
        subject = _subject.get()
        if subject.source is not None:
            told["source"] = subject.source
        if subject.run is not None:
            told["run"] = subject.run
        told |= {"logger": record.name, "message": discreet(record.getMessage())}
        if record.exc_info:
            told["error"] = discreet(self.formatException(record.exc_info))
        return json.dumps(told)


def formatter(form: Form) -> logging.Formatter:
    """What makes a line of a record; ``AUTO`` is for programs."""
    return _Text() if form is Form.TEXT else _Json()


def _time(record: logging.LogRecord, exactness: str) -> str:
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec=exactness)
    return moment.removesuffix("+00:00") + "Z"


def configure(level: int) -> None:
    """Send the log of a command to stderr; ``level`` is -1 (errors) to 2 (everything, libraries' own words included).

    May be called again; the last call holds.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain("%(levelname)s %(name)s: %(message)s") if level <= 0 else _Text())
    _send(handler, level)


def configure_daemon(form: Form = Form.AUTO, file: Path | None = None) -> None:
    """Send the log of a daemon to stderr, or to ``file``, which is put aside by itself when it is large.

    It says more than a command: as loud as ``-v`` where nobody asked for something else (``-q``, ``-vv``).

    Raises:
        OSError: the file cannot be written to.
    """
    handler: logging.Handler
    if file is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        handler = RotatingFileHandler(file, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")
    is_for_people = form is Form.TEXT or (form is Form.AUTO and file is None and sys.stderr.isatty())
    handler.setFormatter(formatter(Form.TEXT if is_for_people else Form.JSON))
    # a line that cannot be written (a full disk, a closed pipe) is lost, and nothing else is
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    threading.excepthook = _thread_ended
    _send(handler, loudness or 1)


def _thread_ended(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None:
        name = "a thread" if told.thread is None else f"the thread {told.thread.name}"
        logging.getLogger(__name__).error("%s has ended by an error", name, exc_info=told.exc_value)


def _send(handler: logging.Handler, level: int) -> None:
    global loudness
    loudness = max(-1, min(2, level))
    libraries = _LEVELS[loudness] if loudness != 1 else logging.WARNING
    logging.basicConfig(level=libraries, handlers=[handler], force=True)
    for room in ROOMS:
        logging.getLogger(room).setLevel(_LEVELS[loudness])
