"""A folder that gallery-dl has filled with ``--write-metadata``: beside each medium a ``.json`` that tells of its post.

Its fields differ from site to site (``category``); the sites that a mission posts to are known here one by one, any
other is read by the fields that most have. Dates are in UTC, and say so nowhere:
https://github.com/mikf/gallery-dl/blob/master/docs/formatting.md.
"""

from __future__ import annotations

import json
import posixpath
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from scraper.imports.bundle import Bundle, Missing
from scraper.imports.records import (
    Bad,
    Item,
    LeftOut,
    NotReadable,
    Record,
    address,
    kind_of,
    shortened,
    source_id,
    storable,
)
from scraper.model import Attachment, DateOrigin, MediaKind, Post, Precision, Published
from scraper.text.markup import html_to_text

#: bytes of the largest ``.json`` that is read
LARGEST = 4 * 2**20
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)?")
_CATEGORY = re.compile(r"[\w.-]{1,60}")


@dataclass(frozen=True, slots=True)
class _Site:
    """Where a site's metadata has what makes a post: dotted names, the first that is there counts."""

    id: tuple[str, ...]
    text: tuple[str, ...]
    author: tuple[str, ...]
    url: tuple[str, ...] = ()
    #: an address made of other fields
    pattern: str | None = None
    profile: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    medium: tuple[str, ...] = ()
    medium_url: tuple[str, ...] = ()
    alt: tuple[str, ...] = ()
    tags: tuple[str, ...] = ("tags", "hashtags")
    lang: tuple[str, ...] = ("lang", "language")
    is_html: bool = False


_SITES = {
    "twitter": _Site(
        id=("tweet_id",),
        text=("content",),
        author=("author.nick", "author.name"),
        pattern="https://twitter.com/{author.name}/status/{tweet_id}",
        alt=("description",),
        tags=("hashtags",),
    ),
    "mastodon": _Site(
        id=("id",),
        text=("content",),
        author=("account.display_name", "account.acct"),
        url=("url", "uri"),
        profile=("account.url",),
        medium=("media.id",),
        medium_url=("media.url", "media.remote_url"),
        alt=("media.description",),
        is_html=True,
    ),
    "bluesky": _Site(
        id=("post_id",),
        text=("text",),
        author=("author.displayName", "author.handle"),
        pattern="https://bsky.app/profile/{author.handle}/post/{post_id}",
        alt=("description",),
        tags=("hashtags",),
        lang=("langs", "lang"),
    ),
    "flickr": _Site(
        id=("id",),
        text=("description",),
        title=("title",),
        author=("owner.realname", "owner.username"),
        pattern="https://www.flickr.com/photos/{owner.path_alias|owner.nsid}/{id}/",
        is_html=True,
    ),
    "instagram": _Site(
        id=("post_shortcode", "post_id"),
        text=("description",),
        author=("fullname", "username"),
        url=("post_url",),
        pattern="https://www.instagram.com/p/{post_shortcode}/",
        medium=("media_id",),
        tags=(),
    ),
}
_ANY = _Site(
    id=("post_id", "tweet_id", "status_id", "id", "gid", "shortcode", "hash"),
    text=("content", "description", "caption", "text", "selftext", "body"),
    title=("title",),
    author=(
        "author.display_name",
        "author.name",
        "author",
        "user.name",
        "user",
        "username",
        "uploader",
        "artist",
        "owner",
    ),
    url=("post_url", "permalink", "webpage_url"),
    medium=("media_id",),
    alt=("alt_text", "alt"),
)


def read(bundle: Bundle, wish: str | None = None) -> Iterator[Record]:
    """The posts of a folder, each with all of its media, wherever in it they lie.

    Args:
        bundle: the folder.
        wish: whose posts they shall be; without it ``gallery-dl-<category>``. With it there may be one category only.

    Raises:
        NotReadable: PATH is no such folder.
    """
    if bundle.single is not None:
        raise NotReadable(f"{bundle.path} is no folder; name the one that gallery-dl has written to")
    # on the disk, so that memory stays flat: the files of one post need not lie together
    index = sqlite3.connect("")
    try:
        index.execute("CREATE TABLE files (category TEXT, post TEXT, number INTEGER, name TEXT, said BLOB)")
        found = 0
        for name in bundle.names(".json"):
            found += 1
            record = _indexed(bundle, name, index)
            if record is not None:
                yield record
        if not found:
            raise NotReadable(f"{bundle.path} has no .json beside its media; run gallery-dl with --write-metadata")
        categories = [row[0] for row in index.execute("SELECT DISTINCT category FROM files ORDER BY 1")]
        if wish is not None and len(categories) > 1:
            raise NotReadable(
                f"{bundle.path} has posts of {', '.join(categories[:9])}: "
                "import the folder of each by itself, or leave out --source"
            )
        index.execute("CREATE INDEX by_post ON files (category, post, number, name)")
        yield from _posts(index, wish)
    finally:
        index.close()


def _site_of(category: str, said: Mapping[str, Any]) -> _Site:
    """How a post is read. The category of a server of the fediverse is its own name: it is known by its account."""
    if isinstance(_at(said, "account.acct"), str) and isinstance(said.get("uri"), str):
        return _SITES["mastodon"]
    return _SITES.get(category, _ANY)


