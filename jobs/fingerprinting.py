"""Pictures that are held and that nobody has looked at get their fingerprints: a batch at a time, until time is up."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from jobs.visit import Means
from scraper.fingerprint import fingerprint
from scraper.model import Fingerprint
from storage import fingerprints
from storage.archive import Archive
from storage.fingerprints import Unseen

#: pictures that are looked at between two writes; what is lost when it is killed
BATCH = 64
_THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """How many pictures were looked at, how many of these have no fingerprint, and how many are left to be looked at.

    ``missing`` could not be read: their files are not there or damaged, which `cupola verify` tells.
    """

    pictures: int
    without: int
    missing: int
    left: int


def look_at_pictures(
    archive: Archive,
    means: Means,
    *,
    budget: timedelta | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Looked:
    """Make the fingerprints that are not there. Each batch is kept at once, so that whoever is killed goes on later.

    Args:
        archive: where the pictures are.
        means: the clock, and whether to stop; nothing is fetched.
        budget: how long to go on; until all is done when not given.
        progress: told how many are done, and of how many.

    Raises:
        Interrupted: asked to stop; what was looked at is kept.
        StorageError: the archive cannot be used.
    """
    began, last = means.now(), ""
    total = fingerprints.number_unseen(archive.database)
    done = without = missing = 0

    def looked_at(picture: Unseen) -> Fingerprint | None:
        return _look(archive.folder / picture.path, picture.pixels)

    with ThreadPoolExecutor(_THREADS, thread_name_prefix="fingerprint") as pool:
        while batch := fingerprints.unseen(archive.database, last, BATCH):
            means.go_on()
            last = batch[-1].sha256
            found = dict(zip((picture.sha256 for picture in batch), pool.map(looked_at, batch), strict=True))
            seen = {sha256: look for sha256, look in found.items() if look is not None}
            fingerprints.keep(archive.database, seen)
            done += len(seen)
            without += sum(look.hash is None for look in seen.values())
            missing += len(found) - len(seen)
            progress(done + missing, total)
            if budget is not None and means.now() - began >= budget:
                break
    return Looked(pictures=done, without=without, missing=missing, left=max(total - done - missing, 0))


def _look(path: Path, pixels: int) -> Fingerprint | None:
    """What the picture of a file looks like; None when there is no file to look at."""
    try:
        with path.open("rb") as file:
            return fingerprint(file, pixels)
    except OSError:
        return None
