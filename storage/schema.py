"""The tables of the archive; its two views are in ``storage.migrations``, and for readers in ``storage.views``.

What is from outside is ``SafeText``; what identifies is a constraint, so that nothing is held twice
whatever the code above does. The tables are made by ``storage.migrations``; a test keeps both equal.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, cast

from sqlalchemy import ForeignKey, Index, Table, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from scraper.capture import Access
from scraper.model import DateOrigin, Lang, MediaKind, MediaState, Precision
from storage.declarative import Base
from storage.states import Part, RunStatus, Stage

Id = Annotated[int, mapped_column(primary_key=True)]
SourceKey = Annotated[str, mapped_column(Text, ForeignKey("sources.id"))]
RunKey = Annotated[int, mapped_column(ForeignKey("runs.id"))]
PostPart = Annotated[int, mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True)]


class SourceRecord(Base):
    """A source that a run has visited, as it was configured last."""

    __tablename__ = "sources"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str]
    url: Mapped[str | None]
    first_run_at: Mapped[datetime]


class RunRecord(Base):
    """One visit to a source: what it was asked, how it ended, what it did."""

    __tablename__ = "runs"
    __table_args__ = (Index(None, "source_id", "id"),)

    id: Mapped[Id]
    source_id: Mapped[SourceKey]
    status: Mapped[RunStatus]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    since: Mapped[datetime | None]
    until: Mapped[datetime | None]
    #: where the next run goes on; NULL when this run did not move it
    cursor: Mapped[datetime | None]
    host: Mapped[str]
    pid: Mapped[int]
    #: how many posts and pictures of which outcome; empty while it runs
    counts: Mapped[dict[str, int]]


class LeaseRecord(Base):
    """Who may write for a source right now; no row, nobody."""

    __tablename__ = "leases"

    source_id: Mapped[SourceKey] = mapped_column(primary_key=True)
    run_id: Mapped[RunKey]
    renewed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    host: Mapped[str]
    #: changes with every start of the machine; a pid means something within one boot only
    boot: Mapped[str]
    pid: Mapped[int]
    #: tells a process from a later one that was given the same pid
    process_start: Mapped[str]


class FailureRecord(Base):
    """One thing that went wrong in a run, with its evidence."""

    __tablename__ = "failures"

    id: Mapped[Id]
    run_id: Mapped[RunKey] = mapped_column(index=True)
    source_id: Mapped[SourceKey]
    at: Mapped[datetime]
    stage: Mapped[Stage]
    #: the class of the error
    error: Mapped[str]
    message: Mapped[str]
    url: Mapped[str | None]
    #: key of the post
    key: Mapped[str | None]
    #: the answer that was not understood
    capture_id: Mapped[int | None] = mapped_column(ForeignKey("captures.id"))
    #: the error's other attributes as pairs of name and value
    evidence: Mapped[tuple[Any, ...]]


class CaptureRecord(Base):
    """One answer: where its bytes lie and what was said around them.

    ``file``, ``offset`` and ``length`` find the response record in ``warc/``; they are NULL for a picture,
    whose bytes live in ``media/`` alone.
    """

    __tablename__ = "captures"
    __table_args__ = (Index(None, "source_id", "requested_url", "id"), Index(None, "file"))

    id: Mapped[Id]
    run_id: Mapped[RunKey]
    source_id: Mapped[SourceKey]
    requested_url: Mapped[str]
    #: after redirects
    url: Mapped[str]
    access: Mapped[Access]
    carry: Mapped[str | None]
    status: Mapped[int]
    #: pairs of lower-case name and value
    headers: Mapped[tuple[Any, ...]]
    fetched_at: Mapped[datetime]
    sha256: Mapped[str | None]
    size: Mapped[int | None]
    file: Mapped[str | None]
    offset: Mapped[int | None]
    length: Mapped[int | None]


class ValidatorRecord(Base):
    """What to send so that a page may answer 304; saved when everything of the page is."""

    __tablename__ = "validators"

    source_id: Mapped[SourceKey] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(primary_key=True)
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    capture_id: Mapped[int] = mapped_column(ForeignKey("captures.id"))


class PostRecord(Base):
    """A post as its source stated it, and what its text was read to say.

    ``stated_*`` is the source's word where the reading has its own: the columns without that prefix are
    what to show. ``credit`` is the platform's, ``credit_line*`` was found in the body.
    """

    __tablename__ = "posts"
    __table_args__ = (
        UniqueConstraint("source_id", "native_id"),
        Index(None, "source_id", "published_at"),
        Index(None, "published_at"),
        Index(None, "url"),
    )

    id: Mapped[Id]
    source_id: Mapped[SourceKey]
    native_id: Mapped[str]
    url: Mapped[str | None]
    author: Mapped[str | None]
    author_url: Mapped[str | None]
    title: Mapped[str | None]
    body: Mapped[str]
    published_at: Mapped[datetime | None]
    published_precision: Mapped[Precision | None]
    published_origin: Mapped[DateOrigin | None]
    published_zone_known: Mapped[bool | None]
    stated_at: Mapped[datetime | None]
    stated_precision: Mapped[Precision | None]
    stated_origin: Mapped[DateOrigin | None]
    stated_zone_known: Mapped[bool | None]
    edited_at: Mapped[datetime | None]
    languages: Mapped[tuple[Any, ...]]
    content_warning: Mapped[str | None]
    credit: Mapped[str | None]
    license: Mapped[str | None]
    license_url: Mapped[str | None]
    in_reply_to: Mapped[str | None]
    pinned: Mapped[bool]
    opt_outs: Mapped[tuple[Any, ...]]
    #: the platform's own list
    stated_hashtags: Mapped[tuple[Any, ...]]
    hashtags: Mapped[tuple[Any, ...]]
    mission: Mapped[str | None]
    credit_line: Mapped[str | None]
    credit_line_start: Mapped[int | None]
    credit_person: Mapped[str | None]
    credit_agency: Mapped[str | None]
    credit_mission: Mapped[str | None]
    credit_day: Mapped[date | None]
    credit_other_reading: Mapped[date | None]
    credit_files: Mapped[tuple[Any, ...] | None]
    split_confidence: Mapped[float]
    split_needs_review: Mapped[bool]
    #: NULL: the title was not split
    title_confidence: Mapped[float | None]
    title_needs_review: Mapped[bool | None]
    needs_review: Mapped[bool]
    caption_fr: Mapped[str | None]
    caption_en: Mapped[str | None]
    title_fr: Mapped[str | None]
    title_en: Mapped[str | None]
    #: of the post as it came last; see storage.changes
    content_hash: Mapped[str]
    first_seen_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]
    #: the run and the answer that the present state came with
    run_id: Mapped[RunKey]
    capture_id: Mapped[int | None] = mapped_column(ForeignKey("captures.id"))


class SegmentRecord(Base):
    """A labelled slice of a post's body or title; its text is read from there. Offsets count code points."""

    __tablename__ = "segments"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's own way of configuring

    post_id: Mapped[PostPart]
    part: Mapped[Part] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    lang: Mapped[Lang]
    start: Mapped[int]
    stop: Mapped[int]


