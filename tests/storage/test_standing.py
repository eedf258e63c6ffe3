"""How the sources of an archive stand, by its journal; on SQLite and on a server."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from storage.reports import keep_report
from storage.runs import Journal, RunStatus
from storage.standing import LastRun, last_backup, reasons, standings
from storage.unmended import unmended

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def filled(tmp_path, make_archive, address):
    """An archive with three sources and some runs, on both databases."""
    return make_archive(tmp_path / "archive", address)


def visit(archive, source, began, status=RunStatus.COMPLETED, fault=None, **counts):
    journal = Journal(archive.database)
    run = journal.begin(source, "feed", "https://one.example/", now=began)
    for message in fault or ():
        journal.fail(run, "page", ValueError(message), now=began)
    journal.close(run, status, counts=counts, now=began + HOUR)
    return run.id


def test_every_source_is_told_with_its_last_run_and_what_is_new(filled):
    """Runs before the time asked about do not count as new; a run under way has no end."""
    visit(filled, "one", NOW - 30 * DAY, posts_added=100)
    visit(filled, "two", NOW - 9 * DAY, posts_added=50)
    visit(filled, "one", NOW - 3 * DAY, posts_added=3)
    last = visit(filled, "one", NOW - 2 * DAY, RunStatus.PARTIAL, posts_added=4, failed=2)
    running = Journal(filled.database).begin("two", "feed", None, now=NOW - HOUR).id
    found = standings(filled.database, NOW - 7 * DAY)
    assert set(found) == {"one", "two"}
    assert found["one"].new_posts == 7
    assert found["one"].last == LastRun(
        id=last, status="partial", started_at=NOW - 2 * DAY, ended_at=NOW - 2 * DAY + HOUR, failed=2
    )
    assert found["two"].new_posts == 0
    assert found["two"].last == LastRun(id=running, status="running", started_at=NOW - HOUR, ended_at=None, failed=0)


def test_pictures_that_are_waited_for_are_counted_by_source(filled):
    """Pending and failed ones; not those that are held, gone, skipped or edited away."""
    states = ({}, {}, {"state": "failed"}, {"state": "gone"}, {"state": "skipped"}, {"data": b"x"})
    filled.add("1", source="one", fr="Un", pictures=states)
    filled.add("2", source="two", fr="Deux", pictures=({"removed_at": NOW}, {"state": "failed"}))
    found = standings(filled.database, NOW)
    assert (found["one"].pending, found["one"].failed) == (2, 1)
    assert (found["two"].pending, found["two"].failed) == (0, 1)


def test_the_first_failure_of_each_run_is_its_reason(filled):
    """In the journal's words; runs without a failure, or that are not asked about, are left out."""
    bad = visit(filled, "one", NOW - DAY, RunStatus.PARTIAL, ["first", "second"])
    worse = visit(filled, "two", NOW - DAY, RunStatus.FAILED, ["third"])
    good = visit(filled, "one", NOW)
    assert reasons(filled.database, [bad, good]) == {bad: "first"}
    assert reasons(filled.database, [worse, bad]) == {bad: "first", worse: "third"}
    assert reasons(filled.database, []) == {}


def test_the_number_of_questions_does_not_grow_with_the_sources(filled):
    """Five for three sources, and five for thirty."""
    asked = []
    event.listen(filled.database._engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    counts = []
    for number in range(30):
        visit(filled, f"s{number}", NOW - DAY, posts_added=1)
        if number in (2, 29):
            asked.clear()
            assert len(standings(filled.database, NOW - 7 * DAY)) == number + 1
            counts.append(sum("SELECT" in statement for statement in asked))
    assert counts[0] == counts[1] <= 6


def test_an_archive_without_anything_stands_nowhere(filled):
    """No source, no backup, no damage."""
    assert standings(filled.database, NOW) == {}
    assert last_backup(filled.database) is None
    assert unmended(filled.database, filled.folder) == 0


def report(folder, at, *damage, part=0, of=1):
    keep_report(folder, "fixity", {"damage": damage, "share": {"part": part, "of": of}}, at)


def test_damage_counts_until_it_is_mended(filled):
    """A picture until it is held again, answers and the database until an audit that read them finds them sound."""
    filled.add("1", source="one", fr="Un", pictures=({"data": b"broken", "state": "failed"}, {"data": b"fine"}))
    with filled.database.write() as connection:
        connection.exec_driver_sql("UPDATE attachments SET state = 'failed' WHERE position = 0")
        (sha256,) = connection.exec_driver_sql("SELECT sha256 FROM attachments WHERE position = 0").scalars()
    picture = {"trouble": "mismatch", "what": "media/x.jpg", "sha256": sha256, "file": None}
    answers = {"trouble": "missing", "what": "warc/1.warc.gz", "sha256": None, "file": "warc/1.warc.gz"}
    database = {"trouble": "database", "what": "cupola.db", "sha256": None, "file": None}
    report(filled.folder, NOW - 3 * DAY, picture, answers, database)
    assert unmended(filled.database, filled.folder) == 3
    # of two shares one holds the file: only that one can say that it is sound
    from storage.damage import Share

    mine = next(part for part in range(2) if Share(part=part, of=2).holds("warc/1.warc.gz"))
    report(filled.folder, NOW - 2 * DAY, part=1 - mine, of=2)
    assert unmended(filled.database, filled.folder) == 2
    report(filled.folder, NOW - 1 * DAY, part=mine, of=2)
    assert unmended(filled.database, filled.folder) == 1
    with filled.database.write() as connection:
        connection.exec_driver_sql("UPDATE attachments SET state = 'stored' WHERE position = 0")
    assert unmended(filled.database, filled.folder) == 0


def test_a_report_that_is_none_is_passed_over(filled):
    """Whatever lies in the folder of the reports."""
    folder = filled.folder / "reports"
    folder.mkdir()
    (folder / "fixity-20261101T000000Z.json").write_text("{broken")
    (folder / "fixity-20261102T000000Z.json").write_text(json.dumps(["a list"]))
    (folder / "fixity-20261103T000000Z.json").write_text(json.dumps({"damage": ["?"], "share": {"part": 9, "of": 2}}))
    assert unmended(filled.database, filled.folder) == 0
