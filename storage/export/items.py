"""What an export is made of: a post with all that has to travel with it, as one flat tuple."""

from __future__ import annotations

from typing import Any, NamedTuple

from storage.postview import COLUMNS

#: a labelled slice of the body: ``fr``, ``en``, ``other`` or ``none``, and its start and end in code points
Slice = tuple[str, int, int]


class Picture(NamedTuple):
    """One row of ``archive_media``, with its own credit and why it is not held.

    ``path`` is relative to the archive's folder; it, ``bytes`` and ``sha256`` are None while nothing is held.
    """

    position: int
    state: str
    reason: str | None
    sha256: str | None
    path: str | None
    media_type: str | None
    bytes: int | None
    width: int | None
    height: int | None
    alt: str | None
    credit: str | None
    source_url: str | None


class Item(NamedTuple):
    """One row of ``archive_posts`` under its own names, and what travels with it.

    A tuple and no frozen dataclass, because a million of them are made in some seconds. Times are ISO 8601 in UTC
    with ``Z``; ``published_at`` is the bare day where no more is known.

    Attributes:
        credit, license, license_url: as the source states them, the credit as the curator corrected it; never inferred.
        tags: the curator's.
        media: its pictures, in order.
        segments: the labelled slices of ``text``; empty for a format that does not want them.
        source_kind: of the source it came from.
        source_url: the address of the source.
        capture_url: the address that answered with the post's present state; None when no answer is recorded.
        fetched_at: when it did.
        capture_sha256: of that answer.
        run: number of the run that brought it.
        citation: one line to cite it by; see ``storage.export.citing``.
        incomplete: what is missing: ``undated``, ``needs_review``, ``media_pending``, ``media_failed``, ``media_gone``
            or ``media_skipped``.
        publishable: whether it may be passed on, as far as the archive knows.
        withheld: why not, in a sentence; None when it may.
        post_id: of its row, for formats that ask for more.
        capture_id: of the answer's row.
    """

    key: str
    source: str
    native_id: str
    mission: str | None
    url: str | None
    author: str | None
    title: str | None
    published_at: str | None
    published_precision: str | None
    published_origin: str | None
    edited_at: str | None
    caption_fr: str | None
    caption_en: str | None
    text: str
    content_warning: str | None
    hashtags: tuple[str, ...]
    credit: str | None
    license: str | None
    license_url: str | None
    needs_review: bool
    verdict: str
    rating: int | None
    image_count: int
    variant_of: str | None
    first_seen_at: str
    gone_at: str | None
    corrected: tuple[str, ...]
    tags: tuple[str, ...]
    media: tuple[Picture, ...]
    segments: tuple[Slice, ...]
    source_kind: str
    source_url: str | None
    capture_url: str | None
    fetched_at: str | None
    capture_sha256: str | None
    run: int
    citation: str
    incomplete: tuple[str, ...]
    publishable: bool
    withheld: str | None
    post_id: int
    capture_id: int | None


#: the fields of an item that leave with it, in order
NAMES = Item._fields[: Item._fields.index("post_id")]
#: those of ``archive_posts``
POST_NAMES = NAMES[: len(COLUMNS)]
_MEDIA, _KIND = (NAMES.index(name) for name in ("media", "source_kind"))
_FR, _EN, _CITATION = (NAMES.index(name) for name in ("caption_fr", "caption_en", "citation"))
_UP_TO_CAPTIONS, _AFTER_CAPTIONS = NAMES[:_FR], NAMES[_EN + 1 : _MEDIA]
_PICTURE = Picture._fields
_PROVENANCE, _LAST = NAMES[_KIND:_CITATION], NAMES[_CITATION:]


def record_of(item: Item) -> dict[str, Any]:
    """The item as JSON has it: the names of ``query --format jsonl``, then ``provenance`` and the rest.

    Lists stay tuples, which every writer of JSON takes.
    """
    record: dict[str, Any] = dict(zip(_UP_TO_CAPTIONS, item, strict=False))
    record["captions"] = {"fr": item.caption_fr, "en": item.caption_en}
    record.update(zip(_AFTER_CAPTIONS, item[_EN + 1 : _MEDIA], strict=True))
    record["media"] = [dict(zip(_PICTURE, picture, strict=True)) for picture in item.media]
    text = item.text
    record["segments"] = [
        {"lang": lang, "text": text[start:end], "start": start, "end": end} for lang, start, end in item.segments
    ]
    record["provenance"] = dict(zip(_PROVENANCE, item[_KIND:_CITATION], strict=True))
    record.update(zip(_LAST, item[_CITATION : len(NAMES)], strict=True))
    return record
