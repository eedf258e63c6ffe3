"""The one shape that every dialect of feed is brought into, before it becomes posts."""

from __future__ import annotations

from dataclasses import dataclass

from scraper.model import MediaKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text as the feed gives it; relative addresses in its markup count from ``base``."""

    value: str
    is_html: bool
    base: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """A medium that an entry declares beside its text: an enclosure, an attachment, Media RSS.

    ``addresses`` are absolute http(s): one file in several sizes, the largest first as far as the feed says.
    ``width`` and ``height`` (pixels) and ``size`` (bytes) are the feed's word for the first.
    """

    addresses: tuple[str, ...]
    kind: MediaKind = MediaKind.IMAGE
    thumbnails: tuple[str, ...] = ()
    alt: str | None = None
    media_type: str | None = None
    width: int | None = None
    height: int | None = None
    size: int | None = None
    credit: str | None = None
    native_id: str | None = None
    #: whether the first address is known to be that of the original: then none is guessed
    is_original: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry; empty where the feed says nothing.

    ``id`` is as written, ``url`` absolute. ``texts`` are its versions of the post, the fullest first: the body is the
    first, pictures are looked for in all. ``published`` and ``updated`` are dates as written. ``thumbnails`` belong to
    no medium in particular. ``trouble`` is what could not be read of it.
    """

    id: str = ""
    url: str = ""
    title: Text | None = None
    texts: tuple[Text, ...] = ()
    published: str = ""
    updated: str = ""
    authors: tuple[tuple[str, str], ...] = ()  # name, and absolute address or nothing
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    rights: str = ""
    license: str = ""
    license_url: str = ""
    media: tuple[Medium, ...] = ()
    thumbnails: tuple[str, ...] = ()
    content_warning: str = ""
    trouble: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to keep."""
        return not (self.title or self.texts or self.media or self.thumbnails)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One document of a feed.

    ``next`` is where it says that older entries are, as written and absolute. ``about`` is what it says of itself.
    ``damage`` says why entries may be missing; empty if none can be.
    """

    items: tuple[Item, ...]
    next: str = ""
    about: str = ""
    damage: str = ""
