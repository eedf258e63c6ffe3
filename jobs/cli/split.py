"""``cupola split``: captions in as JSON lines or as one text, their French and their English out."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Also:
    """What an answer is to hold besides the contract's fields."""

    credit: bool = False
    answers: bool = False


NOTHING_MORE = Also()


@click.command(options_metavar="[OPTIONS] < CAPTIONS.jsonl")
@click.option("--text", "as_text", is_flag=True, help="All of standard input is one caption; the answer is for people.")
@click.option("--json", "as_json", is_flag=True, help="With --text: answer with one JSON line all the same.")
@click.option("--credit", "with_credit", is_flag=True, help="Also the credit lines, taken apart, as `credit`.")
@click.option(
    "--align", "with_answers", is_flag=True, help="Also which sentence answers which, and how likely, as `alignment`."
)
@click.option("--explain", is_flag=True, help="Print each caption's segments, coloured, with the reason for each.")
@common
def split(
    config: Path | None, as_text: bool, as_json: bool, with_credit: bool, with_answers: bool, explain: bool
) -> int:
    """Split captions into French and English.

    Reads JSON lines {"id", "raw"} from standard input; writes one JSON line for each, as soon as it is read:
    {"id", "fr", "en", "segments", "confidence", "needs_review"}. "fr" and "en" are null where the caption has
    none; the segments ({"lang", "text", "start", "end"}, in code points) make up "raw" exactly. No configuration
    and no archive are needed. A line that cannot be read is told on standard error; the others are still
    answered, and the exit status is 2.

    With --text the input is one caption as it is, but for a line break at its very end. With --credit each answer
    has "credit": [{"text", "start", "end", "person", "agency", "mission", "date", "other_reading", "license",
    "files"}], the date read day first, "other_reading" month first where that is another day. With --align it has
    "alignment": [{"fr", "en", "score"}], null for a sentence that nobody answers, and "alignment_score": from 0 to
    1, how likely both captions say the same.
    """
    if as_json and not as_text:
        raise click.UsageError("--json goes with --text; without it every answer is JSON")
    if explain and (as_json or with_credit or with_answers):
        raise click.UsageError("--explain is for people and has nothing to do with --json, --credit or --align")
    if sys.stdin.isatty() and logs.loudness >= 0:
        form = "the caption" if as_text else 'captions, one a line, such as {"id": 1, "raw": "Bonjour. Hello."}'
        click.echo(f"Type {form}; Ctrl-D ends.", err=True)
    more = Also(credit=with_credit, answers=with_answers)
    lines = _one_text(sys.stdin.buffer) if as_text else read_lines(sys.stdin.buffer)
    try:
        return _answer_all(lines, more, explain=explain, told=as_text and not as_json)
    except BrokenPipeError:
        # whoever reads us has had enough (`| head -1`); click would make an exit status of 1 of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _answer_all(lines: Iterator[Line], more: Also, *, explain: bool, told: bool) -> int:
    out = sys.stdout.buffer
    console = _console() if explain else None
    status = DONE
    for line in lines:
        if line.problem is not None:
            where = f"line {line.number}: " if line.number else ""
            click.echo(f"Error: {where}{line.problem}", err=True)
            status = WRONG_USE
        elif console is not None:
            _explain(line, console)
        elif told:
            from jobs.cli.plaintext import tell

            tell(record_of(line, more))
        else:
            out.write(answer(line, more))
            out.flush()
    return status


def _one_text(stream: BinaryIO) -> Iterator[Line]:
    """All of ``stream`` as one caption, without the line break that ends a file."""
    data = stream.read().removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        yield Line(0, problem=f"the text cannot be read: {_cause(error)}")
        return
    yield Line(0, raw=text.removesuffix("\n").removesuffix("\r"))


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


def answer(line: Line, more: Also = NOTHING_MORE) -> bytes:
    """The JSON line that answers ``line``."""
    record = record_of(line, more)
    try:
        return (json.dumps(record, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:
        # a lone surrogate has no bytes in UTF-8; as \udXXX it goes out as it came in
        return (json.dumps(record) + "\n").encode()


def record_of(line: Line, more: Also = NOTHING_MORE) -> dict[str, Any]:
    """What answers ``line``, by name, with what else is asked for."""
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
    if more.credit:
        record["credit"] = _credits(line.raw)
    if more.answers:
        from scraper.text.alignment import align, answers

        both = record["fr"] is not None and record["en"] is not None
        alignment = align(record["fr"], record["en"]) if both else None
        record["alignment"] = answers(record["fr"], record["en"], alignment) if alignment else []
        record["alignment_score"] = alignment.score if alignment else None
    return record


def _credits(raw: str) -> list[dict[str, Any]]:
    from scraper.text.credit import find_credits
    from scraper.text.licences import license_in

    return [
        {
            "text": found.text,
            "start": found.start,
            "end": found.start + len(found.text),
            "person": found.person,
            "agency": found.agency,
            "mission": found.mission,
            "date": found.day and found.day.isoformat(),
            "other_reading": found.other_reading and found.other_reading.isoformat(),
            "license": license_in(found.text),
            "files": list(found.files),
        }
        for found in find_credits(raw)
    ]


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def _explain(line: Line, console: Console) -> None:
    from rich.text import Text

    from scraper.text.captions import split as split_caption
    from scraper.text.explain import explain

    found = split_caption(line.raw)
    review = ", needs review" if found.needs_review else ""
    named = "" if line.id is None else f"{visible(str(line.id))}  "
    console.print(Text(f"{named}confidence {found.confidence:.2f}{review}", style="bold"))
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
