"""How fast pictures that look alike are found, beside comparing with every one.

    python benchmarks/links.py [--pictures 1200000] [--database URL]

Fingerprints are made up: two thirds at random, a third in clusters of some hundreds that are 2 bits from a common one.
Half of the questions are for the middle of a cluster. URL is an empty database of a PostgreSQL server.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from storage import likeness
from storage.engine import open_database
from storage.settings import ArchiveSettings

CLUSTERS, QUESTIONS = 1000, 200
ASSET = "('{:064x}', 'image/jpeg', 'jpg', 1, 1, 1, '[]', '2020-01-01 00:00:00+00:00')"


def made_up(pictures: int, chance: random.Random, middles: list[int]) -> Iterator[tuple[int, int]]:
    """Numbers of pictures and their fingerprints as a database has them."""
    for number in range(pictures):
        look = chance.getrandbits(64)
        if number % 3 == 0:
            look = middles[number % CLUSTERS] ^ 1 << chance.randrange(64) ^ 1 << chance.randrange(64)
        yield number, likeness.signed(look)


def main() -> None:
    """Fill, ask, compare, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1_200_000)
    parser.add_argument("--database", help="an empty database of a PostgreSQL server")
    options = parser.parse_args()
    chance = random.Random(1)
    middles = [chance.getrandbits(64) for _ in range(CLUSTERS)]
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(ArchiveSettings(folder=Path(folder) / "archive", database=options.database))
        rows = made_up(options.pictures, chance, middles)
        with database.write() as connection:
            while batch := [row for row, _ in zip(rows, range(5000), strict=False)]:
                assets = ",".join(ASSET.format(number) for number, _ in batch)
                connection.exec_driver_sql(f"INSERT INTO assets VALUES {assets}")
                looks = ",".join(
                    f"('{number:064x}', {look}, {', '.join(map(str, likeness.bands(look)))})" for number, look in batch
                )
                connection.exec_driver_sql(f"INSERT INTO fingerprints VALUES {looks.replace(')', ', NULL)')}")
        database.optimise()
        with database.read() as connection:
            took = []
            for number in range(QUESTIONS):
                look = likeness.signed(middles[number] if number % 2 else chance.getrandbits(64))
                began = time.perf_counter()
                likeness.files_like(connection, [look])
                took.append(time.perf_counter() - began)
            took.sort()
            look = likeness.signed(middles[3])
            began = time.perf_counter()
            every = connection.exec_driver_sql("SELECT DISTINCT hash FROM fingerprints").scalars()
            scanned = sorted(
                (far, other) for other in every if (far := likeness.distance(look, other)) <= likeness.RADIUS
            )
            scan = time.perf_counter() - began
            began = time.perf_counter()
            found = likeness.near(connection, [look])[look]
            bands = time.perf_counter() - began
        assert found == scanned
        print(f"{options.pictures:,} pictures: p50 {took[QUESTIONS // 2] * 1e3:.1f} ms,", end=" ")
        print(f"p95 {took[QUESTIONS * 95 // 100] * 1e3:.1f} ms; comparing with every one {scan:.2f} s,", end=" ")
        print(f"{scan / bands:.0f} times as long, the same {len(found)} found")
        database.close()


if __name__ == "__main__":
    main()
