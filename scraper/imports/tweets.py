"""Tweets as the v1.1 API gave them (an array, a tweet a line), and the archive of an account that X gives its owner.

Fields: https://developer.x.com/en/docs/x-api/v1/data-dictionary/object-model/tweet. In an account's archive every
``tweets.js`` begins with ``window.YTD.tweets.part0 =``; media lie in ``tweets_media/<tweet id>-<name>``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from scraper.imports.bundle import Bundle
from scraper.imports.jsonstream import values
from scraper.imports.records import Bad, Item, LeftOut, NotReadable, Record, address, shortened, source_id, storable
from scraper.model import Attachment, DateOrigin, MediaKind, Post, Precision, Published

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CREATED = re.compile(r"\w{3} (\w{3}) (\d\d) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d) (\d{4})")
_ID = re.compile(r"\d{1,20}")
_NAME = re.compile(r"\w{1,20}")
_RETWEET = re.compile(r"RT @\w{1,20}: ")
_TAG = re.compile(r"[a-z]{2}")
_PARTS = re.compile(r"(?:.*/)?tweets?(?:-part\d+)?\.js", re.IGNORECASE)
_ACCOUNT = re.compile(r"(?:.*/)?account\.js", re.IGNORECASE)
_FOLDERS = ("tweets_media", "tweet_media")
#: ids above this one hold their time: https://docs.x.com/resources/fundamentals/x-ids
_FIRST_TIMED = 29_700_859_247
_EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Wish:
    """Whose tweets are wanted, and which.

    ``source_id`` None: ``tweets-<screen name>`` of the account, which is the first that wrote a tweet of its own. Then
    those of other accounts are left out. ``account`` is a screen name without ``@``.
    """

    source_id: str | None = None
    account: str | None = None
    retweets: bool = False
    replies: bool = False


@dataclass(slots=True)
class _Owner:
    """What is known of the account so far."""

    screen_name: str | None = None
    name: str | None = None
    user_id: str | None = None


@dataclass(slots=True)
class _Author:
    screen_name: str
    name: str | None = None
    user_id: str | None = None


class _Wrong(ValueError):
    """A tweet that cannot be read."""


def read(bundle: Bundle, wish: Wish) -> Iterator[Record]:
    """The posts of a file, or of an account's archive (its folder or its zip file).

    Raises:
        NotReadable: PATH has no tweets, or nobody knows whose they are.
    """
    reader = _Reader(bundle, wish)
    for name in reader.files():
        with bundle.open(name) as file:
            for found in values(file, name):
                yield found if isinstance(found, Bad) else reader.record(found.value, found.where)


@dataclass(slots=True)
class _Reader:
    bundle: Bundle
    wish: Wish
    owner: _Owner = field(default_factory=_Owner)
    folders: tuple[str, ...] = ()
    is_archive: bool = False

    def files(self) -> list[str]:
        if self.wish.account is not None:
            if not _NAME.fullmatch(self.wish.account.lstrip("@")):
                raise NotReadable(f"{shortened(self.wish.account)} is no account's name, such as Thom_astro")
            self.owner.screen_name = self.wish.account.lstrip("@")
        single = self.bundle.single
        if single is not None:
            is_part = _PARTS.fullmatch(single) is not None
            self._archive("", "account.js" if is_part and self.bundle.has("account.js") else None)
            return [single]
        names = list(self.bundle.names(".js"))
        found = [name for name in names if _PARTS.fullmatch(name)]
        if not found:
            raise NotReadable(
                f"{self.bundle.path} has no tweets.js: give the archive of an account as X has made it "
                "(its zip file, or the folder it was unpacked to), or a file of tweets in JSON"
            )
        home = posixpath.dirname(found[0])
        found = [name for name in found if posixpath.dirname(name) == home]
        self._archive(home, next((n for n in names if _ACCOUNT.fullmatch(n) and posixpath.dirname(n) == home), None))
        # an archive of 2022 has tweet.js, later ones tweets.js; never both, and if so they say the same
        return sorted(found, key=lambda name: (len(name), name))

    def _archive(self, home: str, account: str | None) -> None:
        self.folders = tuple(posixpath.join(home, folder) for folder in _FOLDERS)
        if account is None:
            return
        with self.bundle.open(account) as file:
            for found in values(file, account):
                said = (
                    found.value.get("account") if not isinstance(found, Bad) and isinstance(found.value, dict) else None
                )
                if isinstance(said, dict) and _NAME.fullmatch(str(said.get("username"))):
                    self.owner.screen_name = self.owner.screen_name or str(said["username"])
                    self.owner.user_id = str(said.get("accountId") or "") or None
                    self.owner.name = _word(said, "accountDisplayName") or None
                    return

    def record(self, value: object, where: str) -> Record:
        tweet = value.get("tweet", value) if isinstance(value, dict) else value
        if not isinstance(tweet, dict):
            return Bad(where=where, message=f"is {shortened(value)}, and a tweet was expected")
        try:
            return self._record(tweet, where)
        except _Wrong as error:
            return Bad(where=where, message=str(error))

    def _record(self, tweet: Mapping[str, Any], where: str) -> Record:
        if "data" in tweet and "__twarc" in tweet:
            raise NotReadable(
                f"{where}: this is an answer of the v2 API as twarc2 keeps it; docs/imports.md has a recipe for it"
            )
        if isinstance(tweet.get("errors"), list) and "id_str" not in tweet:
            raise _Wrong(f"is an error of the API: {shortened(tweet['errors'], 200)}")
        if tweet.keys() == {"account"}:
            raise NotReadable(
                f"{where}: this is the account.js of an archive; name its tweets.js, its folder or its zip file"
            )
        native_id = _id(tweet)
        text = _text(tweet)
        retweeted = tweet.get("retweeted_status")
        is_retweet = isinstance(retweeted, dict) or _RETWEET.match(text) is not None
        author = self._author(tweet)
        user = tweet.get("user")
        if isinstance(user, dict) and user.get("protected") is True:
            return LeftOut(reason="their account is not public")
        if is_retweet and not self.wish.retweets:
            return LeftOut(reason="they are retweets (--retweets takes them)")
        if self.owner.screen_name is None:
            self.owner = _Owner(author.screen_name, author.name, author.user_id)
        if self.wish.source_id is None and author.screen_name.lower() != (self.owner.screen_name or "").lower():
            return LeftOut(reason=f"they are by others than @{self.owner.screen_name} (--source ID takes all)")
        continues, is_reply = self._reply(tweet, author)
        if is_reply and not continues and not is_retweet and not self.wish.replies:
            return LeftOut(reason="they are replies to others (--replies takes them)")
        shown = retweeted if isinstance(retweeted, dict) else tweet
        return self._item(tweet, shown, native_id, author, continues, where)

    def _author(self, tweet: Mapping[str, Any]) -> _Author:
        user = tweet.get("user")
        if isinstance(user, dict) and _NAME.fullmatch(str(user.get("screen_name"))):
            user_id = user.get("id_str")
            return _Author(
                str(user["screen_name"]), _word(user, "name") or None, user_id if isinstance(user_id, str) else None
            )
        if self.owner.screen_name is None:
            raise NotReadable(
                f"{self.bundle.path} does not say whose tweets these are: "
                "put account.js of the same archive beside it, or give --account NAME"
            )
        return _Author(self.owner.screen_name, self.owner.name, self.owner.user_id)

    def _reply(self, tweet: Mapping[str, Any], author: _Author) -> tuple[str | None, bool]:
        """The author's own tweet that it continues, and whether it is a reply at all."""
        to_tweet = tweet.get("in_reply_to_status_id_str") or tweet.get("in_reply_to_status_id")
        to_user = tweet.get("in_reply_to_user_id_str") or tweet.get("in_reply_to_user_id")
        to_name = tweet.get("in_reply_to_screen_name")
        if not (to_tweet or to_user or to_name):
            return None, False
        is_own = (author.user_id is not None and str(to_user) == author.user_id) or (
            isinstance(to_name, str) and to_name.lower() == author.screen_name.lower()
        )
        return (str(to_tweet) if is_own and _ID.fullmatch(str(to_tweet)) else None), not is_own or bool(to_tweet)

    def _item(
        self,
        tweet: Mapping[str, Any],
        shown: Mapping[str, Any],
        native_id: str,
        author: _Author,
        continues: str | None,
        where: str,
    ) -> Item:
        first = _first_id(tweet) or native_id
        created = _created(tweet)
        published, edited_at = created, None
        if first != native_id:
            # an edited tweet has an id of its own; the first one keeps the post together, and holds its time
            edited_at = created.at if created else None
            published = _time_in(first) or published
        shown_author = self._author(shown) if shown is not tweet else author
        attachments, beside = self._media(shown, _id(shown) if shown is not tweet else native_id)
        tags = [tag.get("text") for tag in _list(_entities(shown), "hashtags") if isinstance(tag, dict)]
        lang = shown.get("lang")
        post = Post(
            source_id=self.wish.source_id or source_id("tweets", self.owner.screen_name or ""),
            native_id=first,
            url=f"https://twitter.com/{author.screen_name}/status/{first}",
            author=shown_author.name or shown_author.screen_name,
            author_url=f"https://twitter.com/{shown_author.screen_name}",
            body=_body(shown),
            published=published,
            edited_at=edited_at,
            attachments=attachments,
            hashtags=tuple(dict.fromkeys(storable(tag) for tag in tags if isinstance(tag, str) and tag.strip())),
            languages=(lang,) if isinstance(lang, str) and _TAG.fullmatch(lang) else (),
            content_warning="possibly sensitive" if shown.get("possibly_sensitive") is True else None,
            in_reply_to=continues,
        )
        return Item(where=where, post=post, beside=beside)

    def _media(
        self, tweet: Mapping[str, Any], tweet_id: str
    ) -> tuple[tuple[Attachment, ...], dict[str, tuple[str, ...]]]:
        attachments: list[Attachment] = []
        beside: dict[str, tuple[str, ...]] = {}
        for number, medium in enumerate(_all_media(tweet), start=1):
            if not isinstance(medium, dict):
                raise _Wrong(f"medium {number} is {shortened(medium)}")
            for attachment, names in _attachments(medium, number):
                attachments.append(attachment)
                beside[attachment.key] = tuple(
                    posixpath.join(folder, f"{tweet_id}-{name}") for folder in self.folders for name in names
                )
        return tuple(attachments), beside


