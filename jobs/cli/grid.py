"""Rows of any columns for a terminal: as a table where they fit, else one below the other, a line a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from jobs.logs import printable

#: letters that a column wants before rows are shown one below the other
NARROWEST = 12
#: letters of a value that are shown where it has a line of its own, and in a cell
_ENOUGH, _OF_A_CELL = 600, 160


def grid(columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]], width: int) -> RenderableType:
    """What to print for ``rows``, to fit ``width`` cells; long values are cut with an ellipsis."""
    names = [flat(name) for name in columns]
    cells = [[shown(value) for value in row] for row in rows]
    numeric = [all(not text.plain or text.justify == "right" for text in column) for column in zip(*cells, strict=True)]
    wanted = [max(map(cell_len, (name, *(text.plain for text in column)))) for name, column in _columns(names, cells)]
    if sum(min(want, NARROWEST) for want in wanted) + 2 * (len(names) - 1) > width:
        return _one_by_one(names, cells, width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for number, name in enumerate(names):
        right = bool(cells) and numeric[number]
        table.add_column(Text(name), overflow="fold", justify="right" if right else "left")
    for row in cells:
        for text in row:
            if len(text) > _OF_A_CELL:
                text.right_crop(len(text) - _OF_A_CELL + 1)
                text.append("…")
        table.add_row(*row)
    return table


def _columns(names: list[str], cells: list[list[Text]]) -> Iterable[tuple[str, tuple[Text, ...]]]:
    return zip(names, zip(*cells, strict=True) if cells else [()] * len(names), strict=True)


def _one_by_one(names: list[str], cells: list[list[Text]], width: int) -> Group:
    parts: list[RenderableType] = []
    widest = min(max(map(cell_len, names)), max(width // 3, 8))
    for number, row in enumerate(cells, 1):
        record = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
        record.add_column(width=widest, no_wrap=True, style="dim")
        record.add_column(overflow="fold")
        for name, text in zip(names, row, strict=True):
            text.justify = "left"
            record.add_row(Text(name if cell_len(name) <= widest else f"{set_cell_size(name, widest - 1)}…"), text)
        parts += [Rule(str(number), align="left", style="dim"), record]
    return Group(*parts)


def shown(value: Any) -> Text:
    """A value in one paragraph that no terminal obeys; numbers stand to the right, NULL is told from an empty text."""
    if value is None:
        return Text("NULL", style="dim")
    if isinstance(value, (int, float)):
        return Text(str(value), justify="right")
    if isinstance(value, bytes):
        value = f"{value[: _ENOUGH // 2].hex()}{'…' * (len(value) > _ENOUGH // 2)}"
    return Text(flat(value))


def flat(text: str) -> str:
    """A text as one paragraph, cut where it is long."""
    start = " ".join(printable(text[: _ENOUGH + 1]).split())
    return f"{start[:_ENOUGH]}…" if len(text) > _ENOUGH else start
