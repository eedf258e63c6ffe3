"""``cupola import gallery-dl PATH``: a folder that gallery-dl has filled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.cli.importing import bring, importing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scraper.imports.bundle import Bundle
    from scraper.imports.records import Record


@click.command(name="gallery-dl")
@importing
def import_gallery_dl(path: Path, **options: Any) -> int:
    """Bring in what `gallery-dl --write-metadata` has saved: PATH is its folder.

    All files of one post are one post; without --source it is of the source `gallery-dl-<site>`.
    Exit status: 0 done, 1 done but a file failed, 2 PATH is no such folder, 3 the archive cannot be used.
    """
    from scraper.imports import gallery_dl

    def records(bundle: Bundle, source: str | None) -> Iterable[Record]:
        return gallery_dl.read(bundle, source)

    return bring("gallery-dl", path, records, **options)
