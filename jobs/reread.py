"""What reading anew came to, as the diff, the summary table and ``--json`` read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.differences import Difference, difference
from jobs.report import Report
from storage.changes import Change
from storage.rereading import Preview

#: differences, and posts not found again, that are held to be told one by one
TOLD = 1000


@dataclass(slots=True, kw_only=True)
class Reread:
    """What reading anew came to, for one source.

    ``fields`` counts what differs by name; ``differences`` are the first ``TOLD``, but for the ``slight`` ones that
    nobody would see; ``told`` counts earlier states that the source's own history tells and that were not known so;
    ``not_found`` are the first ``TOLD`` of ``missing`` posts that came with a recorded answer and are in none any more.
    """

    report: Report
    fields: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    slight: int = 0
    told: int = 0
    missing: int = 0
    not_found: list[str] = field(default_factory=list)

    def count(self, changes: Sequence[Change]) -> None:
        """Count what became, or would become, of posts."""
        self.report.posts_added += changes.count(Change.ADDED)
        self.report.posts_updated += changes.count(Change.UPDATED)
        self.report.posts_unchanged += changes.count(Change.UNCHANGED)
        self.report.posts_buried += changes.count(Change.BURIED)

    def differs(self, item: Preview) -> None:
        """Note what differs, or would, in a post."""
        decision = item.decision
        found = difference(decision.entry[0].key, decision.change, item.stored, decision.entry)
        self.fields.update(list(found.fields))
        if found.is_slight:
            self.slight += 1
        elif len(self.differences) < TOLD:
            self.differences.append(found)

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints for this source."""
        report = self.report
        return {
            "outcome": str(report.outcome),
            "answers": report.pages,
            "posts": report.posts_found,
            "posts_added": report.posts_added,
            "posts_updated": report.posts_updated,
            "posts_unchanged": report.posts_unchanged,
            "posts_buried": report.posts_buried,
            "posts_left_out": report.posts_left_out,
            "fields": dict(self.fields),
            "differences": [
                {
                    "key": item.key,
                    "change": item.change,
                    "fields": {name: list(pair) for name, pair in item.fields.items()},
                }
                for item in self.differences
            ],
            "slight": self.slight,
            "told": self.told,
            "missing": self.missing,
            "not_found": self.not_found,
            "failures": [failure.as_json() for failure in report.failures],
            "seconds": round(report.seconds, 3),
        }
