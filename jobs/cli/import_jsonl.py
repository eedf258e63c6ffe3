"""``cupola import jsonl PATH``: posts in Cupola's own plain form, one a line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.cli.importing import bring, importing, plainly
from jobs.cli.options import once

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scraper.imports.bundle import Bundle
    from scraper.imports.records import Record


@click.command(name="jsonl")
@importing
@once("--zone", metavar="ZONE", help="The zone of times that name none: Europe/Paris, UTC or +02:00.")
def import_jsonl(path: Path, zone: str | None, **options: Any) -> int:
    """Bring in posts, a JSON object a line: id, url, author, posted_at, title, text, media, and alt.

    The fields are described in docs/imports.md. Without --source they are of the source `jsonl-<name of the file>`.
    Exit status: 0 done, 1 done but a line or a medium failed, 2 PATH is no such file, 3 the archive cannot be used.
    """
    from scraper.imports import jsonl

    def records(bundle: Bundle, source: str | None) -> Iterable[Record]:
        return jsonl.read(bundle, plainly("jsonl", path, source, zone))

    return bring("jsonl", path, records, **options)
