"""Keys of posts as commands take them: arguments, or stdin, one a line or as the JSON lines of ``cupola query``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from jobs.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


def keys_argument(command: F) -> F:
    """``[KEY]...``: keys or addresses of posts; see ``read_keys``."""
    return click.argument("keys", nargs=-1, metavar="[KEY]...")(command)


def read_keys(given: tuple[str, ...]) -> tuple[str, ...]:
    """The keys given as arguments; ``-``, or none where stdin is no terminal, reads them from stdin.

    Raises:
        UsageError: there is nowhere to read them from, or a line is no key.
    """
    if not given and sys.stdin.isatty():
        raise UsageError("no post is named: give keys or addresses, or pipe them in (cupola query --format ids | …)")
    keys: dict[str, None] = {}
    for key in given or ("-",):
        keys |= dict.fromkeys(_from_stdin() if key == "-" else [key])
    return tuple(keys)


def _from_stdin() -> Iterator[str]:
    text = sys.stdin.buffer.read().decode("utf-8", "replace").removeprefix("\ufeff")
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.strip()
        if line.startswith("{"):
            yield _key_in(line, number)
        elif line:
            yield line


def _key_in(line: str, number: int) -> str:
    try:
        key = json.loads(line)["key"]
    except (ValueError, KeyError, RecursionError) as error:
        raise UsageError(f"line {number} of stdin is neither a key nor a JSON object with a key") from error
    if not isinstance(key, str):
        raise UsageError(f"line {number} of stdin has a key that is no text: {key!r}")
    return key
