"""A source that came in from files: nobody visits it, its pictures are taken where their addresses are known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from scraper.capture import Capture, Request
from scraper.model import Post
from scraper.settings import SourceOptions
from scraper.source import Source

#: the formats whose posts are of no place that can be read
FORMATS = ("csv", "gallery-dl", "jsonl", "tweets")
_NOWHERE = "https://import.invalid/"


class Imported(Source[SourceOptions]):
    """What was imported; it has no listing. Pictures are taken as those of a page, within robots.txt."""

    kind: ClassVar[str] = "import"
    summary: ClassVar[str] = "posts that came in from files"
    example: ClassVar[str] = _NOWHERE
    options_type: ClassVar[type[SourceOptions]] = SourceOptions

    def __init__(self, source_id: str, kind: str) -> None:
        super().__init__(source_id, SourceOptions(url=_NOWHERE))
        # what the journal calls it
        self.kind = kind  # type: ignore[misc] # of an instance here, since one class stands for all formats

    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        """Nothing: there is nowhere to ask."""
        return iter(())

    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request]:
        """Nothing is ever read.

        Raises:
            ParseError: always.
        """
        raise capture.parse_error("what was imported is read from its files")
