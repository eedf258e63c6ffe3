"""The daemon through what machines do, over minutes (``make proof``): killed, hung, locked out, full, out of time."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.proof

SECOND = {"every": "1s"}
HOUR = {"every": "1h"}
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


@dataclass(frozen=True)
class Moment:
    """When to kill: after so many requests, and so many seconds."""

    requests: int
    lag: float

    def __str__(self) -> str:
        return f"request-{self.requests}-{self.lag * 1000:.0f}ms"


def _moments(count: int) -> list[Moment]:
    chance = random.Random(20161117)
    return [Moment(chance.randint(1, 24), chance.uniform(0, 0.06)) for _ in range(count)]


def _scheduled(keeper: Any, sources: Any) -> None:
    """A configuration of the demo's sites, each due at once and then in an hour."""
    keeper.place.configure(sources, rate="1000/s")
    config = json.loads(keeper.place.config.read_text())
    config["jobs"] = {"free_space": "1MB", "fixity": False, "optimise": False}
    for stanza in config["sources"]:
        stanza["schedule"] = HOUR
    keeper.place.config.write_text(json.dumps(config))


@pytest.fixture(scope="module")
def undisturbed(watched: Callable[..., Any], places: Callable[[], Any]) -> list[str]:
    """What an archive holds that nothing happened to."""
    place = places()
    with watched() as site:
        place.configure(site.sources, rate="1000/s")
        assert place.run("scrape", "-q").status == 0
        return json.dumps(place.contents(), indent=1).replace(site.base_url, "http://SITE").splitlines()


@pytest.mark.parametrize("moment", _moments(50), ids=str)
def test_killed_in_a_busy_harvest_it_loses_and_doubles_nothing(
    keeper: Any, watched: Callable[..., Any], undisturbed: list[str], moment: Moment
) -> None:
    """Kill -9 at fifty moments: what is left is sound, the next daemon completes it, everything is there once."""
    with watched() as site:
        _scheduled(keeper, site.sources)
        now = threading.Event()
        site.watch = lambda _kind, _number: now.set() if site.total >= moment.requests else None
        process = keeper.start()
        assert now.wait(60)
        time.sleep(moment.lag)
        assert keeper.stop(process, signal.SIGKILL) == -signal.SIGKILL
        left = type(keeper.place)(keeper.place.folder / "left")
        shutil.copytree(keeper.archive, left.archive, ignore=shutil.ignore_patterns(".incoming"))
        left.assert_sound(as_command=False, orphans=True)
        keeper.log.clear()
        process = keeper.start()
        keeper.says("visited by schedule")  # from then on it hears signals
        keeper.until(lambda: _is_complete(keeper, len(site.sources)))
        assert keeper.stop(process) == 0
        found = json.dumps(keeper.place.contents(), indent=1).replace(site.base_url, "http://SITE")
    assert found.splitlines() == undisturbed
    keeper.place.assert_sound(as_command=False)
    assert keeper.place.ask("SELECT * FROM leases") == []
    assert {status for (status,) in keeper.place.ask("SELECT status FROM runs")} <= {"completed", "abandoned"}


def _is_complete(keeper: Any, count: int) -> bool:
    if not (keeper.archive / "cupola.db").exists():
        return False
    done = "SELECT count(*) FROM agenda WHERE matter LIKE 'visit:%' AND last_outcome = 'completed'"
    try:
        return bool(keeper.place.ask(done) == [(count,)])
    except sqlite3.OperationalError:
        return False


def test_it_leaves_within_ten_seconds_however_sites_hang(keeper: Any, sites: Callable[..., Any]) -> None:
    """A site that says nothing, one that drips, one that asks for patience, one in order: SIGTERM, and it is gone."""
    silent, dripping, patient, fine = sites(4)
    silent.hold.clear()
    dripping.answer = lambda: (200, {"Content-Length": "100000", "Content-Type": "application/rss+xml"}, "<rss>")
    patient.answer = lambda: (503, {"Retry-After": "300"}, "")
    http = {"attempts": 9, "timeout": 300, "max_wait": 300}
    keeper.configure(
        {"silent": (silent, HOUR), "drip": (dripping, HOUR), "patient": (patient, HOUR), "fine": (fine, SECOND)},
        http=http,
    )
    process = keeper.start()
    keeper.says("visit:fine completed", times=2)
    keeper.until(lambda: silent.requests and dripping.requests and patient.requests)
    began = time.monotonic()
    assert keeper.stop(process) == 0
    assert time.monotonic() - began < 10
    assert keeper.place.ask("SELECT count(*) FROM leases") == [(0,)]
    assert set(keeper.place.ask("SELECT status FROM runs")) == {("completed",), ("interrupted",)}


