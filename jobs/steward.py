"""Everything around the daemon of a configuration: its archive, lock, web, endpoint and notices; and it read again."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from threading import Event

from jobs import secrecy
from jobs.changes import differences
from jobs.checkup import check_up
from jobs.chores import refusals
from jobs.config import ConfigFile, load
from jobs.daemon import Daemon
from jobs.duty import Duty, Plan
from jobs.endpoint import Endpoint
from jobs.errors import JobsError, UsageError
from jobs.leash import Shared
from jobs.notify import EVERY, Notifier, notifier_of
from jobs.patience import Patience
from jobs.room import Room
from jobs.sole import sole
from jobs.systemd import Manager
from jobs.timetable import Due, zone_of
from jobs.visit import Means
from jobs.vitals import Health
from jobs.wiring import archive_of, clock, duties_of, web_of
from storage.agenda import Agenda
from storage.archive import Archive
from storage.errors import ArchiveLocked, ArchiveUnreachable, DiskFull

logger = logging.getLogger(__name__)

#: errors for which an archive that cannot be opened is waited for
_PASSING = (ArchiveLocked, ArchiveUnreachable, DiskFull)


class Steward:
    """Makes the daemon of a configuration, keeps what it stands on, and reads the configuration again.

    ``run`` is called once; ``stop`` and ``load_again`` by any thread, at any time.

    Args:
        file: the configuration.
        manager: the service manager, which is told how things stand.
    """

    def __init__(self, file: ConfigFile, manager: Manager) -> None:
        self._file, self._manager = file, manager
        self._stop, self._is_asked = Event(), False
        self._wants_reload = False
        self._daemon: Daemon | None = None
        self._web: Shared
        self._archive: Archive
        self._room: Room | None = None
        self._company = ExitStack()
        self._notifier: Notifier | None = None
        self._told_at: datetime | None = None

    def stop(self) -> bool:
        """End after what is in hand; whether that was asked before."""
        # not by the event: a daemon that ends in order to begin anew sets that, too
        was_asked, self._is_asked = self._is_asked, True
        self._stop.set()
        if self._daemon is not None:
            self._daemon.stop()
        return was_asked

    def load_again(self) -> None:
        """Read the configuration again, all or nothing."""
        self._wants_reload = True
        if self._daemon is not None:
            self._daemon.load_again()

    def run(self) -> bool:
        """Work until asked to stop.

        Returns:
            Whether the process is to be replaced by a new one.

        Raises:
            ConfigError, UsageError: the configuration cannot be used, or schedules nothing.
            AlreadyRunning: a daemon is at work on this archive.
            StorageError: the archive cannot be used, and waiting would not mend it.
            Interrupted: asked to stop before the archive could be opened.
        """
        secrecy.hide(self._file.secrets)
        duties = _duties(self._file)
        patience = Patience(self._stop, only=_PASSING)
        with ExitStack() as stack:
            self._archive = stack.enter_context(patience.through(lambda: archive_of(self._file), waiting=self._awaits))
            on_server = self._file.config.archive.database is not None
            if not on_server:
                stack.enter_context(sole(self._archive.folder, clock()))
            stack.callback(lambda: self._company.close())
            stack.callback(lambda: self._web.retire())
            plan = self._plan(self._file, duties, web_of(self._file, self._stop))
            self._daemon = Daemon(
                self._archive,
                plan,
                now=clock,
                alone=not on_server,
                stop=self._stop,
                reload=self._reload,
                turned=self._manager.turned,
                beaten=self._beaten,
            )
            if self._wants_reload:
                # asked for while the archive was waited for
                self._daemon.load_again()
            self._keep_company(self._file)
            try:
                return self._daemon.run(self._started) and not self._is_asked
            finally:
                self._manager.stopping()

    def _plan(self, file: ConfigFile, duties: list[Duty], web: Shared) -> Plan:
        self._web = web
        least = file.config.jobs.free_space
        # one that is the same still knows whether it was short
        if self._room is None or self._room.least != least:
            self._room = Room(self._archive.folder, least)
        room = self._room

        @contextmanager
        def means(stop: Event) -> Iterator[Means]:
            with web.leash(stop) as leash:
                yield Means(
                    web=leash,
                    http=file.config.http,
                    missions=file.config.mission_values,
                    now=clock,
                    stop=stop,
                    room=room,
                )

        return Plan(duties=duties, means=means, workers=file.config.jobs.workers, config=str(file.path.resolve()))

    # what is told

    def _awaits(self) -> None:
        """A manager that starts what needs this daemon need not wait for the archive."""
        self._manager.ready("waiting for the archive, which cannot be used just now")
        self._manager.turned()

    def _started(self) -> None:
        if self._daemon is None:
            return
        for refusal in refusals(self._file.config.jobs, self._archive.database.dialect):
            logger.warning("%s", refusal)
        said = summary(self._file, self._daemon.planned())
        logger.info("%s", said)
        self._manager.ready(said)

    def _beaten(self) -> None:
        """Tell people what they should see to, from time to time."""
        now = clock()
        is_time = self._told_at is None or not (self._told_at <= now < self._told_at + EVERY)
        if self._notifier is not None and is_time:
            self._told_at = now
            self._notifier.check()

    def _health(self) -> Health:
        is_short = self._room is not None and self._room.look().is_short
        return check_up(self._archive.database, self._archive.folder, self._file.config, clock(), is_short=is_short)

    def _turned_at(self) -> datetime:
        return self._daemon.turned_at if self._daemon is not None else clock()

    def _keep_company(self, file: ConfigFile) -> None:
        """Begin to listen and to tell, as this configuration says, and end what did so before.

        Raises:
            ConfigError, UsageError: it cannot be done; what did so before has ended.
        """
        self._company.close()
        self._company = ExitStack()
        self._notifier = self._company.enter_context(
            notifier_of(file, Agenda(self._archive.database), self._health, clock)
        )
        status = file.config.status
        if status.address is not None:
            endpoint = Endpoint(status.address, self._health, self._turned_at, now=clock, public=status.public)
            host, port = self._company.enter_context(endpoint).address
            logger.info("status is told at http://%s:%d", host, port)

    # the configuration read again

    def _reload(self) -> Plan | None:
        """The plan of the configuration as it is now; None when it stays as it was."""
        self._manager.reloading()
        try:
            plan, changes = self._read_again()
        except JobsError as error:
            # the words of an editor's errors stand on lines of their own
            said = "; ".join(str(error).splitlines())
            logger.error("the configuration is not taken over, and stays as it was: %s", said)
            self._note(f"the configuration cannot be read again: {said}")
            self._manager.ready("the configuration could not be read again, and stays as it was")
            return None
        self._note(None)
        logger.info("the configuration was read again: %s", ", ".join(changes) or "nothing has changed")
        self._manager.ready(f"read again: {', '.join(changes) or 'nothing has changed'}")
        return plan

    def _read_again(self) -> tuple[Plan, list[str]]:
        old, new = self._file, load(self._file.path)
        if new.place != old.place:
            raise UsageError("archive has changed, which needs the daemon to be started anew")
        secrecy.hide(new.secrets)
        duties = _duties(new)
        before = old.config
        if (new.config.status, new.config.notify) != (before.status, before.notify):
            try:
                self._keep_company(new)
            except JobsError:
                with contextlib.suppress(JobsError):
                    self._keep_company(old)
                raise
        former = self._web
        web = former if new.config.http == before.http else web_of(new, self._stop, former)
        self._file = new
        plan = self._plan(new, duties, web)
        if web is not former:
            # what is under way goes on with it, and closes it
            former.retire()
        return plan, differences(before, new.config)

    def _note(self, trouble: str | None) -> None:
        if self._daemon is not None:
            self._daemon.trouble = trouble


def _duties(file: ConfigFile) -> list[Duty]:
    if not any(stanza.schedule for stanza in file.config.sources):
        message = (
            f"{file.path}: no source has a schedule, so there is nothing to do; give one a schedule: {{every: 6h}}"
        )
        raise UsageError(message)
    return duties_of(file)


def summary(file: ConfigFile, planned: dict[str, Due]) -> str:
    """What is scheduled and what comes first, in a sentence."""
    left = [stanza.id for stanza in file.config.sources if stanza.schedule is None]
    visits = [name for name in planned if name.startswith("visit:")]
    all_visits = len(file.config.sources) - len(left)
    said = f"{all_visits} source{'s are' if all_visits != 1 else ' is'} visited by schedule"
    if left:
        names = ", ".join(left[:5]) + (" …" if len(left) > 5 else "")
        said += f", {len(left)} without one {'are' if len(left) != 1 else 'is'} left alone ({names})"
    if len(visits) < all_visits:
        said += f"; {all_visits - len(visits)} of them paused or at work"
    if planned:
        name, due = min(planned.items(), key=lambda item: item[1].at)
        at = due.at.astimezone(zone_of(file.config.jobs.time_zone))
        said += f"; next is {name} at {at:%Y-%m-%d %H:%M:%S %Z} ({due.why})"
    return said
