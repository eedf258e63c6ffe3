"""What is embedded in a post: the blobs that its record names, beside the addresses that an AppView gives for them.

Lexicons: https://github.com/bluesky-social/atproto/tree/main/lexicons/app/bsky/embed. Of a quoted post nothing is
taken but its address: its text and its pictures are another's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from scraper.bluesky.names import POSTS, RecordName, record_name
from scraper.model import Attachment, MediaKind

_ADDRESS = re.compile(r"https?://\S+")
_CID = re.compile(r"[A-Za-z0-9]{20,128}")
_CID_AT_END = re.compile(r"/([A-Za-z0-9]{20,128})(?:@[a-z]+)?$")
_TYPE = re.compile(r"app\.bsky\.embed\.(\w+)(?:#\w+)?")
_LARGEST = 2**53  # bytes; what says more is no size


@dataclass(slots=True)
class Embedded:
    """What an embed holds: media; an address (of a card); the post that it quotes; and what could not be read."""

    attachments: list[Attachment] = field(default_factory=list)
    link: str | None = None
    quoted: RecordName | None = None
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Blob:
    cid: str | None = None
    media_type: str | None = None
    size: int | None = None


def embedded(record: object, view: object, original: Callable[[str], str] | None) -> Embedded:
    """All that is embedded in a post.

    Args:
        record: the ``embed`` of its record: blobs by their CIDs. Absent in some saved answers.
        view: the ``embed`` of the AppView: addresses. Absent in a record from the account's own server.
        original: gives the address of a blob by its CID; None where the account's server is not known.
    """
    found = Embedded()
    _read(_object(record), _object(view), original, found, nested=False)
    return found


def _read(
    record: dict[str, Any],
    view: dict[str, Any],
    original: Callable[[str], str] | None,
    found: Embedded,
    *,
    nested: bool,
) -> None:
    named = _TYPE.fullmatch(str(record.get("$type") or view.get("$type") or ""))
    match named[1] if named else None:
        case "images":
            found.attachments += _pictures(record.get("images"), view.get("images"), original, found.faults)
        case "gallery":
            # the list had the name «media» in the lexicon's first version
            ours, theirs = (tree.get("items", tree.get("media")) for tree in (record, view))
            found.attachments += _pictures(ours, theirs, original, found.faults)
        case "video":
            found.attachments += _video(record, view, original)
        case "external":
            _card(_object(record.get("external")), _object(view.get("external")), original, found)
        case "record":
            found.quoted = _quoted(record.get("record"), view.get("record"))
        case "recordWithMedia" if not nested:
            found.quoted = _quoted(*(_object(tree.get("record")).get("record") for tree in (record, view)))
            _read(_object(record.get("media")), _object(view.get("media")), original, found, nested=True)
        case _ if record or view:
            kind = str(record.get("$type") or view.get("$type") or "an embed without a type")[:200]
            found.attachments.append(Attachment(url=None, kind=MediaKind.UNKNOWN, native_id=kind))


def _pictures(
    entries: object, views: object, original: Callable[[str], str] | None, faults: list[str]
) -> Iterator[Attachment]:
    ours, theirs = (list(map(_object, tree)) if isinstance(tree, list) else [] for tree in (entries, views))
    by_cid = {cid: shown for shown in theirs if (cid := _cid_in(shown.get("fullsize")))}
    for position in range(len(ours) if ours else len(theirs)):
        entry = ours[position] if ours else {}
        blob = _blob(entry.get("image"))
        of_same_place = theirs[position] if len(theirs) == len(ours) or not ours else {}
        shown = by_cid.get(blob.cid or "") or of_same_place
        cid = blob.cid or _cid_in(shown.get("fullsize"))
        addresses = [
            *([original(cid)] if original is not None and cid is not None else []),
            *filter(None, map(_address, (shown.get("fullsize"), shown.get("thumb", shown.get("thumbnail"))))),
        ]
        if not addresses and cid is None:
            faults.append(f"picture {position + 1} has neither a CID nor an address")
            continue
        yield Attachment(
            url=addresses[0] if addresses else None,
            alternatives=tuple(dict.fromkeys(addresses[1:])),
            native_id=cid,
            alt=_words(entry.get("alt")) or _words(shown.get("alt")),
            media_type=blob.media_type,
            size=blob.size,
        )


def _video(record: dict[str, Any], view: dict[str, Any], original: Callable[[str], str] | None) -> Iterator[Attachment]:
    blob = _blob(record.get("video"))
    cid = blob.cid or _text(view.get("cid"), _CID)
    if poster := _address(view.get("thumbnail")):
        yield Attachment(url=poster, native_id=f"{cid}/poster" if cid else None)
    # what an AppView plays is a list of pieces and no file; a gif without sound is a film all the same
    yield Attachment(
        url=original(cid) if original is not None and cid is not None else None,
        kind=MediaKind.VIDEO,
        native_id=cid,
        alt=_words(record.get("alt")) or _words(view.get("alt")),
        media_type=blob.media_type,
        size=blob.size,
    )


def _card(record: dict[str, Any], view: dict[str, Any], original: Callable[[str], str] | None, found: Embedded) -> None:
    found.link = _address(record.get("uri")) or _address(view.get("uri"))
    thumb, shown = record.get("thumb"), _address(view.get("thumb"))
    if thumb or shown:
        ours = [{"image": thumb}] if thumb else []
        found.attachments += _pictures(ours, [{"fullsize": shown}] if shown else [], original, found.faults)


def _quoted(record: object, view: object) -> RecordName | None:
    for tree in (_object(record), _object(view)):
        try:
            name = record_name(tree.get("uri"))
        except ValueError:
            continue
        return name if name.collection == POSTS else None
    return None


def _blob(value: object) -> _Blob:
    match value:
        case {"ref": {"$link": str() as cid}} | {"cid": str() as cid} if _CID.fullmatch(cid):
            told = _object(value)
            size, kind = told.get("size"), told.get("mimeType")
            return _Blob(
                cid=cid,
                media_type=kind if isinstance(kind, str) and kind else None,
                size=size if type(size) is int and 0 < size < _LARGEST else None,
            )
        case _:
            return _Blob()


def _cid_in(address: object) -> str | None:
    """The CID that the AppView's address of a picture ends with."""
    found = _CID_AT_END.search(address) if isinstance(address, str) else None
    return found[1] if found else None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object, pattern: re.Pattern[str]) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _address(value: object) -> str | None:
    return _text(value, _ADDRESS)


def _words(value: object) -> str | None:
    return (value.strip() or None) if isinstance(value, str) else None
