"""How fast a harvest is, how it stands up to faults, and whether its memory stays flat.

    python benchmarks/harvest.py compare [--latency 0.05] [--rounds 5] [--gallery-dl PATH]
    python benchmarks/harvest.py second | faults | memory | split | warc

Every figure is of whole processes against a fake Mastodon server on loopback (``--bench`` is the folder that holds
``fakeserver.py``, ``ceilings.py`` and ``verify.py``); nginx serves the pictures in front of it where it is installed.
Tools are run in turn, round after round, and medians and ratios are told: the machine's own speed drifts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
#: every fault of the bench's own fault run, each on the first try of its URLs
FAULTS = (
    "429,every=10,after=1", "500,every=11", "502,every=12", "truncate,every=13", "html200,every=17,path=^/media",
    "wrongtype,every=19", "reset,every=23", "refuse,every=29", "empty,every=31,path=^/media", "slow,every=37",
    "badgzip,every=41", "stall,every=43,s=20",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One process, from start to end: seconds of wall and CPU, peak memory in MB, exit status."""

    wall: float
    cpu: float
    rss: float
    status: int


def measure(command: list[str], **environment: str) -> Run:
    """Run a command and read what the kernel says of it."""
    began = time.perf_counter()
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, child.returncode)


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Bench:
    """The fake server with its pictures, and nginx in front of it where it can be had."""

    def __init__(
        self, folder: Path, bench: Path, posts: int, *options: str, photo: bool = True, nginx: bool = True
    ) -> None:
        self.folder, self.bench, self.posts = folder, bench, posts
        self.media = folder / f"media-{posts}{'-photo' if photo else ''}"
        # the budget that the server's own headers speak of is not what is measured here
        self.options = [*(["--photo"] if photo else []), "--rate-limit", "1000000/300", *options]
        self.nginx = shutil.which("nginx") if nginx else None

    @contextmanager
    def up(self) -> Iterator[str]:
        """The base address while the servers run."""
        api, front = free_port(), free_port()
        script = [
            sys.executable,
            str(self.bench / "fakeserver.py"),
            "--media-dir",
            str(self.media),
            "--posts",
            str(self.posts),
        ]
        if not (self.media / "truth.jsonl").exists():
            subprocess.run([*script, *self.options, "--dump", "only"], check=True, stdout=subprocess.DEVNULL)
        with ExitStack() as stack:
            server = subprocess.Popen(
                [*script, *self.options, "--http", f"127.0.0.1:{api}"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(server.wait)
            stack.callback(server.terminate)
            port = api
            if self.nginx:
                conf = self.folder / "nginx.conf"
                conf.write_text(
                    _NGINX.format(folder=self.folder, media=self.media, front=front, api=api), encoding="utf-8"
                )
                proxy = subprocess.Popen([self.nginx, "-c", str(conf)], stderr=subprocess.DEVNULL)
                stack.callback(proxy.wait)
                stack.callback(proxy.terminate)
                port = front
            for _ in range(200):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/__ctl/stats", timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"


_NGINX = """worker_processes 1; daemon off; user root; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 512; }}
http {{ types {{ image/jpeg jpg; }} access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_body_temp_path {folder}/t; proxy_temp_path {folder}/t;
  fastcgi_temp_path {folder}/t; uwsgi_temp_path {folder}/t;
  scgi_temp_path {folder}/t;
  server {{ listen 127.0.0.1:{front}; location /media/ {{ alias {media}/; }}
    location / {{ proxy_pass http://127.0.0.1:{api}; proxy_set_header Host $http_host; }} }} }}
"""


def configuration(folder: Path, base: str, connections: int, **http: object) -> Path:
    """A configuration of ours for the fake server."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    settings = {
        "contact": "bench@example.org",
        "rate": "none",
        "connections": connections,
        "allow_hosts": [base[7:]],
        **http,
    }
    path.write_text(
        json.dumps({"http": settings, "sources": [{"id": "bench", "kind": "mastodon", "url": f"{base}/@atelier"}]}),
        encoding="utf-8",
    )
    return path


def ours(folder: Path, base: str, connections: int = 4, **http: object) -> list[str]:
    """Our command for a harvest into ``folder``; ``http`` are settings of the configuration."""
    path = configuration(folder, base, connections, **http)
    return [str(BIN / "cupola"), "scrape", "-q", "--json", "--config", str(path)]


def compare(options: argparse.Namespace, folder: Path) -> None:
    """First and second run beside gallery-dl and the plain archiver, interleaved."""
    posts = options.posts or (2000 if not options.latency else 500)
    extra = ["--latency", str(options.latency)] if options.latency else []
    connections = 16 if options.latency else 4
    out = folder / "out"
    with Bench(folder, options.bench, posts, *extra, nginx=not options.latency).up() as base:
        plain = [
            sys.executable,
            str(options.bench / "ceilings.py"),
            "archive",
            base,
            "atelier",
            str(out / "plain"),
            str(connections),
        ]
        grab = [options.gallery_dl or "gallery-dl", "--config-ignore", "-q", "--write-metadata"]
        grab += ["--download-archive", str(out / "gdl.db"), "-d", str(out / "gdl"), f"mastodon:{base}/@atelier"]
        tools = {
            "ours, first": ours(out / "ours", base, connections),
            "ours, second": ours(out / "ours", base, connections),
        }
        if options.gallery_dl or shutil.which("gallery-dl"):
            tools["gallery-dl + metadata + archive db, first"] = grab
        tools[f"plain archiver x{connections}, first"] = plain
        runs: dict[str, list[Run]] = {name: [] for name in tools}
        for _ in range(options.rounds):
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            configuration(out / "ours", base, connections)
            for name, command in tools.items():
                runs[name].append(measure(command))
        shown = held(out / "ours")
        if shown != {"posts": posts, "stored": posts}:
            sys.exit(f"ours holds {shown}, not {posts} posts and pictures")
    print(
        f"{posts} posts, one 200 kB picture each, latency {options.latency or 0} s, {connections} connections, "
        f"{options.rounds} rounds"
    )
    print(
        "| tool | wall s (median) | min-max | CPU s | peak MB | posts/s | ours is x times as fast |\n"
        + "|---" * 7
        + "|"
    )
    first = runs["ours, first"]
    for name, seen in runs.items():
        wall = statistics.median(run.wall for run in seen)
        ratio = statistics.median(other.wall / mine.wall for other, mine in zip(seen, first, strict=True))
        cpu, rss = statistics.median(run.cpu for run in seen), statistics.median(run.rss for run in seen)
        span = f"{min(run.wall for run in seen):.2f}-{max(run.wall for run in seen):.2f}"
        failed = " FAILED" if any(run.status for run in seen) else ""
        print(f"| {name}{failed} | {wall:.2f} | {span} | {cpu:.2f} | {rss:.0f} | {posts / wall:.0f} | {ratio:.2f} |")


#: the same command, but an answer is only noted in the index: no look for one like it, no record, no file, no sync
WITHOUT_WARC = """
from jobs.cli.main import cupola
from storage.captures import Captures
Captures.keep = Captures.note
cupola()
"""


def warc(options: argparse.Namespace, folder: Path) -> None:
    """What the keeping of answers takes of a harvest: with and without it in turn, each into a new archive."""
    posts = options.posts or 2000
    out = folder / "warc"
    shares: dict[str, list[float]] = {"wall": [], "cpu": []}
    with Bench(folder, options.bench, posts, nginx=True).up() as base:
        for number in range(options.rounds):
            runs: dict[bool, Run] = {}
            for keeps in (True, False) if number % 2 else (False, True):
                shutil.rmtree(out, ignore_errors=True)
                command = ours(out, base)
                runs[keeps] = measure(command if keeps else [sys.executable, "-c", WITHOUT_WARC, *command[1:]])
                if held(out) != {"posts": posts, "stored": posts} or keeps is not (out / "archive" / "warc").exists():
                    sys.exit("not what was to be measured")
            for of, seen in shares.items():
                seen.append(1 - getattr(runs[False], of) / getattr(runs[True], of))
            print(
                f"with {runs[True].wall:.2f} s, CPU {runs[True].cpu:.2f} s; "
                f"without {runs[False].wall:.2f} s, CPU {runs[False].cpu:.2f} s"
            )
    for of, seen in shares.items():
        print(f"{of}: keeping takes {statistics.median(seen):.1%} of the harvest ({min(seen):.1%} to {max(seen):.1%})")


def held(folder: Path) -> dict[str, int]:
    """What an archive of ours holds."""
    with sqlite3.connect(folder / "archive" / "cupola.db") as database:
        count = lambda sql: int(database.execute(sql).fetchone()[0])  # noqa: E731 - two words of SQL
        return {
            "posts": count("SELECT count(*) FROM archive_posts"),
            "stored": count("SELECT count(*) FROM archive_media WHERE state = 'stored'"),
        }


def second(options: argparse.Namespace, folder: Path) -> None:
    """The same run again: what is asked of the server."""
    posts = options.posts or 2000
    with Bench(folder, options.bench, posts, "--etag", nginx=False).up() as base:
        command = ours(folder / "ours", base)
        first = measure(command)
        before = stats(base)
        again = measure(command)
        after = stats(base)
    asked = {route: after["routes"].get(route, 0) - before["routes"].get(route, 0) for route in after["routes"]}
    print(
        json.dumps(
            {"first_s": round(first.wall, 2), "second_s": round(again.wall, 2), "second_asked_for": asked}, indent=1
        )
    )
    if asked.get("media"):
        sys.exit("the second run asked for pictures")


def stats(base: str) -> dict[str, dict[str, int]]:
    """The server's own count of requests by route."""
    with urllib.request.urlopen(f"{base}/__ctl/stats") as answer:
        counts = json.load(answer)
    routes: dict[str, int] = {}
    with urllib.request.urlopen(f"{base}/__ctl/log?n=100000") as answer:
        for entry in json.load(answer):
            path = entry["target"] if isinstance(entry, dict) else entry[2]
            if not path.startswith("/__ctl"):
                kind = "media" if path.startswith("/media") else "pages"
                routes[kind] = routes.get(kind, 0) + 1
    return {"routes": routes, "counts": counts}


def faults(options: argparse.Namespace, folder: Path) -> None:
    """Every fault on the first try of its URLs: how long until everything is held intact."""
    posts = options.posts or 400
    rules = [word for fault in FAULTS for word in ("--fault", fault)]
    for number in range(options.rounds):
        out = folder / f"faults-{number}"
        with Bench(folder, options.bench, posts, *rules, photo=False, nginx=False).up() as base:
            run = measure(ours(out, base, connections=16, timeout=5))
            truth = f"{base}/__ctl/truth"
            check = subprocess.run(
                [sys.executable, str(options.bench / "verify.py"), str(out / "archive" / "media"), truth],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        print(f"{run.wall:.1f} s wall, {run.cpu:.1f} s CPU, exit {run.status}, {held(out)}: {check.stdout.strip()}")


def memory(options: argparse.Namespace, folder: Path) -> None:
    """Peak memory at 2,000 and at 20,000 posts."""
    for posts in (2000, options.posts or 20_000):
        with Bench(folder, options.bench, posts, "--media-bytes", "20000", photo=False, nginx=False).up() as base:
            run = measure(ours(folder / f"memory-{posts}", base))
        print(
            f"{posts} posts: {run.rss:.0f} MB at the peak, {run.wall:.1f} s, exit {run.status}, "
            f"{held(folder / f'memory-{posts}')}"
        )


def split_share(options: argparse.Namespace, folder: Path) -> None:
    """The split alone, on the bodies that the comparison archives: CPU seconds for 2,000 posts."""
    from scraper.model import Post
    from scraper.reading import read

    posts = options.posts or 2000
    with (
        Bench(folder, options.bench, posts, nginx=False).up() as base,
        urllib.request.urlopen(f"{base}/__ctl/truth") as answer,
    ):
        bodies = [item["raw"] for item in json.load(answer)]
    made = [Post(source_id="bench", native_id=str(number), body=body) for number, body in enumerate(bodies)]
    read(made[0], (), None)
    began = time.process_time()
    for post in made:
        read(post, (), None)
    spent = time.process_time() - began
    print(f"{posts} captions read in {spent:.2f} s of CPU: {posts / spent:.0f} a second")


def main() -> None:
    """Run one mark."""
    marks = {
        "compare": compare,
        "second": second,
        "faults": faults,
        "memory": memory,
        "split": split_share,
        "warc": warc,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mark", choices=marks)
    parser.add_argument(
        "--bench", type=Path, default=HERE.parents[1] / "shared" / "bench", help="folder of the fake server"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--posts", type=int)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to every answer")
    parser.add_argument("--gallery-dl", help="path of gallery-dl; else it is looked for")
    parser.add_argument("--folder", type=Path, help="scratch folder (a file system in memory keeps the disk out of it)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cupola-bench-", dir=options.folder))
    try:
        marks[options.mark](options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
