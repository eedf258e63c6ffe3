"""The tables of the archive; its two views are in ``storage.migrations``, and for readers in ``storage.views``.

What is from outside is ``SafeText``; what identifies is a constraint, so that nothing is held twice
whatever the code above does. The steps of ``storage.migrations`` lead to the same tables; a test keeps both equal.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, cast

from sqlalchemy import BigInteger, ForeignKey, Index, Table, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from scraper.capture import Access
from scraper.model import DateOrigin, Lang, MediaKind, MediaState, Precision
from storage.columns import PLAIN_TEXT, Json
from storage.declarative import Base
from storage.states import Act, Because, Ending, Part, RunStatus, Stage, Verdict, Why

# a B-tree of PostgreSQL holds 2.7 kB, and an address or a hashtag from outside may be longer: those are hashed there
_UNDECIDED = text("state IN ('pending', 'failed')")

Id = Annotated[int, mapped_column(primary_key=True)]
SourceKey = Annotated[str, mapped_column(PLAIN_TEXT, ForeignKey("sources.id"))]
RunKey = Annotated[int, mapped_column(ForeignKey("runs.id"))]
PostPart = Annotated[int, mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True)]
OfPost = Annotated[int, mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), index=True)]
Document = Annotated[Any, mapped_column(Json, nullable=False)]
MaybeDocument = Annotated[Any, mapped_column(Json, nullable=True)]


class SourceRecord(Base):
    """A source that a run has visited, as it was configured last."""

    __tablename__ = "sources"

    id: Mapped[str] = mapped_column(PLAIN_TEXT, primary_key=True)
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
    #: how the source was configured: only looks of one scope can be compared
    scope: Mapped[str | None]


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
    __table_args__ = (
        Index(None, "source_id", "requested_url", "id").ddl_if(dialect="sqlite"),
        Index(None, "requested_url", postgresql_using="hash").ddl_if(dialect="postgresql"),
        Index(None, "file"),
    )

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


class PostState:
    """What a post and its reading say, as columns: those of a post, and of each of its revisions.

    ``stated_*`` is the source's word where the reading has its own: the columns without that prefix are
    what to show. ``credit`` is the platform's, ``credit_line*`` was found in the body.
    """

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
    #: since when this state is known
    changed_at: Mapped[datetime]
    #: the run and the answer that this state came with
    run_id: Mapped[RunKey]
    capture_id: Mapped[int | None] = mapped_column(ForeignKey("captures.id"))


class PostRecord(PostState, Base):
    """A post as its source stated it last, and what its text was read to say."""

    __tablename__ = "posts"
    __table_args__ = (
        UniqueConstraint("source_id", "native_id"),
        Index(None, "source_id", "published_at"),
        Index(None, "shown_at"),
        Index(None, "url", postgresql_using="hash"),
    )

    id: Mapped[Id]
    source_id: Mapped[SourceKey]
    native_id: Mapped[str]
    #: of the post as it came last; see storage.changes
    content_hash: Mapped[str]
    first_seen_at: Mapped[datetime]
    #: since when it is known to be gone at its source; NULL when it is not, or is back
    gone_at: Mapped[datetime | None]
    #: when it was last seen again after it had been gone
    back_at: Mapped[datetime | None]
    #: the date to find and sort by: the curator's, else ``published_at``
    shown_at: Mapped[datetime | None]


class RevisionRecord(PostState, Base):
    """What a post was before it changed: all its columns, its segments and attachments, and what replaced it when.

    ``segments`` are arrays of part, language, start and end; ``attachments`` are objects, with the hashes of
    what was held of them.
    """

    __tablename__ = "revisions"

    id: Mapped[Id]
    post_id: Mapped[OfPost]
    why: Mapped[Why]
    #: names of what differs from the state that came after
    fields: Mapped[tuple[Any, ...]]
    segments: Mapped[Document]
    attachments: Mapped[Document]
    replaced_at: Mapped[datetime]
    #: the run that brought the state that came after
    replaced_by: Mapped[RunKey]


class SightingRecord(Base):
    """The last run in which a post was seen at its source."""

    __tablename__ = "sightings"

    post_id: Mapped[PostPart]
    run_id: Mapped[RunKey]


class LookRecord(Base):
    """What a run looked through whole: a page by its address, or the time between two dates (NULL: unbounded)."""

    __tablename__ = "looks"
    __table_args__ = (Index(None, "source_id", "run_id"),)

    id: Mapped[Id]
    run_id: Mapped[RunKey]
    source_id: Mapped[SourceKey]
    url: Mapped[str | None]
    since: Mapped[datetime | None]
    until: Mapped[datetime | None]


class AbsenceRecord(Base):
    """A time in which a post was gone at its source; ``back_at`` is NULL while it is."""

    __tablename__ = "absences"

    id: Mapped[Id]
    post_id: Mapped[OfPost]
    #: the second whole look that missed it
    gone_at: Mapped[datetime]
    run_id: Mapped[RunKey]
    back_at: Mapped[datetime | None]


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
    """A hashtag of a post, for looking up; ``folded`` is it as it is compared (``storage.folding.fold_tag``)."""

    __tablename__ = "hashtags"
    __table_args__ = (Index(None, "folded", postgresql_using="hash"), {"sqlite_with_rowid": False})

    post_id: Mapped[PostPart]
    position: Mapped[int] = mapped_column(primary_key=True)
    tag: Mapped[str]
    folded: Mapped[str]


class AssetRecord(Base):
    """Bytes held once in ``media/``; see ``scraper.model.Asset``."""

    __tablename__ = "assets"
    # how the archive grew is read from this alone
    __table_args__ = (Index(None, "first_seen_at", "size"),)

    sha256: Mapped[str] = mapped_column(PLAIN_TEXT, primary_key=True)
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
        Index("ix_attachments_wanted", "id", sqlite_where=_UNDECIDED, postgresql_where=_UNDECIDED),
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
    sha256: Mapped[str | None] = mapped_column(PLAIN_TEXT, ForeignKey("assets.sha256"))
    #: the address that gave the bytes
    fetched_url: Mapped[str | None]
    #: the answer of the last try
    capture_id: Mapped[int | None] = mapped_column(ForeignKey("captures.id"))
    first_seen_at: Mapped[datetime]
    #: since when the post no longer points to it
    removed_at: Mapped[datetime | None]
    #: the curator's alternative text; empty: there shall be none
    corrected_alt: Mapped[str | None]


class IndexRecord(Base):
    """All that a post is found and sorted by, in one row; made from the other tables by ``storage.indexing``.

    ``ordinal`` is the post's place in time (``storage.facts``), ``post_search`` holds its terms under the same number.
    What a curator has said is in it, as in ``archive_posts``; pictures and other media count while the post shows them.
    """

    __tablename__ = "post_index"
    __table_args__ = (
        Index(None, "source_id", "ordinal"),
        Index(None, "mission", "ordinal"),
        Index(None, "mission", "day"),
        Index(None, "seen"),
        # SQLite uses an index of a part of the rows only where a question has the very words of its condition
        *(
            Index(f"ix_post_index_{flag}", "ordinal", sqlite_where=text(f"{flag} = 1"), postgresql_where=text(flag))
            for flag in ("gone", "edited", "needs_review")
        ),
        *(
            Index(f"ix_post_index_{name}", *columns, sqlite_where=text(where), postgresql_where=text(where))
            for name, columns, where in (
                ("verdict", ("verdict", "ordinal"), "verdict <> 'unreviewed'"),
                ("rating", ("rating", "ordinal"), "rating IS NOT NULL"),
                ("media_failed", ("ordinal",), "media_failed > 0"),
                ("media_pending", ("ordinal",), "media_pending > 0"),
            )
        ),
    )

    ordinal: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), unique=True)
    source_id: Mapped[str]
    mission: Mapped[str | None]
    #: of its date, from 0 on, the first one of the year 1; NULL when it has none
    day: Mapped[int | None]
    #: how many seconds wide its date is; NULL when it has none
    span: Mapped[int | None]
    has_fr: Mapped[bool]
    has_en: Mapped[bool]
    has_other: Mapped[bool]
    verdict: Mapped[Verdict]
    rating: Mapped[int | None]
    needs_review: Mapped[bool]
    #: its source says so, or was seen to have changed it
    edited: Mapped[bool]
    gone: Mapped[bool]
    pictures: Mapped[int]
    media_stored: Mapped[int]
    media_pending: Mapped[int]
    media_failed: Mapped[int]
    media_gone: Mapped[int]
    media_skipped: Mapped[int]
    #: of its largest picture
    width: Mapped[int | None]
    height: Mapped[int | None]
    #: when it was archived first: microseconds from the beginning of the year 1
    seen: Mapped[int] = mapped_column(BigInteger)


class PendingRecord(Base):
    """A post whose index row is behind: noted by triggers, gone when the write is committed."""

    __tablename__ = "index_pending"

    post_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class FingerprintRecord(Base):
    """What a picture looks like (``scraper.fingerprint``), in bands to find its like by; or why that cannot be said."""

    __tablename__ = "fingerprints"
    __table_args__ = (
        Index(None, "band_1", "hash"),
        Index(None, "band_2", "hash"),
        Index(None, "band_3", "hash"),
        {"sqlite_with_rowid": False},
    )

    sha256: Mapped[str] = mapped_column(PLAIN_TEXT, ForeignKey("assets.sha256", ondelete="CASCADE"), primary_key=True)
    #: its 64 bits as a signed number; NULL when there are none
    hash: Mapped[int | None]
    band_1: Mapped[int | None]
    band_2: Mapped[int | None]
    band_3: Mapped[int | None]
    reason: Mapped[str | None]


class AlikeRecord(Base):
    """Two fingerprints that are near each other, both ways round, and each with itself; see ``storage.likeness``."""

    __tablename__ = "alike"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's own way of configuring

    hash: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    other: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    distance: Mapped[int]


class TraitRecord(Base):
    """Something that links a post with all others that have it, too; made from other tables by ``storage.traits``.

    ``second`` and ``tie`` say which of them was published first: the same in each row of a post.
    """

    __tablename__ = "traits"
    __table_args__ = (Index(None, "post_id", "kind", "value"), {"sqlite_with_rowid": False})

    kind: Mapped[str] = mapped_column(PLAIN_TEXT, primary_key=True)
    value: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    second: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tie: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True)


class DecisionRecord(Base):
    """What a curator decided about a post or one of its attachments: added to, never changed but for ``undone_by``.

    ``batch`` is what one command decided. ``value`` is NULL where a correction is taken back.
    """

    __tablename__ = "decisions"
    __table_args__ = (Index(None, "who", "batch"),)

    id: Mapped[Id]
    batch: Mapped[int]
    who: Mapped[str]
    at: Mapped[datetime]
    post_id: Mapped[OfPost]
    attachment_id: Mapped[int | None] = mapped_column(ForeignKey("attachments.id", ondelete="CASCADE"))
    kind: Mapped[Act]
    #: what is corrected; the tag
    field: Mapped[str | None]
    value: Mapped[MaybeDocument]
    #: the batch that took it back
    undone_by: Mapped[int | None]


class CurationRecord(Base):
    """What the decisions about a post come to, so that views are plain SQL; made anew with each of them.

    NULL is the machine's answer, an empty text is that there is none.
    """

    __tablename__ = "curation"

    post_id: Mapped[PostPart]
    verdict: Mapped[Verdict]
    rating: Mapped[int | None]
    note: Mapped[str | None]
    caption_fr: Mapped[str | None]
    caption_en: Mapped[str | None]
    published_at: Mapped[datetime | None]
    published_precision: Mapped[Precision | None]
    credit: Mapped[str | None]
    mission: Mapped[str | None]
    #: as in revisions, of the body alone; NULL also when the body has changed since
    segments: Mapped[MaybeDocument]
    #: names of what the curator corrected; NULL when nothing
    corrected: Mapped[tuple[Any, ...] | None]
    #: whether the body has changed since its captions or segments were corrected
    outdated: Mapped[bool]


class TagRecord(Base):
    """A curator's tag on a post; ``folded`` is it as it is compared."""

    __tablename__ = "tags"
    __table_args__ = (Index(None, "folded", postgresql_using="hash"), {"sqlite_with_rowid": False})

    post_id: Mapped[PostPart]
    folded: Mapped[str] = mapped_column(primary_key=True)
    tag: Mapped[str]


