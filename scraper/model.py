"""The vocabulary: frozen values that refuse to exist wrong; knows no web, no database, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

SOURCE_ID = re.compile(r"[a-z0-9][a-z0-9-]*")


class Precision(StrEnum):
    """How exactly a date is known."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"


class DateOrigin(StrEnum):
    """Who said so: the platform's API, the page around the post, or the caption itself."""

    API = "api"
    PAGE = "page"
    CAPTION = "caption"


_WIDTH = {
    Precision.SECOND: timedelta(seconds=1),
    Precision.MINUTE: timedelta(minutes=1),
    Precision.DAY: timedelta(days=1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """When a post was published, how exactly that is known and who said so.

    ``at`` is aware UTC and the start of an interval as wide as the precision; at day
    precision it is midnight of that day. ``zone_known`` is False where the origin gave no
    zone and UTC was taken in its place.
    """

    at: datetime
    precision: Precision
    origin: DateOrigin
    zone_known: bool = True

    def __post_init__(self) -> None:
        if self.at.utcoffset() != timedelta(0):
            raise ValueError(f"a publication date is aware and in UTC, not {self.at!r}")
        start = self.at.replace(microsecond=0)
        if self.precision is not Precision.SECOND:
            start = start.replace(second=0)
        if self.precision is Precision.DAY:
            start = start.replace(hour=0, minute=0)
        object.__setattr__(self, "at", start)

    @classmethod
    def on_day(cls, day: date, origin: DateOrigin) -> Published:
        """A date known to the day only; no zone is ever known with it."""
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return cls(at=at, precision=Precision.DAY, origin=origin, zone_known=False)

    def overlaps(self, since: datetime | None, until: datetime | None) -> bool:
        """Whether the interval of this date overlaps [since, until); None is unbounded."""
        if until is not None and self.at >= until:
            return False
        # compared as a distance: adding the width to the year 9999 would overflow
        return since is None or self.at >= since or since - self.at < _WIDTH[self.precision]

    def __str__(self) -> str:
        """``2016-12-03`` at day precision, else ISO 8601 in UTC with ``Z``."""
        if self.precision is Precision.DAY:
            return self.at.date().isoformat()
        return self.at.strftime("%Y-%m-%dT%H:%M:%SZ") if self.at.year >= 1000 else self.at.isoformat()


class MediaKind(StrEnum):
    """What a post's medium is, as the source states it."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """Media that a post points to, as the source states it; no bytes.

    ``url`` is the largest rendition known; ``alternatives`` are tried after it in order.
    ``url`` is None while a platform has not made the file yet. ``width``, ``height`` (pixels)
    and ``size`` (bytes) are the source's word, not measured. ``native_id`` is the platform's
    own id of the medium where it has one: it outlives a change of address.
    """

    url: str | None
    kind: MediaKind = MediaKind.IMAGE
    alternatives: tuple[str, ...] = ()
    native_id: str | None = None
    alt: str | None = None
    media_type: str | None = None
    width: int | None = None
    height: int | None = None
    size: int | None = None
    credit: str | None = None

    def __post_init__(self) -> None:
        for address in (*((self.url,) if self.url is not None else ()), *self.alternatives):
            if not address.startswith(("http://", "https://")):
                raise ValueError(f"an attachment's address is absolute http(s), not {address[:80]!r}")

    @property
    def key(self) -> str:
        """What tells this attachment from its post's others over the years."""
        return self.native_id or self.url or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One published item as its source states it.

    ``body`` and ``title`` are plain text (markup already removed, nothing else changed).
    ``native_id`` is an opaque string, unique within the source. ``languages`` are the
    platform's tags, a hint and no more. ``in_reply_to`` is the native id of the author's own
    earlier post that this one continues. ``credit``, ``license`` and ``license_url`` are as
    stated by the platform beside the text (a licence else by a credit line in it), never
    inferred. ``opt_outs`` are labels such as ``noindex`` with which the author asks not to be
    archived or shown.
    """

    source_id: str
    native_id: str
    url: str | None = None
    author: str | None = None
    author_url: str | None = None
    title: str | None = None
    body: str = ""
    published: Published | None = None
    edited_at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()
    hashtags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    content_warning: str | None = None
    credit: str | None = None
    license: str | None = None
    license_url: str | None = None
    in_reply_to: str | None = None
    pinned: bool = False
    opt_outs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not SOURCE_ID.fullmatch(self.source_id):
            raise ValueError(f"a source id is lower-case letters, digits and hyphens, not {self.source_id!r}")
        if not self.native_id:
            raise ValueError(f"a post of {self.source_id} has no id")
        if self.edited_at is not None and self.edited_at.utcoffset() != timedelta(0):
            raise ValueError(f"the time of an edit is aware and in UTC, not {self.edited_at!r}")

    @property
    def key(self) -> str:
        """``<source id>:<native_id>``: the post's name everywhere in Cupola."""
        return f"{self.source_id}:{self.native_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What a post said from ``at`` (aware, UTC) on, until its next edition; as a platform's history of edits tells."""

    at: datetime
    body: str = ""
    content_warning: str | None = None
    attachments: tuple[Attachment, ...] = ()

    def __post_init__(self) -> None:
        if self.at.utcoffset() != timedelta(0):
            raise ValueError(f"the time of an edition is aware and in UTC, not {self.at!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All editions of a post that its platform tells, oldest first: the original, and at the end the present one."""

    source_id: str
    native_id: str
    editions: tuple[Edition, ...] = ()

    @property
    def key(self) -> str:
        """The post's name everywhere in Cupola."""
        return f"{self.source_id}:{self.native_id}"


class MediaState(StrEnum):
    """How far an attachment is from being held."""

    #: wanted; not tried yet in this life of the address
    PENDING = "pending"
    STORED = "stored"
    #: will be tried again
    FAILED = "failed"
    #: 404 or 410 on every alternative
    GONE = "gone"
    #: will not be taken: over the cap, not a picture, refused
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """Bytes held once, by their hash, however many attachments point to them.

    ``sha256`` is lower-case hex, ``extension`` comes from the bytes (never from a name) and has no dot,
    ``size`` is in bytes, ``width`` and ``height`` are pixels as stored (before any EXIF rotation),
    ``exif`` is tag name and value as text.
    """

    sha256: str
    media_type: str
    extension: str
    size: int
    width: int
    height: int
    exif: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What a picture looks like: pictures that look alike differ in few of the 64 bits of ``hash``.

    ``reason`` says in one sentence why there is none: it cannot be decoded, or it is of one shade.
    """

    hash: int | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.hash is None) is (self.reason is None):
            raise ValueError("a fingerprint is a hash, or a reason why there is none")
        if self.hash is not None and not 0 <= self.hash < 1 << 64:
            raise ValueError(f"a fingerprint has 64 bits, and {self.hash} has not")


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaResult:
    """What became of one try to take an attachment.

    ``url`` is the address that gave the bytes, or the last one tried; ``reason`` says in one sentence why the
    state is not STORED; ``status`` and ``headers`` (lower-case names) are of that last answer; ``not_before``
    is the earliest time for another try that the host asked for; ``fingerprint`` is None where none was looked for.
    Times are aware UTC.
    """

    state: MediaState
    url: str | None = None
    asset: Asset | None = None
    fingerprint: Fingerprint | None = None
    reason: str | None = None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    fetched_at: datetime | None = None
    not_before: datetime | None = None

    def __post_init__(self) -> None:
        if (self.state is MediaState.STORED) != (self.asset is not None):
            raise ValueError(f"a {self.state} attachment and its asset do not agree")
        if self.state not in (MediaState.STORED, MediaState.PENDING) and not self.reason:
            raise ValueError(f"a {self.state} attachment needs a reason")


class Lang(StrEnum):
    """The label of a segment: a caption's language, a third one, or no language at all."""

    FR = "fr"
    EN = "en"
    OTHER = "other"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A labelled slice of a body; ``start`` and ``end`` count code points, end exclusive."""

    lang: Lang
    text: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end or self.end - self.start != len(self.text):
            raise ValueError(f"a segment {self.start}..{self.end} does not hold {len(self.text)} code points")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """The text in one language, made of its segments."""

    lang: Lang
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A body cut into segments that concatenate to it exactly, and how sure the cut is.

    ``confidence`` is between 0 and 1; ``needs_review`` says that a person should look.
    """

    segments: tuple[Segment, ...] = ()
    confidence: float = 1.0
    needs_review: bool = False

    def __post_init__(self) -> None:
        at = 0
        for segment in self.segments:
            if segment.start != at:
                raise ValueError(f"a segment starts at {segment.start} where {at} was due")
            at = segment.end
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"a confidence lies between 0 and 1, not at {self.confidence}")

    @property
    def body(self) -> str:
        """The text that was split."""
        return "".join(segment.text for segment in self.segments)


def captions_of(segments: Iterable[Segment]) -> dict[Lang, Caption]:
    """The French and the English caption that ``segments`` hold; a language without text is absent.

    Segments of one language that are only space apart in the body stay together as they
    stand there; those with anything else between them are joined by a newline.
    """
    parts: dict[Lang, list[str]] = {Lang.FR: [], Lang.EN: []}
    last: Lang | None = None
    gap = ""
    for segment in segments:
        if segment.lang not in parts:
            gap += segment.text
            continue
        pieces = parts[segment.lang]
        if pieces and last is segment.lang and not gap.strip():
            pieces[-1] += gap + segment.text
        else:
            pieces.append(segment.text)
        last, gap = segment.lang, ""
    joined = {lang: "\n".join(piece.strip() for piece in pieces).strip() for lang, pieces in parts.items()}
    return {lang: Caption(lang=lang, text=text) for lang, text in joined.items() if text}


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """A credit line taken apart; ``text`` is it as it stands in the body, at ``start``.

    ``day`` is read day first; ``other_reading`` is the month-first reading where that is a
    date too, so that a mission's dates can decide. ``files`` are photo and file numbers.
    """

    text: str
    start: int
    person: str | None = None
    agency: str | None = None
    mission: str | None = None
    day: date | None = None
    other_reading: date | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mission:
    """A mission that posts are about: its name, its people, its days and its hashtags."""

    id: str
    name: str
    people: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None
    hashtags: tuple[str, ...] = ()

    def covers(self, day: date) -> bool:
        """Whether ``day`` lies within the mission, both ends included; a bound not given is open."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that a post's own text says: made by ``scraper.reading``, kept by the archive.

    ``mission`` is the id of a configured mission; ``published`` is the post's own date or, where
    it has none, the one in its credit line; ``hashtags`` are as written, in order, once each.
    """

    split: Split = field(default_factory=Split)
    title_split: Split | None = None
    credit: CreditLine | None = None
    mission: str | None = None
    published: Published | None = None
    hashtags: tuple[str, ...] = ()

    @property
    def captions(self) -> dict[Lang, Caption]:
        """The body's captions by language."""
        return captions_of(self.split.segments)

    @property
    def needs_review(self) -> bool:
        """Whether a person should look: at the split, or because no date is known."""
        return self.split.needs_review or self.published is None
