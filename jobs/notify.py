"""Tells people what is wrong and when it is over, each thing at most once in a while; never in the daemon's way."""

from __future__ import annotations

import contextlib
import logging
import platform
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType

from jobs.config import ConfigFile
from jobs.errors import UsageError
from jobs.health import Ailment, Health, Kind
from jobs.messenger import Messenger, NotSent, messengers_of
from jobs.notices import Notice, over, wrong
from storage.agenda import Agenda
from storage.errors import StorageError

logger = logging.getLogger(__name__)

#: how often ``Notifier.check`` is worth calling
EVERY = timedelta(minutes=10)
#: an archive that cannot be read for so long is told of
UNREADABLE = timedelta(minutes=10)
#: seconds in which a notice is delivered, and those that a leaving daemon waits for one
DELIVERY, GOODBYE = 60.0, 2.0
#: what a person is told of; the rest stands in ``cupola status``
GRAVE = frozenset(Kind) - {Kind.NO_DAEMON, Kind.UNPLANNED, Kind.OVERDUE}
#: what is so on one machine and may not be on another that works on the same archive
_OF_MACHINE = (Kind.DISK,)
_OVER = "over:"
_EVER = timedelta(days=36500)


class Notifier:
    """Compares the archive's health with what people were told, and tells them what is new or over.

    What was told is kept in the archive, so that neither a restart nor a second daemon tells it again.

    Args:
        messengers: where people are told.
        agenda: keeps what they were told.
        health: how the archive does now; may raise a ``StorageError``.
        every: the same thing is told at most once in so long.
        archive: what it is called in a notice.
        now: the clock.
        host: this machine.
    """

    def __init__(
        self,
        messengers: Sequence[Messenger],
        agenda: Agenda,
        health: Callable[[], Health],
        *,
        every: timedelta,
        archive: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        host: str = platform.node(),
    ) -> None:
        self._agenda, self._health, self._now = agenda, health, now
        self._every, self._archive, self._host = every, archive, host
        self._post = _Post(messengers)
        self._unreadable_since: datetime | None = None
        #: what was told while the archive could not note it
        self._memory: dict[str, datetime] = {}

    def __enter__(self) -> Notifier:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._post.wait(GOODBYE)

    def check(self) -> None:
        """Look, and tell what is to be told; returns at once, whatever becomes of the delivery, and raises nothing."""
        if not self._post.is_staffed:
            return
        try:
            self._post.give_up()
            self._look()
        except Exception:  # a defect here must not end the thread that also keeps the daemon alive
            logger.exception("what people are to be told could not be found out; please report it")

    def _look(self) -> None:
        now = self._now()
        try:
            health = self._health()
            told = self._agenda.told()
        except StorageError as error:
            self._cannot_read(error, now)
            return
        self._can_read(now)
        ailments = {self._subject(item): item for item in health.ailments if item.kind in GRAVE}
        new = [item for subject, item in ailments.items() if self._may_tell(subject, told.get(subject), now)]
        if new:
            subjects = [self._subject(item) for item in new]
            self._tell(wrong(new, self._archive), failed=lambda: self._untell(subjects))
        self._tell_over([name for name in told if name not in ailments and self._is_open(name, told)], now)

    def wait(self, seconds: float) -> None:
        """Wait until what is under way is delivered, at most so long."""
        self._post.wait(seconds)

    def _subject(self, ailment: Ailment) -> str:
        return f"{ailment.subject}@{self._host}" if ailment.kind in _OF_MACHINE else ailment.subject

    def _may_tell(self, subject: str, last: datetime | None, now: datetime) -> bool:
        """Whether it is time, noted if so; where nothing can be noted we remember it ourselves."""
        last = max(filter(None, (last, self._memory.get(subject))), default=None)
        if last is not None and timedelta(0) <= now - last < self._every:
            return False
        try:
            may = self._agenda.may_tell(subject, now, self._every)
            if may:
                self._agenda.settle(_OVER + subject)
        except StorageError as error:
            logger.warning("what people are told cannot be noted: %s", error)
            self._memory[subject] = now
            return True
        return may

    def _untell(self, subjects: Sequence[str]) -> None:
        """Nobody heard of these: they are told again at the next look."""
        for subject in subjects:
            self._memory.pop(subject, None)
            with contextlib.suppress(StorageError):
                self._agenda.settle(subject)

    def _is_open(self, subject: str, told: dict[str, datetime]) -> bool:
        """Whether people were told of it, and not that it is over; another machine's is its own to tell."""
        name, _, machine = subject.partition("@")
        if name.partition(":")[0] not in list(Kind) or (machine and machine != self._host):
            return False
        return told.get(_OVER + subject, told[subject] - timedelta(1)) < told[subject]

    def _tell_over(self, subjects: Sequence[str], now: datetime) -> None:
        mine = []
        for subject in subjects:
            with contextlib.suppress(StorageError):
                if self._agenda.may_tell(_OVER + subject, now, _EVER):
                    mine.append(subject)
        if mine:
            self._tell(over([_parts(subject) for subject in mine], self._archive))

    def _cannot_read(self, error: StorageError, now: datetime) -> None:
        self._unreadable_since = since = self._unreadable_since or now
        last = self._memory.get(Kind.DATABASE)
        if now - since < UNREADABLE or (last is not None and timedelta(0) <= now - last < self._every):
            return
        ailment = Ailment(
            kind=Kind.DATABASE,
            message="the archive cannot be used",
            said=str(error),
            advice="mend that; the daemon waits, and goes on by itself",
        )
        self._memory[Kind.DATABASE] = now
        self._tell(wrong([ailment], self._archive), failed=lambda: self._untell([Kind.DATABASE]))

    def _can_read(self, now: datetime) -> None:
        self._unreadable_since = None
        if self._memory.pop(Kind.DATABASE, None) is not None:
            self._tell(over([(Kind.DATABASE, "")], self._archive))

    def _tell(self, notice: Notice, failed: Callable[[], None] = lambda: None) -> None:
        logger.info("telling people: %s", notice.title)
        self._post.send(notice, failed)


