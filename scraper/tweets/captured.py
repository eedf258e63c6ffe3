"""Tweets as an archive captured them: JSON of the API (v1.1 and v2), and the pages of twitter.com until mid-2020.

Only what the account wrote that the address names is taken: a page of a tweet shows others' replies as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from scraper.capture import Capture
from scraper.model import Attachment, MediaKind, Post
from scraper.payload import published
from scraper.tweets import mapping, page

_NAME = re.compile(r"/(\w{1,20})(?:/|$)", re.ASCII)
_NO_NAMES = frozenset({"i", "statuses", "search", "hashtag", "intent", "1.1", "2", "home"})
_V2_MEDIA = {"video": MediaKind.VIDEO, "animated_gif": MediaKind.VIDEO}
_LANGUAGE = re.compile(r"[a-z]{2}")


def posts_of(capture: Capture, source_id: str) -> Iterator[Post]:
    """The tweets in a captured answer; retweets and what others wrote are left out.

    Raises:
        ParseError: it holds no tweets (since mid-2020 a page of X is an empty shell), or one that cannot be read; the
            others are given first.
    """
    wanted = account_in(capture.url)
    if capture.media_type.endswith("json") or capture.body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        found: list[Found] = list(_in_json(capture, source_id, capture.json()))
    else:
        found = [*page.tweets_in(capture, source_id)]
    faults: list[str] = []
    for name, post in found:
        if isinstance(post, str):
            faults.append(post)
        elif post is not None and (wanted is None or name is None or name.lower() == wanted.lower()):
            yield post
    if faults:
        raise capture.parse_error("; ".join(faults[:3]))


def account_in(url: str) -> str | None:
    """The account that an address on twitter.com names; None where it names none."""
    try:
        found = _NAME.match(urlsplit(url).path)
    except ValueError:
        return None
    return found[1] if found and found[1].lower() not in _NO_NAMES and not found[1].isdigit() else None


#: whose it is, and the post or what is wrong with it; no name: it does not say; no post: it passes on another's
Found = tuple[str | None, Post | str | None]


def _in_json(capture: Capture, source_id: str, value: object) -> Iterator[Found]:
    match value:
        case {"data": dict() | list() as data} if not isinstance(value, list):
            includes = value.get("includes") if isinstance(value, dict) else None
            tweets = data if isinstance(data, list) else [data]
            yield from (_guarded(number, _v2, tweet, source_id, includes) for number, tweet in enumerate(tweets, 1))
        case {"errors": list() as errors} if errors:
            raise capture.parse_error(f"the captured answer is an error of the API: {str(errors[0])[:200]}")
        case {"statuses": list() as tweets} | ([*_] as tweets):
            yield from (_guarded(number, _v1, tweet, source_id, None) for number, tweet in enumerate(tweets, 1))
        case {"id_str": _} | {"id": _}:
            yield _guarded(1, _v1, value, source_id, None)
        case _:
            raise capture.parse_error("expected tweets of the API (v1.1 or v2) and got other JSON")


def _guarded(number: int, read: Any, tweet: object, source_id: str, includes: object) -> Found:
    try:
        if not isinstance(tweet, dict):
            raise mapping.NotATweet("is no object")
        found: Found = read(tweet, source_id, includes)
        return found
    except mapping.NotATweet as error:
        return None, f"tweet {number} {error}"


def _v1(tweet: Mapping[str, Any], source_id: str, _: object) -> Found:
    user = tweet.get("user")
    name = str(user["screen_name"]) if isinstance(user, dict) and isinstance(user.get("screen_name"), str) else None
    native_id, at = mapping.id_of(tweet), mapping.created(tweet)
    if name is None:
        raise mapping.NotATweet(f"{native_id} does not say whose it is")
    if isinstance(tweet.get("retweeted_status"), dict) or mapping.is_retweet(mapping.text_of(tweet)):
        return None, None
    first = mapping.first_id(tweet) or native_id
    media = [medium for medium in mapping.all_media(tweet) if isinstance(medium, dict)]
    pictures = [item for number, one in enumerate(media, 1) for item, _ in mapping.attachments_of(one, number)]
    tags = [tag.get("text") for tag in mapping.items(mapping.entities_of(tweet), "hashtags") if isinstance(tag, dict)]
    lang = mapping.word(tweet, "lang")
    to = tweet.get("in_reply_to_status_id_str")
    own = name.lower() == mapping.word(tweet, "in_reply_to_screen_name").lower() and isinstance(to, str) and to
    return name, Post(
        source_id=source_id,
        native_id=first,
        url=f"https://twitter.com/{name}/status/{first}",
        author=mapping.word(user or {}, "name").strip() or name,
        author_url=f"https://twitter.com/{name}",
        body=mapping.body_of(tweet),
        published=mapping.time_in(first) or at if first != native_id else at,
        edited_at=at.at if at and first != native_id else None,
        attachments=tuple(captured(item) for item in pictures),
        hashtags=tuple(dict.fromkeys(tag for tag in tags if isinstance(tag, str) and tag.strip())),
        languages=(lang,) if _LANGUAGE.fullmatch(lang) else (),
        content_warning="possibly sensitive" if tweet.get("possibly_sensitive") is True else None,
        in_reply_to=str(to) if own else None,
    )


def _v2(tweet: Mapping[str, Any], source_id: str, includes: object) -> Found:
    """https://docs.x.com/x-api/fundamentals/data-dictionary#tweet: media and authors stand apart, in ``includes``."""
    native_id, text = tweet.get("id"), tweet.get("text")
    note = tweet.get("note_tweet")
    text = note["text"] if isinstance(note, dict) and isinstance(note.get("text"), str) else text
    if not isinstance(native_id, str) or not native_id.isascii() or not native_id.isdigit() or len(native_id) > 20:
        raise mapping.NotATweet(f"has no id that is a number in a text ({str(native_id)[:40]!r})")
    if not isinstance(text, str):
        raise mapping.NotATweet(f"{native_id} has no text")
    if mapping.is_retweet(text) or any(
        _is(one, "type", "retweeted") for one in mapping.items(tweet, "referenced_tweets")
    ):
        return None, None
    history = [one for one in mapping.items(tweet, "edit_history_tweet_ids") if isinstance(one, str) and one.isdigit()]
    first = min([native_id, *history], key=int)
    user: Mapping[str, Any] = next(
        (u for u in mapping.items(includes, "users") if _is(u, "id", tweet.get("author_id"))), {}
    )
    name = mapping.word(user, "username") or None
    held = tweet.get("attachments")
    keys = mapping.items(held, "media_keys")
    media = [m for key in keys for m in mapping.items(includes, "media") if _is(m, "media_key", key)]
    at = published(mapping.word(tweet, "created_at"))
    lang = mapping.word(tweet, "lang")
    entities = tweet.get("entities")
    tags = [tag.get("tag") for tag in mapping.items(entities, "hashtags") if isinstance(tag, dict)]
    continues = next(
        (o.get("id") for o in mapping.items(tweet, "referenced_tweets") if _is(o, "type", "replied_to")), None
    )
    own = continues if tweet.get("in_reply_to_user_id") == tweet.get("author_id") is not None else None
    return name, Post(
        source_id=source_id,
        native_id=first,
        url=f"https://twitter.com/{name or 'i'}/status/{first}",
        author=mapping.word(user, "name").strip() or name,
        author_url=f"https://twitter.com/{name}" if name else None,
        body=mapping.body_of({"text": text, "entities": _entities_as_in_v1(entities)}),
        published=(mapping.time_in(first) if first != native_id else at) or at or mapping.time_in(first),
        edited_at=at.at if at and first != native_id else None,
        attachments=tuple(item for one in media for item in _v2_media(one)),
        hashtags=tuple(dict.fromkeys(tag for tag in tags if isinstance(tag, str) and tag.strip())),
        languages=(lang,) if _LANGUAGE.fullmatch(lang) else (),
        content_warning="possibly sensitive" if tweet.get("possibly_sensitive") is True else None,
        in_reply_to=own if isinstance(own, str) and own else None,
    )


