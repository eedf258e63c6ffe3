"""A way out that does not keep its maker waiting: what its reader is slow to take is put aside, and given later."""

from __future__ import annotations

import os
import select
import tempfile
from typing import IO, BinaryIO

#: seconds that a reader may take nothing before the rest is put aside
PATIENCE = 10.0
_CHUNK = 2**16


class Outlet:
    """Bytes on their way to a stream, which is empty and is written to by nobody else.

    A pager that somebody looks at for a day must not keep the archive's state of that morning open, so that its
    journal grows: within ``PATIENCE`` the maker goes on, and can be done before its reader is.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting = bytearray()
        self._aside: IO[bytes] | None = None
        try:
            self._number: int | None = stream.fileno()
        except OSError:
            self._number = None  # a place in memory

    def write(self, data: bytes) -> None:
        """Give ``data`` on, or put it aside behind what is there already.

        Raises:
            OSError: the reader is gone, or there is no room.
        """
        if self._number is None:
            self._stream.write(data)
            return
        self._waiting += data
        # so many bytes go into a pipe that can be written to without waiting
        while len(self._waiting) >= select.PIPE_BUF:
            piece = bytes(self._waiting[: select.PIPE_BUF])
            del self._waiting[: select.PIPE_BUF]
            if self._aside is None and not select.select([], [self._number], [], PATIENCE)[1]:
                self._aside = tempfile.TemporaryFile()  # noqa: SIM115 - closed when all is given
            self._give(piece) if self._aside is None else self._aside.write(piece)

    def finish(self) -> None:
        """Give all that is left, however long its reader takes.

        Raises:
            OSError: as for ``write``.
        """
        if self._aside is not None:
            with self._aside as kept:
                kept.seek(0)
                while chunk := kept.read(_CHUNK):
                    self._give(chunk)
            self._aside = None
        self._give(bytes(self._waiting))
        self._waiting.clear()
        if self._number is None:
            self._stream.flush()

    def _give(self, data: bytes) -> None:
        view = memoryview(data)
        while view and self._number is not None:
            try:
                view = view[os.write(self._number, view) :]
            except BlockingIOError:  # whoever started us made it so
                select.select([], [self._number], [])
