"""How likely a word's letters are in each language, looked up in letters.gz.

The table is made by ``make tables`` from langdetect's profiles and explained in benchmarks/tuning/letters.py;
letters.LICENSE has its terms. langdetect's *detector* is not used here: it draws random samples, takes milliseconds a
text and skips words in capitals. Its *profiles* are good, and summed as they are they give the same answer on every
run and every machine.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path
from struct import Struct

#: the table's numbers are against the language, in millionths of a nat; those of all languages are added up as one long
#: number, in which each has four bytes: two dozen letters never fill them
SCALE = -1e6


class _Costs(dict[str, int]):
    """By group of letters how unlikely its last one is after the others, in all languages, as one packed number.

    What is not in it is as unlikely as without its first letter; the group of no letter is in it.
    """

    def __missing__(self, group: str) -> int:
        return self[group[1:]]


@lru_cache(maxsize=1)
def _table() -> tuple[_Costs, Struct]:
    """The table, and how its numbers are taken apart."""
    head, groups, numbers = gzip.decompress(Path(__file__).with_name("letters.gz").read_bytes()).split(b"\n", 2)
    fields = Struct(f"<{len(head.split())}I")
    rows = [int.from_bytes(numbers[at : at + fields.size], "little") for at in range(0, len(numbers), fields.size)]
    return _Costs(zip(groups.decode().split("\t"), rows, strict=True)), fields


def costs_of(word: str) -> tuple[int, ...]:
    """How unlikely the letters of ``word`` are in each of the table's languages, in millionths of a nat.

    Args:
        word: in small letters, composed (NFC); a hundred letters at most, so that no field overflows.
    """
    costs, fields = _table()
    padded = f" {word} "
    total = costs[padded[:2]]
    for at in range(len(word)):
        total += costs[padded[at : at + 3]]
    return fields.unpack(total.to_bytes(fields.size, "little"))
