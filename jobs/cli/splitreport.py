"""``cupola split-report``: the splitter as it is now, measured by what curators corrected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.cli.filters import Filtered, filtering, filters_of
from jobs.cli.main import DONE
from jobs.cli.options import archive_place, common, reading
from jobs.cli.output import for_people, for_programs
from jobs.cli.wording import counted
from jobs.logs import printable

if TYPE_CHECKING:
    from rich.console import Console

    from jobs.agreement import Compared, Score

#: characters of a caption that are shown of one of the worst
_READ = 160


@click.command("split-report", cls=Filtered)
@filtering
@click.option(
    "--worst", "shown", type=click.IntRange(min=0), default=10, show_default=True, metavar="N",
    help="List so many of the captions that are furthest off.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the same as one JSON object.")
@reading
@common
def split_report(shown: int, as_json: bool, archive: str | None, config: Path | None, **wanted: Any) -> int:
    """How far the splitter agrees with the captions and cuts that curators corrected; nothing is changed.

    Each held text whose captions or segments somebody corrected is split anew, and compared with what he said: exact
    (spaces, kinds of quotation marks and the edges do not matter) and by letters. Curators correct what is wrong, so
    this is stricter than the archive at large. Confidence should be what the share of exact answers is. Corrections of
    a text that was edited since are left out. Exit status: 0 also when nothing was corrected.
    """
    from jobs import agreement
    from storage.engine import open_database
    from storage.labels import labels

    filters = filters_of(**wanted)
    database = open_database(archive_place(config, archive), read_only=True)
    items: list[Compared] = []
    outdated = 0
    try:
        for label in labels(database, filters):
            if label.outdated:
                outdated += 1
            else:
                items.append(agreement.compared(label))
    finally:
        database.close()
    if as_json:
        told = _as_json(items, outdated, shown)
        with for_programs() as write:
            write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
        return DONE
    with for_people() as console:
        _tell(items, outdated, shown, console)
    return DONE


def _as_json(items: list[Compared], outdated: int, shown: int) -> dict[str, Any]:
    from jobs.agreement import Score, by_confidence, by_source, calibration_error, worst

    return Score.of(items).as_json() | {
        "outdated": outdated,
        "calibration_error": round(calibration_error(items), 4) if items else None,
        "sources": {name: score.as_json() for name, score in by_source(items).items()},
        "buckets": [{"from": low, "to": high} | score.as_json() for (low, high), score in by_confidence(items).items()],
        "worst": [item.as_json() for item in worst(items, shown)],
    }


def _tell(items: list[Compared], outdated: int, shown: int, console: Console) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from jobs.agreement import Score, by_confidence, by_source, calibration_error, worst

    if outdated:
        left = f"{counted(outdated, 'correction')} left out: the text was edited since."
        console.print(left, soft_wrap=True)
    if not items:
        console.print("No caption is corrected: there is nothing to measure by. See `cupola correct`.", soft_wrap=True)
        return
    table = Table(box=SIMPLE_HEAD)
    table.add_column("", overflow="fold")
    for name in ("captions", "exact", "letters", "confidence", "to review"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, score in by_source(items).items():
        table.add_row(Text(printable(name)), *_cells(score))
    for number, ((low, high), score) in enumerate(by_confidence(items).items()):
        if number == 0:
            table.add_section()
        table.add_row(f"confidence {low:.2f}–{high:.2f}", *_cells(score))
    table.add_section()
    table.add_row("all", *_cells(Score.of(items)))
    console.print(table)
    console.print(f"Confidence and exact answers lie {calibration_error(items):.3f} apart.", soft_wrap=True)
    for item in worst(items, shown):
        head = f"\n{item.key}  {item.share:.0%} of the letters, confidence {item.confidence:.2f}"
        console.print(
            Text(printable(head + (", to review" if item.needs_review else "")), style="bold"), soft_wrap=True
        )
        for lang, pair in (("fr", item.fr), ("en", item.en)):
            if pair is not None and pair[0] != pair[1]:
                for mark, text, style in (("-", pair[0], "red"), ("+", pair[1], "green")):
                    console.print(Text(f"  {mark} {lang}  {_short(text)}", style=style), soft_wrap=True)


def _cells(score: Score) -> tuple[str, ...]:
    letters = f"{score.right / score.letters:.1%}" if score.letters else "·"
    exact = f"{score.exact / score.captions:.1%}"
    return f"{score.captions:,}", exact, letters, f"{score.confidence:.2f}", f"{score.flagged:,}"


def _short(text: str) -> str:
    line = printable(text).replace("\n", " ⏎ ") or "(none)"
    return line if len(line) <= _READ else f"{line[:_READ]}…"
