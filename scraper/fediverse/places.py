"""What an address on such a server names: an account there, an account of another server, or a hashtag."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

#: a profile's path
PROFILE = re.compile(r"/(?:@|users/)([\w.-]+)(?:@([\w.-]+(?::\d+)?))?(?:/(?:with_replies|media|featured)?)?")
#: ``someone@social.example``
ACCOUNT = re.compile(r"@?([\w.-]+)@([\w.-]+(?::\d+)?)")
_TAG = re.compile(r"/(?:tags|tag|discover/tags|explore/tags)/#?([^\s/?#.]+)/?")
_AUTHOR = re.compile(r"@?([\w.-]+)(?:@([\w.-]+(?::\d+)?))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whom or what to read on ``server`` (``https://host``): the account ``name``, or the ``tag``.

    The name of an account of another server has that one's host: ``someone@other.example``.
    """

    server: str
    name: str = ""
    tag: str = ""

    @classmethod
    def of(cls, url: str, account: str | None) -> Place:
        """What the address names, or in its place the account, read through the server of the address.

        Raises:
            ValueError: it names neither an account nor a hashtag.
        """
        parts = urlsplit(url)
        home = parts.netloc.lower().removesuffix(":443" if parts.scheme == "https" else ":80")
        path = unquote(parts.path)
        tagged = _TAG.fullmatch(path) if account is None else None
        named = PROFILE.fullmatch(path) if account is None else ACCOUNT.fullmatch(account)
        if (named is None and tagged is None) or "@" in home or parts.port == 0:  # a port that is no number is one too
            raise ValueError(
                "expected url: https://social.example/@someone, or url: https://social.example/tags/Proxima, "
                "or account: someone@social.example"
            )
        server = f"{parts.scheme}://{home}"
        if tagged is not None:
            return cls(server=server, tag=tagged[1])
        assert named is not None  # noqa: S101 - one of the two is
        host = (named[2] or home).lower()
        return cls(server=server, name=named[1] if host == home else f"{named[1]}@{host}")

    @property
    def host(self) -> str:
        """The server's own name."""
        return urlsplit(self.server).netloc

    @property
    def feeds(self) -> str:
        """The feeds that such a server may have of it, in words."""
        if self.tag:
            return f"{self.feed_of('mastodon')} (Mastodon)"
        names = {"pixelfed": "Pixelfed", "gotosocial": "GoToSocial", "mastodon": "Mastodon"}
        *most, last = [f"{self.feed_of(software)} ({name})" for software, name in names.items()]
        return f"{', '.join(most)} or {last}"

    def feed_of(self, software: str) -> str:
        """The address of its feed where the account's own server is made by ``software``."""
        if self.tag:
            return f"{self.server}/tags/{quote(self.tag, safe='')}.rss"
        name, _, host = self.name.partition("@")
        home = f"{urlsplit(self.server).scheme}://{host}" if host else self.server
        paths = {"pixelfed": f"/users/{name}.atom", "gotosocial": f"/@{name}/feed.rss"}
        return home + paths.get(software, f"/@{name}.rss")


def handle(acct: str, host: str) -> str:
    """``name@host`` of an account as a server states it (its own without a host), in small letters.

    Raises:
        ValueError: it is no name of an account.
    """
    named = _AUTHOR.fullmatch(acct)
    if named is None:
        raise ValueError(f"expected someone or someone@social.example, not {acct[:60]!r}")
    return f"{named[1]}@{named[2] or host}".lower()
