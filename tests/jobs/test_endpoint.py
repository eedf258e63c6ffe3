"""The HTTP endpoint: what it tells, whom it refuses, what it survives; a real server on loopback."""

import contextlib
import http.client
import json
import socket
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jobs import endpoint as module
from jobs.endpoint import AT_ONCE, Endpoint
from jobs.errors import UsageError
from jobs.health import Expected, Kind, Seen, judge
from jobs.vitals import ArchiveHealth, ChoreHealth, DaemonHealth, SourceHealth
from storage.errors import ArchiveLocked

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOSTILE = '"}\n# HELP evil\x1b[31m\ncupola_evil{a="b"} 1 <script>'
SEEN = Seen(
    at=NOW,
    sources=[
        SourceHealth(
            id="blog", is_scheduled=True, is_planned=True, last_started_at=NOW, failures_in_a_row=7, said=HOSTILE
        ),
        SourceHealth(id="rest", paused_since=NOW, pause_reason=HOSTILE, pictures_pending=5, new_posts=3),
    ],
    chores=[
        ChoreHealth(name="deep_pass", source_id="blog", succeeded_at=NOW),
        ChoreHealth(name="deep_pass", source_id="rest", succeeded_at=NOW - timedelta(1), failures_in_a_row=2),
    ],
    daemons=[DaemonHealth(host="box", pid=1, started_at=NOW, beat_at=NOW, trouble=HOSTILE)],
    archive=ArchiveHealth(disk_free=123, last_backup_at=NOW, oldest_verified_at=NOW),
)


class World:
    """What an endpoint asks: an archive that may be locked, a scheduler that may hang, a clock."""

    def __init__(self) -> None:
        self.seen, self.fault = SEEN, None
        self.beat = self.now = NOW
        self.asked = 0

    def health(self):
        self.asked += 1
        if self.fault:
            raise self.fault
        return judge(self.seen, Expected())


@pytest.fixture(autouse=True)
def lively(monkeypatch):
    """Its end is noticed sooner than a daemon needs it."""
    monkeypatch.setattr(module, "POLL", 0.02)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def serve(world):
    """An endpoint on a free port; gives what asks it."""
    with Endpoint(("127.0.0.1", 0), world.health, lambda: world.beat, now=lambda: world.now) as served:

        def ask(path, method="GET", body=None, **headers):
            with closing(http.client.HTTPConnection(*served.address, timeout=20)) as connection:
                connection.request(method, path, body, {name.replace("_", "-"): it for name, it in headers.items()})
                answer = connection.getresponse()
                return answer.status, answer.read(), dict(answer.getheaders())

        ask.address = served.address
        yield ask


def metrics(body):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_healthz_says_whether_the_scheduler_turns(serve, world):
    """200 while it turned within two minutes, 503 after; a clock set back is no hang, a locked archive no reason."""
    world.fault = ArchiveLocked("locked")
    assert serve("/healthz")[:2] == (200, b"ok\n")
    world.now = NOW + timedelta(minutes=2)
    assert serve("/healthz")[0] == 200
    world.now = NOW + timedelta(minutes=2, seconds=1)
    assert serve("/healthz")[:2] == (503, b"the scheduler has not turned for 121 s\n")
    world.now = NOW - timedelta(days=400)
    assert serve("/healthz")[0] == 200
    assert world.asked == 0


def test_status_is_the_json_of_the_command(serve, world):
    """The same object as `cupola status --json`; 503 with the reason when the archive cannot be read."""
    status, body, headers = serve("/status?x=1")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body) == judge(SEEN, Expected()).as_json()


def test_an_archive_that_cannot_be_read_is_said_so(serve, world):
    """Both pages answer: the one with the reason, the other with a metric."""
    world.fault = ArchiveLocked("the archive is locked")
    status, body, _ = serve("/status")
    assert (status, json.loads(body)) == (503, {"healthy": False, "error": "the archive is locked"})
    status, body, _ = serve("/metrics")
    assert status == 200
    assert metrics(body)["cupola_archive_readable",] == 0
    assert metrics(body)["cupola_healthy",] == 0


def test_metrics_are_read_by_prometheus(serve):
    """Its own parser reads them; ids are labels, and no word from outside is anywhere in them."""
    status, body, headers = serve("/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=")
    assert b"evil" not in body
    assert b"<" not in body
    found = metrics(body)
    assert found["cupola_healthy",] == 0
    assert found["cupola_problems", "failing"] == 1
    assert found["cupola_problems", "disk"] == 0
    assert found["cupola_source_failures_in_a_row", "blog"] == 7
    assert found["cupola_source_paused", "rest"] == 1
    assert found["cupola_source_pictures_pending", "rest"] == 5
    assert found["cupola_source_last_visit_timestamp_seconds", "blog"] == NOW.timestamp()
    assert ("cupola_source_last_visit_timestamp_seconds", "rest") not in found
    assert found["cupola_chore_succeeded_timestamp_seconds", "deep_pass"] == (NOW - timedelta(1)).timestamp()
    assert found["cupola_chore_failures_in_a_row", "deep_pass"] == 2
    assert found["cupola_disk_free_bytes",] == 123
    assert found["cupola_beat_timestamp_seconds",] == NOW.timestamp()
    assert found["process_resident_memory_bytes",] > 0


