"""`cupola demo` as a newcomer meets it: it works with no network, twice, and leaves an archive that can be asked."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

CUPOLA = Path(sys.executable).parent / "cupola"
#: an environment in which the shell finds its own programs and none of ours
NO_PATH = {name: value for name, value in os.environ.items() if name != "CUPOLA_CONFIG"} | {"PATH": "/usr/bin:/bin"}


def cupola(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(CUPOLA), *arguments],
        cwd=folder,
        env=NO_PATH,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The demo, run once in an empty folder."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, cupola(folder, "demo", "--port", "0")


def test_the_demo_does_what_it_planned(demo):
    """Exit status 0; the one broken picture is told with its reason; nothing is not as planned."""
    _, done = demo
    assert done.returncode == 0, done.stdout + done.stderr
    assert "as planned" in done.stdout
    assert "not as planned" not in done.stdout
    assert "the file is cut short" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_archive_can_be_asked_when_the_site_has_stopped(demo):
    """The four commands that it names work as they stand, where no `cupola` is on the path, as after `make demo`."""
    folder, done = demo
    named = done.stdout.split("the archive is yours to ask:\n")[1].splitlines()
    assert len(named) == 4
    for command in named:
        answer = subprocess.run(
            ["sh", "-c", command], cwd=folder, env=NO_PATH, capture_output=True, text=True, check=False, timeout=120
        )
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout
    lines = cupola(folder, "query", "--archive", "demo-archive", "--format", "jsonl").stdout.splitlines()
    posts = [json.loads(line) for line in lines]
    assert {post["source"] for post in posts} == {"aurore-gallery", "aurore-mastodon"}
    assert len(posts) == 65


def test_a_second_demo_uses_the_folder_again(demo):
    """Run again, it adds nothing and is as content as before."""
    folder, _ = demo
    with sqlite3.connect(folder / "demo-archive" / "cupola.db") as database:
        before = database.execute("SELECT key, first_seen_at FROM archive_posts ORDER BY key").fetchall()
    again = cupola(folder, "demo", "--port", "0")
    assert again.returncode == 0, again.stdout + again.stderr
    with sqlite3.connect(folder / "demo-archive" / "cupola.db") as database:
        assert database.execute("SELECT key, first_seen_at FROM archive_posts ORDER BY key").fetchall() == before


def test_the_demo_has_a_configuration_of_its_own(tmp_path):
    """--config makes no sense with it, and is refused with a word on what does."""
    done = cupola(tmp_path, "demo", "--config", "mine.yaml")
    assert done.returncode == 2
    assert "--folder" in done.stderr
    assert list(tmp_path.iterdir()) == []
