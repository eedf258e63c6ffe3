"""Cupola's own plain record, of csv and jsonl alike: named fields of a post, and what is wrong with one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from difflib import get_close_matches
from typing import Any

from scraper.imports.records import Item, address, kind_of, shortened, storable
from scraper.model import Attachment, DateOrigin, MediaKind, Post, Precision, Published

FIELDS = (
    "id",
    "url",
    "author",
    "author_url",
    "posted_at",
    "edited_at",
    "title",
    "text",
    "content_warning",
    "media",
    "alt",
    "hashtags",
    "lang",
    "credit",
    "license",
    "license_url",
    "in_reply_to",
)
#: fields of one medium, where jsonl gives an object
MEDIUM = ("path", "url", "alt", "credit", "kind", "width", "height")

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:[.,]\d+)?)?\s*(Z|z|UTC|[+-]\d\d:?\d\d|[+-]\d\d)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_LANG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_WRITE = "write 2016-12-03T10:00:00+01:00, 2016-12-03T09:00:00Z or, for the day alone, 2016-12-03"


class Wrong(ValueError):
    """A record that is no post; the message says which field and what was expected."""


@dataclass(frozen=True, slots=True)
class Plain:
    """How plain records are read.

    ``zone`` is that of times which name none; without it such a time is wrong. ``source_id`` is whose posts they are.
    """

    source_id: str
    zone: tzinfo | None = None

    def item(self, record: Mapping[str, Any], where: str) -> Item:
        """The post that a record states.

        Raises:
            Wrong: it is none.
        """
        url = _address(record, "url")
        native_id = _text(record, "id") or url
        if not native_id:
            near = misspelt("id", record) or misspelt("url", record)
            raise Wrong(f"has neither an id nor a url{f'; is {near!r} meant?' if near else ''}")
        attachments, beside = _media(record)
        title, body = _text(record, "title"), _text(record, "text", strip=False)
        if not (title or body.strip() or attachments):
            near = misspelt("text", record)
            raise Wrong(f"has no title, no text and no media{f'; is {near!r} meant for text?' if near else ''}")
        edited = self._time(record, "edited_at")
        if edited is not None and edited.precision is Precision.DAY:
            raise Wrong(f"edited_at is a day; {_WRITE.partition(' or,')[0]}")
        post = Post(
            source_id=self.source_id,
            native_id=native_id,
            url=url,
            author=_text(record, "author") or None,
            author_url=_address(record, "author_url"),
            title=title or None,
            body=body,
            published=self._time(record, "posted_at"),
            edited_at=edited.at if edited else None,
            attachments=attachments,
            hashtags=tuple(dict.fromkeys(_words(record, "hashtags", "#"))),
            languages=_languages(record),
            content_warning=_text(record, "content_warning") or None,
            credit=_text(record, "credit") or None,
            license=_text(record, "license") or None,
            license_url=_address(record, "license_url"),
            in_reply_to=_text(record, "in_reply_to") or None,
        )
        return Item(where=where, post=post, beside=beside, expected=True)

    def _time(self, record: Mapping[str, Any], name: str) -> Published | None:
        text = _text(record, name)
        if not text:
            return None
        if _DAY.fullmatch(text):
            try:
                return Published.on_day(date.fromisoformat(text), DateOrigin.API)
            except ValueError:
                raise Wrong(f"{name} {text!r} is no day of the calendar") from None
        found = _TIME.fullmatch(text)
        if not found:
            raise Wrong(f"{name} {shortened(text)} is not understood; {_WRITE}")
        zone = found[4] or ""
        if not zone and self.zone is None:
            raise Wrong(f"{name} {text!r} has no zone; {_WRITE}, or give --zone Europe/Paris (or UTC)")
        offset = "+00:00" if zone.upper() in ("Z", "UTC") else zone
        try:
            seconds = (found[3] or ":00").replace(",", ".")
            at = datetime.fromisoformat(f"{found[1]}T{found[2]}{seconds}{offset}")
            at = (at if at.tzinfo is not None else at.replace(tzinfo=self.zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise Wrong(f"{name} {text!r} is no time of the calendar") from None
        precision = Precision.SECOND if found[3] else Precision.MINUTE
        return Published(at=at, precision=precision, origin=DateOrigin.API, zone_known=bool(zone))


def misspelt(wanted: str, given: Mapping[str, Any] | Sequence[str]) -> str | None:
    """The name among those given, and not known, that is most like the one wanted."""
    unknown = [str(name) for name in given if name not in FIELDS]
    lower = {name.lower(): name for name in reversed(unknown)}
    near = get_close_matches(wanted, lower, n=1, cutoff=0.5)
    return lower[near[0]] if near else None


def nearest(name: str) -> str | None:
    """The known field that a name is most like."""
    near = get_close_matches(name.lower().replace(" ", "_"), FIELDS, n=1, cutoff=0.65)
    return near[0] if near else None


def _text(record: Mapping[str, Any], name: str, *, strip: bool = True) -> str:
    value = record.get(name)
    if value is None:
        return ""
    if type(value) is int and name in ("id", "in_reply_to"):
        return str(value)
    if not isinstance(value, str):
        raise Wrong(f"{name} is {shortened(value)}, and a text was expected")
    text = storable(value)
    return text.strip() if strip else text


def _address(record: Mapping[str, Any], name: str) -> str | None:
    text = _text(record, name)
    if text and address(text) is None:
        raise Wrong(f"{name} {shortened(text)} is no address that begins with http:// or https://")
    return text or None


def _words(record: Mapping[str, Any], name: str, mark: str = "") -> list[str]:
    value = record.get(name)
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        words = [storable(word) for word in value]
    else:
        words = re.split(r"[\s,;|]+", _text(record, name))
    return [word.strip().lstrip(mark) for word in words if word.strip().lstrip(mark)]


def _languages(record: Mapping[str, Any]) -> tuple[str, ...]:
    words = _words(record, "lang")
    for word in words:
        if not _LANG.fullmatch(word):
            raise Wrong(f"lang {shortened(word)} is no language tag such as fr, en or fr-CA")
    return tuple(dict.fromkeys(words))


def _media(record: Mapping[str, Any]) -> tuple[tuple[Attachment, ...], dict[str, tuple[str, ...]]]:
    given = _many(record, "media")
    alone = record.get("alt") if len(given) == 1 else None
    # the description of one medium may have a bar in it
    alts: list[Any] = [alone.strip() or None] if isinstance(alone, str) else _many(record, "alt")
    # columns media_2, alt_2 …: where a description has a bar or a line break in it
    numbered = sorted(
        (int(found[1]), name) for name in record if (found := re.fullmatch(r"media_(\d{1,3})", str(name)))
    )
    for number, name in numbered:
        if one := _text(record, name):
            given.append(one)
            alts += [None] * (len(given) - 1 - len(alts))
            alts.append(_text(record, f"alt_{number}") or None)
    if sum(alt not in (None, "") for alt in alts) > len(given) or len(alts) > max(len(given), 1):
        raise Wrong(f"alt has {len(alts)} descriptions for {len(given)} media; give one for each, with | between them")
    alts += [None] * (len(given) - len(alts))
    attachments: list[Attachment] = []
    beside: dict[str, tuple[str, ...]] = {}
    for medium, alt in zip(given, alts, strict=False):
        attachment, path = _medium(medium, alt)
        attachments.append(attachment)
        if path is not None:
            beside[attachment.key] = (path,)
    return tuple(attachments), beside


def _many(record: Mapping[str, Any], name: str) -> list[Any]:
    value = record.get(name)
    if isinstance(value, list):
        return list(value)
    if isinstance(value, dict):
        return [value]
    text = _text(record, name)
    if not text:
        return []
    return (
        [piece.strip() for piece in text.split("|")]
        if name == "alt"
        else [piece.strip() for piece in re.split(r"[|\n]", text) if piece.strip()]
    )


def _medium(medium: object, alt: object) -> tuple[Attachment, str | None]:
    said: Mapping[str, Any] = {}
    if isinstance(medium, dict):
        said = medium
        if strange := sorted(set(map(str, said)) - set(MEDIUM)):
            raise Wrong(f"a medium has {shortened(strange[0])}; known are {', '.join(MEDIUM)}")
        path, url = _text(said, "path") or None, _address(said, "url")
        alt = _text(said, "alt") or alt
    elif isinstance(medium, str) and medium.strip():
        text = storable(medium.strip())
        url = address(text)
        path = None if url else text
    else:
        raise Wrong(f"a medium is {shortened(medium)}, and a path or an address was expected")
    if path is None and url is None:
        raise Wrong("a medium has neither a path nor an address")
    if path is not None and "://" in path:
        raise Wrong(f"a medium is {shortened(path)}: only files and addresses of http or https are taken")
    if alt is not None and not isinstance(alt, str):
        raise Wrong(f"alt is {shortened(alt)}, and a text was expected")
    kind = _text(said, "kind")
    if kind and kind not in {str(one) for one in MediaKind}:
        raise Wrong(f"the kind of a medium is {shortened(kind)}; known are {', '.join(MediaKind)}")
    return (
        Attachment(
            url=url,
            kind=MediaKind(kind) if kind else kind_of(path or url or ""),
            native_id=path if url is None else None,
            alt=storable(alt).strip() or None if alt else None,
            width=_pixels(said, "width"),
            height=_pixels(said, "height"),
            credit=_text(said, "credit") or None,
        ),
        path,
    )


def _pixels(said: Mapping[str, Any], name: str) -> int | None:
    value = said.get(name)
    if value is None:
        return None
    if type(value) is not int or not 0 < value < 2**31:
        raise Wrong(f"{name} is {shortened(value)}, and a number of pixels was expected")
    return value
