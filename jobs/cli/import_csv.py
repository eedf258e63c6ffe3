"""``cupola import csv PATH``: posts in a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.cli.importing import bring, importing, plainly
from jobs.cli.options import once
from jobs.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scraper.imports.bundle import Bundle
    from scraper.imports.records import Record


@click.command(name="csv")
@importing
@once("--zone", metavar="ZONE", help="The zone of times that name none: Europe/Paris, UTC or +02:00.")
@once("--encoding", metavar="NAME", help="The encoding of the file where it is not UTF-8: cp1252, say.")
def import_csv(path: Path, zone: str | None, encoding: str | None, **options: Any) -> int:
    """Bring in posts, a row each, with columns such as id, url, author, posted_at, title, text, media, alt.

    The columns are described in docs/imports.md; comma, semicolon and tab are told apart. Without --source they are of
    the source `csv-<name of the file>`.
    Exit status: 0 done, 1 done but a row or a medium failed, 2 PATH is no such table, 3 the archive cannot be used.
    """
    import codecs

    from scraper.imports import table

    try:
        if encoding is not None:
            codecs.lookup(encoding)
    except LookupError:
        raise UsageError(
            f"--encoding: {encoding!r} is not known; cp1252, latin-1 and utf-16 are some that are"
        ) from None

    def records(bundle: Bundle, source: str | None) -> Iterable[Record]:
        return table.read(bundle, plainly("csv", path, source, zone), encoding)

    return bring("csv", path, records, **options)
