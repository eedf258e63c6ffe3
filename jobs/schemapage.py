"""What docs/schema.md tells, for programs: the promised views with their columns, and the worked questions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_VIEW = re.compile(r"^## `(archive_\w+)`: ([^\n]+)\n(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
_QUESTION = re.compile(r"^### (\d+)\. ([^\n]+)\n(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
_SQL = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view of the archive: what a row of it is, and what its columns mean, as plain words."""

    name: str
    rows: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question in words, in SQLite's SQL, and what there is to know of its answer."""

    number: int
    title: str
    sql: str
    note: str


def page_text() -> str:
    """The page, as the wheel carries it, else as it stands in the checkout."""
    carried = _HERE / "schema.md"
    return (carried if carried.exists() else _HERE.parent / "docs" / "schema.md").read_text(encoding="utf-8")


def views(page: str) -> Iterator[View]:
    """The views that the page promises, in its order."""
    for name, rows, section in _VIEW.findall(page):
        columns: dict[str, str] = {}
        for names, meaning in re.findall(r"^\| (`.*?`) \| (.*) \|$", section, re.MULTILINE):
            columns |= dict.fromkeys(re.findall(r"`(\w+)`", names), _plain(meaning))
        yield View(name=name, rows=_plain(rows), columns=columns)


def questions(page: str) -> Iterator[Question]:
    """The worked questions of the page, in its order."""
    for number, title, section in _QUESTION.findall(page):
        (sql,) = _SQL.findall(section)
        note = _plain(section.rpartition("```")[2].strip())
        yield Question(number=int(number), title=title, sql=sql.strip().rstrip(";"), note=note)


def _plain(markdown: str) -> str:
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", markdown).replace("`", "").replace("\n", " ")
