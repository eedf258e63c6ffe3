"""PostgreSQL: the same archive as on SQLite, value for value, and what a server can do wrong told in words."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from scraper.model import Attachment
from storage import migrations, postgresql
from storage.archive import Archive
from storage.changes import Change, Entry
from storage.engine import open_database, upgrade_database
from storage.errors import (
    ArchiveDamaged,
    ArchiveLocked,
    ArchiveMissing,
    ArchiveReadOnly,
    ArchiveUnreachable,
    DiskFull,
    RowRefused,
    SchemaOutOfDate,
    StorageError,
)
from storage.filters import Filters
from storage.lookup import resolve
from storage.queries import count, find
from storage.runs import RunStatus
from storage.schema import PostRecord, SourceRecord, rows_of
from storage.settings import ArchiveSettings
from storage.verify import verify

ROOT = Path(__file__).parents[2]
Make = Callable[..., Entry]

#: in the order of their code points, which no language's dictionary has
NAMES = ["10", "9", "A-b", "Ab", "B", "_", "a", "a b", "ab", "z", "É", "é", "œ", "ﬀ", "🌃"]


@pytest.fixture
def address(server: Any) -> Iterator[str]:
    """A database on the server, with an empty archive in it."""
    name = server.fresh()
    yield server.address(name)
    server.drop(name)


@pytest.fixture
def empty(server: Any) -> Iterator[Callable[..., str]]:
    """Makes a database without anything in it; its address."""
    made = []

    def make(**options: str) -> str:
        made.append(server.fresh("template0", **options))
        return str(server.address(made[-1]))

    yield make
    for name in made:
        server.drop(name)


def name_of(address: str) -> str:
    return address.partition("?")[0].rpartition("/")[2]


# the same archive


def fill(archive: Archive, now: datetime, entry_of: Make, full_entry: Entry, plan: Any) -> None:
    run = archive.journal.begin("iss", "mastodon", None, now=now)
    page = [entry_of(name, f"Bonjour {name}", pictures=2, hashtags=(name,)) for name in reversed(NAMES)]
    archive.record(run.id, None, [*page, full_entry, entry_of("undated", "", published=None)], plan=plan, now=now)
    changed = entry_of("9", "Bonsoir", pictures=1, edited_at=now)
    archive.record(run.id, None, [changed], plan=plan, now=now + timedelta(hours=1))
    archive.journal.close(run, RunStatus.COMPLETED, counts={"posts_added": 17}, now=now)


def test_both_databases_show_the_same(
    tmp_path: Path, address: str, now: datetime, entry_of: Make, full_entry: Entry, plan: Any
) -> None:
    """The same posts recorded on both are the same rows of both views, the same JSON and the same answers in order."""
    shown = []
    for database in (None, address):
        with Archive.open(ArchiveSettings(folder=tmp_path / str(bool(database)), database=database)) as archive:
            fill(archive, now, entry_of, full_entry, plan)
            with archive.database.read() as connection:
                rows = [
                    [tuple(row) for row in connection.exec_driver_sql(statement)]
                    for statement in (
                        "SELECT * FROM archive_posts ORDER BY key",
                        "SELECT * FROM archive_media ORDER BY post_key, position",
                        "SELECT key, published_at FROM archive_posts ORDER BY published_at NULLS FIRST, key DESC",
                        "SELECT key FROM archive_posts WHERE needs_review = 1 AND native_id > 'B' ORDER BY text, key",
                    )
                ]
            json = [post.as_json() for post in find(archive.database, Filters())]
            texts = [
                [post.key for post in find(archive.database, Filters(text=text))] for text in ("ŒUF", "bonjour a", "é")
            ]
            shown.append((rows, json, texts))
    assert [len(rows) for rows in shown[0][0]] == [17, 31, 17, 1]
    assert shown[0][2][1:] != [[], []]
    assert shown[0] == shown[1]


def test_the_order_is_that_of_code_points(archive: Archive, now: datetime, entry_of: Make, plan: Any) -> None:
    """Whatever language the server speaks, keys come in the order in which SQLite has them."""
    run = archive.journal.begin("iss", "mastodon", None, now=now)
    archive.record(run.id, None, [entry_of(name) for name in reversed(NAMES)], plan=plan, now=now)
    with archive.database.read() as connection:
        by_key = connection.exec_driver_sql("SELECT native_id FROM archive_posts ORDER BY key").scalars().all()
        after = connection.execute(
            select(rows_of(PostRecord).c.native_id).where(rows_of(PostRecord).c.native_id >= "a")
        ).scalars()
        assert set(after) == set(NAMES[NAMES.index("a") :])
    assert by_key == NAMES


def test_a_new_archive_is_what_the_steps_lead_to(empty: Callable[..., str]) -> None:
    """In one go or step by step: the same tables, types, collations, keys, indices and views."""
    kept = (
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation"
        " FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid"
        " WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND c.relnamespace = 'public'::regnamespace"
        " ORDER BY 1, 2",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        " ORDER BY 1",
        "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1",
        "SELECT version_num FROM alembic_version",
    )
    found = []
    for make in (migrations.create, migrations.upgrade):
        server = postgresql.PostgresServer(empty(), password=None, read_only=False, busy_timeout=1)
        with server.engine.begin() as connection:
            make(connection)
            found.append([[tuple(row) for row in connection.exec_driver_sql(statement)] for statement in kept])
        server.engine.dispose()
    assert found[0] == found[1]


def test_numbers_and_limits_beyond_32_bits(archive: Archive, now: datetime, entry_of: Make, plan: Any) -> None:
    """A size of 5 GB, a place in a large WARC file and a limit of any length are no trouble."""
    run = archive.journal.begin("iss", "mastodon", None, now=now)
    large = Attachment(url="https://media.example/large.tif", size=5_000_000_000)
    archive.record(run.id, None, [entry_of("1", attachments=(large,))], plan=plan, now=now)
    assert archive.entry("iss:1")[0].attachments == (large,)
    assert count(archive.database, Filters(limit=2**40)) == 1
    assert len(list(find(archive.database, Filters(limit=2**40)))) == 1
    assert archive.wanted("iss", now, limit=5, after_id=2**40) == []


def test_an_address_longer_than_an_index_holds(
    archive: Archive, now: datetime, entry_of: Make, plan: Any, capture_of: Callable[..., Any]
) -> None:
    """A post with an address and a hashtag of 9,000 letters is held, and found by that address."""
    import hashlib

    noise = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(140))
    run = archive.journal.begin("iss", "mastodon", None, now=now)
    entry = entry_of("1", url=f"https://social.example/{noise}", hashtags=(noise,))
    assert archive.record(run.id, None, [entry], plan=plan, now=now).failures == {}
    assert count(archive.database, Filters(tag=(noise,))) == 1
    number = archive.captures.keep(run, capture_of(f"https://social.example/{noise}", etag='"1"'))
    archive.captures.save_validators("iss", f"https://social.example/{noise}", number)
    assert archive.captures.validators("iss", f"https://social.example/{noise}") is None
    assert archive.captures.held("iss", f"https://social.example/{noise}") is not None
    assert resolve(archive.database, f"https://social.example/{noise}") == "iss:1"


# how it is opened


def test_a_new_archive_is_made(empty: Callable[..., str], folder: Path) -> None:
    """In an empty database a reader finds no archive; a writer makes it, with its folder."""
    place = ArchiveSettings(folder=folder, database=empty())
    with pytest.raises(ArchiveMissing, match="cupola scrape"):
        open_database(place, read_only=True)
    assert not folder.exists()
    Archive.open(place).close()
    assert folder.is_dir()
    open_database(place, read_only=True).close()


def test_of_many_that_make_it_at_once_each_finds_it_whole(empty: Callable[..., str], folder: Path) -> None:
    """Two that begin with an empty database do not trip over one another."""
    place, found, start = ArchiveSettings(folder=folder, database=empty()), [], threading.Barrier(4)

    def open_it() -> None:
        start.wait()
        database = open_database(place)
        with database.read() as connection:
            found.append(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())
        database.close()

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [migrations.HEAD] * 4


@pytest.mark.parametrize(("found", "advice"), [("0000", "cupola db upgrade"), ("9999", "upgrade Cupola")])
def test_another_schema_is_refused(archive: Archive, settings: ArchiveSettings, found: str, advice: str) -> None:
    """An archive of an older or newer schema is refused with what to do."""
    with archive.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{found}'")
    with pytest.raises(SchemaOutOfDate, match=advice):
        open_database(settings)
    if found == "9999":
        with pytest.raises(SchemaOutOfDate, match="newer"):
            upgrade_database(settings)


def test_an_older_archive_is_upgraded(empty: Callable[..., str], folder: Path) -> None:
    """An archive of the first schema comes to the newest one, and what it holds with it."""
    place = ArchiveSettings(folder=folder, database=empty())
    server = postgresql.PostgresServer(place.database or "", password=None, read_only=False, busy_timeout=1)
    with server.engine.begin() as connection:
        migrations.upgrade(connection, "0001")
        connection.exec_driver_sql("INSERT INTO sources VALUES ('iss', 'mastodon', NULL, now())")
    server.engine.dispose()
    with pytest.raises(SchemaOutOfDate, match="db upgrade"):
        open_database(place)
    assert upgrade_database(place) == ("0001", migrations.HEAD)
    assert upgrade_database(place) == (migrations.HEAD, migrations.HEAD)
    database = open_database(place, read_only=True)
    with database.read() as connection:
        assert connection.execute(select(SourceRecord.id)).scalars().all() == ["iss"]
    database.close()


def test_a_foreign_database_is_not_touched(empty: Callable[..., str], folder: Path, server: Any) -> None:
    """A database of another program is not made into an archive."""
    address = empty()
    server.run("CREATE TABLE photos (id integer)", name_of(address))
    with pytest.raises(ArchiveDamaged, match="not one of Cupola's"):
        open_database(ArchiveSettings(folder=folder, database=address))


def test_a_database_in_another_encoding(empty: Callable[..., str], folder: Path) -> None:
    """A database that cannot hold every text is refused, with the command that makes one that can."""
    address = empty(ENCODING="LATIN1", LC_COLLATE="C", LC_CTYPE="C")
    with pytest.raises(StorageError, match=r"LATIN1.*createdb --encoding=UTF8"):
        open_database(ArchiveSettings(folder=folder, database=address))


# who may do what


def test_a_reader_cannot_write(archive: Archive, settings: ArchiveSettings) -> None:
    """What is opened for reading refuses to write, the first time and after it has read."""
    reader = open_database(settings, read_only=True)
    for _ in range(2):
        with pytest.raises(ArchiveReadOnly), reader.write() as connection:
            connection.execute(insert(SourceRecord).values(id="x", kind="k", first_run_at=datetime.now(UTC)))
        with reader.read() as connection:
            assert connection.execute(select(SourceRecord.id)).all() == []
    reader.close()


def test_a_user_with_the_right_to_read_reads(server: Any, address: str, folder: Path) -> None:
    """GRANT SELECT is enough for a reader; a writer is told that it may not."""
    name = name_of(address)
    server.run("CREATE ROLE visitor LOGIN")
    try:
        server.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO visitor", name)
        place = ArchiveSettings(folder=folder, database=server.address(name, "visitor"))
        reader = open_database(place, read_only=True)
        assert count(reader, Filters()) == 0
        reader.close()
        writer = open_database(place)
        with pytest.raises(ArchiveReadOnly, match="GRANT"), writer.write() as connection:
            connection.execute(insert(SourceRecord).values(id="x", kind="k", first_run_at=datetime.now(UTC)))
        writer.close()
    finally:
        server.run("REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM visitor", name)
        server.run("DROP ROLE visitor")


def test_a_writer_waits_and_then_gives_up(archive: Archive, settings: ArchiveSettings) -> None:
    """A second writer waits for the first, as long as it was told to; a reader does not."""
    second = open_database(settings, busy_timeout=0.05)
    with archive.database.write():
        with pytest.raises(ArchiveLocked, match="another process"), second.write():
            pytest.fail("both have the lock")
        assert count(second, Filters()) == 0
    with second.write() as connection:
        connection.execute(insert(SourceRecord).values(id="x", kind="k", first_run_at=datetime.now(UTC)))
    second.close()


def test_a_writer_that_fell_silent_is_ended(
    archive: Archive, settings: ArchiveSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that went away in the middle of a write does not hold the others up for ever."""
    monkeypatch.setattr(postgresql, "_BEGIN", postgresql._BEGIN.replace(str(postgresql.SILENCE * 1000), "20"))
    other = open_database(settings)

    def wait_too_long() -> None:
        with archive.database.write() as connection:
            with other.write():
                pass  # waits until the server has ended the first one
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(ArchiveUnreachable):
        wait_too_long()
    other.close()


