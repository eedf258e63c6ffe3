"""The pictures of an item: each once, the file that is asked for first, then the larger, all others behind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from bs4 import Tag

from scraper.feeds.pictures import behind
from scraper.gallery.selectors import Selector
from scraper.model import Attachment
from scraper.pages.images import alt_of, file_key, in_srcset, is_image_file, is_telling, named_by, stem
from scraper.pages.tree import Resolve, ancestors, attribute

#: of one item; a gallery that has more in one has them in items of their own
MOST = 200
_SIZED = re.compile(r"\s\d{1,5}(?:\.\d{1,3})?[wx]\s*(?:,|$)")
_BACKGROUND = re.compile(r"url\(\s*['\"]?([^'\")]+)", re.IGNORECASE)


class _Picture:
    """One picture while it is put together."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.alt: str | None = None

    def add(self, urls: Iterable[str]) -> None:
        self.files.extend(url for url in urls if url not in self.files)


def attachments_in(
    item: Tag, selectors: Iterable[Selector], is_own: Callable[[Tag], bool], resolve: Resolve, credit: str | None
) -> tuple[Attachment, ...]:
    """The pictures that ``selectors`` find in ``item``, in the page's order."""
    pictures: dict[str, _Picture] = {}
    for selector in selectors:
        for tag in selector.tags(item, is_own):
            for urls, alt in _named(tag, selector, item, resolve):
                keys = [file_key(url) for url in urls]
                known = next((pictures[key] for key in keys if key in pictures), None)
                picture = _Picture() if known is None else known
                picture.add(urls)
                picture.alt = picture.alt or alt
                pictures |= dict.fromkeys(keys, picture)
    distinct = list({id(picture): picture for picture in pictures.values()}.values())[:MOST]
    names = [stem(picture.files[0]) for picture in distinct]
    return tuple(
        Attachment(
            url=picture.files[0],
            alternatives=tuple(picture.files[1:]),
            native_id=name if is_telling(name) and names.count(name) == 1 else None,
            alt=picture.alt,
            credit=credit,
        )
        for picture, name in zip(distinct, names, strict=True)
    )


def _named(tag: Tag, selector: Selector, item: Tag, resolve: Resolve) -> Iterator[tuple[list[str], str | None]]:
    """The files of each picture that a matched tag names."""
    images = [tag] if tag.name == "img" else tag.find_all("img", limit=MOST)
    if selector.attribute is not None:
        wanted = [url for text in _in_attribute(selector, tag) if (url := resolve(text))]
        if wanted:
            around = _around(images[0], item, resolve) if len(images) == 1 else []
            yield _once(wanted, around), alt_of(images[0] if images else tag)
        return
    own = [*(named for group in named_by(tag, resolve) for named in group)] if tag.name != "img" else []
    if tag.name == "a" and (url := resolve(attribute(tag, "href"))) and is_image_file(url):
        own.insert(0, url)
    if own and len(images) <= 1:
        yield _once(own, _around(images[0], item, resolve) if images else []), alt_of(images[0] if images else tag)
        return
    for image in images:
        if files := _around(image, item, resolve):
            yield files, alt_of(image)


def _around(image: Tag, item: Tag, resolve: Resolve) -> list[str]:
    """The files of an ``<img>``: what it is a link to, what it and its ``<picture>`` name, what made copies are of."""
    linked: list[str] = []
    large, shown = named_by(image, resolve)
    for tag in ancestors(image):
        if tag is item:
            break
        if tag.name == "a" and (url := resolve(attribute(tag, "href"))) and is_image_file(url):
            linked.append(url)
        elif tag.name == "picture":
            named = [named_by(source, resolve) for source in tag.find_all("source", limit=20)]
            large = [*large, *(url for more, _ in named for url in more)]
            # what <picture> offers is what is shown in place of the image, in whatever format a browser takes
            shown = [*(url for _, more in named for url in more), *shown]
    made = [url for copy in (*linked, *large, *shown) if (url := behind(copy))]
    return _once(linked, large, made, shown)


def _in_attribute(selector: Selector, tag: Tag) -> Iterator[str]:
    value, name = selector.value(tag), (selector.attribute or "").lower()
    if name.endswith("srcset") or _SIZED.search(value):
        yield from (url for _, url in sorted(in_srcset(value), key=lambda entry: -entry[0]))
    elif name == "style" or "url(" in value:
        yield from (found[1] for found in _BACKGROUND.finditer(value[:20_000]))
    elif value:
        yield value


def _once(*groups: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(url for group in groups for url in group))
