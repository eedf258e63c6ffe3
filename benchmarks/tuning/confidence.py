"""Fit scraper/text/confidence.json: what the traits of a split are worth as signs that it is right.

Usage: ``python benchmarks/tuning/confidence.py`` (with Cupola installed). A logistic regression on the captions that
the split was tuned on (tests/scraper/text: tune, corpus, heldout, single, which has captions of one language that
borrow, and hard, which has names, borrowed words and single words), each also with a part of the word table hidden:
words that nobody looked at are missing there as they will be in captions of others, and the errors are as many. The
captions kept aside are not read here.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from math import exp
from pathlib import Path
from typing import Any

from scraper.text import captions, tables, vocabulary
from scraper.text.sureness import Traits, traits

ROOT = Path(__file__).parents[2]
FILES = ("tune.jsonl", "corpus.jsonl", "heldout.jsonl", "hard.jsonl", "single.jsonl")
#: of so many parts of the word table one is hidden at a time
PARTS = 2
#: a word as common as this in a language (a natural logarithm) is never hidden
COMMON = -8.5
#: keeps the weights of traits that say little near zero
RIDGE = 3.0
#: the share of splits that are wrong is taken to be this: those captions that were tuned on are too easy, so each wrong
#: one counts for more than one (of 705 captions of our own that were new to the split 0.064 were wrong)
WRONG = 0.03

Row = tuple[tuple[float, ...], bool]


def cases() -> Iterator[dict[str, Any]]:
    """The captions to fit on, with their labels."""
    for name in FILES:
        for line in (ROOT / "tests/scraper/text" / name).read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def is_right(case: dict[str, Any], found: list[tuple[str, str]]) -> bool:
    """Whether each letter of running text is in its own part, and no part is there that should not be."""
    gold = [s["lang"] for s in case["segments"] for c in s["text"] if c.isalpha()]
    split = [lang for lang, text in found for c in text if c.isalpha()]
    pair = {"fr", "en"}
    claimed = all((a == b or (a == "other" and b not in pair)) for a, b in zip(gold, split, strict=True) if a != "none")
    return claimed and {b for b in split if b in pair} <= set(gold)


def rows() -> Iterator[Row]:
    """The traits of each split, and whether it is right."""
    whole = vocabulary.find
    for hidden in (None, *range(PARTS)):

        def find(word: str, hidden: int | None = hidden) -> dict[str, float]:
            known = whole(word)
            rare = max(known.values(), default=COMMON) < COMMON
            return {} if rare and zlib.crc32(word.encode("utf-8", "surrogatepass")) % PARTS == hidden else known

        tables.find = find
        tables._score.cache_clear()
        for case in cases():
            if hidden is not None and case["id"].startswith(("hard", "single")):
                continue  # they are hard enough
            (reading,) = captions.read(case["raw"])
            if reading.pieces:
                yield tuple(traits(reading.words, reading.pieces)), is_right(case, [s[:2] for s in reading.spans()])
    tables.find = whole


def fit(data: list[Row]) -> list[float]:
    """The bias and the weights of the likeliest logistic regression, by Newton's method."""
    size = len(data[0][0]) + 1
    wrong = sum(not right for _, right in data)
    heavier = WRONG / (1.0 - WRONG) * (len(data) - wrong) / wrong
    weights = [0.0] * size
    for _ in range(25):
        gradient = [-RIDGE * w for w in weights]
        hessian = [[RIDGE * (i == j) for j in range(size)] for i in range(size)]
        for row, right in data:
            x = (1.0, *row)
            p = 1.0 / (1.0 + exp(-sum(w * v for w, v in zip(weights, x, strict=True))))
            for i, v in enumerate(x):
                gradient[i] += v * (right - p) * (1.0 if right else heavier)
                for j, u in enumerate(x):
                    hessian[i][j] += v * u * p * (1.0 - p) * (1.0 if right else heavier)
        weights = [w + step for w, step in zip(weights, solved(hessian, gradient), strict=True)]
    return weights


def solved(matrix: list[list[float]], column: list[float]) -> list[float]:
    """What ``matrix`` must be multiplied by to give ``column``, by elimination."""
    rows = [[*row, value] for row, value in zip(matrix, column, strict=True)]
    for i in range(len(rows)):
        pivot = max(range(i, len(rows)), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for k in range(len(rows)):
            if k != i:
                rows[k] = [a - rows[k][i] * b for a, b in zip(rows[k], rows[i], strict=True)]
    return [row[-1] for row in rows]


def main() -> None:
    """Fit, and write the file."""
    data = list(rows())
    bias, *weights = (round(weight, 3) for weight in fit(data))
    fitted = {"bias": bias, "weights": dict(zip(Traits._fields, weights, strict=True))}
    (ROOT / "scraper/text/confidence.json").write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")
    print(f"{len(data)} splits, {sum(not right for _, right in data)} wrong:", fitted)


if __name__ == "__main__":
    main()