def test_a_database_that_is_locked_for_a_minute_is_waited_for(keeper: Any, sites: Callable[..., Any]) -> None:
    """Another program holds it open for writing: that is said once, and after it all goes on and nothing is lost."""
    (site,) = sites()
    keeper.configure({"one": (site, SECOND)})
    process = keeper.start()
    keeper.says("visit:one completed", times=2)
    other = sqlite3.connect(keeper.archive / "cupola.db", isolation_level=None, timeout=30)
    other.execute("BEGIN EXCLUSIVE")
    site.posts = 9
    time.sleep(60)
    assert process.poll() is None
    other.execute("ROLLBACK")
    other.close()
    keeper.says("the archive can be used again")
    keeper.until(lambda: keeper.place.ask("SELECT count(*) FROM archive_posts") == [(9,)])
    assert [told["level"] for told in keeper.log if "the archive cannot be used" in told["message"]] == ["error"]
    assert not any("error of ours" in told["message"] for told in keeper.log)
    assert keeper.stop(process) == 0
    keeper.place.assert_sound(as_command=False)


def test_a_server_that_is_started_anew_is_found_again(keeper: Any, sites: Callable[..., Any], server: Any) -> None:
    """PostgreSQL restarted twice in the middle of visits: the daemon says so, goes on, and has every post."""
    name = server.fresh()
    one, two = sites(2)
    try:
        keeper.configure({"one": (one, SECOND), "two": (two, SECOND)}, archive={"database": server.address(name)})
        process = keeper.start()
        for number in (1, 2):
            keeper.says("visit:one completed", times=2 * number)
            one.hold.clear()
            asked = len(one.requests)
            keeper.until(lambda asked=asked: len(one.requests) > asked)
            one.posts = two.posts = 10 * number
            server.restart()
            one.hold.set()
        keeper.until(lambda: server.run("SELECT count(*) FROM archive_posts", name) == [(40,)])
        assert process.poll() is None
        assert not any("error of ours" in told["message"] for told in keeper.log)
        assert keeper.stop(process) == 0
        assert server.run("SELECT count(*) FROM leases", name) == [(0,)]
    finally:
        for process in keeper.processes:
            process.kill()
        server.drop(name)


def test_two_daemons_share_what_is_on_a_server(
    keeper: Any, sites: Callable[..., Any], server: Any, places: Callable[[], Any]
) -> None:
    """Each source is visited once in its hour by one of the two; when one is killed in a visit the other takes over."""
    name = server.fresh()
    many = sites(8)
    slow = many[0]
    try:
        sources = {f"s{number}": (site, HOUR) for number, site in enumerate(many)}
        keeper.configure(sources, archive={"database": server.address(name)}, jobs={"workers": 2})
        slow.hold.clear()
        first, second = keeper.start(), keeper.start()
        done = "SELECT count(*) FROM agenda WHERE matter LIKE 'visit:%' AND last_outcome = 'completed'"
        keeper.until(lambda: server.run(done, name) == [(7,)])
        assert [len(site.requests) for site in many] == [1] * 8
        pid = server.run("SELECT pid FROM leases", name)[0][0]
        assert pid in (first.pid, second.pid)
        os.kill(pid, signal.SIGKILL)
        slow.hold.set()
        keeper.until(
            lambda: server.run(done, name) == [(8,)],
        )
        assert len(slow.requests) == 2
        assert keeper.stop(second if pid == first.pid else first) == 0
        assert server.run("SELECT count(*) FROM archive_posts", name) == [(24,)]
    finally:
        for process in keeper.processes:
            process.kill()
        server.drop(name)


@contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here: that takes root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def test_a_full_disk_stops_nothing_for_good(keeper: Any, sites: Callable[..., Any]) -> None:
    """Full in the middle: that is said, the daemon stays; freed, it goes on by itself, sound, with every post."""
    (site,) = sites()
    with _small_disk(keeper.archive, "12m"):
        keeper.configure({"one": (site, SECOND)})
        process = keeper.start()
        keeper.says("visit:one completed", times=2)
        ballast = keeper.archive / "ballast"
        with ballast.open("wb") as file:
            try:
                while True:
                    file.write(bytes(65536))
                    file.flush()
            except OSError:
                pass
        site.posts = 400
        keeper.says("space", times=1)
        time.sleep(5)
        assert process.poll() is None
        ballast.unlink()
        keeper.until(lambda: keeper.place.ask("SELECT count(*) FROM archive_posts") == [(400,)])
        assert not any("error of ours" in told["message"] for told in keeper.log)
        assert keeper.stop(process) == 0
        keeper.place.assert_sound(as_command=False)


