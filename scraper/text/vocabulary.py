"""How common a word is in each language, looked up in words.txt.gz; its text is searched as it stands.

The table is made by ``make tables`` and explained in benchmarks/tuning/words.py; words.LICENSE has its terms.
"""

from __future__ import annotations

import gzip
from bisect import bisect_right
from functools import lru_cache
from math import log
from pathlib import Path
from typing import NamedTuple

#: by a language's letter in the file, as its code, the language
LETTERS = {ord(letter): language for letter, language in {
    "f": "fr", "e": "en", "d": "de", "s": "es", "i": "it", "p": "pt", "n": "nl", "l": "pl", "c": "ca", "r": "ro",
    "v": "sv",
}.items()}  # fmt: skip
#: the power of ten that the sign ``0`` means, and how many signs there are to the next one
_RAREST, _STEPS = -8.0, 5
#: by sign, as its code, the natural logarithm of how common it says that a word is
NATS = [(_RAREST + (code - ord("0")) / _STEPS) * log(10) for code in range(128)]


#: so many bytes of the table are looked through for a word
_BLOCK = 512


class _Table(NamedTuple):
    """The lines of the table, each between two line ends, and the first word of each block with where it begins."""

    lines: bytes
    firsts: list[bytes]
    starts: list[int]


@lru_cache(maxsize=1)
def _table() -> _Table:
    lines = b"\n" + gzip.decompress(Path(__file__).with_name("words.txt.gz").read_bytes())
    starts = [lines.find(b"\n", at) for at in range(0, len(lines) - _BLOCK, _BLOCK)]
    firsts = [lines[start + 1 : lines.find(b"\t", start)] for start in starts]
    return _Table(lines, firsts, [*starts, len(lines)])


def signs(word: str) -> bytes:
    """What the table has of ``word``, two signs for each language that knows it: its letter, and how common it is.

    Args:
        word: in small letters, composed (NFC), with straight apostrophes.
    """
    wanted = word.encode("utf-8", "surrogatepass")
    lines, firsts, starts = _table()
    block = bisect_right(firsts, wanted) or 1
    at = lines.find(b"\n%b\t" % wanted, starts[block - 1], starts[block])
    if at < 0:
        return b""
    at += len(wanted) + 2
    return lines[at : lines.find(b"\n", at)]


def find(word: str) -> dict[str, float]:
    """By language the natural logarithm of how common ``word`` is there; empty for a word that is not in the file.

    Args:
        word: as for ``signs``.
    """
    found = signs(word)
    return {LETTERS[found[i]]: NATS[found[i + 1]] for i in range(0, len(found), 2)}
