"""verify: all that is held is read, what is wrong is named, and nothing is changed."""

import hashlib
import shutil
import tracemalloc
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text

from storage import turns
from storage import verify as verify_module
from storage.engine import open_database
from storage.settings import ArchiveSettings
from storage.verify import Share, Trouble, verify
from storage.warcfiles import members

NOW = datetime(2017, 6, 2, 12, 0, tzinfo=UTC)


def path_of(held, data):
    sha256 = hashlib.sha256(data).hexdigest()
    return held.folder / "media" / sha256[:2] / sha256[2:4] / f"{sha256}.jpg"


def damage(held):
    return [(item.trouble, item.what) for item in verify(held.database, held.folder).damage]


def relative(held, path):
    return path.relative_to(held.folder).as_posix()


def snapshot(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".db-shm"
    }


@pytest.fixture
def answered(held):
    """An archive with three recorded answers, the last one twice, in one WARC file."""
    from scraper.capture import Capture, Request
    from storage.captures import Captures
    from storage.runs import Journal

    run = Journal(held.database).begin("thom", "mastodon", "https://x.example", now=NOW)
    captures = Captures(held.folder, held.database)
    for number in (1, 2, 3, 3):
        url = f"https://x.example/{number}"
        captures.keep(
            run,
            Capture(
                request=Request(url=url), url=url, status=200, headers={}, body=b"answer %d" % number, fetched_at=NOW
            ),
        )
    return held


def warc_of(held):
    (path,) = (held.folder / "warc").iterdir()
    return path


def test_a_sound_archive_is_sound(answered):
    """Everything that is there is read and counted; nothing is wrong."""
    answered.add("1", pictures=({"data": b"one"}, {"data": b"two!"}, {"state": "failed", "reason": "HTTP 500"}, {}))
    answered.add("2", pictures=({"data": b"one"},))
    before = snapshot(answered.folder)
    report = verify(answered.database, answered.folder)
    assert report.is_sound
    assert (report.files, report.bytes, report.answers) == (2, 7, 4)
    assert report.damage == report.orphans == ()
    assert snapshot(answered.folder) == before


def test_an_empty_archive_is_sound(held):
    """Nothing held is nothing wrong, also when there are no folders for files yet."""
    report = verify(held.database, held.folder)
    assert report.is_sound
    assert (report.files, report.answers) == (0, 0)


@pytest.mark.parametrize(
    ("spoil", "trouble"),
    [
        (lambda path: path.unlink(), Trouble.MISSING),
        (lambda path: path.write_bytes(b"picturf"), Trouble.MISMATCH),
        (lambda path: path.write_bytes(b"pict"), Trouble.MISMATCH),
        (lambda path: path.write_bytes(b""), Trouble.MISMATCH),
        (lambda path: (path.unlink(), path.mkdir()), Trouble.MISSING),
        (lambda path: (path.unlink(), path.symlink_to("/dev/zero")), Trouble.MISSING),
        (lambda path: shutil.rmtree(path.parents[2]), Trouble.MISSING),
    ],
    ids=["removed", "flipped", "cut", "emptied", "a folder", "a link", "all of media"],
)
def test_a_damaged_picture_is_named(held, spoil, trouble):
    """A file that is gone, changed, cut or something else is one damage, by its path in the archive."""
    held.add("1", pictures=({"data": b"picture"},))
    path = path_of(held, b"picture")
    spoil(path)
    assert damage(held) == [(trouble, relative(held, path))]


def test_one_bad_file_hides_no_other(held):
    """All files are read, whatever is wrong with some."""
    held.add("1", pictures=tuple({"data": b"%d" % number} for number in range(5)))
    path_of(held, b"1").unlink()
    path_of(held, b"3").write_bytes(b"x")
    report = verify(held.database, held.folder)
    assert {item.what for item in report.damage} == {relative(held, path_of(held, data)) for data in (b"1", b"3")}
    assert report.files == 5


def test_a_size_that_the_row_has_wrong_is_damage(held):
    """The bytes may be right and the row not."""
    held.add("1", pictures=({"data": b"picture"},))
    with held.database.write() as connection:
        connection.execute(text("UPDATE assets SET size = 8"))
    assert damage(held) == [(Trouble.MISMATCH, relative(held, path_of(held, b"picture")))]