# what a server can do wrong


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (("/made?", "/nowhere?"), ArchiveMissing, "createdb --encoding=UTF8 --template=template0 nowhere"),
        (("postgres@", "nobody:hush@"), ArchiveUnreachable, "does not let us in"),
        (("/cupola-postgres", "/no-such-folder"), ArchiveUnreachable, "cannot be reached"),
    ],
)
def test_what_cannot_be_reached(
    server: Any, folder: Path, change: tuple[str, str], kind: type[StorageError], words: str
) -> None:
    """No server, no such database, no such user: each is said with what to do, and no password is."""
    place = ArchiveSettings(folder=folder, database=server.address("made").replace(*change), password=None)
    with pytest.raises(kind, match=words) as caught:
        open_database(place)
    assert "hush" not in f"{caught.value!s} {place!r} {place}"


def test_a_wrong_password(server: Any, folder: Path) -> None:
    """A password that is wrong or missing is told as such; the right one, given apart, opens."""
    server.run("CREATE ROLE guarded LOGIN PASSWORD 'right-one' SUPERUSER")
    server.guard("guarded")
    try:
        address = server.address("made", "guarded")
        for password in ("wrong-one", None):
            place = ArchiveSettings(folder=folder, database=address, password=password)
            with pytest.raises(ArchiveUnreachable, match="password") as caught:
                open_database(place)
            assert "wrong-one" not in f"{caught.value!s} {place!r} {place}"
        database = open_database(ArchiveSettings(folder=folder, database=address, password="right-one"))
        assert "right-one" not in repr(database)
        database.close()
    finally:
        server.guard(None)
        server.run("DROP ROLE guarded")


