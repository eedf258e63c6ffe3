"""The agenda on both databases: what is claimed by one is nobody else's, and what was told once is told once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.agenda import Agenda, Ending
from storage.engine import open_database
from storage.settings import ArchiveSettings

NOW = datetime(2016, 12, 3, 20, 15, tzinfo=UTC)


@pytest.fixture
def agenda(tmp_path: Path, address: str | None) -> Iterator[Agenda]:
    """Of an archive without anything."""
    database = open_database(ArchiveSettings(folder=tmp_path / "archive", database=address))
    yield Agenda(database)
    database.close()


def test_a_matter_is_claimed_by_the_first_who_knows_how_it_stands(agenda: Agenda) -> None:
    """Once for nobody's, once for one that was only planned, once more for who knows when it began last."""
    assert agenda.begin("visit:one", NOW, after=None)
    assert not agenda.begin("visit:one", NOW, after=None)
    later = NOW + timedelta(hours=1)
    assert agenda.begin("visit:one", later, after=NOW)
    assert not agenda.begin("visit:one", later, after=NOW)
    agenda.plan({"visit:two": (NOW, None)})
    assert agenda.begin("visit:two", NOW, after=None)
    agenda.end("visit:two", Ending.COMPLETED, later, next_at=None, why=None)
    assert not agenda.begin("visit:two", later, after=None)
    assert agenda.begin("visit:two", later, after=NOW)


def test_what_was_told_is_told_again_when_its_time_has_come(agenda: Agenda) -> None:
    """Within the interval never again, after it once; when it is settled, that is known once."""
    day = timedelta(days=1)
    assert agenda.may_tell("disk", NOW, day)
    assert not agenda.may_tell("disk", NOW + day / 2, day)
    assert agenda.may_tell("disk", NOW + day, day)
    assert not agenda.may_tell("disk", NOW + day, day)
    assert agenda.settle("disk")
    assert not agenda.settle("disk")
