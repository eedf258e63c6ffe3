"""What needs the archive is done again until it works: locked, full, unreachable, it is waited for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Condition, Event
from typing import TypeVar

from jobs.errors import Interrupted
from storage.errors import SchemaOutOfDate, SourceBusy, StorageError, UnknownKey

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: seconds to the next try: the first pause, and the longest
FIRST, LONGEST = 5.0, 300.0
#: errors that waiting does not mend
_NOT_OURS = (SourceBusy, UnknownKey, SchemaOutOfDate)


class Patience:
    """Shared by all who use an archive: when it works for one, the others need not wait any longer.

    Args:
        stop: ends the waiting.
        only: errors that are waited for; others are raised.
    """

    def __init__(self, stop: Event, *, only: tuple[type[StorageError], ...] = (StorageError,)) -> None:
        self._stop, self._only = stop, only
        self._state = Condition()
        #: what is wrong with the archive just now, in a sentence
        self.trouble: str | None = None

    def through(self, act: Callable[[], T], *, waiting: Callable[[], None] = lambda: None) -> T:
        """What ``act`` gives, however long that takes; ``waiting`` is called every few seconds meanwhile.

        Raises:
            Interrupted: asked to stop, and it did not work.
        """
        pause = FIRST
        while True:
            try:
                result = act()
            except _NOT_OURS:
                raise
            except self._only as error:
                self.note(error)
                if self._stop.is_set():
                    raise Interrupted("asked to stop while the archive cannot be used") from error
            else:
                self.well()
                return result
            for _ in range(int(pause / FIRST)):
                waiting()
                with self._state:
                    if self._state.wait_for(lambda: self.trouble is None or self._stop.is_set(), FIRST):
                        break
            pause = min(2 * pause, LONGEST)

    def note(self, error: StorageError) -> None:
        """The archive cannot be used; said once."""
        with self._state:
            is_news, self.trouble = self.trouble is None, str(error)
        if is_news:
            logger.error("the archive cannot be used: %s; waiting, and going on by itself", error)

    def well(self) -> None:
        """The archive can be used; said once after trouble."""
        with self._state:
            was_trouble, self.trouble = self.trouble, None
            self._state.notify_all()
        if was_trouble is not None:
            logger.warning("the archive can be used again")

    def give_up(self) -> None:
        """Let everybody see that ``stop`` is set."""
        with self._state:
            self._state.notify_all()