def _attachments(medium: Mapping[str, Any], number: int) -> list[tuple[Attachment, list[str]]]:
    """A picture; of a film the film and its poster. Each with the names of its file in an archive."""
    picture = address(medium.get("media_url_https")) or address(medium.get("media_url"))
    if picture is None:
        raise _Wrong(f"medium {number} has no address")
    native_id = medium.get("id_str") or medium.get("id")
    key = str(native_id) if _ID.fullmatch(str(native_id)) else None
    alt = _word(medium, "ext_alt_text").strip() or _word(medium, "alt_text").strip() or None
    measures = medium.get("original_info")
    measures = measures if isinstance(measures, dict) else {}
    best, *others = _renditions(picture)
    is_film = medium.get("type") in ("video", "animated_gif")
    still = Attachment(
        url=best,
        alternatives=tuple(others),
        native_id=f"{key}-poster" if key and is_film else key,
        alt=None if is_film else alt,
        width=_pixels(measures, "width"),
        height=_pixels(measures, "height"),
    )
    found = [(still, [_basename(picture)])]
    if is_film and (films := _films(medium)):
        film = Attachment(url=films[0], alternatives=tuple(films[1:]), kind=MediaKind.VIDEO, native_id=key, alt=alt)
        found.insert(0, (film, [_basename(film) for film in films]))
    return found


