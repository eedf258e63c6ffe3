"""``cupola split``: JSON lines with a caption in, JSON lines with its French and its English out."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from jobs import logs
from jobs.cli.main import DONE, WRONG_USE
from jobs.cli.options import common
from scraper.model import Lang, captions_of

if TYPE_CHECKING:
    from rich.console import Console

#: colours of ``--explain``; what belongs to no language is dim
_STYLES = {Lang.FR: "bold blue", Lang.EN: "bold green", Lang.OTHER: "bold magenta", Lang.NONE: "dim"}


@dataclass(frozen=True, slots=True)
class Line:
    """One caption to split, or what is wrong with its line."""

    number: int
    id: Any = None
    raw: str = ""
    problem: str | None = None


@click.command(options_metavar="[OPTIONS] < CAPTIONS.jsonl")
@click.option("--explain", is_flag=True, help="Print each caption's segments, coloured, with the reason for each.")
@common
def split(config: Path | None, explain: bool) -> int:
    """Split captions into French and English.

    Reads JSON lines {"id", "raw"} from standard input; writes one JSON line for each, as soon as it is read:
    {"id", "fr", "en", "segments", "confidence", "needs_review"}. "fr" and "en" are null where the caption has
    none; the segments ({"lang", "text", "start", "end"}, in code points) make up "raw" exactly. No configuration
    and no archive are needed. A line that cannot be read is told on standard error; the others are still
    answered, and the exit status is 2.
    """
    if sys.stdin.isatty() and logs.loudness >= 0:
        click.echo('Type captions, one a line, such as {"id": 1, "raw": "Bonjour. Hello."}; Ctrl-D ends.', err=True)
    try:
        return _answer_all(explain=explain)
    except BrokenPipeError:
        # whoever reads us has had enough (`| head -1`); click would make an exit status of 1 of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _answer_all(*, explain: bool) -> int:
    out = sys.stdout.buffer
    console = _console() if explain else None
    status = DONE
    for line in read_lines(sys.stdin.buffer):
        if line.problem is not None:
            click.echo(f"Error: line {line.number}: {line.problem}", err=True)
            status = WRONG_USE
        elif console is not None:
            _explain(line, console)
        else:
            out.write(answer(line))
            out.flush()
    return status


def read_lines(stream: BinaryIO) -> Iterator[Line]:
    """The captions of ``stream``, one at a time; empty lines are passed over."""
    for number, data in enumerate(stream, 1):
        if number == 1:
            data = data.removeprefix(b"\xef\xbb\xbf")
        if not data.strip():
            continue
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as error:
            yield Line(number, problem=f"is not JSON ({_cause(error)})")
            continue
        if not isinstance(value, dict) or not isinstance(value.get("raw"), str):
            yield Line(number, problem='needs an object with "id" and the caption\'s text as "raw"')
        else:
            yield Line(number, id=value.get("id"), raw=value["raw"])


def _cause(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} is not UTF-8"
    return str(error).replace(": line 1 column", ", column")


def answer(line: Line) -> bytes:
    """The JSON line that answers ``line``."""
    from scraper.text.captions import split as split_caption

    found = split_caption(line.raw)
    captions = captions_of(found.segments)
    record = {
        "id": line.id,
        "fr": captions[Lang.FR].text if Lang.FR in captions else None,
        "en": captions[Lang.EN].text if Lang.EN in captions else None,
        "segments": [{"lang": str(s.lang), "text": s.text, "start": s.start, "end": s.end} for s in found.segments],
        "confidence": found.confidence,
        "needs_review": found.needs_review,
    }
    try:
        return (json.dumps(record, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:
        # a lone surrogate has no bytes in UTF-8; as \udXXX it goes out as it came in
        return (json.dumps(record) + "\n").encode()


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def _explain(line: Line, console: Console) -> None:
    from rich.text import Text

    from scraper.text.captions import split as split_caption
    from scraper.text.explain import explain

    found = split_caption(line.raw)
    review = ", needs review" if found.needs_review else ""
    console.print(Text(f"{visible(str(line.id))}  confidence {found.confidence:.2f}{review}", style="bold"))
    for told in explain(line.raw):
        style = _STYLES[told.segment.lang]
        console.print(
            Text.assemble(
                (f"  {told.segment.lang:<6}", style),
                (visible(told.segment.text), style),
                ("  ← ", "dim"),
                visible(told.reason),
            )
        )
    console.print()


def visible(text: str) -> str:
    """``text`` on one line with nothing left in it that a terminal would obey: escapes, controls, direction marks."""
    return "".join(c if c == " " or c.isprintable() or c in _KEPT else _shown(c) for c in text)


#: not printable by Unicode's letter, yet harmless: no-break spaces, the emoji joiner
_KEPT = "\u00a0\u202f\u200d"


def _shown(character: str) -> str:
    return "⏎" if character == "\n" else character.encode("unicode_escape").decode("ascii")
