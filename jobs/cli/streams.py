"""The standard streams, made fit for use before the first word, and what to do when nobody can be told any more."""

from __future__ import annotations

import errno
import io
import os
import sys

#: what a write to a full disk, a quota or a device that is gone says
_LOST = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def make_ready() -> None:
    """Open what the caller has closed, and let a letter that stdout's encoding lacks become a question mark.

    The number of a closed stream would go to the next file that is opened: the database perhaps.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - open until the end
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def is_output_lost(error: OSError) -> bool:
    """Whether an error that no room has made its own says that stdout takes no more."""
    return error.filename is None and error.errno in _LOST


def write_no_more() -> None:
    """Let nothing more be written to stdout, not even when Python exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
