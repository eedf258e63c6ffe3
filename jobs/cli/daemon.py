"""``cupola daemon``: the scheduler, in the foreground."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs import arenas, logs
from jobs.cli.main import DONE, INTERRUPTED
from jobs.cli.options import common
from jobs.cli.run import hearing
from jobs.errors import Interrupted, UsageError
from jobs.logs import Form

if TYPE_CHECKING:
    from jobs.steward import Steward

#: seconds after which a daemon that was asked to stop is gone, whatever hangs
DEADLINE = 9.5


@click.command()
@click.option(
    "--log-format",
    type=click.Choice([form.value for form in Form]),
    default=Form.AUTO.value,
    show_default=True,
    help="For people, or a line of JSON a record; auto: for people on a terminal.",
)
@click.option(
    "--log-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the log there, not to stderr; a file of 10 MB is put aside, and five are kept.",
)
@common
def daemon(log_format: str, log_file: Path | None, config: Path | None) -> int:
    """Visit the sources by their schedules, and look after what is held, until told to stop.

    SIGTERM and Ctrl-C end it within ten seconds, after the post in hand; a second one at once, safely all the same.
    SIGHUP reads the configuration again: all of it, or nothing when something in it is wrong.
    Exit status: 0 stopped, 1 another daemon works on this archive, 2 wrong use or nothing is scheduled,
    3 the archive cannot be used.
    """
    arenas.keep_little(os.environ)
    try:
        logs.configure_daemon(Form(log_format), log_file)
    except OSError as error:
        raise UsageError(f"--log-file: {log_file} cannot be written to: {error.strerror}") from error
    steward: Steward | None = None

    def told(number: int) -> None:
        if steward is None:
            # nothing has begun, and the configuration is about to be read
            if number != signal.SIGHUP:
                os._exit(DONE)
        elif number == signal.SIGHUP:
            steward.load_again()
        elif steward.stop():
            os._exit(INTERRUPTED)
        else:
            # a disk that hangs would hold whatever closes a file; to be cut off there is as safe as a kill
            deadline = threading.Timer(DEADLINE, os._exit, [DONE])
            deadline.daemon = True
            deadline.start()

    with hearing(told, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        from jobs.config import config_path, load
        from jobs.steward import Steward
        from jobs.systemd import Manager

        steward = Steward(load(config_path(config)), Manager(os.environ))
        try:
            is_worn_out = steward.run()
        except Interrupted:
            is_worn_out = False
    _flush()
    if is_worn_out:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves, as we were started
    if threading.active_count() > 1:
        # a work that hangs would keep the process: its run was ended for it
        os._exit(DONE)
    return DONE


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
