"""Counts the time in which a database works on a person's statement, and not the time between two rows."""

from __future__ import annotations

from collections.abc import Callable


class Stopwatch:
    """Runs within its ``with`` blocks, one after the other, until ``seconds`` are used up.

    Args:
        seconds: in all.
        clock: seconds that only go forward.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self.seconds = seconds
        self._clock = clock
        self._left = seconds
        self._began = 0.0
        #: whether it was found to be up
        self.has_rung = False

    def __enter__(self) -> None:
        self._began = self._clock()

    def __exit__(self, *_: object) -> None:
        self._left -= self._clock() - self._began

    @property
    def left(self) -> float:
        """Seconds; to be asked within a block."""
        return self._left - (self._clock() - self._began)

    def is_up(self) -> bool:
        """Whether the time is used up; to be asked within a block."""
        self.has_rung = self.left < 0
        return self.has_rung

    def __str__(self) -> str:
        """What a person is told when it is up."""
        return f"stopped after {self.seconds:g} s; ask for less, or give it longer with --timeout"
