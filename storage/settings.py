"""What may be configured about the archive; reads no file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict


class ArchiveSettings(BaseModel):
    """Where the archive lives: one folder that holds ``cupola.db``, ``media/`` and ``warc/``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path = Path("archive")
    warc_file_bytes: int = 2**30  # size of a WARC file after which a run goes on in a new one
    software: str = "cupola"  # name and version of who writes; stands at the head of each WARC file
