"""Tweets as the v1.1 API gave them (an array, a tweet a line), and the archive of an account that X gives its owner.

Fields: https://developer.x.com/en/docs/x-api/v1/data-dictionary/object-model/tweet. In an account's archive every
``tweets.js`` begins with ``window.YTD.tweets.part0 =``; media lie in ``tweets_media/<tweet id>-<name>``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scraper.imports.bundle import Bundle
from scraper.imports.jsonstream import values
from scraper.imports.records import Bad, Item, LeftOut, NotReadable, Record, shortened, source_id, storable
from scraper.model import Attachment, Post
from scraper.tweets import mapping

_ID = re.compile(r"\d{1,20}")
_NAME = re.compile(r"\w{1,20}")
_TAG = re.compile(r"[a-z]{2}")
_PARTS = re.compile(r"(?:.*/)?tweets?(?:-part\d+)?\.js", re.IGNORECASE)
_ACCOUNT = re.compile(r"(?:.*/)?account\.js", re.IGNORECASE)
_FOLDERS = ("tweets_media", "tweet_media")


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
                    self.owner.name = mapping.word(said, "accountDisplayName") or None
                    return

    def record(self, value: object, where: str) -> Record:
        tweet = value.get("tweet", value) if isinstance(value, dict) else value
        if not isinstance(tweet, dict):
            return Bad(where=where, message=f"is {shortened(value)}, and a tweet was expected")
        try:
            return self._record(tweet, where)
        except mapping.NotATweet as error:
            return Bad(where=where, message=str(error))

    def _record(self, tweet: Mapping[str, Any], where: str) -> Record:
        if "data" in tweet and "__twarc" in tweet:
            raise NotReadable(
                f"{where}: this is an answer of the v2 API as twarc2 keeps it; docs/imports.md has a recipe for it"
            )
        if isinstance(tweet.get("errors"), list) and "id_str" not in tweet:
            raise mapping.NotATweet(f"is an error of the API: {shortened(tweet['errors'], 200)}")
        if tweet.keys() == {"account"}:
            raise NotReadable(
                f"{where}: this is the account.js of an archive; name its tweets.js, its folder or its zip file"
            )
        native_id = mapping.id_of(tweet)
        text = mapping.text_of(tweet)
        retweeted = tweet.get("retweeted_status")
        is_retweet = isinstance(retweeted, dict) or mapping.is_retweet(text)
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
                str(user["screen_name"]),
                mapping.word(user, "name") or None,
                user_id if isinstance(user_id, str) else None,
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
        first = mapping.first_id(tweet) or native_id
        created = mapping.created(tweet)
        published, edited_at = created, None
        if first != native_id:
            # an edited tweet has an id of its own; the first one keeps the post together, and holds its time
            edited_at = created.at if created else None
            published = mapping.time_in(first) or published
        shown_author = self._author(shown) if shown is not tweet else author
        attachments, beside = self._media(shown, mapping.id_of(shown) if shown is not tweet else native_id)
        tags = [
            tag.get("text") for tag in mapping.items(mapping.entities_of(shown), "hashtags") if isinstance(tag, dict)
        ]
        lang = shown.get("lang")
        post = Post(
            source_id=self.wish.source_id or source_id("tweets", self.owner.screen_name or ""),
            native_id=first,
            url=f"https://twitter.com/{author.screen_name}/status/{first}",
            author=shown_author.name or shown_author.screen_name,
            author_url=f"https://twitter.com/{shown_author.screen_name}",
            body=mapping.body_of(shown),
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
        for number, medium in enumerate(mapping.all_media(tweet), start=1):
            if not isinstance(medium, dict):
                raise mapping.NotATweet(f"medium {number} is {shortened(medium)}")
            for attachment, names in mapping.attachments_of(medium, number):
                attachments.append(attachment)
                beside[attachment.key] = tuple(
                    posixpath.join(folder, f"{tweet_id}-{name}") for folder in self.folders for name in names
                )
        return tuple(attachments), beside
