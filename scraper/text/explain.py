"""Why a caption was split as it was: each segment with its reason, for the people who tune it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scraper.model import Lang, Segment
from scraper.text.captions import read
from scraper.text.credit import find_credits
from scraper.text.evidence import Word
from scraper.text.pieces import Piece, totals
from scraper.text.tables import ALIEN, LANGUAGES

_STRONGEST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A segment and, in one line, what decided about it."""

    segment: Segment
    reason: str


def explain(body: str) -> tuple[Explained, ...]:
    """The segments of ``body``, as ``split`` gives them, each with its reason.

    The figures are nats: how far the words speak for the language rather than the next likely one, and what the
    change of language before the piece cost.
    """
    found: list[Explained] = []
    credited = {i for c in find_credits(body) for i in (c.start, c.start + len(c.text) - 1)}
    for reading in read(body):
        reasons = _reasons(reading.text, reading.words, reading.pieces)
        for span in reading.spans():
            segment = Segment(lang=Lang(span.lang), text=span.text, start=span.start, end=span.end)
            reason = _aside(segment, credited) if segment.lang is Lang.NONE else next(reasons)
            found.append(Explained(segment=segment, reason=reason))
    return tuple(found)


def _reasons(body: str, words: Sequence[Word], pieces: Sequence[Piece]) -> Iterator[str]:
    for piece in pieces:
        own = words[piece.first : piece.last + 1]
        said = totals(own)
        rival = max((s for s in range(len(said)) if s != piece.state), key=said.__getitem__)
        margin = said[piece.state] - said[rival]
        told = sorted(own, key=lambda w: (w.scores[rival] - w.scores[piece.state]) * w.weight)[:_STRONGEST]
        strongest = ", ".join(
            f"{body[w.start : w.end][:24]} {(w.scores[piece.state] - w.scores[rival]) * w.weight:+.1f}" for w in told
        )
        cost = f"; change before it {own[0].price:.1f}" if piece.first else ""
        yield f"{_name(piece.state)} before {_name(rival)} by {margin:.1f}: {strongest}{cost}"


def _name(state: int) -> str:
    return LANGUAGES[state] if state < ALIEN else "another language, or undecided,"


def _aside(segment: Segment, credited: set[int]) -> str:
    """Why ``segment`` is no running text."""
    if not segment.text.strip():
        return "space"
    if any(i in credited for i in range(segment.start, min(segment.end, segment.start + 2000))):
        return "credit line or file number"
    if not any(c.isalnum() for c in segment.text):
        return "separator"
    return "hashtags, mentions, links, labels, dates or numbers at an edge"
