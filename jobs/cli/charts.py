"""The archive's numbers as charts that need no colour: bars to the width of the terminal, a year of months a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from jobs.cli.bars import Signs, bar, bars, first_lines, signs, step
from jobs.cli.coverage import coverage
from jobs.cli.growth import growth
from jobs.cli.wording import counted, ended, size
from jobs.logs import printable
from storage.tally import RunTally, Tally

#: from this width on two columns of charts stand side by side
WIDE = 120
#: up to so many months each has a line of its own; of more, each year has one
MONTHS = 24
_CAPTIONS = {
    "both": "both languages",
    "fr": "French only",
    "en": "English only",
    "other": "another language",
    "none": "no caption",
}


def charts(tally: Tally, console: Console) -> RenderableType:
    """What to print for the numbers, to fit the console."""
    drawn = signs(console)
    if not tally.posts:
        return Group(Text("No posts."), Text(), *_runs(tally.runs, console.width))
    width = console.width
    wide = width >= WIDE
    column = (width - 4) // 2 if wide else width
    left = [*_months(tally.months, column, drawn)]
    right: list[RenderableType] = []
    named = {label: tally.captions[key] for key, label in _CAPTIONS.items() if tally.captions[key]}
    for title, counts in (
        ("captions", named),
        ("sources", {printable(name): count for name, count in tally.sources.items()}),
        ("missions", {printable(name or "no mission"): count for name, count in tally.missions.items()}),
    ):
        right += bars(f"Posts by {title[:-1]}", first_lines(counts, title), column, drawn)
    right += bars("Pictures", {name: count for name, count in tally.pictures.items() if count}, column, drawn)
    left += coverage(tally.coverage, column, drawn)
    right += _incomplete(tally)
    right += growth(tally, column, drawn)
    if wide:
        both = Table.grid(padding=(0, 4, 0, 0), pad_edge=False)
        both.add_column(width=column)
        both.add_column(width=column)
        both.add_row(Group(*left), Group(*right))
        return Group(*_head(tally), both, *_runs(tally.runs, console.width))
    return Group(*_head(tally), *left, *right, *_runs(tally.runs, console.width))


def _head(tally: Tally) -> Iterator[RenderableType]:
    dated = f", {tally.first[:10]} to {tally.last[:10]}" if tally.first and tally.last else ""
    gone = f", {tally.gone:,} of them gone at their source" if tally.gone else ""
    yield Text(f"{counted(tally.posts, 'post')}{dated}{gone}", style="bold")
    pictures = sum(tally.pictures.values())
    yield Text(f"{counted(pictures, 'picture')}, {counted(tally.files, 'file')} held, {size(tally.bytes)}")
    yield Text()


def _months(months: Mapping[str, int], width: int, drawn: Signs) -> Iterator[RenderableType]:
    """The months without a gap: a line each, or a line for each year where there are many."""
    if not months:
        return
    begin, end = (_number(month) for month in (min(months), max(months)))
    if end - begin < MONTHS:
        counts = {_name(number): months.get(_name(number), 0) for number in range(begin, end + 1)}
        yield from bars("Posts by month", counts, width, drawn)
        return
    yield Text("Posts by month and year", style="bold")
    years = {year: sum(n for _, n in part) for year, part in groupby(sorted(months.items()), lambda item: item[0][:4])}
    most, highest = max(months.values()), max(years.values())
    digits = len(f"{highest:,}")
    room = width - 4 - 12 - digits - 3
    yield Text(f"     JFMAMJJASOND {'':>{digits}}", style="dim")
    before = None
    for year, total in years.items():
        if before is not None and int(year) - before > 1:
            yield from _empty(range(before + 1, int(year)), digits, drawn)
        line = "".join(step(months.get(f"{year}-{month:02}", 0), most, drawn) for month in range(1, 13))
        sum_ = bar(total, highest, room, drawn) if room > 4 else ""
        yield Text(f"{year} {line} {total:>{digits},} {sum_}")
        before = int(year)
    yield Text()


def _empty(years: range, digits: int, drawn: Signs) -> Iterator[Text]:
    """Years without a post: a line each, or one for many."""
    if len(years) <= 3:
        yield from (Text(f"{year:04} {drawn.nothing * 12} {0:>{digits}}") for year in years)
    else:
        yield Text(f"{drawn.nothing * 3}  {len(years):,} years without a post", style="dim")


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:7]) - 1


def _name(number: int) -> str:
    return f"{number // 12:04}-{number % 12 + 1:02}"


def _incomplete(tally: Tally) -> Iterator[RenderableType]:
    """What somebody, or the next run, still has to do."""
    found = (
        (tally.pictures["pending"], "picture", "wanted: the next run takes what it can, or `cupola retry`"),
        (tally.pictures["failed"], "picture", "failed and will be tried again: `cupola retry`"),
        (tally.needs_review, "post", "to look at: `cupola query --needs-review`"),
        (tally.undated, "post", "without a date"),
        (tally.captions["none"], "post", "without a caption"),
    )
    yield Text("Incomplete", style="bold")
    digits = max(len(f"{count:,}") for count, _, _ in found)
    # the names stand below each other, so the number is not counted()'s
    lines = [f"{count:>{digits},} {what}{'s' * (count != 1)} {why}" for count, what, why in found if count]
    yield from map(Text, lines or ["nothing"])
    yield Text()


def _runs(runs: Iterable[RunTally], width: int) -> Iterator[RenderableType]:
    runs = list(runs)
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", width=min(max((cell_len(run.source) for run in runs), default=1), width // 3))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for run in runs:
        news = [(f"{run.counts[name]:,} {what}") for name, what in _NEWS if run.counts.get(name)]
        started = run.started_at[:16].replace("T", " ")
        table.add_row(started, Text(printable(run.source)), ended(run.status), ", ".join(news) or "no news")
    if table.row_count:
        yield Text("Last runs", style="bold")
        yield table


_NEWS = (
    ("posts_added", "new"),
    ("posts_updated", "changed"),
    ("media_stored", "pictures"),
    ("media_failed", "failed"),
)
