"""What a person sees of a run: progress while it lasts, a summary table at its end."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable, Iterator

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from jobs import logs
from jobs.cli.wording import counted, size
from jobs.logs import printable
from jobs.report import Failure, Outcome, Report
from jobs.visit import Progress
from scraper.crawl import Page
from scraper.masking import shown

#: seconds between two plain lines about one source
LINE_EVERY = 5.0
#: columns of the summary: heading, count, whether it is there when all is zero
_COUNTS = (
    ("new", "posts_added", True),
    ("changed", "posts_updated", False),
    ("same", "posts_unchanged", False),
    ("left out", "posts_left_out", False),
    ("pictures", "media_stored", True),
    ("skipped", "media_skipped", False),
    ("failed", "media_failed", False),
    ("gone", "media_gone", False),
    ("waiting", "media_pending", False),
)
_COUNTS_DRY = (("posts", "posts_found", True), ("pictures", "media_pending", True))
_STATES = {
    Outcome.COMPLETED: ("complete", "green"),
    Outcome.PARTIAL: ("in part", "yellow"),
    Outcome.INTERRUPTED: ("interrupted", "yellow"),
    Outcome.BUSY: ("busy", "yellow"),
}
#: failures told one by one at the end of a run; all of them are in the archive
FAILURES_TOLD = 20


class Lines(Progress):
    """Progress as plain lines on stderr, a few seconds apart: for a log, a pipe or a small terminal.

    With ``every_page`` each page is told as well, by its address.
    """

    def __init__(self, *, every_page: bool = False) -> None:
        self._every_page = every_page
        self._due = time.monotonic() + LINE_EVERY

    def page(self, page: Page, report: Report) -> None:
        """A page was dealt with."""
        if self._every_page:
            click.echo(f"{report.source_id}: {printable(shown(page.request.url))}", err=True)
            self._due = 0.0
        self._line(report, 0)

    def media(self, report: Report, waiting: int) -> None:
        """Pictures were dealt with."""
        self._line(report, waiting)

    def _line(self, report: Report, waiting: int) -> None:
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + LINE_EVERY
        click.echo(
            f"{report.source_id}: {counted(report.pages, 'page')}, {counted(report.posts_found, 'post')} "
            f"({report.posts_added:,} new), {counted(report.media_stored, 'picture')}, {size(report.media_bytes)}"
            + (f", {waiting} under way" if waiting else ""),
            err=True,
        )


class Live(Progress):
    """Progress as bars on a terminal, a line a source: posts, pictures, bytes."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._waiting = 0

    def page(self, page: Page, report: Report) -> None:
        """A page was dealt with."""
        self._show(report)

    def media(self, report: Report, waiting: int) -> None:
        """Pictures were dealt with."""
        self._waiting = waiting
        self._show(report)

    def _show(self, report: Report) -> None:
        if report.source_id not in self._tasks:
            self._tasks[report.source_id] = self._bars.add_task(report.source_id, posts="", pictures="", bytes="")
        done = report.media_stored + report.media_failed + report.media_gone
        known = done + self._waiting
        self._bars.update(
            self._tasks[report.source_id],
            total=known or None,
            completed=done,
            posts=f"{report.posts_found} posts",
            pictures=f"{done} of {known} pictures" if known else "",
            bytes=size(report.media_bytes) if report.media_bytes else "",
        )


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """Bars on a terminal, plain lines otherwise or with ``-v``, nothing with ``-q``."""
    if logs.loudness < 0:
        yield Progress()
    elif logs.loudness > 0 or not sys.stderr.isatty():
        yield Lines(every_page=logs.loudness > 0)
    else:
        fields = ("posts", "pictures", "bytes")
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            *(TextColumn(f"{{task.fields[{name}]}}", markup=False) for name in fields),
            TimeElapsedColumn(),
        )
        with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
            yield Live(bars)


def summary(reports: Iterable[Report], *, console: Console, dry_run: bool = False) -> None:
    """The table at the end of a run, and the failures below it in words; with ``-q`` the failures alone."""
    reports = list(reports)
    if logs.loudness >= 0:
        _counts(reports, console, dry_run=dry_run)
    for report in reports:
        for note in (*_became(report), *report.notes) if logs.loudness >= 0 else ():
            console.print(Text(f"{report.source_id}: {printable(note)}"))
        for failure in report.failures[:FAILURES_TOLD]:
            console.print(failure_text(report.source_id, failure), soft_wrap=True)
        if report.failed > FAILURES_TOLD:
            console.print(f"… and {report.failed - FAILURES_TOLD:,} more; the archive holds all of them")


def _became(report: Report) -> Iterator[str]:
    """What became of posts at their source, or here: no number of the table tells it."""
    if report.posts_gone:
        have, what = ("is", "it") if report.posts_gone == 1 else ("are", "them")
        yield f"{counted(report.posts_gone, 'post')} {have} gone there: two whole looks missed {what}; kept here"
    if report.posts_buried:
        yield f"{counted(report.posts_buried, 'post')} seen there that was taken out for good here: left alone"


def _counts(reports: list[Report], console: Console, *, dry_run: bool) -> None:
    """A table with a line a source; where the terminal is too narrow for it, a sentence each."""
    title = "Dry run: nothing was archived" if dry_run else None
    # `cupola retry` asks for no page: it has nothing to say of posts
    listed = any(report.pages for report in reports)
    columns = [
        (name, count)
        for name, count, always in (_COUNTS_DRY if dry_run else _COUNTS)
        if any(getattr(report, count) for report in reports) or (always and (listed or not count.startswith("posts")))
    ]
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("source", overflow="fold")
    for name in (*(name for name, _ in columns), "bytes", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    sentences = [title] if title else []
    for report in reports:
        state, colour = _STATES[report.outcome]
        taken, time = size(report.media_bytes) if report.media_bytes else "", f"{report.seconds:.1f} s"
        counts = [(name, getattr(report, count)) for name, count in columns]
        cells = [str(number or "·") for _, number in counts]
        table.add_row(report.source_id, *cells, taken or "·", time, Text(state, colour))
        facts = [f"{number} {name}" for name, number in counts if number]
        sentences.append(f"{report.source_id}  {state}: {', '.join(filter(None, (*facts, taken, time)))}")
    if console.measure(table, options=console.options.update(max_width=1000)).maximum <= console.width:
        console.print(table)
    else:
        console.print("\n".join(sentences), markup=False)


def failure_text(source_id: str, failure: Failure) -> Text:
    """One failure as a line: which post or source, and why."""
    where = failure.key or source_id
    line = Text("✗ ", style="yellow")
    line.append(printable(where), style="bold")
    line.append(f" {printable(failure.message)}", style="default")
    return line
