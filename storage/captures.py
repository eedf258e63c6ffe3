"""The answers that were given, byte for byte: WARC files of their run's own, and their index."""

from __future__ import annotations

import contextlib
import os
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from scraper.capture import SAVED, Capture, Request, memento_of
from storage import answers, leases, warc, warcfiles
from storage.dialects import upsert
from storage.engine import Database, translated
from storage.errors import StorageError
from storage.runs import Run
from storage.schema import CaptureRecord, RunRecord, ValidatorRecord, rows_of

#: bytes after which a run's next record goes into a new file
FILE_SIZE = 2**30

# rows of the index that are read at once
_BATCH = 200

Row = Mapping[Any, Any]

#: bytes of an address for which validators are kept
LONGEST_ADDRESS = 2000

#: of an answer that nobody captured before us: later than every capture
_NOW = float("inf")

_captures, _validators, _runs = rows_of(CaptureRecord), rows_of(ValidatorRecord), rows_of(RunRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer that is held: the number of its index row, what was asked, and the bounds of the run that asked.

    ``capture`` is None when it cannot be read back whole; ``cupola verify`` tells of that.
    """

    id: int
    url: str
    capture: Capture | None
    since: datetime | None
    until: datetime | None


class Captures:
    """The captures of one archive.

    Args:
        folder: the archive's.
        database: the archive's.
        software: name and version of who writes, for the files' first record.
        file_size: bytes after which a run's next record goes into a new file.
    """

    def __init__(
        self, folder: Path, database: Database, *, software: str = "cupola", file_size: int = FILE_SIZE
    ) -> None:
        self._folder = folder
        self._database = database
        self._software = software
        self._file_size = file_size
        self._parts: dict[int, int] = {}

    def keep(self, run: Run, capture: Capture) -> int:
        """Hold an answer for good: its records on the disk first, then its index row.

        An answer with the bytes of one that is held for its address is written as a revisit record, and its row
        points to the bytes that are there. If those are damaged they are written again, and every row that
        pointed to them points to the new ones.

        Returns:
            The number of the index row.

        Raises:
            DiskFull, ArchiveReadOnly: as they say; then there is neither record nor row.
            SourceBusy: the run has lost its lease; then, too.
        """
        known = self._known(run.source_id, capture)
        original = None if known is None else answers.read(self._folder, known)
        if capture.status == SAVED:
            known, records = None, warc.resource(capture)
        elif known is not None and original is not None:
            records = warc.request_and_revisit(capture, original)
        else:
            records = warc.request_and_response(capture)
        with self._written(run, capture, records) as place, self._database.write() as connection:
            leases.ensure_running(connection, run.id)
            if known is not None and original is not None:
                place = _place(known)
            elif known is not None:
                damaged = [_captures.c[name] == known[name] for name in ("file", "offset", "sha256")]
                connection.execute(update(_captures).where(*damaged).values(place))
            row = _row_of(run, capture) | place
            number: int = connection.execute(insert(_captures).values(row).returning(_captures.c.id)).scalar_one()
        return number

    def note(self, run: Run, capture: Capture) -> int:
        """Index an answer whose bytes are not to be held, because something in them was taken out for good.

        Returns:
            The number of the index row.

        Raises:
            SourceBusy: the run has lost its lease.
        """
        with self._database.write() as connection:
            leases.ensure_running(connection, run.id)
            row = insert(_captures).values(_row_of(run, capture)).returning(_captures.c.id)
            number: int = connection.execute(row).scalar_one()
        return number

    def held(self, source_id: str, url: str) -> Capture | None:
        """The newest answer with status 200 to ``url``, as it came.

        None also when it cannot be read back whole (``cupola verify`` tells of that): asking again mends it.
        """
        row = self._newest(source_id, url, _captures.c.status == 200)
        return None if row is None else self._capture(row)

    def newest_first(self, source_id: str) -> Iterator[Kept]:
        """Every different answer with status 200 (or file that was brought) of a source, those of the last run first.

        Of one run they come in their own order, since what a run saw first counts; what an archive captured comes in
        the order of its captures, the latest one first. Each is read as it is taken, and the database is not held
        meanwhile; an answer that came several times is given once, where it came last.
        """
        wanted = _captures.c.status.in_((200, SAVED))
        mine = (_captures.c.source_id == source_id, wanted, _captures.c.file.is_not(None))
        order = select(_captures.c.id, _captures.c.url).where(*mine).order_by(_captures.c.run_id.desc(), _captures.c.id)
        numbers, times = array("q"), array("d")
        with self._database.read() as connection:
            for number, url in connection.execute(order, execution_options={"yield_per": 1000}):
                captured = memento_of(url)
                numbers.append(number)
                times.append(captured[0].timestamp() if captured else _NOW)
        if any(time != _NOW for time in times):
            numbers = array("q", (numbers[at] for at in sorted(range(len(numbers)), key=lambda at: -times[at])))
        bounds = (_runs.c.since.label("run_since"), _runs.c.until.label("run_until"))
        statement = select(_captures, *bounds).join(_runs, _runs.c.id == _captures.c.run_id)
        statement = statement.where(_captures.c.file.is_not(None))
        given: dict[str, set[int]] = {}
        for at in range(0, len(numbers), _BATCH):
            with self._database.read() as connection:
                some = statement.where(_captures.c.id.in_(list(numbers[at : at + _BATCH])))
                rows = {row["id"]: row for row in connection.execute(some).mappings()}
            for number in numbers[at : at + _BATCH]:
                if (row := rows.get(number)) is None:  # taken out meanwhile
                    continue
                of_file = given.setdefault(row["file"], set())
                if row["offset"] not in of_file:
                    of_file.add(row["offset"])
                    yield Kept(
                        id=row["id"],
                        url=row["requested_url"],
                        capture=self._capture(row),
                        since=row["run_since"],
                        until=row["run_until"],
                    )

    def confirmed(self, source_id: str, url: str) -> Capture | None:
        """The answer whose validators ``url`` is asked with, as it came: what a 304 says is still so.

        It need not be the newest: an answer that was not understood, or a saved page, may have come after it.
        None as for ``held``.
        """
        mine = (_validators.c.source_id == source_id, _validators.c.url == url, _captures.c.file.is_not(None))
        query = select(_captures).join(_validators, _validators.c.capture_id == _captures.c.id).where(*mine)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else self._capture(row)

    def validators(self, source_id: str, url: str) -> tuple[str | None, str | None] | None:
        """The ``ETag`` and ``Last-Modified`` to ask ``url`` with; None when there is nothing to ask with."""
        mine = (_validators.c.source_id == source_id, _validators.c.url == url)
        with self._database.read() as connection:
            row = connection.execute(select(_validators.c.etag, _validators.c.last_modified).where(*mine)).first()
        return None if row is None else (row.etag, row.last_modified)

    def save_validators(self, source_id: str, url: str, capture_id: int, *, always: bool = False) -> None:
        """Ask ``url`` with the validators of this capture from now on; call it when all of the page is recorded.

        ``always``: note that it is, also where the answer has none (see ``storage.hindsight.unasked``).
        """
        with self._database.write() as connection:
            headers = dict(
                connection.execute(select(_captures.c.headers).where(_captures.c.id == capture_id)).scalar_one()
            )
            new = {"etag": headers.get("etag"), "last_modified": headers.get("last-modified"), "capture_id": capture_id}
            mine = (_validators.c.source_id == source_id, _validators.c.url == url)
            # an index of PostgreSQL holds no longer address; such a page is asked for whole each time
            if (always or new["etag"] or new["last_modified"]) and len(url.encode(errors="replace")) <= LONGEST_ADDRESS:
                row = upsert(connection, _validators).values(source_id=source_id, url=url, **new)
                connection.execute(row.on_conflict_do_update(index_elements=["source_id", "url"], set_=new))
            else:
                connection.execute(delete(_validators).where(*mine))

    def mend(self, connection: Connection, run_id: int) -> None:
        """Cut off what a run that died left behind its last indexed record; its file goes when nothing is indexed.

        Args:
            connection: a write transaction, so that nobody indexes meanwhile.
            run_id: the run that is known to be dead.
        """
        run = connection.execute(select(_runs.c.source_id, _runs.c.started_at).where(_runs.c.id == run_id)).one()
        for name in warcfiles.files_of(self._folder, run.source_id, run.started_at, run_id):
            path = self._folder / name
            ends = select(func.max(_captures.c.offset + _captures.c.length)).where(_captures.c.file == name)
            end = warcfiles.end_of_revisits(path, connection.scalar(ends) or 0)
            if not end:
                path.unlink()
            elif path.stat().st_size > end:
                os.truncate(path, end)

    def _newest(self, source_id: str, url: str, *conditions: Any) -> Row | None:
        query = (
            select(_captures)
            .where(_captures.c.source_id == source_id, _captures.c.requested_url == url, _captures.c.file.is_not(None))
            .where(*conditions)
            .order_by(_captures.c.id.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            return connection.execute(query).mappings().first()

    def _known(self, source_id: str, capture: Capture) -> Row | None:
        """The row of the same answer, if it came before."""
        same = {"sha256": capture.sha256, "status": capture.status, "url": capture.url}
        return self._newest(source_id, capture.request.url, *(_captures.c[name] == same[name] for name in same))

    def _capture(self, row: Row) -> Capture | None:
        """The answer of a row as it came; None when it cannot be read back whole."""
        answer = answers.read(self._folder, row)
        if answer is None:
            return None
        return Capture(
            request=Request(url=row["requested_url"], access=row["access"], carry=row["carry"]),
            url=row["url"],
            status=row["status"],
            headers=dict(row["headers"]),
            body=answer.body,
            fetched_at=row["fetched_at"],
            sha256=row["sha256"],
        )

    @contextlib.contextmanager
    def _written(self, run: Run, capture: Capture, records: tuple[bytes, bytes]) -> Iterator[dict[str, Any]]:
        """Write the records of an answer, and give the place of the second; they go again if no row follows."""
        size = sum(map(len, records))
        with translated(self._folder / warcfiles.FOLDER):
            name, is_new = self._file(run, size)
        path = self._folder / name
        with translated(path):
            path.parent.mkdir(exist_ok=True)
            head = b""
            if is_new:
                part_of = f"run {run.id} of {run.source_id}"
                head = warc.info_record(path.name, _stamp(capture.fetched_at), software=self._software, part_of=part_of)
            start = warcfiles.append(path, b"".join((head, *records)))
        try:
            yield {"file": name, "offset": start + len(head) + len(records[0]), "length": len(records[1])}
        except StorageError:
            with contextlib.suppress(OSError):
                warcfiles.take_back(path, start, start + len(head) + size)
            raise

    def _file(self, run: Run, size: int) -> tuple[str, bool]:
        """Where the next ``size`` bytes of a run go: its last file, or another when it is full; whether that is new."""
        part = self._parts.get(run.id, 1)
        while True:
            name = warcfiles.file_name(run.source_id, run.started_at, run.id, part)
            path = self._folder / name
            held = path.stat().st_size if path.exists() else 0
            if not held or held + size <= self._file_size:
                self._parts[run.id] = part
                return name, held == 0
            part += 1


def _row_of(run: Run, capture: Capture) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "source_id": run.source_id,
        "requested_url": capture.request.url,
        "url": capture.url,
        "access": capture.request.access,
        "carry": capture.request.carry,
        "status": capture.status,
        "headers": tuple(capture.headers.items()),
        "fetched_at": capture.fetched_at,
        "sha256": capture.sha256,
        "size": len(capture.body),
    }


def _place(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("file", "offset", "length")}


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
