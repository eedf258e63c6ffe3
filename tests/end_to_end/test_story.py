"""docs/story.md: the demo mission told with commands, and what they print."""

from __future__ import annotations

from collections.abc import Callable


def test_the_story_in_the_docs_is_what_its_commands_print(retold: Callable[[], tuple[str, str]]) -> None:
    """Every command of docs/story.md prints what stands there; `make docs` tells the story anew."""
    written, now = retold()
    assert now == written