def _parts(subject: str) -> tuple[Kind, str]:
    """Kind and what it is about; the machine is left out."""
    kind, _, about = subject.partition("@")[0].partition(":")
    return Kind(kind), about


class _Errand:
    """A notice on its way by one messenger; ``done`` is called once, with whether it was delivered."""

    def __init__(self, messenger: Messenger, notice: Notice, done: Callable[[bool], None]) -> None:
        self._messenger, self._notice, self._done = messenger, notice, done
        self._lock, self._is_over = threading.Lock(), False
        self.until = time.monotonic() + DELIVERY
        self.thread = threading.Thread(target=self._run, name="notice", daemon=True)

    @property
    def is_late(self) -> bool:
        """Whether it should have been delivered by now."""
        return time.monotonic() >= self.until and not self._is_over

    def end(self, is_delivered: bool) -> None:
        """Note how it ended; the first word counts."""
        with self._lock:
            was_over, self._is_over = self._is_over, True
        if not was_over:
            self._done(is_delivered)

    def _run(self) -> None:
        try:
            self._messenger.send(self._notice)
        except NotSent as error:
            logger.error("%s; it is tried again later", error)
            self.end(False)
        except Exception:  # whatever goes wrong with a notice ends nothing else
            logger.exception("a notice could not be sent to %s", self._messenger.name)
            self.end(False)
        else:
            self.end(True)


class _Post:
    """Sends each notice by every messenger, each in a thread that nobody waits for and that may hang."""

    def __init__(self, messengers: Sequence[Messenger]) -> None:
        self._messengers = messengers
        self._errands: dict[str, _Errand] = {}
        self._lock = threading.Lock()

    @property
    def is_staffed(self) -> bool:
        """Whether there is anybody to send."""
        return bool(self._messengers)

    def send(self, notice: Notice, failed: Callable[[], None]) -> None:
        """Send it; ``failed`` is called when no messenger could deliver it."""
        left, is_delivered = len(self._messengers), False

        def done(delivered: bool) -> None:
            nonlocal left, is_delivered
            with self._lock:
                left, is_delivered = left - 1, is_delivered or delivered
                is_lost = not left and not is_delivered
            if is_lost:
                failed()

        for messenger in self._messengers:
            before = self._errands.get(messenger.name)
            if before is not None and before.thread.is_alive():
                # it has our last notice still: one that hangs gets no second thread
                logger.error("%s has not taken the last notice yet; not sent there: %s", messenger.name, notice.title)
                done(False)
                continue
            errand = _Errand(messenger, notice, done)
            self._errands[messenger.name] = errand
            errand.thread.start()

    def give_up(self) -> None:
        """What is late counts as not delivered; its thread is left to itself."""
        for name, errand in self._errands.items():
            if errand.is_late:
                logger.error("%s has not taken a notice within %.0f s; it is tried again later", name, DELIVERY)
                errand.end(False)

    def wait(self, seconds: float) -> None:
        """Wait for what is under way, at most so long."""
        until = time.monotonic() + seconds
        for errand in list(self._errands.values()):
            errand.thread.join(max(until - time.monotonic(), 0.0))


@contextlib.contextmanager
def notifier_of(
    file: ConfigFile, agenda: Agenda, health: Callable[[], Health], now: Callable[[], datetime]
) -> Iterator[Notifier]:
    """The notifier that a configuration asks for; one that tells nobody when it asks for none.

    Raises:
        ConfigError: the variable is not set, apprise is not installed or does not understand an address.
    """
    notify = file.config.notify
    with Notifier(messengers(file), agenda, health, every=notify.every, archive=str(file.folder), now=now) as notifier:
        yield notifier


def messengers(file: ConfigFile) -> list[Messenger]:
    """Who brings the notices of a configuration; nobody when it names none.

    Raises:
        ConfigError: as ``notifier_of``.
    """
    urls = file.notice_urls
    if not urls:
        return []
    try:
        return messengers_of(urls, str(file.config.notify.urls_env))
    except UsageError as error:
        raise file.error(("notify", "urls_env"), str(error)) from error
