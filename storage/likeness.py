"""Which fingerprints of pictures are near each other: found by bands of their bits, in all pictures that are held.

A fingerprint has 64 bits (``scraper.fingerprint``), and two pictures look alike when at most ``RADIUS`` of them differ.
The bits are cut into bands of 22, 21 and 21. Of 6 bits that differ, fewer than 2 lie in one of the bands, or 2 in
each: so what is near is found under the bands of a fingerprint as they are, with each of their bits turned over, and,
in the first one, with each two of them. That is exact, and 278 places to look at however many pictures there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from sqlalchemy import Connection

#: two pictures look alike when at most so many of their 64 bits differ
RADIUS = 6
#: of a picture that is like more others than this, the nearest are known as such
MOST = 50

#: where each band begins in the 64 bits, and how many it has
_BANDS = ((42, 22), (21, 21), (0, 21))
_COLUMNS = ("band_1", "band_2", "band_3")
_SINGLE = [[0, *(1 << bit for bit in range(width))] for _, width in _BANDS]
_TURNED = [
    [*_SINGLE[0], *(1 << one | 1 << other for one, other in combinations(range(_BANDS[0][1]), 2))],
    *_SINGLE[1:],
]
#: fingerprints that are looked for at once
_MANY = 50


def signed(bits: int) -> int:
    """64 bits as the whole number that a database has for them."""
    return bits - (1 << 64) if bits >> 63 else bits


def bands(number: int) -> tuple[int, int, int]:
    """The bands of a fingerprint, given as a database has it."""
    first, second, third = ((number >> start) & ((1 << width) - 1) for start, width in _BANDS)
    return first, second, third


def distance(one: int, other: int) -> int:
    """How many bits of two fingerprints differ, as a database has them."""
    return ((one ^ other) & (1 << 64) - 1).bit_count()


def near(connection: Connection, hashes: Iterable[int]) -> dict[int, list[tuple[int, int]]]:
    """For each of these the distance and fingerprint of all held ones within the radius, nearest first; itself, too."""
    found: dict[int, list[tuple[int, int]]] = {}
    wanted = list(dict.fromkeys(hashes))
    for at in range(0, len(wanted), _MANY):
        some = wanted[at : at + _MANY]
        candidates: dict[int, set[int]] = {one: set() for one in some}
        for place, column in enumerate(_COLUMNS):
            under = _under(connection, place, column, some)
            for one in some:
                band = bands(one)[place]
                for turned in _TURNED[place]:
                    candidates[one].update(under.get(band ^ turned, ()))
        for one in some:
            measured = sorted((distance(one, other), other) for other in candidates[one])
            found[one] = [pair for pair in measured if pair[0] <= RADIUS]
    return found


def _under(connection: Connection, place: int, column: str, hashes: Sequence[int]) -> Mapping[int, Sequence[int]]:
    """The fingerprints held under the bands of these, as they are and with bits turned over."""
    places = {band ^ turned for band in {bands(one)[place] for one in hashes} for turned in _TURNED[place]}
    query = f"SELECT DISTINCT {column}, hash FROM fingerprints WHERE {column} IN ({_listed(places)})"  # noqa: S608 - numbers
    found: defaultdict[int, list[int]] = defaultdict(list)
    for band, number in connection.exec_driver_sql(query):
        found[band].append(number)
    return found


def settle(connection: Connection, hashes: Iterable[int]) -> None:
    """See that ``alike`` tells of these fingerprints which others are near; each is in it with itself, too."""
    wanted = sorted(set(hashes))
    if not wanted:
        return
    known = f"SELECT hash FROM alike WHERE hash = other AND hash IN ({_listed(wanted)})"  # noqa: S608 - numbers
    new = set(wanted) - set(connection.exec_driver_sql(known).scalars())
    pairs = {
        pair
        for one, others in near(connection, sorted(new)).items()
        for far, other in [(0, one), *[(far, other) for far, other in others if far][:MOST]]
        for pair in ((one, other, far), (other, one, far))
    }
    rows = sorted(pairs)
    for at in range(0, len(rows), 500):
        values = ",".join(f"({one},{other},{far})" for one, other, far in rows[at : at + 500])
        connection.exec_driver_sql(f"INSERT INTO alike (hash, other, distance) VALUES {values} ON CONFLICT DO NOTHING")  # noqa: S608


def files_like(connection: Connection, hashes: Iterable[int]) -> list[str]:
    """The SHA-256 of all held pictures whose fingerprint is near one of these."""
    close = {other for others in near(connection, hashes).values() for _, other in others}
    if not close:
        return []
    first = {bands(other)[0] for other in close}
    query = f"SELECT sha256 FROM fingerprints WHERE band_1 IN ({_listed(first)}) AND hash IN ({_listed(close)})"  # noqa: S608
    return sorted(connection.exec_driver_sql(query).scalars())


def _listed(numbers: Iterable[int]) -> str:
    return ",".join(map(str, sorted(numbers))) or "NULL"
