"""``cupola verify`` and ``cupola db upgrade``: care of what is held."""

import json

import pytest

from storage.migrations import HEAD


@pytest.fixture
def stored(held):
    """An archive with three pictures, and the path of one of them."""
    held.add("1", pictures=({"data": b"one"}, {"data": b"two"}, {"data": b"three"}))
    return min(held.folder.glob("media/*/*/*.jpg"))


def test_all_is_well(cupola, held, stored):
    """A sound archive is exit 0 and one line."""
    answer = cupola("verify", "--archive", held.folder, columns=120)
    assert answer.status == 0
    assert answer.out == "✓ All is well: 3 pictures (11 bytes) and 0 answers were read, each as it was recorded.\n"
    assert answer.err == ""


def test_damage_is_named_and_ends_with_1(cupola, held, stored):
    """A damaged picture is told by its path."""
    stored.write_bytes(b"rot")
    answer = cupola("verify", "--archive", held.folder, columns=200)
    assert answer.status == 1
    assert "mismatch" in answer.out
    assert stored.relative_to(held.folder).as_posix() in answer.out
    assert "1 damaged" in answer.out
    narrow = cupola("verify", "--archive", held.folder, columns=60)
    assert max(map(len, narrow.out.splitlines())) <= 60


def test_json_is_the_whole_report(cupola, held, stored):
    """--json names every damage and every orphan."""
    stored.unlink()
    stray = held.folder / "media" / "00" / "11" / ("0011" + "0" * 60 + ".jpg")
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"stray")
    answer = cupola("verify", "--archive", held.folder, "--json")
    assert answer.status == 1
    report = json.loads(answer.out)
    (damage,) = report["damage"]
    assert (damage["trouble"], damage["what"]) == ("missing", stored.relative_to(held.folder).as_posix())
    assert report["orphans"] == [stray.relative_to(held.folder).as_posix()]
    assert report["sound"] is False
    assert (report["files"], report["answers"]) == (3, 0)


def test_orphans_are_told_and_no_damage(cupola, held, stored):
    """A file that no post has is told; the archive is sound."""
    stray = held.folder / "media" / "00" / "11" / ("0011" + "0" * 60 + ".jpg")
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"stray")
    answer = cupola("verify", "--archive", held.folder, columns=60)
    assert answer.status == 0
    assert "Of no post, but harmless: 1 file, to be removed" in answer.out
    assert f"  {stray.relative_to(held.folder).as_posix()}\n" in answer.out, "whole, so that it can be copied"


def test_much_damage_is_told_in_part(cupola, held):
    """Fifty are told one by one, the others counted."""
    held.add("1", pictures=tuple({"state": "stored"} for _ in range(60)))
    answer = cupola("verify", "--archive", held.folder, columns=120)
    assert answer.status == 1
    assert answer.out.count("it is called stored") == 50
    assert "… and 10 more" in answer.out
    assert "60 damaged" in answer.out


@pytest.mark.parametrize("command", [["verify"], ["db", "upgrade"]])
def test_no_archive_ends_with_3(cupola, tmp_path, command):
    """There is nothing to care for, and nothing is made."""
    answer = cupola(*command, "--archive", tmp_path / "nothing")
    assert answer.status == 3
    assert "there is no archive in" in answer.err
    assert not (tmp_path / "nothing").exists()


def test_an_archive_that_is_current_is_left_alone(cupola, held):
    """The command says so when there is nothing to do."""
    answer = cupola("db", "upgrade", "--archive", held.folder)
    assert answer.status == 0
    assert f"is current (schema {HEAD})" in answer.out


def test_an_empty_database_is_upgraded(cupola, held, tmp_path):
    """An archive without any schema gets the newest one, and the command says from where to where."""
    import sqlite3

    folder = tmp_path / "old"
    folder.mkdir()
    connection = sqlite3.connect(folder / "cupola.db")
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    connection.commit()
    connection.close()
    assert cupola("query", "--archive", folder).status == 3
    answer = cupola("db", "upgrade", "--archive", folder)
    assert answer.status == 0
    assert f"from schema 0000 to {HEAD}" in answer.out
    assert cupola("query", "--archive", folder, "--count").out == "0\n"


def test_part_of_it_can_be_read(cupola, held):
    """--share reads one part of so many and says which; --sample about so many; both at once are wrong use."""
    held.add("1", pictures=tuple({"data": b"%d" % number} for number in range(40)))
    reports = [
        json.loads(cupola("verify", "--archive", held.folder, "--json", *words).out)
        for words in (("--share", "1/4"), ("--sample", "10"), ("--sample", "99"))
    ]
    assert [report["share"]["of"] for report in reports] == [4, 4, 1]
    assert 0 < reports[0]["files"] < 40
    assert reports[0]["share"] != reports[1]["share"]
    assert "(part" in cupola("verify", "--archive", held.folder, "--share", "1/4", columns=200).out
    for words in (("--share", "30"), ("--share", "2/30"), ("--share", "1/4", "--sample", "3")):
        assert cupola("verify", "--archive", held.folder, *words).status == 2


def test_so_many_runs_read_everything(cupola, held):
    """The part is the one that was read longest ago: a job that runs once a week with 1/7 reads all in seven weeks."""
    held.add("1", pictures=tuple({"data": b"%d" % number} for number in range(40)))
    read = [json.loads(cupola("verify", "--archive", held.folder, "--json", "--share", "1/7").out) for _ in range(7)]
    assert sum(report["files"] for report in read) == 40
    assert {report["share"]["part"] for report in read} == set(range(7))


def test_a_part_that_cannot_be_noted_is_read_all_the_same(cupola, held, stored):
    """Where the next look goes on cannot be written: that is said, and the look counts."""
    (held.folder / "verified.json").mkdir()
    answer = cupola("verify", "--archive", held.folder, "--share", "1/2")
    assert answer.status == 0
    assert answer.err.startswith("The same part will be read again the next time: ")


def test_mend_asks_again_and_says_so(cupola, held, stored):
    """What is damaged is told, marked, and kept; the status is still 1: it is not mended before it is fetched."""
    stored.write_bytes(b"rot")
    answer = cupola("verify", "--archive", held.folder, "--mend", columns=300)
    assert answer.status == 1
    assert "1 picture will be fetched again by the next `cupola scrape` or `retry`" in answer.out
    assert stored.read_bytes() == b"rot"
    again = json.loads(cupola("verify", "--archive", held.folder, "--mend", "--json").out)
    assert again["asked_again"] == {"pictures": 0, "pages": 0, "aside": 0, "replaced": 0, "busy": []}
    assert len(again["damage"]) == 1


def test_a_newer_archive_is_not_touched(cupola, held):
    """There is no way down: a newer schema is exit 3."""
    with held.database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    answer = cupola("db", "upgrade", "--archive", held.folder)
    assert answer.status == 3
    assert "newer Cupola" in answer.err


def test_what_was_looked_at_by_hand_counts_as_what_an_audit_has_looked_at(cupola, held, stored):
    """A whole look that finds all well ends what an audit has told before; what is found is not told for ever."""
    from storage.unmended import unmended

    folder = held.folder / "reports"
    folder.mkdir()
    damage = [{"trouble": "missing", "what": "warc/7.warc.gz", "sha256": None, "file": "warc/7.warc.gz"}]
    (folder / "fixity-20170601T030000Z.json").write_text(json.dumps({"damage": damage}))
    assert unmended(held.database, held.folder) == 1
    assert cupola("verify", "--archive", held.folder).status == 0
    assert unmended(held.database, held.folder) == 0
    assert len(list(folder.iterdir())) == 2
