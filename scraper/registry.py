"""Finds every Source under ``scraper.sources`` by scanning; there is no list to edit."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from typing import Any

import scraper.sources
from scraper.settings import SourceOptions
from scraper.source import Source


def names() -> tuple[str, ...]:
    """The names of all kinds, in alphabetical order; no source is loaded for it."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(scraper.sources.__path__)))


@cache
def kind(name: str) -> type[Source[Any]]:
    """The kind of that name: the one Source in the module of the same name, which is loaded now.

    Raises:
        LookupError: there is no such kind.
        TypeError: the module does not hold exactly one source that calls itself so.
    """
    if name not in names():
        raise LookupError(f"there is no kind of source {name!r}; known are {', '.join(names())}")
    module = importlib.import_module(f"scraper.sources.{name}")
    found = [
        cls
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, Source) and cls.__module__ == module.__name__ and not inspect.isabstract(cls)
    ]
    if len(found) != 1 or found[0].kind != name:
        raise TypeError(f"{module.__name__} should hold one source of the kind {name!r}, and holds {found}")
    return found[0]


def kinds() -> dict[str, type[Source[Any]]]:
    """Every kind of source by its name, in alphabetical order."""
    return {name: kind(name) for name in names()}


def made(name: str, source_id: str, options: SourceOptions) -> Source[Any]:
    """The source of that kind with these options.

    Raises:
        LookupError: there is no such kind.
        OptionsError: its options name another kind that is not there, or options that it does not take.
    """
    return kind(name).made(source_id, options, kind)
