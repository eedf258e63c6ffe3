"""WARC 1.1: the recorded answers with the pictures put back into theirs, for replay by any web archive's tools.

The archive holds an answer in ``warc/`` and a picture's bytes once in ``media/``, what was said around them in its
index. Here they come together in one file, a gzip member a record: an answer as it lies in the archive, byte for byte;
a picture's answer rebuilt of its headers and its bytes; and of each post a ``metadata`` record with its rights, where
it came from and what is missing. Ids are made of what they name and dates are those of the answers.

See https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, ClassVar

from sqlalchemy import Connection, select

from storage import warc
from storage.blobs import Blobs
from storage.errors import StorageError
from storage.export.discretion import discreet, discreet_headers
from storage.export.formats import Export, Format
from storage.export.items import Item, Picture, record_of
from storage.export.place import Place
from storage.export.publishable import Clearance, withheld
from storage.export.records import Headers, Writer, record_id
from storage.export.showing import Showing
from storage.lookup import iso
from storage.portions import portions
from storage.views import archive_posts, attachments, captures, posts

_NEVER = "1970-01-01T00:00:00Z"
_HTTP = "application/http; msgtype=response"
#: what became of a post's answer, as its metadata record says
_THERE, _LOST, _KEPT, _NONE = "in this file", "lost or damaged in the archive", "kept back", "none was recorded"

Row = Mapping[Any, Any]


class WarcFormat(Format):
    """One compressed WARC file."""

    name: ClassVar[str] = "warc"
    summary: ClassVar[str] = "the recorded pages and answers with their pictures, for the tools of web archives"
    media: ClassVar[bool | None] = True
    segments: ClassVar[bool] = True

    @classmethod
    def is_folder(cls, *, with_media: bool) -> bool:
        """Always one file."""
        return False

    def write(self, place: Place, export: Export) -> None:
        """Write every answer once, and after it what is known of the posts."""
        joined = _Joined(place.file, place.path.name, export)
        for items in export.batches:
            joined.take(items)
        joined.end()


class _Joined:
    """A file on its way."""

    def __init__(self, file: BinaryIO, name: str, export: Export) -> None:
        self._writer, self._name, self._export = Writer(file), name, export
        self._blobs = Blobs(export.folder)
        self._showing = Showing(
            export.connection, lambda source: _kept_back(export.connection, export.clearance, source)
        )
        self._begun = False
        #: what came of an answer, by the number of its row: posts of one page need not be neighbours
        self._answers: dict[int, tuple[str, str | None]] = {}
        #: pictures that are written, by 8 bytes of what they are
        self._written: set[bytes] = set()
        self._kept = 0

    def take(self, items: list[Item]) -> None:
        """Write what belongs to some posts."""
        rows = dict(_captures(self._export.connection, [item.capture_id for item in items]))
        pictures = _pictures(self._export.connection, items) if self._export.with_media else {}
        together: dict[int, list[Item]] = {}
        for item in items:
            if item.capture_id is not None:
                together.setdefault(item.capture_id, []).append(item)
        for item in items:
            self._begin(item.fetched_at or _NEVER)
            told, answer = _NONE, None
            if item.capture_id is not None:
                if item.capture_id not in self._answers:
                    self._answers[item.capture_id] = self._answer(item, rows.get(item.capture_id), together)
                told, answer = self._answers[item.capture_id]
            given = [picture for picture in item.media if picture.path] if self._export.with_media else []
            lost = [picture.path for picture in given if not self._picture(item, picture, pictures)]
            self._metadata(item, told, answer, lost)

    def end(self) -> None:
        """A file without posts has its first record at least; what was kept back is told."""
        self._begin(_NEVER)
        if self._kept:
            answers = "1 recorded answer stays" if self._kept == 1 else f"{self._kept:,} recorded answers stay"
            why = "a page or answer that shows a post which may not be passed on does not leave"
            self._export.notes.append(f"{answers} in the archive: {why}")

    def _begin(self, date: str) -> None:
        if self._begun:
            return
        self._begun = True
        private = " A private copy: it may hold what may not be passed on." if self._export.private else ""
        told = {
            "software": self._export.cupola,
            "format": "WARC File Format 1.1",
            "conformsTo": "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
            "description": "Posts of space missions: recorded answers with their pictures, and a metadata record of "
            f"each post with its rights, its provenance, a citation and what is incomplete.{private}",
        }
        block = "".join(f"{name}: {warc.header_line(value)}\r\n" for name, value in told.items()).encode()
        headers = {
            "WARC-Type": "warcinfo",
            "WARC-Record-ID": record_id("warcinfo", date, block.decode()),
            "WARC-Date": date,
            "Content-Type": "application/warc-fields",
        }
        self._writer.whole(headers, block)

    def _answer(self, item: Item, row: Row | None, together: Mapping[int, list[Item]]) -> tuple[str, str | None]:
        """Write the answer that a post came with; what came of it, and the id of its record."""
        if row is None or row["file"] is None:
            return _NONE, None
        try:
            with (self._export.folder / row["file"]).open("rb") as file:
                file.seek(row["offset"])
                raw = file.read(row["length"])
            answer = warc.answer_of(raw)
        except (OSError, ValueError) as error:
            return self._lost(item, row, str(error))
        if hashlib.sha256(answer.body).hexdigest() != row["sha256"]:
            return self._lost(item, row, "it holds other bytes than were recorded")
        if not self._export.private and self._showing.shows(
            item.source, row["id"], answer.body, together.get(row["id"], ())
        ):
            self._kept += 1
            return f"{_KEPT}: it shows a post that may not be passed on", None
        clean = None if self._export.private else _without_secrets(raw)
        place = _short(row["file"], str(row["offset"]))
        if place not in self._written:
            self._written.add(place)
            if clean is None:
                self._writer.raw(raw)
            else:
                self._writer.whole(*clean)
        return _THERE, answer.record_id if clean is None else clean[0]["WARC-Record-ID"]

    def _lost(self, item: Item, row: Row, why: str) -> tuple[str, None]:
        place = f"{row['file']} at byte {row['offset']}"
        self._export.missing.append(f"{item.key}: its answer in {place} cannot be read ({why}); see cupola verify")
        return _LOST, None

    def _picture(self, item: Item, picture: Picture, rows: Mapping[tuple[int, int], Row]) -> bool:
        """Write a picture's answer, once for each address; whether its bytes are there."""
        sha256, extension = picture.sha256 or "", (picture.path or "").rpartition(".")[2]
        row = rows.get((item.post_id, picture.position))
        url = (row and row["url"]) or picture.source_url or f"urn:sha256:{sha256}"
        told = dict(row["headers"]) if row else {}
        if not self._export.private:
            url, told = discreet(url), dict(discreet_headers(told.items()))
        known = _short(url, sha256)
        if known in self._written:
            return True
        headers = {
            "WARC-Type": "response",
            "WARC-Record-ID": record_id("picture", url, sha256),
            "WARC-Date": iso(row["fetched_at"]) if row else item.fetched_at or item.first_seen_at,
            "WARC-Target-URI": warc.header_line(url),
            "WARC-Payload-Digest": f"sha256:{sha256}",
            "Content-Type": _HTTP,
        }
        size = picture.bytes or 0
        head = b""
        if row is not None and row["sha256"] == sha256:
            # what a broken download went on with is whole here
            status = 200 if row["status"] == 206 else row["status"]
            head = warc.response_head(status, told, size)
        else:
            # brought by hand, or from another archive: there is no answer to rebuild
            headers |= {"WARC-Type": "resource", "Content-Type": picture.media_type or "application/octet-stream"}
        try:
            with self._blobs.open(sha256, extension) as file:
                self._writer.checked(headers, head, file, size, sha256)
        except (StorageError, ValueError) as error:
            self._export.missing.append(
                f"{item.key}: the picture {picture.path} is left out: {error}; see cupola verify"
            )
            return False
        self._written.add(known)
        return True

    def _metadata(self, item: Item, told: str, answer: str | None, lost: list[str | None]) -> None:
        record = record_of(item)
        del record["provenance"]["run"]  # a number that means nothing elsewhere
        record["answer"] = told
        record["pictures_lost"] = lost
        block = json.dumps(record, ensure_ascii=False).encode("utf-8", "replace")
        headers: Headers = {
            "WARC-Type": "metadata",
            "WARC-Record-ID": record_id("metadata", item.key, hashlib.sha256(block).hexdigest()),
            "WARC-Date": item.fetched_at or item.first_seen_at,
            "WARC-Target-URI": warc.header_line(item.url or item.capture_url or record_id("post", item.key)[1:-1]),
            "Content-Type": "application/json",
        }
        if answer:
            headers["WARC-Refers-To"] = answer
        self._writer.whole(headers, block)


