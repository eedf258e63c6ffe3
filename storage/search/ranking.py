"""Which of the posts found answers a question best: BM25 over the posts at hand, the same on every database.

The formula is Okapi BM25's with weighted fields (https://en.wikipedia.org/wiki/Okapi_BM25); how rare a word is, is
counted among the candidates, so no figure of the whole archive is wanted and what an engine counts does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import NamedTuple

from storage.search.documents import Texts, both_of, rest_of, tags_of, terms_of
from storage.search.engines import ways
from storage.search.stems import STEMMED, Lang, term
from storage.search.tree import Captioned, Leaf, Prefix, Query, Tagged, wanted

#: what a word counts for in a title, in a caption, and anywhere else
_TITLE, _CAPTION, _REST = 3.0, 2.0, 1.0
#: how soon a word said again counts no more, and how much a long post is held against it
_SATURATION, _LENGTH = 1.2, 0.4


def scores(query: Query, candidates: Sequence[Texts]) -> list[float]:
    """How well each of ``candidates`` answers ``query``: 0 or more, to 9 digits, comparable within one call only.

    The order of the candidates does not matter, so posts rank alike on every database.
    """
    leaves = [leaf for leaf in dict.fromkeys(wanted(query.root)) if not isinstance(leaf, Captioned)]
    posts = list(map(_Post, candidates))
    weights = [[_weight(leaf, post) for post in posts] for leaf in leaves]
    usual = sum(post.length for post in posts) / len(posts) if posts else 0
    against = [_SATURATION * (1 - _LENGTH + _LENGTH * post.length / usual) if usual else 1.0 for post in posts]
    found = [0.0] * len(posts)
    for own in weights:
        having = sum(map(bool, own))
        rarity = log(1 + (len(posts) - having + 0.5) / (having + 0.5))
        for at, weight in enumerate(own):
            found[at] += rarity * weight * (_SATURATION + 1) / (weight + against[at])
    return [round(score, 9) for score in found]


class _Field(NamedTuple):
    """A text of a post, read as one language."""

    lang: Lang
    weight: float
    terms: list[str]


class _Post:
    """A candidate's terms by what they count for; the rest stands apart, because it is read twice."""

    def __init__(self, texts: Texts) -> None:
        self.keys = tags_of(texts)
        written: tuple[tuple[Lang, float, str | None], ...] = (
            ("fr", _TITLE, texts.title_fr),
            ("fr", _CAPTION, texts.fr),
            ("en", _TITLE, texts.title_en),
            ("en", _CAPTION, texts.en),
        )
        self.captions = [_Field(lang, weight, terms_of(text, lang)) for lang, weight, text in written if text]
        rest = "\n".join(rest_of(texts, self.keys))  # a phrase over two texts counts a little: nobody is hurt
        self.rest = [_Field(lang, _REST, terms) for lang, terms in zip(STEMMED, both_of(rest), strict=True)]
        self.length = sum(len(field.terms) for field in (*self.captions, *self.rest[:1]))


def _weight(leaf: Leaf, post: _Post) -> float:
    """How often, and where, ``post`` says ``leaf``."""
    match leaf:
        case Tagged(key, begun):
            return _REST * sum(own == key or (begun and own.startswith(key)) for own in post.keys)
        case Captioned():
            return 0.0
    asked = {lang: terms for lang, _, terms in ways(leaf)}
    start = term(leaf.start) if isinstance(leaf, Prefix) else None
    in_captions = sum(
        field.weight * _times(asked[field.lang], start, field.terms) for field in post.captions if field.lang in asked
    )
    if leaf.lang is not None:
        return in_captions
    return in_captions + max((_REST * _times(asked[field.lang], start, field.terms) for field in post.rest), default=0)


def _times(sought: tuple[str, ...], start: str | None, terms: list[str]) -> int:
    """How often the terms of a phrase stand side by side, or a word begins with ``start``."""
    if start is not None:  # a beginning that only the whole word has is in few words: said once, it is as good
        return sum(one.startswith(start) for one in terms) or terms.count(sought[0])
    if len(sought) == 1:
        return terms.count(sought[0])
    return sum(one == sought[0] and terms[at : at + len(sought)] == [*sought] for at, one in enumerate(terms))
