"""``cupola service``: the systemd unit that runs the daemon."""

from __future__ import annotations

import getpass
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.cli.main import DONE
from jobs.cli.options import common
from jobs.errors import UsageError

if TYPE_CHECKING:
    from jobs.config import ConfigFile
    from jobs.service import Service

#: where the units are that a person made, see systemd.unit(5)
SYSTEM_UNITS = Path("/etc/systemd/system")


@click.group()
def service() -> None:
    """Have systemd run the daemon: start it with the machine, watch it, start it again."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in (
        click.option(
            "--user/--system",
            "is_user",
            default=True,
            help="A unit of yours alone, which is the default, or of the machine (as root).",
        ),
        click.option(
            "--name", default="cupola", metavar="NAME", help="The unit's name: cupola; for a second archive another."
        ),
    ):
        command = decorate(command)
    return common(command)


_run_as = click.option(
    "--run-as", metavar="NAME", help="With --system: the user it runs as; else the owner of the configuration file."
)


@service.command(short_help="Write the unit, and say what to do next.")
@_run_as
@click.option("--force", is_flag=True, help="Write it also over a unit that was edited, or that is not ours.")
@_options
def install(config: Path | None, run_as: str | None, force: bool, is_user: bool, name: str) -> int:
    """Write a unit for the daemon of this configuration, and say which commands start it; nothing is started here.

    It is written anew after an update or when the archive has moved. A unit that was edited is left as it is: what you
    add stays in a drop-in (systemctl edit), which is never touched.
    """
    from jobs.service import is_as_written, unit, unit_name

    file = _checked(config)
    path = _folder(is_user=is_user) / unit_name(name)
    text = unit(_service(file, is_user=is_user, run_as=run_as))
    there = _read(path)
    if there is not None and not is_as_written(there) and not force:
        raise UsageError(
            f"{path} was edited, or is none of ours, and was left as it is; see what would be written with cupola "
            "service show, put your own settings into a drop-in (systemctl edit), or say --force"
        )
    if not is_user and (run_as or file.path.resolve().owner()) == "root":
        click.echo(
            "Note: the daemon will run as root, which it need not; another user is named with --run-as", err=True
        )
    secrets = _secrets(file)
    if secrets.exists() and secrets.stat().st_mode & 0o077:
        click.echo(f"Note: others may read {secrets}, where secrets stand: chmod 600 {_quoted(secrets)}", err=True)
    if there == text:
        click.echo(f"{path} is as it should be.")
    else:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            hint = "; as root it can" if isinstance(error, PermissionError) and not is_user else ""
            raise UsageError(f"{path} cannot be written: {error.strerror}{hint}") from error
        click.echo(f"{path} is written.")
    manage = _Commands(is_user=is_user, unit=path.name)
    click.echo(manage.to_start(was_there=there is not None))
    return DONE


@service.command(short_help="Print the unit that install would write.")
@_run_as
@_options
def show(config: Path | None, run_as: str | None, is_user: bool, name: str) -> int:
    """Print the unit that install would write, and say whether it is there and as it was written."""
    from jobs.service import is_as_written, unit, unit_name

    text = unit(_service(_checked(config), is_user=is_user, run_as=run_as))
    path = _folder(is_user=is_user) / unit_name(name)
    there = _read(path)
    if there is None:
        told = "is not there"
    elif there == text:
        told = "is this one"
    elif is_as_written(there):
        told = "is an older one of ours: cupola service install writes it anew"
    else:
        told = "was edited, or is none of ours"
    click.echo(text, nl=False)
    click.echo(f"{path} {told}.", err=True)
    return DONE


@service.command(short_help="Take the unit away.")
@click.option("--force", is_flag=True, help="Also a unit that was edited, or that is not ours.")
@_options
def remove(config: Path | None, force: bool, is_user: bool, name: str) -> int:
    """Take the unit away, and say which commands end what runs; the archive and the configuration stay."""
    from jobs.service import is_as_written, unit_name

    path = _folder(is_user=is_user) / unit_name(name)
    there = _read(path)
    if there is None:
        raise UsageError(f"there is no {path}")
    if not is_as_written(there) and not force:
        raise UsageError(f"{path} was edited, or is none of ours, and was left as it is; to remove it say --force")
    try:
        path.unlink()
    except OSError as error:
        raise UsageError(f"{path} cannot be removed: {error.strerror}") from error
    click.echo(f"{path} is removed.")
    click.echo(_Commands(is_user=is_user, unit=path.name).to_end)
    return DONE


@dataclass(frozen=True, slots=True)
class _Commands:
    """What is to be typed next."""

    is_user: bool
    unit: str

    def _told(self, *commands: str) -> str:
        return "Next:\n" + "\n".join(f"  {command}" for command in commands)

    def _systemctl(self, words: str) -> str:
        return f"{'systemctl --user' if self.is_user else 'systemctl'} {words}"

    def to_start(self, *, was_there: bool) -> str:
        begin = f"restart {self.unit}" if was_there else f"enable --now {self.unit}"
        commands = [self._systemctl("daemon-reload"), self._systemctl(begin)]
        if self.is_user:
            # without it a user's services end when they log out
            commands.append(f"loginctl enable-linger {getpass.getuser()}")
        journal = "journalctl --user-unit" if self.is_user else "journalctl --unit"
        return self._told(*commands, f"{journal} {self.unit} --output cat --follow")

    @property
    def to_end(self) -> str:
        return self._told(
            self._systemctl(f"stop {self.unit}"),
            self._systemctl(f"disable {self.unit}"),
            self._systemctl("daemon-reload"),
        )


def _checked(config: Path | None) -> ConfigFile:
    """The configuration, valid as the daemon will want it; its secrets are not asked for, they are the service's."""
    from jobs.config import config_path, load
    from jobs.wiring import sources_of

    file = load(config_path(config))
    sources_of(file, offline=True)
    if not any(stanza.schedule for stanza in file.config.sources):
        raise UsageError(f"no source of {file.path} has a schedule; the daemon would have nothing to do")
    return file


def _service(file: ConfigFile, *, is_user: bool, run_as: str | None) -> Service:
    from jobs.service import Service

    path = file.path.resolve()
    backup = file.config.jobs.backup
    writable = [file.folder]
    if backup is not None and backup.folder is not None:
        writable.append((path.parent / backup.folder).resolve())
    for folder in writable:
        # what is not there cannot be opened for writing by systemd
        folder.mkdir(parents=True, exist_ok=True)
    if is_user and run_as is not None:
        raise UsageError("--run-as goes with --system: a unit of yours runs as you")
    return Service(
        program=_program(),
        config=path,
        writable=tuple(writable),
        environment=_secrets(file),
        user=None if is_user else run_as or path.owner(),
    )


def _secrets(file: ConfigFile) -> Path:
    """Where the service's secrets stand: beside the configuration."""
    return file.path.resolve().parent / "cupola.env"


def _program() -> tuple[str, ...]:
    """The command that runs now, or the interpreter with our module, and nothing of the folder it stands in."""
    script = Path(sys.argv[0]).absolute()
    if script.name == "cupola" and os.access(script, os.X_OK):
        return (str(script),)
    return (sys.executable, "-P", "-m", "jobs")


def _folder(*, is_user: bool) -> Path:
    if not is_user:
        return SYSTEM_UNITS
    # under XDG_CONFIG_HOME, as systemd looks for it
    return Path(click.get_app_dir("systemd")) / "user"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
