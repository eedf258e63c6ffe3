"""A caption's two parts: the text of each and how likely that is right; for any pair of languages, and pure.

A part is wrong by its own words, or by where it begins and ends: so it is judged by its own pieces and the few words
on either side of them, as a caption is (`sureness`), and is never less sure than the whole. Parts are mostly right or
wrong together: what one loses the other has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scraper.model import Lang, Segment, captions_of
from scraper.text.captions import REVIEW_BELOW, Reading, Span, read
from scraper.text.evidence import Word
from scraper.text.pieces import Piece
from scraper.text.sureness import sureness
from scraper.text.tables import LANGUAGES

#: so many words of its neighbours tell whether a part begins and ends where it should
_NEIGHBOURS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A body cut for a pair of languages.

    ``spans`` concatenate to the body; ``texts`` and ``sure`` have both languages of the pair, None for one that the
    body has no text in; ``confidence`` is that of the whole cut, no higher than that of a part.
    """

    spans: tuple[Span, ...]
    texts: Mapping[str, str | None]
    sure: Mapping[str, float | None]
    confidence: float
    needs_review: bool


def parts_of(body: str, pair: tuple[str, str] = ("fr", "en")) -> Parts:
    """``body`` cut as ``captions.split`` cuts it, for any pair, with the text and the confidence of each part.

    Args:
        body: plain text (markup already removed); any string will do.
        pair: two of ``tables.LANGUAGES``.

    Raises:
        ValueError: a language is none of the tables'.
    """
    spans: list[Span] = []
    sure: dict[str, float | None] = dict.fromkeys(pair)
    whole = 1.0
    for reading in read(body, pair):
        spans += reading.spans()
        whole = min(whole, reading.sure)
        for language in pair:
            known = [
                value for value in (sure[language], _sure_of(reading, LANGUAGES.index(language))) if value is not None
            ]
            sure[language] = min(known, default=None)
    return Parts(
        spans=tuple(spans),
        texts=_texts(spans, pair),
        sure={language: None if value is None else round(max(value, whole), 4) for language, value in sure.items()},
        confidence=round(whole, 4),
        needs_review=whole < REVIEW_BELOW,
    )


def _sure_of(reading: Reading, state: int) -> float | None:
    """The probability that the part in one language is right; None where there is none."""
    if all(piece.state != state for piece in reading.pieces):
        return None
    return sureness(*_around(reading, state), reading.pair)


def _around(reading: Reading, state: int) -> tuple[list[Word], list[Piece]]:
    """The words and pieces of one language, with the nearest words of the pieces beside them."""
    words: list[Word] = []
    pieces: list[Piece] = []
    last = len(reading.pieces) - 1
    for at, piece in enumerate(reading.pieces):
        first, end = piece.first, piece.last + 1
        if piece.state != state:
            before = at > 0 and reading.pieces[at - 1].state == state
            behind = at < last and reading.pieces[at + 1].state == state
            if not (before or behind):
                continue
            if not behind:
                end = min(end, first + _NEIGHBOURS)
            elif not before:
                first = max(first, end - _NEIGHBOURS)
        pieces.append(Piece(piece.state, len(words), len(words) + end - first - 1))
        words += reading.words[first:end]
    return words, pieces


def _texts(spans: Iterable[Span], pair: tuple[str, str]) -> dict[str, str | None]:
    """The caption in each language, joined as the archive joins them, in which the pair is French and English."""
    roles = {pair[0]: Lang.FR, pair[1]: Lang.EN}
    segments = (
        Segment(lang=roles.get(span.lang, Lang.NONE), text=span.text, start=span.start, end=span.end) for span in spans
    )
    captions = captions_of(segments)
    return {language: captions[role].text if role in captions else None for language, role in roles.items()}
