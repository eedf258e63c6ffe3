"""What a question means, as a tree of frozen values: words, phrases, beginnings and hashtags, joined and denied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from storage.search.stems import Lang


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words side by side, by their forms; most often it is one word. With ``lang`` in that language's captions only."""

    forms: tuple[str, ...]
    lang: Lang | None = None


@dataclass(frozen=True, slots=True)
class Prefix:
    """Words that begin so, and all that the beginning would find if it were the word."""

    start: str
    lang: Lang | None = None


@dataclass(frozen=True, slots=True)
class Tagged:
    """A hashtag or a curator's tag by its key; with ``begun`` any that begins so."""

    key: str
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Captioned:
    """There is a caption in this language."""

    lang: Lang


@dataclass(frozen=True, slots=True)
class Not:
    """What is not so."""

    part: Node


@dataclass(frozen=True, slots=True)
class Every:
    """All of these, two or more."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of these, two or more."""

    parts: tuple[Node, ...]


Leaf: TypeAlias = Phrase | Prefix | Tagged | Captioned
Node: TypeAlias = Leaf | Not | Every | Either


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked: the tree, and the text that it was read from."""

    root: Node
    text: str


def wanted(node: Node) -> Iterator[Leaf]:
    """The leaves of ``node`` that are asked for, in their order; what a NOT stands before is not."""
    return (leaf for leaf, positive in _leaves(node, True) if positive)


def _leaves(node: Node, positive: bool) -> Iterator[tuple[Leaf, bool]]:
    match node:
        case Every(parts) | Either(parts):
            for part in parts:
                yield from _leaves(part, positive)
        case Not(part):
            yield from _leaves(part, not positive)
        case _:
            yield node, positive


def every(parts: tuple[Node, ...]) -> Node:
    """All of ``parts``, at least one: without what is said twice, and without a group in a group of the same kind."""
    flat = dict.fromkeys(inner for part in parts for inner in (part.parts if isinstance(part, Every) else (part,)))
    return Every(tuple(flat)) if len(flat) > 1 else next(iter(flat))


def either(parts: tuple[Node, ...]) -> Node:
    """One of ``parts``, as ``every``."""
    flat = dict.fromkeys(inner for part in parts for inner in (part.parts if isinstance(part, Either) else (part,)))
    return Either(tuple(flat)) if len(flat) > 1 else next(iter(flat))


def denied(node: Node) -> Node:
    """What ``node`` is not, with NOT before leaves only (De Morgan)."""
    match node:
        case Every(parts):
            return either(tuple(map(denied, parts)))
        case Either(parts):
            return every(tuple(map(denied, parts)))
        case Not(part):
            return part
        case _:
            return Not(node)
