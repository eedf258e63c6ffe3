"""Make scraper/text/letters.gz, the table of how likely letters are in each language, from langdetect's profiles.

Usage: ``python benchmarks/tuning/letters.py [FILE]`` (``make tables``). The same langdetect makes the same bytes.
The profiles are counts of groups of one, two and three letters in Wikipedia (Apache-2.0: see
scraper/text/letters.LICENSE); a space in a group is where a word begins or ends.

The first line names the languages, the second the groups, parted by tabs. What follows is, for each group and then
for each language, how unlikely the group's last letter is behind the others, in millionths of a nat, as four bytes, the
least significant first. A group that begins with a space and has one letter is a word's first letter; the group of no
letter stands for all that no profile has.
"""

from __future__ import annotations

import gzip
import json
import sys
import unicodedata
from importlib.util import find_spec
from math import log
from pathlib import Path
from struct import pack

from scraper.text.tables import LANGUAGES

#: weights of the three-, two- and one-letter groups: the profiles hold the commoner groups only
W3, W2, W1 = 0.62, 0.30, 0.08
FLOOR = 1e-4
#: so many units are a nat
SCALE = 1e6
#: how much of an accented letter group's count its unaccented twin is given: posts are typed in haste
UNACCENTED = 0.10

Profile = dict[str, float]


def profile(language: str) -> Profile:
    """By group how often it was counted; of ``" "`` how many words began, and of ``""`` how many letters there were."""
    # found, not imported: importing langdetect builds its detector factory and draws in `random` and `six`
    spec = find_spec("langdetect")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("langdetect, whose profiles the table is made from, is not installed")
    file = Path(spec.submodule_search_locations[0]) / "profiles" / language
    raw: dict[str, int] = json.loads(file.read_bytes())["freq"]
    table: Profile = {}
    initials = letters = 0.0
    for group, count in raw.items():
        small = group.lower()
        table[small] = table.get(small, 0.0) + count
        if not small.isascii():
            twin = unaccented(small)
            table[twin] = table.get(twin, 0.0) + count * UNACCENTED
        if len(group) == 2 and group[0] == " ":
            initials += count
        elif len(group) == 1:
            letters += count
    table[" "] = initials
    table[""] = letters + initials
    return table


def unaccented(text: str) -> str:
    """``text`` without its accents."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def likely(group: str, table: Profile) -> float:
    """How likely the last letter of ``group`` is behind the ones before it."""
    p = W1 * table.get(group[-1:], 0.0) / table[""] if group else 0.0
    for size, weight in ((2, W2), (3, W3)):
        part = group[-size:]
        before = table.get(part[:-1], 0.0)
        if len(part) == size and before:
            p += weight * min(table.get(part, 0.0) / before, 1.0)
    if len(group) == 2 and group[0] == " ":
        p *= 1.0 + W3 / W2
    return p


def main() -> None:
    """Write the table to the file named, or to its place in the package."""
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "scraper/text/letters.gz"
    tables = [profile(language) for language in LANGUAGES]
    met = {group for table in tables for group in table}
    groups = sorted(met | {f" {group}" for group in met if len(group) == 1})
    numbers = [round(-log(likely(group, table) + FLOOR) * SCALE) for group in groups for table in tables]
    head = " ".join(LANGUAGES) + "\n" + "\t".join(groups) + "\n"
    place.write_bytes(gzip.compress(head.encode() + pack(f"<{len(numbers)}I", *numbers), mtime=0))
    print(f"{place}: {len(groups):,} groups, {place.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
