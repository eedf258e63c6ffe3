"""Quotations: where each begins and ends, and whether it stands alone or is part of a sentence; knows no language.

Whatever marks there are (« », “ ”, „ “, " ", ‘ ’, » «), balanced or not, the answer is total and the time linear:
one pass over the marks, and a bounded look at what stands around each. What is nested within a quotation belongs to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: what closes a quotation, by the mark that opens it
_CLOSERS = {"«": "»", "“": "”", "„": "“”", '"': '"', "‘": "’", "»": "«", "”": "”"}
_MARK = re.compile('[«»“”„"‘]|’(?![^\\W\\d_])')
_SPACES = " \t\u00a0\u202f\u200b"
#: after one of these, or a letter or digit, a quotation goes on with the sentence before it
_LEADS_ON = frozenset(",;:([’'&%")
#: what follows a closing mark where the sentence goes on after it: a comma, or a small letter
_GOES_ON = re.compile(
    r"\)?[ \u00a0\u202f]?(?:[,;:](?![^\S\n]*[«“„\"‘\n])|[ \u00a0\u202f]\(?(?=[^\W\d_])(?=[^A-ZÀ-ÖØ-Þ]))"
)
_BETWEEN = re.compile(r"\s{0,4}(?:[-–—/|]\s{0,4})?$")


@dataclass(slots=True)
class Quotation:
    """``body[start:end]`` with its marks.

    ``closed`` says that its own closing mark was found (else it ends with its line); ``leads`` that a sentence leads
    to it, on the same line; ``goes_on`` that the sentence goes on behind it; ``follows`` that it begins where
    another quotation ended.
    """

    start: int
    end: int
    mark: str
    closed: bool = True
    leads: bool = False
    goes_on: bool = False
    follows: bool = False

    @property
    def alone(self) -> bool:
        """Whether it is no part of a larger sentence."""
        return not self.leads and not self.goes_on


def find_quotations(body: str) -> list[Quotation]:
    """The quotations of ``body``, in order, none within another.

    An opening mark at the start of a line, or of the same kind, shows that the one before it was never closed: that
    one ends with the line it began on.
    """
    found: list[Quotation] = []
    start, mark = -1, ""
    for match in _MARK.finditer(body):
        at, this = match.start(), match.group()
        begins = _begins_line(body, at)
        opens = _opens(body, at, this, begins=begins)
        if start >= 0:
            if this in _CLOSERS[mark] and not (this == mark and opens) and (this != "’" or _closes(body, start, at)):
                found.append(_placed(body, Quotation(start, at + 1, mark), found))
                start = -1
                continue
            if not opens or not (begins or this == mark):
                continue
            found.append(_unclosed(body, start, at, mark, found))
            start = -1
        if opens:
            start, mark = at, this
    if start >= 0:
        found.append(_unclosed(body, start, len(body), mark, found))
    return found


def _begins_line(body: str, at: int) -> bool:
    before = body[max(0, at - 4) : at].rstrip(_SPACES)
    return before[-1:] in "\n\r" if before else at <= 4


def _opens(body: str, at: int, mark: str, *, begins: bool) -> bool:
    """Whether the mark can open a quotation; those that look the same at both ends are told by what is beside them."""
    if mark in "«“„":
        return True
    after = body[at + 1 : at + 2]
    before = body[at - 1 : at] if at else ""
    if mark == "’" or not after or (before and not before.isspace() and before not in "([«“„/|–—"):
        return False
    return (not after.isspace() and after not in ".,;:!?)»”") or (begins and mark == '"' and after in _SPACES)


def _closes(body: str, start: int, at: int) -> bool:
    """Whether the «’» closes what «‘» opened; at the start of a line it may be the apostrophe of «the boys’ room»."""
    return body[at - 1] in '.!?…,»”"' or body[at + 1 : at + 2] in "\n\r.,;:!?" or not _begins_line(body, start)


def _unclosed(body: str, start: int, limit: int, mark: str, found: list[Quotation]) -> Quotation:
    end = body.find("\n", start, limit)
    return _placed(body, Quotation(start, end if end >= 0 else limit, mark, closed=False), found)


def _placed(body: str, made: Quotation, found: list[Quotation]) -> Quotation:
    """The quotation with what stands around it."""
    last = found[-1] if found else None
    if last is not None and last.closed and made.start - last.end <= 8:
        made.follows = _BETWEEN.match(body[last.end : made.start]) is not None
    if not made.follows and not _begins_line(body, made.start):
        before = body[max(0, made.start - 4) : made.start].rstrip(_SPACES)[-1:]
        made.leads = before.isalnum() or (before != "" and before in _LEADS_ON)
    made.goes_on = made.closed and _GOES_ON.match(body, made.end) is not None
    return made
