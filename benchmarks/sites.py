"""Many small social servers in one process, each on a loopback address of its own, with faults that can be switched.

They speak as much of the Mastodon API as an archive reads. What they published is known, so that it can be compared
with what was archived. All of it is synthetic.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from PIL import Image

#: what a site can be made to do, to six of ten requests
FAULTS = ("error", "limit", "drop", "drip", "hang")
_PAGE = 40
_WORDS = {
    "fr": "La Terre vue de la Station : le fleuve serpente entre les montagnes enneigées",
    "en": "Earth seen from the Station: the river winds between the snowy mountains",
}


def picture(name: str, size: int) -> bytes:
    """A JPEG of about ``size`` bytes that no other name has."""
    plain = io.BytesIO()
    shade = int(hashlib.sha256(name.encode()).hexdigest()[:6], 16)
    Image.new("RGB", (64, 48), (shade >> 16, shade >> 8 & 255, shade & 255)).save(plain, "JPEG")
    body = plain.getvalue()
    filling = name.encode() + b" " * max(0, size - len(body))
    comments = b""
    for at in range(0, len(filling), 60_000):
        part = filling[at : at + 60_000]
        comments += b"\xff\xfe" + (len(part) + 2).to_bytes(2, "big") + part
    return body[:2] + comments + body[2:]


@dataclass
class Status:
    """A post of a site; ``text`` is what it says now."""

    id: int
    text: str
    at: datetime
    pictures: tuple[str, ...] = ()
    edits: list[tuple[str, datetime]] = field(default_factory=list)
    is_deleted: bool = False


class Site:
    """One server with one account; may be changed while it serves."""

    def __init__(self, number: int, address: str, seed: int) -> None:
        self.name, self.address = f"site{number:03}", address
        self.statuses: dict[int, Status] = {}
        self.fault: str | None = None
        self.requests: Counter[str] = Counter()
        self.faulted = 0
        self.first_request: float | None = None
        self.listed_at: float | None = None
        self._chance = random.Random(f"{seed} {number}")
        self._last = 0
        self.base = ""
        self.picture_bytes = 20_000

    @property
    def config(self) -> dict[str, Any]:
        """Its stanza in a configuration."""
        return {"id": self.name, "kind": "mastodon", "url": f"{self.base}/@{self.name}"}

    def publish(self, pictures: int = 1) -> Status:
        """One more post, dated now."""
        now = datetime.now(UTC)
        self._last = max(self._last + 1, int(now.timestamp() * 1000))
        number = self._last
        text = f"{_WORDS['fr']} ({self.name} {number}).\n\n{_WORDS['en']} ({self.name} {number})."
        names = tuple(f"{number}-{position}" for position in range(pictures))
        self.statuses[number] = Status(number, text, now, names)
        return self.statuses[number]

    def edit(self, status: Status) -> None:
        """Another text, marked as an edit."""
        status.edits.append((status.text, datetime.now(UTC)))
        status.text = re.sub(r" \[v\d+\]$", "", status.text) + f" [v{len(status.edits)}]"

    def sha256(self, name: str) -> str:
        """Of a picture."""
        return hashlib.sha256(picture(f"{self.name}/{name}", self.picture_bytes)).hexdigest()

    def answer(self, target: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of what is said to a request."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        kind = "other"
        try:
            if parts.path.endswith("/lookup"):
                kind = "lookup"
                return 200, {}, json.dumps(self._account()).encode()
            if parts.path.endswith("/statuses"):
                kind = "listing"
                self.listed_at = time.monotonic()
                return self._listing(query)
            if found := re.fullmatch(r"/api/v1/statuses/(\d+)/history", parts.path):
                kind = "history"
                return self._history(int(found[1]))
            if found := re.fullmatch(r"/media/([\d-]+)\.jpg", parts.path):
                kind = "picture"
                body = picture(f"{self.name}/{found[1]}", self.picture_bytes)
                return 200, {"Content-Type": "image/jpeg", "ETag": f'"{found[1]}"'}, body
            return 404, {}, b"{}"
        finally:
            self.requests[kind] += 1
            if self.first_request is None:
                self.first_request = time.monotonic()

    def _account(self) -> dict[str, Any]:
        url = f"{self.base}/@{self.name}"
        return {"id": "1", "acct": self.name, "username": self.name, "display_name": self.name, "url": url, "note": ""}

    def _listing(self, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        there = sorted((status for status in list(self.statuses.values()) if not status.is_deleted), key=lambda s: s.id)
        low, high = int(query.get("min_id", 0)), int(query.get("max_id", 10**18))
        between = [status for status in there if low < status.id < high]
        page = between[:_PAGE] if "min_id" in query else between[-_PAGE:]
        page = page[::-1]
        links = []
        if page:
            rest = "limit=40&exclude_reblogs=true&exclude_replies=true"
            at = f"{self.base}/api/v1/accounts/1/statuses?{rest}"
            links = [f'<{at}&max_id={page[-1].id}>; rel="next"', f'<{at}&min_id={page[0].id}>; rel="prev"']
        headers = {"Link": ", ".join(links)} if links else {}
        return 200, headers, json.dumps([self._told(status) for status in page]).encode()

    def _told(self, status: Status) -> dict[str, Any]:
        return {
            "id": str(status.id),
            "created_at": _stamp(status.at),
            "edited_at": _stamp(status.edits[-1][1]) if status.edits else None,
            "visibility": "public",
            "url": f"{self.base}/@{self.name}/{status.id}",
            "uri": f"{self.base}/@{self.name}/{status.id}",
            "content": _markup(status.text),
            "account": self._account(),
            "media_attachments": self._media(status),
            "tags": [],
        }

    def _media(self, status: Status) -> list[dict[str, Any]]:
        return [
            {"id": name, "type": "image", "url": f"{self.base}/media/{name}.jpg", "description": "a river"}
            for name in status.pictures
        ]

    def _history(self, number: int) -> tuple[int, dict[str, str], bytes]:
        status = self.statuses.get(number)
        if status is None or status.is_deleted:
            return 404, {}, b'{"error": "Record not found"}'
        texts = [text for text, _ in status.edits] + [status.text]
        times = [status.at] + [at for _, at in status.edits]
        told = [
            {"created_at": _stamp(at), "content": _markup(text), "media_attachments": self._media(status)}
            for text, at in zip(texts, times, strict=True)
        ]
        return 200, {}, json.dumps(told).encode()

    def strikes(self) -> str | None:
        """The fault that hits this request, if any."""
        if self.fault is None or self._chance.random() > 0.6:
            return None
        self.faulted += 1
        return self.fault


def _markup(text: str) -> str:
    return "".join(f"<p>{line}</p>" for line in text.split("\n\n"))


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


class Sites:
    """All of them, served by one thread.

    Args:
        count: how many.
        latency: seconds before each answer.
        seed: of their faults.
    """

    def __init__(self, count: int, *, latency: float = 0.0, seed: int = 1) -> None:
        self.latency = latency
        self.all = [Site(number, f"127.{7 + number // 200}.{number % 200 + 1}.1", seed) for number in range(count)]
        self._by_address = {site.address: site for site in self.all}

    @property
    def hosts(self) -> list[str]:
        """For ``http.allow_hosts``."""
        return [site.base.removeprefix("http://") for site in self.all]

    @contextmanager
    def up(self) -> Iterator[None]:
        """While they run."""
        loop, ready = asyncio.new_event_loop(), threading.Event()

        async def serve() -> None:
            server = await asyncio.start_server(self._talk, [site.address for site in self.all], 0, backlog=256)
            for each in server.sockets:
                address, port = each.getsockname()[:2]
                self._by_address[address].base = f"http://{address}:{port}"
            ready.set()
            async with server:
                await stopped.wait()
            talks = asyncio.all_tasks() - {asyncio.current_task()}
            for talk in talks:
                talk.cancel()
            await asyncio.gather(*talks, return_exceptions=True)

        stopped = asyncio.Event()
        thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
        thread.start()
        assert ready.wait(30)
        try:
            yield
        finally:
            loop.call_soon_threadsafe(stopped.set)
            thread.join(10)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        site = self._by_address[writer.get_extra_info("sockname")[0]]
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                target = request.split(b" ", 2)[1].decode("latin-1")
                if self.latency:
                    await asyncio.sleep(self.latency)
                if not await self._say(site, target, writer):
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # the loop's own end cancels what hangs, and Python 3.11 would print each
        finally:
            writer.close()

    async def _say(self, site: Site, target: str, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection stays."""
        status, headers, body = site.answer(target)
        match site.strikes():
            case "error":
                status, headers, body = 500, {}, b"oh"
            case "limit":
                status, headers, body = 429, {"Retry-After": "2"}, b"slowly"
            case "hang":
                await asyncio.sleep(600)
                return False
            case "drop":
                writer.write(_head(status, headers, body) + body[: len(body) // 2])
                await writer.drain()
                writer.transport.abort()
                return False
            case "drip":
                writer.write(_head(status, headers, body))
                for at in range(min(len(body), 600)):
                    writer.write(body[at : at + 1])
                    await writer.drain()
                    await asyncio.sleep(1)
                return False
        writer.write(_head(status, headers, body) + body)
        await writer.drain()
        return True


def _head(status: int, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in ({"Content-Type": "application/json"} | headers).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
