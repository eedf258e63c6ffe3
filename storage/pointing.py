"""A faulty statement as a person is shown it: the line, and a caret below the fault."""

from __future__ import annotations

import unicodedata

_SHOWN = 60  # letters of a line that are shown around a fault


def pointer(statement: str, at: int | None) -> str:
    """The faulty line with a caret below the fault, each behind a line break; nothing where that is not known.

    Args:
        statement: as it was written.
        at: offset of the fault, in code points.
    """
    if at is None:
        return ""
    begin = statement.rfind("\n", 0, at) + 1
    number = statement.count("\n", 0, at) + 1
    line = statement[begin:].partition("\n")[0].rstrip()
    cut = max(0, at - begin - _SHOWN)
    before, after = line[cut : at - begin], line[at - begin : at - begin + _SHOWN]
    head = f"  line {number}: " + "…" * bool(cut)
    indent = " " * len(head) + "".join(map(_blank, before))
    return f"\n{head}{before}{after}\n{indent}^"


def _blank(letter: str) -> str:
    """Blanks as wide as a letter is in a terminal: emoji and Han signs take two cells, marks on other letters none."""
    if letter == "\t":
        return letter
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return ""
    return "  " if unicodedata.east_asian_width(letter) in "WF" else " "
