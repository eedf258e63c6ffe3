"""The daemon as a real process over small sites of our own, whose every answer a test may decide."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

#: seconds after which what a test waits for has not come
PATIENCE = 60.0


class Site:
    """A feed on a loopback address of its own. ``answer`` may be replaced; it says status, headers and body."""

    def __init__(self, number: int) -> None:
        self.posts = 3
        self.requests: list[str] = []
        self.hold = threading.Event()
        self.hold.set()
        self.answer: Callable[[], tuple[int, dict[str, str], str]] = self.feed
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/robots.txt":
                    status, headers, body = 404, {}, ""
                else:
                    site.requests.append(self.path)
                    site.hold.wait(PATIENCE)
                    status, headers, body = site.answer()
                with suppress(OSError):
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(body.encode())), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server((f"127.0.0.{number}", 0), Handler)
        host, port = self._server.server_address[:2]
        self.place = f"{host}:{port}"
        self.url = f"http://{self.place}/feed.xml"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def feed(self) -> tuple[int, dict[str, str], str]:
        """The posts there are; synthetic."""
        items = "".join(
            f"<item><guid>p{number}</guid><title>Post {number}</title><description>Bonjour la Terre {number}"
            f"</description><pubDate>Sat, 03 Dec 2016 20:15:{number % 60:02} GMT</pubDate></item>"
            for number in range(self.posts)
        )
        head = '<?xml version="1.0"?><rss version="2.0"><channel><title>t</title><link>http://a.example/</link>'
        return (
            200,
            {"Content-Type": "application/rss+xml"},
            f"{head}<description>d</description>{items}</channel></rss>",
        )

    def close(self) -> None:
        """Serve no more."""
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()


class Keeper:
    """A configuration, its archive, and daemons that run on it; their log is read as it comes."""

    def __init__(self, place: Any) -> None:
        self.place, self.archive = place, place.archive
        self.processes: list[subprocess.Popen[str]] = []
        self.log: list[dict[str, Any]] = []
        self._said = threading.Condition()

    def configure(self, sites: dict[str, tuple[Site, dict[str, Any] | None]], **stanzas: Any) -> None:
        """Write the configuration: sites and their schedules by the id of their source."""
        off = dict.fromkeys(("retry_media", "look_again", "deep_pass", "fixity", "optimise"), False)
        http = {"contact": "test@cupola.test", "rate": "none", "attempts": 1, "timeout": 20, "max_wait": 1}
        config = {
            "http": http | {"allow_hosts": [site.place for site, _ in sites.values()]} | stanzas.pop("http", {}),
            "jobs": off | {"free_space": "1MB"} | stanzas.pop("jobs", {}),
            "sources": [
                {"id": name, "kind": "feed", "url": site.url} | ({"schedule": schedule} if schedule else {})
                for name, (site, schedule) in sites.items()
            ],
        } | stanzas
        self.place.folder.mkdir(parents=True, exist_ok=True)
        self.place.config.write_text(json.dumps(config, indent=1))

    def start(self, **options: Any) -> subprocess.Popen[str]:
        """Begin a daemon; its log is kept in ``log``."""
        process = self.place.start("daemon", **options)
        self.processes.append(process)
        threading.Thread(target=self._read, args=(process,), daemon=True).start()
        return process

    def _read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stderr or ():
            told = json.loads(line) if line.startswith("{") else {"message": line.strip(), "level": "plain"}
            with self._said:
                self.log.append(told)
                self._said.notify_all()

    def says(self, *words: str, times: int = 1) -> dict[str, Any]:
        """Wait for a line with all these words, for the so-manieth of them."""

        def found() -> list[dict[str, Any]]:
            return [told for told in self.log if all(word in told["message"] for word in words)]

        with self._said:
            assert self._said.wait_for(lambda: len(found()) >= times, PATIENCE), (words, self.log)
            return found()[times - 1]

    def until(self, holds: Callable[[], Any]) -> Any:
        """Wait until something holds."""
        end = time.monotonic() + PATIENCE
        while not (found := holds()):
            assert time.monotonic() < end, "\n".join(map(str, self.log[-12:]))
            time.sleep(0.02)
        return found

    def stop(self, process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
        """Ask it to stop, and wait for its end; its status."""
        process.send_signal(number)
        return process.wait(PATIENCE)

    def agenda(self, matter: str) -> dict[str, Any]:
        """A matter as the archive has it."""
        names = [row[1] for row in self.place.ask("PRAGMA table_info(agenda)")]
        rows = self.place.ask("SELECT * FROM agenda WHERE matter = ?", matter)
        return dict(zip(names, rows[0], strict=True)) if rows else {}


@pytest.fixture
def sites() -> Iterator[Callable[..., list[Site]]]:
    """Makes sites, each on a loopback address of its own."""
    made: list[Site] = []

    def make(count: int = 1) -> list[Site]:
        fresh = [Site(2 + len(made) + number) for number in range(count)]
        made.extend(fresh)
        return fresh

    yield make
    for site in made:
        site.close()


@pytest.fixture
def keeper(places: Callable[[], Any]) -> Iterator[Keeper]:
    """An archive to be made, and the daemons on it, none of which outlives the test."""
    keeper = Keeper(places())
    yield keeper
    for process in keeper.processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
