"""A real server on loopback that misbehaves as told, a clock that nobody waits for, and clients for both."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scraper.client import PoliteClient
from scraper.settings import HttpSettings


@dataclass(frozen=True)
class Reply:
    """A whole answer; its length is declared unless the headers say otherwise."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Exchange(BaseHTTPRequestHandler):
    """One connection; what is asked is kept, what is answered comes from the web's plan."""

    protocol_version = "HTTP/1.1"
    web: Web

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        with self.web.lock:
            self.web.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            plan = self.web.plans.get(path, [Reply(404)])
            answer = plan.pop(0) if len(plan) > 1 else plan[0]
        if isinstance(answer, Reply):
            self.reply(answer)
        else:
            self.close_connection = True
            answer(self)

    def reply(self, answer: Reply) -> None:
        self.send_response(answer.status)
        names = {name.lower() for name in answer.headers}
        if not names & {"content-length", "transfer-encoding"} and answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def raw(self, data: bytes) -> None:
        """Bytes as they are; a client that has hung up is no fault here."""
        try:
            self.wfile.write(data)
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def drip(self, data: bytes, *, every: float) -> None:
        """A byte at a time until the client hangs up or the server ends."""
        for position in range(len(data)):
            try:
                self.wfile.write(data[position : position + 1])
                self.wfile.flush()
            except OSError:
                return
            if self.web.ended.wait(every):
                return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        pass


Answer = Reply | Callable[[Exchange], None]


class Web:
    """What the server answers, by path, and what it was asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.place = f"127.0.0.1:{port}"
        self.plans: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.lock = threading.Lock()
        self.ended = threading.Event()

    def on(self, path: str, *answers: Answer) -> str:
        """Answer ``path`` with these in turn, the last one again and again; gives back its address."""
        self.plans[path] = list(answers)
        return self.url(path)

    def url(self, path: str) -> str:
        return f"http://{self.place}{path}"

    def times(self, path: str) -> int:
        """How often ``path`` was asked for."""
        return sum(asked.partition("?")[0] == path for asked, _ in self.asked)

    def reply(self, status: int = 200, body: bytes = b"", **headers: str) -> Reply:
        return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in the middle is what many tests are about."""


@pytest.fixture
def web() -> Iterator[Web]:
    """A server on 127.0.0.1 that answers as the test says."""
    handler = type("Handler", (Exchange,), {})
    server = Server(("127.0.0.1", 0), handler)
    web = Web(server.server_address[1])
    handler.web = web  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield web
    web.ended.set()
    server.shutdown()
    thread.join()
    server.server_close()


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """A clock that the test's sleeps push on."""
    return Clock()


@pytest.fixture
def polite(web: Web, clock: Clock) -> Iterator[Callable[..., PoliteClient]]:
    """Makes clients that may reach the server, keep no budget and never really wait; settings as keywords."""
    made: list[PoliteClient] = []

    def make(**settings: Any) -> PoliteClient:
        defaults: dict[str, Any] = {
            "rate": "none", "allow_hosts": (web.place,), "timeout": 5.0, "attempts": 3, "contact": "me@mission.test",
        }  # fmt: skip
        client = PoliteClient(
            HttpSettings(**defaults | settings), version="1.2", clock=clock, sleep=clock.sleep, random=lambda: 0.5
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


class Kept:
    """A sink that keeps what it gets, and counts how often it began."""

    def __init__(self) -> None:
        self.body = b""
        self.begun = 0

    def begin(self, url: str, headers: Any) -> None:
        self.body = b""
        self.begun += 1

    def write(self, chunk: bytes) -> None:
        self.body += chunk


@pytest.fixture
def kept() -> Kept:
    """A sink in memory."""
    return Kept()


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Returns when the condition holds; fails after five seconds."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline, "waited five seconds in vain"
            time.sleep(0.005)

    return wait


FAKE_SERVER = Path(__file__).parents[2].parent / "shared" / "bench" / "fakeserver.py"


@pytest.fixture
def fake_server(tmp_path: Path) -> Iterator[str]:
    """The address of the bench's fake server: 300 posts over an API and as feeds, with their pictures."""
    if not FAKE_SERVER.is_file():
        pytest.skip("../shared is not here: the fake server is not part of the repository")
    for _ in range(3):  # the port may be taken between our look at it and the server's
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, str(FAKE_SERVER), "--mixed", "--posts", "300", "--media-bytes", "800"]
        command += ["--http", f"127.0.0.1:{port}", "--media-dir", str(tmp_path), "--max-seconds", "300"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                if any(line.startswith("ready") for line in process.stdout or ()):
                    yield f"http://127.0.0.1:{port}"
                    return
            finally:
                process.terminate()
    pytest.fail("the fake server did not start on three ports")
