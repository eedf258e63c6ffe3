"""What can be seen of an archive's health, and what can be wrong with it, as values; also as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from storage.lookup import iso


class Kind(StrEnum):
    """What can be wrong, from the gravest on."""

    DATABASE = "database"
    NO_DAEMON = "no_daemon"
    TROUBLE = "trouble"
    DAMAGE = "damage"
    DISK = "disk"
    PAUSED = "paused"
    FAILING = "failing"
    OVERDUE = "overdue"
    UNPLANNED = "unplanned"
    CHORE = "chore"
    UNVERIFIED = "unverified"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ailment:
    """One thing that is wrong: what in a sentence, and what to do about it.

    Attributes:
        kind: what it is.
        about: the source or the chore that it is about; empty where it is about the whole.
        message: a sentence in our words; ``said`` stands behind it.
        advice: what to do, in our words.
        said: what a source or an error said, word by word: from outside, not harmless.
    """

    kind: Kind
    message: str
    advice: str
    about: str = ""
    said: str = ""

    @property
    def subject(self) -> str:
        """What names it, as long as it lasts."""
        return f"{self.kind}:{self.about}" if self.about else str(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """How one source does; what is not known is None.

    Attributes:
        id: the source.
        is_configured: whether the configuration has it; True when no configuration is at hand.
        is_scheduled: whether a daemon is to visit it.
        is_planned: whether a daemon has planned it; ``is_visiting`` whether one is there now.
        last_started_at: of the last visit; with ``last_ended_at`` and ``last_outcome``.
        next_at: when the next visit is due, and ``why`` then.
        new_posts: posts added in the last seven days.
        failures: things that failed in the last run, the first of them ``said``.
        left_out: posts that the last run left out because their authors ask for it.
        failures_in_a_row: visits that failed, one after the other.
        pictures_pending: pictures wanted and not tried yet; ``pictures_failed`` will be tried again.
        paused_since: since when it is not visited any more, and the ``pause_reason``.
    """

    id: str
    is_configured: bool = True
    is_scheduled: bool = False
    is_planned: bool = False
    is_visiting: bool = False
    last_started_at: datetime | None = None
    last_ended_at: datetime | None = None
    last_outcome: str | None = None
    next_at: datetime | None = None
    why: str | None = None
    new_posts: int = 0
    failures: int = 0
    said: str | None = None
    left_out: int = 0
    failures_in_a_row: int = 0
    pictures_pending: int = 0
    pictures_failed: int = 0
    paused_since: datetime | None = None
    pause_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoreHealth:
    """How one chore does; ``source_id`` is None for one that is about the whole archive."""

    name: str
    source_id: str | None = None
    last_ended_at: datetime | None = None
    last_outcome: str | None = None
    succeeded_at: datetime | None = None
    next_at: datetime | None = None
    failures_in_a_row: int = 0
    said: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonHealth:
    """A daemon that is alive; ``trouble`` is what it cannot do just now, in a sentence."""

    host: str
    pid: int
    started_at: datetime
    beat_at: datetime
    version: str = ""
    trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveHealth:
    """How the archive itself does; bytes, and None for what is not known.

    ``oldest_verified_at`` is when the file that was verified longest ago was so, ``damaged`` how many files the
    audit found damaged that are not mended. ``disk_short`` says that a daemon leaves pictures for want of room, which
    it does until there is somewhat more than the least.
    """

    disk_free: int | None = None
    disk_size: int | None = None
    disk_short: bool = False
    oldest_verified_at: datetime | None = None
    damaged: int = 0
    last_backup_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the configuration asks for; a limit that is None is not judged."""

    failing_runs: int = 3
    free_space: int | None = None
    #: a visit may be so late
    late: timedelta = timedelta(hours=2)
    #: all files are to be verified within
    verified_within: timedelta | None = None
    #: a backup is made every so often
    backup_every: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was found, at one moment (aware); ``also`` is wrong by the word of whoever asks."""

    at: datetime
    sources: Sequence[SourceHealth] = ()
    chores: Sequence[ChoreHealth] = ()
    daemons: Sequence[DaemonHealth] = ()
    archive: ArchiveHealth = field(default_factory=ArchiveHealth)
    also: Sequence[Ailment] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What was found, and what is wrong with it, the gravest first."""

    seen: Seen
    ailments: tuple[Ailment, ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return not self.ailments

    def as_json(self) -> dict[str, Any]:
        """The object that ``status --json`` prints and ``/status`` answers with; times are ISO 8601 with ``Z``."""
        problems = [
            {"problem": str(item.kind), "about": item.about or None}
            | {"message": item.message, "said": item.said or None, "advice": item.advice}
            for item in self.ailments
        ]
        return {
            "healthy": self.is_well,
            "at": iso(self.seen.at),
            "problems": problems,
            "daemons": [_plain(daemon) for daemon in self.seen.daemons],
            "archive": _plain(self.seen.archive),
            "sources": [_plain(source) for source in self.seen.sources],
            "chores": [_plain(chore) for chore in self.seen.chores],
        }


def _plain(value: Any) -> dict[str, Any]:
    """A value as JSON has it: ``is_planned`` is called ``planned`` there."""
    told = {name.removeprefix("is_"): item for name, item in asdict(value).items()}
    return {name: iso(item) if isinstance(item, datetime) else item for name, item in told.items()}
