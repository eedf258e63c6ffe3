"""Which of the posts found answers a question best: BM25 over the posts at hand, the same on every database.

The formula is Okapi BM25's with weighted fields (https://en.wikipedia.org/wiki/Okapi_BM25); how rare a word is, is
counted among the candidates, so no figure of the whole archive is wanted and what an engine counts does not matter.
It is made of where a post says the terms of the question, which either index tells: no text is read for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import log
from typing import NamedTuple

from storage.search.documents import TAG, Document
from storage.search.engines import ways
from storage.search.stems import Lang, term
from storage.search.tree import Captioned, Leaf, Phrase, Prefix, Query, Tagged, wanted

#: what a word counts for in a title, in a caption, and anywhere else
_TITLE, _CAPTION, _REST = 3.0, 2.0, 1.0
#: how soon a word said again counts no more, and how much a long post is held against it
_SATURATION, _LENGTH = 1.2, 0.4
#: the columns of a document that hold a language's captions, and all else read as that language
_CAPTIONS: dict[Lang, int] = {"fr": 0, "en": 1}
_RESTS: dict[Lang, int] = {"fr": 2, "en": 3}

#: the places of a term, counted from 0, in each of the four columns of a document
Places = Sequence[Sequence[int]]


class Sought(NamedTuple):
    """What a question looks for: whole terms, and how terms begin."""

    terms: frozenset[str]
    starts: tuple[str, ...]


class Candidate(NamedTuple):
    """A post that is to be ranked.

    Attributes:
        words: how many it has.
        titles: how many terms at the beginning of the French captions, and of the English ones, are a title's.
        places: where it says the terms of ``Sought``, by term.
    """

    words: int
    titles: tuple[int, int]
    places: Mapping[str, Places]


def candidate(extent: str, places: Mapping[str, Places]) -> Candidate:
    """A post by ``Document.extent`` and the places of its terms."""
    words, fr, en = map(int, extent.split())
    return Candidate(words, (fr, en), places)


def standing(document: Document) -> Candidate:
    """A post by all of its terms: what is told of it by either index is held to this."""
    places: dict[str, tuple[list[int], ...]] = {}
    for column, (terms, beside) in enumerate(zip(document.columns, document.beside, strict=True)):
        for place, one in enumerate(terms):
            places.setdefault(one, ([], [], [], []))[column].append(place)
        for one in beside:
            places.setdefault(one, ([], [], [], []))[column].append(len(terms) + 1)
    return candidate(document.extent, places)


@lru_cache(maxsize=8)
def sought(query: Query) -> Sought:
    """The terms that a post is ranked by."""
    terms: set[str] = set()
    starts: set[str] = set()
    for leaf in _leaves(query):
        match leaf:
            case Tagged(key, begun):
                (starts if begun else terms).add(TAG + term(key))
            case Phrase() | Prefix():
                terms.update(one for _, _, found in ways(leaf) for one in found)
                if isinstance(leaf, Prefix):
                    starts.add(term(leaf.start))
    return Sought(frozenset(terms), tuple(sorted(starts)))


def scores(query: Query, candidates: Sequence[Candidate]) -> list[float]:
    """How well each of ``candidates`` answers ``query``: 0 or more, to 9 digits, comparable within one call only.

    The order of the candidates does not matter, so posts rank alike on every database.
    """
    weights = [[_weight(leaf, post) for post in candidates] for leaf in _leaves(query)]
    usual = sum(post.words for post in candidates) / len(candidates) if candidates else 0
    against = [_SATURATION * (1 - _LENGTH + _LENGTH * post.words / usual) if usual else 1.0 for post in candidates]
    found = [0.0] * len(candidates)
    for own in weights:
        having = sum(map(bool, own))
        rarity = log(1 + (len(candidates) - having + 0.5) / (having + 0.5))
        for at, weight in enumerate(own):
            found[at] += rarity * weight * (_SATURATION + 1) / (weight + against[at])
    return [round(score, 9) for score in found]


def _leaves(query: Query) -> list[Leaf]:
    return [leaf for leaf in dict.fromkeys(wanted(query.root)) if not isinstance(leaf, Captioned)]


def _weight(leaf: Leaf, post: Candidate) -> float:
    """How often, and where, ``post`` says ``leaf``."""
    match leaf:
        case Tagged(key, begun):
            tag = TAG + term(key)
            return _REST * sum(one == tag or (begun and one.startswith(tag)) for one in post.places)
        case Captioned():
            return 0.0
    start = term(leaf.start) if isinstance(leaf, Prefix) else None
    in_captions, in_rest = 0.0, 0.0
    for lang, _, terms in ways(leaf):
        title = post.titles[_CAPTIONS[lang]]
        said = _said(terms, start, post.places, _CAPTIONS[lang])
        in_captions += sum(_TITLE if place < title else _CAPTION for place in said)
        if leaf.lang is None:
            in_rest = max(in_rest, _REST * len(_said(terms, start, post.places, _RESTS[lang])))
    return in_captions + in_rest


def _said(terms: tuple[str, ...], start: str | None, places: Mapping[str, Places], column: int) -> Sequence[int]:
    """Where the terms of a phrase stand side by side, or a word begins with ``start``."""
    # a beginning that only the whole word has is in few words: said once, it is as good
    begun = [] if start is None else [at for one, own in places.items() if one.startswith(start) for at in own[column]]
    first, *others = ((places[one][column] if one in places else ()) for one in terms)
    if begun or not others:
        return begun or first
    return [place for place in first if all(place + step in own for step, own in enumerate(others, 1))]
