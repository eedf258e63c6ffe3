"""What is remembered of words: much of it saves time, and a daemon does not hold all that it ever read."""

from __future__ import annotations

import importlib
import pkgutil

from scraper import text

#: entries of all the memories together; an entry is about 700 bytes, so these are 30 MB at most
MOST = 45_000


def test_the_memories_of_words_are_bounded() -> None:
    """Each cache of what captions hold has a bound, and all of them full are a small part of what a daemon may take."""
    sizes: dict[str, int | None] = {}
    for module in pkgutil.iter_modules(text.__path__, "scraper.text."):
        for name, found in vars(importlib.import_module(module.name)).items():
            if hasattr(found, "cache_info") and found.__module__ == module.name:
                takes_nothing = not found.__wrapped__.__code__.co_argcount
                sizes[f"{module.name}.{name}"] = 1 if takes_nothing else found.cache_info().maxsize
    assert len(sizes) > 5
    assert None not in sizes.values(), sizes
    assert sum(filter(None, sizes.values())) <= MOST, sizes