class HashtagRecord(Base):
    """A hashtag of a post, for looking up; ``folded`` is it in lower case (``str.casefold``)."""

    __tablename__ = "hashtags"
    __table_args__ = (Index(None, "folded"), {"sqlite_with_rowid": False})

    post_id: Mapped[PostPart]
    position: Mapped[int] = mapped_column(primary_key=True)
    tag: Mapped[str]
    folded: Mapped[str]


class AssetRecord(Base):
    """Bytes held once in ``media/``; see ``scraper.model.Asset``."""

    __tablename__ = "assets"

    sha256: Mapped[str] = mapped_column(Text, primary_key=True)
    media_type: Mapped[str]
    extension: Mapped[str]
    size: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    exif: Mapped[tuple[Any, ...]]
    first_seen_at: Mapped[datetime]


class AttachmentRecord(Base):
    """Media that a post points to, and how far it is from being held.

    ``key`` is ``Attachment.key``; ``occurrence`` counts those with the same key in one post.
    """

    __tablename__ = "attachments"
    __table_args__ = (
        UniqueConstraint("post_id", "key", "occurrence"),
        Index("ix_attachments_wanted", "id", sqlite_where=text("state IN ('pending', 'failed')")),
        Index(None, "sha256"),
    )

    id: Mapped[Id]
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    key: Mapped[str]
    occurrence: Mapped[int]
    position: Mapped[int]
    url: Mapped[str | None]
    kind: Mapped[MediaKind]
    alternatives: Mapped[tuple[Any, ...]]
    native_id: Mapped[str | None]
    alt: Mapped[str | None]
    media_type: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    size: Mapped[int | None]
    credit: Mapped[str | None]
    state: Mapped[MediaState]
    reason: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    next_attempt_at: Mapped[datetime | None]
    sha256: Mapped[str | None] = mapped_column(Text, ForeignKey("assets.sha256"))
    #: the address that gave the bytes
    fetched_url: Mapped[str | None]
    #: the answer of the last try
    capture_id: Mapped[int | None] = mapped_column(ForeignKey("captures.id"))
    first_seen_at: Mapped[datetime]
    #: since when the post no longer points to it
    removed_at: Mapped[datetime | None]


def rows_of(record: type[Base]) -> Table:
    """The table of a record, for Core's bulk statements."""
    return cast("Table", record.__table__)
