"""Which words stand with which picture, whatever the tags: of several ways, the one that explains most is taken."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from scraper.pages.blocks import LABEL, Block, blocks_of
from scraper.pages.images import Picture
from scraper.pages.stream import Line, Seen, Stream, is_quoted
from scraper.pages.tree import ancestors, attribute

_REFERENCES = (
    "href", "data-target", "data-bs-target", "data-modal", "data-caption-id", "data-id", "data-ref", "data-for",
    "aria-describedby", "aria-labelledby", "aria-controls", "aria-details",
)  # fmt: skip


@dataclass(slots=True, kw_only=True, eq=False)
class Group:
    """A picture and the words that stand with it; either may be missing."""

    picture: Picture | None = None
    lines: list[str] = field(default_factory=list)
    title: str | None = None


def groups_of(stream: Stream, is_credit: Callable[[str], bool], lead: str | None) -> tuple[list[Group], list[Line]]:
    """The pictures with their words in the page's order, and the lines that belong to no picture.

    Pictures that are links to other pages count only where their captions need them; the one with the key ``lead``
    is the page's own, and none of these, where others have captions and it has none.
    """
    blocks = blocks_of(stream, is_credit)
    pictures = [picture for picture in stream.pictures if picture.teaser_of is None]
    assigned = _assign(stream, blocks, pictures)
    if len(pictures) < len(stream.pictures) and len(assigned) < len({block.sameness for block in blocks}):
        wider = _assign(stream, blocks, stream.pictures)
        if len(wider) > len(assigned):
            assigned = wider
    captioned = {id(picture) for picture in assigned.values()}
    pictures = [
        picture
        for picture in stream.pictures
        if id(picture) in captioned or (picture.teaser_of is None and not (captioned and picture.key == lead))
    ]
    return _collect(stream, blocks, assigned, pictures)


def _assign(stream: Stream, blocks: list[Block], pictures: list[Picture]) -> dict[str, Picture]:
    """The picture of each caption (by its sameness), by whichever way gives most captions a picture of their own."""
    near = _Nearness(stream, blocks, pictures)
    best: dict[str, Picture] = {}
    for way in (near.by_reference, near.by_container, near.before, near.after):
        best = max(best, _sole(way, blocks), key=len)
    # captions that stand by no picture are told apart by their order alone, and only where none does
    return best if _sole(near.by_container, blocks) else max(best, _sole(near.in_order, blocks), key=len)


def _sole(way: Callable[[Block], Picture | None], blocks: list[Block]) -> dict[str, Picture]:
    """What a way finds, without the pictures that several captions claim: such a one is the page's, not theirs."""
    found: dict[str, Picture] = {}
    for block in blocks:
        picture = way(block)
        if picture is not None:
            found.setdefault(block.sameness, picture)
    claims = Counter(id(picture) for picture in found.values())
    return {same: picture for same, picture in found.items() if claims[id(picture)] == 1}


class _Nearness:
    """The ways to find the picture of a caption."""

    def __init__(self, stream: Stream, blocks: list[Block], pictures: list[Picture]) -> None:
        wanted = {id(picture) for picture in pictures}
        places = [
            (at, item) for at, item in enumerate(stream.items) if isinstance(item, Seen) and id(item.picture) in wanted
        ]
        self._within = within(pictures)
        self._by_id = _references(pictures)
        self._before: dict[int, Picture] = {}
        self._after: dict[int, Picture] = {}
        seen = [at for at, _ in places]
        for index, block in enumerate(blocks):
            lowest = blocks[index - 1].end if index else -1
            highest = blocks[index + 1].start if index + 1 < len(blocks) else len(stream.items)
            ahead, behind = bisect_left(seen, block.end) - 1, bisect_right(seen, block.end)
            if ahead >= 0 and seen[ahead] > lowest:
                self._before[id(block)] = places[ahead][1].picture
            if behind < len(seen) and seen[behind] < highest:
                self._after[id(block)] = places[behind][1].picture
        once = list({block.sameness: block for block in blocks})
        self._order = dict(zip(once, pictures, strict=True)) if len(once) == len(pictures) else {}

    def by_reference(self, block: Block) -> Picture | None:
        """The picture with an attribute that names the id of something around the caption."""
        named = (attribute(tag, "id") for line in block.lines for tag in ancestors(line.tag))
        return next((self._by_id[name] for name in named if name in self._by_id), None)

    def by_container(self, block: Block) -> Picture | None:
        """The only picture in the smallest part of the page that holds the caption and any picture."""
        for tag in ancestors(block.lines[-1].tag):
            if id(tag) in self._within:
                return self._within[id(tag)]
        return None

    def before(self, block: Block) -> Picture | None:
        """The picture last shown before the caption."""
        return self._before.get(id(block))

    def after(self, block: Block) -> Picture | None:
        """The picture first shown after the caption."""
        return self._after.get(id(block))

    def in_order(self, block: Block) -> Picture | None:
        """The first caption is the first picture's and so on, where there are as many of both."""
        return self._order.get(block.sameness)


