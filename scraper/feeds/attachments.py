"""The attachments of an entry: what it declares and what its text shows, each picture once, its largest file first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from scraper.feeds.items import Item, Medium
from scraper.feeds.mediarss import MOST
from scraper.feeds.pictures import BEHIND, DECLARED, ORIGINAL, behind, identity, is_avatar, native_id, seen_in, width_of
from scraper.model import Attachment, MediaKind
from scraper.pages.images import MAX_ALTERNATIVES

#: no entry of people's has as many; one more is given, to tell
MAX_ATTACHMENTS = 1_000


@dataclass(slots=True, kw_only=True, eq=False)
class _Picture:
    """One picture while it is put together: its files by address, and how large each is taken to be."""

    files: dict[str, float] = field(default_factory=dict)
    alt: str | None = None
    native_id: str | None = None
    declared: Medium | None = None

    def add(self, size: float, url: str) -> None:
        self.files[url] = max(size, self.files.get(url, 0.0))

    def attachment(self, body: str) -> Attachment:
        first, *others = sorted(self.files, key=lambda url: -self.files[url])
        declared = self.declared
        is_first = declared is not None and declared.addresses[0] == first
        return Attachment(
            url=first,
            alternatives=tuple(others[:MAX_ALTERNATIVES]),
            native_id=native_id(first) or self.native_id,
            alt=_apart(body, declared.alt if declared else None, self.alt),
            media_type=declared.media_type if declared and is_first else None,
            width=declared.width if declared and is_first else None,
            height=declared.height if declared and is_first else None,
            size=declared.size if declared and is_first else None,
            credit=declared.credit if declared else None,
        )


def attachments_of(item: Item, body: str) -> tuple[Attachment, ...]:
    """The media of ``item``: declared ones first, in their order, then those that only its text shows.

    A thumbnail is an alternative of the picture that it is a copy of, or of the only one; an entry without any medium
    has its thumbnail as its picture. What describes the picture with the words of ``body`` is no alt text.
    """
    shown = [seen for text in item.texts for seen in islice(seen_in(text), MOST)]
    pictures: dict[str, _Picture] = {}
    others: list[Attachment] = []
    for medium in item.media[:MOST]:
        # an enclosure without a type that the text shows is a picture
        known = (
            {identity(url) for seen in shown for _, url in seen.files} if medium.kind is MediaKind.UNKNOWN else set()
        )
        if medium.kind is MediaKind.IMAGE or identity(medium.addresses[0]) in known:
            _declare(pictures, medium)
        else:
            others.append(_other(medium, body))
    for seen in shown:
        picture = _picture(pictures, [url for _, url in seen.files])
        picture.alt = picture.alt or seen.alt
        picture.native_id = picture.native_id or seen.native_id
        for size, url in seen.files:
            picture.add(size, url)
    thumbnails = [url for url in item.thumbnails[:MAX_ALTERNATIVES] if not is_avatar(url)]
    for url in thumbnails:
        known_as = pictures.get(identity(url)) or (next(iter(pictures.values())) if len(pictures) == 1 else None)
        if known_as is not None:
            known_as.add(0.0, url)
        elif not pictures and not others:
            _picture(pictures, [url]).add(0.0, url)
    for picture in _each(pictures):
        is_known = picture.declared is not None and picture.declared.is_original
        for url in list(picture.files) if not is_known else ():
            if original := behind(url):
                picture.add(max(BEHIND, picture.files[url] + 0.5), original)
    return (*(picture.attachment(body) for picture in _each(pictures)), *others)


def _declare(pictures: dict[str, _Picture], medium: Medium) -> None:
    if is_avatar(medium.addresses[0]):
        return
    picture = _picture(pictures, [*medium.addresses, *medium.thumbnails])
    picture.declared = _both(picture.declared, medium)
    picture.native_id = picture.native_id or medium.native_id
    if medium.is_original:
        picture.add(ORIGINAL, medium.addresses[0])
    for at, url in enumerate(medium.addresses):
        picture.add((medium.width or width_of(medium.addresses[0]) or DECLARED) - at, url)
    for url in medium.thumbnails:
        picture.add(0.0, url)


def _both(known: Medium | None, medium: Medium) -> Medium:
    """Of two that declare one picture, the one that says more."""
    if known is None or (medium.alt and not known.alt):
        return medium
    return known


def _other(medium: Medium, body: str) -> Attachment:
    return Attachment(
        url=medium.addresses[0],
        kind=medium.kind,
        alternatives=medium.addresses[1 : MAX_ALTERNATIVES + 1],
        alt=_apart(body, medium.alt),
        media_type=medium.media_type,
        width=medium.width,
        height=medium.height,
        size=medium.size,
        credit=medium.credit,
    )


def _apart(body: str, *alts: str | None) -> str | None:
    """The first alternative text that is not the post's text over again."""
    return next((alt for alt in alts if alt and alt != body), None)


def _picture(pictures: dict[str, _Picture], urls: list[str]) -> _Picture:
    """The picture that one of the addresses is known for, else a new one; known by all of them from now on."""
    keys = [identity(url) for url in urls]
    picture = next((pictures[key] for key in keys if key in pictures), None) or _Picture()
    for key in keys:
        pictures.setdefault(key, picture)
    return picture


def _each(pictures: dict[str, _Picture]) -> Iterator[_Picture]:
    return iter({id(picture): picture for picture in pictures.values()}.values())
