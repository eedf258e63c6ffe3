"""``cupola import cupola``: what was taken out comes in, and what is wrong is told to a person."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest


def cupola(*arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jobs", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def out(held: Any, tmp_path: Path) -> Path:
    """An export of two posts, one with a picture that is wanted."""
    held.add("1", fr="Bonjour", en="Hello", published=date(2016, 12, 3), pictures=({},))
    held.add("2", fr="Salut")
    path = tmp_path / "out.jsonl"
    done = cupola("export", "jsonl", path, "--private", "--archive", held.folder)
    assert (done.returncode, path.exists()) == (0, True), done.stderr
    return path


def test_it_comes_in_and_says_so(out: Path, tmp_path: Path) -> None:
    """A new archive is made; the posts are there; the second time nothing changes."""
    copy = tmp_path / "copy"
    done = cupola("import", "cupola", out, "--archive", copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2 posts: 2 new, 0 changed, 0 as they were.\n"
    found = cupola("query", "--format", "ids", "--archive", copy)
    assert set(found.stdout.split()) == {"esa-proxima:1", "esa-proxima:2"}
    told = json.loads(cupola("import", "cupola", out, "--json", "--archive", copy).stdout)
    assert (told["unchanged"], told["added"], told["updated"], told["faults"]) == (2, 0, 0, [])


def test_a_bad_line_is_told_and_the_rest_is_in(out: Path, tmp_path: Path) -> None:
    """The exit status is 1, and stderr names file and line."""
    out.write_bytes(out.read_bytes() + b"{\n")
    done = cupola("import", "cupola", out, "--archive", tmp_path / "copy")
    assert done.returncode == 1
    assert f"{out}, line 4: no JSON" in done.stderr
    assert "2 new" in done.stdout


def test_what_is_no_export_is_wrong_use(held: Any, tmp_path: Path) -> None:
    """The exit status is 2, and the sentence says what to do; no traceback."""
    path = tmp_path / "posts.csv"
    path.write_text("key,source\n")
    done = cupola("import", "cupola", path, "--archive", held.folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "only what `cupola export jsonl` has written can be brought in" in done.stderr
    done = cupola("import", "tapestry", path, "--archive", held.folder)
    assert done.returncode == 2
    assert "known are csv, cupola, " in done.stderr