def _entities_as_in_v1(entities: object) -> dict[str, Any]:
    """The links of a v2 tweet apart from those to its own media, which a reader does not see."""
    links = [link for link in mapping.items(entities, "urls") if isinstance(link, dict)]
    own = [link for link in links if link.get("media_key")]
    return {"urls": [link for link in links if not link.get("media_key")], "media": own}


def _v2_media(medium: Mapping[str, Any]) -> Iterator[Attachment]:
    key, alt = mapping.word(medium, "media_key") or None, mapping.word(medium, "alt_text").strip() or None
    kind = _V2_MEDIA.get(mapping.word(medium, "type"))
    if kind is not None:
        yield Attachment(url=None, kind=kind, native_id=key, alt=alt)
    picture = mapping.address(medium.get("url")) or mapping.address(medium.get("preview_image_url"))
    if picture is not None:
        url, *others = mapping.renditions(picture)
        item = Attachment(
            url=url,
            alternatives=tuple(others),
            native_id=f"{key}-poster" if kind and key else key,
            alt=None if kind else alt,
            width=mapping.pixels(medium, "width"),
            height=mapping.pixels(medium, "height"),
        )
        yield captured(item)


def captured(item: Attachment) -> Attachment:
    """``item`` with the addresses under which an archive may hold it: ``:orig``, ``:large`` and bare, as of then.

    It is named by its file, the one name that pages and both versions of the API have for it.
    """
    bare = next((url for url in (*item.alternatives, item.url or "") if page.PICTURE.fullmatch(url)), None)
    if bare is None:
        return item
    url, *others = dict.fromkeys((f"{bare}:orig", f"{bare}:large", bare, item.url or bare, *item.alternatives))
    return replace(item, url=url, alternatives=tuple(others), native_id=bare.rpartition("/")[2])


def _is(holder: object, name: str, value: object) -> bool:
    return isinstance(holder, dict) and value is not None and holder.get(name) == value
