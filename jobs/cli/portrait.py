"""One post for a terminal: captions side by side where there is room, pictures, segments, provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from jobs.cli.wording import counted, ended
from jobs.logs import printable
from storage.links import Link
from storage.lookup import CaptureProvenance, DateProvenance, MediaProvenance, Provenance
from storage.postview import MediaView, PostView, SegmentView

#: from this width on two captions stand side by side
WIDE = 100
#: characters of one text that are shown
READ = 10_000
_STATES = {"stored": "green", "pending": "yellow", "failed": "red", "gone": "red", "skipped": "dim"}
_ORIGINS = {"api": "as the platform states it", "page": "as the page states it", "caption": "read from the caption"}
_KINDS = {
    "same picture": "same picture",
    "alike": "looks alike",
    "same caption": "same caption",
    "twin": "other language",
}


def portrait(
    post: PostView,
    provenance: Provenance,
    folder: Path,
    width: int,
    captions: RenderableType | None = None,
    sure: Mapping[str, float | None] | None = None,
    links: Sequence[Link] = (),
) -> RenderableType:
    """Everything about a post, with ``captions`` shown in another way if given; remote text in it obeys no terminal.

    ``sure`` is how likely each caption is right, where that is known; ``links`` are those with other posts.
    """
    parts: list[RenderableType] = [Panel(_head(post, provenance), title=_title(post), title_align="left")]
    parts.append(captions or _captions(post, width))
    if post.media:
        parts.append(_section("Pictures", _pictures(post, provenance, folder)))
    if post.segments:
        parts.append(_section("Segments", _segments(post.segments)))
    if links:
        parts.append(_section("Links", _facts([(_KINDS[link.kind], _linked(link)) for link in links])))
    parts.append(_section("Provenance", _facts(_origin(provenance, sure or {}))))
    return Group(*parts)


def _linked(link: Link) -> str:
    when = "published before it" if link.first else "after it"
    known = "" if link.kind == "same picture" else f" ({', '.join(link.evidence)})"
    return f"{link.key}, {when}{known}"


def _title(post: PostView) -> Text:
    return Text(f" {printable(post.key)} ", style="bold cyan")


def _head(post: PostView, provenance: Provenance) -> Table:
    review = post.verdict + (", needs review" if post.needs_review else "")
    gone = f"since {post.gone_at}" if post.gone_at else None
    return _facts(
        [
            ("title", post.title),
            ("author", post.author),
            ("date", _date(post, provenance.date)),
            ("edited", post.edited_at),
            ("mission", post.mission),
            ("credit", post.credit),
            ("licence", " ".join(filter(None, (post.license, post.license_url))) or None),
            ("hashtags", " ".join(f"#{tag}" for tag in post.hashtags) or None),
            ("tags", ", ".join(post.tags) or None),
            ("warning", post.content_warning),
            ("opt-outs", _asked(provenance)),
            ("gone", gone),
            ("back", provenance.back_at and f"since {provenance.back_at}, after it had been gone"),
            ("review", review),
            ("rating", None if post.rating is None else f"{post.rating} of 5"),
            ("note", provenance.note),
            ("corrected", f"{', '.join(post.corrected)}: as the curator has it" if post.corrected else None),
            ("address", post.url),
        ]
    )


def _asked(provenance: Provenance) -> str | None:
    said = ", ".join(provenance.opt_outs)
    return f"{said}: its author asks not to be archived, and the configuration gives a reason to" if said else None


def _date(post: PostView, date: DateProvenance) -> str:
    """The date, and how it was decided."""
    if "published_at" in (post.corrected or ()):
        return (
            f"{post.published_at} ({post.published_precision} precision; the curator's; read as {date.at or 'unknown'})"
        )
    if date.at is None:
        return "unknown: neither the source nor a credit line gives one"
    how = [f"{date.precision} precision", _ORIGINS.get(date.origin or "", date.origin or "")]
    if not date.zone_known and date.precision != "day":
        how.append("no zone was given, UTC is taken")
    if date.origin == "caption" and date.credit_day and date.other_reading:
        # the mission's days may have decided for the reading that is not ours by habit
        first, second, other = ("day", "month", date.other_reading)
        if date.at == date.other_reading:
            first, second, other = ("month", "day", date.credit_day)
        how.append(f"{first} first; {second} first it would be {other}")
    if date.stated is not None and date.stated != date.at:
        how.append(f"the source itself states {date.stated}")
    return f"{date.at} ({'; '.join(how)})"


def _captions(post: PostView, width: int) -> RenderableType:
    boxes = [
        Panel(_text(text), title=Text(name), title_align="left", border_style="dim", box=box.ROUNDED)
        for name, text in (("français", post.caption_fr), ("English", post.caption_en))
        if text is not None
    ]
    if not boxes:
        return Panel(
            _text(post.text or "no text"), title=Text("text, no caption"), title_align="left", border_style="dim"
        )
    if len(boxes) == 1 or width < WIDE:
        return Group(*boxes)
    beside = Table.grid(expand=True, padding=0)
    beside.add_column(ratio=1)
    beside.add_column(ratio=1)
    beside.add_row(*boxes)
    return beside


def _text(text: str, lines: bool = True) -> Text:
    """Remote text, as much of it as anybody reads in a terminal."""
    shown = printable(text[:READ])
    if not lines:
        shown = shown.replace("\n", "⏎").replace("\t", "⇥")
    more = len(text) - READ
    return Text(shown if more <= 0 else f"{shown}… ({more:,} more characters; --json has all of them)")


def _pictures(post: PostView, provenance: Provenance, folder: Path) -> RenderableType:
    lines: list[RenderableType] = []
    for number, (item, how) in enumerate(zip(post.media, provenance.media, strict=True), start=1):
        head = Text(f"{number}. ")
        head.append(printable(item.state), style=_STATES.get(item.state, ""))
        head.append(printable(f"  {_measures(item)}"))
        lines.append(head)
        # an indent by padding, so that long addresses are folded below themselves
        lines.append(Padding(_facts(_of_picture(item, how, folder)), (0, 0, 0, 3)))
    return Group(*lines)


def _of_picture(item: MediaView, how: MediaProvenance, folder: Path) -> Iterator[tuple[str, str | None]]:
    yield "why", how.reason
    if item.state == "failed":
        yield "again", f"{how.next_attempt_at or 'with the next run'}; tried in {counted(how.attempts, 'run')} so far"
    yield "alt", item.alt
    yield "file", str(folder / item.path) if item.path else None
    yield "from", item.source_url
    yield "sha256", item.sha256


def _measures(item: MediaView) -> str:
    size = f"{item.width} × {item.height}" if item.width and item.height else None
    held = f"{item.bytes:,} bytes" if item.bytes is not None else None
    return ", ".join(filter(None, (item.media_type, size, held)))


def _segments(segments: tuple[SegmentView, ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(overflow="fold")
    for item in segments:
        shown = _text(item.text, lines=False)
        shown.style = "dim" if item.lang == "none" else ""
        table.add_row(f"{item.start}–{item.end}", item.lang, shown)
    return table


def _origin(provenance: Provenance, sure: Mapping[str, float | None]) -> Iterator[tuple[str, str | None]]:
    run = provenance.run
    yield "run", f"{run.id}, {ended(run.status)}, {run.started_at} to {run.ended_at or 'now'}"
    if provenance.capture is None:
        yield "answer", "none is recorded"
    else:
        yield from _answer(provenance.capture)
    yield "credit line", provenance.date.credit_line
    each = ", ".join(f"{language} {value:.2f}" for language, value in sure.items() if value is not None)
    yield "split", f"confidence {provenance.split_confidence:.2f}" + (f" ({each})" if each else "")
    yield "first seen", provenance.first_seen_at
    yield "changed", provenance.changed_at if provenance.changed_at != provenance.first_seen_at else None


def _answer(capture: CaptureProvenance) -> Iterator[tuple[str, str | None]]:
    said = f"HTTP {capture.status}, " if capture.status else "none: a file that was saved "
    yield "answer", f"{said}{capture.fetched_at}"
    yield "captured", capture.captured_at and f"{capture.captured_at}, by an archive: the state of that time"
    yield "from", capture.url
    yield "asked", capture.requested_url if capture.requested_url != capture.url else None
    yield "sha256", capture.sha256
    yield "record", f"{capture.file}, byte {capture.offset}" if capture.file else None


def _section(title: str, inside: RenderableType) -> RenderableType:
    return Group(Text(f"\n{title}", style="bold"), Padding(inside, (0, 0, 0, 2)))


def _facts(facts: Iterator[tuple[str, str | None]] | list[tuple[str, str | None]]) -> Table:
    """Names and values in two columns; what is None is left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        if value is not None:
            table.add_row(name, _text(value))
    return table
