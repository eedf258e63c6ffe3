"""Why a caption was split as it was: each span with its reason and its words' scores, for the people who tune it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scraper.text.captions import Reading, Span, read
from scraper.text.credit import find_credits
from scraper.text.pieces import totals
from scraper.text.tables import ALIEN, LANGUAGES


@dataclass(frozen=True, slots=True)
class Weighed:
    """A running word: how many nats it speaks for its span's language, and what a change just before it would cost."""

    text: str
    nats: float
    price: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A span, in one line what decided about it, and its words."""

    span: Span
    reason: str
    words: tuple[Weighed, ...] = ()


def explain(body: str, pair: tuple[str, str] = ("fr", "en")) -> tuple[Explained, ...]:
    """The spans of ``body``, as ``split`` gives them, each with its reason.

    The figures are nats: how far the words speak for the language rather than for the other of the pair (of a third
    language: for the likelier of the pair), and what the change of language before the piece cost.
    """
    found: list[Explained] = []
    credited = {i for c in find_credits(body) for i in (c.start, c.start + len(c.text) - 1)}
    for reading in read(body, pair):
        told = _told(reading)
        for span in reading.spans():
            reason, words = (_aside(span, credited), ()) if span.lang == "none" else next(told)
            found.append(Explained(span=span, reason=reason, words=words))
    return tuple(found)


def _told(reading: Reading) -> Iterator[tuple[str, tuple[Weighed, ...]]]:
    """By piece the reason, and what each of its words speaks for its language rather than for its rival."""
    for piece in reading.pieces:
        own = reading.words[piece.first : piece.last + 1]
        said = totals(own)
        rival = max((state for state in reading.pair if state != piece.state), key=said.__getitem__)
        weighed = tuple(
            Weighed(reading.text[w.start : w.end], (w.scores[piece.state] - w.scores[rival]) * w.weight, w.price)
            for w in own
        )
        cost = f"; change before it {own[0].price:.1f}" if piece.first else ""
        yield f"{_name(piece.state)} before {_name(rival)} by {said[piece.state] - said[rival]:.1f}{cost}", weighed


def _name(state: int) -> str:
    return LANGUAGES[state] if state < ALIEN else "another language, or undecided,"


def _aside(span: Span, credited: set[int]) -> str:
    """Why ``span`` is no running text."""
    if not span.text.strip():
        return "space"
    if any(i in credited for i in range(span.start, min(span.end, span.start + 2000))):
        return "credit line or file number"
    if not any(c.isalnum() for c in span.text):
        return "separator"
    return "hashtags, mentions, links, labels, dates or numbers at an edge"