def within(pictures: list[Picture]) -> dict[int, Picture | None]:
    """For each tag (by ``id``) that holds pictures: the only one it holds, or None where there are several."""
    held: dict[int, Picture | None] = {}
    for picture in pictures:
        for shown in picture.tags:
            for tag in ancestors(shown):
                if held.setdefault(id(tag), picture) is not picture:
                    held[id(tag)] = None
    return held


def _references(pictures: list[Picture]) -> dict[str, Picture]:
    named: dict[str, Picture | None] = {}
    single = within(pictures)
    for picture in pictures:
        for shown in picture.tags:
            for tag in ancestors(shown):
                if single.get(id(tag)) is not picture:
                    break
                for name in _REFERENCES:
                    target = attribute(tag, name).strip().removeprefix("#")
                    if target and named.setdefault(target, picture) is not picture:
                        named[target] = None
    return {name: picture for name, picture in named.items() if picture is not None}


def _collect(
    stream: Stream, blocks: list[Block], assigned: dict[str, Picture], pictures: list[Picture]
) -> tuple[list[Group], list[Line]]:
    taken = {at for block in blocks for at in range(block.start, block.end + 1)}
    taken |= {at for at, item in enumerate(stream.items) if isinstance(item, Line) and LABEL.fullmatch(item.text)}
    territory = _territories(stream, pictures)
    seen: dict[int, int] = {}
    for at, item in enumerate(stream.items):
        if isinstance(item, Seen):
            seen.setdefault(id(item.picture), at)
    groups = {id(picture): Group(picture=picture) for picture in pictures}
    placed = [(seen[key], group) for key, group in groups.items()]
    told: set[str] = set()
    for block in blocks:
        if block.sameness not in told:
            told.add(block.sameness)
            picture = assigned.get(block.sameness)
            group = groups[id(picture)] if picture is not None else Group()
            group.lines = [line.text for line in block.lines]
            if picture is None:
                placed.append((block.start, group))
    for key, group in groups.items():
        held = [at for at in territory.get(key, ()) if at not in taken]
        taken.update(_describe(group, stream, held, seen[key], taken))
    rest = [item for at, item in enumerate(stream.items) if isinstance(item, Line) and at not in taken]
    return [group for _, group in sorted(placed, key=lambda pair: pair[0])], rest


def _territories(stream: Stream, pictures: list[Picture]) -> dict[int, list[int]]:
    """By picture, the lines in the largest part of the page around it that holds no other picture and no title."""
    if len(pictures) < 2:
        return {}
    single = within(pictures)
    titled = {id(tag) for line in stream.lines if line.heading == 1 for tag in ancestors(line.tag)}
    owned: dict[int, list[int]] = {}
    for at, item in enumerate(stream.items):
        if isinstance(item, Line):
            nearest = next((tag for tag in ancestors(item.tag) if id(tag) in single), None)
            picture = single[id(nearest)] if nearest is not None and id(nearest) not in titled else None
            if picture is not None:
                owned.setdefault(id(picture), []).append(at)
    return owned


def _describe(group: Group, stream: Stream, held: list[int], seen: int, taken: set[int]) -> list[int]:
    """Give the group the heading and the words that stand with its picture; the places of what was used."""
    lines = {at: item for at in held if isinstance(item := stream.items[at], Line)}
    heading = next((at for at, line in lines.items() if line.heading), None)
    if heading is not None:
        group.title = lines.pop(heading).text
    used = [heading] if heading is not None else []
    if group.lines:
        # half of a caption above the picture and half below it
        above = [at for at, line in lines.items() if at < seen and is_quoted(line.text)]
        group.lines = [lines[at].text for at in above] + group.lines
        return used + above
    below = [at for at in lines if at > seen]
    chosen = [at for at, line in lines.items() if at > seen or not below or is_quoted(line.text)]
    chosen = chosen or _quoted_run(stream, seen + 1, taken)
    group.lines = [item.text for at in chosen if isinstance(item := stream.items[at], Line)]
    if not group.lines and group.picture is not None:
        group.lines = list(group.picture.spoken)
    return used + chosen


def _quoted_run(stream: Stream, at: int, taken: set[int]) -> list[int]:
    """The places of the quotations that begin at ``at`` and follow each other."""
    run: list[int] = []
    for place in range(at, len(stream.items)):
        item = stream.items[place]
        if not isinstance(item, Line) or not (is_quoted(item.text) or LABEL.fullmatch(item.text)) or item.heading:
            break
        if place not in taken:
            run.append(place)
    return run
