"""The composition root: from a configuration to the things that work; the only place where they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from jobs import __version__
from jobs.chores import chores_of
from jobs.config import ConfigFile
from jobs.crew import Crew, Orders
from jobs.downloads import Workers
from jobs.duty import Duty
from jobs.errors import ConfigError, Interrupted, Problem, UsageError
from jobs.leash import Shared, Waits
from jobs.stanzas import Schedule
from jobs.visit import Means, Progress, Unplugged, Visit
from jobs.visiting import duty_of
from scraper import registry
from scraper.capture import SAVED, Access, Capture, Request
from scraper.client import PoliteClient
from scraper.errors import OptionsError
from scraper.settings import interval_of
from scraper.source import Source
from storage.archive import Archive

#: told when a request has to wait: host, seconds, why
OnWait = Callable[[str, float, str], None]


@dataclass(frozen=True, slots=True)
class Configured:
    """A source as configured, and the mission that its posts get when nothing else says."""

    source: Source[Any]
    mission: str | None


def sources_of(file: ConfigFile, wanted: Iterable[str] = (), *, offline: bool = False) -> tuple[Configured, ...]:
    """The configured sources, or those named in ``wanted``, in the order of the file; without tokens when ``offline``.

    Raises:
        ConfigError: a kind is unknown or its options are wrong; all that is wrong is told at once.
        UsageError: a name in ``wanted`` is no configured source.
    """
    names = set(wanted)
    known = [stanza.id for stanza in file.config.sources]
    for name in names - set(known):
        raise UsageError(f"{file.path} has no source {name!r}; it has {', '.join(known) or 'none'}")
    found: list[Configured] = []
    problems: list[Problem] = []
    for index, stanza in enumerate(file.config.sources):
        if names and stanza.id not in names:
            continue
        try:
            found.append(_configured(file, index, offline=offline))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(file.path, tuple(problems))
    return tuple(found)


def _configured(file: ConfigFile, index: int, *, offline: bool) -> Configured:
    stanza = file.config.sources[index]
    try:
        kind = registry.kind(stanza.kind)
    except LookupError as error:
        raise file.error(("sources", index, "kind"), str(error)) from error
    options = file.source_options(index, kind.options_type, offline=offline)
    try:
        return Configured(registry.made(stanza.kind, stanza.id, options), stanza.mission)
    except OptionsError as error:
        raise file.options_error(index, error) from error


@contextmanager
def means_of(file: ConfigFile, *, stop: Event, progress: Progress, on_wait: OnWait | None = None) -> Iterator[Means]:
    """What a visit works with, made from the configuration; waits end at once when ``stop`` is set."""

    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise Interrupted("asked to stop")

    http = file.config.http

    def crew(folder: Path, access: Access, max_film_bytes: int | None) -> Workers:
        orders = Orders(settings=http, folder=folder, access=access, version=__version__, max_film_bytes=max_film_bytes)
        return Crew(orders, stop)

    with PoliteClient(http, version=__version__, sleep=pause, on_wait=on_wait) as client:
        yield Means(
            web=client,
            http=http,
            crew=crew if interval_of(http.rate) == 0.0 else None,
            missions=file.config.mission_values,
            now=clock,
            stop=stop,
            progress=progress,
        )


def web_of(file: ConfigFile, stop: Event, before: Shared | None = None) -> Shared:
    """The web that many visits share; each wait ends with its visit, and ``stop`` ends all of them.

    What hosts asked of one that was there ``before`` (a pause, say) goes on.
    """
    waits = Waits(stop) if before is None else before.waits
    former = None if before is None else before.client
    return Shared(PoliteClient(file.config.http, version=__version__, sleep=waits.sleep, before=former), waits)


def visits_of(file: ConfigFile) -> list[tuple[Visit, Schedule]]:
    """The sources that the daemon is to visit, and when.

    Raises:
        ConfigError: as ``sources_of``.
    """
    schedules = {stanza.id: stanza.schedule for stanza in file.config.sources}
    found = [(item, schedules[item.source.id]) for item in sources_of(file)]
    return [(Visit(source=item.source, mission=item.mission), schedule) for item, schedule in found if schedule]


def duties_of(file: ConfigFile) -> list[Duty]:
    """All that the daemon is to do.

    Raises:
        ConfigError: as ``sources_of``.
    """
    visits, jobs = visits_of(file), file.config.jobs
    base = file.path.resolve().parent
    return [
        *(duty_of(visit, schedule, jobs) for visit, schedule in visits),
        *chores_of(jobs, [visit for visit, _ in visits], base),
    ]


def unplugged(file: ConfigFile, *, stop: Event) -> Means:
    """What reading anew works with: missions and clock, and no web."""
    return Means(web=Unplugged(), http=file.config.http, missions=file.config.mission_values, now=clock, stop=stop)


def clock() -> datetime:
    """The present, aware and in UTC."""
    return datetime.now(UTC)


def archive_of(file: ConfigFile, *, read_only: bool = False) -> Archive:
    """The configured archive, open for writing unless it is to be ``read_only``; for a writer a new one is made.

    Raises:
        StorageError: it cannot be used.
    """
    return Archive.open(file.place, read_only=read_only)


def saved_capture(path: Path, url: str) -> Capture:
    """A file that a person saved, as if ``url`` had answered with it now.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        body = path.read_bytes()
        saved_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    kind = "application/json" if body.lstrip()[:1] in (b"{", b"[") else "text/html"
    return Capture(
        request=Request(url=url), url=url, status=SAVED, headers={"content-type": kind}, body=body, fetched_at=saved_at
    )
