"""What the two kinds of database differ in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine

from storage.errors import ArchiveMissing, StorageError


class Backend(Protocol):
    """What differs from one kind of database to another; ``str()`` is its name in a sentence, without a password."""

    engine: Engine
    #: of ``engine``, for transactions that see one state from their first statement to their last
    reading: Engine
    #: of ``engine``, for transactions that have the archive's write lock from their start
    writing: Engine

    @property
    def file(self) -> Path | None:
        """The database's file; None when it is on a server."""

    def missing(self) -> ArchiveMissing:
        """The error when there is no archive."""

    def translate(self, error: Exception) -> StorageError | None:
        """The error of this room for one of the driver's or of the disk's; None when it is neither."""

    def tables(self, connection: Connection) -> set[str]:
        """The names of the tables that are there."""

    def faults(self, connection: Connection) -> Iterator[str]:
        """What the database itself finds wrong, a sentence each."""

    def wrote(self) -> None:
        """Do what is to be done after a write that was committed; says nothing of what fails in it."""

    def optimise(self) -> None:
        """Put the statistics in order by which questions are planned, and give back what a journal holds."""

    def scrub(self) -> None:
        """Write the database anew, so that nothing is left of what was deleted."""
