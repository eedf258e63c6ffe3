"""The systemd unit that runs the daemon: its text, and whether a unit that is there is still as it was written.

See https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html and systemd.service.html there. Only what
systemd 247 (Debian 11) knows stands in it: ``Type=notify`` with ``ExecReload`` is what 253 calls ``notify-reload``.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from jobs.errors import UsageError

_MARK = "# Written by cupola service install; what follows has the SHA-256 "
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the unit is to run, and as whom.

    Attributes:
        program: the command line of ``cupola``, without its arguments.
        config: the configuration file, absolute.
        writable: the folders that are written to, absolute; they exist.
        environment: a file of ``NAME=value`` lines for secrets, absolute; it may be missing.
        user: who runs a unit of the system; None for a unit of the user who installs it.
    """

    program: tuple[str, ...]
    config: Path
    writable: tuple[Path, ...]
    environment: Path
    user: str | None = None


_BOTH = """
# Nothing here asks for more rights, and nothing can give it any.
NoNewPrivileges=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
# The web, the database's socket, the service manager's socket.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
"""
_SYSTEM = """
# The disk is there to be read, but for the archive's folders.
ProtectSystem=strict
ReadWritePaths={writable}
ProtectHome=read-only
PrivateTmp=yes
PrivateMounts=yes
PrivateDevices=yes
DevicePolicy=closed
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
CapabilityBoundingSet=
AmbientCapabilities=
RemoveIPC=yes
KeyringMode=private
# Not ProtectProc= nor ProcSubset=: whether another process that works on the archive is alive is read in /proc.
"""
_USER = """
# Not ProtectSystem= and its like: for a unit of a user they need user namespaces, which some systems keep from users,
# and there it would not start. A unit of the system (cupola service install --system) has them.
"""


def unit(service: Service) -> str:
    """The text of the unit.

    Raises:
        UsageError: a path holds a line break, which no unit can.
    """
    is_system = service.user is not None
    command = [*service.program, "daemon", "--config", str(service.config)]
    lines = ["[Unit]", "Description=Cupola, the archive of what space missions publish"]
    if is_system:
        lines += ["Wants=network-online.target", "After=network-online.target postgresql.service"]
    lines += [
        "",
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        f"ExecStart={' '.join([_word(command[0]), *map(_argument, command[1:])])}",
        "ExecReload=/bin/kill -HUP $MAINPID",
        f"WorkingDirectory={_setting(service.config.parent)}",
        "# Secrets: NAME=value lines, readable by nobody else (chmod 600); the file may be missing.",
        f"EnvironmentFile=-{_setting(service.environment)}",
    ]
    lines += [f"User={_setting(service.user)}"] if is_system else []
    lines += [
        "",
        "# What is in hand is finished within 10 s of SIGTERM, which only the daemon itself is sent.",
        "KillMode=mixed",
        "TimeoutStopSec=30",
        "# An archive of many years may take its time to be opened.",
        "TimeoutStartSec=5min",
        "# The loop says that it turns; one that has not for so long is ended and started again, which loses nothing.",
        "WatchdogSec=2min",
        "Restart=on-failure",
        "RestartSec=30",
        "# 2: the configuration is wrong, which starting again does not mend.",
        "RestartPreventExitStatus=2",
    ]
    system = _SYSTEM
    if any(path.is_relative_to(tmp) for path in (service.config, *service.writable) for tmp in ("/tmp", "/var/tmp")):  # noqa: S108 - not written to
        # a private one would hide them
        system = system.replace("PrivateTmp=yes\n", "")
    limits = _BOTH + (system.format(writable=" ".join(map(_word, map(str, service.writable)))) if is_system else _USER)
    target = "multi-user.target" if is_system else "default.target"
    text = "\n".join(lines) + "\n" + limits + f"\n[Install]\nWantedBy={target}\n"
    return f"{_MARK}{_digest(text)}\n{text}"


def is_as_written(text: str) -> bool:
    """Whether a unit is one that was written here, and that nobody has changed since."""
    first, _, rest = text.partition("\n")
    return first == _MARK + _digest(rest)


def unit_name(name: str) -> str:
    """The file's name of a unit.

    Raises:
        UsageError: it is no name for a unit.
    """
    bare = name.removesuffix(".service")
    if not _NAME.fullmatch(bare):
        raise UsageError(f"{name!r} is no name for a service: expected letters, digits, and _ . - between them")
    return f"{bare}.service"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _whole(value: object) -> str:
    text = str(value)
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise UsageError(
            f"{text!r} cannot stand in a unit of systemd: it holds a line break or another control character"
        )
    return text


def _setting(value: object) -> str:
    """A value that goes to the end of its line: only ``%`` means something there."""
    return _whole(value).replace("%", "%%")


def _word(value: str) -> str:
    """One of several words on a line, in quotes where it needs them."""
    text = _setting(value)
    if re.fullmatch(r"[A-Za-z0-9/_.,:@=+%-]+", text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _argument(value: str) -> str:
    """One of the words of a command: ``$`` is doubled as well."""
    return _word(value.replace("$", "$$"))
