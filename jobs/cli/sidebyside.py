"""Both captions sentence by sentence: what answers what, and what nobody answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from jobs.logs import printable
from scraper.text.alignment import DOUBTFUL, answers

if TYPE_CHECKING:
    from scraper.text.alignment import Alignment

#: sentences that are shown
SHOWN = 300


def beside(fr: str, en: str, alignment: Alignment) -> RenderableType:
    """The pairs as a table; remote text in it obeys no terminal."""
    table = Table(box=box.SIMPLE_HEAD, expand=True, show_lines=True, padding=(0, 1))
    table.add_column("français", ratio=1, overflow="fold")
    table.add_column("English", ratio=1, overflow="fold")
    table.add_column("", justify="right", no_wrap=True)
    pairs = answers(fr, en, alignment)
    for pair in pairs[:SHOWN]:
        alone = pair["fr"] is None or pair["en"] is None
        style = "yellow" if alone or pair["score"] < DOUBTFUL else ""
        cells = [Text("—", style="dim") if pair[lang] is None else Text(printable(pair[lang])) for lang in ("fr", "en")]
        table.add_row(*cells, "·" if alone else f"{pair['score']:.2f}", style=style)
    told: list[RenderableType] = [table]
    if len(pairs) > SHOWN:
        told.append(Text(f"… and {len(pairs) - SHOWN:,} more; --json has all of them"))
    doubt = ": most likely no translations of each other" if alignment.doubtful else ""
    told.append(Text(f"  answer each other {alignment.score:.2f}{doubt}", style="yellow" if doubt else "dim"))
    return Group(*told)