def _renditions(picture: str) -> list[str]:
    """The addresses of a picture, the original before its renditions."""
    parts = urlsplit(picture)
    stem, extension = posixpath.splitext(parts.path)
    if parts.netloc.lower() != "pbs.twimg.com" or not extension or not parts.path.startswith("/media/"):
        return [picture]
    return [f"https://pbs.twimg.com{stem}?format={extension[1:]}&name=orig", picture]


def _films(medium: Mapping[str, Any]) -> list[str]:
    info = medium.get("video_info")
    variants = [one for one in _list(info, "variants") if isinstance(one, dict)] if isinstance(info, dict) else []
    mp4 = [one for one in variants if one.get("content_type") == "video/mp4" and address(one.get("url"))]
    return [one["url"] for one in sorted(mp4, key=lambda one: -int(re.sub(r"\D", "", str(one.get("bitrate"))) or 0))]


def _basename(url: str) -> str:
    return posixpath.basename(urlsplit(url).path)


def _all_media(tweet: Mapping[str, Any]) -> list[Any]:
    extended = _extended(tweet)
    for holder in (
        extended.get("extended_entities"),
        tweet.get("extended_entities"),
        extended.get("entities"),
        tweet.get("entities"),
    ):
        if isinstance(holder, dict) and holder.get("media"):
            return _list(holder, "media")
    return []


