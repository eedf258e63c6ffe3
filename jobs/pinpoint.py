"""Where in a configuration file a fault is: its line, its key with dots, and the nearest name that is known there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from jobs.errors import Problem
from jobs.faults import words

#: a key as the steps that lead to it
Key = tuple[str | int, ...]
#: the line of every key, from 1
Lines = Mapping[Key, int]


def problems_of(error: ValidationError, model: type[BaseModel], lines: Lines, at: Key) -> tuple[Problem, ...]:
    """All that is wrong with the value of the key ``at``, in the order of the file."""
    found = []
    for fault in error.errors():
        key = (*at, *(part for part in fault["loc"] if part != "[key]"))
        if fault["type"] == "extra_forbidden":
            message = f"is not a key that is known here{nearest(str(key[-1]), _fields(model, fault['loc'][:-1]))}"
        else:
            message = words(fault)
        found.append(problem_at(key, message, lines))
    return tuple(sorted(found, key=lambda problem: problem.line or 0))


def _fields(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys allowed at a place inside a model."""
    here: Any = model
    for part in loc:
        if isinstance(here, type) and issubclass(here, BaseModel) and part in here.model_fields:
            here = here.model_fields[str(part)].annotation
        else:
            here = next((arg for arg in get_args(here) if isinstance(arg, type) and issubclass(arg, BaseModel)), here)
        options = [arg for arg in get_args(here) if isinstance(arg, type) and issubclass(arg, BaseModel)]
        if options and not isinstance(here, type) and type(None) in get_args(here):
            here = options[0]
    if not (isinstance(here, type) and issubclass(here, BaseModel)):
        return []
    hidden = {"token", "key"}
    return [field.alias or name for name, field in here.model_fields.items() if name not in hidden]


def nearest(word: str, known: Iterable[str]) -> str:
    """How a message about an unknown word goes on: the nearest known one, or all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known are {', '.join(names)}" if names else ""


def problem_at(key: Key, message: str, lines: Lines) -> Problem:
    """What is wrong with one key."""
    return Problem(key=dotted(key), message=message, line=_line(lines, key))


def dotted(key: Key) -> str:
    """A key as a person writes it: ``sources[0].kind``."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _line(lines: Lines, key: Key) -> int | None:
    while key:
        if key in lines:
            return lines[key]
        key = key[:-1]
    return None
