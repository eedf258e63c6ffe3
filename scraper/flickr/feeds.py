"""The public feed of an account: its newest photos, as JSON or in a dialect of XML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scraper.capture import Capture
from scraper.feeds import xmlfeed
from scraper.feeds.dates import published_of
from scraper.feeds.items import Feed, Item, Text
from scraper.feeds.licences import licence_of
from scraper.feeds.parsing import NotAFeed, TooBroken, parse
from scraper.feeds.pictures import seen_in
from scraper.flickr.answers import words
from scraper.model import Attachment, MediaKind, Post
from scraper.text.markup import html_to_text

#: what ends a file's name, the largest first; nothing is 500 pixels long
_SUFFIXES = ("o", "6k", "5k", "4k", "3k", "k", "h", "b", "c", "z", "", "w", "n", "m", "t", "q", "s")
_FILE = re.compile(r"/\d+_[0-9a-f]+(?:_([a-z0-9]{1,2}))?\.\w{2,5}(?:$|\?)")
_PHOTO = re.compile(r"/photos?/(?:[^/?#]+/)?(\d{1,20})(?:/|$)")
_POSTED = re.compile(r"\A[^\n]{1,200} posted (?:an? (?:photo|video)|\d+ (?:photos|videos)):(?:\n+|\Z)")
_FILM = re.compile(r" posted an? video:")
_NAME = re.compile(r'\A\s*nobody@flickr\.com \("?(.*?)"?\)\s*\Z', re.DOTALL)


def xml_feed_of(capture: Capture) -> Feed:
    """The feed in Atom or RSS.

    Raises:
        ParseError: it is none.
    """
    try:
        return xmlfeed.feed_of(parse(capture.text, capture.url), capture.url)
    except (NotAFeed, TooBroken) as error:
        raise capture.parse_error(f"expected Flickr's public feed and got {error}") from error


def json_feed_of(tree: dict[str, object], capture: Capture) -> Feed:
    """The feed in JSON, which is Flickr's own and no JSON Feed.

    Raises:
        ParseError: it has no list of items.
    """
    given = tree.get("items")
    if not isinstance(given, list):
        raise capture.parse_error("expected Flickr's public feed and got JSON without a list of items")
    return Feed(items=tuple(_item_of(item, capture.url) for item in given))


def posts_of(feed: Feed, source_id: str) -> Iterator[Post | str]:
    """The posts of a feed, and in their place what is wrong with those that are none."""
    for number, item in enumerate(feed.items, start=1):
        found = _PHOTO.search(item.id) or _PHOTO.search(item.url)
        if item.trouble or found is None:
            yield f"entry {number} of {len(feed.items)} cannot be read ({item.trouble or 'it names no photo'})"
        else:
            yield _post(item, found[1], source_id)


def _post(item: Item, photo: str, source_id: str) -> Post:
    html = item.texts[0].value if item.texts else ""
    text = html_to_text(html).strip(" \n")
    licence, licence_url = licence_of(item.license, item.license_url)
    name, address = next(iter(item.authors), ("", ""))
    return Post(
        source_id=source_id,
        native_id=photo,
        url=item.url or None,
        author=name or None,
        author_url=address or None,
        title=html_to_text(item.title.value).strip() or None if item.title else None,
        body=_POSTED.sub("", text).strip("\n"),
        published=published_of(item.published),
        attachments=_attachments(item, photo, is_film=bool(_FILM.search(text[:300]))),
        hashtags=tuple(
            dict.fromkeys(tag for given in item.tags for word in given.split() if (tag := word.lstrip("#")))
        ),
        license=licence or None,
        license_url=licence_url or None,
    )


def _attachments(item: Item, photo: str, *, is_film: bool) -> tuple[Attachment, ...]:
    """The picture in the sizes that are stated (larger ones cannot be built: their names hold another secret)."""
    stated = [url for medium in item.media if medium.kind is not MediaKind.VIDEO for url in medium.addresses]
    stated += [url for text in item.texts for seen in seen_in(text) for _, url in seen.files]
    stated += item.thumbnails
    known = sorted({url for url in stated if f"/{photo}_" in url}, key=lambda url: (_rank(url), url))
    whole = [url for url in known if _rank(url) < _SUFFIXES.index("q")] or known
    picture = [
        Attachment(url=whole[0], alternatives=tuple(whole[1:]), native_id=f"{photo}/poster" if is_film else photo)
        for _ in whole[:1]
    ]
    film = [Attachment(url=None, kind=MediaKind.VIDEO, native_id=photo)] if is_film else []
    return (*picture, *film)


def _rank(url: str) -> int:
    found = _FILE.search(url)
    suffix = (found[1] or "") if found else ""
    return _SUFFIXES.index(suffix) if suffix in _SUFFIXES else len(_SUFFIXES)


def _item_of(given: object, base: str) -> Item:
    if not isinstance(given, dict):
        return Item(trouble="it is no object")
    link, who = _address(given.get("link")), words(given.get("author_id"))
    name = _NAME.match(words(given.get("author")))
    media = given.get("media")
    small = _address(media.get("m")) if isinstance(media, dict) else ""
    title, text = words(given.get("title")), words(given.get("description"))
    return Item(
        id=link,
        url=link,
        title=Text(value=title, is_html=True, base=base) if title.strip() else None,
        texts=(Text(value=text, is_html=True, base=base),) if text.strip() else (),
        published=words(given.get("published")),
        authors=((name[1] if name else "", f"https://www.flickr.com/photos/{who}/" if _is_number(who) else ""),),
        tags=(words(given.get("tags")),),
        thumbnails=(small,) if small else (),
    )


def _address(value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"https?://\S{1,4000}", value) else ""


def _is_number(who: str) -> bool:
    return bool(re.fullmatch(r"\d{1,20}@N\d{1,4}", who))
