"""Which posts are asked for, in which order: values that refuse to exist wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from storage.folding import fold_tag
from storage.postview import LANGS, VERDICTS

if TYPE_CHECKING:
    # loaded when a text is looked for
    from storage.search.tree import Query

#: how far a picture is from being held
STATES = ("stored", "pending", "failed", "gone", "skipped")
#: orders in which posts can be had; ``rank`` needs a text
SORTS = ("newest", "oldest", "rank", "rating", "seen")
#: how a picture lies
ORIENTATIONS = ("landscape", "portrait", "square")
#: the best rating; the lowest is 0
BEST = 5

Lang = Literal["fr", "en", "other"]
Sort = Literal["newest", "oldest", "rank", "rating", "seen"]
Orientation = Literal["landscape", "portrait", "square"]

_CHOICES = {
    "lang": ("a language", LANGS),
    "lacks_lang": ("a language", LANGS),
    "verdict": ("a verdict", VERDICTS),
    "media": ("a state of a picture", STATES),
}
_SIZES = ("min_width", "min_height", "max_width", "max_height")
#: what does not say which posts pass
_HOW_MANY = frozenset({"limit", "after"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which posts are asked for; what is None or empty does not matter, and all that is given must hold.

    Widths and heights are those of a post's largest shown picture (by area; measured where its bytes are held, else
    the source's word), in pixels as it is stored.

    Attributes:
        text: what to look for, in the language of ``storage.search.language``.
        lang: has a caption in each of these: ``fr``, ``en``, or ``other`` for a third language or an undecided one.
        lacks_lang: has no caption in any of these.
        source: of one of these sources, by id.
        mission: of one of these missions, by id.
        since: aware; the post's own date, an interval as wide as its precision, overlaps [since, until).
            A post without a date is left out as soon as a bound is given.
        until: aware, exclusive.
        undated: has no date (or, False, has one).
        seen_since: aware; it was first archived then or later.
        seen_until: aware, exclusive.
        verdict: one of ``unreviewed``, ``selected`` and ``rejected``.
        tag: has each of these, as a hashtag or as a tag of the curator's, with or without ``#``; case and accents do
            not matter.
        hashtag: likewise, of the post's own alone.
        curator_tag: likewise, of the curator's alone.
        rating: rated so or better; 0 to 5.
        rating_most: rated so or worse.
        unrated: has no rating (or, False, has one).
        needs_review: whether a person should look.
        noted: has a note of the curator's.
        edited: its source has changed it since it was first published, as far as is known.
        gone: is gone at its source.
        has_picture: shows a picture.
        min_width: inclusive, as the next three.
        min_height: as ``min_width``.
        max_width: as ``min_width``.
        max_height: as ``min_width``.
        orientation: ``landscape``, ``portrait`` or ``square``.
        media: shows something whose state is one of these: ``stored``, ``pending``, ``failed``, ``gone``, ``skipped``.
        files: shows one of these files, by SHA-256 in lower-case hexadecimal; None: it does not matter.
        like: shows a picture that is one of this post's, by key or address, or looks like one of them
            (``storage.likeness``); for a SHA-256 in hexadecimal, like that picture. The post itself is among them.
        keys: is one of these, by key; None: it does not matter.
        sort: ``newest`` (undated ones last), ``oldest`` (undated ones last, too), ``rank`` (best match first),
            ``rating`` (best first, unrated ones last; of one rating the newest first), ``seen`` (last archived first).
            None: ``rank`` when there is a text, else ``newest``.
        limit: at most so many.
        after: goes on where the page ended that gave this token; see ``storage.paging``.
        query: ``text`` as it was understood.

    Raises:
        ValueError: nothing can be meant by it.
        QueryRefused: ``text`` is not in the query language; its message has a caret under the fault.
    """

    text: str | None = None
    lang: tuple[Lang, ...] = ()
    lacks_lang: tuple[Lang, ...] = ()
    source: tuple[str, ...] = ()
    mission: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    undated: bool | None = None
    seen_since: datetime | None = None
    seen_until: datetime | None = None
    verdict: tuple[Literal["unreviewed", "selected", "rejected"], ...] = ()
    tag: tuple[str, ...] = ()
    hashtag: tuple[str, ...] = ()
    curator_tag: tuple[str, ...] = ()
    rating: int | None = None
    rating_most: int | None = None
    unrated: bool | None = None
    needs_review: bool | None = None
    noted: bool | None = None
    edited: bool | None = None
    gone: bool | None = None
    has_picture: bool | None = None
    min_width: int | None = None
    min_height: int | None = None
    max_width: int | None = None
    max_height: int | None = None
    orientation: Orientation | None = None
    media: tuple[Literal["stored", "pending", "failed", "gone", "skipped"], ...] = ()
    files: tuple[str, ...] | None = None
    like: str | None = None
    keys: tuple[str, ...] | None = None
    sort: Sort | None = None
    limit: int | None = None
    after: str | None = None
    query: Query | None = field(init=False, compare=False, repr=False, default=None)

    def __post_init__(self) -> None:
        for problem in _problems(self):
            raise ValueError(problem)
        if self.text is not None:
            from storage.search.language import parse

            object.__setattr__(self, "query", parse(self.text))

    @property
    def order(self) -> Sort:
        """The order in which posts come: ``sort``, or what it is without being given."""
        return self.sort or ("newest" if self.text is None else "rank")

    @property
    def digest(self) -> str:
        """12 letters that tell these filters and this order from others; ``limit`` and ``after`` do not matter."""
        given = [(item.name, _plain(getattr(self, item.name))) for item in fields(self) if item.compare]
        meant = [(name, value) for name, value in given if name not in _HOW_MANY | {"sort"} and value is not None]
        return hashlib.sha256(repr([self.order, *meant]).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _plain(value: Any) -> Any:
    """The one form of values that mean the same: moments in seconds, alternatives in order."""
    if isinstance(value, datetime):
        return value.timestamp()
    return tuple(sorted(set(value))) if isinstance(value, tuple) else value


def _problems(filters: Filters) -> Iterator[str]:
    for item in fields(filters):
        value = getattr(filters, item.name)
        if str(item.type).startswith("tuple") and not (isinstance(value, tuple) or value is None):
            yield f"{item.name} is a tuple, not {value!r}"
    for name, (what, choices) in _CHOICES.items():
        for value in getattr(filters, name):
            if value not in choices:
                yield f"{what} is one of {', '.join(choices)}, not {value!r}"
    if filters.sort not in (None, *SORTS):
        yield f"posts are sorted by one of {', '.join(SORTS)}, not {filters.sort!r}"
    if filters.sort == "rank" and filters.text is None:
        yield "posts are ranked by how well they match a text, and none is given"
    if filters.orientation not in (None, *ORIENTATIONS):
        yield f"an orientation is one of {', '.join(ORIENTATIONS)}, not {filters.orientation!r}"
    if any(not fold_tag(tag) for tag in (*filters.tag, *filters.hashtag, *filters.curator_tag)):
        yield "a tag to look for holds at least one letter or digit"
    if both := set(filters.lang) & set(filters.lacks_lang):
        yield f"no post both has and lacks a caption in {sorted(both)[0]}"
    if filters.like is not None and not filters.like.strip():
        yield "a post to look for the like of is given by its key, its address, or a picture's SHA-256"
    yield from _wrong_times(filters)
    yield from _wrong_numbers(filters)


def _wrong_times(filters: Filters) -> Iterator[str]:
    for since, until in ((filters.since, filters.until), (filters.seen_since, filters.seen_until)):
        for bound in (since, until):
            if bound is not None and bound.utcoffset() is None:
                yield f"a bound is an aware time, not {bound!r}"
    if filters.undated and (filters.since or filters.until):
        yield "a post without a date is neither before nor after a time"


def _wrong_numbers(filters: Filters) -> Iterator[str]:
    for value in (filters.rating, filters.rating_most):
        if value is not None and not 0 <= value <= BEST:
            yield f"a rating is from 0 to {BEST}, not {value}"
    if filters.rating is not None and filters.rating_most is not None and filters.rating > filters.rating_most:
        yield f"no rating is at least {filters.rating} and at most {filters.rating_most}"
    if filters.unrated and (filters.rating is not None or filters.rating_most is not None):
        yield "a post without a rating is not rated so or so"
    for name in _SIZES:
        value = getattr(filters, name)
        if value is not None and not 0 < value < 2**31:
            yield f"a width or height is a number of pixels from 1 to 2**31, not {value}"
    if filters.has_picture is False and (filters.orientation or any(getattr(filters, name) for name in _SIZES)):
        yield "a post without a picture has no size"
    if filters.limit is not None and not 0 <= filters.limit < 2**63:
        yield f"a limit is neither negative nor beyond 2**63, as {filters.limit} is"


def split_key(key: str) -> tuple[str, str]:
    """A key's source id and native id: the first colon splits, the rest is opaque."""
    source, _, native_id = key.partition(":")
    return source, native_id
