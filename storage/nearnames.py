"""The name that was meant by a misspelt one in a statement: of a table, a view or a column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from storage.views import VIEWS

_TABLE = re.compile(r'(?:no such table: |relation ")(?:main\.|public\.)?([^"]+?)"?(?: does not exist)?')
_COLUMN = re.compile(r'(?:no such column: |column "?)(?:[^".]+\.)?([^"]+?)"?(?: does not exist)?')
_WORD = re.compile(r"\w+")


def suggestion(said: str, statement: str) -> str:
    """A line that names the nearest name, behind a line break; nothing where none is near.

    Args:
        said: a database's words for what it does not know, as SQLite and PostgreSQL have them.
        statement: what a person has written.
    """
    if table := _TABLE.fullmatch(said):
        return _said(table[1], _columns())
    if column := _COLUMN.fullmatch(said):
        named = set(_WORD.findall(statement.lower()))
        of_each = _columns()
        chosen = [name for name in of_each if name in named] or [view.name for view in VIEWS]
        return _said(column[1], dict.fromkeys(name for table_ in chosen for name in of_each[table_]))
    return ""


def _said(name: str, names: Iterable[str]) -> str:
    # to a name of two letters many are near
    near = get_close_matches(name.lower(), names, n=1) if len(name) > 2 else []
    return f"\n  Perhaps you meant {near[0]}." if near else ""


def _columns() -> dict[str, list[str]]:
    """The columns of every view and table, the promised first."""
    # a third of a second to load, which only who has made a mistake waits for
    import storage.schema  # noqa: F401 - declares the tables
    from storage.declarative import Base

    everything = (*VIEWS, *Base.metadata.sorted_tables)
    return {item.name: [column.name for column in item.columns] for item in everything}