def test_a_picture_called_stored_without_a_file_is_damage(held):
    """A picture's state is not taken at its word."""
    held.add("1", pictures=({"state": "stored"}, {"data": b"held"}))
    assert damage(held) == [(Trouble.UNHELD, "esa-proxima:1 picture 1")]


def test_files_that_nothing_points_to_are_told_and_no_damage(held):
    """A killed run may leave a file without a row; what has no name of ours is none of our business."""
    held.add("1", pictures=({"data": b"held"},))
    stray = path_of(held, b"stray")
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"stray")
    (held.folder / "media" / "README.txt").write_text("a person's own")
    report = verify(held.database, held.folder)
    assert report.is_sound
    assert report.orphans == (relative(held, stray),)


def test_a_warc_file_of_no_run_is_an_orphan(answered):
    """What another program put into warc/, or a run left that the database has forgotten, is told."""
    for name in ("notes.txt", "thom-20170602T120000Z-77.warc.gz"):
        (answered.folder / "warc" / name).write_bytes(b"x")
    report = verify(answered.database, answered.folder)
    assert report.is_sound
    assert report.orphans == ("warc/notes.txt", "warc/thom-20170602T120000Z-77.warc.gz")


def test_a_file_that_a_forget_left_to_be_removed_is_an_orphan(answered):
    """Killed while it wrote a file anew, it left half of one: the next forget removes it, and nothing is damaged."""
    whole = next((answered.folder / "warc").iterdir())
    half = whole.with_name(whole.name.replace("-1.warc", "-1-2.warc"))
    half.write_bytes(whole.read_bytes()[:-9])
    with answered.database.write() as connection:
        connection.execute(text("UPDATE runs SET status = 'completed'"))
    assert [item.trouble for item in verify(answered.database, answered.folder).damage] == [Trouble.UNREADABLE]
    with answered.database.write() as connection:
        connection.execute(text("INSERT INTO removals VALUES (:path)"), {"path": f"warc/{half.name}"})
    report = verify(answered.database, answered.folder)
    assert report.is_sound
    assert report.orphans == (f"warc/{half.name}",)


def test_a_picture_that_no_post_points_to_any_more_is_told(held):
    """It is read like every other one, and named beside the damage."""
    held.add("1", pictures=({"data": b"kept"}, {"data": b"swapped"}))
    with held.database.write() as connection:
        connection.execute(text("UPDATE attachments SET sha256 = :kept"), {"kept": hashlib.sha256(b"kept").hexdigest()})
    report = verify(held.database, held.folder)
    assert report.is_sound
    assert report.unreferenced == (relative(held, path_of(held, b"swapped")),)
    assert report.files == 2


@pytest.mark.parametrize("of", [1, 2, 3, 7, 30])
def test_so_many_looks_are_everything_once(answered, of):
    """N looks at an Nth read every file exactly once, wherever they begin and whenever they come."""
    answered.add("1", pictures=tuple({"data": b"%d" % number} for number in range(40)))
    turns.note(answered.folder, Share(part=2, of=7), NOW)
    reports = []
    for _ in range(of):
        share = turns.next_share(answered.folder, of)
        reports.append(verify(answered.database, answered.folder, share=share))
        turns.note(answered.folder, share, NOW)
    assert {report.share.part for report in reports} == set(range(of))
    assert sum(report.files for report in reports) == 40
    assert sum(report.answers for report in reports) == 4
    assert max(report.files for report in reports) < 40 or of == 1


@settings(max_examples=60)
@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_looks_of_different_sizes_leave_no_gap(sizes):
    """Each goes on where the last one ended, or a little before, whatever part of the archive it is."""
    place = Fraction(0)
    for of in sizes:
        share = Share.from_place(place, of)
        assert Fraction(share.part, of) <= place
        assert share.end > place or share.end == 0
        place = share.end


@pytest.mark.parametrize("said", ["", "7", "{}", '{"next": "1/0"}', '{"next": null}', '["next"]', "\xff"])
def test_a_note_that_is_none_begins_anew(tmp_path, said):
    """What a person or a disk made of the note costs no look."""
    (tmp_path / turns.NAME).write_bytes(said.encode("latin-1"))
    assert turns.next_share(tmp_path, 5) == Share(part=0, of=5)
    turns.note(tmp_path, Share(part=0, of=5), NOW)
    assert turns.next_share(tmp_path, 5) == Share(part=1, of=5)
    assert [path.name for path in tmp_path.iterdir()] == [turns.NAME]


