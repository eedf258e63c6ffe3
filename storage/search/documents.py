"""A post's texts as the terms that it is found by, in four columns, for either engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from storage.search.hashtags import hashtags, spelled, tag_key
from storage.search.stems import Lang, stem, stem_once, term
from storage.search.words import LIMIT, parts, runs

#: stands between two texts, so that no phrase runs from one into the next; no word's term
GAP = "_"
#: every post has it, so that «not this» is a question too
EVERY = "_all"
#: a post with a caption in that language has it in that language's column
CAPTIONED: dict[Lang, str] = {"fr": "_fr", "en": "_en"}
#: before a word's form, where its beginnings are not those of its stem; a term of another script has one ``_``
WHOLE = "__"
#: before a hashtag
TAG = "_h_"

#: the first place of each column of a vector, from its start: no column has as many
COLUMN = LIMIT + 96

#: what PostgreSQL holds of one term (255 places) and of all of them (1 MB), with room; both engines get the same
_PLACES = 250
_BYTES = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What is written in a post.

    Attributes:
        fr: the French caption as it is shown; None when there is none.
        en: the English one.
        title_fr: the French part of its title.
        title_en: the English one.
        rest: what stands in none of these: a title that was not split, the parts of the body that are in no French or
            English caption, credit, author, content warning, alternative texts, a curator's note.
        tags: its hashtags and the curator's tags as written, with or without ``#``.
    """

    fr: str | None = None
    en: str | None = None
    title_fr: str | None = None
    title_en: str | None = None
    rest: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """The terms of a post by column; in ``rest_fr`` and ``rest_en`` stands the same text, stemmed either way.

    Attributes:
        fr: French captions and titles, in their order, texts parted by a gap.
        en: the English ones.
        rest_fr: all else, stemmed as French.
        rest_en: and as English.
        beside: for each of the four the terms that have no place: markers, hashtags, whole words.
        titles: how many terms at the beginning of ``fr``, and of ``en``, are a title's.
    """

    fr: tuple[str, ...]
    en: tuple[str, ...]
    rest_fr: tuple[str, ...]
    rest_en: tuple[str, ...]
    beside: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    titles: tuple[int, int] = (0, 0)

    @property
    def extent(self) -> str:
        """What ranking wants to know besides places: how many words there are, and how many of each title."""
        words = sum(len(column) - column.count(GAP) for column in (self.fr, self.en, self.rest_fr))
        return f"{words} {self.titles[0]} {self.titles[1]}"

    @property
    def columns(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """The four columns, in the order of both engines."""
        return self.fr, self.en, self.rest_fr, self.rest_en

    def as_fts(self) -> tuple[str, str, str, str]:
        """The four columns of an FTS5 table whose tokenizer is ``ascii`` with ``_`` among the letters of words."""
        fr, en, rest_fr, rest_en = (
            " ".join((*column, GAP, *beside)) for column, beside in zip(self.columns, self.beside, strict=True)
        )
        return fr, en, rest_fr, rest_en

    def as_tsvector(self) -> str:
        """What ``::tsvector`` takes, with places; the columns are the weights A, B, C and D."""
        places: dict[str, list[str]] = {}
        for number, (weight, column, beside) in enumerate(zip("ABCD", self.columns, self.beside, strict=True)):
            # columns lie apart, so that no phrase runs over and a place tells its column
            at = number * COLUMN + 1
            for place, one in enumerate(column, at):
                if one != GAP:
                    places.setdefault(one, []).append(f"{place}{weight}")
            for one in beside:  # after a gap; all of it has one place
                places.setdefault(one, []).append(f"{at + len(column) + 1}{weight}")
        return " ".join(f"'{one}':{','.join(where)}" for one, where in places.items())


def document(texts: Texts) -> Document:
    """The terms that a post is found by; any texts are taken, of long ones the first 4,000 words in each column."""
    keys = tags_of(texts)
    fr, _, whole_fr = _column((texts.title_fr, texts.fr), "fr")
    _, en, whole_en = _column((texts.title_en, texts.en), "en")
    rest_fr, rest_en, whole = _column(rest_of(texts, keys), None)
    beside = (
        (*whole_fr, *((CAPTIONED["fr"],) if texts.fr is not None else ())),
        (*whole_en, *((CAPTIONED["en"],) if texts.en is not None else ())),
        (*whole, *(TAG + term(key) for key in keys), EVERY),
        (),
    )
    titles = _titled(texts.title_fr, fr, "fr"), _titled(texts.title_en, en, "en")
    return _bounded(Document((*fr,), (*en,), (*rest_fr,), (*rest_en,), beside, titles))


def terms_of(text: str, lang: Lang) -> list[str]:
    """The terms of one text in its order, read as ``lang``, at most 4,000 runs of it."""
    return list(chain.from_iterable(map(_french if lang == "fr" else _english, runs(text))))


def rest_of(texts: Texts, keys: Mapping[str, str]) -> list[str]:
    """The texts of the rest, with the words that capitals show in hashtags; ``keys`` are those of ``tags_of``."""
    shown = [" ".join(word.form for word in spelled(name)) for name in keys.values()]
    return [*texts.rest, *texts.tags, *(words for words in shown if words)]


def tags_of(texts: Texts) -> dict[str, str]:
    """Its tags and the hashtags in its texts: the key of each, and how it was written first."""
    keys: dict[str, str] = {}
    for tag in texts.tags:
        name = tag.lstrip("#＃")
        keys.setdefault(tag_key(name), name)
    for text in (texts.title_fr, texts.fr, texts.title_en, texts.en, *texts.rest):
        if text:
            for found in hashtags(text):
                keys.setdefault(tag_key(found.name), found.name)
    keys.pop("", None)
    return keys


class _Reading(NamedTuple):
    """A run's words as terms, and those that are also kept whole: in captions of either language, and in the rest."""

    fr: tuple[str, ...]
    en: tuple[str, ...]
    whole: dict[Lang | None, tuple[str, ...]]


#: of most runs: one for all, because very many are remembered
_NONE_WHOLE: dict[Lang | None, tuple[str, ...]] = {"fr": (), "en": (), None: ()}


@lru_cache(maxsize=1 << 16)
def _read(run: str) -> _Reading:
    whole: dict[Lang | None, tuple[str, ...]] = {"fr": (), "en": (), None: ()}
    for word in parts(run):
        fr, en = _hidden(word.form, "fr"), _hidden(word.form, "en")
        hidden: tuple[tuple[Lang | None, set[str]], ...] = (("fr", fr), ("en", en), (None, fr & en))
        for lang, beginnings in hidden:
            if beginnings:
                whole[lang] += (WHOLE + term(word.form),)
    return _Reading(_french(run), _english(run), whole if any(whole.values()) else _NONE_WHOLE)


@lru_cache(maxsize=1 << 16)
def _french(run: str) -> tuple[str, ...]:
    return tuple(term(stem(word.form, "fr")) for word in parts(run))


@lru_cache(maxsize=1 << 16)
def _english(run: str) -> tuple[str, ...]:
    return tuple(term(stem(word.form, "en")) for word in parts(run))


def _hidden(form: str, lang: Lang) -> set[str]:
    """The beginnings of ``form`` that neither begin its stem nor have it, so that ``beginning*`` would not find it."""
    stemmed = stem(form, lang)
    return {
        begun
        for begun in (form[:length] for length in range(2, len(form)))
        if not stemmed.startswith(begun) and stem_once(begun, lang) != stemmed
    }


def _column(texts: Iterable[str | None], lang: Lang | None) -> tuple[list[str], list[str], dict[str, None]]:
    """The terms of texts as French and as English, a gap between two texts, and the whole words beside them."""
    fr: list[str] = []
    en: list[str] = []
    whole: dict[str, None] = {}
    for text in texts:
        if len(fr) >= LIMIT:
            break
        if not text:
            continue
        if fr:
            fr.append(GAP)
            en.append(GAP)
        for run in runs(text):
            read = _read(run)
            fr += read.fr
            en += read.en
            for one in read.whole[lang]:
                whole[one] = None
            if len(fr) > LIMIT:
                break
    return fr[:LIMIT], en[:LIMIT], whole


def _titled(title: str | None, column: list[str], lang: Lang) -> int:
    """How many terms at the beginning of a column are those of its title."""
    if not title or not terms_of(title, lang):
        return 0
    return column.index(GAP) if GAP in column else len(column)


def _bounded(full: Document) -> Document:
    """``full`` without what PostgreSQL has no room for: a term's 251st place, a new one when 500,000 bytes are full."""
    words = sum(map(len, full.columns))
    if words < _PLACES and sum(map(len, chain(*full.columns, *full.beside))) < _BYTES:
        return full
    seen: Counter[str] = Counter()
    left = _BYTES

    def kept(one: str) -> bool:
        nonlocal left
        if not seen[one]:
            if len(one) > left:
                return False
            left -= len(one)
        seen[one] += 1
        return seen[one] <= _PLACES

    # from the end, where the marker of every post stands
    beside = [tuple(filter(kept, terms[::-1]))[::-1] for terms in full.beside[::-1]][::-1]
    columns = [tuple(one if one == GAP or kept(one) else GAP for one in column) for column in full.columns]
    return replace(
        full,
        fr=columns[0],
        en=columns[1],
        rest_fr=columns[2],
        rest_en=columns[3],
        beside=(beside[0], beside[1], beside[2], beside[3]),
    )
