"""What may stand in ``config.yaml``, stanza by stanza; reads no file."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from jobs.moments import Hours, parse_clock, parse_duration, parse_hours, parse_size
from scraper.model import SOURCE_ID, Mission
from scraper.settings import HttpSettings, MissionSettings, Settings
from storage.export.publishable import Clearance
from storage.settings import as_address, has_password

T = TypeVar("T")


def _read_by(parse: Callable[[str], T], kind: type[T]) -> BeforeValidator:
    """Reads a value that is written as text."""

    def read(value: object) -> T:
        return value if isinstance(value, kind) else parse(str(value))

    return BeforeValidator(read)


def _or_off(value: object) -> object:
    """YAML reads ``off`` as false; a key that stands there empty is a slip, and switches nothing off."""
    if value is None:
        raise ValueError("is empty; give it a value, or say off")
    return None if value is False else value


def _source_id(value: str) -> str:
    if not SOURCE_ID.fullmatch(value):
        raise ValueError("expected lower-case letters, digits and hyphens, such as esa-proxima")
    return value


def _cron(value: str) -> str:
    from apscheduler.triggers.cron import CronTrigger

    if len(value.split()) != 5:
        raise ValueError('expected five cron fields such as "0 */6 * * *"')
    try:
        never = (
            CronTrigger.from_crontab(value, timezone=UTC).get_next_fire_time(None, datetime(2024, 1, 1, tzinfo=UTC))
            is None
        )
    except ValueError as error:
        raise ValueError(f'expected five cron fields such as "0 */6 * * *": {error}') from error
    if never:
        raise ValueError("expected five cron fields of a time that comes, and this one never does")
    return value


def _length(value: timedelta) -> timedelta:
    if value > timedelta(days=3660):
        raise ValueError("expected at most ten years")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, LookupError) as error:
        raise ValueError("expected the name of a time zone such as Europe/Paris") from error
    return value


def _database(value: str) -> str:
    if has_password(value):
        raise ValueError("a password does not stand in this file: name its variable in password_env")
    return as_address(value)


Duration = Annotated[timedelta, _read_by(parse_duration, timedelta), AfterValidator(_length)]
Clock = Annotated[time, _read_by(parse_clock, time)]
Quiet = Annotated[Hours, _read_by(parse_hours, Hours)]
Size = Annotated[int, _read_by(parse_size, int)]
Zone = Annotated[str, AfterValidator(_zone)]
OrOff = BeforeValidator(_or_off)


class ArchiveStanza(Settings):
    """Where the archive is; a relative folder counts from the configuration file.

    ``database`` is the address of a PostgreSQL database, ``password_env`` the variable with its user's password.
    """

    folder: Path = Path("archive")
    database: Annotated[str | None, AfterValidator(lambda value: value and _database(value))] = None
    password_env: str | None = None
    warc_file_bytes: Annotated[int, Field(ge=2**20)] = 2**30  # a run's answers go on in a new file after so many


class Adaptive(Settings):
    """Visits that follow how often the source posts, within these bounds."""

    at_least: Duration = timedelta(hours=1)
    at_most: Duration = timedelta(days=2)

    @model_validator(mode="after")
    def _in_order(self) -> Adaptive:
        if self.at_most < self.at_least:
            raise ValueError("expected at_most to be no shorter than at_least")
        return self


class Schedule(Settings):
    """When the daemon visits a source: an interval, five cron fields, or as often as it posts.

    ``jitter`` puts each visit off by up to so much; in ``quiet_hours`` none begins. Both these and cron are read in
    ``time_zone``, by default that of ``jobs``.
    """

    every: Duration | None = None
    cron: Annotated[str | None, AfterValidator(lambda value: value and _cron(value))] = None
    adaptive: Adaptive | None = None
    jitter: Duration | None = None
    quiet_hours: Quiet | None = None
    time_zone: Zone | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Schedule:
        if sum(way is not None for way in (self.every, self.cron, self.adaptive)) != 1:
            raise ValueError('expected either every: 6h or cron: "0 */6 * * *" or adaptive: {at_most: 2d}')
        return self


class Cleared(Settings):
    """Whether posts may leave in an export for others, and why not."""

    publish: bool = True
    publish_reason: Annotated[str | None, Field(min_length=1)] = None

    @model_validator(mode="after")
    def _a_reason_for_something(self) -> Self:
        if self.publish and self.publish_reason is not None:
            raise ValueError("expected publish: false beside publish_reason, which says why")
        return self


class MissionStanza(MissionSettings, Cleared):
    """A mission, and whether its posts may leave in an export."""


class SourceStanza(Cleared, extra="allow"):
    """What is common to every source; the rest is its kind's own options, checked by the kind."""

    id: Annotated[str, AfterValidator(_source_id)]
    kind: str
    mission: str | None = None
    schedule: Schedule | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The keys that belong to the kind."""
        return dict(self.model_extra or {})


class Chore(Settings):
    """Work on what is held: every so often, and at a time of day where one is given."""

    every: Duration
    at: Clock | None = None


class RetryMedia(Chore):
    """Pictures that failed and are due are tried again."""

    every: Duration = timedelta(hours=1)


class LookAgain(Chore):
    """The posts of the last days are looked at again, for edits and deletions."""

    every: Duration = timedelta(days=1)
    days: Annotated[int, Field(ge=1, le=3650)] = 30


class DeepPass(Chore):
    """The whole history of each source is read."""

    every: Duration = timedelta(weeks=4)


class Fixity(Chore):
    """Files are hashed and compared, a share each time, so that all are within the time given."""

    every: Duration = timedelta(days=1)
    at: Clock | None = time(3)
    within: Duration = timedelta(days=30)


class Backup(Chore):
    """The database is copied into a folder, and the last copies are kept; without a folder it is off."""

    every: Duration = timedelta(days=1)
    keep: Annotated[int, Field(ge=1, le=1000)] = 7
    folder: Path | None = None


class Optimise(Chore):
    """The database puts its own statistics in order."""

    every: Duration = timedelta(weeks=1)


class Fingerprint(Chore):
    """Pictures that nobody has looked at yet are, so that those that look alike are found."""

    every: Duration = timedelta(hours=6)


class JobsStanza(Settings):
    """What the daemon does, and within which limits; a chore is switched off by ``off``."""

    workers: Annotated[int, Field(ge=1, le=64)] = 4  # sources visited at once; two on one host never
    time_zone: Zone = "UTC"
    quiet_hours: Quiet | None = None
    visit_limit: Duration = timedelta(hours=2)
    retry_media: Annotated[RetryMedia | None, OrOff] = RetryMedia()
    look_again: Annotated[LookAgain | None, OrOff] = LookAgain()
    deep_pass: Annotated[DeepPass | None, OrOff] = DeepPass()
    fixity: Annotated[Fixity | None, OrOff] = Fixity()
    fingerprint: Annotated[Fingerprint | None, OrOff] = Fingerprint()
    backup: Annotated[Backup | None, OrOff] = Backup()
    optimise: Annotated[Optimise | None, OrOff] = Optimise()
    free_space: Size = 2_000_000_000  # under it no pictures are taken


class StatusStanza(Settings):
    """Where programs may ask how the daemon does: an address and a port; nowhere unless given."""

    listen: str | None = None
    public: bool = False

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port to listen on; None when it is off."""
        if self.listen is None:
            return None
        parts = urlsplit(f"//{self.listen}")
        return parts.hostname or "", parts.port or 0

    @model_validator(mode="after")
    def _near(self) -> StatusStanza:
        if self.listen is None:
            return self
        try:
            host, _ = self.address or ("", 0)
            near = host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            host, near = "", False
        if not host or not re.search(r":\d{1,5}$", self.listen):
            raise ValueError("expected listen to be an address and a port such as 127.0.0.1:9464")
        if not near and not self.public:
            raise ValueError(f"{host} is not this machine alone; if others are to read it, say public: true")
        return self


