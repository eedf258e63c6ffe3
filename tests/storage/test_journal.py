"""SQLite's journal (``cupola.db-wal``) stays within bounds, whoever reads."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from storage import sqlite_file
from storage.engine import FILE, Database, open_database
from storage.errors import ArchiveLocked
from storage.sqlite_file import translate

LIMIT = 2**18


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A new archive whose journal is long soon."""
    monkeypatch.setattr(sqlite_file, "LONGEST_JOURNAL", LIMIT)
    with closing(open_database(tmp_path)) as database:
        with database.write() as connection:
            connection.exec_driver_sql("CREATE TABLE scratch (id INTEGER PRIMARY KEY, noise BLOB)")
            connection.exec_driver_sql("INSERT INTO scratch VALUES (1, randomblob(65536))")
        yield database


def write(database: Database) -> int:
    """Some 65 kB more in the journal; how long it is then."""
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE scratch SET noise = randomblob(65536)")
    return database.path.with_name(f"{FILE}-wal").stat().st_size


@contextmanager
def readers_in_turn(folder: Path) -> Iterator[threading.Event]:
    """Two threads, one of which is always within a transaction; the event is set when each has had its turn."""
    within = threading.Semaphore(1), threading.Semaphore(0)
    done, turned = threading.Event(), threading.Event()

    def read(own: threading.Semaphore, other: threading.Semaphore) -> None:
        with closing(open_database(folder, read_only=True)) as database:
            while own.acquire():
                with database.read() as connection:
                    connection.exec_driver_sql("SELECT count(*) FROM scratch").scalar()
                    # the other one begins while this one is still here
                    other.release()
                    if done.is_set():
                        return
                    own.acquire()
                    own.release()
                turned.set()

    threads = [threading.Thread(target=read, args=pair) for pair in (within, within[::-1])]
    for thread in threads:
        thread.start()
    try:
        yield turned
    finally:
        done.set()
        for gate in within:
            gate.release()
        for thread in threads:
            thread.join()


def test_readers_that_overlap_do_not_keep_the_journal_growing(writer: Database) -> None:
    """At every moment somebody reads; the journal is emptied all the same."""
    with readers_in_turn(writer.path.parent) as turned:
        assert turned.wait(60)
        longest = max(write(writer) for _ in range(100))
    assert longest < 10 * LIMIT < 100 * 65536


def test_after_a_reader_who_stayed_the_journal_is_short_again(
    writer: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody who writes is kept waiting by him for long, and when he is gone the file is cut."""
    monkeypatch.setattr(sqlite_file, "PATIENCE", 0.0)
    with closing(open_database(writer.path.parent, read_only=True)) as reader, reader.read() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM scratch").scalar()
        assert max(write(writer) for _ in range(12)) > 2 * LIMIT
    assert [write(writer) for _ in range(12)][-1] <= 2 * LIMIT


def test_readers_that_crowd_one_another_out_are_told_to_wait(tmp_path: Path) -> None:
    """What SQLite calls a fault of the locking protocol is a lock, and not a row that cannot be held."""
    error = sqlite3.OperationalError("locking protocol")
    error.sqlite_errorcode = sqlite3.SQLITE_PROTOCOL
    assert isinstance(translate(error, tmp_path / FILE), ArchiveLocked)
