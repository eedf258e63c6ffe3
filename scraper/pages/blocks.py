"""The captions of a page: each is a credit line and the lines above it that belong to it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from scraper.pages.stream import Line, Seen, Stream, is_quoted
from scraper.pages.tree import ancestors

LABEL = re.compile(r"(?:image caption|photo caption|caption|légende(?: de l[’']image)?)\s*:?", re.IGNORECASE)
#: paragraphs of one caption at most
_LONGEST = 30


@dataclass(slots=True, kw_only=True, eq=False)
class Block:
    """The lines of one caption, ended by its credit line, and where they stand: items ``start`` to ``end``.

    ``bound`` is the first place after the picture, heading or caption before it.
    """

    lines: list[Line]
    bound: int
    start: int
    end: int

    #: what two copies of one caption share
    sameness: str = ""


def normalised(text: str) -> str:
    """Letters and digits alone, without case: what survives a change of quotes, spaces and dashes."""
    return re.sub(r"[\W_]+", "", text.casefold())


def blocks_of(stream: Stream, is_credit: Callable[[str], bool]) -> list[Block]:
    """Every credit line with the lines of its caption above it."""
    found: list[Block] = []
    bound, whole = 0, False
    for at, item in enumerate(stream.items):
        if isinstance(item, Seen) or item.heading or LABEL.fullmatch(item.text):
            # all that stands between a picture or a label and the credit line is the caption
            bound, whole = at + 1, isinstance(item, Seen) or not item.heading
        elif is_credit(item.text):
            lines = [line for line in stream.items[bound : at + 1] if isinstance(line, Line)]
            lines = lines[0 if whole else _start(lines) :][-_LONGEST:]
            found.append(Block(lines=lines, bound=bound, start=at + 1 - len(lines), end=at))
            bound, whole = at + 1, False
    _widen(stream, found)
    return found


def _start(lines: list[Line]) -> int:
    """Where the caption begins that the last of ``lines`` ends: at its quotations, else at the credit line."""
    last = len(lines) - 1
    for index in range(max(0, last - _LONGEST), last):
        if _all_quoted([line.text for line in lines[index:last]]):
            return index
    return last


def _widen(stream: Stream, blocks: list[Block]) -> None:
    """Let each caption begin where the largest part of the page begins that holds no other caption and no heading."""
    closed = {id(tag) for line in stream.lines if 0 < line.heading < 3 for tag in ancestors(line.tag)}
    holders: dict[int, set[int]] = {}
    for number, block in enumerate(blocks):
        for tag in ancestors(block.lines[-1].tag):
            holders.setdefault(id(tag), set()).add(number)
    for number, block in enumerate(blocks):
        own = {
            key for tag in ancestors(block.lines[-1].tag) if holders[key := id(tag)] == {number} and key not in closed
        }
        start = block.start
        while start > max(block.bound, block.end - _LONGEST):
            line = stream.items[start - 1]
            if not isinstance(line, Line) or not any(id(tag) in own for tag in ancestors(line.tag)):
                break
            start -= 1
        if start == block.end:
            start = _like_the_others(stream, block, blocks)
        block.lines = [line for line in stream.items[start : block.end + 1] if isinstance(line, Line)]
        block.start = start
        block.sameness = normalised("".join(line.text for line in block.lines))


def _like_the_others(stream: Stream, block: Block, blocks: list[Block]) -> int:
    """Where a bare credit line's caption begins if it has as many lines as most others, in the same tags."""
    lengths = Counter(len(other.lines) for other in blocks if other is not block)
    usual = lengths.most_common(1)[0][0] if lengths else 1
    tag, start = block.lines[-1].tag, block.end
    while start > max(block.bound, block.end + 1 - usual):
        line = stream.items[start - 1]
        if not isinstance(line, Line) or line.tag.name != tag.name or line.tag.parent is not tag.parent:
            break
        start -= 1
    return start


def _all_quoted(texts: list[str]) -> bool:
    """Whether nothing stands outside quotation marks; a quotation may run over several lines."""
    depth = 0
    for text in texts:
        if depth == 0 and not is_quoted(text):
            return False
        depth += text.count("«") + text.count("“") - text.count("»") - text.count("”")
        if text.count('"') % 2:
            depth += -1 if depth > 0 else 1
        if depth <= 0 and text.rstrip(" .!?…")[-1:] not in tuple("»\"”’'"):
            return False
        depth = max(depth, 0)
    return True
