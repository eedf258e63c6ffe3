"""The database: how it is opened, what its connections are told, and which errors leave it."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from storage import migrations
from storage.engine import FILE, Database, open_database, upgrade_database
from storage.errors import (
    ArchiveDamaged,
    ArchiveLocked,
    ArchiveMissing,
    ArchiveReadOnly,
    DiskFull,
    RowRefused,
    SchemaOutOfDate,
    StorageError,
)
from storage.schema import RunRecord, SourceRecord
from storage.sqlite_file import translate

ROOT = Path(__file__).parents[2]
ADD_SOURCE = "INSERT INTO sources VALUES ('iss', 'mastodon', NULL, '2016-12-03 00:00:00')"


@pytest.fixture
def database(folder: Path) -> Database:
    """A new archive's database."""
    return open_database(folder)


def pragma(database: Database, name: str) -> object:
    with database.read() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


@pytest.mark.parametrize(
    ("name", "value"), [("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 30_000), ("synchronous", 1)]
)
def test_pragmas_of_a_writer(database: Database, name: str, value: object) -> None:
    """A connection has WAL, foreign keys, a busy time-out of 30 s and synchronous=NORMAL."""
    assert pragma(database, name) == value


@pytest.mark.parametrize("name", ["foreign_keys", "synchronous"])
def test_pragmas_of_every_connection(database: Database, name: str) -> None:
    """Not only the first connection has them: two that are open at once both do."""
    with database.read() as first, database.read() as second:
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for connection in (first, second)]
    assert values == [1, 1]


def test_busy_timeout_is_configurable(folder: Path) -> None:
    """The time that a writer waits is the one that was asked for."""
    assert pragma(open_database(folder, busy_timeout=1.5), "busy_timeout") == 1500


def test_an_orphan_is_refused(database: Database) -> None:
    """A row that points to nothing is refused, and the error is one of this room."""
    with pytest.raises(RowRefused, match="FOREIGN KEY"), database.write() as connection:
        connection.exec_driver_sql("INSERT INTO validators VALUES ('nobody', 'u', NULL, NULL, 7)")


def test_a_new_archive_is_made_with_its_folder(tmp_path: Path) -> None:
    """A writer makes the folder, its parents and the newest schema."""
    folder = tmp_path / "a" / "b"
    database = open_database(folder)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == migrations.HEAD
        assert connection.exec_driver_sql("SELECT count(*) FROM archive_posts").scalar() == 0


def test_an_empty_file_is_a_new_archive(folder: Path) -> None:
    """A file that a killed process left empty is made into an archive by a writer and is none for a reader."""
    folder.mkdir()
    (folder / FILE).touch()
    with pytest.raises(ArchiveMissing):
        open_database(folder, read_only=True)
    assert pragma(open_database(folder), "journal_mode") == "wal"


def test_two_that_make_it_at_once(folder: Path) -> None:
    """Of threads that open a new archive at the same time each finds it whole."""
    found: list[object] = []
    start = threading.Barrier(4)

    def open_it() -> None:
        start.wait()
        with open_database(folder).read() as connection:
            found.append(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [migrations.HEAD] * 4


def test_a_reader_finds_none(folder: Path) -> None:
    """A reader of a folder without an archive is told so, and makes nothing."""
    with pytest.raises(ArchiveMissing, match="cupola scrape"):
        open_database(folder, read_only=True)
    assert not folder.exists()


def test_a_reader_cannot_write(database: Database, folder: Path) -> None:
    """What is opened for reading refuses to write."""
    reader = open_database(folder, read_only=True)
    with pytest.raises(ArchiveReadOnly, match="may not be written"), reader.write() as connection:
        connection.exec_driver_sql(ADD_SOURCE)


def test_a_reader_sees_what_was_committed_only(database: Database, folder: Path) -> None:
    """While a writer is at work a reader is not held up and sees the state before."""
    reader = open_database(folder, read_only=True)
    with database.write() as connection:
        connection.exec_driver_sql(ADD_SOURCE)
        with reader.read() as other:
            assert other.execute(select(SourceRecord.id)).all() == []
    with reader.read() as other:
        assert other.execute(select(SourceRecord.id)).scalars().all() == ["iss"]


@pytest.mark.parametrize(
    ("journal_left", "said"), [(None, "opened"), (b"", "opened"), (b"left behind", "ArchiveReadOnly")]
)
def test_a_reader_on_a_medium_that_cannot_be_written(journal_left: bytes | None, said: str) -> None:
    """A reader works in a folder in which it may write nothing; a journal left there is said to be in the way."""
    folder = Path(tempfile.mkdtemp(prefix="cupola-read-only-"))
    try:
        database = open_database(folder)
        database.close()
        if journal_left is not None:
            (folder / f"{FILE}-wal").write_bytes(journal_left)
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
        assert _opened_by_nobody(folder) == said
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_reader_finds_what_was_before_a_write_that_was_killed(is_ours: bool) -> None:
    """Without WAL (a backup, or an upgrade of one) half a write lies in the file itself: who may, takes it back."""
    folder = Path(tempfile.mkdtemp(prefix="cupola-killed-"))
    try:
        open_database(folder).close()
        script = (
            "import os, sqlite3, sys; base = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
            "base.execute('PRAGMA journal_mode=DELETE'); base.execute('PRAGMA cache_size=1'); base.execute('BEGIN')\n"
            f"base.execute({ADD_SOURCE!r})\n"
            "base.execute('CREATE TABLE t AS WITH RECURSIVE n(x) AS (SELECT 1 UNION SELECT x + 1 FROM n LIMIT 9999)"
            " SELECT x, zeroblob(99) FROM n'); os.kill(os.getpid(), 9)"
        )
        assert subprocess.run([sys.executable, "-c", script, str(folder / FILE)], check=False).returncode == -9
        assert (folder / f"{FILE}-journal").stat().st_size > 0
        if is_ours:
            with open_database(folder, read_only=True).read() as connection:
                assert connection.execute(select(SourceRecord.id)).all() == []
            return
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
        assert _opened_by_nobody(folder) == "ArchiveReadOnly"
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_reader_beside_a_writer_of_somebody_else() -> None:
    """A reader who may write nothing sees what a writer with rights has committed a moment ago."""
    folder = Path(tempfile.mkdtemp(prefix="cupola-read-only-"))
    try:
        database = open_database(folder)
        with database.write() as connection:
            connection.exec_driver_sql(ADD_SOURCE)
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
        assert _opened_by_nobody(folder) == "opened"
        database.close()
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def _opened_by_nobody(folder: Path) -> str:
    """What a process without rights sees when it opens the archive for reading; imports are done before."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = "?"
        try:
            if os.geteuid() == 0:
                # root may write anywhere
                os.setuid(65534)
            with open_database(folder, read_only=True).read() as connection:
                connection.exec_driver_sql("SELECT * FROM archive_posts").all()
            said = "opened"
        except BaseException as error:  # noqa: BLE001 - told to the parent
            said = type(error).__name__
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as told:
        return told.read()


def test_a_writer_waits_and_then_gives_up(database: Database, folder: Path) -> None:
    """A second writer waits for the first, and after the time-out says that the archive is in use."""
    second = open_database(folder, busy_timeout=0.05)
    with (
        database.write(),
        pytest.raises(ArchiveLocked, match="another process"),
        second.write(),
    ):
        pytest.fail("both have the lock")
    with second.write() as connection:
        connection.exec_driver_sql(ADD_SOURCE)


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    """An exception inside a transaction rolls all of it back and goes through as it is."""

    def begin_and_fail() -> None:
        with database.write() as connection:
            connection.exec_driver_sql(ADD_SOURCE)
            raise KeyError("not ours")

    with pytest.raises(KeyError, match="not ours"):
        begin_and_fail()
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sources").scalar() == 0


def test_bytes_that_are_no_database(folder: Path) -> None:
    """A file that is something else is told to be damaged, by reader and writer, and is left as it is."""
    folder.mkdir()
    (folder / FILE).write_bytes(b"this is a text, not a database " * 100)
    for read_only in (True, False):
        with pytest.raises(ArchiveDamaged, match="restore a backup"):
            open_database(folder, read_only=read_only)
    assert (folder / FILE).read_bytes().startswith(b"this is a text")


def test_a_page_of_the_database_overwritten(database: Database, folder: Path) -> None:
    """A database with broken pages is told to be damaged."""
    with database.write() as connection:
        for number in range(200):
            row = {"id": f"s{number}", "kind": "mastodon", "url": "u" * 500}
            connection.exec_driver_sql("INSERT INTO sources VALUES (:id, :kind, :url, '2016-12-03 00:00:00')", row)
    database.close()
    whole = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    with pytest.raises(ArchiveDamaged), open_database(folder, read_only=True).read() as connection:
        connection.exec_driver_sql("SELECT * FROM sources").all()


def test_somebody_elses_database(folder: Path) -> None:
    """A database of another program is not made into an archive."""
    folder.mkdir()
    with sqlite3.connect(folder / FILE) as other:
        other.execute("CREATE TABLE photos (id INTEGER)")
    other.close()
    with pytest.raises(ArchiveDamaged, match="not one of Cupola's"):
        open_database(folder)


@pytest.mark.parametrize(("found", "advice"), [("0000", "cupola db upgrade"), ("9999", "upgrade Cupola")])
@pytest.mark.parametrize("read_only", [False, True])
def test_another_schema_is_refused(database: Database, folder: Path, found: str, advice: str, read_only: bool) -> None:
    """An archive of an older or newer schema is refused with what to do, and nothing in it changes."""
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (found,))
    with pytest.raises(SchemaOutOfDate, match=advice) as caught:
        open_database(folder, read_only=read_only)
    assert (caught.value.found, caught.value.expected) == (found, migrations.HEAD)


def test_upgrade_of_what_is_up_to_date_or_newer_or_missing(database: Database, folder: Path, tmp_path: Path) -> None:
    """Upgrading does nothing to a current archive, refuses a newer one and finds none where there is none."""
    assert upgrade_database(folder) == (migrations.HEAD, migrations.HEAD)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaOutOfDate, match="newer"):
        upgrade_database(folder)
    with pytest.raises(ArchiveMissing):
        upgrade_database(tmp_path / "nowhere")


def test_a_value_of_the_wrong_kind(database: Database) -> None:
    """A value that no column can hold is a refusal without the statement and its parameters in it."""
    with pytest.raises(RowRefused) as caught, database.write() as connection:
        connection.execute(insert(RunRecord).values(source_id="iss", started_at="yesterday"))
    assert "INSERT" not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EROFS, ArchiveReadOnly),
        (errno.EACCES, ArchiveReadOnly),
        (errno.EIO, StorageError),
    ],
)
def test_errors_of_the_disk(number: int, kind: type[StorageError], tmp_path: Path) -> None:
    """An error of the operating system becomes the one that says what to do."""
    error = translate(OSError(number, os.strerror(number)), tmp_path / FILE)
    assert type(error) is kind


def test_a_full_disk(database: Database, folder: Path) -> None:
    """A database that may not grow any more is a full disk, and what was committed before stays."""
    with database.write() as connection:
        connection.exec_driver_sql(ADD_SOURCE)

    def write_on_a_full_disk() -> None:
        with database.write() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            for number in range(100):
                connection.exec_driver_sql(
                    "INSERT INTO sources VALUES (?, 'mastodon', ?, '2016-12-03')", (f"s{number}", "u" * 4000)
                )

    with pytest.raises(DiskFull, match="make room"):
        write_on_a_full_disk()
    with open_database(folder).read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sources").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def test_the_journal_file_that_cannot_grow(folder: Path) -> None:
    """A write that the system cuts short (a limit on file size) is an error of this room, not SQLAlchemy's."""
    script = (
        "import resource, signal, sys; from pathlib import Path; from storage.engine import open_database\n"
        "from storage.errors import StorageError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "database = open_database(Path(sys.argv[1]))\n"
        "size = 64 * 1024; resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))\n"
        "try:\n"
        "    with database.write() as connection:\n"
        "        for n in range(2000):\n"
        "            row = (f's{n}', 'u' * 4000)\n"
        "            connection.exec_driver_sql(\"INSERT INTO sources VALUES (?, 'k', ?, '2016-12-03')\", row)\n"
        "except StorageError as error:\n"
        "    print(type(error).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() in {"DiskFull", "StorageError"}


def test_opening_a_current_archive_loads_no_migrations(database: Database, folder: Path) -> None:
    """A process that opens an archive of today's schema does not load Alembic, nor what only a writer needs."""
    database.close()
    script = (
        "import sys; from pathlib import Path; from storage.archive import Archive\n"
        "from storage.settings import ArchiveSettings\n"
        "Archive.open(ArchiveSettings(folder=Path(sys.argv[1]))).close()\n"
        "unwanted = {'alembic', 'warcio', 'requests', 'urllib3', 'bs4', 'lxml', 'langdetect', 'PIL'}\n"
        "print(*sorted(unwanted & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == ""
