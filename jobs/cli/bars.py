"""Bars and steps of block letters, to scale; of plain signs where the terminal has no block letters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Console, RenderableType
from rich.text import Text

#: lines of a chart; what is smaller is told together
LINES = 12
#: cells of a name
_NAME = 28


class Signs(NamedTuple):
    """What bars and steps are drawn with, from the smallest part of a cell to a whole one; and what stands for 0."""

    bar: str
    step: str
    nothing: str


_FINE, _COARSE = Signs("▏▎▍▌▋▊▉█", "▁▂▃▄▅▆▇█", "·"), Signs("#", ".:|#", "-")


def signs(console: Console) -> Signs:
    """What the console's encoding has."""
    try:
        "".join(_FINE).encode(console.encoding)
    except (UnicodeEncodeError, LookupError):
        return _COARSE
    return _FINE


def bars(title: str, counts: Mapping[str, int], width: int, drawn: Signs) -> Iterator[RenderableType]:
    """A line a name: the name, the number, a bar; nothing for no names."""
    if not counts:
        return
    yield Text(title, style="bold")
    name = min(max(map(cell_len, counts)), _NAME, width // 2)
    digits = max(len(f"{count:,}") for count in counts.values())
    room = max(width - name - digits - 2, 1)
    for label, count in counts.items():
        text = label if cell_len(label) <= name else f"{set_cell_size(label, name - 1)}…"
        yield Text(f"{set_cell_size(text, name)} {count:>{digits},} {bar(count, max(counts.values()), room, drawn)}")
    yield Text()


def bar(count: int, most: int, room: int, drawn: Signs) -> str:
    """A bar of ``room`` cells for the greatest; the smallest that is there still shows."""
    parts = len(drawn.bar)
    filled = 0 if count == 0 else max(1, round(count * room * parts / most))
    return drawn.bar[-1] * (filled // parts) + (drawn.bar[filled % parts - 1] if filled % parts else "")


def step(count: int, most: int, drawn: Signs) -> str:
    """One cell as high as its share of the greatest; a sign for nothing."""
    return drawn.nothing if count == 0 else drawn.step[max(0, -(-count * len(drawn.step) // most) - 1)]


def first_lines(counts: Mapping[str, int], what: str) -> dict[str, int]:
    """The first lines of a chart, and the rest as one."""
    if len(counts) <= LINES:
        return dict(counts)
    listed = list(counts.items())
    rest = listed[LINES - 1 :]
    return dict(listed[: LINES - 1]) | {f"{len(rest):,} more {what}": sum(count for _, count in rest)}
