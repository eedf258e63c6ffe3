"""Finds every Source under ``scraper.sources`` by scanning; there is no list to edit."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from typing import Any

import scraper.sources
from scraper.source import Source


@cache
def kinds() -> dict[str, type[Source[Any]]]:
    """Every kind of source by its name, in alphabetical order."""
    found: dict[str, type[Source[Any]]] = {}
    for module in pkgutil.iter_modules(scraper.sources.__path__, "scraper.sources."):
        for _, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(cls, Source) and cls.__module__ == module.name and not inspect.isabstract(cls):
                if cls.kind in found:
                    raise TypeError(f"two sources call themselves {cls.kind}: {found[cls.kind]} and {cls}")
                found[cls.kind] = cls
    return dict(sorted(found.items()))
