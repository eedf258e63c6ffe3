"""The archive alone, without a network: how fast it is written, read anew and checked.

    python benchmarks/archive.py record    # posts a second: added, unchanged; and what keeping the answers takes of it
    python benchmarks/archive.py anew      # reparse and resplit, nothing changed and all changed, and their memory
    python benchmarks/archive.py verify    # beside sha256sum on the same files, interleaved: the ratio is what counts

Captions are those of tests/scraper/text/heldout.jsonl, written by ourselves. What a run says depends on the machine
and on who else works on it: compare ratios of one run, not numbers of two.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

from jobs.maintenance import reparse, resplit  # noqa: E402 - the checkout is put in front first
from jobs.reread import Reread  # noqa: E402
from jobs.visit import Means, Unplugged, Visit, plan  # noqa: E402
from scraper import registry  # noqa: E402
from scraper.capture import Access, Capture, Request  # noqa: E402
from scraper.crawl import parsed  # noqa: E402
from scraper.model import Asset, MediaResult, MediaState  # noqa: E402
from scraper.reading import read  # noqa: E402
from scraper.settings import HttpSettings  # noqa: E402
from storage.archive import Archive  # noqa: E402
from storage.filters import Filters  # noqa: E402
from storage.runs import Run, RunStatus  # noqa: E402
from storage.settings import ArchiveSettings  # noqa: E402
from storage.verify import verify  # noqa: E402

NOW = datetime(2020, 1, 1, tzinfo=UTC)
BASE = "https://social.example/@atelier"
PAGE = 40
CAPTIONS = HERE.parents[1] / "tests" / "scraper" / "text" / "heldout.jsonl"


def source() -> Any:
    """A Mastodon account."""
    kind = registry.kind("mastodon")
    return kind("bench", kind.options_type(url=BASE))


def answers(posts: int) -> Iterator[Capture]:
    """Pages of an account's timeline, newest first."""
    bodies = [json.loads(line)["raw"] for line in CAPTIONS.read_text(encoding="utf-8").splitlines()]
    for first in range(0, posts, PAGE):
        items = [_status(number, bodies[number % len(bodies)]) for number in range(first, min(first + PAGE, posts))]
        url = f"https://social.example/api/v1/accounts/1/statuses?max_id={first}"
        yield Capture(
            request=Request(url=url, access=Access.API),
            url=url,
            status=200,
            headers={"content-type": "application/json"},
            body=json.dumps(items).encode(),
            fetched_at=NOW,
        )


def _status(number: int, text: str) -> dict[str, Any]:
    at = (NOW - timedelta(minutes=number)).isoformat().replace("+00:00", "Z")
    account = {"id": "1", "acct": "atelier", "username": "atelier", "display_name": "Atelier", "url": BASE}
    picture = {"id": str(number), "type": "image", "url": f"https://social.example/m/{number}.jpg", "description": text}
    return {
        "id": str(10**12 - number), "created_at": at, "url": f"{BASE}/{number}", "uri": f"{BASE}/{number}",
        "content": f"<p>{text} {number}</p>", "account": account, "media_attachments": [picture], "tags": [],
        "visibility": "public", "sensitive": False, "spoiler_text": "", "language": "fr", "reblog": None,
        "in_reply_to_id": None, "edited_at": None,
    }  # fmt: skip


@dataclasses.dataclass
class Spent:
    """Seconds that went into one kind of work."""

    wall: float = 0.0
    cpu: float = 0.0

    @contextmanager
    def on(self) -> Iterator[None]:
        """What is done in the block is of this kind."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu


class Filled:
    """An archive of so many posts, and how long each part of filling it took: wall and processor time."""

    def __init__(self, folder: Path, posts: int) -> None:
        self.posts, self.source = posts, source()
        self.archive = Archive.open(ArchiveSettings(folder=folder))
        self.pages = list(answers(posts))
        self.seconds = self.visit()

    def visit(self) -> dict[str, Spent]:
        """One harvest's work but for the network; seconds by part."""
        seconds = {part: Spent() for part in ("parse", "read", "keep", "record")}
        run = self.archive.journal.begin("bench", "mastodon", BASE, now=NOW)
        for page in self.pages:
            self._page(run, page, seconds)
        self.archive.journal.close(run, RunStatus.COMPLETED, now=NOW)
        return seconds

    def _page(self, run: Run, page: Capture, seconds: dict[str, Spent]) -> None:
        with seconds["parse"].on():
            posts, failure = parsed(self.source, page, None)
        assert failure is None
        assert len(posts) == PAGE
        with seconds["read"].on():
            entries = [(post, read(post, (), None)) for post in posts]
        with seconds["keep"].on():
            number = self.archive.captures.keep(run, page)
        with seconds["record"].on():
            self.archive.record(run.id, number, entries, plan=plan, now=NOW)


