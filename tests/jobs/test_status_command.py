"""``cupola status``: what is wrong first, with what to do; a table that fits; it only reads, whatever there is."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from rich.cells import cell_len

from storage.agenda import Agenda, Because, Ending
from storage.processes import Process
from storage.runs import Journal, RunStatus

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOSTILE = "503 \x1b[31m\u202e[b]rouge[/b] 任务"
CONFIG = """
jobs: {{time_zone: Europe/Paris, free_space: {free}}}
archive: {{folder: archive}}
sources:
  - {{id: blog, kind: feed, url: "https://one.example/feed", schedule: {{every: 6h}}}}
  - {{id: a-source-with-a-name-that-is-rather-long, kind: feed, url: "https://two.example/", schedule: {{every: 1d}}}}
  - {{id: by-hand, kind: feed, url: "https://three.example/feed"}}
"""


@pytest.fixture
def now():
    return datetime.now(UTC)


@pytest.fixture
def configured(tmp_path, held):
    """A configuration beside the archive; gives its path."""
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(free="1kB"))
    return path


@pytest.fixture
def busy(held, now):
    """A daemon that does well: every source visited and planned."""
    agenda, journal = Agenda(held.database), Journal(held.database)
    for number, name in enumerate(("blog", "a-source-with-a-name-that-is-rather-long", "by-hand")):
        run = journal.begin(name, "feed", "https://one.example/", now=now - 3 * HOUR)
        journal.close(run, RunStatus.COMPLETED, counts={"posts_added": 12 + number}, now=now - 2 * HOUR)
        if name != "by-hand":
            agenda.begin(f"visit:{name}", now - 3 * HOUR, after=None)
            later = {"next_at": now + 3 * HOUR, "why": Because.SCHEDULE}
            agenda.end(f"visit:{name}", Ending.COMPLETED, now - 2 * HOUR, **later)
    agenda.end("chore:fixity", Ending.COMPLETED, now - DAY, next_at=now + HOUR, why=Because.SCHEDULE)
    agenda.beat(now, version="1", config="config.yaml")
    return held


def fail(archive, now, source="blog", times=3):
    """Let a source fail again and again."""
    agenda, journal = Agenda(archive.database), Journal(archive.database)
    for number in range(times):
        run = journal.begin(source, "feed", "https://one.example/", now=now - HOUR)
        journal.fail(run, "page", ValueError(HOSTILE), now=now)
        journal.close(run, RunStatus.PARTIAL, counts={"failed": 1}, now=now)
        agenda.begin(f"visit:{source}", now - HOUR + timedelta(seconds=number), after=agenda_start(agenda, source))
        agenda.end(f"visit:{source}", Ending.FAILED, now, next_at=now + DAY, why=Because.FAILING)


def agenda_start(agenda, source):
    return agenda.matter(f"visit:{source}").last_started_at


def test_all_is_well(cupola, configured, busy):
    """Exit status 0, and the sources with what is new."""
    answer = cupola("status", "--config", configured)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines()[0] == "✓ All is well."
    assert "times      in Europe/Paris" in answer.out
    line = next(line for line in answer.out.splitlines() if line.startswith("blog"))
    assert "3 h ago" in line
    assert "in 2 h" in line
    assert line.split()[-3:] == ["12", "·", "·"]


def test_what_is_wrong_stands_first_with_what_to_do(cupola, configured, busy, now):
    """Exit status 1; the reason in the source's own words, which no terminal obeys."""
    fail(busy, now)
    answer = cupola("status", "--config", configured, columns=120)
    assert answer.status == 1
    first, second, third = answer.out.splitlines()[:3]
    assert first == "✗ 1 thing to see to:"
    assert second == "  blog has failed 3 times in a row: 503 ␛[31m[b]rouge[/b] 任务"
    assert third == "    → see why: cupola scrape blog"
    assert "\x1b" not in answer.out
    assert "1 ×3" in answer.out


def test_without_a_daemon_the_status_works_and_says_so(cupola, configured, busy, now):
    """One that was killed is none, however fresh its last word."""
    with busy.database.write() as connection:
        connection.exec_driver_sql("UPDATE daemons SET process_start = '1'")
    answer = cupola("status", "--config", configured)
    assert answer.status == 1
    assert "no daemon is running, although 2 sources are scheduled" in answer.out
    assert "daemon     none is running" in answer.out


def test_low_disk_is_unhealthy(cupola, configured, busy):
    """By the configured limit."""
    configured.write_text(CONFIG.format(free="900000TB"))
    answer = cupola("status", "--config", configured)
    assert answer.status == 1
    assert "no pictures are taken, text goes on" in " ".join(answer.out.split())


@pytest.mark.parametrize("columns", [60, 80, 100, 200])
def test_it_fits_its_terminal(cupola, configured, busy, now, columns):
    """No line is wider, whatever is wrong and however long a name is."""
    fail(busy, now, "a-source-with-a-name-that-is-rather-long", 12)
    Agenda(busy.database).pause("visit:blog", "410 Gone " * 30, now - 3 * DAY)
    answer = cupola("status", "--config", configured, columns=columns)
    assert max(map(cell_len, answer.out.splitlines())) <= columns
    assert answer.status == 1
    assert "paused" in answer.out


