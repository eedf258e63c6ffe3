"""Pictures in a process of their own: the same answers as from threads, and no picture lost when the process is."""

from __future__ import annotations

import http.server
import io
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from jobs.crew import Crew, Orders, _portable
from jobs.errors import CrewLost
from scraper.capture import Access
from scraper.model import Attachment, MediaState
from scraper.settings import HttpSettings
from storage.blobs import Blobs
from storage.errors import BlobMismatch, DiskFull, StorageError


class _Pictures(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Pictures)
        if self.path.startswith("/slow"):
            server.asked.set()
            server.go.wait(10)
        if self.path.startswith("/busy"):
            server.asked.set()
            self.send_response(503)
            self.send_header("Retry-After", "100")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        buffer = io.BytesIO()
        Image.new("RGB", (16, 16), (len(self.path), 90, 160)).save(buffer, "JPEG", comment=self.path.encode())
        found = not self.path.startswith("/gone")
        body = buffer.getvalue() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Quiet."""


class Pictures(http.server.ThreadingHTTPServer):
    """A path is a small JPEG of its own, `/gone…` is not there, `/slow…` waits, `/busy…` asks for a pause."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        super().__init__(("127.0.0.1", 0), _Pictures)

    def attachment(self, path: str) -> Attachment:
        return Attachment(url=f"http://127.0.0.1:{self.server_address[1]}{path}")


@pytest.fixture
def pictures() -> Iterator[Pictures]:
    """A real server on loopback."""
    with Pictures() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.go.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def crew(pictures: Pictures, tmp_path: Path) -> Iterator[Crew]:
    """A crew of two, for a folder of this test."""
    host = f"127.0.0.1:{pictures.server_address[1]}"
    settings = HttpSettings(contact="a@cupola.test", rate="none", connections=2, attempts=2, allow_hosts=(host,))
    with Crew(Orders(settings=settings, folder=tmp_path, access=Access.API, version="test")) as made:
        yield made


def test_every_picture_is_taken_and_told_under_its_number(crew, pictures, tmp_path):
    """Twelve pictures and one that is gone: thirteen results, twelve files."""
    for number in range(12):
        crew.submit(number, pictures.attachment(f"/{number}.jpg"))
    crew.submit(12, pictures.attachment("/gone.jpg"))
    results = dict(crew.finished(at_least=13))
    assert crew.open == 0
    assert results[12].state is MediaState.GONE
    assert {results[number].state for number in range(12)} == {MediaState.STORED}
    assert sum(1 for _ in Blobs(tmp_path).walk()) == 12


def test_no_process_is_started_for_nothing(crew):
    """A run without pictures starts nothing, and can be stopped."""
    assert crew.finished(at_least=1) == []
    assert crew.stop() == []
    assert crew._process is None


def test_stopping_finishes_what_has_begun_and_leaves_the_rest_pending(crew, pictures):
    """After an interrupt what was in hand is told as stored, what was not begun as pending."""
    for number in range(8):
        crew.submit(number, pictures.attachment(f"/slow{number}.jpg"))
    pictures.asked.wait(10)
    threading.Timer(0.05, pictures.go.set).start()
    states = [result.state for _, result in crew.stop()]
    assert len(states) == 8
    assert set(states) <= {MediaState.STORED, MediaState.PENDING}
    assert MediaState.STORED in states


def test_a_process_that_was_killed_is_noticed(crew, pictures):
    """A crew that dies is an error that says so, not a run that waits for ever."""
    crew.submit(1, pictures.attachment("/slow.jpg"))
    pictures.asked.wait(10)
    assert crew._process is not None
    os.kill(crew._process.pid, signal.SIGKILL)
    with pytest.raises(CrewLost, match="still wanted"):
        crew.finished(at_least=1)
    assert crew.stop() == []


def test_ctrl_c_of_the_terminal_does_not_end_the_process(crew, pictures):
    """The signal reaches every process of the terminal; when to stop is the harvest's to say."""
    crew.submit(1, pictures.attachment("/slow.jpg"))
    pictures.asked.wait(10)
    assert crew._process is not None
    os.kill(crew._process.pid, signal.SIGINT)
    pictures.go.set()
    assert [result.state for _, result in crew.finished(at_least=1)] == [MediaState.STORED]


def test_ctrl_c_while_the_process_begins_does_not_end_it(crew, pictures):
    """The terminal's signal may come before the process has said that it does not listen."""
    crew.submit(1, pictures.attachment("/1.jpg"))
    assert crew._process is not None
    os.kill(crew._process.pid, signal.SIGINT)
    os.kill(crew._process.pid, signal.SIGTERM)
    assert [result.state for _, result in crew.finished(at_least=1)] == [MediaState.STORED]


def test_a_stop_is_heard_while_results_are_waited_for(crew, pictures):
    """Whoever waits for a picture that does not come is let go at once, and the picture comes when it is stopped."""
    crew.submit(1, pictures.attachment("/slow.jpg"))
    pictures.asked.wait(10)
    threading.Timer(0.05, crew.interrupted.set).start()
    assert crew.finished(at_least=1) == []
    pictures.go.set()
    assert [result.state for _, result in crew.stop()] == [MediaState.STORED]


def test_a_wait_of_the_process_ends_with_the_stop(crew, pictures):
    """A host that asks for a long pause does not hold up an interrupt: the picture stays pending."""
    crew.submit(1, pictures.attachment("/busy.jpg"))
    pictures.asked.wait(10)
    crew.interrupted.set()
    assert [result.state for _, result in crew.stop()] == [MediaState.PENDING]


def test_what_came_before_the_process_was_lost_is_not_lost(crew, pictures):
    """A result that has arrived is given before it is told that no more will come."""
    crew.submit(1, pictures.attachment("/1.jpg"))
    while not crew._line.poll(0.05):
        pass
    crew.submit(2, pictures.attachment("/slow.jpg"))
    pictures.asked.wait(10)
    os.kill(crew._process.pid, signal.SIGKILL)
    assert [number for number, _ in crew.finished(at_least=2)] == [1]
    with pytest.raises(CrewLost):
        crew.finished(at_least=1)


def test_what_cannot_be_written_reaches_the_one_who_can_act(crew, pictures, tmp_path):
    """An error of the disk is raised in the harvest, whichever process met it."""
    (tmp_path / "media").write_text("in the way")
    crew.submit(1, pictures.attachment("/1.jpg"))
    with pytest.raises((StorageError, OSError)):
        crew.finished(at_least=1)


def test_an_error_that_cannot_travel_keeps_its_words():
    """An error whose constructor wants more than its message comes as an error of the archive that says the same."""
    assert isinstance(_portable(DiskFull("no space is left")), DiskFull)
    told = _portable(BlobMismatch("not the bytes of its name", sha256="ab"))
    assert type(told) is StorageError
    assert "not the bytes of its name" in str(told)
