"""Fit scraper/text/reading.json: what words are worth as signs of a language, and what its changes cost.

Usage: ``python benchmarks/tuning/reading.py [--check] [FILE.jsonl ...]`` (with Cupola installed). By default the
labelled captions of tests/scraper/text. A linear-chain conditional random field with the languages of a pair as its
states: the weights are those that make the labels likeliest, all places of a caption and all its words together. With
``--check`` each file in turn is judged by what was fitted on the others, and nothing is written.

Captions are fitted on as they are, and also in small letters and without accents, as people in haste write them.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import exp, log1p
from pathlib import Path
from typing import Any, NamedTuple

from scraper.text import captions, turns, worth
from scraper.text.accents import compose
from scraper.text.decode import pair_path
from scraper.text.evidence import weigh
from scraper.text.layout import lay_out
from scraper.text.tables import PAIR

ROOT = Path(__file__).parents[2]
OWN = ROOT / "tests/scraper/text"
FILES = ("tune", "aside", "aside-hand", "written", "corpus", "heldout", "hard", "single")
#: holds what is rarely seen near what it was before
RIDGE = 1.0
ROUNDS = 40
#: how much a caption in small letters or without accents counts, beside the same as it is
TYPED = 0.25
#: what a word or a change begins with, before it is fitted
BEGINNING = {
    "blank line": 1.0, "separator": 1.0, "quotes": 1.0, "label": 0.0, "block": 1.0, "newline": 1.5, "stop": 3.5,
    "emoji or dash": 2.0, "colon": 6.5, "quote": 8.0, "bracket": 5.5, "comma": 6.5, "tight": 3.0, "space": 11.0,
    "laid out": 2.5, "leaning": 0.5, "led to": 4.0, "goes on": 4.0,
}  # fmt: skip
WORTH = 0.4
#: kinds of words that may be names
NAMES = ("odd first", "odd name", "name", "first")
NEVER = turns.NEVER


class Case(NamedTuple):
    """A caption: by word what it says for the second language by trait; what speaks for a change; its own language."""

    said: list[dict[str, float]]
    turns: list[dict[str, float] | None]
    own: list[int | None]
    counts: float


def cases(file: Path) -> Iterator[Case]:
    """The captions of ``file`` that have no third language, each as it is and as it might be typed."""
    for line in file.read_text(encoding="utf-8").splitlines():
        segments = json.loads(line)["segments"]
        if {"other"} & {s["lang"] for s in segments} or not {"fr", "en"} & {s["lang"] for s in segments}:
            continue
        yield from filter(
            None, (case(segments, str, 1.0), case(segments, str.lower, TYPED), case(segments, plain, TYPED))
        )


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


def dot(weights: dict[str, float], traits: dict[str, float]) -> float:
    """The sum of what the traits are worth."""
    return sum([weights[trait] * value for trait, value in traits.items()])


def added(a: float, b: float) -> float:
    """The logarithm of the sum of what ``a`` and ``b`` are logarithms of."""
    return a + log1p(exp(b - a)) if a > b else b + log1p(exp(a - b))


def likely(
    lead: Sequence[float], prices: Sequence[float], own: Sequence[int | None]
) -> tuple[float, list[float], list[float]]:
    """The logarithm of all readings that agree with ``own`` together; by word how likely 1 is; how likely a change."""
    least = -1e6
    score = [[-nats / 2, nats / 2] for nats in lead]
    for pair, language in zip(score, own, strict=True):
        if language is not None:
            pair[1 - language] = least
    ahead = [tuple(score[0])]
    for i in range(1, len(lead)):
        a, b = ahead[-1]
        ahead.append((score[i][0] + added(a, b - prices[i]), score[i][1] + added(b, a - prices[i])))
    whole = added(*ahead[-1])
    second, change = [0.0] * len(lead), [0.0] * len(lead)
    behind = (0.0, 0.0)
    for i in range(len(lead) - 1, -1, -1):
        second[i] = exp(min(0.0, ahead[i][1] + behind[1] - whole))
        if i:
            a, b = ahead[i - 1]
            to = behind[0] + score[i][0], behind[1] + score[i][1]
            change[i] = exp(min(0.0, a + to[1] - prices[i] - whole)) + exp(min(0.0, b + to[0] - prices[i] - whole))
            behind = added(to[0], to[1] - prices[i]), added(to[1], to[0] - prices[i])
    return whole, second, change


def gradient(weights: dict[str, float], data: Sequence[Case]) -> tuple[dict[str, float], float]:
    """Where the labels grow likelier, and the logarithm of how likely they are."""
    slope: dict[str, float] = defaultdict(float)
    total = 0.0
    for said, found, own, counts in data:
        lead = [dot(weights, traits) for traits in said]
        prices = [NEVER if traits is None else dot(weights, traits) for traits in found]
        right, second, change = likely(lead, prices, own)
        free, second_free, change_free = likely(lead, prices, [None] * len(own))
        total += (right - free) * counts
        for i, traits in enumerate(said):
            more = (second[i] - second_free[i]) * counts
            if abs(more) > 1e-7:
                for trait, value in traits.items():
                    slope[trait] += more * value
            gaps = found[i]
            more = (change[i] - change_free[i]) * counts
            if gaps and abs(more) > 1e-7:
                for trait, value in gaps.items():
                    slope[trait] -= more * value
    return slope, total


def fit(data: Sequence[Case]) -> dict[str, float]:
    """The likeliest weights, by resilient propagation; a word never speaks against what it is of."""
    names = {trait for c in data for traits in (*c.said, *c.turns) for trait in traits or ()}
    start = {name: WORTH if name.endswith((", near", ", far")) else BEGINNING.get(name, 0.0) for name in sorted(names)}
    weights, step, last = dict(start), dict.fromkeys(start, 0.1), dict.fromkeys(start, 0.0)
    for _ in range(ROUNDS):
        slope, _total = gradient(weights, data)
        for name in weights:
            now = slope[name] - RIDGE * (weights[name] - start[name])
            if now * last[name] < 0:
                step[name] *= 0.5
                now = 0.0
            elif now * last[name] > 0:
                step[name] = min(2.0, step[name] * 1.3)
            weights[name] += step[name] * ((now > 0) - (now < 0))
            if start[name] == WORTH and name.endswith((", near", ", far")):
                weights[name] = max(0.02, weights[name])
            last[name] = now
        # letters that no table has seen together prove little where the word may be a name
        for kind in NAMES:
            if f"{kind}, far" in weights:
                weights[f"{kind}, far"] = min(weights[f"{kind}, near"], weights[f"{kind}, far"])
    return weights


def right(weights: dict[str, float], c: Case) -> bool:
    """Whether the cheapest reading is the labels'."""
    lead = [dot(weights, traits) for traits in c.said]
    prices = [NEVER if traits is None else dot(weights, traits) for traits in c.turns]
    return all(o is None or o == s for o, s in zip(c.own, pair_path(lead, prices), strict=True))


def main() -> None:
    """Fit and write, or check."""
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    files = [Path(a) for a in arguments] or [OWN / f"{name}.jsonl" for name in FILES]
    data = {file.stem: list(cases(file)) for file in files}
    if "--check" not in sys.argv:
        weights = fit([c for found in data.values() for c in found])
        rounded = {name: round(weight, 3) for name, weight in sorted(weights.items())}
        (ROOT / "scraper/text/reading.json").write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")
        for name, found in data.items():
            own = [c for c in found if c.counts == 1.0]
            print(f"{name}: {sum(right(weights, c) for c in own)} of {len(own)} right, fitted on")
        return
    for name, found in data.items():
        weights = fit([c for other, more in data.items() if other != name for c in more])
        whole = defaultdict(float, weights)
        own = [c for c in found if c.counts == 1.0]
        print(
            f"{name}: {sum(right(whole, c) for c in own) / len(own):.4f} of {len(own)} right, fitted on the others",
            flush=True,
        )


if __name__ == "__main__":
    main()
