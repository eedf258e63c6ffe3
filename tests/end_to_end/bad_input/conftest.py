"""A site on loopback that misbehaves as told, a diary and a gallery on it."""

from __future__ import annotations

import hashlib
import json
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

_ENOUGH = 64 * 2**20  # bytes after which an endless answer ends all the same, should nobody hang up
_serial = count(1)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer: ``short_by`` bytes fewer than announced, ``endless`` repeated after the body, or hung up."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    short_by: int = 0
    endless: bytes = b""
    hang_up: bool = False


@dataclass
class _Spoiler:
    """What is said in place of the truth wherever ``word`` stands in the target, ``times`` times (None: always)."""

    word: str
    reply: Callable[[], Reply]
    times: int | None


class Site:
    """A web site on a port of its own; ``truth`` answers a target (path with query) as long as nothing is spoiled."""

    def __init__(self, truth: Callable[[str], Reply]) -> None:
        self.truth = truth
        self.seen: list[tuple[str, float]] = []
        self._spoilers: list[_Spoiler] = []
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._server.server_bind()  # but nobody listens before ``open``
        self.place = f"127.0.0.1:{self._server.server_address[1]}"
        self.base = f"http://{self.place}"
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Listen from now on."""
        if self._thread is None:
            self._server.server_activate()
            self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Listen no more; the port stays ours, so that nobody else answers there."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server, self._thread = _Server(self, self._server.server_address[1]), None
            self._server.server_bind()

    def close(self) -> None:
        """Stop for good."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def spoil(
        self, word: str, *, times: int | None = None, fields: Callable[[], Any] | None = None, **always: Any
    ) -> None:
        """Answer targets that hold ``word`` with a reply of these fields, or of those that ``fields`` makes."""
        self._spoilers.append(_Spoiler(word, lambda: Reply(**(fields() if fields else always)), times))

    def mend(self) -> None:
        """Open, and tell the truth again."""
        self._spoilers.clear()
        self.open()

    def answer(self, target: str) -> Reply:
        """What is said to a target now."""
        with self._lock:
            self.seen.append((target, time.time()))
            for spoiler in self._spoilers:
                if spoiler.word in target and spoiler.times != 0:
                    spoiler.times = None if spoiler.times is None else spoiler.times - 1
                    return spoiler.reply()
        return self.truth(target)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32

    def __init__(self, site: Site, port: int = 0) -> None:
        self.site = site
        super().__init__(("127.0.0.1", port), _Handler, bind_and_activate=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Quiet: ``Site.seen`` is the log."""

    def do_GET(self) -> None:
        reply = self.server.site.answer(self.path)
        headers = dict(reply.headers)
        etag = f'"{hashlib.sha256(reply.body).hexdigest()[:16]}"'
        if reply.hang_up:
            self.close_connection = True
            return
        same = reply.status == 200 and not (reply.short_by or reply.endless) and headers.get("ETag") != ""
        if same and self.headers.get("If-None-Match") == etag:
            reply = Reply(status=304)
        if same:
            headers["ETag"] = etag
        self.send_response(reply.status)
        if reply.endless or reply.short_by:
            self.close_connection = True
        if not reply.endless:
            headers.setdefault("Content-Length", str(len(reply.body) + reply.short_by))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)
        for _ in range(_ENOUGH // len(reply.endless) if reply.endless else 0):
            self.wfile.write(reply.endless)


class Diary:
    """A Mastodon account with four posts of four days in December 2016, two a page, each with a picture.

    ``statuses`` (newest first) and ``pictures`` may be changed before a visit; ``mend`` puts all right again.
    """

    kind = "mastodon"
    ids = ("1", "2", "3", "4")

    def __init__(self) -> None:
        self.serial = next(_serial)
        self.site = Site(self._answer)
        self.url = f"{self.site.base}/@diary"
        self.mend_truth()

    def mend_truth(self) -> None:
        """What the account really says."""
        self.per_page = 2
        self.escaped = True
        self.headers = {"Content-Type": "application/json; charset=utf-8"}
        self.statuses = [self.status(number) for number in (4, 3, 2, 1)]
        self.pictures = {number: painted(self.serial, number) for number in (1, 2, 3, 4)}

    def mend(self) -> None:
        """All is well from now on."""
        self.mend_truth()
        self.site.mend()

    def painted(self, number: int, **header: Any) -> bytes:
        """A picture of this diary; see ``painted``."""
        return painted(self.serial, number, **header)

    def status(self, number: int, **changes: Any) -> dict[str, Any]:
        """A status as the API states it."""
        return {
            "id": str(number),
            "created_at": f"2016-12-{number:02d}T08:00:00.000Z",
            "visibility": "public",
            "content": f"<p>Jour {number} : la Terre est bleue, et les nuages dessinent des îles sur l’océan.</p>"
            f"<p>Day {number}: the Earth is blue, and the clouds are drawing islands on the ocean.</p>",
            "url": f"{self.url}/{number}",
            "account": {"id": "7", "acct": "diary", "display_name": "Camille Exemple"},
            "media_attachments": [
                {
                    "id": f"m{number}",
                    "type": "image",
                    "url": f"{self.site.base}/media/{number}.png",
                    "description": f"La Terre, jour {number}",
                }
            ],
        } | changes

    def _answer(self, target: str) -> Reply:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/api/v1/accounts/lookup":
            return self._json({"id": "7", "acct": "diary"})
        if parts.path == "/api/v1/accounts/7/statuses":
            return self._page(parts.path, query)
        stem = parts.path.removeprefix("/media/").removesuffix(".png")
        if stem.isdecimal() and int(stem) in self.pictures:
            return Reply(body=self.pictures[int(stem)], headers={"Content-Type": "image/png"})
        return Reply(status=404, body=b"<title>No such page</title>")

    def _page(self, path: str, query: dict[str, str]) -> Reply:
        if (newest := query.get("min_id")) is not None:
            known = [str(status.get("id")) for status in self.statuses]
            return self._json(self.statuses[: known.index(newest)] if newest in known else [])
        at = int(query.get("max_id", "0"))  # of this account's pages: how many statuses are left behind
        more = at + self.per_page < len(self.statuses)
        link = f"{self.site.base}{path}?{urlencode(query | {'max_id': str(at + self.per_page)})}"
        return self._json(self.statuses[at : at + self.per_page], {"Link": f'<{link}>; rel="next"'} if more else {})

    def _json(self, value: Any, headers: Mapping[str, str] | None = None) -> Reply:
        return Reply(
            body=json.dumps(value, ensure_ascii=self.escaped).encode(), headers={**self.headers, **(headers or {})}
        )


class Gallery:
    """An ESA multimedia page with three captioned pictures of December 2016; ``page`` is its HTML."""

    kind = "esa_gallery"
    path = "/ESA_Multimedia/Images/2017/06/Journal"
    ids = (path.strip("/"), "2900001", "2900002", "2900003")

    def __init__(self) -> None:
        self.serial = next(_serial)
        self.site = Site(self._answer)
        self.url = self.site.base + self.path
        self.mend_truth()

    def mend_truth(self) -> None:
        """What the page really is."""
        self.headers = {"Content-Type": "text/html; charset=utf-8"}
        self.robots = Reply(status=404)
        self.page = self.page_of("".join(self.figure(number) for number in (1, 2, 3))).encode()
        self.pictures = {number: painted(self.serial, number) for number in (1, 2, 3)}

    mend = Diary.mend

    def page_of(self, figures: str) -> str:
        """A page around figures."""
        return (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>ESA - Journal</title></head><body>'
            '<div class="modal"><div class="modal__header"><h2 class="heading">Journal d’une mission</h2>'
            '<div class="meta"><span>05/06/2017</span></div></div>'
            f"{figures}</div><footer><p>Copyright 2000 - 2017 © European Space Agency.</p></footer></body></html>"
        )

    def figure(self, number: int, text: str | None = None) -> str:
        """A picture of the page with its caption."""
        text = text or (
            f"<p>« Jour {number} : la Terre est bleue, et les nuages dessinent des îles. »</p>"
            f"<p>&quot;Day {number}: the Earth is blue, and the clouds are drawing islands.&quot;</p>"
        )
        return (
            f'<figure><img src="/storage/images/290000{number}-1-eng-GB/Journal_{number}_pillars.png" alt="La Terre">'
            f"<figcaption>{text}<p>Camille Exemple, Proxima mission image 0{number}/12/2016</p></figcaption></figure>"
        )

    def _answer(self, target: str) -> Reply:
        if target == "/robots.txt":
            return self.robots
        if target == self.path:
            return Reply(body=self.page, headers=self.headers)
        for number, picture in self.pictures.items():
            if f"/290000{number}-" in target:
                return Reply(body=picture, headers={"Content-Type": "image/png"})
        return Reply(status=404, body=b"<title>No such page</title>")


def painted(serial: int, number: int, *, size: tuple[int, int] = (2, 2)) -> bytes:
    """A small PNG that no other site has; with ``size`` its header says so, whatever follows."""
    row = b"\0" + bytes((serial % 256, serial // 256, number)) * 2
    head = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(row * 2)), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.fixture(scope="module")
def opened() -> Iterator[Callable[[str], Any]]:
    """Makes a ``diary`` or a ``gallery``, open until the module's tests are over; all synthetic."""
    made: list[Diary | Gallery] = []

    def make(kind: str) -> Diary | Gallery:
        made.append(Diary() if kind == "diary" else Gallery())
        made[-1].site.open()
        return made[-1]

    yield make
    closers = [threading.Thread(target=site.site.close) for site in made]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join()
