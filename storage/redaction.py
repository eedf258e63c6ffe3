"""A WARC file without some of its records: which ones stay, and the file written anew with these. Knows no rows."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from storage import warc
from storage.warcfiles import Member, members

_REFERS_TO = re.compile(rb"^WARC-Refers-To:\s*(<[^>\s]+>)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What becomes of a file: places and lengths of the records that stay, and the places of the answers that go.

    ``is_whole`` says that nothing goes.
    """

    kept: tuple[tuple[int, int], ...]
    answers: frozenset[int]
    is_whole: bool

    @property
    def holds_answers(self) -> bool:
        """Whether more stays than the record with which a file begins."""
        return len(self.kept) > 1


def cut_of(path: Path, indexed: Iterable[int], doomed: Callable[[int, bytes], bool], gone: set[str]) -> Cut:
    """Which records of a file go: each answer that is ``doomed``, with its request, and what cannot be read whole.

    A record that refers to an answer which goes, because the same bytes came again, goes with it.

    Args:
        path: the file.
        indexed: where its answers begin, as the index has it: what lies behind a damage is found by that.
        doomed: given the place of an answer and its body, says whether it goes.
        gone: ids of the answers that go, from the older files; those of this one are added.

    Raises:
        OSError: the disk is at fault.
    """
    kept: list[tuple[int, int]] = []
    answers: set[int] = set()
    damaged: list[int] = []
    with path.open("rb") as file:
        asked, is_whole = False, True
        for member in _whole(file, sorted(indexed), damaged):
            goes = False
            if member.kind == "response":
                goes = _goes(file, member, doomed, gone)
                answers |= {member.offset} if goes else set()
            elif member.kind == "revisit":
                goes = _refers_to(file, member) in gone
            if not goes:
                kept.append((member.offset, member.length))
            elif asked:
                kept.pop()
            is_whole = is_whole and not goes
            asked = member.kind == "request"
    return Cut(kept=tuple(kept), answers=frozenset(answers), is_whole=is_whole and not damaged)


def rewrite(path: Path, target: Path, cut: Cut) -> dict[int, int]:
    """Write what stays of a file, byte for byte, durably; where each record lay and where it lies.

    Raises:
        OSError: the disk is at fault; then ``target`` is incomplete.
    """
    moved: dict[int, int] = {}
    with path.open("rb") as file, target.open("wb") as out:
        for offset, length in cut.kept:
            moved[offset] = out.tell()
            file.seek(offset)
            while length:
                chunk = file.read(min(length, 2**20))
                out.write(chunk)
                length -= len(chunk)
        out.flush()
        os.fsync(out.fileno())
    return moved


def _goes(file: BinaryIO, member: Member, doomed: Callable[[int, bytes], bool], gone: set[str]) -> bool:
    file.seek(member.offset)
    try:
        answer = warc.answer_of(file.read(member.length))
    except ValueError:
        # nobody can say what it holds
        return True
    goes = doomed(member.offset, answer.body)
    if goes:
        gone.add(answer.record_id)
    return goes


def _refers_to(file: BinaryIO, member: Member) -> str:
    file.seek(member.offset)
    found = _REFERS_TO.search(gzip.decompress(file.read(member.length)))
    return found[1].decode() if found else ""


def _whole(file: BinaryIO, indexed: list[int], damaged: list[int]) -> Iterator[Member]:
    """The whole records of a file in order; the places of what is none are added to ``damaged``."""
    at: int | None = 0
    while at is not None:
        end = at
        try:
            for member in members(file, at):
                # whoever takes it reads elsewhere in the file: ``members`` finds its place again by itself
                yield member
                end = member.offset + member.length
            return
        except ValueError:
            damaged.append(end)
            at = next((place for place in indexed if place > end), None)
