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
from jobs.cli.main import DONE, IN_PART, WRONG_USE
from jobs.cli.options import common
from jobs.cli.parting import Wanted, encoded, record_of

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Line:
    """One caption to split, or what is wrong with its line."""

    number: int
    id: Any = None
    raw: str = ""
    problem: str | None = None


@click.command(options_metavar="[OPTIONS] < CAPTIONS.jsonl")
@click.option("--text", "as_text", is_flag=True, help="All of standard input is one caption; the answer is for people.")
@click.option("--json", "as_json", is_flag=True, help="With --text: answer with one JSON line all the same.")
@click.option("--credit", "with_credit", is_flag=True, help="Also the credit lines, taken apart, as `credit`.")
@click.option(
    "--align", "with_answers", is_flag=True, help="Also which sentence answers which, and how likely, as `alignment`."
)
@click.option(
    "--explain",
    is_flag=True,
    help="Print each caption's segments, coloured, with the reasons: words' scores, prices of a change of language.",
)
@click.option(
    "--pair",
    default="fr,en",
    show_default=True,
    metavar="A,B",
    help="Other languages to split into; the answer has them in the places of `fr` and `en`.",
)
@common
def split(
    config: Path | None,
    as_text: bool,
    as_json: bool,
    with_credit: bool,
    with_answers: bool,
    explain: bool,
    pair: str,
) -> int:
    """Split captions into French and English.

    Reads JSON lines {"id", "raw"} from standard input; writes one JSON line for each, as soon as it is read:
    {"id", "fr", "en", "segments", "confidence", "part_confidence", "needs_review"}. "fr" and "en" are null where the
    caption has none; the segments ({"lang", "text", "start", "end"}, in code points) make up "raw" exactly.
    "confidence" is the probability that all of it is right, "part_confidence" ({"fr", "en"}) that a part is. No
    configuration and no archive are needed. The lines of `cupola query --format jsonl` will do, too: their "key" and
    "text" are taken. A line that cannot be read is told on standard error; the others are still answered, and the
    exit status is 1.

    With --text the input is one caption as it is, but for a line break at its very end. With --credit each answer
    has "credit": [{"text", "start", "end", "person", "agency", "mission", "date", "other_reading", "license",
    "files"}], the date read day first, "other_reading" month first where that is another day. With --align it has
    "alignment": [{"fr", "en", "score"}], null for a sentence that nobody answers, "alignment_score": from 0 to 1, how
    likely both captions say the same, and "alignment_doubtful": whether they are most likely no translations
    (null for another pair than French and English).
    """
    if as_json and not as_text:
        raise click.UsageError("--json goes with --text; without it every answer is JSON")
    if explain and (as_json or with_credit or with_answers):
        raise click.UsageError("--explain is for people and has nothing to do with --json, --credit or --align")
    if sys.stdin.isatty() and logs.loudness >= 0:
        form = "the caption" if as_text else 'captions, one a line, such as {"id": 1, "raw": "Bonjour. Hello."}'
        click.echo(f"Type {form}; Ctrl-D ends.", err=True)
    wanted = Wanted(pair=_pair(pair), credit=with_credit, answers=with_answers)
    lines = _one_text(sys.stdin.buffer) if as_text else read_lines(sys.stdin.buffer)
    try:
        return _answer_all(lines, wanted, explain=explain, told=as_text and not as_json)
    except BrokenPipeError:
        # whoever reads us has had enough (`| head -1`); click would make an exit status of 1 of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _pair(told: str) -> tuple[str, str]:
    """The languages that ``--pair`` names."""
    from scraper.text.tables import LANGUAGES

    first, _, second = (part.strip() for part in told.partition(","))
    if first == second or first not in LANGUAGES or second not in LANGUAGES:
        raise click.UsageError(f"--pair {told}: takes two of {', '.join(LANGUAGES)}, such as de,en")
    return first, second


def _answer_all(lines: Iterator[Line], wanted: Wanted, *, explain: bool, told: bool) -> int:
    out = sys.stdout.buffer
    console: Console | None = None
    if explain:
        from jobs.cli.reasons import reasons_console, tell_reasons

        console = reasons_console()
    status = DONE
    for line in lines:
        if line.problem is not None:
            where = f"line {line.number}: " if line.number else ""
            click.echo(f"Error: {where}{line.problem}", err=True)
            status = IN_PART if line.number else WRONG_USE
        elif console is not None:
            tell_reasons(line.id, line.raw, wanted.pair, console)
        elif told:
            from jobs.cli.plaintext import tell

            tell(record_of(line.id, line.raw, wanted), wanted.pair)
        else:
            out.write(encoded(record_of(line.id, line.raw, wanted)))
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
        raw = value.get("raw", value.get("text")) if isinstance(value, dict) else None
        if not isinstance(raw, str):
            yield Line(number, problem='needs an object with "id" and the caption\'s text as "raw"')
        else:
            yield Line(number, id=value.get("id", value.get("key")), raw=raw)


def _cause(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} is not UTF-8"
    return str(error).replace(": line 1 column", ", column")
