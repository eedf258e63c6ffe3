"""A capture of the Archive as the answer that the original server once gave; and addresses of captures."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from scraper.capture import Capture, Request, memento_of

#: the farthest that a capture given in place of another may lie from it
NEAR = timedelta(days=1)

_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_ORIGINAL = "x-archive-orig-"
#: of the way from there to the Archive, and undone there
_TRANSPORT = frozenset({"content-encoding", "transfer-encoding", "content-length", "connection", "set-cookie"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Memento:
    """One capture: when it was made (aware UTC), of which address, and the answer as the original server gave it."""

    at: datetime
    original: str
    answer: Capture


def address(server: str, timestamp: str, original: str, mode: str = "id_") -> str:
    """Where the bytes of a capture are: ``id_`` as they were captured, ``im_`` of a picture."""
    return f"{server}/web/{timestamp}{mode}/{original}"


def memento(capture: Capture, home: str = "") -> Memento:
    """The capture that an answer of the Archive plays back.

    Args:
        capture: the answer, asked for by an address of ``address``.
        home: an address whose scheme and host name the captured one gets where only these differ (``http`` or
            ``https``, with ``www.`` or a port), so that what is one place has one address.

    Raises:
        ParseError: the Archive plays back another capture, far from the one asked for, or a page of its own.
    """
    asked, played = memento_of(capture.request.url), memento_of(capture.url)
    if asked is None or played is None or not _SCHEME.match(played[1]):
        raise capture.parse_error("expected a capture of the Archive, and this is no address of one")
    if "memento-datetime" not in capture.headers:
        raise capture.parse_error("the Archive answered with a page of its own in place of the capture")
    if abs(played[0] - asked[0]) > NEAR:
        message = f"the Archive has no capture of {asked[0]:%Y-%m-%d}, and gives one of {played[0]:%Y-%m-%d}"
        raise capture.parse_error(f"{message}, which is not what was asked for")
    own = {
        name.removeprefix(_ORIGINAL): value
        for name, value in capture.headers.items()
        if name.startswith(_ORIGINAL) and name.removeprefix(_ORIGINAL) not in _TRANSPORT
    }
    if kind := capture.headers.get("content-type"):
        own.setdefault("content-type", kind)
    original = at_home(played[1], home)
    answer = replace(capture, request=Request(url=original), url=original, headers=own, not_modified=None)
    return Memento(at=played[0], original=original, answer=answer)


def at_home(original: str, home: str) -> str:
    """A captured address, with the scheme and host of ``home`` where it is the same place."""
    try:
        parts, place = urlsplit(original), urlsplit(home)
        if parts.port in (80, 443):
            parts = parts._replace(netloc=parts.hostname or "")
        if home and _name(parts.hostname) == _name(place.hostname):
            parts = parts._replace(scheme=place.scheme, netloc=place.netloc)
        return parts._replace(fragment="").geturl()
    except ValueError:  # no such port, half an IPv6 address
        return original


def _name(host: str | None) -> str:
    return (host or "").lower().removeprefix("www.")
