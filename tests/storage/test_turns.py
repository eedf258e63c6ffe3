"""Which part of an archive is read next, how old the oldest look is, and how missed looks are made up for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.damage import Share
from storage.turns import MOST, NAME, Covered, covered, due_share, next_share, note

NOW = datetime(2017, 6, 2, 3, 0, tzinfo=UTC)
DAY, MONTH = timedelta(days=1), timedelta(days=30)


def nights(folder: Path, begin: int, count: int) -> list[Share]:
    """One look a night; what was read in each."""
    read = []
    for night in range(begin, begin + count):
        read.append(due_share(folder, MONTH, DAY, NOW + night * DAY))
        note(folder, read[-1], NOW + night * DAY)
    return read


def test_a_month_of_nights_reads_everything_once(tmp_path: Path) -> None:
    """Thirty parts, each once; the oldest is then as old as the first night."""
    assert covered(tmp_path) == Covered(share=0.0, oldest=None)
    read = nights(tmp_path, 0, 30)
    assert sorted(share.part for share in read) == list(range(30))
    assert covered(tmp_path) == Covered(share=pytest.approx(1.0), oldest=NOW)
    assert nights(tmp_path, 30, 1) == [Share(part=0, of=30)]
    assert covered(tmp_path).oldest == NOW + DAY


def test_missed_nights_are_made_up_for(tmp_path: Path) -> None:
    """After ten nights off some nights read more, but not all at once, until nothing is older than a month."""
    nights(tmp_path, 0, 30)
    late = nights(tmp_path, 40, 8)
    assert Share.from_place(late[0].end, 30).part == MOST, "the first night reads four parts"
    assert {share.of for share in late} >= {30 // MOST, 30}
    oldest = covered(tmp_path).oldest
    assert oldest is not None
    assert NOW + 47 * DAY - oldest <= MONTH


def test_a_whole_look_makes_all_of_it_new(tmp_path: Path) -> None:
    """`cupola verify` without a share counts as a look at every part."""
    nights(tmp_path, 0, 12)
    note(tmp_path, Share(), NOW + MONTH)
    assert covered(tmp_path) == Covered(share=1.0, oldest=NOW + MONTH)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_looks_of_any_size_follow_one_another(tmp_path_factory: pytest.TempPathFactory, sizes: list[int]) -> None:
    """Stretches never overlap, and what is covered only grows."""
    folder, before = tmp_path_factory.mktemp("turns"), 0.0
    for number, of in enumerate(sizes):
        note(folder, next_share(folder, of), NOW + number * DAY)
        now = covered(folder).share
        assert before - 1e-9 <= now <= 1 + 1e-9
        before = now


@pytest.mark.parametrize("left", ["", "[]", "null", '{"next": "1/0", "read": [["x", "y", "z"]]}', '{"next": "1/4"}'])
def test_a_note_that_is_none_of_ours_costs_a_second_look_at_most(tmp_path: Path, left: str) -> None:
    """Also the note of an older version, which knew no times."""
    (tmp_path / NAME).write_text(left)
    assert covered(tmp_path) == Covered(share=0.0, oldest=None)
    assert next_share(tmp_path, 4).part == (1 if "1/4" in left else 0)
    note(tmp_path, Share(part=1, of=4), NOW)
    assert json.loads((tmp_path / NAME).read_text())["next"] == "1/2"
