"""Two archives that overlap become one: nothing twice, nothing lost, whichever is brought into the other first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from storage import curation
from storage.archive import Archive
from storage.curation import Say, Verdict
from storage.filters import Filters
from storage.forget import Forget
from storage.queries import find
from storage.revisions import load_revisions
from storage.schema import DecisionRecord, PostRecord, rows_of

HOUR = timedelta(hours=1)
Make = Callable[..., Any]


@pytest.fixture
def pair(
    archive: Archive, another: Callable[..., Archive], filled: Make, entry_of: Make, plan: Any, now: datetime
) -> tuple[Archive, Archive]:
    """Two archives of one source: each has a post that the other lacks, and another state of a third one."""
    other = another("other")
    filled(archive, [entry_of("1", "Bonjour"), entry_of("2", "Salut")], plan, store=True)
    filled(other, [entry_of("2", "Salut, Paris"), entry_of("3", "Adieu")], plan, now + HOUR)
    curation.decide(archive.database, ["iss:2"], [Say.rating(3), Say.tag("a")], who="ana", now=now + 2 * HOUR)
    curation.decide(other.database, ["iss:2"], [Say.rating(5), Say.tag("b")], who="bo", now=now + HOUR)
    curation.decide(other.database, ["iss:2"], [Say.verdict(Verdict.REJECTED)], who="bo", now=now + 3 * HOUR)
    curation.undo(other.database, who="bo", now=now + 4 * HOUR)
    return archive, other


def lines(path: Path) -> list[bytes]:
    return (path / "posts.jsonl" if path.is_dir() else path).read_bytes().splitlines()


def test_either_way_round_comes_to_the_same(pair: tuple[Archive, Archive], written: Make, brought: Make) -> None:
    """A into B and then B into A: both exports are equal, byte for byte."""
    one, other = pair
    brought(other, written(one, with_media=True))
    done = brought(one, written(other, with_media=True))
    assert done.faults == []
    assert (done.counts["added"], done.counts["updated"]) == (1, 1)
    assert lines(written(one)) == lines(written(other))


def test_the_newer_state_counts_and_the_older_one_is_kept(
    pair: tuple[Archive, Archive], written: Make, brought: Make, now: datetime
) -> None:
    """The post says what it said last; what it said before is a revision, known from then to then."""
    one, other = pair
    for into, out in ((one, written(other)), (other, written(one))):
        brought(into, out)
        (post,) = find(into.database, Filters(keys=("iss:2",)))
        assert post.text == "Salut, Paris"
        table = rows_of(PostRecord)
        with into.database.read() as connection:
            number = connection.scalar(select(table.c.id).where(table.c.native_id == "2"))
            assert number is not None
            (revision,) = load_revisions(connection, number)
        assert (revision.entry[0].body, revision.since, revision.until) == ("Salut", now, now + HOUR)


def test_both_curators_are_heard_in_the_order_of_their_times(
    pair: tuple[Archive, Archive], written: Make, brought: Make, now: datetime
) -> None:
    """Decisions stand once each, the latest counts, what was taken back stays so, and undo takes back the last one."""
    one, other = pair
    brought(one, written(other))
    brought(one, written(other))
    table = rows_of(DecisionRecord)
    with one.database.read() as connection:
        rows = connection.execute(select(table.c.at, table.c.batch, table.c.who).order_by(table.c.id)).all()
    assert len(rows) == 6
    assert [row.at for row in rows] == sorted(row.at for row in rows)
    assert [row.batch for row in rows] == [1, 1, 2, 2, 3, 4]
    (post,) = find(one.database, Filters(keys=("iss:2",)))
    assert (post.rating, post.verdict, post.tags) == (3, "unreviewed", ("a", "b"))
    (undone,) = curation.undo(one.database, who="bo", now=now + 9 * HOUR)
    assert undone.at == now + HOUR


def test_what_was_taken_out_for_good_stays_out(
    pair: tuple[Archive, Archive], written: Make, brought: Make, now: datetime
) -> None:
    """A post that was forgotten here is not brought back, and that is counted."""
    one, other = pair
    out = written(other)
    brought(one, out)
    Forget(one.folder, one.database).forget(["iss:3"], reason="asked to", who="ana", now=now + HOUR)
    done = brought(one, out)
    assert (done.counts["buried"], done.counts["added"]) == (1, 0)
    assert list(find(one.database, Filters(keys=("iss:3",)))) == []
