"""What a run did, as the summary table, ``--json`` and the exit status all read it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from scraper.capture import Request
from scraper.crawl import Page
from scraper.masking import named, shown
from scraper.model import MediaResult, MediaState

#: failures of a visit that are held to be told one by one
KEPT = 1000


class Outcome(StrEnum):
    """How a visit to a source ended."""

    COMPLETED = "completed"
    #: something failed and is recorded
    PARTIAL = "partial"
    INTERRUPTED = "interrupted"
    #: another run has the source
    BUSY = "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that failed: at which stage, where, and why in a sentence for a person; no secret is in its address."""

    stage: str
    message: str
    url: str | None = None
    key: str | None = None
    kind: str = ""

    @classmethod
    def of(cls, stage: str, error: Exception, *, url: str | None = None, key: str | None = None) -> Failure:
        """The failure that an error is."""
        return cls(stage=stage, kind=type(error).__name__, message=str(error), url=url and shown(url), key=key)

    def as_json(self) -> dict[str, str | None]:
        """The same as plain values."""
        return {"stage": self.stage, "kind": self.kind, "message": self.message, "url": self.url, "key": self.key}


@dataclass(slots=True, kw_only=True)
class Report:
    """The counts of one visit; ``notes`` are things worth knowing that are no failures.

    ``failed`` counts all failures, ``failures`` are the first ``KEPT`` of them: a host that is down for a day may
    fail a hundred thousand pictures, and the archive holds what is not told here. ``left`` is what was still to be
    asked for when the listing was cut off, and what may answer another time.
    """

    source_id: str
    outcome: Outcome = Outcome.COMPLETED
    pages: int = 0
    pages_unchanged: int = 0
    posts_found: int = 0
    posts_added: int = 0
    posts_updated: int = 0
    posts_unchanged: int = 0
    posts_gone: int = 0
    posts_buried: int = 0
    media_stored: int = 0
    media_bytes: int = 0
    media_failed: int = 0
    media_gone: int = 0
    media_skipped: int = 0
    media_pending: int = 0
    needs_review: int = 0
    posts_left_out: int = 0
    failed: int = 0
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left: tuple[Request, ...] = ()
    seconds: float = 0.0

    def fail(self, failure: Failure) -> None:
        """Count a failure, and keep it to be told if it is among the first."""
        self.failed += 1
        if len(self.failures) < KEPT:
            self.failures.append(failure)

    def took(self, result: MediaResult) -> None:
        """Count what became of an attachment."""
        match result.state:
            case MediaState.STORED:
                self.media_stored += 1
                self.media_bytes += result.asset.size if result.asset else 0
            case MediaState.FAILED:
                self.media_failed += 1
            case MediaState.GONE:
                self.media_gone += 1
            case MediaState.SKIPPED:
                self.media_skipped += 1
            case MediaState.PENDING:
                pass

    def left_out(self, opt_outs: tuple[str, ...]) -> None:
        """Count a post whose author asks not to be archived."""
        self.posts_left_out += 1
        note = f"posts are left out because their author asks for it ({', '.join(opt_outs)}); see ignore_opt_outs"
        if note not in self.notes:
            self.notes.append(note)

    def kept_in_spite(self, opt_outs: tuple[str, ...], reason: str) -> None:
        """Note that a post is archived whose author asks not to be, for the ``reason`` that the configuration gives."""
        note = f"posts are archived in spite of what their author asks ({', '.join(opt_outs)}): {reason}"
        if note not in self.notes:
            self.notes.append(note)

    def went_round(self, page: Page) -> None:
        """Note what was asked in place of a page that did not answer, if anything was."""
        if page.detour is not None and page.queued:
            self.notes.append(f"{page.detour}; {named(page.queued[-1].url)} is read in its place")

    def counts(self) -> dict[str, int]:
        """Every count by its name, as the journal keeps them."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.type == "int"}

    def as_json(self) -> dict[str, Any]:
        """The object that ``scrape --json`` prints for this source; ``seconds`` are wall time."""
        return {
            "outcome": str(self.outcome),
            **self.counts(),
            "failures": [failure.as_json() for failure in self.failures],
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }
