"""Which software a server of the fediverse runs, by its own word, and what that lets strangers read."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from scraper.capture import Access, Capture, Request
from scraper.fediverse.places import Place
from scraper.finding import Finding, Rank

#: makes whose timelines answer everybody, unless their administrators shut them
_OPEN = frozenset({"mastodon", "pleroma", "akkoma", "hometown", "glitch", "fedibird", "takahe", "friendica", "mitra"})
#: makes that do not answer strangers: why, and where they have feeds
_SHUT = {
    "pixelfed": ("answers its API only to those who log in", "{server}/users/{name}.atom"),
    "gotosocial": (
        "answers its API only with a read token (make one, put it into a variable, and name that in token_env)",
        "{server}/@{name}/feed.rss",
    ),
    "misskey": ("does not speak Mastodon's API", "{server}/@{name}.atom"),
    "sharkey": ("does not answer strangers", "{server}/@{name}.atom"),
}
_KIND = "mastodon"


def known(text: str) -> Iterator[Finding | Request]:
    """What an address, or ``@someone@social.example``, says by its form; what the server is, is asked of it."""
    try:
        place = Place.of(text, None) if "://" in text else Place.of(f"https://{text.rpartition('@')[2]}/", text)
    except ValueError:
        return
    if not place.server.startswith(("http://", "https://")) or not urlsplit(place.server).hostname:
        return
    url = text if "://" in text else f"{place.server}/@{place.name}"
    form = f"the hashtag #{place.tag}" if place.tag else "a profile"
    reason = f"the address has the form of {form} on a Mastodon server, and the server does not say what it is"
    yield Finding(kind=_KIND, options={"url": url}, reason=reason, rank=Rank.POSSIBLE)
    where = f"{place.server}/.well-known/nodeinfo"
    yield Request(url=where, access=Access.API, accept="application/json", carry=f"nodeinfo {url}")


def found(capture: Capture) -> Iterator[Finding | Request]:
    """What a server's description of itself says: https://nodeinfo.diaspora.software/protocol.html.

    Raises:
        ParseError, LookupError, TypeError, ValueError: it is none.
    """
    step, _, url = (capture.request.carry or "").partition(" ")
    if step == "nodeinfo":
        links = [link for link in capture.json()["links"] if "nodeinfo.diaspora.software/ns/" in str(link.get("rel"))]
        addresses = [str(link["href"]) for link in links if urlsplit(link["href"]).hostname == urlsplit(url).hostname]
        if addresses:
            yield Request(url=addresses[-1], access=Access.API, accept="application/json", carry=f"software {url}")
    elif step == "software":
        said = capture.json()["software"]
        yield from _readable(str(said["name"]).lower()[:40], str(said.get("version", ""))[:40], url)


def _readable(name: str, version: str, url: str) -> Iterator[Finding | Request]:
    place = Place.of(url, None)
    runs = f"{place.host} runs {name.capitalize()} {version}".strip()
    if name not in _SHUT:
        is_open = name in _OPEN
        reason = f"{runs}, which speaks Mastodon's API" if is_open else f"{runs}, which may speak Mastodon's API"
        yield Finding(kind=_KIND, options={"url": url}, reason=reason, rank=Rank.CERTAIN if is_open else Rank.POSSIBLE)
        return
    why, feed = _SHUT[name]
    yield Finding(kind=_KIND, options={"url": url}, reason=f"{runs}, which {why}", rank=Rank.CLOSED)
    if place.name and "@" not in place.name:
        options = {"url": feed.format(server=place.server, name=quote(place.name, safe=""))}
        reason = f"{runs}: its feed of the account, where the account has one"
        yield Finding(kind="feed", options=options, reason=reason, rank=Rank.STATED)
