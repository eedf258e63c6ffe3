"""How what was asked for reaches stdout: as UTF-8 for programs, as the terminal can show it for people."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from jobs.cli.outlet import Outlet

if TYPE_CHECKING:
    from rich.console import Console

#: a cell that begins with one of these is a formula to a spreadsheet
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@contextmanager
def patient() -> Iterator[Outlet]:
    """Stdout for what is read from an archive meanwhile: given to its end when the block ends.

    When the reader has had enough (``cupola query --format ids | head``) the block ends quietly.
    """
    sys.stdout.flush()
    with _until_enough():
        out = Outlet(sys.stdout.buffer)
        try:
            yield out
        finally:
            out.finish()


@contextmanager
def for_programs(out: Outlet | None = None) -> Iterator[Callable[[str], Any]]:
    """Gives a function that writes text to stdout as UTF-8 with line ends as they are, whatever the locale says.

    Ends quietly as ``patient`` does, whose block may lie around this one.
    """
    # the text stream encodes as the locale wants it and may turn line ends round, which JSON and CSV must not have
    with nullcontext(out) if out is not None else patient() as own, _until_enough():
        yield lambda text: own.write(text.encode("utf-8", "replace"))


@contextmanager
def for_people(out: Outlet | None = None) -> Iterator[Console]:
    """Gives a console on stdout; ends quietly as ``for_programs`` does.

    What the terminal's encoding does not have becomes a question mark.
    """
    from rich.console import Console

    with nullcontext(out) if out is not None else patient() as own, _until_enough():
        console = Console(highlight=False, markup=False, emoji=False, soft_wrap=False)
        with console.capture() as captured:
            yield console
        own.write(captured.get().encode(getattr(sys.stdout, "encoding", None) or "utf-8", "replace"))


def defused(text: str) -> str:
    """``text`` as a cell of CSV: an apostrophe in front keeps a spreadsheet from running it as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_line(cells: Iterable[str]) -> str:
    """A line of CSV by RFC 4180: it ends in CRLF, quotes are doubled, a cell is quoted only where that is needed."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


@contextmanager
def _until_enough() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        # neither our error nor click's: nothing more is to be written, not even when Python exits
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
