"""The pages that twitter.com made on its servers until mid-2020: every tweet on one, with its date and its pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag

from scraper.capture import Capture
from scraper.model import Attachment, DateOrigin, MediaKind, Post, Precision, Published
from scraper.pages.tree import attribute, tree_of
from scraper.text.markup import html_to_text
from scraper.tweets.mapping import time_in

#: a picture's own address, without the name of a rendition
PICTURE = re.compile(r"https?://pbs\.twimg\.com/media/[\w-]{1,60}\.\w{2,5}", re.ASCII)

_RENDITION = re.compile(r":\w{1,12}$")
_ID = re.compile(r"\d{1,20}", re.ASCII)
_NAME = re.compile(r"\w{1,20}", re.ASCII)
_STATUS = re.compile(r"/(\w{1,20})/status(?:es)?/(\d{1,20})", re.ASCII)
_POSTER = re.compile(r"background-image:\s*url\(['\"]?(https?://[^'\")\s]+)")
_SHOWN = re.compile(r"\A[“\"](.*)[”\"]\Z", re.DOTALL)


def tweets_in(capture: Capture, source_id: str) -> Iterator[tuple[str | None, Post | str]]:
    """Whose each tweet is, and the post or what is wrong with it; retweets are left out.

    Raises:
        ParseError: the page shows no tweet.
    """
    soup = tree_of(capture)
    given: set[str] = set()
    for text in soup.select(".tweet-text"):
        holder = next((tag for tag in text.parents if attribute(tag, "data-tweet-id")), None)
        if holder is None or attribute(holder, "data-retweet-id") or _is_quoted(text, holder):
            continue
        native_id, name = attribute(holder, "data-tweet-id"), attribute(holder, "data-screen-name")
        if not _ID.fullmatch(native_id) or not _NAME.fullmatch(name):
            yield None, f"a tweet has no id or names no account ({native_id[:40]!r}, {name[:40]!r})"
        elif native_id not in given:
            given.add(native_id)
            yield name, _post(source_id, native_id, name, holder, text)
    if not given and (told := _told(capture, soup, source_id)) is not None:
        given.add(told.native_id)
        yield None, told
    if not given and not soup.select(".tweet-text"):
        shell = (
            "an empty shell, as X has given since mid-2020" if soup.select("#react-root") else "a page without tweets"
        )
        raise capture.parse_error(f"expected a page of tweets and got {shell}")


def _post(source_id: str, native_id: str, name: str, holder: Tag, text: Tag) -> Post:
    body, tags = _plain(text)
    moment = _moment(holder)
    language = attribute(text, "lang")
    reply = attribute(holder, "data-conversation-id")
    continues = reply if _ID.fullmatch(reply) and reply != native_id and _is_own_reply(holder, name) else None
    warned = "possibly sensitive" if attribute(holder, "data-possibly-sensitive") == "true" else None
    return Post(
        source_id=source_id,
        native_id=native_id,
        url=f"https://twitter.com/{name}/status/{native_id}",
        author=attribute(holder, "data-name").strip() or name,
        author_url=f"https://twitter.com/{name}",
        body=body,
        published=moment or time_in(native_id),
        attachments=tuple(_pictures(holder, native_id)),
        hashtags=tags,
        languages=(language,) if re.fullmatch("[a-z]{2}", language) and language != "un" else (),
        content_warning=warned,
        in_reply_to=continues,
    )


def _told(capture: Capture, soup: BeautifulSoup, source_id: str) -> Post | None:
    """A tweet of which a page says no more than for those who link to it: its text, and a picture."""
    try:
        found = _STATUS.search(urlsplit(capture.url).path)
    except ValueError:
        return None
    said = _SHOWN.match(_meta(soup, "og:description"))
    if found is None or said is None:
        return None
    name, native_id = found.groups()
    picture = _RENDITION.sub("", _meta(soup, "og:image"))
    url = f"https://twitter.com/{name}/status/{native_id}"
    author = re.sub(r" (?:on|sur|auf|en) (?:Twitter|X)$", "", _meta(soup, "og:title")) or name
    items = tuple(_renditions(picture, None)) if PICTURE.fullmatch(picture) else ()
    author_url = f"https://twitter.com/{name}"
    return Post(
        source_id=source_id,
        native_id=native_id,
        url=url,
        author=author,
        author_url=author_url,
        body=said[1].strip(),
        published=time_in(native_id),
        attachments=items,
    )


def _plain(text: Tag) -> tuple[str, tuple[str, ...]]:
    """The text with its links written out, and its hashtags; links to its own pictures are left out."""
    tags = []
    for link in text.select("a"):
        if attribute(link, "data-pre-embedded") == "true" or "u-hidden" in attribute(link, "class").split():
            link.replace_with("")
        elif "twitter-hashtag" in attribute(link, "class").split():
            tags.append(link.get_text().strip().lstrip("#"))
            link.replace_with(link.get_text())
        else:
            expanded = attribute(link, "data-expanded-url") or attribute(link, "title")
            is_web = re.match(r"https?://\S+$", expanded)
            link.replace_with(expanded if is_web else link.get_text())
    for emoji in text.select("img.Emoji"):
        emoji.replace_with(attribute(emoji, "alt"))
    body = html_to_text(text.decode_contents(), typed=True)
    return re.sub(r"[ \t]+$", "", body, flags=re.MULTILINE).strip(), tuple(dict.fromkeys(tag for tag in tags if tag))


def _moment(holder: Tag) -> Published | None:
    for stamp in holder.select("[data-time]", limit=1):
        said = attribute(stamp, "data-time")
        if re.fullmatch(r"\d{9,10}", said, re.ASCII):
            at = datetime.fromtimestamp(int(said), UTC)
            return Published(at=at, precision=Precision.SECOND, origin=DateOrigin.PAGE)
    return None


def _pictures(holder: Tag, native_id: str) -> Iterator[Attachment]:
    for box in holder.select(".AdaptiveMedia-photoContainer[data-image-url]"):
        url = _RENDITION.sub("", attribute(box, "data-image-url"))
        alt = next((attribute(image, "alt").strip() for image in box.select("img[alt]", limit=1)), "")
        yield from _renditions(url, alt or None)
    for number, player in enumerate(holder.select(".PlayableMedia-player"), start=1):
        key = f"{native_id}-film-{number}"
        yield Attachment(url=None, kind=MediaKind.VIDEO, native_id=key)
        if poster := _POSTER.search(attribute(player, "style")):
            yield Attachment(url=poster[1], native_id=f"{key}-poster")


def _renditions(url: str, alt: str | None) -> Iterator[Attachment]:
    if PICTURE.fullmatch(url):
        yield Attachment(
            url=f"{url}:orig", alternatives=(f"{url}:large", url), native_id=url.rpartition("/")[2], alt=alt
        )
    elif re.match(r"https?://[^\s/]+/\S*$", url):
        yield Attachment(url=url, alt=alt)


def _is_quoted(text: Tag, holder: Tag) -> bool:
    for tag in text.parents:
        if tag is holder:
            return False
        if "QuoteTweet" in attribute(tag, "class").split():
            return True
    return False


def _is_own_reply(holder: Tag, name: str) -> bool:
    """Whether the account answers itself: whom else it answers stands in ``data-reply-to-users-json``."""
    return f'"screen_name":"{name.lower()}"' in attribute(holder, "data-reply-to-users-json").lower().replace(" ", "")


def _meta(soup: BeautifulSoup, name: str) -> str:
    found = soup.select_one(f'meta[property="{name}"], meta[name="{name}"]')
    return attribute(found, "content").strip() if found is not None else ""