class TombstoneRecord(Base):
    """That a post was taken out for good, without a word of it: no later run brings it back.

    ``done_at`` is NULL until no byte of it is left.
    """

    __tablename__ = "tombstones"

    #: SHA-256 of the key, in hex
    key_hash: Mapped[str] = mapped_column(PLAIN_TEXT, primary_key=True)
    source_id: Mapped[SourceKey] = mapped_column(index=True)
    reason: Mapped[str]
    who: Mapped[str]
    at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class RemovalRecord(Base):
    """A file that is to be removed: from before it must go until it is gone. Relative to the archive's folder."""

    __tablename__ = "removals"

    path: Mapped[str] = mapped_column(PLAIN_TEXT, primary_key=True)


class BackupRecord(Base):
    """A backup that was made: where and on which machine, when last, and how much it held then."""

    __tablename__ = "backups"

    path: Mapped[str] = mapped_column(PLAIN_TEXT, primary_key=True)
    host: Mapped[str]
    made_at: Mapped[datetime]
    posts: Mapped[int]
    files: Mapped[int]
    bytes: Mapped[int]


class AgendaRecord(Base):
    """A matter that the daemon sees to, a source's visits or a chore: when it was done last, and when it is due."""

    __tablename__ = "agenda"

    #: ``visit:<source>``, ``chore:<name>`` or ``chore:<name>:<source>``
    matter: Mapped[str] = mapped_column(PLAIN_TEXT, primary_key=True)
    source_id: Mapped[str | None]
    last_started_at: Mapped[datetime | None]
    #: NULL while it is at work for the first time; older than ``last_started_at`` while it is at work
    last_ended_at: Mapped[datetime | None]
    last_outcome: Mapped[Ending | None]
    succeeded_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    why: Mapped[Because | None]
    failures_in_a_row: Mapped[int] = mapped_column(server_default=text("0"))
    paused_since: Mapped[datetime | None]
    pause_reason: Mapped[str | None]
    #: texts and numbers by name, of its last time and of what it goes on from
    detail: Mapped[Document]


class DaemonRecord(Base):
    """A daemon that runs, or that died without a word: its process, and when it was last heard of."""

    __tablename__ = "daemons"
    __table_args__ = (UniqueConstraint("host", "boot", "pid", "process_start"),)

    id: Mapped[Id]
    host: Mapped[str]
    boot: Mapped[str]
    pid: Mapped[int]
    process_start: Mapped[str]
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    version: Mapped[str]
    #: path of its configuration
    config: Mapped[str]
    #: what it cannot do just now, in a sentence
    trouble: Mapped[str | None]


class NoticeRecord(Base):
    """Something that people were told: when last, and how often."""

    __tablename__ = "notices"

    subject: Mapped[str] = mapped_column(PLAIN_TEXT, primary_key=True)
    told_at: Mapped[datetime]
    count: Mapped[int]


def rows_of(record: type[Base]) -> Table:
    """The table of a record, for Core's bulk statements."""
    return cast("Table", record.__table__)
