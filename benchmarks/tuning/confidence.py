"""Fit scraper/text/confidence.json: what the traits of a split are worth as signs that it is right.

Usage: ``python benchmarks/tuning/confidence.py`` (with Cupola and numpy installed). A logistic regression on the
captions of tests/scraper/text. Those that the split was fitted on are too easy for it, so it is fitted anew for each
writer, on the others (``reading.py``), before the writer's captions are judged: their errors are as many and of the
same kinds as with captions of others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from math import exp
from pathlib import Path
from typing import Any

import reading

from scraper.text import captions, worth
from scraper.text.sureness import Traits, traits

ROOT = Path(__file__).parents[2]
#: keeps the weights of traits that say little near zero
RIDGE = 3.0

Row = tuple[tuple[float, ...], bool]


def is_right(case: dict[str, Any], found: list[tuple[str, str]]) -> bool:
    """Whether each letter of running text is in its own part, and no part is there that should not be."""
    gold = [s["lang"] for s in case["segments"] for c in s["text"] if c.isalpha()]
    split = [lang for lang, text in found for c in text if c.isalpha()]
    pair = {"fr", "en"}
    claimed = all((a == b or (a == "other" and b not in pair)) for a, b in zip(gold, split, strict=True) if a != "none")
    return claimed and {b for b in split if b in pair} <= set(gold)


def rows(files: Sequence[Path], weights: dict[str, float]) -> Iterator[Row]:
    """The traits of each split, read by these weights, and whether it is right."""
    worth.fitted().clear()
    worth.fitted().update(weights)
    worth._worth.cache_clear()
    for file in files:
        for case in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            (found,) = captions.read(case["raw"])
            if found.pieces:
                yield tuple(traits(found.words, found.pieces)), is_right(case, [s[:2] for s in found.spans()])


def fit(data: list[Row]) -> list[float]:
    """The bias and the weights of the likeliest logistic regression, by Newton's method."""
    size = len(data[0][0]) + 1
    weights = [0.0] * size
    for _ in range(25):
        gradient = [-RIDGE * w for w in weights]
        hessian = [[RIDGE * (i == j) for j in range(size)] for i in range(size)]
        for row, right in data:
            x = (1.0, *row)
            p = 1.0 / (1.0 + exp(-sum(w * v for w, v in zip(weights, x, strict=True))))
            for i, v in enumerate(x):
                gradient[i] += v * (right - p)
                for j, u in enumerate(x):
                    hessian[i][j] += v * u * p * (1.0 - p)
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
    captions_of = {
        writer: [c for f in files for c in reading.cases(reading.OWN / f"{f}.jsonl", typed=False)]
        for writer, files in reading.WRITERS.items()
    }
    data: list[Row] = []
    for writer, files in reading.WRITERS.items():
        weights = reading.fit({other: found for other, found in captions_of.items() if other != writer})
        data += rows([reading.OWN / f"{f}.jsonl" for f in files], weights)
        print(f"{writer}: {len(data)} splits so far, {sum(not r for _, r in data)} wrong", flush=True)
    bias, *nats = (round(weight, 3) for weight in fit(data))
    fitted = {"bias": bias, "weights": dict(zip(Traits._fields, nats, strict=True))}
    (ROOT / "scraper/text/confidence.json").write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
