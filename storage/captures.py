"""The answers that were given, byte for byte: WARC files, one a run, and their index."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from scraper.capture import Capture, Request
from storage import leases, warc
from storage.columns import safe
from storage.engine import Database, translated
from storage.runs import Run
from storage.schema import CaptureRecord, RunRecord, ValidatorRecord, rows_of

FOLDER = "warc"

_captures, _validators, _runs = rows_of(CaptureRecord), rows_of(ValidatorRecord), rows_of(RunRecord)


class Captures:
    """The captures of one archive; ``folder`` is the archive's."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._database = database

    def keep(self, run: Run, capture: Capture) -> int:
        """Hold an answer for good: its records on the disk first, then its index row.

        An answer with the bytes of the one that is held for its address is not written again: its row
        points to the same place.

        Returns:
            The number of the index row.

        Raises:
            DiskFull, ArchiveReadOnly: as they say; then there is neither record nor row.
            SourceBusy: the run has lost its lease.
        """
        place = self._same(run.source_id, capture) or self._write(run, capture)
        row = {
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
            **place,
        }
        with self._database.write() as connection:
            leases.ensure_running(connection, run.id)
            number: int = connection.execute(insert(_captures).values(row).returning(_captures.c.id)).scalar_one()
        return number

    def held(self, source_id: str, url: str) -> Capture | None:
        """The newest answer with status 200 to ``url``, as it came.

        None also when it cannot be read back whole (``cupola verify`` tells of that): asking again mends it.
        """
        return self._read(self._newest(source_id, url, _captures.c.status == 200))

    def confirmed(self, source_id: str, url: str) -> Capture | None:
        """The answer whose validators ``url`` is asked with, as it came: what a 304 says is still so.

        It need not be the newest: an answer that was not understood, or a saved page, may have come after it.
        None as for ``held``.
        """
        mine = (_validators.c.source_id == source_id, _validators.c.url == url)
        query = select(_captures).join(_validators, _validators.c.capture_id == _captures.c.id).where(*mine)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        return self._read(row)

    def _read(self, row: Mapping[Any, Any] | None) -> Capture | None:
        body = None if row is None else self._body(row)
        if row is None or body is None:
            return None
        return Capture(
            request=Request(url=row["requested_url"], access=row["access"], carry=row["carry"]),
            url=row["url"],
            status=row["status"],
            headers=dict(row["headers"]),
            body=body,
            fetched_at=row["fetched_at"],
            sha256=row["sha256"],
        )

    def validators(self, source_id: str, url: str) -> tuple[str | None, str | None] | None:
        """The ``ETag`` and ``Last-Modified`` to ask ``url`` with; None when there is nothing to ask with."""
        mine = (_validators.c.source_id == source_id, _validators.c.url == url)
        with self._database.read() as connection:
            row = connection.execute(select(_validators.c.etag, _validators.c.last_modified).where(*mine)).first()
        return None if row is None else (row.etag, row.last_modified)

    def save_validators(self, source_id: str, url: str, capture_id: int) -> None:
        """Ask ``url`` with the validators of this capture from now on; call it when all of the page is recorded."""
        with self._database.write() as connection:
            headers = dict(
                connection.execute(select(_captures.c.headers).where(_captures.c.id == capture_id)).scalar_one()
            )
            new = {"etag": headers.get("etag"), "last_modified": headers.get("last-modified"), "capture_id": capture_id}
            mine = (_validators.c.source_id == source_id, _validators.c.url == url)
            if new["etag"] or new["last_modified"]:
                row = upsert(_validators).values(source_id=source_id, url=url, **new)
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
        name = _file_of(run.source_id, run.started_at, run_id)
        path = self._folder / name
        end = connection.scalar(
            select(func.max(_captures.c.offset + _captures.c.length)).where(_captures.c.file == name)
        )
        if not path.exists():
            return
        if end is None:
            path.unlink()
        elif path.stat().st_size > end:
            os.truncate(path, end)

    def _newest(self, source_id: str, url: str, *conditions: Any) -> Mapping[Any, Any] | None:
        query = (
            select(_captures)
            .where(_captures.c.source_id == source_id, _captures.c.requested_url == url, _captures.c.file.is_not(None))
            .where(*conditions)
            .order_by(_captures.c.id.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            return connection.execute(query).mappings().first()

    def _same(self, source_id: str, capture: Capture) -> dict[str, Any] | None:
        """Where the same answer is held already, and can be read."""
        row = self._newest(source_id, capture.request.url)
        if row is None or (row["sha256"], row["status"], row["url"]) != (
            capture.sha256,
            capture.status,
            safe(capture.url),
        ):
            return None
        return None if self._body(row) is None else {name: row[name] for name in ("file", "offset", "length")}

    def _body(self, row: Mapping[Any, Any]) -> bytes | None:
        """The bytes that a row points to; None when they are not there or not those."""
        try:
            with (self._folder / row["file"]).open("rb") as file:
                file.seek(row["offset"])
                body = warc.body_of(file.read(row["length"]))
        except (OSError, ValueError):
            return None
        return body if len(body) == row["size"] and _sha256(body) == row["sha256"] else None

    def _write(self, run: Run, capture: Capture) -> dict[str, Any]:
        name = _file_of(run.source_id, run.started_at, run.id)
        path = self._folder / name
        request, response = warc.request_and_response(capture)
        with translated(path):
            path.parent.mkdir(exist_ok=True)
            is_new = not path.exists()
            before = warc.info_record(path.name, _stamp(capture.fetched_at)) if is_new else b""
            start = _append(path, before + request + response)
            if is_new:
                _sync_folder(path.parent)
        return {"file": name, "offset": start + len(before) + len(request), "length": len(response)}


def _file_of(source_id: str, started_at: datetime, run_id: int) -> str:
    return f"{FOLDER}/{source_id}-{started_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{run_id}.warc.gz"


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _sha256(body: bytes) -> str:
    import hashlib

    return hashlib.sha256(body).hexdigest()


def _append(path: Path, data: bytes) -> int:
    """Append all of ``data`` durably, or nothing; where it begins."""
    with path.open("ab", buffering=0) as file:
        start = file.seek(0, os.SEEK_END)
        try:
            view = memoryview(data)
            while view:
                view = view[file.write(view) or 0 :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(start)
            raise
    return start


def _sync_folder(folder: Path) -> None:
    """Make a new file's name durable, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
