"""A question as the two engines take it; nothing that a person typed is in it, only terms and their own signs.

An expression finds the posts whose ``storage.search.documents.Document`` answers the question, on both the same.
What is only denied (``-moon``) is asked of all posts, by the marker that each has, so callers need not know of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from storage.search.documents import CAPTIONED, EVERY, TAG, WHOLE
from storage.search.stems import STEMMED, Lang, stem, term
from storage.search.tree import Captioned, Either, Every, Node, Not, Phrase, Prefix, Query, Tagged

#: where a language's words stand: its captions alone, or the rest too
_COLUMNS = {("fr", True): "{fr}", ("en", True): "{en}", ("fr", False): "{fr rest_fr}", ("en", False): "{en rest_en}"}
_WEIGHTS = {("fr", True): "A", ("en", True): "B", ("fr", False): "AC", ("en", False): "BD"}


def fts5(query: Query) -> str:
    """The right side of a MATCH on an FTS5 table with the columns fr, en, rest_fr, rest_en.

    The syntax: https://sqlite.org/fts5.html#full_text_query_syntax
    """
    return _fts5(query.root)[0]


def tsquery(query: Query) -> str:
    """The text of a ``::tsquery`` for a vector whose weights A, B, C, D are those columns.

    The syntax: https://www.postgresql.org/docs/current/datatype-textsearch.html#DATATYPE-TSQUERY
    """
    return _tsquery(query.root)


@lru_cache(maxsize=1 << 10)
def ways(leaf: Phrase | Prefix) -> tuple[tuple[Lang, bool, tuple[str, ...]], ...]:
    """How a word or phrase is looked for: in which language, in its captions only, and by which terms.

    The word that a beginning would be is looked for as one.
    """
    forms = leaf.forms if isinstance(leaf, Phrase) else (leaf.start,)
    langs = STEMMED if leaf.lang is None else (leaf.lang,)
    return tuple((lang, leaf.lang is not None, tuple(term(stem(form, lang)) for form in forms)) for lang in langs)


def _fts5(node: Node) -> tuple[str, int]:
    """The expression, and how high SQLite's parser piles for it: 100 at most, so the highest part stands first."""
    match node:
        case Every(parts):
            positive = [_fts5(part) for part in parts if not isinstance(part, Not)]
            negative = [_fts5(part.part) for part in parts if isinstance(part, Not)]
            asked = _pile(" AND ", positive) if positive else (f'"{EVERY}"', 1)
            return _pile(" NOT ", [asked, _pile(" OR ", negative)], ordered=True) if negative else asked
        case Either(parts):
            return _pile(" OR ", [_fts5(part) for part in parts])
        case Not(part):
            return _pile(" NOT ", [(f'"{EVERY}"', 1), _fts5(part)], ordered=True)
        case _:
            return _pile(" OR ", [(one, 6) for one in _leaf(node, _fts_phrase)])


def _pile(joint: str, parts: list[tuple[str, int]], *, ordered: bool = False) -> tuple[str, int]:
    if len(parts) == 1:
        return parts[0]
    if not ordered:
        parts = sorted(parts, key=lambda part: -part[1])
    height = max(1 + parts[0][1], *(3 + high for _, high in parts[1:]))
    return f"({joint.join(expression for expression, _ in parts)})", height


def _fts_phrase(terms: tuple[str, ...], where: tuple[Lang, bool] | Lang | None, begun: bool) -> str:
    columns = "" if where is None else (f"{{{where}}} : " if isinstance(where, str) else f"{_COLUMNS[where]} : ")
    return f'{columns}"{" ".join(terms)}"{" *" if begun else ""}'


def _tsquery(node: Node) -> str:
    match node:
        case Every(parts):
            found = ["!" + _tsquery(part.part) if isinstance(part, Not) else _tsquery(part) for part in parts]
            if all(isinstance(part, Not) for part in parts):
                found.insert(0, f"'{EVERY}'")
            return f"({' & '.join(found)})"
        case Either(parts):
            return f"({' | '.join(_tsquery(part) for part in parts)})"
        case Not(part):
            return f"('{EVERY}' & !{_tsquery(part)})"
        case _:
            found = list(_leaf(node, _ts_phrase))
            return f"({' | '.join(found)})"


def _ts_phrase(terms: tuple[str, ...], where: tuple[Lang, bool] | Lang | None, begun: bool) -> str:
    weights = "" if where is None else {"fr": "A", "en": "B"}[where] if isinstance(where, str) else _WEIGHTS[where]
    mark = ":" + "*" * begun + weights if begun or weights else ""
    return " <-> ".join(f"'{one}'{mark}" for one in terms)


def _leaf(
    leaf: Phrase | Prefix | Tagged | Captioned,
    write: Callable[[tuple[str, ...], tuple[Lang, bool] | Lang | None, bool], str],
) -> list[str]:
    """What finds a leaf, any of which does."""
    match leaf:
        case Tagged(key, begun):
            return [write((TAG + term(key),), None, begun)]
        case Captioned(lang):
            return [write((CAPTIONED[lang],), None, False)]
    found = ways(leaf)
    if len(found) > 1 and len({terms for _, _, terms in found}) == 1:
        asked = [write(found[0][2], None, False)]
    else:
        asked = [write(terms, (lang, only), False) for lang, only, terms in found]
    if isinstance(leaf, Prefix):
        beginning = term(leaf.start)
        asked = [] if all(terms[0].startswith(beginning) for _, _, terms in found) else asked
        asked += [write((one,), leaf.lang, True) for one in (beginning, WHOLE + beginning)]
    return asked
