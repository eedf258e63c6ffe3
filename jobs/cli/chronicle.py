"""What became of a post over the years, for a terminal: one line an event, and below it what was there before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from jobs.logs import printable
from storage.history import Event

#: characters of an earlier text that are shown
READ = 2_000
_WORDS = {
    "seen": "seen for the first time",
    "edited": "edited at its source",
    "told": "edited, as the source's own history tells",
    "read anew": "read anew, not edited",
    "gone": "gone at its source: two whole looks have missed it",
    "back": "back at its source",
}
_STYLES = {"gone": "red", "back": "green", "edited": "yellow", "told": "yellow", "decided": "cyan"}


def chronicle(events: list[Event]) -> RenderableType:
    """Everything that happened to a post, oldest first; remote text in it obeys no terminal."""
    parts: list[RenderableType] = []
    for event in events:
        line = Text(f"{event.at}  ", style="dim")
        line.append(printable(_told(event)), style=_STYLES.get(event.kind, ""))
        parts.append(line)
        facts = list(_facts(event))
        if facts:
            table = Table.grid(padding=(0, 2))
            table.add_column(style="dim", no_wrap=True)
            table.add_column(overflow="fold")
            for name, value in facts:
                table.add_row(name, Text(printable(value[:READ] + ("…" if len(value) > READ else ""))))
            parts.append(Padding(table, (0, 0, 0, 4)))
    return Group(*parts)


def _told(event: Event) -> str:
    if event.kind == "decided":
        return f"{event.who}, {_decision(event)}{' (taken back since)' if event.undone else ''}"
    about = f" ({', '.join(event.fields)})" if event.fields else ""
    return f"{_WORDS[event.kind]}{about}{f', run {event.run}' if event.run is not None else ''}"


def _decision(event: Event) -> str:
    """What a curator said, in words."""
    (act, *about), value = event.fields, event.value
    what = " ".join([act, *about])
    match act:
        case "undo":
            return "took back an earlier decision"
        case "tag":
            return what if value else f"{what} taken off"
        case "correction" if value is None:
            return f"{what}: the machine's answer again"
        case "correction" if isinstance(value, list):
            return f"{what}: {','.join(f'{lang}:{start}-{end}' for lang, start, end in value)}"
        case "correction" if value == "":
            return f"{what}: there is none"
    return f"{what} taken away" if value in (None, "") else f"{what}: {value}"


def _facts(event: Event) -> Iterator[tuple[str, str]]:
    if event.before is None:
        return
    yield ("stood since" if event.kind == "told" else "known since"), str(event.since)
    for name, value in event.before.items():
        yield f"{name} was", _shown(value)
    if event.capture is not None:
        yield "answer", f"{event.capture['url']}, {event.capture['fetched_at']}"
        if event.capture["file"] is not None:
            yield "record", f"{event.capture['file']}, byte {event.capture['offset']}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return "\n".join(map(_shown, value)) or "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items() if item is not None)
    return str(value)
