"""What a service tells systemd: ready, reloading, stopping, a line of status, and that its loop really turns.

The protocol is one datagram of ``KEY=value`` lines to the socket named in ``NOTIFY_SOCKET``, see
https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping


class Manager:
    """The service manager that started this process, or nobody: then nothing is said. Any thread may speak.

    Args:
        environment: where the manager says how it is told: ``NOTIFY_SOCKET``, ``WATCHDOG_USEC``, ``WATCHDOG_PID``.
        monotonic: seconds that only go up.
    """

    def __init__(self, environment: Mapping[str, str], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._monotonic = monotonic
        self._last = float("-inf")
        wanted = environment.get("WATCHDOG_USEC", "")
        # a child has its parent's environment, and is not the one that is watched
        is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        #: seconds after which the manager ends a process that says nothing; None where it does not watch
        self.patience = int(wanted) / 1e6 if wanted.isdecimal() and int(wanted) and is_ours else None

    def ready(self, status: str) -> None:
        """All is set up, or has been loaded again."""
        self._say("READY=1", f"STATUS={_line(status)}")

    def status(self, status: str) -> None:
        """What ``systemctl status`` shows."""
        self._say(f"STATUS={_line(status)}")

    def reloading(self) -> None:
        """The configuration is being read again; ``ready`` ends it."""
        # of the manager's own clock, so that it knows which reload is meant
        self._say("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The end has begun."""
        self._say("STOPPING=1")

    def turned(self) -> None:
        """The loop has turned once more: said by it at each turn, and by nothing else; sent as often as needed."""
        now = self._monotonic()
        if self.patience is not None and now - self._last >= self.patience / 2:
            # what could not be said is said at the next turn
            self._last = now if self._say("WATCHDOG=1") else self._last

    def _say(self, *lines: str) -> bool:
        """Whether nobody needs to be told again; a manager that does not listen is no reason to stop working."""
        if not self._address:
            return True
        # an @ stands for the zero byte that begins an abstract address
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mouth:
            mouth.setblocking(False)
            mouth.sendto("\n".join(lines).encode(errors="replace"), address)
            return True
        return False


def _line(text: str) -> str:
    return " ".join(text.split())