def test_a_share_sees_the_damage_and_the_orphans_that_are_its_own(held):
    """What is wrong is told by exactly one of the shares."""
    held.add("1", pictures=tuple({"data": b"%d" % number} for number in range(20)))
    path_of(held, b"7").write_bytes(b"x")
    stray = path_of(held, b"stray")
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"stray")
    reports = [verify(held.database, held.folder, share=Share(part=part, of=5)) for part in range(5)]
    assert [item.what for report in reports for item in report.damage] == [relative(held, path_of(held, b"7"))]
    assert [path for report in reports for path in report.orphans] == [relative(held, stray)]


@settings(max_examples=60)
@given(of=st.integers(1, 5000), data=st.binary(max_size=8))
def test_every_hash_and_every_name_is_in_one_share(of, data):
    """The parts follow on one another without gap or overlap."""
    digest = hashlib.sha256(data).hexdigest()
    shares = [Share(part=part, of=of) for part in range(of)]
    assert [share.start for share in shares[1:]] == [share.stop for share in shares[:-1]]
    assert sum(share.start <= digest < share.stop for share in shares) == 1
    assert sum(share.holds(digest) for share in shares) == 1


def test_a_damaged_request_or_revisit_is_damage(answered):
    """What no row points to is read as well: each record has its checksum."""
    path = warc_of(answered)
    whole = path.read_bytes()
    close_runs(answered)
    with path.open("rb") as file:
        places = {member.kind: member for member in members(file)}
    assert set(places) == {"warcinfo", "request", "response", "revisit"}
    for kind in ("warcinfo", "request", "revisit"):
        data = bytearray(whole)
        data[places[kind].offset + places[kind].length - 6] ^= 0xFF  # its checksum
        path.write_bytes(data)
        (found,) = verify(answered.database, answered.folder).damage
        assert found.trouble is Trouble.UNREADABLE
        assert found.what == f"{relative(answered, path)} at byte {places[kind].offset}"
    path.write_bytes(whole[:-1])
    assert [trouble for trouble, _ in damage(answered)] == [Trouble.UNREADABLE]
    path.write_bytes(whole + b"more")
    assert [trouble for trouble, _ in damage(answered)] == [Trouble.UNREADABLE]
    path.write_bytes(whole)
    assert damage(answered) == []


def test_what_a_run_is_writing_is_left_alone(answered):
    """A record that is half written, or that a killed run left so, is no damage: the next run cuts it off."""
    with warc_of(answered).open("ab") as file:
        file.write(b"half a record")
    assert damage(answered) == []
    close_runs(answered)
    assert [trouble for trouble, _ in damage(answered)] == [Trouble.UNREADABLE]


def close_runs(held):
    with held.database.write() as connection:
        connection.execute(text("UPDATE runs SET status = 'completed'"))


def test_more_files_than_a_batch_are_all_read(held, monkeypatch):
    """What is read in batches is read to its end, damage in the last batch included."""
    monkeypatch.setattr(verify_module, "BATCH", 3)
    held.add("1", pictures=tuple({"data": b"%d" % number} for number in range(10)))
    last = max((path_of(held, b"%d" % number) for number in range(10)), key=lambda path: path.name)
    last.unlink()
    for number in range(7):
        stray = path_of(held, b"stray %d" % number)
        stray.parent.mkdir(parents=True, exist_ok=True)
        stray.write_bytes(b"stray %d" % number)
    held.add("2", pictures=tuple({"state": "stored"} for _ in range(7)))
    report = verify(held.database, held.folder)
    assert report.files == 10
    assert len(report.orphans) == 7
    assert [item.trouble for item in report.damage] == [Trouble.MISSING] + [Trouble.UNHELD] * 7


def test_a_missing_warc_file_is_named_once(answered):
    """A file with many answers that is gone is one damage."""
    name = relative(answered, warc_of(answered))
    warc_of(answered).unlink()
    assert damage(answered) == [(Trouble.MISSING, name)]


