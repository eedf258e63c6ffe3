"""Which process is which: told apart over restarts of the process and of the machine, so that a dead one is known."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process on a machine.

    ``boot`` changes with every start of the machine and differs between containers, ``start`` tells a process
    from a later one with the same pid; both are empty where the system does not say (no ``/proc``).
    """

    host: str
    boot: str
    pid: int
    start: str

    @classmethod
    def current(cls) -> Process:
        """This process."""
        pid = os.getpid()
        return cls(host=platform.node(), boot=_boot(), pid=pid, start=_start(pid) or "")

    @classmethod
    def of_row(cls, row: Mapping[Any, Any]) -> Process:
        """The process that a row of a lease or of a daemon names; see ``columns``."""
        return cls(host=row["host"], boot=row["boot"], pid=row["pid"], start=row["process_start"])

    @property
    def columns(self) -> dict[str, str | int]:
        """The columns by which a row names this process."""
        return {"host": self.host, "boot": self.boot, "pid": self.pid, "process_start": self.start}

    def is_dead(self) -> bool:
        """Whether it is certain that this process has ended; False for one on another machine or boot."""
        if self.host != platform.node() or self.boot != _boot():
            return False
        if self.boot:
            return _start(self.pid) != self.start
        if os.name != "posix":
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def _boot() -> str:
    """The boot and the space in which pids mean something; empty without ``/proc``."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _start(pid: int) -> str | None:
    """When a process was started, in ticks since the boot; None when there is none (a zombie is none).

    See https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, fields 3 and 22.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # the second field is the program's name in brackets, which may itself hold brackets and spaces
    after_name = stat.rpartition(")")[2].split()
    return None if after_name[0] in "ZX" else after_name[19]
