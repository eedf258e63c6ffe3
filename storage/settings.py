"""Where an archive lives; reads no file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

#: how the address of a database begins; the first is what it becomes
SCHEMES = ("postgresql+psycopg", "postgresql", "postgres")

# a password may itself hold an @, so all up to the last one goes
_PASSWORD = re.compile(r"(://[^:/@?#\s]*):[^\s]+@|([?&](?:ssl)?password=)[^&\s]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ArchiveSettings:
    """One folder that holds ``media/``, ``warc/`` and ``cupola.db``; or the database is elsewhere, by its address.

    Attributes:
        folder: the archive's folder.
        database: address of a PostgreSQL database, ``postgresql+psycopg://user@host/name``; None for
            ``cupola.db`` in the folder.
        password: of the database's user, where the address has none.
        warc_file_bytes: size of a WARC file after which a run goes on in a new one.
        software: name and version of who writes; stands at the head of each WARC file.

    Raises:
        ValueError: the address is none of a PostgreSQL database; its password is not told.
    """

    folder: Path = Path("archive")
    database: str | None = None
    password: str | None = None
    warc_file_bytes: int = 2**30
    software: str = "cupola"

    def __post_init__(self) -> None:
        if self.database is not None:
            object.__setattr__(self, "database", as_address(self.database))

    def __repr__(self) -> str:
        return f"ArchiveSettings(folder={str(self.folder)!r}, database={self.database and masked(self.database)!r})"

    def __str__(self) -> str:
        """How the archive is called in a sentence; without a password."""
        return str(self.folder) if self.database is None else masked(self.database)


def is_address(text: str) -> bool:
    """Whether this is the address of a database rather than a folder."""
    return "://" in text


def as_address(text: str) -> str:
    """The address of a PostgreSQL database in the form that SQLAlchemy takes.

    Raises:
        ValueError: it is something else.
    """
    scheme, separator, rest = text.strip().partition("://")
    if not separator or scheme.lower() not in SCHEMES:
        kept = "; an SQLite archive needs no address, only archive.folder" if scheme.startswith("sqlite") else ""
        raise ValueError(f"expected {SCHEMES[0]}://user@host/name{kept}")
    try:
        parts = urlsplit(f"postgresql://{rest}")
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"expected {SCHEMES[0]}://user@host:port/name") from error
    if parts.netloc.count("@") > 1:
        raise ValueError("an @ within a user or a password is written %40")
    if len(parts.path) < 2 or "/" in parts.path[1:]:
        raise ValueError(f"expected the name of a database at the end: {SCHEMES[0]}://user@host/name")
    return f"{SCHEMES[0]}://{rest}"


def has_password(text: str) -> bool:
    """Whether a password stands in the address of a database."""
    return masked(text) != text


def masked(text: str) -> str:
    """``text`` with the passwords of the addresses in it hidden."""
    return _PASSWORD.sub(lambda found: f"{found[1]}:***@" if found[1] else f"{found[2]}***", text)