def record(options: argparse.Namespace, folder: Path) -> None:
    """Posts written a second, and posts found unchanged a second."""
    visits = []
    for number in range(options.rounds):
        filled = Filled(folder / str(number), options.posts)
        visits.append((filled.seconds, filled.visit()))
        filled.archive.close()
    print(f"{options.posts} posts, {options.rounds} rounds, medians")
    print("| of | added/s | unchanged/s | keeping the answers (WARC) |\n" + "|---" * 4 + "|")
    for of in ("wall", "cpu"):
        added, same = (
            statistics.median(options.posts / getattr(parts[at]["record"], of) for parts in visits) for at in (0, 1)
        )
        shares = [getattr(new["keep"], of) / sum(getattr(part, of) for part in new.values()) for new, _ in visits]
        print(f"| {of} | {added:.0f} | {same:.0f} | {statistics.median(shares):.1%} of all but the network |")


def anew(options: argparse.Namespace, folder: Path) -> None:
    """Posts read anew a second, of wall time and of processor time."""
    filled = Filled(folder / "anew", options.posts)
    means = Means(web=Unplugged(), http=HttpSettings(), missions=(), now=lambda: datetime.now(UTC))
    visit = Visit(source=filled.source)
    everything = Filters(source=("bench",))
    work: dict[str, Callable[[], Reread]] = {
        "reparse, nothing changed": lambda: reparse(visit, filled.archive, means),
        "resplit, nothing changed": lambda: resplit(everything, None, filled.archive, means),
        "resplit, all changed": lambda: resplit(everything, "alpha", filled.archive, means),
        "reparse, all changed": lambda: reparse(dataclasses.replace(visit, mission="proxima"), filled.archive, means),
        "reparse --dry-run, all": lambda: reparse(
            dataclasses.replace(visit, mission="alpha"), filled.archive, means, dry=True
        ),
    }
    print(f"{options.posts} posts\n| work | posts/s | posts/s of CPU | changed | peak MB so far |\n" + "|---" * 5 + "|")
    for name, act in work.items():
        wall, cpu = time.perf_counter(), time.process_time()
        report = act().report
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"| {name} | {options.posts / wall:.0f} | {options.posts / cpu:.0f} | {report.posts_updated} | {peak:.0f} |"
        )
    filled.archive.close()


def check(options: argparse.Namespace, folder: Path) -> None:
    """Verify beside sha256sum over the same files, one after the other, again and again."""
    filled = Filled(folder / "verify", options.posts)
    archive = filled.archive
    run = archive.journal.begin("bench", "mastodon", BASE, now=NOW)
    block = os.urandom(options.bytes)
    while wanted := archive.wanted("bench", NOW, limit=400):
        results = []
        for item in wanted:
            data = item.attachment_id.to_bytes(8) + block
            sha256 = hashlib.sha256(data).hexdigest()
            blob = archive.blobs.incoming()
            blob.write(data)
            blob.commit(sha256, "jpg")
            asset = Asset(sha256=sha256, media_type="image/jpeg", extension="jpg", size=len(data), width=1, height=1)
            results.append((item.attachment_id, MediaResult(state=MediaState.STORED, asset=asset)))
        archive.record_media(run.id, results, NOW)
    archive.journal.close(run, RunStatus.COMPLETED, now=NOW)
    files = [path for path in archive.folder.rglob("*") if path.is_file() and path.suffix in (".jpg", ".gz")]
    size = sum(path.stat().st_size for path in files)
    names = b"\0".join(os.fsencode(path) for path in files)
    ratios, ours, theirs = [], [], []
    for number in range(options.rounds + 1):
        began = time.perf_counter()
        subprocess.run(["xargs", "-0", "sha256sum"], input=names, stdout=subprocess.DEVNULL, check=True)
        between = time.perf_counter()
        report = verify(archive.database, archive.folder)
        ended = time.perf_counter()
        assert report.is_sound
        assert report.files == options.posts
        if number:  # the first one fills the cache of the disk
            theirs.append(between - began)
            ours.append(ended - between)
            ratios.append((between - began) / (ended - between))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(files)} files, {size / 1e6:.0f} MB, {options.rounds} rounds, medians")
    print(f"sha256sum {statistics.median(theirs):.2f} s, verify {statistics.median(ours):.2f} s; peak {peak:.0f} MB")
    print(f"verify is {statistics.median(ratios):.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f})")
    archive.close()


def main() -> None:
    """Run one mark."""
    marks = {"record": record, "anew": anew, "verify": check}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mark", choices=marks)
    parser.add_argument("--posts", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bytes", type=int, default=200_000, help="size of a picture")
    parser.add_argument("--folder", type=Path, help="scratch folder")
    options = parser.parse_args()
    options.posts -= options.posts % PAGE
    folder = Path(tempfile.mkdtemp(prefix="cupola-bench-", dir=options.folder))
    try:
        marks[options.mark](options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
