"""Which letters of a text answer a question, and whether a post does: what both engines are held to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from storage.search.documents import CAPTIONED, TAG, WHOLE, Document
from storage.search.engines import ways
from storage.search.hashtags import hashtags, spelled, tag_key
from storage.search.stems import STEMMED, Lang, stem, term
from storage.search.tree import Captioned, Either, Every, Node, Not, Phrase, Prefix, Query, Tagged, wanted
from storage.search.words import Word, words

Span = tuple[int, int]


def hits(query: Query, text: str, lang: Lang | None = None) -> list[Span]:
    """Where ``text`` says what ``query`` looks for, to be marked; what it denies is not marked, a phrase is as a whole.

    Args:
        query: what was asked.
        text: one text of a post, as it is shown.
        lang: of a caption or its title; None for any other text, which is read as either language, and in which
            nothing is marked that is looked for in captions of one language.

    Returns:
        Start and end of each, in code points, in the order of the text; none overlaps another.
    """
    sought = _sought(query, lang)
    found: list[Span] = []
    tags = list(hashtags(text))
    for tag in tags:
        key = tag_key(tag.name)
        if key in sought.tags or key.startswith(sought.tag_starts):
            found.append((tag.start, tag.end))
    found += _marked(list(words(text)), sought)
    for tag in tags:
        at = tag.end - len(tag.name)
        found += _marked([Word(at + start, at + end, form) for start, end, form in spelled(tag.name)], sought)
    return _apart(found)


def matches(query: Query, document: Document) -> bool:
    """Whether the post of ``document`` is one that ``query`` asks for; either engine says the same of it."""
    return _matches(query.root, document)


class _Sought:
    """What is looked for in texts of one language, or of either."""

    def __init__(self, query: Query, lang: Lang | None) -> None:
        self.langs = STEMMED if lang is None else (lang,)
        #: by language: the first term of each phrase, and the phrases that begin with it
        self.phrases: dict[Lang, dict[str, list[tuple[str, ...]]]] = {one: {} for one in self.langs}
        leaves = [leaf for leaf in wanted(query.root) if getattr(leaf, "lang", None) in (None, lang)]
        for leaf in leaves:
            if isinstance(leaf, Phrase | Prefix):
                for one, _, terms in ways(leaf):
                    if one in self.phrases:
                        self.phrases[one].setdefault(terms[0], []).append(terms)
        self.starts = tuple(leaf.start for leaf in leaves if isinstance(leaf, Prefix))
        self.tags = frozenset(leaf.key for leaf in leaves if isinstance(leaf, Tagged))
        self.tag_starts = tuple(leaf.key for leaf in leaves if isinstance(leaf, Tagged) and leaf.begun)


_sought = lru_cache(maxsize=8)(_Sought)


def _marked(found: Sequence[Word], sought: _Sought) -> Iterator[Span]:
    """The places of what is sought among the words of one text."""
    for lang in sought.langs:
        terms = tuple(term(stem(word.form, lang)) for word in found)
        for at, (word, own) in enumerate(zip(found, terms, strict=True)):
            if word.form.startswith(sought.starts) or own.startswith(sought.starts):
                yield word.start, word.end
            for phrase in sought.phrases[lang].get(own, ()):
                if terms[at : at + len(phrase)] == phrase:
                    yield word.start, found[at + len(phrase) - 1].end


def _apart(found: list[Span]) -> list[Span]:
    """``found`` in order, with those that overlap as one."""
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _matches(node: Node, document: Document) -> bool:
    match node:
        case Every(parts):
            return all(_matches(part, document) for part in parts)
        case Either(parts):
            return any(_matches(part, document) for part in parts)
        case Not(part):
            return not _matches(part, document)
        case Tagged(key, begun):
            tag = TAG + term(key)
            return any(one == tag or (begun and one.startswith(tag)) for one in document.beside[2])
        case Captioned(lang):
            return any(CAPTIONED[lang] in beside for beside in document.beside)
        case Prefix(start, _):
            starts = term(start), WHOLE + term(start)
            return _said(node, document) or any(
                one.startswith(starts) for column in _columns(node.lang, document) for one in column
            )
        case Phrase():
            return _said(node, document)


def _columns(lang: Lang | None, document: Document) -> Iterator[tuple[str, ...]]:
    """The columns that a beginning is looked for in, with what stands beside them."""
    for own, column, beside in zip(("fr", "en", None, None), document.columns, document.beside, strict=True):
        if lang in (None, own):
            yield column + beside


def _said(leaf: Phrase | Prefix, document: Document) -> bool:
    """Whether the terms of ``leaf`` stand side by side in a column of their language."""
    columns = {"fr": (document.fr, document.rest_fr), "en": (document.en, document.rest_en)}
    return any(
        column[at : at + len(terms)] == terms
        for lang, captions_only, terms in ways(leaf)
        for column in columns[lang][: 1 if captions_only else 2]
        for at in range(len(column))
        if column[at] == terms[0]
    )
