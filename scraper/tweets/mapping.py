"""One tweet as the v1.1 API and the archive of an account write it: its text, date, media, ids; pure.

Fields: https://developer.x.com/en/docs/x-api/v1/data-dictionary/object-model/tweet
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from scraper.model import Attachment, DateOrigin, MediaKind, Precision, Published

_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)}
_CREATED = re.compile(r"\w{3} (\w{3}) (\d\d) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d) (\d{4})", re.ASCII)
_ID = re.compile(r"\d{1,20}", re.ASCII)
_RETWEET = re.compile(r"RT @\w{1,20}: ")
_ADDRESS = re.compile(r"https?://[^\s/?#]+\S*")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
#: ids above this one hold their time: https://docs.x.com/resources/fundamentals/x-ids
_FIRST_TIMED = 29_700_859_247
_EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)


class NotATweet(ValueError):
    """It cannot be read as a tweet; the message is the rest of a sentence that begins with where it stood."""


def is_retweet(text: str) -> bool:
    """Whether it passes on what somebody else wrote, in the form of before there was a field for it."""
    return _RETWEET.match(text) is not None


def attachments_of(medium: Mapping[str, Any], number: int) -> list[tuple[Attachment, list[str]]]:
    """A picture; of a film the film and its poster. Each with the names of its file in an archive."""
    picture = address(medium.get("media_url_https")) or address(medium.get("media_url"))
    if picture is None:
        raise NotATweet(f"medium {number} has no address")
    native_id = medium.get("id_str") or medium.get("id")
    key = str(native_id) if _ID.fullmatch(str(native_id)) else None
    alt = word(medium, "ext_alt_text").strip() or word(medium, "alt_text").strip() or None
    measures = medium.get("original_info")
    measures = measures if isinstance(measures, dict) else {}
    best, *others = renditions(picture)
    is_film = medium.get("type") in ("video", "animated_gif")
    still = Attachment(
        url=best,
        alternatives=tuple(others),
        native_id=f"{key}-poster" if key and is_film else key,
        alt=None if is_film else alt,
        width=pixels(measures, "width"),
        height=pixels(measures, "height"),
    )
    found = [(still, [_basename(picture)])]
    if is_film and (films := _films(medium)):
        film = Attachment(url=films[0], alternatives=tuple(films[1:]), kind=MediaKind.VIDEO, native_id=key, alt=alt)
        found.insert(0, (film, [_basename(film) for film in films]))
    return found


def renditions(picture: str) -> list[str]:
    """The addresses of a picture, the original before its renditions."""
    parts = urlsplit(picture)
    stem, extension = posixpath.splitext(parts.path)
    if parts.netloc.lower() != "pbs.twimg.com" or not extension or not parts.path.startswith("/media/"):
        return [picture]
    return [f"https://pbs.twimg.com{stem}?format={extension[1:]}&name=orig", picture]


def _films(medium: Mapping[str, Any]) -> list[str]:
    info = medium.get("video_info")
    variants = [one for one in items(info, "variants") if isinstance(one, dict)] if isinstance(info, dict) else []
    mp4 = [one for one in variants if one.get("content_type") == "video/mp4" and address(one.get("url"))]
    return [one["url"] for one in sorted(mp4, key=lambda one: -int(re.sub(r"\D", "", str(one.get("bitrate"))) or 0))]


def _basename(url: str) -> str:
    return posixpath.basename(urlsplit(url).path)


def all_media(tweet: Mapping[str, Any]) -> list[Any]:
    """The media of a tweet, from wherever it tells them whole."""
    extended = _extended(tweet)
    for holder in (
        extended.get("extended_entities"),
        tweet.get("extended_entities"),
        extended.get("entities"),
        tweet.get("entities"),
    ):
        if isinstance(holder, dict) and holder.get("media"):
            return items(holder, "media")
    return []


def _extended(tweet: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the streaming API had of a tweet that it cut."""
    extended = tweet.get("extended_tweet")
    return extended if isinstance(extended, dict) else {}