def _extended(tweet: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the streaming API had of a tweet that it cut."""
    extended = tweet.get("extended_tweet")
    return extended if isinstance(extended, dict) else {}


def _entities(tweet: Mapping[str, Any]) -> Mapping[str, Any]:
    entities = _extended(tweet).get("entities") or tweet.get("entities")
    return entities if isinstance(entities, dict) else {}


def _text(tweet: Mapping[str, Any]) -> str:
    text = _extended(tweet).get("full_text") or tweet.get("full_text", tweet.get("text"))
    if not isinstance(text, str):
        raise _Wrong(f"has no text (full_text is {shortened(text)})")
    return text


def _body(tweet: Mapping[str, Any]) -> str:
    """The text that is displayed, its links as they lead on, its entities as characters.

    What lies behind it stays if it is a link to something else than the media: of a tweet that is quoted, say.
    """
    text = _text(tweet)
    start, end = _range(_extended(tweet).get("display_text_range") or tweet.get("display_text_range"), text)
    body, tail = text[start:end], text[end:]
    for medium in _all_media(tweet):
        if isinstance(medium, dict) and isinstance(medium.get("url"), str) and medium["url"]:
            body = body.replace(medium["url"], "")
            tail = tail.replace(medium["url"], "")
    for link in _list(_entities(tweet), "urls"):
        if isinstance(link, dict) and isinstance(link.get("url"), str) and link["url"]:
            to = address(link.get("unwound", {}).get("url") if isinstance(link.get("unwound"), dict) else None)
            leads_to = address(link.get("expanded_url")) or to or link["url"]
            body = body.replace(link["url"], leads_to)
            if link["url"] in tail and leads_to not in body:
                body = f"{body.rstrip()} {leads_to}"
    body = body.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return storable(body).strip()


def _range(given: object, text: str) -> tuple[int, int]:
    """Which part is displayed, in code points; archives write the two as text."""
    if isinstance(given, list) and len(given) == 2 and all(re.fullmatch(r"\d{1,6}", str(one)) for one in given):
        start, end = int(given[0]), int(given[1])
        if start <= end <= len(text):
            return start, end
    return 0, len(text)


def _id(tweet: Mapping[str, Any]) -> str:
    given = tweet.get("id_str")
    if isinstance(given, str) and _ID.fullmatch(given):
        return given
    number = tweet.get("id")
    if isinstance(number, str) and _ID.fullmatch(number):
        return number
    # a number above 2**53 has gone through a float somewhere and is wrong in its last digits
    if given is None and type(number) is int and 0 < number < 2**53:
        return str(number)
    raise _Wrong(f"has no id_str that is a number in a text (id_str is {shortened(given)}, id is {shortened(number)})")


def _first_id(tweet: Mapping[str, Any]) -> str | None:
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


def _created(tweet: Mapping[str, Any]) -> Published | None:
    given = tweet.get("created_at")
    found = _CREATED.fullmatch(given) if isinstance(given, str) else None
    if found is None or found[1] not in _MONTHS:
        raise _Wrong(f"created_at is {shortened(given)}, and «Wed Nov 16 10:00:00 +0000 2016» was expected")
    zone = timedelta(hours=int(found[7]), minutes=int(found[8])) * (1 if found[6] == "+" else -1)
    try:
        day, hour, minute, second = (int(found[n]) for n in (2, 3, 4, 5))
        at = datetime(int(found[9]), _MONTHS.index(found[1]) + 1, day, hour, minute, second, tzinfo=UTC) - zone
    except (ValueError, OverflowError):
        raise _Wrong(f"created_at is {shortened(given)}, which is no time of the calendar") from None
    return Published(at=at, precision=Precision.SECOND, origin=DateOrigin.API)


def _time_in(tweet_id: str) -> Published | None:
    number = int(tweet_id)
    if not _FIRST_TIMED < number < 2**63:
        return None
    at = _EPOCH + timedelta(milliseconds=number >> 22)
    return Published(at=at, precision=Precision.SECOND, origin=DateOrigin.API)


def _list(holder: object, name: str) -> list[Any]:
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, list) else []


def _word(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return storable(value) if isinstance(value, str) else ""


def _pixels(holder: Mapping[str, Any], name: str) -> int | None:
    value = holder.get(name)
    number = int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value) else value
    return number if type(number) is int and 0 < number < 2**31 else None
