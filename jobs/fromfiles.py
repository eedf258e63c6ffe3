"""Posts from files into the archive: read, recorded in batches, their pictures taken from beside.

What is given again changes nothing, so that an import that was stopped, or killed, is ended by giving it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from jobs.errors import Contradiction, PostUnreadable
from jobs.intake import BadRecord, Intake, Runs, readings
from jobs.report import Failure, Outcome, Report
from scraper.imports.bundle import Bundle, Missing
from scraper.imports.records import Bad, Item, LeftOut, Note, Record
from scraper.imports.repeats import Repeats
from scraper.imports.taking import take_file
from scraper.model import MediaResult, Post
from storage.archive import Wanted

#: posts recorded in one transaction
BATCH = 400
#: sources that one import may make
SOURCES = 50
#: outcomes of pictures recorded in one transaction
PICTURES = 40
#: notes that are told
NOTED = 20


def bring_files(intake: Intake, records: Iterable[Record], bundle: Bundle) -> list[Report]:
    """Bring posts in, and of each its pictures that lie in ``bundle``; a report for every source.

    Raises:
        NotReadable: PATH is not what its format is.
        SourceBusy: another run has a source that a post is of.
        StorageError: the archive cannot be written to.
    """
    with Repeats() as repeats, _Work(intake, bundle, repeats) as work:
        for record in records:
            work.take(record)
            if intake.stop.is_set():
                work.is_interrupted = True
                break
        work.flush()
    return work.reports()


class _Work(Runs):
    """One import of files under way."""

    def __init__(self, intake: Intake, bundle: Bundle, repeats: Repeats) -> None:
        super().__init__(intake)
        self._intake, self._bundle, self._repeats = intake, bundle, repeats
        self._batch: dict[str, list[Item]] = {}
        self._held = 0
        self._before: list[Bad] = []
        self._lost = 0
        self._left_out: Counter[str] = Counter()
        self._absent = 0
        self._notes: list[str] = []

    def take(self, record: Record) -> None:
        """Take one record."""
        match record:
            case Item():
                self._item(record)
            case Bad():
                self._bad(record)
            case LeftOut():
                self._left_out[record.reason] += 1
            case Note():
                if len(self._notes) < NOTED:
                    self._notes.append(record.message)

    def _item(self, item: Item) -> None:
        source_id = item.post.source_id
        if source_id not in self.opened:
            if len(self.opened) >= SOURCES:
                return self._bad(
                    Bad(where=item.where, message=f"would be of the {SOURCES + 1}st source; give --source")
                )
            self.of(source_id)
            for bad in self._before:
                self._bad(bad)
            self._before.clear()
        first = self._repeats.first(item.post, item.where)
        if first is not None:
            place, is_same = first
            if not is_same:
                message = f"{item.where}: {item.post.key} is told otherwise than in {place}, which counts"
                self.fail(source_id, "post", Contradiction(message), key=item.post.key)
            return None
        self._batch.setdefault(source_id, []).append(item)
        self._held += 1
        if self._held >= BATCH:
            self.flush()
        return None

    def _bad(self, bad: Bad) -> None:
        if not self.opened:
            # whose it is is not known yet; of very many the first are told
            self._lost += len(self._before) >= BATCH
            if len(self._before) < BATCH:
                self._before.append(bad)
            return
        self.fail(next(iter(self.opened)), "post", BadRecord(f"{bad.where}: {bad.message}"))

    def flush(self) -> None:
        """Record what is in hand."""
        batches, self._batch, self._held = self._batch, {}, 0
        for source_id, items in batches.items():
            places = {item.post.native_id: item for item in items}

            def unreadable(post: Post, error: PostUnreadable) -> None:
                self.fail(post.source_id, "post", error, url=post.url, key=post.key)

            entries = readings(self._intake, (item.post for item in items), unreadable)
            changes = self.record(source_id, entries)
            wanted = [post.native_id for post, _ in entries if places[post.native_id].beside and post.key in changes]
            if wanted:
                self._pictures(source_id, wanted, places)
            self._intake.told(self.opened[source_id].report)

    def _pictures(self, source_id: str, native_ids: list[str], places: Mapping[str, Item]) -> None:
        results: list[tuple[Wanted, MediaResult]] = []
        archive = self._intake.archive
        for wanted in archive.unheld(source_id, native_ids):
            if self._intake.stop.is_set():
                break
            item = places.get(wanted.key.partition(":")[2])
            names = item.beside.get(wanted.attachment.key, ()) if item else ()
            if item is None or not names:
                continue
            result = self._taken(wanted, names, item)
            if result is not None:
                results.append((wanted, result))
            if len(results) >= PICTURES:
                self.pictures(source_id, results)
                results = []
        if results:
            self.pictures(source_id, results)

    def _taken(self, wanted: Wanted, names: Sequence[str], item: Item) -> MediaResult | None:
        missing: Missing | None = None
        for name in names:
            try:
                file = self._bundle.open(name)
            except Missing as error:
                missing = missing or error
                continue
            with file:
                return take_file(
                    wanted.attachment,
                    name,
                    file,
                    incoming=self._intake.archive.blobs.incoming,
                    settings=self._intake.http,
                )
        self._absent += 1
        if item.expected:
            self.fail(item.post.source_id, "media", BadRecord(f"{item.where}: {missing}"), key=wanted.key)
        return None

    def reports(self) -> list[Report]:
        """What was done, a report for every source; what belongs to none is in the first."""
        reports = [opened.report for opened in self.opened.values()]
        if not reports:
            reports = [Report(source_id=self._intake.kind)]
            for bad in self._before:
                reports[0].fail(Failure.of("post", BadRecord(f"{bad.where}: {bad.message}")))
            reports[0].failed += self._lost
            if reports[0].failed:
                reports[0].outcome = Outcome.PARTIAL
        first = reports[0]
        first.posts_left_out += sum(self._left_out.values())
        first.notes += [f"{count:,} left out: {reason}" for reason, count in sorted(self._left_out.items())]
        first.notes += self._notes
        if self._absent:
            first.notes.append(f"{self._absent:,} media are not beside, and stay wanted")
        return reports
