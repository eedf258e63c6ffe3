"""A text as a few lines of a terminal, cut around the first thing that is marked in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from jobs.logs import printable

Span = tuple[int, int]

#: how what was looked for stands out, as with a highlighter: to be read on a dark ground and on a light one
MARKED = "black on yellow"
#: letters of a text that are looked at; more fit into no cell
_ENOUGH = 1000
#: letters that are given up so that a cut text begins with a word
_WORD = 20


def excerpt(text: str | None, spans: Sequence[Span], width: int, lines: int, console: Console) -> Text:
    """At most so many lines of a text, as one paragraph; it begins where what is to be marked can be seen.

    Remote text obeys no terminal. Where there is no colour marks are square brackets.

    Args:
        text: which; None is an empty one.
        spans: what is to be marked, in order, none overlapping another.
        width: cells of a line.
        lines: how many.
        console: for which.
    """
    whole = text or ""
    start = _start(whole, spans, width * lines)
    shown = Text(("… " if lines > 1 else "…") if start else "")
    for piece, marked in _flat(_pieces(whole[start : start + _ENOUGH], spans, start)):
        if not marked:
            shown.append(piece)
        elif is_coloured(console):
            shown.append(piece, MARKED)
        else:
            shown.append(f"[{piece}]")
    shown.rstrip()
    if lines == 1:
        # not parted at a word: in so little room it might be the very word
        shown.truncate(width, overflow="ellipsis")
        return shown
    wrapped = shown.wrap(console, width)
    if len(wrapped) <= lines:
        return Text("\n").join(wrapped)
    last = wrapped[lines - 1]
    last.rstrip()
    last.truncate(width - 1)
    last.append("…")
    return Text("\n").join(wrapped[:lines])


def is_coloured(console: Console) -> bool:
    """Whether the console shows colours: not where it is piped, nor where NO_COLOR is set."""
    return console.is_terminal and console.color_system is not None and not console.no_color


def _start(text: str, spans: Sequence[Span], room: int) -> int:
    """Where to begin: at the beginning, or at a word some way before the first mark, if that would not be seen."""
    # words are not parted, so the lines are never quite full
    if not spans or (cell_len(printable(text[: min(spans[0][1], _ENOUGH)])) <= room * 2 // 3 and spans[0][1] < _ENOUGH):
        return 0
    begin = max(spans[0][0] - room // 4, 0)
    space = next((at for at in range(begin, min(begin + _WORD, spans[0][0])) if text[at].isspace()), None)
    return begin if space is None else space + 1


def _pieces(text: str, spans: Iterable[Span], offset: int) -> Iterator[tuple[str, bool]]:
    """The text cut at the edges of the spans, which count from ``offset`` before it."""
    at = 0
    for start, end in ((start - offset, end - offset) for start, end in spans):
        if 0 <= start < len(text):
            yield text[at:start], False
            yield text[start:end], True
            at = end
    yield text[at:], False


def _flat(pieces: Iterable[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    """The pieces as one paragraph that no terminal obeys: what is blank is one space, also across their edges."""
    is_after_space = True
    for piece, marked in pieces:
        safe = printable(piece)
        flat = " ".join(safe.split())
        if not flat:
            flat = "" if is_after_space or not safe else " "
        else:
            flat = (
                (" " if safe[0].isspace() and not is_after_space else "") + flat + (" " if safe[-1].isspace() else "")
            )
        if flat:
            is_after_space = flat[-1].isspace()
            yield flat, marked
