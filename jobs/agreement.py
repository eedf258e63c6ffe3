"""How far the splitter agrees with what curators said: pure, over labels; it neither reads an archive nor prints."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scraper.model import Lang, Split, captions_of
from scraper.text.captions import split
from storage.labels import Label

#: lower bounds of the buckets of confidence
BUCKETS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)

_WORD = re.compile(r"[^\W\d_]+")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "«": '"', "»": '"'})


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One caption: the splitter's answer beside the curator's.

    ``fr`` and ``en`` are (splitter's, curator's) where the curator said something. ``letters`` are those that either
    of them puts into a caption, ``right`` those that both put into the same one.
    """

    key: str
    source: str
    confidence: float
    needs_review: bool
    exact: bool
    right: int
    letters: int
    fr: tuple[str, str] | None
    en: tuple[str, str] | None

    @property
    def share(self) -> float:
        """The share of letters that are right; 1 where there are none."""
        return self.right / self.letters if self.letters else 1.0

    def as_json(self) -> dict[str, Any]:
        """What ``--json`` prints of one of the worst."""
        told = {"key": self.key, "confidence": self.confidence, "needs_review": self.needs_review}
        sides = {name: {"split": pair[0], "curator": pair[1]} for name, pair in self._sides() if pair}
        return told | {"exact": self.exact, "letters_right": round(self.share, 4)} | sides

    def _sides(self) -> tuple[tuple[str, tuple[str, str] | None], ...]:
        return ("fr", self.fr), ("en", self.en)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What some captions come to; ``confidence`` is the mean, to be compared with ``exact / captions``."""

    captions: int
    exact: int
    right: int
    letters: int
    confidence: float
    flagged: int

    @classmethod
    def of(cls, items: Sequence[Compared]) -> Score:
        """The sums over ``items``."""
        return cls(
            captions=len(items),
            exact=sum(item.exact for item in items),
            right=sum(item.right for item in items),
            letters=sum(item.letters for item in items),
            confidence=sum(item.confidence for item in items) / len(items) if items else 0.0,
            flagged=sum(item.needs_review for item in items),
        )

    def as_json(self) -> dict[str, Any]:
        """Counts and shares by name; a share of nothing is null."""
        return {
            "captions": self.captions,
            "exact": self.exact,
            "exact_share": round(self.exact / self.captions, 4) if self.captions else None,
            "letters_right": round(self.right / self.letters, 4) if self.letters else None,
            "confidence": round(self.confidence, 4) if self.captions else None,
            "needs_review": self.flagged,
        }


def compared(label: Label) -> Compared:
    """The splitter as it is now against one curator's word."""
    found = split(label.body)
    captions = captions_of(found.segments)
    ours = {lang: captions[lang].text if lang in captions else "" for lang in (Lang.FR, Lang.EN)}
    said = {Lang.FR: label.fr, Lang.EN: label.en}
    pairs = {lang: (ours[lang], text) for lang, text in said.items() if text is not None}
    right, letters = _by_place(found, label) if label.segments is not None else _by_words(pairs.values())
    return Compared(
        key=label.key,
        source=label.source,
        confidence=found.confidence,
        needs_review=found.needs_review,
        exact=all(_plain(a) == _plain(b) for a, b in pairs.values()),
        right=right,
        letters=letters,
        fr=pairs.get(Lang.FR),
        en=pairs.get(Lang.EN),
    )


def _by_place(found: Split, label: Label) -> tuple[int, int]:
    """Letters compared one by one, where they stand."""
    theirs = [Lang.NONE] * len(label.body)
    for lang, start, end in label.segments or ():
        theirs[start:end] = [Lang(lang)] * (end - start)
    right = letters = 0
    for segment in found.segments:
        for at in range(segment.start, segment.end):
            mine, other = (lang if lang in (Lang.FR, Lang.EN) else None for lang in (segment.lang, theirs[at]))
            if (mine or other) and label.body[at].isalpha():
                letters += 1
                right += mine == other
    return right, letters


def _by_words(pairs: Iterable[tuple[str, str]]) -> tuple[int, int]:
    """Letters of words that both have, where only the captions' texts are known; wherever in them they stand."""
    right = letters = 0
    for mine, theirs in pairs:
        ours, others = (Counter(_WORD.findall(_normal(text))) for text in (mine, theirs))
        right += _letters(ours & others)
        letters += _letters(ours | others)
    return right, letters


def _letters(words: Counter[str]) -> int:
    return sum(len(word) * count for word, count in words.items())


def _normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).translate(_QUOTES).split())


def _plain(text: str) -> str:
    """``text`` as it is compared: spaces, kinds of quotation marks and what stands at the edges do not matter."""
    return _EDGES.sub("", _normal(text))


def by_source(items: Sequence[Compared]) -> dict[str, Score]:
    """The score of each source, by its id."""
    return {name: Score.of([i for i in items if i.source == name]) for name in sorted({i.source for i in items})}


def by_confidence(items: Sequence[Compared]) -> dict[tuple[float, float], Score]:
    """The score in each bucket of confidence that holds any, from the lowest."""
    found = {}
    for low, high in zip(BUCKETS, (*BUCKETS[1:], 1.01), strict=True):
        inside = [item for item in items if low <= item.confidence < high]
        if inside:
            found[low, min(high, 1.0)] = Score.of(inside)
    return found


def calibration_error(items: Sequence[Compared]) -> float:
    """How far confidence and the share of exact answers lie apart, in the mean over the buckets' captions."""
    scores = by_confidence(items).values()
    return sum(abs(s.confidence * s.captions - s.exact) for s in scores) / len(items) if items else 0.0


def worst(items: Iterable[Compared], count: int) -> list[Compared]:
    """The ``count`` captions that are furthest off, those that the splitter was surest of first among equals."""
    wrong = (item for item in items if not item.exact)
    return sorted(wrong, key=lambda item: (item.share, -item.confidence, item.key))[:count]
