"""Tells docs/story.md anew: runs its commands, one after the other in a folder of their own, and renews their output.

    python docs/story.py docs/story.md

What stands between the blocks is left as it is. A block ``site`` is the first terminal, where the demo's site is up;
one without a command presses Enter there. The blocks ``console`` are the second terminal. The page is written only when
it tells something else than before: times, sizes, hashes and the like differ from run to run, and count for nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

BIN = Path(sys.executable).parent
#: the first terminal's command; every command of the second one is run in the folder that it makes
SERVE = ("cupola", "demo", "--serve", "--folder", "story")
_BLOCK = re.compile(r"^```(site|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: a command, with the lines up to the word that ends its input where it has some
_COMMAND = re.compile(r"^\$ ([^\n]*<<'(\w+)'\n.*?^\2|[^\n]*)$", re.MULTILINE | re.DOTALL)
#: stands between a command's output and its exit status, and behind that
_MARK = "\x1e"
#: tells in a log, every few seconds, how far a run is
_PROGRESS = re.compile(r"^[\w-]+: \d+ pages?, \d+ posts? .*\n", re.MULTILINE)
#: what differs from run to run, and what takes its place where two pages are compared
_VARYING = (
    (r"\b20(?:2[6-9]|[3-9]\d)-\d\d-\d\d(?:T[\d:.]+Z)?", "TIME"),
    (r"\b\d{8}T\d{6}Z", "TIME"),
    (r"\b\d+\.\d s\b", "DURATION"),
    (r"\b[\d.,]+ (?:B|kB|MB|bytes)\b", "SIZE"),
    (r"\bbyte \d+", "POSITION"),
    (r"127\.0\.0\.1:\d+", "SITE"),
    (r"\bmedia/[0-9a-f]{2}/[0-9a-f]{2}/", "media/"),
    (r"\b(?=\d*[a-f])[0-9a-f]{8,64}\b", "HASH"),
    (r"\.jpg\.\w+", ".jpg"),
    # columns are as wide as what stands in them
    (r"─+", "─"),
    (r" +", " "),
    (r" $", ""),
)


def masked(page: str) -> str:
    """The page without what differs from run to run."""
    for varying, name in _VARYING:
        page = re.sub(varying, name, page, flags=re.MULTILINE)
    return page


def told(page: str) -> str:
    """The page with what its commands print when they are run now."""
    environment = _environment()
    with tempfile.TemporaryDirectory() as name, _site(Path(name), environment) as site:
        folder = Path(name) / "story"

        def run(block: re.Match[str]) -> str:
            kind, inside = block.groups()
            commands = [command[1] for command in _COMMAND.finditer(inside)]
            lines = _first(site, commands) if kind == "site" else _second(folder, environment, commands)
            return "\n".join([f"```{kind}", *lines, "```"])

        return _BLOCK.sub(run, page)


def _environment() -> dict[str, str]:
    """A terminal of 100 columns, with this environment's own ``cupola`` first on the path."""
    kept = {name: value for name, value in os.environ.items() if name not in ("CUPOLA_CONFIG", "PYTHONPATH")}
    path = f"{BIN}{os.pathsep}{kept['PATH']}"
    return kept | {"PATH": path, "COLUMNS": "100", "LC_ALL": "C.UTF-8", "CUPOLA_WHO": "vera"}


@contextmanager
def _site(folder: Path, environment: dict[str, str]) -> Iterator[tuple[IO[str], IO[str]]]:
    """The first terminal: what is read from it and what is typed into it."""
    program, *words = SERVE
    with subprocess.Popen(
        [BIN / program, *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as site:
        try:
            if site.stdout is None or site.stdin is None:
                raise RuntimeError("the site has no pipes")
            yield site.stdout, site.stdin
        finally:
            site.terminate()


def _first(site: tuple[IO[str], IO[str]], commands: list[str]) -> Iterator[str]:
    """The site's command and the two lines that it begins with, or the line that it answers to Enter."""
    said, typed = site
    yield from (f"$ {command}" for command in commands)
    if commands not in ([], [" ".join(SERVE)]):
        raise ValueError(f"the first terminal is for {' '.join(SERVE)}")
    if not commands:
        typed.write("\n")
        typed.flush()
    for _ in range(2 if commands else 1):
        line = said.readline()
        if not line:
            raise RuntimeError("the demo's site has ended")
        yield line.rstrip()


def _second(folder: Path, environment: dict[str, str], commands: list[str]) -> Iterator[str]:
    """The commands of a block, each followed by what it prints and by the exit status that is not 0."""
    # the folder is gone into already
    lines = [f"{':' if command == 'cd story' else command}\nprintf '{_MARK}%s{_MARK}' $?\n" for command in commands]
    done = subprocess.run(
        ["/bin/sh", "-c", "".join(lines)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    *parts, _ = done.stdout.split(_MARK)
    for command, printed, status in zip(commands, parts[::2], parts[1::2], strict=True):
        yield f"$ {command}"
        shown = "\n".join(line.rstrip() for line in _PROGRESS.sub("", printed).splitlines()).strip("\n")
        if shown:
            yield shown
        if status != "0":
            yield f"(exit status {status})"


def main() -> None:
    """Tell the page anew."""
    target = Path(sys.argv[1])
    before = target.read_text(encoding="utf-8")
    page = told(before)
    if masked(page) != masked(before):
        target.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