def test_a_server_that_restarts_in_the_middle_of_a_run(
    server: Any, archive: Archive, settings: ArchiveSettings, now: datetime, entry_of: Make, plan: Any
) -> None:
    """A connection that is lost in a write is told, nothing is there by half, and the next run completes it."""
    run = archive.journal.begin("iss", "mastodon", None, now=now)
    archive.record(run.id, None, [entry_of("1")], plan=plan, now=now)

    def restart_while_writing() -> None:
        with archive.database.write() as connection:
            connection.execute(insert(SourceRecord).values(id="half", kind="k", first_run_at=now))
            server.restart()
            connection.execute(insert(SourceRecord).values(id="rest", kind="k", first_run_at=now))

    with pytest.raises(ArchiveUnreachable, match=r"run the same again|cannot be reached"):
        restart_while_writing()
    # between two writes it is not even noticed
    server.restart()
    assert archive.record(run.id, None, [entry_of("2")], plan=plan, now=now).changes == {"iss:2": Change.ADDED}
    archive.journal.close(run, RunStatus.COMPLETED, now=now)
    with Archive.open(settings) as again:
        following = again.journal.begin("iss", "mastodon", None, now=now)
        page = [entry_of(str(number)) for number in range(4)]
        recorded = again.record(following.id, None, page, plan=plan, now=now)
        assert (len(recorded.changes), recorded.failures) == (4, {})
        with again.database.read() as connection:
            assert connection.execute(select(SourceRecord.id)).scalars().all() == ["iss"]


