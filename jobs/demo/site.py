"""The demo mission's web site, on loopback only: a gallery page, a Mastodon API, their pictures."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from jobs.demo.content import Edition, Fault, GalleryPage, GalleryPicture, Medium, Status
from jobs.demo.mission import DemoMission, load, snowflake
from jobs.demo.pages import front_page, gallery_page, gallery_paths, profile_page
from jobs.demo.pictures import painted, reduced
from jobs.demo.timeline import account_json, history_json, media_paths, page, status_json

#: where ``cupola demo`` serves, so that the addresses in an archive made twice are the same
DEFAULT_PORT = 24080
_LIMIT = 3000  # the budget that the X-RateLimit headers speak of; never used up
_GONE_WRONG = b"<!DOCTYPE html><title>Page not found</title><h1>Oops!</h1><p>This file is no longer here.</p>"
_VIDEO = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2\x00\x00\x00\x08free"  # the head of an MP4 and no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request that the site got; ``path`` with its query; ``conditional`` if it named a version it held."""

    method: str
    path: str
    status: int
    conditional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the site says to a path."""

    body: bytes
    media_type: str
    status: int = 200
    etag: str | None = None
    modified: datetime | None = None
    headers: tuple[tuple[str, str], ...] = ()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, site: DemoSite, port: int) -> None:
        self.site = site
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    # head and body leave in one packet: otherwise the kernel waits 40 ms for an acknowledgement
    wbufsize = -1
    disable_nagle_algorithm = True

    def version_string(self) -> str:
        return "cupola-demo"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Quiet: ``DemoSite.requests`` is the log."""

    def do_GET(self) -> None:
        answer = self.server.site.answer(self.path)
        asked, since = self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since")
        status = 304 if answer.status == 200 and _held(answer, asked, since) else answer.status
        self.server.site.note(
            Seen(method=self.command, path=self.path, status=status, conditional=bool(asked or since))
        )
        self.send_response(status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.etag:
            self.send_header("ETag", answer.etag)
        if answer.modified:
            self.send_header("Last-Modified", format_datetime(answer.modified, usegmt=True))
        if status != 304:
            self.send_header("Content-Type", answer.media_type)
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if status != 304 and self.command != "HEAD":
            self.wfile.write(answer.body)

    do_HEAD = do_GET  # noqa: N815 - the name is the base class's


def _held(answer: Answer, etags: str | None, since: str | None) -> bool:
    """Whether the visitor has this version already (RFC 9110, section 13.1: the ETag decides where there is one)."""
    if etags is not None:
        ours = (answer.etag or "").removeprefix("W/")
        return etags.strip() == "*" or ours in (one.strip().removeprefix("W/") for one in etags.split(","))
    if since is None or answer.modified is None:
        return False
    try:
        return answer.modified <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False


class DemoSite:
    """The site, served while the ``with`` block lasts.

    ``port`` is a wish: one that is taken is replaced by a free one (0: any). ``edit``, ``delete``, ``publish``
    and ``turn_to`` change what the next request sees; all of it is safe from any thread. Times are aware UTC.
    """

    def __init__(self, demo: DemoMission | None = None, *, port: int = 0) -> None:
        self.demo = demo or load()
        self._gallery = {picture.id: picture for picture in self.demo.gallery}
        self._timeline = {status.id: status for status in self.demo.timeline}
        self._lock = threading.Lock()
        self._changes = 0
        self._seen: list[Seen] = []
        try:
            self._server = _Server(self, port)
        except OSError:
            self._server = _Server(self, 0)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="demo-site", daemon=True)

    def __enter__(self) -> DemoSite:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        for connection in list(self._server.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is closing by itself
        self._server.server_close()

    @property
    def base_url(self) -> str:
        """``http://127.0.0.1:PORT``, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> tuple[Seen, ...]:
        """Every request so far, in the order of the answers."""
        return tuple(self._seen)

    def note(self, seen: Seen) -> None:
        """Add a request to the log."""
        self._seen.append(seen)

    def edit(self, native_id: str, text: str, *, at: datetime | None = None) -> None:
        """Give a post a new text; a status says so in ``edited_at`` (default: a day after it was written)."""
        with self._lock:
            self._changes += 1
            if native_id in self._gallery:
                self._gallery[native_id] = replace(self._gallery[native_id], caption=text)
                return
            status = self._timeline[native_id]
            self._timeline[native_id] = status.edited(text, at or status.at + timedelta(days=1))

    def delete(self, native_id: str) -> None:
        """Take a post down, as its author would; KeyError if there is none."""
        with self._lock:
            self._changes += 1
            del (self._gallery if native_id in self._gallery else self._timeline)[native_id]

    def turn_to(self, edition: Edition) -> None:
        """Let what an edition tells happen: some statuses edited, some taken down, some put back."""
        with self._lock:
            self._changes += 1
            self._timeline |= {status.id: status for status in edition.edited}
            self._timeline |= {status.id: status for status in self.demo.timeline if status.id in edition.restored}
            for native_id in edition.deleted:
                del self._timeline[native_id]

    def publish(self, text: str, *, at: datetime, media: tuple[Medium, ...] = (), language: str | None = None) -> str:
        """Add a status to the timeline; its id."""
        status = Status(id=snowflake(at), name="", at=at, text=text, media=media, language=language)
        with self._lock:
            self._changes += 1
            self._timeline[status.id] = status
        return status.id

    def answer(self, target: str) -> Answer:
        """What the site says to a request for ``target``, a path with its query."""
        parts = urlsplit(target)
        path, query = unquote(parts.path), dict(parse_qsl(parts.query))
        demo, me = self.demo, self.demo.account
        with self._lock:
            gallery, timeline = tuple(self._gallery.values()), tuple(self._timeline.values())
            modified = datetime.combine(demo.page.day, time(9, 30), tzinfo=UTC) + timedelta(seconds=self._changes)
        own = sorted((s for s in timeline if not s.by_others), key=lambda s: s.at, reverse=True)
        if path == "/":
            return _page(front_page(demo), modified)
        if path == "/robots.txt":
            return Answer(body=b"User-agent: *\nAllow: /\n", media_type="text/plain")
        if path == demo.page.address:
            return _page(gallery_page(demo.page, gallery, self.base_url), modified)
        if path == f"/@{me.username}":
            return _page(profile_page(me, own), modified)
        if path.startswith(f"/@{me.username}/"):
            return _page(profile_page(me, [s for s in own if path.endswith(f"/{s.id}")]), modified)
        if path.startswith("/api/"):
            return self._api(path, query, timeline)
        return self._media(path, timeline) or Answer(body=_GONE_WRONG, media_type="text/html", status=404)

    def _api(self, path: str, query: dict[str, str], timeline: Iterable[Status]) -> Answer:
        me, base = self.demo.account, self.base_url
        by_id = {status.id: status for status in timeline}
        listing = f"/api/v1/accounts/{me.id}/statuses"
        own = (me.username, f"{me.username}@{urlsplit(base).netloc}")
        if path == "/api/v1/accounts/lookup" and query.get("acct", "").lstrip("@").lower() in own:
            return _json(account_json(me, base, len(by_id)))
        if path == f"/api/v1/accounts/{me.id}":
            return _json(account_json(me, base, len(by_id)))
        if path == listing:
            chosen, links = page(by_id.values(), query, listing)
            headers = (("Link", links.replace("</", f"<{base}/")),) if links else ()
            return _json([status_json(status, me, base) for status in chosen], headers)
        name, _, what = path.removeprefix("/api/v1/statuses/").partition("/")
        status = by_id.get(name)
        if status is not None and what == "history":
            return _json(history_json(status, me, base))
        if status is not None and not what:
            return _json(status_json(status, me, base))
        return replace(_json({"error": "Record not found"}), status=404, etag=None)

    def _media(self, path: str, timeline: Iterable[Status]) -> Answer | None:
        """The file at ``path``; looked for anew each time, so that what was published later is found as well."""
        written = datetime.combine(self.demo.page.day, time(8), tzinfo=UTC)
        pictures: tuple[GalleryPage | GalleryPicture, ...] = (self.demo.page, *self.demo.gallery)
        for picture in pictures:
            if path in (paths := gallery_paths(picture)):
                return _file(picture.medium, path == paths[0], 640, written)
        for status in timeline:
            for shown in (status, status.boosted):
                for position, medium in enumerate(shown.media if shown else ()):
                    if shown and path in (paths := media_paths(shown, position)):
                        return _file(medium, path == paths[0], 480, shown.at)
        return None


def _page(text: str, modified: datetime) -> Answer:
    body = text.encode()
    return Answer(body=body, media_type="text/html; charset=utf-8", etag=_tag(body), modified=modified)


def _json(value: object, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    # the clock only fills a header that says when a budget begins anew; nothing that is kept depends on it
    reset = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    limits = (
        ("Cache-Control", "private, no-store"),
        ("X-RateLimit-Limit", str(_LIMIT)),
        ("X-RateLimit-Remaining", str(_LIMIT - 1)),
        ("X-RateLimit-Reset", reset),
    )
    kind = "application/json; charset=utf-8"
    return Answer(body=body, media_type=kind, etag=f"W/{_tag(body)}", headers=(*limits, *headers))


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _file(medium: Medium, large: bool, width: int, modified: datetime) -> Answer:
    if large and medium.fault is Fault.MISSING:
        return Answer(body=_GONE_WRONG, media_type="text/html", status=404)
    if large and medium.fault is Fault.PAGE:
        return Answer(body=_GONE_WRONG, media_type="text/html")
    if large and medium.video:
        return Answer(body=_VIDEO, media_type="video/mp4", etag=_tag(_VIDEO), modified=modified)
    body = painted(medium.drawing) if large else reduced(medium.drawing, width)
    if medium.fault is Fault.TRUNCATED:
        body = body[: len(body) * 3 // 5]
    return Answer(body=body, media_type=medium.drawing.media_type, etag=_tag(body), modified=modified)