def _indexed(bundle: Bundle, name: str, index: sqlite3.Connection) -> Record | None:
    try:
        with bundle.open(name) as file:
            body = file.read(LARGEST + 1)
    except Missing as error:
        return Bad(where=name, message=str(error))
    if len(body) > LARGEST:
        return Bad(where=name, message=f"is larger than {LARGEST:,} bytes: no metadata of gallery-dl")
    try:
        said = json.loads(body)
    except ValueError as error:
        return Bad(where=name, message=f"cannot be read as JSON ({error})")
    except RecursionError:
        return Bad(where=name, message="is nested deeper than can be read")
    category = said.get("category") if isinstance(said, dict) else None
    if not isinstance(category, str) or not _CATEGORY.fullmatch(category):
        return Bad(where=name, message="has no category: it is not what gallery-dl --write-metadata writes")
    if posixpath.basename(name) == "info.json":
        return LeftOut(reason="they tell of a gallery, and of no medium (info.json)")
    site = _site_of(category, said)
    post = _first(said, site.id)
    if post is None:
        return Bad(where=name, message=f"has no id of its post ({', '.join(site.id)})")
    number = said.get("num")
    index.execute(
        "INSERT INTO files VALUES (?, ?, ?, ?, ?)",
        (
            category,
            post,
            number if type(number) is int and abs(number) < 2**31 else 0,
            name.encode(errors="surrogateescape"),
            body,
        ),
    )
    return None


def _posts(index: sqlite3.Connection, wish: str | None) -> Iterator[Record]:
    rows = index.execute("SELECT category, post, name, said FROM files ORDER BY category, post, number, name")
    group: list[tuple[str, Mapping[str, Any]]] = []
    present: tuple[str, str] | None = None
    for category, post, name, body in rows:
        if present is not None and (category, post) != present:
            yield _made(*present, group, wish)
            group = []
        present = category, post
        group.append((name.decode(errors="surrogateescape"), json.loads(body)))
    if present is not None:
        yield _made(*present, group, wish)


def _made(category: str, native_id: str, group: list[tuple[str, Mapping[str, Any]]], wish: str | None) -> Record:
    where, said = group[0]
    site = _site_of(category, said)
    if site in (_SITES["twitter"], _SITES["mastodon"]) and (said.get("retweet_id") or said.get("reblog")):
        return LeftOut(reason="they are what others wrote and the account passed on")
    text = next((given for _, one in group if (given := _first(one, site.text))), "")
    try:
        published = _published(said)
        post = Post(
            source_id=wish or source_id("gallery-dl", category),
            native_id=native_id,
            url=address(_first(said, site.url)) or _address_of(site, said),
            author=_first(said, site.author),
            author_url=address(_first(said, site.profile)),
            title=_first(said, site.title),
            body=html_to_text(text) if site.is_html else text,
            published=published,
            attachments=tuple(_attachment(site, name, one, position) for position, (name, one) in enumerate(group, 1)),
            hashtags=_tags(site, said),
            languages=tuple(_words(said, site.lang)),
            content_warning=_first(said, ("spoiler_text",)) or ("sensitive" if said.get("sensitive") is True else None),
            license=_first(said, ("license_name",)),
        )
    except ValueError as error:
        return Bad(where=where, message=str(error))
    keys = [attachment.key for attachment in post.attachments]
    beside = {key: (name.removesuffix(".json"),) for key, (name, _) in zip(keys, group, strict=True)}
    return Item(where=where, post=post, beside=beside)


def _attachment(site: _Site, name: str, said: Mapping[str, Any], position: int) -> Attachment:
    extension = said.get("extension")
    kind = kind_of(f"x.{extension}" if isinstance(extension, str) else name.removesuffix(".json"))
    measures = {name: said.get(name) for name in ("width", "height")}
    number = said.get("num")
    return Attachment(
        url=address(_first(said, site.medium_url)),
        kind=kind if kind is not MediaKind.UNKNOWN else MediaKind.IMAGE,
        native_id=_first(said, site.medium) or str(number if type(number) is int else position),
        alt=_first(said, site.alt),
        width=_pixels(measures["width"]),
        height=_pixels(measures["height"]),
    )


def _published(said: Mapping[str, Any]) -> Published | None:
    given = said.get("post_date") or said.get("date") or said.get("created_at")
    if given is None:
        return None
    found = _DATE.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise ValueError(f"date is {shortened(given)}, and «2016-12-03 10:00:00» in UTC was expected")
    try:
        at = datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"date is {shortened(given)}, which is no time of the calendar") from None
    return Published(at=at, precision=Precision.SECOND, origin=DateOrigin.API)


def _at(said: Mapping[str, Any], dotted: str) -> Any:
    value: Any = said
    for part in dotted.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _first(said: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of these that is a text or a whole number, as text without space around it."""
    for name in names:
        value = _at(said, name)
        if type(value) is int and value > 0:
            return str(value)
        if isinstance(value, str) and value.strip():
            return storable(value).strip()
    return None


def _address_of(site: _Site, said: Mapping[str, Any]) -> str | None:
    if site.pattern is None:
        return None
    values: list[str] = []
    for names in re.findall(r"\{([^}]*)\}", site.pattern):
        value = _first(said, tuple(names.split("|")))
        if value is None or not re.fullmatch(r"[\w.@:-]+", value):
            return None
        values.append(value)
    return re.sub(r"\{[^}]*\}", "{}", site.pattern).format(*values)


def _tags(site: _Site, said: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.lstrip("#") for word in _words(said, site.tags) if word.strip("# ")))


def _words(said: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    for name in names:
        value = said.get(name)
        if isinstance(value, str):
            return [storable(word) for word in value.split() if word not in ("und", "zxx")]
        if isinstance(value, list):
            found = [one.get("name") if isinstance(one, dict) else one for one in value]
            return [storable(word) for word in found if isinstance(word, str) and word.strip()]
    return []


def _pixels(value: object) -> int | None:
    return value if type(value) is int and 0 < value < 2**31 else None
