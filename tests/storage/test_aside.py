"""Damaged records are put aside when their answer is held sound elsewhere; nothing of them is lost."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from scraper.capture import Capture
from storage import warcfiles
from storage.archive import Archive
from storage.aside import Aside, put_aside
from storage.backup import back_up
from storage.forget import Forget
from storage.runs import Run, RunStatus
from storage.verify import verify

PAGES = tuple(f"https://social.example/{number}" for number in range(3))


class Shelf:
    """An archive of a source with three pages, visited in runs that are closed. All synthetic."""

    def __init__(self, archive: Archive, capture_of: Callable[..., Capture], now: datetime) -> None:
        self.archive, self.folder, self.now = archive, archive.folder, now
        self._capture_of = capture_of
        self._hours = itertools.count()
        self.visit()
        (self.file,) = (archive.folder / "warc").iterdir()
        self.before = self.file.read_bytes()
        with self.file.open("rb") as file:
            self.places = [(member.offset, member.length) for member in warcfiles.members(file)]

    def begin(self) -> Run:
        return self.archive.journal.begin("iss", "mastodon", None, now=self.now + timedelta(hours=next(self._hours)))

    def visit(self, edition: str = "", urls: tuple[str, ...] = PAGES) -> None:
        run = self.begin()
        for url in urls:
            self.archive.captures.keep(run, self._capture_of(url, f"{edition} page of {url} ".encode() * 40))
        self.archive.journal.close(run, RunStatus.COMPLETED, now=self.now)

    def spoil(self, *numbers: int) -> bytes:
        """Flip a byte in the middle of these records of the first file; the spoilt bytes of the last of them."""
        data = bytearray(self.file.read_bytes())
        for number in numbers:
            offset, length = self.places[number]
            data[offset + length // 2] ^= 0xFF
        self.file.write_bytes(data)
        return bytes(data[offset : offset + length])

    def mend(self, **how: Any) -> Aside:
        files = [item.file for item in self.damage() if item.file is not None]
        return put_aside(self.archive.database, self.folder, files, self.now + timedelta(days=1), **how)

    def damage(self) -> list[Any]:
        return list(verify(self.archive.database, self.folder).damage)

    def aside(self) -> list[bytes]:
        return [(self.folder / name).read_bytes() for name in warcfiles.aside(self.folder)]

    def sound(self) -> bool:
        report = verify(self.archive.database, self.folder)
        for path in (self.folder / "warc").glob("*.warc.gz"):
            with path.open("rb") as stream:
                assert all(record.rec_type for record in ArchiveIterator(stream, check_digests="raise"))
        return report.is_sound and not report.orphans

    def bodies(self) -> list[bytes | None]:
        found = [self.archive.captures.held("iss", url) for url in PAGES]
        return [None if capture is None else capture.body for capture in found]


@pytest.fixture
def shelf(archive: Archive, capture_of: Callable[..., Capture], now: datetime) -> Iterator[Shelf]:
    return Shelf(archive, capture_of, now)


# records of the first file: its head, then a request and a response for each page
HEAD, ASKED, ANSWERED = 0, 3, 4


def test_an_answer_that_has_come_again_leaves_its_file(shelf: Shelf) -> None:
    """Its damaged bytes are kept as they were, the others are where they can be read, and verify is content."""
    spoilt = shelf.spoil(ANSWERED)
    assert shelf.mend() == Aside(), "what has not come again stays where it is"
    assert shelf.file.exists()
    shelf.visit()
    assert len(shelf.damage()) == 1
    done = shelf.mend()
    assert (len(done.records), shelf.aside()) == (1, [spoilt])
    assert shelf.sound()
    assert shelf.bodies() == [f" page of {url} ".encode() * 40 for url in PAGES]
    assert verify(shelf.archive.database, shelf.folder).aside == tuple(done.records)
    assert not shelf.file.exists()
    assert shelf.mend() == Aside()


def test_an_answer_that_has_come_with_other_bytes_keeps_its_row(shelf: Shelf) -> None:
    """When, what and which hash stay in the index; its damaged bytes are aside, and the newer answer is held."""
    spoilt = shelf.spoil(ANSWERED)
    shelf.visit("second")
    done = shelf.mend()
    assert shelf.aside() == [spoilt]
    assert shelf.sound()
    with shelf.archive.database.read() as connection:
        sql = "SELECT requested_url, file, length(sha256) FROM captures ORDER BY id"
        rows = [tuple(row) for row in connection.exec_driver_sql(sql)]
    moved = {new for new, _ in done.moved.values()}
    assert rows[1] == (PAGES[1], None, 64)
    assert {rows[0][1], rows[2][1]} == moved
    assert shelf.bodies() == [f"second page of {url} ".encode() * 40 for url in PAGES]


@pytest.mark.parametrize("number", [HEAD, ASKED])
def test_what_nobody_reads_back_leaves_at_once(shelf: Shelf, number: int) -> None:
    """A request, or the head of a file, cannot come again; the record behind it is found and stays."""
    spoilt = shelf.spoil(number)
    shelf.mend()
    assert shelf.aside() == [spoilt]
    assert shelf.sound()
    assert None not in shelf.bodies()


def test_neighbours_stay(shelf: Shelf) -> None:
    """Of two damaged records side by side each is put aside whole, and a damaged one that has not come again stays."""
    shelf.spoil(ASKED, ANSWERED, 6)
    spoilt, (at, _), (end, _) = shelf.file.read_bytes(), shelf.places[ASKED], shelf.places[5]
    shelf.visit(urls=PAGES[:2])
    assert len(shelf.damage()) == 2
    shelf.mend()
    (left,) = shelf.damage()
    assert left.message.startswith(f"the answer of {PAGES[2]} cannot be read back")
    assert b"".join(shelf.aside()) == spoilt[at:end]
    assert shelf.bodies()[2] is None
    shelf.visit(urls=PAGES[2:])
    shelf.mend()
    assert shelf.sound()


def test_a_file_that_was_cut_short(shelf: Shelf) -> None:
    """What is behind its end has no bytes to put aside; its rows follow as soon as the answers have come again."""
    at, length = shelf.places[ANSWERED]
    shelf.file.write_bytes(shelf.before[: at + length // 2])
    shelf.visit("second")
    shelf.mend()
    assert shelf.aside() == [shelf.before[at : at + length // 2]]
    assert shelf.sound()


def test_a_file_that_is_not_there(shelf: Shelf) -> None:
    """Verify tells of it until every answer that was in it has come again."""
    shelf.file.unlink()
    shelf.visit("second", PAGES[:2])
    shelf.mend()
    assert len(shelf.damage()) == 1
    shelf.visit("second", PAGES[2:])
    shelf.mend()
    assert shelf.damage() == []
    assert shelf.aside() == []


def test_a_run_at_work_is_not_disturbed(shelf: Shelf) -> None:
    """The files of a source stay as they are while a run may write or read them; that is told."""
    shelf.spoil(ANSWERED)
    shelf.visit()
    run = shelf.begin()
    held = put_aside(shelf.archive.database, shelf.folder, [f"warc/{shelf.file.name}"], run.started_at)
    assert (held.busy, held.records, held.moved) == ({"iss"}, [], {})
    assert shelf.file.exists()


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("number", range(5))
def test_killed_before_any_step_it_is_completed_by_the_same_again(shelf: Shelf, number: int) -> None:
    """Stopped there, every answer can be read as before, and the same call leaves the same as an undisturbed one."""
    spoilt = shelf.spoil(ANSWERED)
    shelf.visit()
    wanted = shelf.bodies()
    steps: list[str] = []

    def step(name: str) -> None:
        steps.append(name)
        if len(steps) > number:
            raise Killed

    with pytest.raises(Killed):
        shelf.mend(step=step)
    assert shelf.bodies() == wanted
    again = put_aside(shelf.archive.database, shelf.folder, [f"warc/{shelf.file.name}"], shelf.now + timedelta(days=1))
    assert bool(again.records) == (number < 4)
    assert shelf.sound()
    assert shelf.bodies() == wanted
    assert shelf.aside() == [spoilt]
    assert not list((shelf.folder / "warc" / ".damaged").glob("*.part"))
    assert len(list((shelf.folder / "warc").glob("*.warc.gz"))) == 2


def test_a_backup_has_them_and_forget_takes_them_out(shelf: Shelf, tmp_path: Path, entry_of: Any, plan: Any) -> None:
    """Nobody can say what a damaged record holds, so it goes with any post of its source; another source's stays."""
    spoilt = shelf.spoil(ANSWERED)
    shelf.visit()
    shelf.mend()
    run = shelf.begin()
    shelf.archive.record(run.id, None, [entry_of("1", "Bonjour")], plan=plan, now=shelf.now)
    shelf.archive.journal.close(run, RunStatus.COMPLETED, now=shelf.now)
    (shelf.folder / "warc" / ".damaged" / "other-20161203T210405Z-99.warc.gz.7.abcdef01").write_bytes(b"?")
    if shelf.archive.database.dialect == "sqlite":
        report = back_up(shelf.archive.database, shelf.folder, tmp_path / "copy", now=shelf.now)
        assert report.is_sound
        assert [path.read_bytes() for path in sorted((tmp_path / "copy/warc/.damaged").iterdir())] == [spoilt, b"?"]
    Forget(shelf.folder, shelf.archive.database).forget(
        ["iss:1"], reason="asked", who="Ana", now=shelf.now + timedelta(days=2)
    )
    assert shelf.aside() == [b"?"]
    if shelf.archive.database.dialect == "sqlite":
        back_up(shelf.archive.database, shelf.folder, tmp_path / "copy", now=shelf.now)
        assert [path.read_bytes() for path in (tmp_path / "copy/warc/.damaged").iterdir()] == [b"?"]
