"""Where in a post's texts the words stand that were asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

from storage.postview import PostView

if TYPE_CHECKING:
    from storage.search.tree import Query

Field = Literal["caption_fr", "caption_en", "title", "text", "credit", "alt"]


class Hit(NamedTuple):
    """A word or phrase that answers the question.

    Attributes:
        field: the name of the field; ``alt`` is that of one of ``media``.
        start: offset of its first letter, in code points.
        end: offset behind its last one.
        medium: which of ``PostView.media`` it is, from 0; None but for ``alt``.
    """

    field: Field
    start: int
    end: int
    medium: int | None = None


def hits_in(post: PostView, query: Query) -> tuple[Hit, ...]:
    """What is to be marked in a post, field by field and in the order of the text."""
    return tuple(_hits(post, query))


def _hits(post: PostView, query: Query) -> Iterator[Hit]:
    from storage.search.matching import hits

    langs: dict[Field, Literal["fr", "en"] | None] = {"caption_fr": "fr", "caption_en": "en"}
    fields: tuple[Field, ...] = ("caption_fr", "caption_en", "title", "text", "credit")
    for field in fields:
        given = getattr(post, field)
        if given:
            yield from (Hit(field, start, end) for start, end in hits(query, given, langs.get(field)))
    for at, medium in enumerate(post.media):
        if medium.alt:
            yield from (Hit("alt", start, end, at) for start, end in hits(query, medium.alt, None))
