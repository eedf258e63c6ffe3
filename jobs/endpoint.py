"""A small HTTP endpoint that tells programs on this machine how the daemon does; takes nothing and changes nothing.

``/healthz`` says whether the loop turns, ``/metrics`` is for Prometheus, ``/status`` is what ``cupola status --json``
prints. Only GET and HEAD; no body is read; no address is looked up; a request for another host's name is refused,
because a web page that somebody looks at could have its own name lead to this machine (DNS rebinding).
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import logging
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from jobs.errors import UsageError
from jobs.health import Health
from jobs.logs import printable
from jobs.metrics import Metrics
from storage.errors import StorageError

logger = logging.getLogger(__name__)

#: a scheduler that has not turned for so long hangs
SILENCE = timedelta(minutes=2)
#: seconds for which one look at the archive serves every request, at least; and how many times as long as it took
FRESH, REST = 5.0, 30
#: seconds in which a request is asked and answered, and how many may be under way
DEADLINE, AT_ONCE = 10.0, 16
#: seconds between two looks for who takes too long
POLL = 1.0


@dataclass(frozen=True, slots=True)
class _Answer:
    status: HTTPStatus
    body: bytes
    media_type: str = "text/plain; charset=utf-8"


class Endpoint:
    """Listens from the start of its ``with`` block to the end.

    Args:
        listen: address and port; port 0 takes one that is free.
        health: how the archive does; may raise a ``StorageError``.
        beat: when the scheduler turned last, aware; the older of it and its workers'.
        now: the clock.
        public: whether requests for any host name are answered, because others than this machine may ask.
    """

    def __init__(
        self,
        listen: tuple[str, int],
        health: Callable[[], Health],
        beat: Callable[[], datetime],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        public: bool = False,
    ) -> None:
        self._listen, self._now, self._beat, self.public = listen, now, beat, public
        self._health = _Fresh(health)
        self._metrics = Metrics(self._health, beat)
        self._server: _Server | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens, once it does."""
        host, port = self._server.server_address[:2] if self._server is not None else self._listen
        return str(host), port

    def __enter__(self) -> Endpoint:
        """Listen.

        Raises:
            UsageError: the port is taken, or the address is none of this machine.
        """
        host, port = self._listen
        try:
            self._server = _Server(self, host, port)
        except OSError as error:
            raise UsageError(
                f"status.listen: {host}:{port} cannot be listened on ({error.strerror}); is another daemon running?"
                " Choose another port, or leave the key out"
            ) from error
        serve = threading.Thread(target=self._server.serve_forever, args=(POLL,), name="endpoint", daemon=True)
        serve.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def answer(self, path: str, accept: str) -> _Answer:
        """What is said to a request; every failure is an answer."""
        match path:
            case "/healthz":
                return self._turning()
            case "/metrics":
                return _Answer(HTTPStatus.OK, *self._metrics.written(accept))
            case "/status":
                try:
                    told: dict[str, Any] = self._health().as_json()
                    status = HTTPStatus.OK
                except StorageError as error:
                    told, status = {"healthy": False, "error": str(error)}, HTTPStatus.SERVICE_UNAVAILABLE
                body = json.dumps(told, ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n"
                return _Answer(status, body, "application/json")
            case "/":
                return _Answer(HTTPStatus.OK, b"/healthz\n/metrics\n/status\n")
        return _Answer(HTTPStatus.NOT_FOUND, b"there are /healthz, /metrics and /status\n")

    def _turning(self) -> _Answer:
        """Whether the loop turns; the archive is not asked: one that is locked is no reason to start anew."""
        silence = self._now() - self._beat()
        # a clock that was set back is no hang
        if silence > SILENCE:
            said = f"the scheduler has not turned for {silence.total_seconds():.0f} s\n"
            return _Answer(HTTPStatus.SERVICE_UNAVAILABLE, said.encode())
        return _Answer(HTTPStatus.OK, b"ok\n")

    def welcomes(self, host: str) -> bool:
        """Whether a request that names this host is for us: loopback's own names, unless others may ask too."""
        if self.public:
            return True
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False


class _Fresh:
    """Asks at most every few seconds, one at a time: many requests are one look at the archive.

    A look that takes long, because very many pictures are waited for, is kept longer: what watches must not weigh.
    """

    def __init__(self, health: Callable[[], Health]) -> None:
        self._ask, self._lock = health, threading.Lock()
        self._last: Health | None = None
        self._until = 0.0

    def __call__(self) -> Health:
        with self._lock:
            began = time.monotonic()
            if self._last is None or began >= self._until:
                self._last = None
                self._last = self._ask()
                ended = time.monotonic()
                self._until = ended + max(FRESH, REST * (ended - began))
            return self._last


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 32

    def __init__(self, endpoint: Endpoint, host: str, port: int) -> None:
        self.endpoint = endpoint
        self._open: dict[socket.socket, float] = {}
        self._guard = threading.Lock()
        try:
            is_six = ipaddress.ip_address(host).version == 6
        except ValueError:
            is_six = False
        self.address_family = socket.AF_INET6 if is_six else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking a name server who we are, which the standard library's own does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a request on, unless too many are under way."""
        with self._guard:
            is_full = len(self._open) >= AT_ONCE
            if not is_full:
                self._open[request] = time.monotonic() + DEADLINE
        if is_full:
            super().shutdown_request(request)
        else:
            super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """A request is done."""
        with self._guard:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Cut off who has taken too long, a byte at a time or not at all; asked every second."""
        now = time.monotonic()
        with self._guard:
            late = [request for request, until in self._open.items() if until < now]
        for request in late:
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke off is nobody's fault; anything else is ours, and ends only this answer."""
        error = sys.exception()
        if not isinstance(error, (OSError, EOFError)):
            logger.error("a request could not be answered", exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = DEADLINE
    server_version, sys_version = "cupola", ""

    def do_GET(self) -> None:
        """Answer."""
        if not self.server.endpoint.welcomes(self.headers.get("Host", "")):
            self._give(_Answer(HTTPStatus.FORBIDDEN, b"this is no web site: ask by the address that it listens on\n"))
            return
        if self.headers.get("Transfer-Encoding") or (self.headers.get("Content-Length") or "0").strip() != "0":
            self._give(_Answer(HTTPStatus.BAD_REQUEST, b"no body is taken\n"))
            return
        path = self.path.partition("?")[0]
        self._give(self.server.endpoint.answer(path, self.headers.get("Accept", "")))

    do_HEAD = do_GET  # noqa: N815

    def _not_allowed(self) -> None:
        self._give(_Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"only GET and HEAD\n"))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = _not_allowed  # noqa: N815

    def _give(self, answer: _Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "default-src 'none'")
        if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's own name
        """Into our own log, and only for who looks closely: Prometheus asks every few seconds."""
        logger.debug("endpoint: %s", printable(format % args))