def test_every_metric_and_every_key_is_explained(serve):
    """docs/monitoring.md names each of them, and each kind of problem."""
    page = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text(encoding="utf-8")
    names = {name for name, *_ in metrics(serve("/metrics")[1]) if name.startswith("cupola_")}
    told = json.loads(serve("/status")[1])
    keys = {*told, *told["archive"]}
    for rows in ("problems", "daemons", "sources", "chores"):
        keys |= set(told[rows][0])
    assert [name for name in (*names, *keys, *Kind) if f"`{name}`" not in page] == []
    assert len(names) > 15


def test_openmetrics_is_given_to_who_asks_for_it(serve):
    """Prometheus asks for it; it ends as that format demands."""
    _, body, headers = serve("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_many_requests_are_one_look_at_the_archive(serve, world):
    """Who asks every moment does not keep the database busy."""
    for path in ("/status", "/metrics", "/status"):
        assert serve(path)[0] == 200
    assert world.asked == 1


def test_only_get_and_head_without_a_body(serve):
    """Nothing is taken: other methods are 405, a body is 400, another path 404; HEAD has the length and no body."""
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        status, _, headers = serve("/status", method)
        assert (status, headers["Allow"]) == (405, "GET, HEAD"), method
    assert serve("/status", body=b"x")[0] == 400
    assert serve("/etc/passwd")[0] == 404
    assert serve("/")[0] == 200
    status, body, headers = serve("/status", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 100
    assert headers["Server"].strip() == "cupola"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:9464", 200), ("127.0.0.1", 200), ("127.9.9.9:1", 200), ("[::1]:9464", 200), ("LOCALHOST", 200),
        ("a.localhost", 200), ("evil.example", 403), ("127.0.0.1.evil.example", 403), ("localhost.evil.example", 403),
        ("10.0.0.1", 403), ("[", 403), ("", 403),
    ],
)  # fmt: skip
def test_a_page_of_another_name_cannot_ask(serve, host, status):
    """A name that leads here by a trick of its name server is refused: only loopback's own names are ours."""
    assert serve("/status", Host=host)[0] == status


def test_where_others_may_ask_any_name_is_ours(world):
    """With `public` the machine has names that we do not know."""
    with Endpoint(("127.0.0.1", 0), world.health, lambda: NOW, public=True) as served:
        assert served.welcomes("box.example:9464")


def test_a_taken_port_is_refused_at_the_start(serve, world):
    """Naming the address and the key; the daemon does not start without what was asked for."""
    host, port = serve.address
    with (
        pytest.raises(UsageError, match=rf"status.listen: 127.0.0.1:{port} cannot be listened on"),
        Endpoint((host, port), world.health, lambda: NOW),
    ):
        pass


def test_its_end_frees_the_port_at_once(world):
    """A restart finds the port free, and nobody is answered after the end."""
    with Endpoint(("127.0.0.1", 0), world.health, lambda: NOW) as served:
        address = served.address
    with pytest.raises(ConnectionRefusedError), socket.create_connection(address, timeout=5):
        pass
    with Endpoint(address, world.health, lambda: NOW) as served:
        assert served.address == address


def test_who_says_nothing_is_cut_off_and_keeps_nobody_out(serve, world, monkeypatch):
    """As many silent connections as are taken at once: the next ones are let in when those are cut off."""
    monkeypatch.setattr(module, "DEADLINE", 0.3)
    silent = [socket.create_connection(serve.address, timeout=20) for _ in range(AT_ONCE)]
    for each in silent:
        # one that was cut off already may say so at any step
        with each, contextlib.suppress(ConnectionError):
            each.sendall(b"GET /healthz HTTP/1.1\r\nHost: local")
            assert each.recv(100) == b""
    # their threads have ended when one of them has made room, which the end of a connection does not wait for
    for _ in range(200):
        with contextlib.suppress(ConnectionError):
            assert serve("/healthz")[0] == 200
            return
        time.sleep(0.05)
    pytest.fail("nobody was let in any more")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\r\n\r\n", b""),
        (b"\x16\x03\x01\x02\x00\x01\x00", b""),
        (b"GET //[ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"GET /healthz HTTP/1.1\r\n\r\n", b"403"),
        (b"GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n", b"505"),
        (b"BREW /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"501"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b""),
        (b"GET /healthz HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
        (b"GET /\xff\x1b[31m HTTP/1.1\r\nHost: \xff\r\n\r\n", b"403"),
    ],
)
def test_what_is_no_request_is_refused_without_a_fault(serve, caplog, sent, status):
    """Whatever comes over the wire: an answer or the end of the connection, no fault in the log, the next is served."""
    with socket.create_connection(serve.address, timeout=20) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        try:
            answer = b"".join(iter(lambda: connection.recv(1000), b""))
        except ConnectionResetError:
            answer = b""  # it has heard enough
    assert status in answer
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    assert serve("/healthz")[0] == 200


def test_a_fault_of_ours_ends_one_answer_only(serve, world, caplog):
    """It is in the log, and the next request is answered."""
    world.fault = RuntimeError("a defect")
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        serve("/status")
    world.fault = None
    assert serve("/status")[0] == 200
    assert "could not be answered" in caplog.text


def test_requests_at_once_are_all_answered(serve, world):
    """Eight threads, one look at the archive."""
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(serve("/status")[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 8
    assert world.asked == 1


def test_two_hundred_sources_are_many_lines_and_quick_to_read(serve, world):
    """Each source has its values."""
    world.seen = replace(SEEN, sources=[SourceHealth(id=f"s{number}") for number in range(200)])
    _, body, _ = serve("/metrics")
    assert sum(name == "cupola_source_paused" for name, *_ in metrics(body)) == 200
