"""Exports: posts a second and peak memory, beside the bare reading of the same rows by the database's own driver.

    python benchmarks/export.py make FOLDER 200000                   # an archive of synthetic posts, 1.2 pictures each
    python benchmarks/export.py make FOLDER 200000 --no-pictures
    python benchmarks/export.py make FOLDER 200000 --database postgresql+psycopg://user@host/name
    python benchmarks/export.py run FOLDER [--database …] [--formats csv,parquet,jsonl] [--processes 1,2]

Each export runs in a process of its own; its memory is the peak of it and of the largest process that helped it. The
ceiling reads the same columns of posts, pictures and slices with sqlite3 or psycopg and writes them as lines of CSV:
no rights to judge, nothing to cite, no types. What a run says depends on the machine and on who else works on it:
compare ratios of one run, not numbers of two. ``benchmarks/million.py`` makes a larger archive, which ``run`` takes.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

from scraper.model import (  # noqa: E402 - the checkout is put in front first
    DateOrigin,
    Lang,
    MediaKind,
    Post,
    Precision,
    Published,
    Reading,
    Segment,
    Split,
)
from storage import schema  # noqa: E402
from storage.dialects import insert_all  # noqa: E402
from storage.engine import Database, open_database  # noqa: E402
from storage.export.exporting import export  # noqa: E402
from storage.export.formats import Wishes, format_of  # noqa: E402
from storage.export.publishable import Clearance  # noqa: E402
from storage.filters import Filters  # noqa: E402
from storage.rows import hashtag_rows, post_row, segment_rows  # noqa: E402
from storage.runs import Journal, RunStatus  # noqa: E402
from storage.schema import rows_of  # noqa: E402
from storage.settings import ArchiveSettings  # noqa: E402

NOW = datetime(2020, 1, 1, tzinfo=UTC)
FR = "La Terre vue de la Station cette nuit avec les lumières des villes et la montée des eaux au loin".split()  # noqa: SIM905 - as it is read
EN = "The Earth seen from the Station tonight with the lights of the cities and rising water far away".split()  # noqa: SIM905 - as it is read
#: posts written in one transaction
PAGE = 5000
_POSTS = "SELECT p.*, c.* FROM posts p LEFT JOIN curation c ON c.post_id = p.id ORDER BY p.source_id, p.native_id"
_MEDIA = (
    "SELECT a.*, s.sha256, s.extension, s.media_type, s.size, s.width, s.height FROM attachments a"
    " LEFT JOIN assets s ON s.sha256 = a.sha256 WHERE a.removed_at IS NULL ORDER BY a.post_id, a.position"
)
_SLICES = "SELECT post_id, lang, start, stop FROM segments WHERE part = 'body' ORDER BY post_id, position"


def make(database: Database, number: int, *, pictures: bool) -> None:
    """Fill an archive; the same posts each time."""
    chance, journal = random.Random(1), Journal(database)
    run = journal.begin("bench", "mastodon", "https://social.example/@bench", now=NOW)
    for start in range(0, number, PAGE):
        rows: dict[Any, list[dict[str, Any]]] = {
            record: []
            for record in (
                schema.CaptureRecord,
                schema.PostRecord,
                schema.SegmentRecord,
                schema.HashtagRecord,
                schema.AssetRecord,
                schema.AttachmentRecord,
            )
        }
        for at in range(start, min(start + PAGE, number)):
            _add(rows, run.id, at, number, chance, pictures=pictures)
        with database.write() as connection:
            for record, some in rows.items():
                insert_all(connection, rows_of(record), some)
        print(f"\r{min(start + PAGE, number):,} posts", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    journal.close(run, RunStatus.COMPLETED, counts={}, now=NOW)
    database.optimise()


def _add(
    rows: dict[Any, list[dict[str, Any]]], run: int, at: int, number: int, chance: random.Random, *, pictures: bool
) -> None:
    post_id, capture = at + 1, at // 20 + 1
    if at % 20 == 0:
        rows[schema.CaptureRecord].append(_capture(capture, run, at))
    pieces = [(Lang.FR, " ".join(chance.choices(FR, k=18))), (Lang.NONE, "\n\n")]
    pieces += [(Lang.EN, " ".join(chance.choices(EN, k=18))), (Lang.NONE, " #Proxima #Terre")]
    segments, end = [], 0
    for lang, text in pieces:
        segments.append(Segment(lang=lang, text=text, start=end, end=end + len(text)))
        end += len(text)
    split = Split(segments=tuple(segments), confidence=0.9, needs_review=at % 10 == 0)
    when = Published(at=NOW - timedelta(minutes=7 * (number - at)), precision=Precision.SECOND, origin=DateOrigin.API)
    licence = ("CC BY-SA 3.0 IGO", "https://creativecommons.org/licenses/by-sa/3.0/igo/") if at % 3 else (None, None)
    post = Post(
        source_id="bench",
        native_id=str(109_000_000_000_000_000 + at * 137),
        url=f"https://social.example/@bench/{at}",
        author="Thomas Pesquet",
        body=split.body,
        published=when,
        credit="ESA/NASA",
        license=licence[0],
        license_url=licence[1],
    )
    reading = Reading(split=split, published=when, mission="proxima", hashtags=("Proxima", "Terre"))
    seen = {"content_hash": "1:abc", "first_seen_at": NOW, "changed_at": NOW, "run_id": run, "capture_id": capture}
    gone = {"gone_at": NOW if at % 1000 == 999 else None, "back_at": None}
    rows[schema.PostRecord].append({**post_row(post, reading), **seen, **gone, "id": post_id})
    rows[schema.SegmentRecord] += segment_rows(post_id, reading)
    rows[schema.HashtagRecord] += hashtag_rows(post_id, reading)
    for position in range((1 if at % 5 else 2) if pictures else 0):
        _add_picture(rows, post_id, position, held=at % 7 != 0)


def _capture(number: int, run: int, at: int) -> dict[str, Any]:
    url = f"https://social.example/api/v1/statuses?max_id={at}"
    found = {"sha256": hashlib.sha256(url.encode()).hexdigest(), "size": 1000, "status": 200, "fetched_at": NOW}
    place = {"file": "warc/bench.warc.gz", "offset": number * 1000, "length": 1000}
    asked = {"requested_url": url, "url": url, "access": "api", "carry": None, "headers": ()}
    return {"id": number, "run_id": run, "source_id": "bench", **asked, **found, **place}


def _add_picture(rows: dict[Any, list[dict[str, Any]]], post_id: int, position: int, *, held: bool) -> None:
    url = f"https://files.social.example/{post_id}/{position}/original.jpg"
    sha256 = hashlib.sha256(url.encode()).hexdigest()
    size = {"media_type": "image/jpeg", "width": 1600, "height": 1200}
    if held:
        asset = {"sha256": sha256, "extension": "jpg", "size": 100_000, "exif": (), "first_seen_at": NOW}
        rows[schema.AssetRecord].append(asset | size)
    nothing = dict.fromkeys(("native_id", "size", "credit", "reason", "next_attempt_at", "capture_id", "removed_at"))
    rows[schema.AttachmentRecord].append(
        {"post_id": post_id, "key": url, "occurrence": 0, "position": position, "url": url, "kind": MediaKind.IMAGE}
        | {"alternatives": (), "alt": "La Terre, de nuit", "attempts": 1, "first_seen_at": NOW, "corrected_alt": None}
        | {"state": "stored" if held else "pending", "sha256": sha256 if held else None}
        | {"fetched_url": url if held else None}
        | nothing
        | size
    )


def one(place: ArchiveSettings, name: str, processes: int) -> dict[str, Any]:
    """One export, in this process."""
    plain, _, how = name.partition(":")
    database = open_database(place, read_only=True)
    with tempfile.TemporaryDirectory() as folder:
        dest, began, used = Path(folder) / "out", time.perf_counter(), time.process_time()
        report = export(
            database,
            place.folder,
            format_of(plain),
            dest,
            Filters(),
            clearance=Clearance(),
            cupola="benchmark",
            wishes=Wishes(records_only=how == "records"),
            archive=place,
            processes=processes,
        )
        seconds = time.perf_counter() - began
        size = dest.stat().st_size
    helped = resource.getrusage(resource.RUSAGE_CHILDREN)
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, helped.ru_maxrss)
    processor = time.process_time() - used + helped.ru_utime + helped.ru_stime
    return {"posts": report.posts, "seconds": seconds, "processor": processor, "bytes": size, "memory": memory}


def ceiling(place: ArchiveSettings) -> dict[str, Any]:
    """The same rows, by the driver alone, as lines of CSV."""
    database, posts = open_database(place, read_only=True), 0
    with database.read() as connection, tempfile.TemporaryFile("w", newline="", encoding="utf-8") as file:
        began, used, writer = time.perf_counter(), time.process_time(), csv.writer(file)
        for statement in (_POSTS, _MEDIA, _SLICES):
            with connection.exec_driver_sql(statement, execution_options={"yield_per": 2000}) as rows:
                while some := rows.cursor.fetchmany(2000):
                    writer.writerows(some)
                    posts += len(some) if statement is _POSTS else 0
        seconds, size = time.perf_counter() - began, file.tell()
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0)
    return {
        "posts": posts,
        "seconds": seconds,
        "processor": time.process_time() - used,
        "bytes": size,
        "memory": memory,
    }


def run(arguments: argparse.Namespace) -> None:
    """Every format with every number of processes, each in a process of its own; a line for each."""
    print("| export | processes | posts/s | µs of processor a post | MB peak (helper) | bytes a post |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    jobs = [("ceiling", 1)]
    jobs += [
        (name, number) for name in arguments.formats.split(",") for number in map(int, arguments.processes.split(","))
    ]
    for name, number in jobs:
        command = [sys.executable, str(HERE), "one", arguments.folder, "--formats", name, "--processes", str(number)]
        if arguments.database:
            command += ["--database", arguments.database]
        told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        own, helper = (kilobytes // 1024 for kilobytes in told["memory"])
        posts = told["posts"]
        each = round(told["processor"] / posts * 1e6), f"{own} ({helper})", round(told["bytes"] / posts)
        print(f"| {name} | {number} | {posts / told['seconds']:,.0f} | {each[0]} | {each[1]} | {each[2]} |", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "run", "one"))
    parser.add_argument("folder")
    parser.add_argument("number", type=int, nargs="?", default=200_000)
    parser.add_argument("--database")
    parser.add_argument("--no-pictures", action="store_true")
    parser.add_argument("--formats", default="csv,parquet,jsonl:records,jsonl")
    parser.add_argument("--processes", default="1,2")
    arguments = parser.parse_args()
    place = ArchiveSettings(folder=Path(arguments.folder), database=arguments.database)
    if arguments.what == "make":
        make(open_database(place), arguments.number, pictures=not arguments.no_pictures)
    elif arguments.what == "run":
        run(arguments)
    elif arguments.formats == "ceiling":
        print(json.dumps(ceiling(place)))
    else:
        print(json.dumps(one(place, arguments.formats, int(arguments.processes))))


if __name__ == "__main__":
    import gc

    gc.set_threshold(20_000)  # as the command line has it
    main()
