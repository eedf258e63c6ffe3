"""What can be wrong with the way Cupola is asked to run.

JobsError            one base for the room
 +-- ConfigError     config.yaml or the environment; ``path`` and the ``problems`` found, each with line and key
 +-- UsageError      an option or argument that cannot be meant
 +-- Interrupted     a person or the system asked to stop
 +-- TimedOut        a work of the daemon's took longer than it may
 +-- AlreadyRunning  another daemon works on this archive
 +-- CrewLost        the process that takes pictures has ended by itself
 +-- PostUnreadable  a post whose text could not be read; only it is left out
 +-- Contradiction   two places of a source say different things of one post; one of them is kept
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class JobsError(Exception):
    """Base of this room's errors; the message is for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in a configuration file: where (line, from 1; dotted key) and what was expected."""

    key: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        """As an editor understands it: ``line 12, sources[0].kind: …``."""
        where = ", ".join(filter(None, (f"line {self.line}" if self.line else "", self.key)))
        return f"{where}: {self.message}" if where else self.message


class ConfigError(JobsError):
    """The configuration cannot be used; every problem found is told at once."""

    def __init__(self, path: Path, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))
        self.path = path
        self.problems = problems


class UsageError(JobsError):
    """An option or argument that cannot be meant; the message says what was expected."""


class Interrupted(JobsError):
    """Asked to stop; what was begun is finished, what was not is left for the next run."""


class TimedOut(JobsError):
    """A work of the daemon's took longer than it may, and was stopped by the watchdog."""


class AlreadyRunning(JobsError):
    """Another daemon works on this archive, on this machine; the message names it."""


class CrewLost(JobsError):
    """The process that takes pictures has ended by itself; the pictures in its hands are still wanted."""


class Contradiction(JobsError):
    """Two pages say different things of one post, or one gives an older edit than the other; one of them is kept."""


class PostUnreadable(JobsError):
    """A post whose text could not be read, by a fault of ours; its page is kept, and the post is read another time."""
