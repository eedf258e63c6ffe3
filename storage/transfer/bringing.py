"""A whole export into an archive: line by line, a run of its own for each source, what is held already united with it.

```
read_lines -> some hundred at a time, by source -> dossier_of -> pictures -> one transaction: unite -> Recorder
```
A batch is in or not at all. Stopped or killed it is begun again from the first line: what is in already is passed over.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from storage.archive import Archive
from storage.disk import disk_fault
from storage.errors import ImportRefused, LineRefused, SourceBusy, StorageError
from storage.rereading import kind_of
from storage.runs import Run
from storage.states import RunStatus, Stage
from storage.transfer.batches import Batch, Outcome
from storage.transfer.lines import Header, Line, read_header, read_lines
from storage.transfer.numbering import renumber
from storage.transfer.pictures import Pictures

#: lines, and bytes of them, that are taken at once
LINES, BYTES = 400, 16 * 2**20
POSTS = "posts.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What is needed beside the archive and the export.

    Attributes:
        now: the time, aware UTC.
        recognise: given the first bytes of a media file, says its media type; ValueError for what is not taken.
        stopped: whether somebody has asked to stop.
        progress: told how many bytes of the file have been read, and how many it has.
    """

    now: Callable[[], datetime]
    recognise: Callable[[bytes], str]
    stopped: Callable[[], bool] = lambda: False
    progress: Callable[[int, int], None] = lambda done, of: None


