"""Small pictures in a terminal: as kitty or iTerm2 show them, else of half blocks in 24-bit colour.

Which of these a terminal can is told by its environment alone; it is asked nothing, so nothing waits for an answer.
https://sw.kovidgoyal.net/kitty/graphics-protocol/ and https://iterm2.com/documentation-images.html
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.segment import ControlType, Segment
from rich.style import Style
from rich.text import Text

from storage.postview import PostView

if TYPE_CHECKING:
    from PIL.Image import Image

#: from this width on half blocks are drawn unasked
WIDE = 120
#: pixels of a cell, by which pictures are made for terminals that show them whole
_CELL = (12, 24)
#: letters of one of kitty's commands
_CHUNK = 4096


class Means(StrEnum):
    """How a terminal shows a picture."""

    KITTY = "kitty"
    ITERM2 = "iterm2"
    BLOCKS = "blocks"


def means(environment: Mapping[str, str], width: int, *, asked: bool | None) -> Means | None:
    """How to show pictures in a terminal with this environment; None: not at all.

    Args:
        environment: of the process.
        width: of the terminal, in cells.
        asked: whether somebody said that he wants them, or that he does not; None: nobody said.
    """
    if asked is False or (environment.get("TERM", "") in ("", "dumb", "linux") and not asked):
        return None
    program, term = environment.get("TERM_PROGRAM", ""), environment.get("TERM", "")
    # in tmux and screen, what is known of the terminal is that of another one: they let no picture through
    is_inside = bool(environment.get("TMUX") or environment.get("STY")) or term.startswith(("screen", "tmux"))
    if not is_inside:
        if environment.get("KITTY_WINDOW_ID") or term in ("xterm-kitty", "xterm-ghostty") or program == "ghostty":
            return Means.KITTY
        if program in ("iTerm.app", "WezTerm") or environment.get("LC_TERMINAL") == "iTerm2":
            return Means.ITERM2
    if environment.get("NO_COLOR"):
        return None
    is_true = environment.get("COLORTERM", "").lower() in ("truecolor", "24bit")
    return Means.BLOCKS if asked or (is_true and width >= WIDE) else None


def box(width: int) -> tuple[int, int]:
    """Cells and lines that a preview has in a terminal of this width."""
    return (12, 4) if width < 100 else (18, 6) if width < 160 else (24, 8)


def edges(how: Means, cells: int, lines: int) -> tuple[int, int]:
    """The pixels that a picture may have to be shown in such a box."""
    return (cells, lines * 2) if how is Means.BLOCKS else (cells * _CELL[0], lines * _CELL[1])


def previews(
    posts: Sequence[PostView], folder: Path, how: Means, width: int
) -> tuple[list[RenderableType | None], tuple[int, int]]:
    """For each post its first picture that is held, and the cells and lines that they take; None where none is shown.

    Args:
        posts: which.
        folder: of the archive.
        how: by which means.
        width: of the terminal.
    """
    from jobs.cli.thumbnails import thumbnails

    cells, lines = box(width)
    files = (next((item.path for item in post.media if item.path is not None), None) for post in posts)
    images = thumbnails([None if path is None else folder / path for path in files], edges(how, cells, lines))
    return [None if image is None else preview(image, how, cells, lines) for image in images], (cells, lines)


def preview(image: Image, how: Means, cells: int, lines: int) -> RenderableType:
    """What to put into a cell of a table, ``cells`` wide."""
    if how is Means.BLOCKS:
        return _blocks(image)
    return _Over(
        _of_kitty(image, cells, lines) if how is Means.KITTY else _of_iterm2(image, cells, lines), cells, lines
    )


def _blocks(image: Image) -> Text:
    """Two pixels a cell, one above the other: the upper half block in one colour on the other."""
    pixels = image.tobytes()
    colours = [Color.from_rgb(*pixels[at : at + 3]) for at in range(0, len(pixels), 3)]
    rows = [colours[at : at + image.width] for at in range(0, len(colours), image.width)]
    drawn = Text(no_wrap=True, end="")
    for at in range(0, len(rows), 2):
        if at:
            drawn.append("\n")
        below = rows[at + 1] if at + 1 < len(rows) else [None] * image.width
        for upper, lower in zip(rows[at], below, strict=True):
            drawn.append("▀", Style.from_color(upper, lower))
    return drawn


class _Over:
    """Blanks, and a picture that is laid over them when they are all there; the cursor stays where it was."""

    def __init__(self, code: str, cells: int, lines: int) -> None:
        self._code, self._cells, self._lines = code, cells, lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for _ in range(self._lines - 1):
            yield Segment(" " * self._cells)
            yield Segment.line()
        yield Segment(" " * self._cells)
        up = f"\x1b[{self._lines - 1}A" if self._lines > 1 else ""
        # what rich knows as a control is not measured, not styled, and left out where there is no terminal
        yield Segment(f"\x1b7{up}\x1b[{self._cells}D{self._code}\x1b8", None, [(ControlType.CURSOR_UP, self._lines)])

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self._cells, self._cells)


def _of_kitty(image: Image, cells: int, lines: int) -> str:
    """The commands that show it at the cursor, which stays (C=1); no answer is wanted (q=2)."""
    from PIL import Image as Pictures

    # as large as the box, so that nothing is stretched
    whole = Pictures.new("RGBA", edges(Means.KITTY, cells, lines))
    whole.paste(image)
    data = _encoded(whole, "PNG")
    chunks = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
    head = f"a=T,f=100,C=1,q=2,c={cells},r={lines},"
    return "".join(
        f"\x1b_G{'' if number else head}m={int(number + 1 < len(chunks))};{chunk}\x1b\\"
        for number, chunk in enumerate(chunks)
    )


def _of_iterm2(image: Image, cells: int, lines: int) -> str:
    data = _encoded(image, "JPEG")
    how = f"inline=1;width={cells};height={lines};preserveAspectRatio=1;doNotMoveCursor=1"
    return f"\x1b]1337;File={how}:{data}\x07"


def _encoded(image: Image, form: str) -> str:
    out = io.BytesIO()
    # a PNG goes no further than to the terminal: packing it well takes longer than giving it
    image.save(out, form, quality=80, compress_level=1)
    return base64.b64encode(out.getvalue()).decode("ascii")