def test_a_full_disk_of_the_server(archive: Archive) -> None:
    """The server's own word for a full disk is ours."""
    import psycopg

    assert type(archive.database.translate(psycopg.errors.DiskFull("could not extend file"))) is DiskFull
    assert type(archive.database.translate(psycopg.errors.SerializationFailure("x"))) is ArchiveLocked
    assert type(archive.database.translate(psycopg.errors.IndexCorrupted("x"))) is ArchiveDamaged
    assert type(archive.database.translate(psycopg.errors.TooManyConnections("x"))) is ArchiveUnreachable
    assert archive.database.translate(KeyError("not ours")) is None


def test_a_value_of_the_wrong_kind(archive: Archive) -> None:
    """A value that no column can hold is a refusal without the statement and its parameters in it."""
    with pytest.raises(RowRefused) as caught, archive.database.write() as connection:
        connection.execute(insert(SourceRecord).values(id="x", kind=None, first_run_at=datetime.now(UTC)))
    assert "INSERT" not in str(caught.value)


def test_an_archive_on_a_server_has_no_file(archive: Archive) -> None:
    """What needs a file is refused in words."""
    with pytest.raises(StorageError, match="no file"):
        _ = archive.database.path


def test_rows_that_cannot_be_read_are_damage(server: Any, archive: Archive, now: datetime, folder: Path) -> None:
    """A table with a page that is not as it was written is named; the rest is read all the same."""
    archive.journal.begin("iss", "mastodon", None, now=now)
    assert verify(archive.database, folder).is_sound
    name = name_of(archive.database.name)
    server.run("CHECKPOINT")
    ((path, data),) = server.run("SELECT pg_relation_filepath('failures'), current_setting('data_directory')", name)
    server.run("INSERT INTO failures SELECT 1, 1, 'iss', now(), 'page', 'E', 'm', NULL, NULL, NULL, '[]'", name)
    server.run("CHECKPOINT")
    server.restart()
    with (Path(data) / path).open("r+b") as file:
        file.seek(4000)
        file.write(b"\xff" * 4000)
    report = verify(archive.database, folder)
    assert [item.what for item in report.damage] == [archive.database.name]
    assert "failures cannot be read whole" in report.damage[0].message


