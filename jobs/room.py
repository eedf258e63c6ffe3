"""The disk guard: whether the archive's disk has room for pictures; says once when it has not, and once when it has."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from storage.disk import place_of_pictures

logger = logging.getLogger(__name__)

#: pictures are taken again when so much more than the least is free, so that one picture does not end it at once
AMPLE = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Bytes that are free on the disk of the pictures, how many shall be, and whether pictures are left for that."""

    free: int | None
    least: int
    is_short: bool


class Room:
    """Asked before each picture: ``room()`` is True while there is room. May be asked by many threads.

    Args:
        folder: the archive's; its ``media`` may be another disk.
        least: bytes that shall stay free; 0 asks for nothing.
        free: bytes that are free for us where a folder lies.
    """

    def __init__(self, folder: Path, least: int, *, free: Callable[[Path], int] | None = None) -> None:
        self._folder, self.least = folder, least
        self._free = free or (lambda place: shutil.disk_usage(place).free)
        self._lock, self._is_short = Lock(), False

    def __call__(self) -> bool:
        """Whether there is room now; see ``look``."""
        return not self.look().is_short

    def look(self) -> Space:
        """How it stands now; a disk that does not say is not guarded: whoever writes there hears what is wrong."""
        try:
            free = self._free(place_of_pictures(self._folder))
        except OSError:
            return Space(free=None, least=self.least, is_short=False)
        with self._lock:
            was_short = self._is_short
            self._is_short = free < (self.least * AMPLE if was_short else self.least)
            is_short = self._is_short
        if is_short and not was_short:
            message = "the disk of %s has %d bytes free and shall keep %d: pictures are left pending, texts go on"
            logger.warning(message, self._folder, free, self.least)
        elif was_short and not is_short:
            logger.warning("the disk of %s has room again (%d bytes free): pictures are taken", self._folder, free)
        return Space(free=free, least=self.least, is_short=is_short)
