"""How large the archive is and how it grew, whatever posts are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from jobs.cli.bars import LINES, Signs, bar
from jobs.cli.wording import size
from storage.tally import Tally


def growth(tally: Tally, width: int, drawn: Signs) -> Iterator[RenderableType]:
    """The parts of the archive in bytes, and what was archived first in each month; each year where they are many."""
    parts = {"database": tally.size.database, "pictures": tally.size.media, "answers": tally.size.warc}
    yield Text("The whole archive", style="bold")
    yield Text(f"{size(sum(parts.values()))}: {', '.join(f'{name} {size(number)}' for name, number in parts.items())}")
    letters = 7 if len(tally.growth) <= LINES else 4
    posts: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for month in tally.growth:
        posts[month.month[:letters]] += month.posts
        held[month.month[:letters]] += month.bytes
    names = list(posts)
    for name, numbers in (("earlier", names[:-LINES]),) if len(names) > LINES else ():
        for number in numbers:
            posts[name] += posts.pop(number)
            held[name] += held.pop(number)
    told = sorted(posts, key=lambda name: (name != "earlier", name))
    if not told:
        yield Text()
        return
    yield Text(f"New by {'month' if letters == 7 else 'year'}: posts, bytes of pictures", style="bold")
    wide = max(len(name) for name in told)
    digits, bytes_ = max(len(f"{posts[name]:,}") for name in told), max(len(size(held[name])) for name in told)
    room = max(width - wide - digits - bytes_ - 3, 1)
    for name in told:
        line = bar(posts[name], max(posts.values()) or 1, room, drawn)
        yield Text(f"{name:<{wide}} {posts[name]:>{digits},} {size(held[name]):>{bytes_}} {line}")
    yield Text()
