"""A post as it is read: plain values under the names that ``archive_posts`` and the JSON share."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

#: the languages of captions that posts can be found by; ``other`` is a third language or an undecided one
LANGS = ("fr", "en", "other")
#: what a curator may have said
VERDICTS = ("unreviewed", "selected", "rejected")


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaView:
    """One row of ``archive_media``: a picture of a post and how far it is from being held.

    ``path`` is relative to the archive's folder; it, ``bytes`` and ``sha256`` are None while nothing is held.
    """

    position: int
    state: str
    sha256: str | None
    path: str | None
    media_type: str | None
    bytes: int | None
    width: int | None
    height: int | None
    alt: str | None
    source_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentView:
    """A labelled slice of the body: ``fr``, ``en``, ``other`` or ``none``; offsets count code points."""

    lang: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostView:
    """One row of ``archive_posts`` with its pictures, tags and segments.

    Times are ISO 8601 with ``Z``; ``published_at`` is the bare day where no more is known. ``hashtags`` are
    the post's own as written, ``tags`` the curator's, who has also the say in ``corrected``: the names of the
    fields whose value is his (None: none), the machine's being what the revisions and tables hold.
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
    corrected: tuple[str, ...] | None = None
    media: tuple[MediaView, ...] = ()
    tags: tuple[str, ...] = ()
    segments: tuple[SegmentView, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The record of ``query --format jsonl`` and ``show --json``: ``captions`` in place of the two columns."""
        record: dict[str, Any] = {}
        for name in NAMES:
            value = getattr(self, name)
            if name == "caption_fr":
                record["captions"] = {"fr": self.caption_fr, "en": self.caption_en}
            elif name in _LISTS:
                record[name] = [item if isinstance(item, str) else asdict(item) for item in value or ()]
            elif name != "caption_en":
                record[name] = value
        return record


#: the fields of a post, in order
NAMES = tuple(field.name for field in fields(PostView))
#: those that are lists in JSON
_LISTS = frozenset({"hashtags", "corrected", "media", "tags", "segments"})
#: those of the view, which are flat but for two arrays
COLUMNS = tuple(name for name in NAMES if name not in {"media", "tags", "segments"})
