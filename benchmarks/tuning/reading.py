"""Fit scraper/text/reading.json: what words are worth as signs of a language, and what its changes cost.

Usage: ``python benchmarks/tuning/reading.py [--check] [FILE.jsonl ...]``, with Cupola and numpy installed. It fits a
conditional random field (`field.py`) to the labelled captions of tests/scraper/text, all places of a caption and all
its words together; in them a writer counts by the root of how many captions are of them, since the next will be of
somebody else. With ``--check`` nothing is written: each writer is judged by what was fitted on the others, and each
FILE, a writer more, by what was fitted on all.

Captions are fitted on as they are, and also in small letters and without accents, as people in haste write them.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from field import NEVER, Case, Field
from field import fit as fit_field

from scraper.text import captions, turns, worth
from scraper.text.accents import compose
from scraper.text.decode import pair_path
from scraper.text.evidence import weigh
from scraper.text.layout import lay_out
from scraper.text.tables import PAIR

ROOT = Path(__file__).parents[2]
OWN = ROOT / "tests/scraper/text"
#: the files of each writer
WRITERS = {
    "composer": ("tune", "aside"),
    "first": ("corpus", "heldout"),
    "second": ("aside-hand",),
    "third": ("hard", "single"),
    "fourth": ("written", "handwritten"),
    "fifth": ("tempting",),
}
#: holds what is rarely seen near what it begins with
RIDGE = 1.0
#: how much a caption in small letters or without accents counts, beside the same as it is
TYPED = 0.25
#: what a writer's captions count, by the root of their number; those that tempt to a split are rarer in the world
COUNTS, TEMPTING = 22.0, 0.4
#: what a word or a change begins with, before it is fitted
BEGINNING = {
    "blank line": 1.0, "separator": 1.0, "quotes": 1.0, "label": 0.0, "block": 1.0, "newline": 1.5, "stop": 3.5,
    "emoji or dash": 2.0, "colon": 6.5, "quote": 8.0, "bracket": 5.5, "comma": 6.5, "tight": 3.0, "space": 11.0,
    "laid out": 2.5, "leaning": 0.5, "led to": 4.0, "goes on": 4.0,
}  # fmt: skip
WORTH, LEAST = 0.4, 0.02
#: a text of many paragraphs may alternate all along, however rarely our captions do
MOST = {"3, many": 0.4}
#: kinds of words that may be names
NAMES = ("odd first", "odd name", "name", "first")

Cases = list[tuple[Case, int]]


def cases(file: Path, *, typed: bool = True) -> Iterator[tuple[Case, int]]:
    """The captions of ``file`` that have no third language, as they are and as they might be typed; their languages."""
    for line in file.read_text(encoding="utf-8").splitlines():
        segments = json.loads(line)["segments"]
        languages = {s["lang"] for s in segments} - {"none"}
        if "other" in languages or not languages:
            continue
        for change, counts in ((str, 1.0), (str.lower, TYPED), (plain, TYPED))[: 3 if typed else 1]:
            found = case(segments, change, counts)
            if found is not None:
                yield found, len(languages)


def plain(text: str) -> str:
    """Without accents, keeping the number of characters where it can."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def case(segments: list[dict[str, Any]], typed: Any, counts: float) -> Case | None:
    """The caption of these segments, typed so; None where it has no words."""
    texts = [(s["lang"], typed(s["text"])) for s in segments]
    labels = [lang for lang, text in texts for _ in text]
    text, places = compose("".join(text for _, text in texts))
    body = captions.quiet(text)
    words = weigh(body)
    lay_out(body, words)
    if not words:
        return None
    found = turns.traits(body, words, PAIR)
    said = []
    for word, kind in zip(words, worth.kinds(body, words), strict=True):
        said.append(leads(word, kind) if kind else {})
        if word.leans:
            said[-1]["leaning"] = word.leans.get(PAIR[1], 0.0) - word.leans.get(PAIR[0], 0.0)
    own = [None if w.silent else {"fr": 0, "en": 1}.get(labels[places[w.start]]) for w in words]
    return Case(said, found, own, counts)


