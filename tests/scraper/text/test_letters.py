"""The table of letters: where it comes from, what it says of letters it does not have, and that long words fit it."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

from scraper.text import letters
from scraper.text.letters import SCALE, costs_of
from scraper.text.tables import LANGUAGES, score

ROOT = Path(__file__).parents[3]
TABLE = Path(letters.__file__).with_name("letters.gz")


def spelling(word: str) -> list[float]:
    """Log-likelihood of the letters of ``word`` in each of the table's languages."""
    return [cost / SCALE for cost in costs_of(word)]


def test_the_table_is_what_its_script_makes_of_langdetects_profiles(tmp_path: Path) -> None:
    """``make tables`` gives the file that is in the repository, for the languages in their order."""
    made = tmp_path / "letters.gz"
    command = [sys.executable, str(ROOT / "benchmarks/tuning/letters.py"), str(made)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env={"PYTHONPATH": str(ROOT)})
    content = gzip.decompress(made.read_bytes())
    assert content == gzip.decompress(TABLE.read_bytes())
    assert content.partition(b"\n")[0].decode().split() == list(LANGUAGES)


def test_letters_that_no_profile_has_are_as_unlikely_as_those_without_the_first() -> None:
    """A group is looked up, then its last two letters, then the last; a letter of no language tells nothing."""
    # no profile has «qxz»: what stands before its «z» changes nothing
    assert [a - b for a, b in zip(spelling("\ud800\ud800z"), spelling("\ud801\ud801z"), strict=True)] == [0.0] * 12


def test_the_longest_word_that_is_looked_at_never_runs_into_another_languages_sum() -> None:
    """All languages are summed as one number: the unlikeliest letters, as many as there may be, keep them apart."""
    once, often = spelling("\ud800" * 30), spelling("\ud800" * 60)
    for a, b in zip(once, often, strict=True):
        assert 200 < -a < -b < 600
    assert score("\ud800" * 1000) == score("\ud800" * 24)


def test_nothing_is_kept_of_the_words_that_come_by() -> None:
    """Letters that no profile has leave the table as it was, so that memory does not grow with what is read."""
    costs = letters._table()[0]
    before = len(costs)
    for code in range(0x4E00, 0x4F00):
        spelling(chr(code) * 5)
    assert len(costs) == before
