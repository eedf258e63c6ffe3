"""Whoever reads our output slowly keeps nothing of the archive open."""

from __future__ import annotations

import io
import json
import os
import select
import sqlite3
import sys
import threading
import time
from contextlib import closing
from typing import Any

import pytest

from jobs.cli import outlet
from jobs.cli.main import commands
from jobs.cli.outlet import Outlet

#: posts whose texts do not fit into a pipe
COUNT = 30


class LatePipe:
    """A pipe that nobody reads before ``begin``; ``end`` gives what came through, when its sink is closed."""

    def __init__(self) -> None:
        self.source, sink = os.pipe()
        self.sink = open(sink, "wb")  # noqa: SIM115 - closed by `end`
        self._came = b""
        self._thread = threading.Thread(target=self._read)

    def begin(self) -> None:
        """Read from now on."""
        self._thread.start()

    def end(self) -> bytes:
        """All that was written."""
        self.sink.close()
        self._thread.join()
        return self._came

    def _read(self) -> None:
        with open(self.source, "rb") as stream:
            self._came = stream.read()


def test_what_is_not_taken_is_given_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads the pipe and all is written; then all of it comes through, in order."""
    monkeypatch.setattr(outlet, "PATIENCE", 0.0)
    given = [f"{number}\n".encode() * 100 for number in range(3000)]
    pipe = LatePipe()
    out = Outlet(pipe.sink)
    for data in given:
        out.write(data)
    pipe.begin()
    out.finish()
    assert pipe.end() == b"".join(given)


@pytest.mark.parametrize(
    "arguments",
    [
        ("query", "--format", "jsonl"),
        ("sql", "SELECT key, text FROM archive_posts ORDER BY key", "--format", "jsonl"),
        ("sql", "SELECT key, text FROM archive_posts ORDER BY key", "--format", "csv"),
        ("sql", "SELECT key, text FROM archive_posts ORDER BY key", "--limit", "40"),
    ],
    ids=["query", "sql jsonl", "sql csv", "sql table"],
)
def test_a_reader_that_stands_still(held: Any, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    """A question whose answer nobody reads on is done with the archive all the same: its journal can be emptied."""
    monkeypatch.setattr(outlet, "PATIENCE", 0.0)
    for number in range(COUNT):
        held.add(f"{number:03}", fr=f"L’équipage dort, relevé {number}. " * 200)
    pipe = LatePipe()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe.sink, encoding="utf-8"))
    given = [*arguments, "--archive", str(held.folder)]
    asking = threading.Thread(target=commands.main, args=(given,), kwargs={"standalone_mode": False})
    asking.start()
    assert select.select([pipe.source], [], [], 60)[0]
    until = time.monotonic() + 60
    with closing(sqlite3.connect(held.folder / "cupola.db", isolation_level=None, timeout=0)) as writer:
        writer.execute("CREATE TABLE scratch (id)")
        while writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            assert time.monotonic() < until
            time.sleep(0.02)
    pipe.begin()
    asking.join()
    told = pipe.end().decode()
    assert all(f"{number:03}" in told for number in range(COUNT))
    if "jsonl" in arguments:
        assert len([json.loads(line) for line in told.splitlines()]) == COUNT
