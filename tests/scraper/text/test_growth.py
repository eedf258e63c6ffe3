"""The split's work grows with the length of a caption, and its memory with a window's; counted, not timed."""

from __future__ import annotations

import sys
import tracemalloc
from types import FrameType
from typing import Any

import pytest

from scraper.text import captions
from scraper.text.captions import read, split

#: synthetic: what a body is made of, over and over
PATTERNS = {
    "sentences": "Il fait beau ce matin. The sky is blue today. ",
    "lines": "Il fait beau ce matin.\nThe sky is blue today.\n",
    "words in turn": "bonjour hello ",
    "one-letter words": "a b ",
    "one word": "x",
    "hyphens": "a-b-",
    "quotations": "« a » “b” ",
    "unclosed quotations": '"a ',
    "brackets": "((a) ",
    "labels": "(EN) a (FR) b ",
    "tags": "#space #ISS ",
    "tags and words": "le #ciel is #blue. ",
    "mentions and links": "@me https://a.example/b ",
    "credit lines": "Credits: ESA/NASA\n",
    "names and days": "Camille Verdier, 03/12/2016 ",
    "numbers": "1 2/3 ",
    "pairs": "farine = flour\n",
    "emoji": "🚀 🌍 ",
    "right to left": "שלום עולם ",
    "accents apart": "e\u0301te\u0301 ",
    "lone surrogates": "\ud800 ",
    "NUL": "\0",
}


def lines_run(body: str) -> int:
    """How many lines of Python the split of ``body`` runs."""
    count = 0

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        split(body)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_twice_the_text_is_twice_the_work(pattern: str) -> None:
    """Whatever a body is made of, its second half costs about what its first did; were all pairs looked at, 4 times."""
    body = pattern * (1600 // len(pattern))
    split(body * 2)  # what is looked up once only is known from here on
    # a longer text may bring one language more into the reading, which is a quarter more work for each word
    assert lines_run(body * 2) < 2.6 * lines_run(body) + 200


def test_memory_is_bounded_by_the_window_not_by_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long body only the words of one window are held at a time."""
    monkeypatch.setattr(captions, "WINDOW", 1000)
    peaks = []
    for size in (4, 40):
        body = PATTERNS["sentences"] * 20 * size
        for _ in read(body):
            pass  # what is kept of words once met is kept from here on
        tracemalloc.start()
        try:
            for _ in read(body):
                pass
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
