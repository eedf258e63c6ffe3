"""A daemon in a bad neighbourhood: sites that fail in turn, and a hand that kills it; is all that was published held?

    python benchmarks/soak.py [--minutes 60] [--sources 20] [--kill-every 4] [--seed 1]

Twenty servers on loopback publish, edit and delete posts with pictures. By plan each of them answers 500, answers 429
with Retry-After, breaks off, sends a byte a second or nothing at all, for a while. The daemon is killed (kill -9) every
few minutes and started again at once, but for the last quarter, in which its memory is watched. At the end the faults
are switched off, and when the daemon has caught up everything that was published is looked for. A picture that failed
rests for an hour and longer: ``cupola retry`` takes those that still rest then. All chances are drawn from the seed.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from daemon import CUPOLA, memory
from sites import FAULTS, Site, Sites, Status

#: seconds between two looks at everything, and between two turns of the plan of faults
TURN, PLAN = 0.5, 15.0
#: seconds that the daemon has to catch up when all is well again
SETTLE = 900.0


class Soak:
    """One soak: the sites, the daemon, and what was done to both."""

    def __init__(self, folder: Path, arguments: argparse.Namespace) -> None:
        self.folder, self.seconds, self.kill_every = folder, 60.0 * arguments.minutes, 60.0 * arguments.kill_every
        self.sites = Sites(arguments.sources, seed=arguments.seed)
        self.chance = random.Random(arguments.seed)
        self.config = folder / "config.yaml"
        self.done: Counter[str] = Counter()
        self.faults: dict[Site, float] = {}
        self.memory: list[tuple[float, float]] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.began = self.started = 0.0

    def configure(self) -> None:
        """Visits and chores so often that an hour sees hundreds of them."""
        http = {"contact": "soak@cupola.test", "rate": "50/s", "timeout": 3, "attempts": 3, "max_wait": 5}
        jobs = {
            "workers": 8,
            "visit_limit": "1m",
            "free_space": "1MB",
            "retry_media": {"every": "20s"},
            "look_again": {"every": "2m", "days": 1},
            "deep_pass": {"every": "10m"},
            "fixity": {"every": "5m", "at": None, "within": "10m"},
            "backup": {"every": "5m", "keep": 3, "folder": "copies"},
            "optimise": {"every": "10m"},
        }
        sources = [site.config | {"schedule": {"every": "10s", "jitter": "3s"}} for site in self.sites.all]
        told = {"http": http | {"allow_hosts": self.sites.hosts}, "jobs": jobs, "sources": sources}
        self.config.write_text(json.dumps(told, indent=1))

    def start(self) -> None:
        """The daemon, once more."""
        command = [str(CUPOLA), "daemon", "--config", str(self.config), "--log-file", str(self.folder / "cupola.log")]
        with (self.folder / "stderr").open("ab") as said:
            self.process = subprocess.Popen(command, stdout=said, stderr=said)
        self.started = time.monotonic()
        self.done["starts"] += 1

    def kill(self) -> None:
        """End it by SIGKILL, and start it again at once."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.done["kills"] += 1
        self.start()

    def go(self) -> None:
        """The hour."""
        self.began = time.monotonic()
        until, planned, sampled = self.began + self.seconds, 0.0, 0.0
        killed = self.began
        pause = self.kill_every
        self.start()
        while (now := time.monotonic()) < until:
            assert self.process is not None
            if self.process.poll() is not None:
                self.done[f"ended by itself ({self.process.returncode})"] += 1
                self.start()
            self.change()
            if now - planned > PLAN:
                planned = now
                self.plan(now)
            if now - killed > pause and now < self.began + 0.75 * self.seconds:
                killed, pause = now, self.kill_every * self.chance.uniform(0.5, 1.5)
                self.kill()
            if now - sampled > 10 and now - self.started > 20:
                sampled = now
                self.memory.append((now - self.began, memory(self.process.pid)))
            time.sleep(TURN)
        for site in self.sites.all:
            site.fault = None

    def change(self) -> None:
        """A post now and then, an edit, a deletion; only what is held is deleted, so that all could be held."""
        if self.chance.random() < 0.4:
            self.chance.choice(self.sites.all).publish(self.chance.choice((0, 1, 1, 2)))
            self.done["published"] += 1
        if self.chance.random() < 0.05:
            site = self.chance.choice(self.sites.all)
            if there := [status for status in site.statuses.values() if not status.is_deleted]:
                site.edit(self.chance.choice(there))
                self.done["edited"] += 1
        if self.chance.random() < 0.01:
            site = self.chance.choice(self.sites.all)
            held = self.held(site)
            if there := [s for s in site.statuses.values() if not s.is_deleted and held.get(str(s.id)) == s.text]:
                self.chance.choice(there).is_deleted = True
                self.done["deleted"] += 1

    def plan(self, now: float) -> None:
        """Faults that are over end, and others begin: a third of the sites has one at any time."""
        for site in [site for site, end in self.faults.items() if end < now]:
            del self.faults[site]
            site.fault = None
        for site in self.sites.all:
            if site.fault is None and self.chance.random() < 0.1:
                site.fault = self.chance.choice(FAULTS)
                self.faults[site] = now + self.chance.uniform(20, 90)
                self.done[f"fault {site.fault}"] += 1

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the archive; none while there is no archive."""
        try:
            database = sqlite3.connect(f"file:{self.folder}/archive/cupola.db?mode=ro", uri=True)
        except sqlite3.Error:
            return []
        try:
            return database.execute(sql, values).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            database.close()

    def held(self, site: Site) -> dict[str, str]:
        """The posts of a site that are held, by id, with their text."""
        return dict(self.ask("SELECT native_id, text FROM archive_posts WHERE source = ?", site.name))

    def missing(self) -> list[tuple[Site, Status, str]]:
        """What is not as it was published: posts, texts, deletions, pictures."""
        found = []
        for site in self.sites.all:
            held = self.held(site)
            pictures = {
                (key.partition(":")[2], sha256)
                for key, sha256 in self.ask(
                    "SELECT post_key, sha256 FROM archive_media WHERE state = 'stored' AND post_key LIKE ?",
                    f"{site.name}:%",
                )
            }
            for status in list(site.statuses.values()):
                if str(status.id) not in held:
                    found.append((site, status, "post"))
                elif held[str(status.id)] != status.text and not status.is_deleted:
                    found.append((site, status, "text"))
                else:
                    found += [
                        (site, status, "picture")
                        for name in status.pictures
                        if (str(status.id), site.sha256(name)) not in pictures
                    ]
        return found

    def resting(self) -> int:
        """Pictures that failed and will be tried again later."""
        return sum(row[0] for row in self.ask("SELECT count(*) FROM archive_media WHERE state = 'failed'"))

    def settle(self) -> tuple[float, int]:
        """Seconds until nothing is missing but what rests, or all the time that there is; and how much rests."""
        began = time.monotonic()
        while time.monotonic() - began < SETTLE:
            missing = Counter(what for _, _, what in self.missing())
            if missing.total() == missing["picture"] <= self.resting():
                break
            time.sleep(2)
        return time.monotonic() - began, self.resting()

    def retry(self) -> None:
        """Take what rests now, by hand and beside the daemon; a source that is busy is tried again."""
        for _ in range(30):
            if not self.resting():
                return
            subprocess.run([str(CUPOLA), "retry", "-q", "--config", str(self.config)], check=False, capture_output=True)
            time.sleep(1)

    def stop(self) -> tuple[int, float]:
        """SIGTERM: the exit status, and how long it took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60), time.monotonic() - began

    def verified(self) -> tuple[int, dict[str, Any]]:
        """What ``cupola verify`` says."""
        command = [str(CUPOLA), "verify", "--json", "--config", str(self.config)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        return run.returncode, json.loads(run.stdout)


def tell(soak: Soak, caught_up: float, rested: int) -> bool:
    """The table; whether all is as it should be."""
    missing = Counter(what for _, _, what in soak.missing())
    statuses = [status for site in soak.sites.all for status in site.statuses.values()]
    pictures = sum(len(status.pictures) for status in statuses)
    status, seconds = soak.stop()
    verify_status, verified = soak.verified()
    (posts, distinct), *_ = soak.ask("SELECT count(*), count(DISTINCT source || ':' || native_id) FROM archive_posts")
    rows, stored = soak.ask("SELECT count(*), sum(state = 'stored') FROM archive_media")[0]
    gone = soak.ask("SELECT count(*) FROM archive_posts WHERE gone_at IS NOT NULL")[0][0]
    runs = dict(soak.ask("SELECT status, count(*) FROM runs GROUP BY status"))
    failures = soak.ask("SELECT count(*) FROM failures")[0][0]
    open_runs = soak.ask("SELECT count(*) FROM leases")[0][0]
    said = (soak.folder / "stderr").read_text(errors="replace")
    log = "".join(path.read_text() for path in soak.folder.glob("cupola.log*"))
    defects = said.count("Traceback") + log.count("Traceback")
    lasting = [each for each in soak.memory if each[0] > 0.75 * soak.seconds]
    faulted = sum(site.faulted for site in soak.sites.all)
    asked = sum(sum(site.requests.values()) for site in soak.sites.all)
    itself = sum(count for name, count in soak.done.items() if name.startswith("ended"))
    faults = ", ".join(f"{n} {name[6:]}" for name, n in sorted(soak.done.items()) if name.startswith("fault "))
    sizes = ", ".join(f"{each[1]:.0f}" for each in (soak.memory[0], lasting[0], lasting[-1]))
    lines = [
        ("posts published, archived", f"{len(statuses)}, {posts}"),
        ("posts missing, twice", f"{missing['post']}, {posts - distinct}"),
        ("edits published; texts that are not the last", f"{soak.done['edited']}; {missing['text']}"),
        ("posts deleted / noticed as gone", f"{soak.done['deleted']} / {gone}"),
        ("pictures published, stored", f"{pictures}, {stored}"),
        ("pictures missing, twice", f"{missing['picture']}, {rows - pictures}"),
        ("requests, of which struck by a fault", f"{asked}, {faulted}"),
        ("spells of faults", faults),
        ("kill -9, ends by itself", f"{soak.done['kills']}, {itself}"),
        ("runs", ", ".join(f"{count} {name}" for name, count in sorted(runs.items()))),
        ("failures recorded; leases left", f"{failures}; {open_runs}"),
        ("pictures that rested, taken by cupola retry", str(rested)),
        ("caught up after the last fault within", f"{caught_up:.0f} s"),
        ("memory: at the start, before the last quarter, at the end", f"{sizes} MB"),
        ("tracebacks", str(defects)),
        ("SIGTERM: exit status, seconds", f"{status}, {seconds:.1f}"),
        ("verify: exit status, damage", f"{verify_status}, {len(verified['damage'])}"),
    ]
    for name, value in lines:
        print(f"{name:<58} {value}")
    return not missing and posts == distinct and rows == pictures and status == verify_status == defects == 0


def main() -> int:
    """The command line; exit status 0 when nothing is missing and nothing is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--sources", type=int, default=20)
    parser.add_argument("--kill-every", type=float, default=4, help="minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for archive and logs, which stays")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cupola-soak-") as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        soak = Soak(folder, arguments)
        try:
            with soak.sites.up():
                soak.configure()
                soak.go()
                caught_up, rested = soak.settle()
                soak.retry()
                return 0 if tell(soak, caught_up, rested) else 1
        finally:
            if soak.process is not None and soak.process.poll() is None:
                soak.process.kill()
                soak.process.wait()


if __name__ == "__main__":
    sys.exit(main())
