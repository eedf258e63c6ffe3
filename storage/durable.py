"""Files that are on the disk for good, whole or not at all, whatever ends the process or the machine."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file to be written, that takes the place of ``path`` when the block has ended well.

    It is written beside it under a hidden name of its own, so that several may do so at once: the last one stays.
    Whoever reads ``path`` meanwhile, or after a power cut, finds the whole old file or the whole new one. When the
    block raises, the old one stays and the new one is removed. Only a kill leaves it behind, as ``.<name>.<16 hex
    digits>.part``. A link is replaced, not followed.

    Args:
        path: where the file shall be; its folder is there.

    Yields:
        The new file, empty, to be written and read; the block may close it, as a text wrapper around it does.

    Raises:
        OSError: the disk is at fault; see ``storage.disk.disk_faults``.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with part.open("x+b") as file:
            yield file
        # opened anew: the block may have closed it
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk: those that came, and those that went.

    Raises:
        OSError: the disk is at fault.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