def _without_secrets(raw: bytes) -> tuple[Headers, bytes] | None:
    """The record written anew, if its address or the headers of its answer have what may not leave; else None."""
    record, http, body = warc.parts_of(raw)
    named = {name: discreet(value) if name == "WARC-Target-URI" else value for name, value in record}
    kept = None if http is None else (http[0], list(discreet_headers(http[1])))
    if list(named.items()) == record and kept == http:
        return None
    told = b""
    if kept is not None:
        told = "".join(
            f"{line}\r\n" for line in (kept[0], *(f"{name}: {value}" for name, value in kept[1]), "")
        ).encode()
    named["WARC-Record-ID"] = record_id("answer", named["WARC-Record-ID"])
    # the writer's own
    for name in ("Content-Length", "WARC-Block-Digest"):
        named.pop(name, None)
    return named, told + body


def _short(*names: str) -> bytes:
    return hashlib.blake2b("\0".join(names).encode("utf-8", "replace"), digest_size=8).digest()


def _captures(connection: Connection, ids: list[int | None]) -> Iterator[tuple[int, Row]]:
    for some in portions(sorted({number for number in ids if number is not None})):
        for row in connection.execute(select(captures).where(captures.c.id.in_(some))).mappings():
            yield row["id"], row


def _pictures(connection: Connection, items: list[Item]) -> dict[tuple[int, int], Row]:
    """The answers that gave the pictures of some posts, by post and position."""
    found: dict[tuple[int, int], Row] = {}
    query = select(attachments.c.post_id, attachments.c.position, captures).where(
        attachments.c.capture_id == captures.c.id, attachments.c.removed_at.is_(None)
    )
    for some in portions([item.post_id for item in items if any(picture.path for picture in item.media)]):
        for row in connection.execute(query.where(attachments.c.post_id.in_(some))).mappings():
            found[row["post_id"], row["position"]] = row
    return found


def _kept_back(connection: Connection, clearance: Clearance, source: str) -> Iterator[int]:
    """The rows of the posts of a source that may not be passed on."""
    shown = archive_posts.c
    query = select(posts.c.id, shown.mission, shown.license, shown.gone_at, posts.c.opt_outs).where(
        shown.source == posts.c.source_id, shown.native_id == posts.c.native_id, posts.c.source_id == source
    )
    with connection.execute(query.order_by(posts.c.id), execution_options={"yield_per": 1000}) as rows:
        for row in rows:
            kept = withheld(
                clearance,
                source=source,
                mission=row.mission,
                licence=row.license,
                gone_at=row.gone_at,
                opt_outs=row.opt_outs,
            )
            if kept is not None:
                yield row.id