def test_a_constraint_that_is_not_enforced_is_damage(server: Any, archive: Archive, folder: Path) -> None:
    """Constraints that somebody took away from the server's care are named."""
    name = name_of(archive.database.name)
    server.run("ALTER TABLE posts DROP CONSTRAINT fk_posts_run_id_runs", name)
    server.run(
        "ALTER TABLE posts ADD CONSTRAINT fk_posts_run_id_runs FOREIGN KEY (run_id) REFERENCES runs (id) NOT VALID",
        name,
    )
    assert [item.message for item in verify(archive.database, folder).damage] == [
        "the constraint fk_posts_run_id_runs of posts is not enforced"
    ]


def test_without_the_driver_one_is_told_how_to_get_it(address: str, folder: Path) -> None:
    """The driver is an extra: who lacks it is told the command, and a reader of SQLite loads nothing of PostgreSQL."""
    Archive.open(ArchiveSettings(folder=folder)).close()
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from pathlib import Path; from storage.engine import open_database\n"
        "from storage.settings import ArchiveSettings\n"
        "folder = Path(sys.argv[1]); open_database(folder, read_only=True).close()\n"
        "print([name for name in sys.modules if 'postgresql' in name])\n"
        "try: open_database(ArchiveSettings(folder=folder, database=sys.argv[2]))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    command = [sys.executable, "-c", script, str(folder), address]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    loaded, told = done.stdout.splitlines()
    assert loaded == "[]"
    assert told.startswith("StorageError ")
    assert "pip install 'cupola[postgresql]'" in told
