"""A linear-chain conditional random field over two languages, fitted to labelled rows of words: all rows at once.

Needs numpy, which Cupola itself does not. The rows lie behind one another in flat arrays, the longest first, so that
the words at one place of all rows that are long enough are one slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

#: the price of a change where none can be
NEVER = 40.0
ROUNDS = 60


class Case(NamedTuple):
    """A caption: by word what it says for the second language by trait; what speaks for a change; its own language."""

    said: list[dict[str, float]]
    turns: list[dict[str, float] | None]
    own: list[int | None]
    counts: float


class _Sums:
    """By word, the sum of what its traits are worth."""

    def __init__(self, rows: Sequence[Mapping[str, float] | None], names: Mapping[str, int]) -> None:
        places = [(i, names[k], v) for i, row in enumerate(rows) for k, v in (row or {}).items() if k in names]
        columns = zip(*places, strict=True) if places else ((), (), ())
        word, trait, value = (np.array(column) for column in columns)
        self.word, self.trait, self.value = word.astype(int), trait.astype(int), value.astype(float)
        self.words, self.traits = len(rows), len(names)

    def of(self, weights: Any) -> Any:
        """By word."""
        return np.bincount(self.word, self.value * weights[self.trait], self.words)

    def back(self, slopes: Any) -> Any:
        """By trait, from what is by word."""
        return np.bincount(self.trait, self.value * slopes[self.word], self.traits)


class Field:
    """Labelled rows; ``counts`` is by row how much it counts."""

    def __init__(self, cases: Iterable[Case], names: Mapping[str, int]) -> None:
        rows = sorted(cases, key=lambda c: -len(c.own))
        self.size = np.array([len(c.own) for c in rows])
        self.start = np.cumsum(self.size) - self.size
        self.longer = [int((self.size > t).sum()) for t in range(self.size[0])]
        self.said = _Sums([said for c in rows for said in c.said], names)
        found = [turn for c in rows for turn in c.turns]
        self.turns = _Sums(found, names)
        self.never = np.array([turn is None for turn in found])
        self.own = np.array([-1 if own is None else own for c in rows for own in c.own])
        self.counts = np.repeat([c.counts for c in rows], self.size)

    def slope(self, weights: Any) -> Any:
        """By trait, where the labels grow likelier."""
        lead, prices = self.said.of(weights), self.turns.of(weights)
        prices[self.never] = NEVER
        scores = np.stack([-lead / 2, lead / 2], 1)
        second, change = self._likely(scores, prices)
        for language in (0, 1):
            scores[self.own == 1 - language, language] = -1e6
        second_right, change_right = self._likely(scores, prices)
        turned = (change_right - change) * self.counts
        turned[self.never] = 0.0
        return self.said.back((second_right - second) * self.counts) - self.turns.back(turned)

    def _likely(self, scores: Any, prices: Any) -> tuple[Any, Any]:
        """By word, how likely it is of the second language, and how likely a change before it."""
        added = np.logaddexp
        ahead, behind = scores.copy(), np.zeros_like(scores)
        for t in range(1, len(self.longer)):
            at = self.start[: self.longer[t]] + t
            last, price = ahead[at - 1], prices[at]
            ahead[at, 0] += added(last[:, 0], last[:, 1] - price)
            ahead[at, 1] += added(last[:, 1], last[:, 0] - price)
        whole = np.repeat(added(*ahead[self.start + self.size - 1].T), self.size)
        for t in range(len(self.longer) - 1, 0, -1):
            at = self.start[: self.longer[t]] + t
            to, price = behind[at] + scores[at], prices[at]
            behind[at - 1, 0] = added(to[:, 0], to[:, 1] - price)
            behind[at - 1, 1] = added(to[:, 1], to[:, 0] - price)
        second = np.exp(np.minimum(ahead[:, 1] + behind[:, 1] - whole, 0.0))
        at = np.setdiff1d(np.arange(len(prices)), self.start)
        to, last, rest = behind[at] + scores[at], ahead[at - 1], -prices[at] - whole[at]
        change = np.zeros(len(prices))
        change[at] = sum(np.exp(np.minimum(last[:, k] + to[:, 1 - k] + rest, 0.0)) for k in (0, 1))
        return second, change


def fit(
    fields: Sequence[Field], start: Mapping[str, float], least: Mapping[str, float], ridge: float
) -> dict[str, float]:
    """The likeliest weights, by resilient propagation.

    Args:
        fields: what is fitted to, made with the places of the names in ``start``.
        start: what each weight begins with, and is held near to.
        least: the weights that are never less than something.
        ridge: how much they are held.
    """
    names = list(start)
    begun = np.array([start[name] for name in names])
    floor = np.array([least.get(name, -np.inf) for name in names])
    weights, step, last = begun.copy(), np.full(len(names), 0.1), np.zeros(len(names))
    for _ in range(ROUNDS):
        now = sum((field.slope(weights) for field in fields), -ridge * (weights - begun))
        turned = now * last
        step = np.where(turned < 0, step * 0.5, np.where(turned > 0, np.minimum(step * 1.3, 2.0), step))
        now[turned < 0] = 0.0
        weights = np.maximum(weights + step * np.sign(now), floor)
        last = now
    return dict(zip(names, weights.tolist(), strict=True))
