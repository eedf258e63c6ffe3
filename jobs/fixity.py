"""The fixity audit: a share of all files is read and compared, what is damaged is asked for again, a report is kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from jobs.visit import Means
from storage import turns
from storage.archive import Archive
from storage.mending import Mended, ask_again
from storage.reports import AUDIT, keep_report
from storage.verify import Report, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One look: what was read and found, what is asked for again, and where the report is kept; aware UTC."""

    began: datetime
    ended: datetime
    report: Report
    mended: Mended
    path: Path


def audit(archive: Archive, means: Means, *, within: timedelta, every: timedelta) -> Audit:
    """Read the share whose turn it is, so that audits that come ``every`` so often read all ``within`` a time.

    A damaged picture or page is fetched again by the next visit or retry that comes to it; the damaged file is put
    aside then, and stays where it is if nothing comes.

    Args:
        archive: the archive.
        means: the clock, and whether to stop; nothing is fetched here.
        within: the time within which all is to be read.
        every: how often this comes.

    Raises:
        Interrupted: asked to stop; the same share is read again the next time.
        StorageError: the archive cannot be read, or the report not written.
    """
    began = means.now()
    share = turns.due_share(archive.folder, within, every, began)

    def told(_what: str, _done: int, _total: int) -> None:
        means.go_on()

    means.go_on()
    report = verify(archive.database, archive.folder, share=share, progress=told)
    mended = ask_again(archive.database, archive.folder, report.damage, means.now())
    turns.note(archive.folder, share, began)
    ended = means.now()
    covered = turns.covered(archive.folder)
    found = report.as_json() | {
        "began": began.isoformat(),
        "ended": ended.isoformat(),
        "asked_again": asdict(mended),
        "covered": {"share": round(covered.share, 6), "oldest": covered.oldest and covered.oldest.isoformat()},
    }
    path = keep_report(archive.folder, AUDIT, found, began)
    return Audit(began=began, ended=ended, report=report, mended=mended, path=path)
