"""How common a word is in each language, looked up in words.txt; the file is searched as it stands.

The table is made by ``make tables`` and explained in tuning/words.py; words.LICENSE has its terms.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from math import log
from pathlib import Path

#: a language's letter in the file
_LETTERS = {
    "f": "fr", "e": "en", "d": "de", "s": "es", "i": "it", "p": "pt", "n": "nl", "l": "pl", "c": "ca", "r": "ro",
    "v": "sv",
}  # fmt: skip
#: the power of ten that the sign ``0`` means, and how many signs there are to the next one
_RAREST, _STEPS = -8.0, 5


@lru_cache(maxsize=1)
def _lines() -> list[bytes]:
    return Path(__file__).with_name("words.txt").read_bytes().split(b"\n")


def find(word: str) -> dict[str, float]:
    """By language the natural logarithm of how common ``word`` is there; empty for a word that is not in the file.

    Args:
        word: in small letters, composed (NFC), with straight apostrophes.
    """
    wanted = word.encode("utf-8", "surrogatepass") + b"\t"
    lines = _lines()
    line = lines[bisect_left(lines, wanted, hi=len(lines) - 1)]
    if not line.startswith(wanted):
        return {}
    signs = line[len(wanted) :].decode("ascii")
    return {
        _LETTERS[letter]: (_RAREST + (ord(sign) - ord("0")) / _STEPS) * log(10)
        for letter, sign in zip(signs[::2], signs[1::2], strict=True)
    }