def entities_of(tweet: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its hashtags, links and mentions."""
    entities = _extended(tweet).get("entities") or tweet.get("entities")
    return entities if isinstance(entities, dict) else {}


def text_of(tweet: Mapping[str, Any]) -> str:
    """The text as the API gives it. Raises NotATweet where it has none."""
    text = _extended(tweet).get("full_text") or tweet.get("full_text", tweet.get("text"))
    if not isinstance(text, str):
        raise NotATweet(f"has no text (full_text is {_shortened(text)})")
    return text


def body_of(tweet: Mapping[str, Any]) -> str:
    """The text that is displayed, its links as they lead on, its entities as characters.

    What lies behind it stays if it is a link to something else than the media: of a tweet that is quoted, say.
    """
    text = text_of(tweet)
    start, end = _range(_extended(tweet).get("display_text_range") or tweet.get("display_text_range"), text)
    body, tail = text[start:end], text[end:]
    for medium in all_media(tweet):
        if isinstance(medium, dict) and isinstance(medium.get("url"), str) and medium["url"]:
            body = body.replace(medium["url"], "")
            tail = tail.replace(medium["url"], "")
    for link in items(entities_of(tweet), "urls"):
        if isinstance(link, dict) and isinstance(link.get("url"), str) and link["url"]:
            to = address(link.get("unwound", {}).get("url") if isinstance(link.get("unwound"), dict) else None)
            leads_to = address(link.get("expanded_url")) or to or link["url"]
            body = body.replace(link["url"], leads_to)
            if link["url"] in tail and leads_to not in body:
                body = f"{body.rstrip()} {leads_to}"
    body = body.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return _storable(body).strip()


def _range(given: object, text: str) -> tuple[int, int]:
    """Which part is displayed, in code points; archives write the two as text."""
    if isinstance(given, list) and len(given) == 2 and all(re.fullmatch(r"\d{1,6}", str(one)) for one in given):
        start, end = int(given[0]), int(given[1])
        if start <= end <= len(text):
            return start, end
    return 0, len(text)


def id_of(tweet: Mapping[str, Any]) -> str:
    """Its id as digits. Raises NotATweet where it has none, or one that went through a float."""
    given = tweet.get("id_str")
    if isinstance(given, str) and _ID.fullmatch(given):
        return given
    number = tweet.get("id")
    if isinstance(number, str) and _ID.fullmatch(number):
        return number
    # a number above 2**53 has gone through a float somewhere and is wrong in its last digits
    if given is None and type(number) is int and 0 < number < 2**53:
        return str(number)
    raise NotATweet(
        f"has no id_str that is a number in a text (id_str is {_shortened(given)}, id is {_shortened(number)})"
    )


def first_id(tweet: Mapping[str, Any]) -> str | None:
    """The id of the tweet as it was first, where it was edited."""
    for name in ("edit_info", "edit_controls", "edit"):
        said = tweet.get(name)
        inner = said.get("edit") or said.get("initial") if isinstance(said, dict) else None
        for holder in (inner, said):
            if not isinstance(holder, dict):
                continue
            if _ID.fullmatch(str(holder.get("initialTweetId"))):
                return str(holder["initialTweetId"])
            ids = holder.get("editTweetIds") or holder.get("edit_tweet_ids")
            if isinstance(ids, list) and ids and all(_ID.fullmatch(str(one)) for one in ids):
                return str(min(ids, key=int))
    return None


def created(tweet: Mapping[str, Any]) -> Published | None:
    """When it was posted. Raises NotATweet where that is not told."""
    given = tweet.get("created_at")
    found = _CREATED.fullmatch(given) if isinstance(given, str) else None
    if found is None or found[1] not in _MONTHS:
        raise NotATweet(f"created_at is {_shortened(given)}, and «Wed Nov 16 10:00:00 +0000 2016» was expected")
    zone = timedelta(hours=int(found[7]), minutes=int(found[8])) * (1 if found[6] == "+" else -1)
    try:
        day, hour, minute, second = (int(found[n]) for n in (2, 3, 4, 5))
        at = datetime(int(found[9]), _MONTHS[found[1]], day, hour, minute, second, tzinfo=UTC) - zone
    except (ValueError, OverflowError):
        raise NotATweet(f"created_at is {_shortened(given)}, which is no time of the calendar") from None
    return Published(at=at, precision=Precision.SECOND, origin=DateOrigin.API)


def time_in(tweet_id: str) -> Published | None:
    """The time that an id holds, to the second; None for one of before November 2010."""
    number = int(tweet_id)
    if not _FIRST_TIMED < number < 2**63:
        return None
    at = _EPOCH + timedelta(milliseconds=number >> 22)
    return Published(at=at, precision=Precision.SECOND, origin=DateOrigin.API)


def items(holder: object, name: str) -> list[Any]:
    """The list under ``name``; empty where there is none."""
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, list) else []


def word(holder: Mapping[str, Any], name: str) -> str:
    """The text under ``name``; empty where there is none."""
    value = holder.get(name)
    return _storable(value) if isinstance(value, str) else ""


def pixels(holder: Mapping[str, Any], name: str) -> int | None:
    """A width or height under ``name``, also where it is written as text; None for what no picture has."""
    value = holder.get(name)
    number = int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value) else value
    return number if type(number) is int and 0 < number < 2**31 else None


def address(value: object) -> str | None:
    """``value`` if it is an absolute http(s) address, else None."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value.strip()):
        return None
    try:
        urlsplit(value.strip())
    except ValueError:
        return None
    return _storable(value.strip())


def _storable(text: str) -> str:
    if not _UNSTORABLE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")


def _shortened(value: object, longest: int = 60) -> str:
    told = ascii(value) if isinstance(value, str) and _UNSTORABLE.search(value) else repr(value)
    return told if len(told) <= longest else f"{told[: longest - 1]}…"
