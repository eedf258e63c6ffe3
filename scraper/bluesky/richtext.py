"""A post's text and what its facets say of it; a facet's bounds count bytes of UTF-8.

See https://docs.bsky.app/docs/advanced-guides/post-richtext: facets that overlap or point outside are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scraper.text.hashtags import once_each

_ADDRESS = re.compile(r"https?://\S+")
_SHORTENED = re.compile(r"(?:\.\.\.|…)$")
_SCHEME = re.compile(r"https?://(?:www\.)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RichText:
    """``body`` is the text, its shortened links written out; ``hashtags`` are those of the facets, without «#»."""

    body: str
    hashtags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Facet:
    start: int
    end: int
    features: list[object]


def rich_text(text: str, facets: object) -> RichText:
    """What ``text`` and its facets make together.

    A client shows «example.org/a-long…» and keeps the whole address in a facet: the body has the whole address there.
    What else a facet covers is left as it is written.
    """
    if not isinstance(facets, list) or not facets:
        return RichText(body=text)
    encoded = text.encode("utf-8", "replace")
    pieces: list[str] = []
    tags: list[str] = []
    at = 0
    for facet in _usable(facets, encoded):
        covered = encoded[facet.start : facet.end].decode("utf-8")
        shown = covered
        for feature in facet.features:
            match feature:
                case {"$type": "app.bsky.richtext.facet#link", "uri": str() as uri}:
                    shown = _whole(covered, uri)
                case {"$type": "app.bsky.richtext.facet#tag", "tag": str() as tag}:
                    tags.append(tag.strip())
                case _:  # a mention stands in the text as it is meant
                    continue
        pieces += (encoded[at : facet.start].decode("utf-8"), shown)
        at = facet.end
    pieces.append(encoded[at:].decode("utf-8"))
    return RichText(body="".join(pieces), hashtags=once_each(tags))


def _usable(facets: list[object], encoded: bytes) -> Iterator[_Facet]:
    """Those with bounds that can be believed, in order, none over another."""
    found = sorted(_read(facets, encoded), key=lambda facet: (facet.start, facet.end))
    at = 0
    for facet in found:
        if facet.start >= at:
            at = facet.end
            yield facet


def _read(facets: list[object], encoded: bytes) -> Iterator[_Facet]:
    for facet in facets:
        match facet:
            case {"index": {"byteStart": start, "byteEnd": end}, "features": list() as features}:
                # bool is an int, and 1.0 equals 1
                are_counts = type(start) is int and type(end) is int
                if are_counts and 0 <= start < end <= len(encoded) and not _cuts(encoded, start, end):
                    yield _Facet(start, end, features)
            case _:
                continue


def _cuts(encoded: bytes, *edges: int) -> bool:
    """Whether one of ``edges`` falls within a character."""
    return any(edge < len(encoded) and encoded[edge] & 0xC0 == 0x80 for edge in edges)


def _whole(shown: str, uri: str) -> str:
    """The address where ``shown`` is its shortened form, else what is shown."""
    begun = _SHORTENED.sub("", shown)
    if begun == shown or not _ADDRESS.fullmatch(uri):
        return shown
    bare = _SCHEME.sub("", begun)
    return uri if bare and _SCHEME.sub("", uri).lower().startswith(bare.lower()) else shown