def test_json_is_what_the_endpoint_tells(cupola, configured, busy, now):
    """One object with all of it, in UTC; the same exit status."""
    fail(busy, now)
    answer = cupola("status", "--json", "--config", configured)
    told = json.loads(answer.out)
    assert (answer.status, told["healthy"]) == (1, False)
    assert told["problems"][0]["about"] == "blog"
    assert told["problems"][0]["said"] == HOSTILE
    blog = told["sources"][0]
    assert blog["id"] == "blog"
    assert (blog["new_posts"], blog["failures"], blog["failures_in_a_row"]) == (12, 1, 3)
    assert told["daemons"][0]["pid"] == os.getpid()
    assert told["archive"]["disk_free"] > 0
    assert told["chores"][0]["name"] == "fixity"
    by_hand = told["sources"][2]
    assert (by_hand["scheduled"], by_hand["last_outcome"]) == (False, "completed")


def test_without_a_configuration_the_archive_tells_what_it_knows(cupola, busy):
    """With --archive: what is planned there is scheduled; no limit is judged."""
    answer = cupola("status", "--json", "--archive", busy.folder)
    told = json.loads(answer.out)
    assert answer.status == 0
    assert {source["id"]: source["scheduled"] for source in told["sources"]} == {
        "blog": True, "a-source-with-a-name-that-is-rather-long": True, "by-hand": False,
    }  # fmt: skip


def test_it_reads_while_another_process_has_the_archive_locked(cupola, configured, busy):
    """A writer in the middle of its work keeps no reader out."""
    with closing(sqlite3.connect(busy.folder / "cupola.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE sources SET url = 'x'")
        assert cupola("status", "--config", configured).status == 0


def test_it_reads_an_archive_that_cannot_be_written_to(configured, busy):
    """Not a byte of the folder changes, not even a journal's."""
    busy.database.close()
    before = {path.name: path.stat().st_mtime_ns for path in busy.folder.iterdir()}
    for path in (*busy.folder.iterdir(), busy.folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = subprocess.run(
        [sys.executable, "-m", "jobs", "status", "--config", configured], capture_output=True, text=True, check=False
    )
    busy.folder.chmod(0o755)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "✓ All is well."), done.stderr
    assert {path.name: path.stat().st_mtime_ns for path in busy.folder.iterdir() if path.suffix == ".db"} == {
        name: at for name, at in before.items() if name.endswith(".db")
    }


def test_what_cannot_be_read_is_3_and_wrong_use_is_2(cupola, configured, tmp_path):
    """As with every command."""
    assert cupola("status", "--archive", tmp_path / "nowhere").status == 3
    assert cupola("status", "--config", tmp_path / "none.yaml").status == 2
    configured.write_text("jobs: {wrokers: 3}")
    answer = cupola("status", "--config", configured)
    assert answer.status == 2
    assert "did you mean workers?" in answer.err


def test_a_dead_process_on_another_machine_is_believed_for_three_minutes(cupola, configured, busy, now):
    """Nobody here can know better."""
    agenda = Agenda(busy.database)
    agenda.leave()
    far = Process(host="far", boot="b", pid=1, start="2")
    agenda.beat(now - timedelta(minutes=2), version="1", config="c", process=far)
    assert cupola("status", "--config", configured).status == 0
    agenda.beat(now - timedelta(minutes=4), version="1", config="c", process=far)
    assert cupola("status", "--config", configured).status == 1


def test_a_trial_notice_says_who_took_it(cupola, configured, monkeypatch):
    """Each address by its number, without a part of it; exit status 1 if one did not."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.server.sent.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(500 if b"no" in self.path.encode() else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *told):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.sent = []
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        place = f"json://me:sesame@127.0.0.1:{server.server_port}"
        monkeypatch.setenv("CUPOLA_NOTIFY", f"{place}/yes")
        configured.write_text(CONFIG.format(free="1kB") + "notify: {urls_env: CUPOLA_NOTIFY}\n")
        good = cupola("status", "--notify-test", "--config", configured)
        monkeypatch.setenv("CUPOLA_NOTIFY", f"{place}/yes {place}/no")
        half = cupola("status", "--notify-test", "--config", configured)
        server.shutdown()
        thread.join()
    assert (good.status, good.out) == (0, "✓ address 1 in CUPOLA_NOTIFY (JSON) has taken the trial notice\n")
    assert half.status == 1
    assert half.out.splitlines()[1] == "✗ a notice could not be sent to address 2 in CUPOLA_NOTIFY (JSON)"
    assert len(server.sent) == 3
    assert "sesame" not in good.out + good.err + half.out + half.err


def test_a_trial_without_addresses_says_which_key_is_missing(cupola, configured):
    """Exit status 2."""
    answer = cupola("status", "--notify-test", "--config", configured)
    assert answer.status == 2
    assert "notify.urls_env" in answer.err


def test_what_is_on_nobody_s_plan_is_no_chore(cupola, configured, busy, now):
    """Switched off after it had failed, or of a source that is gone: it would be told for ever."""
    agenda = Agenda(busy.database)
    agenda.end("chore:backup", Ending.FAILED, now - DAY, next_at=None, why=None)
    agenda.end("chore:look_again:gone", Ending.COMPLETED, now - 99 * DAY, next_at=None, why=None)
    answer = cupola("status", "--config", configured, "--json")
    assert answer.status == 0
    assert [chore["name"] for chore in json.loads(answer.out)["chores"]] == ["fixity"]


def test_a_visit_whose_daemon_died_is_not_said_to_go_on(cupola, configured, busy, now):
    """It is open on the agenda until the next daemon puts that in order."""
    agenda = Agenda(busy.database)
    agenda.begin("visit:blog", now, after=agenda_start(agenda, "blog"))
    assert json.loads(cupola("status", "--config", configured, "--json").out)["sources"][0]["visiting"] is True
    with busy.database.write() as connection:
        connection.exec_driver_sql("UPDATE daemons SET process_start = '1'")
    assert json.loads(cupola("status", "--config", configured, "--json").out)["sources"][0]["visiting"] is False