class NotifyStanza(Settings):
    """Who is told of what a person should see to: the variable with apprise's addresses; nobody unless given."""

    urls_env: str | None = None
    failing_runs: Annotated[int, Field(ge=1, le=1000)] = 3
    every: Duration = timedelta(days=1)


class Config(Settings):
    """A whole configuration file, valid but for the options that only a kind of source can judge."""

    archive: ArchiveStanza = ArchiveStanza()
    http: HttpSettings = HttpSettings()
    jobs: JobsStanza = JobsStanza()
    status: StatusStanza = StatusStanza()
    notify: NotifyStanza = NotifyStanza()
    missions: dict[str, MissionStanza] = Field(default_factory=dict)
    sources: tuple[SourceStanza, ...] = ()

    @property
    def mission_values(self) -> tuple[Mission, ...]:
        """The missions as values, in the order of the file."""
        return tuple(
            Mission(id=key, **{name: getattr(stanza, name) for name in MissionSettings.model_fields})
            for key, stanza in self.missions.items()
        )

    @property
    def clearance(self) -> Clearance:
        """What is kept back from exports that others get to see."""
        return Clearance(
            sources={stanza.id: stanza.publish_reason or "" for stanza in self.sources if not stanza.publish},
            missions={key: stanza.publish_reason or "" for key, stanza in self.missions.items() if not stanza.publish},
        )
