"""What the daemon costs at rest, how much workers bring, and how soon it begins.

    python benchmarks/daemon.py idle [--minutes 3] | workers [--rounds 3] | start [--rounds 5]

Every figure is of a whole ``cupola daemon`` process, on 200 sources at as many loopback addresses.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sites import Site, Sites

CUPOLA = Path(sys.executable).parent / "cupola"
#: chores that would be measured beside what is meant
NO_CHORES: dict[str, Any] = dict.fromkeys(("retry_media", "look_again", "deep_pass", "fixity", "optimise"), False)


def configure(folder: Path, sites: Sites, schedule: dict[str, str], **jobs: Any) -> Path:
    """A configuration of all sites."""
    path = folder / "config.yaml"
    http = {"contact": "bench@cupola.test", "rate": "1000/s", "allow_hosts": sites.hosts}
    sources = [site.config | {"schedule": schedule} for site in sites.all]
    path.write_text(json.dumps({"http": http, "jobs": jobs | {"free_space": "1MB"}, "sources": sources}))
    return path


@contextmanager
def daemon(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Running while the block lasts; its log is beside the configuration."""
    command = [str(CUPOLA), "daemon", "--config", str(config), "--log-file", str(config.with_name("cupola.log"))]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def memory(pid: int) -> float:
    """Resident, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1000


def cpu(pid: int) -> float:
    """Seconds of a core that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait(what: str, condition: Callable[[], bool], seconds: float = 300.0) -> None:
    """Until something holds."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise SystemExit(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.02)


def visited(config: Path) -> int:
    """Sources whose last visit has ended well."""
    try:
        with sqlite3.connect(f"file:{config.parent}/archive/cupola.db?mode=ro", uri=True) as database:
            query = "SELECT count(*) FROM agenda WHERE matter LIKE 'visit:%' AND last_outcome = 'completed'"
            return int(database.execute(query).fetchone()[0])
    except sqlite3.Error:
        return 0


def idle(arguments: argparse.Namespace, folder: Path) -> None:
    """200 sources that were visited and are due tomorrow, with every chore planned."""
    sites = Sites(200)
    for site in sites.all:
        for _ in range(5):
            site.publish()
    with sites.up():
        config = configure(folder, sites, {"every": "1d"}, workers=8)
        subprocess.run([str(CUPOLA), "scrape", "-q", "--config", str(config)], check=True)
        with daemon(config) as process:
            wait("the visits", lambda: visited(config) == len(sites.all))
            time.sleep(20)
            used, began, first = cpu(process.pid), time.monotonic(), memory(process.pid)
            time.sleep(60 * arguments.minutes)
            share = (cpu(process.pid) - used) / (time.monotonic() - began)
            print(f"memory {first:.0f} MB, after {arguments.minutes:g} min {memory(process.pid):.0f} MB", end="; ")
            print(f"{100 * share:.3f} % of a core")


def through(sites: Sites, folder: Path, workers: int) -> float:
    """Seconds from the first request to the last listing of 200 due sources."""
    folder.mkdir()
    for site in sites.all:
        site.first_request = site.listed_at = None
    config = configure(folder, sites, {"every": "1d"}, workers=workers, **NO_CHORES)
    with daemon(config):
        wait("the visits", lambda: visited(config) == len(sites.all))
    return max(_listed(site) for site in sites.all) - min(site.first_request or 0 for site in sites.all)


def _listed(site: Site) -> float:
    assert site.listed_at is not None
    return site.listed_at


def workers(arguments: argparse.Namespace, folder: Path) -> None:
    """One worker against eight, in turn."""
    sites = Sites(200, latency=0.1)
    for site in sites.all:
        for _ in range(3):
            site.publish(pictures=0)
    taken: dict[int, list[float]] = {1: [], 8: []}
    with sites.up():
        for number in range(arguments.rounds):
            for count in taken:
                taken[count].append(through(sites, folder / f"{number}-{count}", count))
    one, eight = (statistics.median(taken[count]) for count in (1, 8))
    print(f"200 sources at 100 ms: one worker {_told(taken[1])}, eight {_told(taken[8])}; ratio {one / eight:.2f}")


def start(arguments: argparse.Namespace, folder: Path) -> None:
    """From the start of the process to the first request, over an archive of a gigabyte."""
    sites = Sites(1)
    site = sites.all[0]
    site.picture_bytes = 200_000
    for _ in range(5000):
        site.publish()
    taken = []
    with sites.up():
        config = configure(folder, sites, {"every": "1s"})
        settings = json.loads(config.read_text())
        settings["http"]["rate"] = "none"
        (folder / "fast.json").write_text(json.dumps(settings))
        subprocess.run([str(CUPOLA), "scrape", "-q", "--config", str(folder / "fast.json")], check=True)
        size = sum(path.stat().st_size for path in (folder / "archive").rglob("*") if path.is_file())
        for _ in range(arguments.rounds):
            site.first_request = None
            began = time.monotonic()
            with daemon(config):
                wait("a request", lambda: site.first_request is not None)
                taken.append((site.first_request or 0) - began)
    print(f"first request after {_told(taken)}, over an archive of {size / 1e9:.2f} GB with 5,000 posts")


def _told(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["idle", "workers", "start"])
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cupola-daemon-") as folder:
        {"idle": idle, "workers": workers, "start": start}[arguments.what](arguments, Path(folder))


if __name__ == "__main__":
    main()
