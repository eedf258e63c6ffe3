"""The standard streams as callers leave them: closed, full, or without the letters of half the world."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-m", "jobs"]


@pytest.fixture
def environment() -> dict[str, str]:
    """A process's environment with nothing of ours in it but where the code is."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CUPOLA", "PYTHON"))}
    return kept | {"PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "dumb", "COLUMNS": "80"}


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Runs ``cupola`` in a folder of its own; ``how`` goes to the process."""

    def run(*arguments: str, **how: Any) -> subprocess.CompletedProcess[bytes]:
        settings: dict[str, Any] = {"cwd": tmp_path, "env": environment, "timeout": 60, "check": False} | how
        return subprocess.run([*COMMAND, *arguments], **settings)

    return run


@pytest.fixture
def saved(tmp_path: Path, run: Any) -> str:
    """A saved gallery page and the configuration of its source; the page's file name."""
    done = run("config", "init", capture_output=True)
    assert done.returncode == 0, done.stderr
    (tmp_path / "page.html").write_text(
        '<html><body><figure><img src="/x/23-1-eng-GB/Lac.jpg"><figcaption><p>« Le lac gelé brille dans la nuit. »</p>'
        "<p>« The frozen lake is shining in the night. »</p></figcaption></figure></body></html>",
        encoding="utf-8",
    )
    return "page.html"


def test_a_terminal_without_our_letters_shows_question_marks(run: Any, saved: str, environment: dict[str, str]) -> None:
    """Where stdout knows ASCII only, the summary is shown all the same; nothing is called a defect."""
    ascii_only = environment | {"PYTHONIOENCODING": "ascii:strict"}
    done = run("scrape", "--no-media", "--from-file", saved, env=ascii_only, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"esa-proxima" in done.stdout
    assert done.stdout.isascii()


def test_reasons_of_a_split_are_shown_by_such_a_terminal_too(run: Any, environment: dict[str, str]) -> None:
    """`cupola split --explain` has arrows and accents."""
    line = '{"id": "a", "raw": "« Le lac gelé brille. » The lake is shining."}\n'.encode()
    ascii_only = environment | {"PYTHONIOENCODING": "ascii:strict"}
    done = run("split", "--explain", input=line, env=ascii_only, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Le lac gel? brille" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here: a full device cannot be tried")
@pytest.mark.parametrize(
    "arguments",
    [("--version",), ("query",), ("query", "--format", "csv"), ("query", "--count")],
    ids=" ".join,
)
def test_an_output_that_is_full_is_said_in_one_line(run: Any, held: Any, arguments: tuple[str, ...]) -> None:
    """A full disk where stdout leads to is no defect of ours: one line on stderr, exit status 1."""
    held.add("1", fr="Le lac gelé brille.")
    archive = ("--archive", str(held.folder)) if arguments[0] == "query" else ()
    with Path("/dev/full").open("wb") as full:
        done = run(*arguments, *archive, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == b"Error: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_stream_that_the_caller_has_closed_is_no_error(run: Any, saved: str, closed: int) -> None:
    """What would go there goes nowhere, and no file of the archive gets its number."""
    opened = {0: "stdin", 1: "stdout", 2: "stderr"}
    told = {name: subprocess.PIPE for number, name in opened.items() if number > 0 and number != closed}
    for arguments in (("scrape", "--no-media", "--from-file", saved), ("query",), ("split",)):
        done = run(*arguments, preexec_fn=lambda: os.close(closed), **told)
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in (done.stderr or b"")
    assert run("query", "--count", capture_output=True).stdout == b"1\n"