@dataclass(slots=True, kw_only=True)
class Brought:
    """What became of an export.

    Attributes:
        counts: how many posts were ``added``, ``updated``, ``unchanged``, ``buried`` (taken out for good here, and not
            brought back), ``busy`` (of a source that is worked on) and ``failed``; how many files ``media_stored``,
            ``media_missing`` (wanted) and ``media_failed``.
        faults: what failed, a sentence each, the first of them.
        busy: the sources that were left out because a run is at work on them, and that in a sentence.
        interrupted: somebody asked to stop before the end.
    """

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    busy: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether everything was brought in."""
        return not (self.counts["failed"] or self.counts["media_failed"] or self.busy or self.interrupted)

    def as_json(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {
            **{name: self.counts[name] for name in NAMES},
            "faults": self.faults,
            "busy": sorted(self.busy),
            "interrupted": self.interrupted,
        }


#: of counts, in order
NAMES = (
    *("added", "updated", "unchanged", "buried", "busy", "failed"),
    *("media_stored", "media_missing", "media_failed"),
)
#: faults that are kept to be told
_TOLD = 50


def bring(archive: Archive, path: Path, means: Means, *, media: Path | None = None, dry_run: bool = False) -> Brought:
    """Bring an export in; what is held already is united with it.

    Args:
        archive: where it goes.
        path: the file, or the folder of one with its pictures.
        means: what else is needed.
        media: the folder that holds ``media/``; None: the one in which the file lies.
        dry_run: only say what would become of it.

    Raises:
        ImportRefused: it is no export, or one that cannot be read; then nothing was brought in.
        ArchiveLocked, ArchiveReadOnly, ArchiveDamaged, DiskFull: as they say; what was brought in by then stays.
    """
    file = path / POSTS if path.is_dir() else path
    try:
        opened = file.open("rb")
    except OSError as error:
        raise ImportRefused(
            f"{file} cannot be read ({error.strerror}); name what `cupola export jsonl` made"
        ) from error
    with opened:
        if not file.is_file():
            raise ImportRefused(f"{file} is no file; name what `cupola export jsonl` made")
        try:
            header, size = read_header(opened, file), file.stat().st_size
            pictures = Pictures(media or file.parent, archive.blobs, means.recognise)
            bringing = _Bringing(archive, file, means, header, pictures, dry_run=dry_run)
            bringing.take(read_lines(opened), size)
        except OSError as error:
            raise disk_fault(error, file) from error
    return bringing.brought


class _Bringing:
    """One export on its way in."""

    def __init__(
        self, archive: Archive, path: Path, means: Means, header: Header, pictures: Pictures, *, dry_run: bool
    ) -> None:
        self._archive, self._path, self._means, self._header = archive, path, means, header
        self._pictures, self._dry_run = pictures, dry_run
        self._runs: dict[str, Run] = {}
        self._of_run: dict[str, Counter[str]] = {}
        self._last: Run | None = None
        self.brought = Brought()

    def take(self, lines: Iterator[Line], size: int) -> None:
        """All lines, batch by batch; the runs are closed whatever happens."""
        read = 0
        status = RunStatus.FAILED
        try:
            for batch, seen in _batches(lines):
                if self._means.stopped():
                    self.brought.interrupted = True
                    break
                read += seen
                self._take(batch)
                self._means.progress(batch[-1].end, size)
            else:
                self._count(read)
            status = RunStatus.INTERRUPTED if self.brought.interrupted else RunStatus.COMPLETED
        finally:
            if not self._dry_run:
                self._close(status)

    def _take(self, lines: list[Line]) -> None:
        by_source: dict[str, list[Line]] = {}
        nobodys: list[tuple[int, str]] = []
        for line in lines:
            source = line.record.get("source") if line.record is not None else None
            if isinstance(source, str):
                by_source.setdefault(source, []).append(line)
            else:
                nobodys.append((line.number, line.fault or "the line names no source"))
        for source_id, some in by_source.items():
            self._take_source(source_id, some)
        # at the end, when there is a run in which they can be recorded
        for number, fault in nobodys:
            self._fail(None, number, fault, None)

    def _take_source(self, source_id: str, lines: list[Line]) -> None:
        batch = Batch(self._archive, source_id, self._pictures)
        batch.read(lines)
        run = self._run(source_id, lines) if batch.is_source else None
        self._add(source_id, Counter(unchanged=batch.same))
        if batch.fresh and self._dry_run:
            self._add(source_id, batch.rehearse())
        elif batch.fresh and run is None:
            self.brought.counts["busy"] += len(batch.fresh)
        elif batch.fresh and run is not None:
            self._archive.journal.renew(run, self._means.now())
            self._add(source_id, batch.record(run.id))
            for message, key in batch.damage:
                self._damage(run, message, key)
        for number, named, fault in batch.faults:
            self._fail(run, number, fault, named)

    def _run(self, source_id: str, lines: list[Line]) -> Run | None:
        """The run of a source, opened with its first post; None when another one has the source."""
        if source_id in self._runs or self._dry_run or source_id in self.brought.busy:
            return self._runs.get(source_id)
        kind, url = kind_of(self._archive.database, source_id)
        if not kind:
            kind, url = self._header.sources.get(source_id) or _stated(lines[0].record or {})
        try:
            run = self._archive.journal.begin(source_id, kind, url, now=self._means.now())
        except SourceBusy as error:
            self.brought.busy[source_id] = str(error)
            return None
        self._runs[source_id] = self._last = run
        self._of_run[source_id] = Counter()
        return run

    def _add(self, source_id: str, outcome: Outcome) -> None:
        self.brought.counts.update(outcome)
        if source_id in self._of_run:
            self._of_run[source_id].update(outcome)

    def _fail(self, run: Run | None, number: int, fault: str, key: str | None) -> None:
        message = f"{self._path}, line {number}: {fault}"
        self.brought.counts["failed"] += 1
        self._tell(run or self._last, Stage.POST, LineRefused(message, path=str(self._path), line=number), key)

    def _damage(self, run: Run, message: str, key: str) -> None:
        self._tell(run, Stage.MEDIA, StorageError(f"{message}; the picture of {key} stays wanted"), key)

    def _tell(self, run: Run | None, stage: Stage, error: StorageError, key: str | None) -> None:
        if len(self.brought.faults) < _TOLD:
            self.brought.faults.append(str(error))
        if run is not None:
            self._of_run[run.source_id]["failed"] += 1
            self._archive.journal.fail(run, stage, error, key=key, now=self._means.now())

    def _count(self, read: int) -> None:
        expected = self._header.posts
        if expected is not None and read < expected:
            self._fail(None, read + 1, f"the file ends after {read:,} of {expected:,} posts; copy it again whole", None)

    def _close(self, status: RunStatus) -> None:
        if status is RunStatus.COMPLETED and self._runs:
            with self._archive.database.write() as connection:
                renumber(connection)
        for source_id, run in self._runs.items():
            counts = self._of_run[source_id]
            ended = RunStatus.PARTIAL if status is RunStatus.COMPLETED and counts["failed"] else status
            with contextlib.suppress(SourceBusy):  # it was taken over: then it is marked as abandoned already
                self._archive.journal.close(run, ended, counts=_told(counts), now=self._means.now())


def _told(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts under the names that runs have them by."""
    posts = {name: counts.get(name, 0) for name in ("added", "updated", "unchanged", "buried")}
    return {
        "posts_found": sum(posts.values()),
        **{f"posts_{name}": count for name, count in posts.items()},
        **{f"media_{name}": counts.get(f"media_{name}", 0) for name in ("stored", "failed")},
        "failed": counts.get("failed", 0),
    }


def _stated(record: Mapping[str, Any]) -> tuple[str, str | None]:
    """The kind and address of a source that the header does not name."""
    said = record.get("provenance")
    kind, url = (said.get("source_kind"), said.get("source_url")) if isinstance(said, dict) else (None, None)
    return (kind if isinstance(kind, str) and kind else "imported"), (url if isinstance(url, str) else None)


def _batches(lines: Iterator[Line]) -> Iterator[tuple[list[Line], int]]:
    """Lines some at a time, and how many those are."""
    batch: list[Line] = []
    start = 0
    for line in lines:
        batch.append(line)
        if len(batch) == LINES or line.end - start >= BYTES:
            yield batch, len(batch)
            batch, start = [], line.end
    if batch:
        yield batch, len(batch)
