"""The write side of the archive: whatever is recorded twice is held once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType

from sqlalchemy import func, select

from scraper.model import MediaResult, MediaState
from storage import attachments, mending, sightings, tombstones
from storage.attachments import Wanted
from storage.blobs import Blobs
from storage.captures import Captures
from storage.changes import Change, Entry
from storage.columns import safe
from storage.engine import BUSY_TIMEOUT, Database, open_database
from storage.errors import RowRefused, StorageError, UnknownKey
from storage.leases import ensure_running
from storage.posts import Plan, load_entries, record_posts
from storage.runs import Journal
from storage.schema import PostRecord, rows_of
from storage.settings import ArchiveSettings

__all__ = ["Archive", "Counts", "Plan", "Recorded", "Wanted"]

_posts = rows_of(PostRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of the posts of a page, by their keys: each is in one of the two."""

    changes: Mapping[str, Change]
    failures: Mapping[str, StorageError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What is held of a source: posts, and their attachments by state (those edited away left out)."""

    posts: int
    media: Mapping[MediaState, int]


class Archive:
    """One archive: its captures, its journal of runs, its media files and its posts.

    Transactions are short and each is for one thread; the object may be used from several.
    """

    def __init__(self, settings: ArchiveSettings, database: Database) -> None:
        self.folder = settings.folder
        self.database = database
        self.captures = Captures(
            settings.folder, database, software=settings.software, file_size=settings.warc_file_bytes
        )
        self.journal = Journal(database, abandoned=self.captures.mend)
        self.blobs = Blobs(settings.folder)

    @classmethod
    def open(cls, settings: ArchiveSettings, *, read_only: bool = False, busy_timeout: float = BUSY_TIMEOUT) -> Archive:
        """The archive of these settings; a new one is made, but not when it is opened ``read_only``.

        Args:
            settings: where it lives.
            read_only: for readers.
            busy_timeout: seconds to wait for another writer.

        Raises:
            ArchiveMissing, SchemaOutOfDate, ArchiveLocked, ArchiveReadOnly, ArchiveDamaged, ArchiveUnreachable,
                DiskFull: as they say.
        """
        return cls(settings, open_database(settings, read_only=read_only, busy_timeout=busy_timeout))

    def record(
        self,
        run_id: int,
        capture_id: int | None,
        entries: Sequence[Entry],
        *,
        plan: Plan,
        now: datetime,
        seen: bool = True,
        settled: bool = False,
        anew: bool = False,
    ) -> Recorded:
        """Bring the archive up to date with the posts of one page, all in one transaction.

        If the database refuses the page, its posts are recorded one by one, so that a bad one is one failure.

        Args:
            run_id: the run that found them; it must have its source's lease.
            capture_id: the answer in which they were found; None when they were read anew without one.
            entries: posts of one source, each with what its text was read to say.
            plan: the state in which an attachment begins, and why if it will not be taken.
            now: aware UTC.
            seen: whether they were seen at their source just now, and not in an answer of whatever day.
            settled: whether a post that contradicts what the same run has seen elsewhere, or is an older edit than the
                one that is held, is left as it is (``Change.CONTRADICTED``).
            anew: whether they are read anew, from an answer that is held or, without one, from what is held of them.

        Raises:
            SourceBusy: the run has lost its lease.
            ArchiveLocked, ArchiveReadOnly, ArchiveDamaged, DiskFull: as they say; then nothing was recorded.
        """
        if not entries:
            return Recorded(changes={})
        how = {"seen": seen, "settled": settled, "anew": anew}
        try:
            with self.database.write() as connection:
                ensure_running(connection, run_id)
                return Recorded(changes=record_posts(connection, run_id, capture_id, entries, plan, now, **how))
        except Exception as error:  # whatever one post made go wrong: then they are taken one by one
            if isinstance(error, StorageError) and not isinstance(error, RowRefused):
                raise
        changes: dict[str, Change] = {}
        failures: dict[str, StorageError] = {}
        with self.database.write() as connection:
            ensure_running(connection, run_id)
            for entry in entries:
                try:
                    with connection.begin_nested():
                        changes |= record_posts(connection, run_id, capture_id, [entry], plan, now, **how)
                except Exception as error:  # noqa: BLE001 - one post must not cost its page; it is told with its key
                    failures[entry[0].key] = self._refusal(entry[0].key, error)
        return Recorded(changes=changes, failures=failures)

    def saw(self, run_id: int, native_ids: Sequence[str], now: datetime) -> None:
        """Note that a run saw these posts of its source though it does not record them; some may not be held.

        Raises:
            SourceBusy: the run has lost its lease.
        """
        with self.database.write() as connection:
            ensure_running(connection, run_id)
            sightings.saw(connection, run_id, [safe(native_id) for native_id in native_ids], now)

    def looked(
        self,
        run_id: int,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        pages: Sequence[str] | None = None,
        now: datetime,
    ) -> int:
        """Note what a run has looked through whole, without a failure; a post that it missed may be gone.

        It is marked as gone when an earlier whole look since its last sighting missed it too.

        Args:
            run_id: the run.
            since: with ``until``: all that the source dates between the two; None is unbounded.
            until: see ``since``.
            pages: or all that stands on the pages at these addresses, whatever its date.
            now: aware UTC.

        Returns:
            How many posts are known to be gone by this look.

        Raises:
            SourceBusy: the run has lost its lease.
        """
        with self.database.write() as connection:
            ensure_running(connection, run_id)
            if pages is not None:
                return sightings.looked_at_pages(connection, run_id, list(dict.fromkeys(map(safe, pages))), now)
            return sightings.looked_between(connection, run_id, since, until, now)

    def has_buried(self, source_id: str) -> bool:
        """Whether any post of a source was taken out for good."""
        with self.database.read() as connection:
            return tombstones.has_any(connection, source_id)

    def buried(self, source_id: str, native_ids: Sequence[str], body: bytes) -> bool:
        """Whether a post of a source that was taken out for good is one of these, or is named in an answer's body."""
        with self.database.read() as connection:
            if tombstones.buried(connection, source_id, native_ids):
                return True
            return tombstones.are_named_in(connection, source_id, body)

    def wanted(
        self, source_id: str, now: datetime, *, limit: int, after_id: int = 0, due_only: bool = True
    ) -> list[Wanted]:
        """Attachments of a source that are to be taken: pending ones, and failed ones whose rest is over.

        Args:
            source_id: the source.
            now: aware UTC.
            limit: how many at most.
            after_id: only those with a greater number, so that a list is gone through page by page.
            due_only: whether failed ones must have rested; False takes them all.
        """
        with self.database.read() as connection:
            return attachments.wanted(connection, source_id, now, limit=limit, after_id=after_id, due_only=due_only)

    def unheld(self, source_id: str, native_ids: Sequence[str]) -> list[Wanted]:
        """Attachments of some posts of a source whose bytes are not held and are wanted, with an address or without.

        What is gone at its address is among them: its file may have been saved in time.
        """
        with self.database.read() as connection:
            return attachments.unheld(connection, source_id, [safe(native_id) for native_id in native_ids])

    def last_attachment(self) -> int:
        """The greatest number that an attachment of any source has; 0 when there is none.

        Who has gone through what is wanted up to here need not go through what other sources want each time anew.
        """
        with self.database.read() as connection:
            return attachments.last(connection)

    def record_media(self, run_id: int, results: Sequence[tuple[int, MediaResult]], now: datetime) -> None:
        """Record what became of attachments, in one transaction; the files of stored ones are in place before.

        A failed one rests for a quarter of an hour, then twice as long each time, for a week at most, and not
        less than its host asked for. A failed or gone one is a failure of the run, too. A pending one was
        not tried: nothing is recorded of it.

        Args:
            run_id: the run that tried them; it must have its source's lease.
            results: number of the attachment and its outcome.
            now: aware UTC.

        Raises:
            SourceBusy: the run has lost its lease.
            ArchiveLocked, ArchiveReadOnly, ArchiveDamaged, DiskFull: as they say; then nothing was recorded.
        """
        with self.database.write() as connection:
            ensure_running(connection, run_id)
            attachments.record_results(connection, run_id, results, now)

    def pending_media(self, source_id: str) -> int:
        """How many attachments of a source are wanted and not tried yet."""
        with self.database.read() as connection:
            return attachments.pending(connection, source_id)

    def ask_for_missing(self, source_id: str) -> int:
        """Want the pictures of a source again whose file is not there or has another size; how many those are.

        Raises:
            ArchiveLocked, ArchiveReadOnly, ArchiveDamaged, DiskFull: as they say.
        """
        return mending.ask_for_missing(self.database, self.folder, source_id)

    def reconsider(self, source_id: str, again: Callable[[str], bool]) -> int:
        """Want the attachments of a source again that were skipped for a reason that holds no more; how many those are.

        Args:
            source_id: the source.
            again: given a reason, says whether it holds no more.

        Raises:
            ArchiveLocked, ArchiveReadOnly, ArchiveDamaged, DiskFull: as they say.
        """
        with self.database.write() as connection:
            return attachments.reconsider(connection, source_id, again)

    def counts(self, source_id: str) -> Counts:
        """What is held of a source."""
        with self.database.read() as connection:
            held = connection.scalar(select(func.count()).where(_posts.c.source_id == source_id)) or 0
            return Counts(posts=held, media=attachments.by_state(connection, source_id))

    def entry(self, key: str) -> Entry:
        """A post as it is held, with what its text was read to say.

        Raises:
            UnknownKey: there is none.
        """
        source_id, _, native_id = key.partition(":")
        with self.database.read() as connection:
            mine = (_posts.c.source_id == source_id, _posts.c.native_id == native_id)
            post_id = connection.scalar(select(_posts.c.id).where(*mine))
            if post_id is None:
                raise UnknownKey(f"there is no post {key}", key=key)
            return load_entries(connection, [post_id])[post_id]

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _refusal(self, key: str, error: Exception) -> StorageError:
        """The failure of one post; an error of the archive itself is raised instead."""
        own = error if isinstance(error, StorageError) else self.database.translate(error)
        if own is not None and not isinstance(own, RowRefused):
            raise own from error
        why = str(own) if own is not None else f"{type(error).__name__}: {error}"
        refusal = RowRefused(f"{key} cannot be recorded: {why}")
        refusal.__cause__ = error
        return refusal
