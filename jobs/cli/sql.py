"""``cupola sql``: a person's own question to the archive, which nothing can be changed by."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.cli.main import DONE
from jobs.cli.options import archive_place, common, reading
from jobs.cli.outlet import Outlet
from jobs.cli.output import csv_line, defused, for_people, for_programs, patient
from jobs.errors import UsageError

if TYPE_CHECKING:
    from storage.sqlquery import Answer, Row

#: rows when no --limit is given: of a table, and of what is for programs
ROWS_OF_TABLE, ROWS = 50, 10_000
#: bytes of a statement read from stdin
_LONGEST = 10**6


@click.command()
@click.argument("statement", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "jsonl", "json", "csv")),
    default="table",
    show_default=True,
    help="jsonl: one JSON object a line; json: one array; csv: a header and the rows, where a leading apostrophe keeps"
    " a cell from being a formula. Blobs are hexadecimal; of columns with one name, JSON calls the second name_2.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"At most so many rows; without it {ROWS_OF_TABLE} in a table, else {ROWS:,}. It is told when there are more.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the database may work on it.",
)
@click.option(
    "--tables", "lists", is_flag=True, help="In place of a statement: which views there are, and their columns."
)
@reading
@common
def sql(
    statement: str | None,
    form: str,
    limit: int | None,
    timeout: float,
    lists: bool,
    archive: str | None,
    config: Path | None,
) -> int:
    """Ask the archive one question in SQL; STATEMENT is read from stdin when it is -.

    The views whose names begin with archive_ are made for this: see docs/schema.md. Whatever the statement says,
    nothing is changed. An archive on a server is asked in PostgreSQL's SQL, one in a folder in SQLite's. Exit
    status: 0 also when there are no rows, 2 when the statement is wrong, would write or takes too long (rows that
    came before are printed), 3 when the archive cannot be read.
    """
    from storage.engine import open_database
    from storage.sqlquery import asked

    if lists != (statement is None):
        raise UsageError("say one of the two: a statement (- for stdin), or --tables")
    if lists:
        return _list_views(form)
    text = _from_stdin() if statement == "-" else str(statement)
    most = limit or (ROWS_OF_TABLE if form == "table" else ROWS)
    database = open_database(archive_place(config, archive), read_only=True)
    try:
        # the outlet lies around the question: a pager that is slow must not keep it open
        with patient() as out, asked(database, text, seconds=timeout) as answer:
            rows = iter(answer)
            taken = islice(rows, most)
            _WRITERS[form](answer, taken, out)
            # some are left in hand when whoever reads our output has had enough
            if next(taken, None) is None and next(rows, None) is not None:
                click.echo(f"Cut after {most:,} rows, and there are more: --limit N shows more.", err=True)
    finally:
        database.close()
    return DONE


def _list_views(form: str) -> int:
    from storage.sqlquery import Answer
    from storage.views import VIEWS

    rows = [(view.name, " ".join(column.name for column in view.columns)) for view in VIEWS]
    answer = Answer(("view", "columns"), iter(rows))
    with patient() as out:
        _WRITERS[form](answer, rows, out)
    return DONE


def _from_stdin() -> str:
    data = sys.stdin.buffer.read(_LONGEST + 1)
    if len(data) > _LONGEST:
        raise UsageError(f"a statement has {_LONGEST:,} bytes at most")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"the statement on stdin is not UTF-8 ({error})") from error


def _as_table(answer: Answer, rows: Iterable[Row], out: Outlet) -> None:
    from jobs.cli.grid import grid

    with for_people(out) as console:
        console.print(grid(answer.columns, rows, console.width))


def _as_jsonl(answer: Answer, rows: Iterable[Row], out: Outlet) -> None:
    with for_programs(out) as write:
        for line in _objects(answer, rows):
            write(f"{line}\n")


def _as_json(answer: Answer, rows: Iterable[Row], out: Outlet) -> None:
    with for_programs(out) as write:
        head = "[\n"
        for line in _objects(answer, rows):
            write(f"{head}{line}")
            head = ",\n"
        write("[]\n" if head == "[\n" else "\n]\n")


def _objects(answer: Answer, rows: Iterable[Row]) -> Iterator[str]:
    names = unlike(answer.columns)
    for row in rows:
        yield json.dumps(dict(zip(names, map(_plain, row), strict=True)), ensure_ascii=False)


def _as_csv(answer: Answer, rows: Iterable[Row], out: Outlet) -> None:
    with for_programs(out) as write:
        write(csv_line(map(defused, answer.columns)))
        for row in rows:
            write(csv_line(map(_cell, row)))


def unlike(columns: tuple[str, ...]) -> list[str]:
    """The names with a number behind those that were there before, since keys of an object must differ."""
    names: dict[str, None] = {}
    for column in columns:
        name, number = column, 1
        while name in names or (number > 1 and name in columns):
            number += 1
            name = f"{column}_{number}"
        names[name] = None
    return list(names)


def _plain(value: Any) -> Any:
    """A value as JSON has it: blobs as hexadecimal, the infinite as a word."""
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    plain = _plain(value)
    return defused(plain) if isinstance(value, str) else str(plain)


_WRITERS: dict[str, Callable[[Answer, Iterable[Row], Outlet], None]] = {
    "table": _as_table,
    "jsonl": _as_jsonl,
    "json": _as_json,
    "csv": _as_csv,
}
