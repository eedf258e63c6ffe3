"""Feed, bag and WARC file: the same bytes on either database, and nothing half done. All posts are synthetic."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from storage.archive import Archive
from storage.declarative import Base
from storage.errors import DiskFull, ExportRefused
from storage.settings import ArchiveSettings

on_sqlite = pytest.mark.parametrize("address", [None], ids=["sqlite"])
each_format = pytest.mark.parametrize("kind", ["atom", "bagit", "warc"])

ROOT = Path(__file__).parents[3]
# exports, and stops for good when a tenth of it is written
KILLED = """
import os, signal, sys
from pathlib import Path
from storage.engine import open_database
from storage.export.exporting import export
from storage.export.formats import format_of
from storage.export.publishable import Clearance
from storage.filters import Filters
from storage.settings import ArchiveSettings
folder, kind, dest = sys.argv[1:]
def killed(read):
    os.kill(os.getpid(), signal.SIGKILL)
export(open_database(ArchiveSettings(folder=Path(folder)), read_only=True), Path(folder), format_of(kind), Path(dest),
       Filters(), clearance=Clearance(), cupola="cupola 1.0", progress=killed)
"""


@on_sqlite
@each_format
def test_both_databases_give_the_same_bytes(
    voyage: Any, tmp_path: Path, again: Callable[[Path], Any], server: Any, kind: str
) -> None:
    """What an archive on a server gives is what the same archive in a file gives, byte for byte."""
    for name in ("file", "server"):
        (tmp_path / name).mkdir()
    voyage.export(kind, tmp_path / "file" / "out")
    database = server.fresh()
    try:
        settings = ArchiveSettings(folder=voyage.archive.folder, database=server.address(database))
        with Archive.open(settings) as other:
            with voyage.archive.database.read() as source, other.database.write() as target:
                for table in Base.metadata.sorted_tables:
                    rows = [dict(row) for row in source.execute(select(table)).mappings()]
                    if rows and not table.name.startswith(("post_", "index_")):
                        target.execute(insert(table), rows)
            voyage.archive = other
            voyage.export(kind, tmp_path / "server" / "out")
    finally:
        server.drop(database)
    assert again(tmp_path / "file" / "out") == again(tmp_path / "server" / "out")


@on_sqlite
@each_format
def test_a_full_disk_leaves_nothing(voyage: Any, tmp_path: Path, kind: str) -> None:
    """Where there is no room it says so, and neither DEST nor a part of it stays."""
    (tmp_path / "place").mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (700, hard))
    try:
        with pytest.raises(DiskFull, match=str(tmp_path / "place" / "out")):
            voyage.export(kind, tmp_path / "place" / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert list((tmp_path / "place").iterdir()) == []


@on_sqlite
@each_format
def test_what_is_there_is_not_replaced(voyage: Any, tmp_path: Path, kind: str) -> None:
    """A DEST that exists stays; --force replaces an export of the same kind, and no folder of something else."""
    voyage.export(kind, tmp_path / "out")
    with pytest.raises(ExportRefused, match="force"):
        voyage.export(kind, tmp_path / "out")
    voyage.export(kind, tmp_path / "out", force=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("mine")
    with pytest.raises(ExportRefused):
        voyage.export(kind, tmp_path / "mine", force=True)
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "mine"


@pytest.mark.proof
@on_sqlite
@each_format
def test_killed_in_the_middle_it_leaves_no_dest(voyage: Any, tmp_path: Path, again: Any, kind: str) -> None:
    """What a kill leaves has another name, and goes with the next export to the same DEST."""
    place = tmp_path / "place"
    place.mkdir()
    command = [sys.executable, "-c", KILLED, str(voyage.archive.folder), kind, str(place / "out")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert [path.name[:5] for path in place.iterdir()] == [".out."]
    voyage.export(kind, place / "out")
    assert [path.name for path in place.iterdir()] == ["out"]
    voyage.export(kind, tmp_path / "out")
    assert again(place / "out") == again(tmp_path / "out")