def leads(word: Any, kind: str) -> dict[str, float]:
    """What the word says for the second language rather than the first, near and far."""
    first, second = (worth.traits(word, kind, language) for language in PAIR)
    return {f"{kind}, near": second[0] - first[0], f"{kind}, far": second[1] - first[1]}


def fit(data: Mapping[str, Cases]) -> dict[str, float]:
    """The likeliest weights; a word never speaks against what it is of."""
    traits = {t for found in data.values() for c, _ in found for row in (*c.said, *c.turns) for t in row or ()}
    start = {t: WORTH if t.endswith((", near", ", far")) else BEGINNING.get(t, 0.0) for t in sorted(traits)}
    least = {t: LEAST for t in start if t.endswith((", near", ", far"))}
    places = {t: i for i, t in enumerate(start)}
    fields = []
    for writer, found in data.items():
        counts = COUNTS / sum(c.counts == 1.0 for c, _ in found) ** 0.5 * (TEMPTING if writer == "fifth" else 1.0)
        fields.append(Field([c._replace(counts=c.counts * counts) for c, _ in found], places))
    weights = fit_field(fields, start, least, RIDGE)
    # letters that no table has seen together prove little where the word may be a name
    for kind in NAMES:
        if f"{kind}, far" in weights:
            weights[f"{kind}, far"] = min(weights[f"{kind}, near"], weights[f"{kind}, far"])
    for trait, most in MOST.items():
        weights[trait] = min(weights.get(trait, 0.0), most)
    return {trait: round(weight, 3) for trait, weight in weights.items()}


def states(weights: Mapping[str, float], c: Case) -> list[int]:
    """The cheapest reading."""

    def worth_of(traits: Mapping[str, float]) -> float:
        return sum(weights.get(trait, 0.0) * value for trait, value in traits.items())

    return pair_path([worth_of(traits) for traits in c.said], [NEVER if t is None else worth_of(t) for t in c.turns])


def judge(weights: Mapping[str, float], found: Cases) -> tuple[float, float]:
    """How many are read as they are labelled, and how many of one language as two."""
    right, alone, torn = [], 0, 0
    for c, languages in found:
        if c.counts < 1.0:
            continue
        read = [(own, state) for own, state in zip(c.own, states(weights, c), strict=True) if own is not None]
        right.append(all(own == state for own, state in read))
        alone += languages == 1
        torn += languages == 1 and len({state for _, state in read}) > 1
    return sum(right) / len(right), torn / max(alone, 1)


def main() -> None:
    """Fit and write, or check."""
    data = {w: [c for f in files for c in cases(OWN / f"{f}.jsonl")] for w, files in WRITERS.items()}
    check = "--check" in sys.argv
    if check:
        told = []
        for writer, found in data.items():
            told.append(judge(fit({other: more for other, more in data.items() if other != writer}), found))
            print(f"{writer} ({', '.join(WRITERS[writer])}), fitted on the others:", tell(told[-1]), flush=True)
        print("mean:", tell((sum(t[0] for t in told) / len(told), sum(t[1] for t in told) / len(told))))
    weights = fit(data)
    for file in [Path(a) for a in sys.argv[1:] if a != "--check"]:
        print(f"{file}, never fitted on:", tell(judge(weights, list(cases(file, typed=False)))))
    if not check:
        (ROOT / "scraper/text/reading.json").write_text(json.dumps(weights, indent=1) + "\n", encoding="utf-8")
        for writer, found in data.items():
            print(f"{writer}, fitted on:", tell(judge(weights, found)))


def tell(told: tuple[float, float]) -> str:
    """In words."""
    return f"{told[0]:.4f} read right, {told[1]:.4f} of one language read as two"


if __name__ == "__main__":
    main()
