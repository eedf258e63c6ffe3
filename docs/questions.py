"""Answers the twenty questions of docs/schema.md anew, on an archive of the demo mission that is made for it.

    python docs/questions.py docs/schema.md

The archive is made by the commands of the page's block ``console``. Each block ``sql`` is asked, and the block ``text``
behind it becomes what ``cupola sql`` prints, a hundred letters wide; a number behind ``text`` is its ``--limit``. The
page is written only when it answers something else than before; see docs/story.py for what counts for nothing.
"""

from __future__ import annotations

import io
import re
import runpy
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console

from jobs.cli.grid import grid
from jobs.cli.main import commands
from jobs.demo.mission import config_text, load
from jobs.demo.site import DEFAULT_PORT, DemoSite
from storage.engine import Database, open_database
from storage.sqlquery import asked

ROWS, WIDTH = 8, 100
_COMMANDS = re.compile(r"^```console\n(\$ cupola demo --serve.*?)^```$", re.MULTILINE | re.DOTALL)
_QUESTION = re.compile(r"^### (\d+)\. [^\n]+\?\n.*?(?=^#|\Z)", re.MULTILINE | re.DOTALL)
_SQL = re.compile(r"^```sql ?(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ANSWER = re.compile(r"^```text ?(\d*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: beside what varies in the story: when an answer came, and where it lies
_PLACE = re.compile(r"^(fetched_at|size|offset|length) .*", re.MULTILINE)

_story = runpy.run_path(str(Path(__file__).with_name("story.py")))


def masked(page: str) -> str:
    """The page without what differs from run to run."""
    told: Callable[[str], str] = _story["masked"]
    return told(_PLACE.sub(r"\1", page))


def questions(page: str, dialect: str) -> dict[int, str]:
    """The statements of the page by their numbers, in the words of a database."""
    found = {}
    for question in _QUESTION.finditer(page):
        words = dict(_SQL.findall(question[0]))
        found[int(question[1])] = words.get(dialect, words[""])
    return found


def prepare(page: str, folder: Path) -> None:
    """Make the archive in ``folder`` by running the page's commands; ``Enter`` turns to the site's next edition."""
    (lines,) = _COMMANDS.findall(page)
    mission = load()
    editions = iter(mission.editions)
    with DemoSite(mission, port=0) as site:
        (folder / "config.yaml").write_text(config_text(site.base_url), encoding="utf-8")
        for line in lines.splitlines():
            mark, *words = shlex.split(line, comments=True)
            if mark == "Enter":
                site.turn_to(next(editions))
            elif words[:1] == ["cupola"] and words[1] != "demo":
                _run(*words[1:], "--config", str(folder / "config.yaml"))


def _run(*words: str) -> None:
    """A command of Cupola, in this process, where it need not be loaded again; what it says is not told."""
    with redirect_stdout(io.TextIOWrapper(io.BytesIO())), redirect_stderr(io.StringIO()) as said:
        status = commands.main(words, prog_name="cupola", standalone_mode=False)
    # a picture that is meant to fail makes the first visit end with status 1
    if status > 1:
        raise RuntimeError(f"cupola {shlex.join(words)}\n{said.getvalue()}")


def answered(page: str, database: Database) -> str:
    """The page with what ``cupola sql`` prints for each question."""
    statements = questions(page, database.dialect)

    def of(question: re.Match[str]) -> str:
        statement = statements[int(question[1])]
        return _ANSWER.sub(
            lambda block: f"{block[0].splitlines()[0]}\n{_printed(database, statement, int(block[1] or ROWS))}```",
            question[0],
        )

    return _QUESTION.sub(of, page)


def _printed(database: Database, statement: str, limit: int) -> str:
    out = io.StringIO()
    console = Console(file=out, width=WIDTH, highlight=False, markup=False, emoji=False)
    with asked(database, "SELECT url FROM sources") as answer:
        site = urlsplit(next(iter(answer))[0]).netloc
    with asked(database, statement) as answer:
        # its own port is a free one; a reader's is the usual one, of as many digits
        rows = (tuple(_as_usual(value, site) for value in row) for row in answer)
        console.print(grid(answer.columns, islice(rows, limit), WIDTH))
        if next(rows, None) is not None:
            console.print(f"Cut after {limit:,} rows, and there are more: --limit N shows more.")
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def _as_usual(value: Any, site: str) -> Any:
    return value.replace(site, f"127.0.0.1:{DEFAULT_PORT}") if isinstance(value, str) else value


@contextmanager
def demo_archive(page: str) -> Iterator[Path]:
    """The archive that the questions are asked, in a temporary folder."""
    with tempfile.TemporaryDirectory() as name:
        prepare(page, Path(name))
        yield Path(name)


def main() -> None:
    """Answer the page's questions anew."""
    target = Path(sys.argv[1])
    before = target.read_text(encoding="utf-8")
    with demo_archive(before) as folder, closing(open_database(folder, read_only=True)) as database:
        page = answered(before, database)
    if masked(page) != masked(before):
        target.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
