"""The words that this room adds to the vocabulary: how a run stands, where something failed, parts of a post."""

from __future__ import annotations

from enum import StrEnum


class RunStatus(StrEnum):
    """How a run stands, or how it ended."""

    RUNNING = "running"
    #: everything that was asked for was done
    COMPLETED = "completed"
    #: done, but something failed and is recorded
    PARTIAL = "partial"
    FAILED = "failed"
    #: stopped by a person before it was done
    INTERRUPTED = "interrupted"
    #: its process died or lost its lease; another run found that out
    ABANDONED = "abandoned"


class Stage(StrEnum):
    """Where in a run something failed."""

    #: fetching or parsing an answer; the class of the error tells which
    PAGE = "page"
    #: reading or recording one post
    POST = "post"
    #: taking an attachment
    MEDIA = "media"


class Part(StrEnum):
    """Which text of a post a segment is cut from."""

    BODY = "body"
    TITLE = "title"


class Why(StrEnum):
    """Why a post's state was replaced."""

    #: the source states something else
    EDITED = "edited"
    #: the same statement was read anew, by a better splitter or with other missions
    READ_ANEW = "read anew"
    #: the source's own history tells of it, and no visit saw it
    TOLD = "told"


class Verdict(StrEnum):
    """What a curator says of a post."""

    UNREVIEWED = "unreviewed"
    SELECTED = "selected"
    REJECTED = "rejected"


class Act(StrEnum):
    """What kind of thing a curator decides."""

    VERDICT = "verdict"
    RATING = "rating"
    TAG = "tag"
    NOTE = "note"
    CORRECTION = "correction"
    UNDO = "undo"


class Ending(StrEnum):
    """How a matter of the daemon's ended: a visit, or work on what is held."""

    COMPLETED = "completed"
    #: done, but something failed and is recorded
    PARTIAL = "partial"
    FAILED = "failed"
    #: stopped by a person before it was done
    INTERRUPTED = "interrupted"
    #: stopped by the watchdog, because it took longer than it may
    TIMED_OUT = "timed_out"
    #: another run has the source
    BUSY = "busy"
    #: its process died; a later one found that out
    ABANDONED = "abandoned"

    @property
    def is_success(self) -> bool:
        """Whether it was done, be it in part: its failures in a row are over."""
        return self in (Ending.COMPLETED, Ending.PARTIAL)

    @property
    def is_failure(self) -> bool:
        """Whether it could not be done, or not in its time: one more failure in a row."""
        return self in (Ending.FAILED, Ending.TIMED_OUT)

    @property
    def is_cut_short(self) -> bool:
        """Whether it came to no end of its own, or to no beginning, which says nothing of whether it can be done."""
        return self in (Ending.INTERRUPTED, Ending.BUSY, Ending.ABANDONED)


class Because(StrEnum):
    """Why a matter comes when it does."""

    SCHEDULE = "schedule"
    #: it was due while no daemon ran
    OVERDUE = "overdue"
    #: its host asked for a pause
    RETRY_AFTER = "retry_after"
    #: it failed again and again
    FAILING = "failing"
    #: it does not come until it is resumed
    PAUSED = "paused"
    #: its source posts so often
    ADAPTIVE = "adaptive"
    #: put off to the end of the quiet hours
    QUIET_HOURS = "quiet_hours"
    #: what was cut short, or could not begin, is tried again soon
    AGAIN = "again"
