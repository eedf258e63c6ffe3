"""What a reader gives: a post and where it stood, a record that is none, one left out; and the words in them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from scraper.model import MediaKind, Post

#: posts before a batch of them is recorded
TOLD = 300

_FILMS = frozenset({"mp4", "m4v", "mov", "webm", "mkv", "avi", "mpg", "mpeg", "ogv", "3gp", "ts"})
_SOUNDS = frozenset({"mp3", "m4a", "aac", "ogg", "oga", "opus", "wav", "flac"})
_ADDRESS = re.compile(r"https?://[^\s/?#]+\S*")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class NotReadable(Exception):
    """What was given is not what the format is, as a whole; the message says what was expected and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A post, where it stood (file, and line or record), and the files of its attachments.

    ``beside`` has for an attachment's key the names of files that may hold its bytes, the best one first. With
    ``expected`` the record names them itself, so that one which is not there is a fault.
    """

    where: str
    post: Post
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    expected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A record of which no post can be made, where it stood and why, in a sentence for a person."""

    where: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A record that is not wanted, and why: those with one reason are counted together."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something worth knowing that is no failure."""

    message: str


Record = Item | Bad | LeftOut | Note


def shortened(value: object, longest: int = 60) -> str:
    """A value as it may stand in a message: quoted, on one line, not longer than a person reads."""
    told = ascii(value) if isinstance(value, str) and _UNSTORABLE.search(value) else repr(value)
    return told if len(told) <= longest else f"{told[: longest - 1]}…"


def storable(text: str) -> str:
    """``text`` with U+FFFD in place of NUL and half a surrogate pair; two halves become their character."""
    if not _UNSTORABLE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")


def address(value: object) -> str | None:
    """``value`` if it is an absolute http(s) address, else None."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value.strip()):
        return None
    try:
        urlsplit(value.strip())
    except ValueError:
        return None
    return storable(value.strip())


def kind_of(name: str) -> MediaKind:
    """What kind of medium a file or an address is by its extension; without one that tells, a picture."""
    path = urlsplit(name).path if "://" in name else name
    extension = posixpath.splitext(unquote(path))[1].lower().removeprefix(".")
    if extension in _FILMS:
        return MediaKind.VIDEO
    return MediaKind.AUDIO if extension in _SOUNDS else MediaKind.IMAGE


def source_id(*words: str) -> str:
    """A source's id made of words: lower-case letters, digits and hyphens, at most 60 of them."""
    joined = re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")[:60].strip("-")
    return joined or "import"
