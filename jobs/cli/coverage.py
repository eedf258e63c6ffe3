"""The days of a mission as a strip: where there are posts, and where there are none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import RenderableType
from rich.text import Text

from jobs.cli.bars import Signs, step
from jobs.cli.wording import counted
from jobs.logs import printable
from storage.coverage import Coverage

#: missions that are told
MISSIONS = 6


def coverage(missions: Sequence[Coverage], width: int, drawn: Signs) -> Iterator[RenderableType]:
    """For each mission how many of its days have a post, a strip of all of its days, and the longest gap."""
    # where there are missions, what belongs to none has no beginning and no end
    told = [one for one in missions if one.mission is not None] or list(missions)
    if not told:
        return
    yield Text("Days with a post", style="bold")
    for one in told[:MISSIONS]:
        yield from _mission(one, width, drawn)
    if len(told) > MISSIONS:
        yield Text(f"and {len(told) - MISSIONS:,} more missions: --mission tells of one, --json of all")
    yield Text()


def _mission(one: Coverage, width: int, drawn: Signs) -> Iterator[RenderableType]:
    days = one.days + one.missing
    span = f"{one.first} to {one.last}"
    name = printable(one.mission or "no mission")
    room = max(width - cell_len(span) - 2, 8)
    yield Text(f"{name if cell_len(name) <= room else set_cell_size(name, room - 1) + '…'}  {span}")
    yield Text(_strip(one, width, drawn), style="green")
    share = f"{one.days:,} of {counted(days, 'day')} ({100 * one.days // days}%)"
    if one.longest is None:
        yield Text(f"{share}, no gap")
        return
    gap = one.longest
    when = f"on {gap.first}" if gap.days == 1 else f"{gap.first} to {gap.last}"
    yield Text(f"{share}; longest gap {counted(gap.days, 'day')}, {when}")


def _strip(one: Coverage, width: int, drawn: Signs) -> str:
    """A cell for each day, or for some days together: as high as the share of them that has a post."""
    days = one.days + one.missing
    per = -(-days // width)
    held = [min(per, days - at) for at in range(0, days, per)]
    whole = list(held)
    for gap in one.gaps:
        start, end = (gap.first - one.first).days, (gap.last - one.first).days + 1
        for cell in range(start // per, (end - 1) // per + 1):
            held[cell] -= min(end, (cell + 1) * per) - max(start, cell * per)
    return "".join(step(posts, of, drawn) for posts, of in zip(held, whole, strict=True))
