"""``cupola backup`` and ``cupola restore``: the whole archive elsewhere, and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def stored(held: Any) -> Any:
    """An archive with two posts and three pictures; synthetic."""
    held.add("1", fr="Bonjour la Terre.", published=date(2016, 12, 3), pictures=({"data": b"one"}, {"data": b"two"}))
    held.add("2", en="Hello, Earth.", pictures=({"data": b"three"},))
    return held


def test_there_and_back(cupola: Callable[..., Any], stored: Any, tmp_path: Path) -> None:
    """A backup can be asked like any archive; restored, it answers the same."""
    backup, again = tmp_path / "backup", tmp_path / "again"
    made = cupola("backup", backup, "--archive", stored.folder, columns=200)
    assert made.status == 0
    assert made.out == f"{backup} is a backup: 2 posts, 3 files, 11 B; 3 files new (11 B, 3 of them hard links).\n"
    assert cupola("query", "--archive", backup, "--count").out == "2\n"
    assert cupola("verify", "--archive", backup).status == 0
    renewed = json.loads(cupola("backup", backup, "--archive", stored.folder, "--json").out)
    assert (renewed["posts"], renewed["new_files"], renewed["sound"]) == (2, 0, True)
    back = cupola("restore", backup, again, columns=200)
    assert back.status == 0
    assert "is restored: 2 posts, 3 files" in back.out
    before, after = (cupola("query", "--archive", folder, "--format", "jsonl").out for folder in (stored.folder, again))
    assert before == after
    assert json.loads(cupola("restore", backup, "--into", tmp_path / "third", "--json").out)["files"] == 3


def test_links_become_copies_when_asked_for(cupola: Callable[..., Any], stored: Any, tmp_path: Path) -> None:
    """A backup that was made of hard links is one of copies after --copy: a picture that rots here is sound there."""
    backup = tmp_path / "backup"
    for new in (3, 3, 0):
        options = ("--copy",) * (backup.exists())
        made = json.loads(cupola("backup", backup, "--archive", stored.folder, *options, "--json").out)
        assert (made["new_files"], made["linked_files"], made["files"]) == (new, 0 if options else 3, 3)
    for path in stored.folder.glob("media/*/*/*.jpg"):
        path.write_bytes(b"rot")
    assert cupola("verify", "--archive", backup).status == 0


def test_restored_to_where_the_configuration_says(cupola: Callable[..., Any], stored: Any, tmp_path: Path) -> None:
    """Without DEST the archive comes back where it belongs."""
    cupola("backup", tmp_path / "backup", "--archive", stored.folder)
    (tmp_path / "config.yaml").write_text("archive: {folder: mine}\n")
    assert cupola("restore", tmp_path / "backup", "--config", tmp_path / "config.yaml").status == 0
    assert cupola("query", "--config", tmp_path / "config.yaml", "--count").out == "2\n"


def test_what_is_wrong_use(cupola: Callable[..., Any], stored: Any, tmp_path: Path) -> None:
    """Something else in the way is 2 and stays; no archive, and no backup, is 3."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_bytes(b"me")
    refused = cupola("backup", tmp_path / "photos", "--archive", stored.folder)
    assert refused.status == 2
    assert "is there and is no earlier backup" in refused.err
    cupola("backup", tmp_path / "backup", "--archive", stored.folder)
    assert cupola("restore", tmp_path / "backup", tmp_path / "photos").status == 2
    assert cupola("restore", tmp_path / "backup", tmp_path / "a", "--into", tmp_path / "b").status == 2
    assert cupola("restore", tmp_path / "nothing", tmp_path / "a").status == 2
    assert cupola("restore", tmp_path / "photos", tmp_path / "a").status == 3
    assert cupola("backup", tmp_path / "a", "--archive", tmp_path / "nothing").status == 3
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["me.jpg"]
    assert not (tmp_path / "a").exists()


def test_damage_is_told_and_ends_with_1(cupola: Callable[..., Any], stored: Any, tmp_path: Path) -> None:
    """A damaged archive is backed up as it is; a damaged backup comes back only when that is wished."""
    picture = min(stored.folder.glob("media/*/*/*.jpg"))
    picture.write_bytes(b"rot")
    made = cupola("backup", tmp_path / "backup", "--archive", stored.folder, columns=200)
    assert made.status == 1
    assert f"✗ {picture.relative_to(stored.folder).as_posix()}: its bytes have the hash" in made.out
    refused = cupola("restore", tmp_path / "backup", tmp_path / "again", columns=200)
    assert refused.status == 1
    assert "was not restored" in refused.out
    assert not (tmp_path / "again").exists()
    assert cupola("restore", tmp_path / "backup", tmp_path / "again", "--despite-damage").status == 1
    with sqlite3.connect(tmp_path / "again" / "cupola.db") as database:
        assert database.execute("SELECT count(*) FROM posts").fetchone() == (2,)
    database.close()


def test_the_archive_knows_its_backups(cupola: Callable[..., Any], stored: Any, tmp_path: Path) -> None:
    """Nothing in the archive changes but the list of its backups, which goes without where it cannot be written."""
    before = {path: path.read_bytes() for path in stored.folder.glob("media/**/*") if path.is_file()}
    for _ in range(2):
        assert cupola("backup", tmp_path / "backup", "--archive", stored.folder).status == 0
    assert {path: path.read_bytes() for path in stored.folder.glob("media/**/*") if path.is_file()} == before
    with sqlite3.connect(stored.folder / "cupola.db") as database:
        rows = database.execute("SELECT path, posts, files FROM backups").fetchall()
        database.execute("DROP TABLE backups")
    database.close()
    assert rows == [(str(tmp_path / "backup"), 2, 3)]
    unlisted = cupola("backup", tmp_path / "backup", "--archive", stored.folder)
    assert unlisted.status == 0
    assert "could not be told of its backup" in unlisted.err
