"""What was given before in one import, on the disk, so that memory stays flat however many there are."""

from __future__ import annotations

import hashlib
import sqlite3
from types import TracebackType
from typing import Self

from scraper.model import Post


class Repeats:
    """Posts by their keys: where each was given first, and what it said."""

    def __init__(self) -> None:
        # without a name it is a file that goes with the process, and only as large as needed
        self._held = sqlite3.connect("")
        self._held.execute("CREATE TABLE given (key BLOB PRIMARY KEY, said BLOB, place TEXT) WITHOUT ROWID")

    def first(self, post: Post, where: str) -> tuple[str, bool] | None:
        """None when it is new; else where it was given first, and whether it said the same there."""
        key, said = _digest(post.key), _digest(repr(post))
        row = self._held.execute("SELECT said, place FROM given WHERE key = ?", (key,)).fetchone()
        if row is None:
            place = where.encode(errors="replace").decode()
            self._held.execute("INSERT INTO given VALUES (?, ?, ?)", (key, said, place))
            return None
        return row[1], row[0] == said

    def close(self) -> None:
        """Forget it all."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