def test_a_clock_that_jumps_neither_doubles_nor_starves_a_source(keeper: Any, sites: Callable[..., Any]) -> None:
    """Three hours forward: what is hourly comes once; a day back: what is due each second is not put off for a day."""
    if FAKETIME is None:
        pytest.skip("libfaketime is not here: apt-get install faketime")
    hourly, quick = sites(2)
    offset = keeper.place.folder / "offset"
    keeper.configure({"hourly": (hourly, HOUR), "quick": (quick, SECOND)})
    offset.write_text("+0s\n")
    keeper.place.environment |= {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    process = keeper.start()
    keeper.says("visit:hourly completed")
    offset.write_text("+3h\n")
    keeper.says("the clock has jumped by")
    keeper.says("visit:hourly completed", times=2)
    before = len(quick.requests)
    keeper.until(lambda: len(quick.requests) > before + 2)
    assert len(hourly.requests) == 2
    offset.write_text("-1d\n")
    keeper.says("the clock has jumped by", times=2)
    before = len(quick.requests)
    keeper.until(lambda: len(quick.requests) > before + 2)
    assert len(hourly.requests) == 2
    (next_at,) = keeper.place.ask("SELECT next_at FROM agenda WHERE matter = 'visit:hourly'")[0]
    (beat_at,) = keeper.place.ask("SELECT beat_at FROM daemons")[0]
    assert next_at < keeper.place.ask("SELECT datetime(?, '+2 hours')", beat_at)[0][0]
    assert keeper.stop(process) == 0


@pytest.mark.parametrize(
    "broken", ["nothing", "no YAML", "an unknown key", "another archive", "no token", "nothing to do"]
)
def test_a_broken_file_leaves_all_as_it_was(keeper: Any, sites: Callable[..., Any], broken: str) -> None:
    """SIGHUP over each of them: it is said, visits go on by the old one, and a mended file is taken over."""
    one, two = sites(2)
    keeper.configure({"one": (one, SECOND)})
    path = keeper.place.config
    sound = path.read_text()
    config = json.loads(sound)
    source = config["sources"][0]
    process = keeper.start()
    keeper.says("visit:one completed")
    match broken:
        case "nothing":
            path.unlink()
        case "no YAML":
            path.write_text("sources: [{id: ]\n")
        case "an unknown key":
            path.write_text(json.dumps(config | {"jbos": {}}))
        case "another archive":
            path.write_text(json.dumps(config | {"archive": {"folder": "elsewhere"}}))
        case "no token":
            path.write_text(json.dumps(config | {"sources": [source | {"token_env": "NOT_SET_ANYWHERE"}]}))
        case "nothing to do":
            path.write_text(json.dumps(config | {"sources": [{k: v for k, v in source.items() if k != "schedule"}]}))
    process.send_signal(signal.SIGHUP)
    keeper.says("the configuration is not taken over, and stays as it was")
    asked = len(one.requests)
    keeper.until(lambda: len(one.requests) > asked + 1)
    assert not (keeper.place.folder / "elsewhere").exists()
    path.write_text(sound.replace(one.place, two.place))
    process.send_signal(signal.SIGHUP)
    keeper.says("the configuration was read again")
    keeper.until(lambda: two.requests)
    assert keeper.stop(process) == 0


def test_what_crashes_a_parser_each_time_harms_nobody_else(keeper: Any, sites: Callable[..., Any]) -> None:
    """Lists within lists without end, bytes of no kind: that source fails less and less often, the other goes on."""
    deep, noise, fine = sites(3)
    deep.answer = lambda: (
        200,
        {"Content-Type": "application/feed+json"},
        '{"version": "https://jsonfeed.org/version/1.1", "items": ' + "[" * 200_000,
    )
    noise.answer = lambda: (200, {"Content-Type": "application/rss+xml"}, "<rss>" + "<a>" * 100_000)
    keeper.configure({"deep": (deep, SECOND), "noise": (noise, SECOND), "fine": (fine, SECOND)})
    process = keeper.start()
    keeper.says("visit:deep failed", times=3)
    keeper.says("visit:noise failed", times=3)
    keeper.says("visit:fine completed", times=5)
    assert "failing" in keeper.says("visit:deep failed", times=3)["message"]
    assert process.poll() is None
    assert keeper.stop(process) == 0
    keeper.place.assert_sound(as_command=False)
