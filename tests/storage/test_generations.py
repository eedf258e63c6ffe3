"""Copies of the database of an archive in use: whole or not there, the last few kept, the last good one never lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.engine import FILE, open_database
from storage.errors import ArchiveDamaged, BackupRefused
from storage.generations import generations, keep_generation

NOW = datetime(2017, 6, 2, 12, 0, tzinfo=UTC)


def posts_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute("SELECT native_id FROM posts ORDER BY id")]


@pytest.fixture
def held(tmp_path: Path, make_archive: Callable[..., Any]) -> Any:
    """An empty archive whose database is a file."""
    return make_archive(tmp_path / "archive")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "copies"


def test_the_newest_are_kept(held: Any, folder: Path) -> None:
    """Each copy has what was there when it was made; the oldest go, and one alone is kept at least."""
    for day in range(4):
        held.add(str(day))
        made = keep_generation(held.database, folder, keep=2, now=NOW + timedelta(days=day))
        assert made.path.stat().st_size == made.bytes
    assert (made.posts, made.kept, made.removed) == (4, 2, 1)
    assert [posts_in(path) for path in generations(folder)] == [["0", "1", "2"], ["0", "1", "2", "3"]]
    assert sorted(path.name for path in folder.iterdir()) == [
        "cupola-20170604T120000Z.db",
        "cupola-20170605T120000Z.db",
    ]
    keep_generation(held.database, folder, keep=0, now=NOW + timedelta(days=9))
    assert len(generations(folder)) == 1


def test_a_clock_that_was_ahead_costs_no_new_copy(held: Any, folder: Path) -> None:
    """What was made just now is never the one that goes."""
    keep_generation(held.database, folder, keep=1, now=NOW + timedelta(days=900))
    made = keep_generation(held.database, folder, keep=1, now=NOW)
    assert generations(folder) == [made.path]


def test_a_copy_opens_as_an_archive(held: Any, folder: Path, tmp_path: Path) -> None:
    """Under its own name in a folder it is the archive's database."""
    held.add("1")
    made = keep_generation(held.database, folder, keep=2, now=NOW)
    (tmp_path / "back").mkdir()
    made.path.rename(tmp_path / "back" / FILE)
    open_database(tmp_path / "back").close()


def test_a_copy_that_is_stopped_leaves_nothing(held: Any, folder: Path) -> None:
    """What was there stays, and what a killed one left goes."""
    held.add("1")
    first = keep_generation(held.database, folder, keep=1, now=NOW)
    (folder / ".cupola-20170601T120000Z.db.part").write_bytes(b"half")

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep_generation(held.database, folder, keep=1, now=NOW + timedelta(days=1), progress=stop)
    assert list(folder.iterdir()) == [first.path]


def test_a_damaged_archive_costs_no_good_copy(held: Any, folder: Path) -> None:
    """The copy is refused, and those from before stay."""
    for number in range(200):
        held.add(str(number), fr="Bonjour la Terre. " * 20)
    held.database.optimise()
    first = keep_generation(held.database, folder, keep=1, now=NOW)
    held.database.close()
    file = held.folder / FILE
    data = bytearray(file.read_bytes())
    half = len(data) // 2
    data[half : half + 40_000] = b"\xff" * 40_000
    file.write_bytes(data)
    with pytest.raises(ArchiveDamaged):
        keep_generation(held.database, folder, keep=1, now=NOW + timedelta(days=1))
    assert list(folder.iterdir()) == [first.path]


def test_copies_of_another_archive_are_left_alone(
    held: Any, folder: Path, make_archive: Callable[..., Any], tmp_path: Path
) -> None:
    """Two archives that are told the same folder do not remove one another's copies."""
    held.add("1")
    first = keep_generation(held.database, folder, keep=1, now=NOW)
    other = make_archive(tmp_path / "other")
    other.add("2", source="somebody-else")
    with pytest.raises(BackupRefused, match="another archive"):
        keep_generation(other.database, folder, keep=1, now=NOW + timedelta(days=1))
    assert list(folder.iterdir()) == [first.path]


def test_where_copies_are_is_kept_in_mind(held: Any, folder: Path) -> None:
    """So that `cupola forget` can name them."""
    keep_generation(held.database, folder, keep=2, now=NOW)
    with held.database.read() as connection:
        assert connection.exec_driver_sql("SELECT path FROM backups").scalars().all() == [str(folder)]


@pytest.mark.parametrize("address", ["postgresql"], indirect=True)
def test_a_server_is_not_copied(make_archive: Callable[..., Any], tmp_path: Path, folder: Path, address: str) -> None:
    """It says what to do instead, and makes nothing; its statistics can be put in order all the same."""
    archive = make_archive(tmp_path / "archive", address)
    with pytest.raises(BackupRefused, match="pg_dump"):
        keep_generation(archive.database, folder, keep=2, now=NOW)
    assert not folder.exists()
    archive.add("1")
    archive.database.optimise()
    with archive.database.read() as connection:
        query = "SELECT count(*) FROM pg_stats WHERE tablename = 'posts'"
        assert connection.exec_driver_sql(query).scalar() > 0


def test_statistics_are_put_in_order_and_the_journal_is_emptied(held: Any) -> None:
    """While the archive is open."""
    for number in range(50):
        held.add(str(number))
    held.database.optimise()
    with held.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sqlite_stat1").scalar() > 0
    assert (held.folder / f"{FILE}-wal").stat().st_size == 0