def test_an_answer_that_cannot_be_read_back_is_damage(answered, monkeypatch):
    """Each record is read on its own: those before a cut are sound."""
    monkeypatch.setattr(verify_module, "BATCH", 1)
    path = warc_of(answered)
    with answered.database.read() as connection:
        end = connection.execute(text('SELECT max("offset" + length) FROM captures')).scalar_one()
    path.write_bytes(path.read_bytes()[: end - 20])
    found = damage(answered)
    assert len(found) == 1
    assert found[0][0] in (Trouble.UNREADABLE, Trouble.MISMATCH)
    assert found[0][1].startswith(relative(answered, path))
    path.write_bytes(b"")
    assert [trouble for trouble, _ in damage(answered)] == [Trouble.UNREADABLE] * 3


def test_an_answer_that_is_another_is_damage(answered):
    """A record that reads back, but not as the answer that was recorded, is told."""
    with answered.database.write() as connection:
        connection.execute(text("UPDATE captures SET sha256 = :other WHERE id = 2"), {"other": "0" * 64})
    assert [trouble for trouble, _ in damage(answered)] == [Trouble.MISMATCH]


@pytest.mark.parametrize("address", [None])  # SQLite's own
def test_a_row_that_points_to_nothing_is_damage(held):
    """Foreign keys are checked, also those that were broken behind our back."""
    held.add("1", pictures=({"data": b"held"},))
    held.database.close()
    import sqlite3

    with sqlite3.connect(held.folder / "cupola.db") as connection:
        connection.execute("UPDATE posts SET run_id = 99")
    connection.close()
    assert (Trouble.DATABASE, "cupola.db") in damage(held)


@pytest.mark.parametrize("address", [None])  # SQLite's own
def test_a_broken_database_is_damage_and_ends_nothing_else(held):
    """Pages overwritten in the middle of the file are told; the pictures are read as far as they can be."""
    for number in range(200):
        held.add(str(number), fr="x" * 500, pictures=({"data": b"%d" % number},) if number < 3 else ())
    held.database.close()
    import sqlite3

    connection = sqlite3.connect(held.folder / "cupola.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'posts'").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with (held.folder / "cupola.db").open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    database = open_database(held.folder, read_only=True)
    try:
        report = verify(database, held.folder)
    finally:
        database.close()
    assert not report.is_sound
    assert {item.trouble for item in report.damage} == {Trouble.DATABASE}
    assert report.files == 3


def test_memory_stays_flat_however_big_a_file_is(held):
    """A file is read in pieces."""
    held.add("1", pictures=({"data": b"x" * 50_000_000},))
    tracemalloc.start()
    try:
        assert verify(held.database, held.folder).is_sound
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_progress_is_told_to_the_last(answered):
    """Whoever watches sees both kinds reach their total."""
    answered.add("1", pictures=({"data": b"one"}, {"data": b"two"}))
    told = []
    verify(answered.database, answered.folder, progress=lambda *step: told.append(step))
    assert told == [("media", 1, 2), ("media", 2, 2), *(("warc", number, 4) for number in (1, 2, 4))]


def test_an_archive_that_may_not_be_written_to_can_be_verified(held):
    """Verifying opens the archive for reading only."""
    held.add("1", pictures=({"data": b"one"},))
    reader = open_database(ArchiveSettings(folder=held.folder, database=held.address), read_only=True)
    try:
        assert verify(reader, held.folder).is_sound
    finally:
        reader.close()


def test_rows_made_by_a_stranger_are_damage_not_a_crash(held):
    """A row with an impossible extension or place is told like any other damage."""
    from storage.schema import AssetRecord

    held.add("1")
    with held.database.write() as connection:
        connection.execute(
            insert(AssetRecord).values(
                sha256="ab" * 32,
                media_type="image/jpeg",
                extension="../../x",
                size=1,
                width=1,
                height=1,
                exif=(),
                first_seen_at=NOW,
            )
        )
        connection.execute(text("UPDATE captures SET file = 'warc/none.warc.gz', \"offset\" = NULL, length = NULL"))
        Path(held.folder / "warc").mkdir()
        Path(held.folder / "warc" / "none.warc.gz").write_bytes(b"")
    assert {trouble for trouble, _ in damage(held)} == {Trouble.UNREADABLE}
    assert len(damage(held)) == 2
