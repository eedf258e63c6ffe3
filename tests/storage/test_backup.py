"""Backups: an archive in use becomes another whole archive, never half of one under its name, and comes back."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scraper.capture import Capture, Request
from scraper.model import Asset, Attachment, MediaResult, MediaState, Post, Reading
from storage.archive import Archive
from storage.backup import MANIFEST, Report, back_up, restore, settle
from storage.engine import open_database
from storage.errors import ArchiveDamaged, BackupRefused, DiskFull, StorageError
from storage.runs import Run, RunStatus
from storage.settings import ArchiveSettings
from storage.verify import verify

NOW = datetime(2017, 6, 2, 12, 0, tzinfo=UTC)


class Living:
    """An archive that grows: each visit brings an answer, a post and a picture."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = Archive.open(ArchiveSettings(folder=folder))
        self.visits = 0

    def visit(self, *, close: bool = True) -> Run:
        number = self.visits
        self.visits += 1
        run = self.archive.journal.begin("iss", "mastodon", None, now=NOW + timedelta(hours=number))
        url = f"https://social.example/{number}"
        capture = Capture(
            request=Request(url=url), url=url, status=200, headers={}, body=b"page %d " % number * 40, fetched_at=NOW
        )
        kept = self.archive.captures.keep(run, capture)
        post = Post(
            source_id="iss", native_id=str(number), attachments=(Attachment(url=f"https://media.example/{number}.jpg"),)
        )
        self.archive.record(
            run.id,
            kept,
            [(post, Reading())],
            plan=lambda _: (MediaState.PENDING, None),
            now=NOW + timedelta(hours=number),
        )
        for wanted in self.archive.wanted("iss", NOW, limit=9):
            data = b"picture %d " % number * 300
            blob = self.archive.blobs.incoming()
            blob.write(data)
            sha256 = _sha256(data)
            blob.commit(sha256, "jpg")
            asset = Asset(sha256=sha256, media_type="image/jpeg", extension="jpg", size=len(data), width=1, height=1)
            result = MediaResult(state=MediaState.STORED, asset=asset, url=wanted.attachment.url)
            self.archive.record_media(run.id, [(wanted.attachment_id, result)], NOW)
        if close:
            self.archive.journal.close(run, RunStatus.COMPLETED, now=NOW + timedelta(hours=number))
        return run

    def picture(self, number: int) -> Path:
        sha256 = _sha256(b"picture %d " % number * 300)
        return self.folder / "media" / sha256[:2] / sha256[2:4] / f"{sha256}.jpg"

    def back_up(self, target: Path, **more: Any) -> Report:
        return back_up(self.archive.database, self.folder, target, now=NOW, **more)


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def living(folder: Path) -> Iterator[Living]:
    made = Living(folder)
    with made.archive:
        for _ in range(3):
            made.visit()
        yield made


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backups" / "monthly"


def posts_in(folder: Path) -> list[str]:
    with closing(sqlite3.connect(f"{(folder / 'cupola.db').as_uri()}?mode=ro", uri=True)) as database:
        return [row[0] for row in database.execute("SELECT native_id FROM posts ORDER BY id")]


def assert_whole(folder: Path, posts: int) -> None:
    """It opens, has these posts, and every file that its rows speak of."""
    database = open_database(folder, read_only=True)
    try:
        report = verify(database, folder)
        assert report.damage == ()
        assert report.files == posts
    finally:
        database.close()
    assert posts_in(folder) == [str(number) for number in range(posts)]


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


@pytest.mark.parametrize("link", [True, False])
def test_a_backup_is_a_whole_archive(living: Living, target: Path, link: bool) -> None:
    """It opens, verifies clean, says what it is, and leaves nothing else behind."""
    report = living.back_up(target, link=link)
    assert (report.posts, report.files, report.new_files, report.removed_files) == (3, 6, 6, 0)
    assert report.is_sound
    assert report.linked_files == (6 if link else 0)
    assert_whole(target, 3)
    assert (living.picture(0).stat().st_nlink > 1) == link
    assert sorted(path.name for path in target.parent.iterdir()) == ["monthly"]
    assert sorted(path.name for path in target.iterdir()) == ["backup.json", "cupola.db", "media", "warc"]
    assert not [path for path in target.rglob("*") if path.name.endswith((".part", ".new"))]
    assert json.loads((target / MANIFEST).read_text())["posts"] == 3


@pytest.mark.parametrize("link", [True, False])
def test_renewing_takes_only_what_is_new(living: Living, target: Path, link: bool) -> None:
    """The second time only new files are taken, and what the archive no longer has goes."""
    living.back_up(target, link=link)
    assert living.back_up(target, link=link).new_files == 0
    living.visit()
    report = living.back_up(target, link=link)
    assert (report.posts, report.files, report.new_files) == (4, 8, 2)
    assert_whole(target, 4)
    # as forgetting does: the rows go, then the files
    with living.archive.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM posts WHERE native_id = '3'")
        connection.exec_driver_sql(f"DELETE FROM assets WHERE sha256 = '{living.picture(3).stem}'")
    living.picture(3).unlink()
    assert living.back_up(target, link=link).removed_files == 1
    assert_whole(target, 3)
    assert not any("picture 3" in str(data) for data in files_in(target).values())


def test_a_file_that_was_rewritten_is_taken_again(living: Living, target: Path) -> None:
    """A WARC file that is another now (a post was taken out of it) takes the place of the older one."""
    living.back_up(target)
    file = min((living.folder / "warc").iterdir())
    data = file.read_bytes()
    file.unlink()
    file.write_bytes(data + data)
    assert living.back_up(target).new_files == 1
    assert (target / "warc" / file.name).read_bytes() == data + data


def test_what_a_run_under_way_has_written_is_copied_apart(living: Living, target: Path) -> None:
    """The file goes on growing; the backup's does not, is cut to whole records, and is taken whole another time."""
    run = living.visit(close=False)
    (file,) = (path for path in (living.folder / "warc").iterdir() if f"-{run.id}." in path.name)
    whole = file.read_bytes()
    with file.open("ab") as stream:
        stream.write(b"half a record")
    living.back_up(target)
    copy = target / "warc" / file.name
    assert copy.read_bytes() == whole
    assert copy.stat().st_ino != file.stat().st_ino
    assert_whole(target, 4)
    file.write_bytes(whole + whole)
    living.archive.journal.close(run, RunStatus.COMPLETED, now=NOW)
    living.back_up(target)
    assert copy.read_bytes() == whole + whole


def test_what_is_damaged_in_the_archive_is_told_and_spoils_no_backup(living: Living, target: Path) -> None:
    """A sound copy in an earlier backup stays; in a new one the damaged file is there, and is told."""
    living.back_up(target, link=False)
    living.picture(1).write_bytes(b"rot")
    living.picture(2).unlink()
    report = living.back_up(target, link=False)
    assert sorted(item.trouble for item in report.damage) == ["mismatch", "missing"]
    assert_whole(target, 3)
    other = living.back_up(target.with_name("new"))
    assert sorted(item.trouble for item in other.damage) == ["mismatch", "missing"]
    assert (target.with_name("new") / living.picture(1).relative_to(living.folder)).read_bytes() == b"rot"


def test_a_damaged_database_is_not_backed_up(living: Living, target: Path) -> None:
    """What was there before stays."""
    living.back_up(target)
    before = files_in(target)
    living.archive.database.close()
    path = living.folder / "cupola.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'posts'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    for place in (target, target.with_name("other")):
        with pytest.raises(ArchiveDamaged):
            living.back_up(place)
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert {name: data for name, data in files_in(target).items() if name in before} == before


def test_a_backup_taken_while_everybody_writes_is_one_state(living: Living, target: Path) -> None:
    """Runs go on meanwhile; the backup has whole visits, and every file that they speak of."""
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            living.visit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            living.back_up(target.with_name(str(number)))
            living.back_up(target)
    finally:
        done.set()
        writer.join()
    for number in range(3):
        folder = target.with_name(str(number))
        database = open_database(folder, read_only=True)
        assert verify(database, folder).damage == ()
        database.close()
    living.back_up(target)
    assert_whole(target, living.visits)


def test_an_archive_on_a_server_is_left_to_its_own_tools(
    server: Any, make_archive: Callable[..., Any], tmp_path: Path, target: Path
) -> None:
    """It is refused in words, and nothing is made."""
    name = server.fresh()
    held = make_archive(tmp_path / "archive", server.address(name))
    with pytest.raises(BackupRefused, match="is on a server"):
        back_up(held.database, held.folder, target, now=NOW)
    assert not target.parent.exists()
    held.database.close()
    server.drop(name)


def test_it_goes_nowhere_else(living: Living, target: Path, tmp_path: Path) -> None:
    """A folder with something else in it, another archive's backup, a folder in the archive: all stay as they are."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_bytes(b"me")
    (tmp_path / "file").write_bytes(b"x")
    other = Living(tmp_path / "other")
    with other.archive:
        other.archive.journal.begin("other", "mastodon", None, now=NOW)
        other.back_up(tmp_path / "of-other")
    before = files_in(tmp_path)
    for place in ("photos", "file", "of-other", "other"):
        with pytest.raises(BackupRefused):
            living.back_up(tmp_path / place)
    for inside in (living.folder / "backup", living.folder, living.folder.parent):
        with pytest.raises(BackupRefused):
            living.back_up(inside)
    after = files_in(tmp_path)
    assert {name: after[name] for name in before if not name.endswith("-shm")} == {
        name: data for name, data in before.items() if not name.endswith("-shm")
    }


def test_a_backup_that_knows_more_than_the_archive_is_not_overwritten(living: Living, target: Path) -> None:
    """An archive that was restored from an older state does not take away what a newer backup holds."""
    living.back_up(target.with_name("old"))
    living.visit()
    living.back_up(target)
    older = Archive.open(ArchiveSettings(folder=restored(target.with_name("old"), target.with_name("again"))))
    with older, pytest.raises(BackupRefused, match="runs that this archive has not"):
        back_up(older.database, older.folder, target, now=NOW)
    assert_whole(target, 4)


def restored(backup: Path, target: Path) -> Path:
    database = open_database(backup, read_only=True)
    try:
        restore(database, backup, target)
    finally:
        database.close()
    return target


def test_what_comes_back_is_what_went(living: Living, target: Path) -> None:
    """The restored archive is the archive; it shares no file with the backup, and a run goes on in it at once."""
    living.back_up(target)
    again = restored(target, target.with_name("again"))
    assert_whole(again, 3)
    assert not (again / MANIFEST).exists()
    assert [path.name for path in again.rglob("*") if path.is_file() and path.stat().st_nlink > 1] == []
    old, new = files_in(target), files_in(again)
    assert {name: data for name, data in new.items() if name != "cupola.db"} == {
        name: data for name, data in old.items() if name != "cupola.db"
    }
    with Archive.open(ArchiveSettings(folder=again)) as archive:
        archive.journal.begin("iss", "mastodon", None, now=NOW + timedelta(days=1))


def test_nothing_is_overwritten_by_what_comes_back(living: Living, target: Path, tmp_path: Path) -> None:
    """A folder with anything in it is refused; an empty one is filled."""
    living.back_up(target)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("mine")
    with pytest.raises(BackupRefused):
        restored(target, tmp_path / "full")
    with pytest.raises(BackupRefused):
        restored(target, living.folder)
    assert files_in(tmp_path / "full") == {"note": b"mine"}
    (tmp_path / "empty").mkdir()
    assert_whole(restored(target, tmp_path / "empty"), 3)


def test_what_a_forget_left_to_be_removed_is_in_no_backup(living: Living, target: Path) -> None:
    """Killed before it removed the files, it left what was taken out for good: no new copy of that is made."""
    living.back_up(target)
    (first, *_) = sorted((living.folder / "warc").iterdir())
    with living.archive.database.write() as connection:
        connection.exec_driver_sql("UPDATE captures SET file = NULL WHERE id = 1")
        connection.exec_driver_sql(f"INSERT INTO removals VALUES ('warc/{first.name}')")
    living.back_up(target)
    assert first.name not in [path.name for path in (target / "warc").iterdir()]
    assert len(list((target / "warc").iterdir())) == 2


# --- killed, and out of room, at every step

_STEPS = ("link", "replace", "rename", "unlink", "mkdir", "fsync", "utime")


class Step:
    """Does something at the n-th change of the file system, counted over all functions that make one."""

    def __init__(self, at: int, act: Callable[[], None]) -> None:
        self.at, self.act, self.count, self._lock = at, act, 0, threading.Lock()

    def patch(self, patch: Callable[[str, Any], None]) -> None:
        for name in _STEPS:
            patch(name, self._wrapped(getattr(os, name)))

    def _wrapped(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **more: Any) -> Any:
            with self._lock:
                self.count += 1
                due = self.count == self.at
            if due:
                self.act()
            return real(*arguments, **more)

        return wrapped


def in_child(act: Callable[[], None], at: int) -> bool:
    """Run ``act`` in a process that is killed at the n-th step; whether it came to its end before."""
    child = os.fork()
    if child == 0:
        step = Step(at, lambda: os.kill(os.getpid(), signal.SIGKILL))
        step.patch(lambda name, wrapped: setattr(os, name, wrapped))
        with suppress(BaseException):
            act()
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFEXITED(status)


def steps() -> Iterator[int]:
    """Every step at first, then every third: the later ones are alike."""
    at = 1
    while True:
        yield at
        at += 1 if at < 12 else 3


@pytest.mark.slow
@pytest.mark.parametrize("link", [True, pytest.param(False, marks=pytest.mark.proof)])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_killed_at_any_step_there_is_no_half_backup(living: Living, target: Path, link: bool) -> None:
    """A new backup is absent or whole; the same command again makes it."""
    living.archive.close()

    def act() -> None:
        database = open_database(living.folder, read_only=True)
        back_up(database, living.folder, target, link=link, now=NOW)

    for at in steps():
        ended = in_child(act, at)
        if target.exists():
            assert_whole(target, 3)
        if ended:
            break
        act()
        assert_whole(target, 3)
        assert sorted(path.name for path in target.parent.iterdir()) == ["monthly"]
        shutil.rmtree(target)
    assert at > 10


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_killed_at_any_step_a_renewed_backup_is_the_old_or_the_new(living: Living, target: Path) -> None:
    """Settled, it is one whole state of the two; the same command again makes the new one."""
    old = target.with_name("old")
    living.back_up(old, link=False)
    living.visit()
    with living.archive.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM posts WHERE native_id = '0'")
        connection.exec_driver_sql(f"DELETE FROM assets WHERE sha256 = '{living.picture(0).stem}'")
    rewritten = min((living.folder / "warc").iterdir())
    data = rewritten.read_bytes()
    rewritten.unlink()
    rewritten.write_bytes(data + data)
    living.archive.close()

    def act() -> None:
        database = open_database(living.folder, read_only=True)
        back_up(database, living.folder, target, link=False, now=NOW)

    seen = set()
    for at in steps():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(old, target)
        ended = in_child(act, at)
        settle(target)
        found = posts_in(target)
        assert found in (["0", "1", "2"], ["1", "2", "3"])
        seen.add(tuple(found))
        database = open_database(target, read_only=True)
        assert verify(database, target).damage == ()
        database.close()
        act()
        assert posts_in(target) == ["1", "2", "3"]
        assert not [path for path in target.rglob("*") if path.name.endswith((".part", ".new", ".settled"))]
        assert len(list(target.glob("media/*/*/*.jpg"))) == 3
        if ended:
            break
    assert len(seen) == 2


@pytest.mark.slow
@pytest.mark.parametrize("fault", [errno.ENOSPC, pytest.param(errno.EIO, marks=pytest.mark.proof)])
def test_out_of_room_at_any_step_the_old_backup_stays(
    living: Living, target: Path, fault: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is one of this room, the earlier backup is whole, and the same again makes the new one."""
    old = target.with_name("old")
    living.back_up(old, link=False)
    living.visit()

    def fail() -> None:
        raise OSError(fault, os.strerror(fault))

    for at in steps():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(old, target)
        step = Step(at, fail)
        with monkeypatch.context() as patch:
            step.patch(lambda name, wrapped, patch=patch: patch.setattr(os, name, wrapped))  # type: ignore[misc]
            if step_is_past(step, living, target, DiskFull if fault == errno.ENOSPC else StorageError):
                break
        settle(target)
        assert_whole(target, len(posts_in(target)))
        living.back_up(target, link=False)
        assert_whole(target, 4)


def step_is_past(step: Step, living: Living, target: Path, expected: type[StorageError]) -> bool:
    """Whether the whole backup has fewer steps; else what went wrong at this one was told, or did not matter."""
    with suppress(expected):
        living.back_up(target, link=False)
    return step.count < step.at


def test_a_full_disk_leaves_nothing_of_a_new_backup(
    living: Living, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun would keep the disk full: it goes."""

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "utime", lambda *arguments, **more: full())
        with pytest.raises(DiskFull):
            living.back_up(target, link=False)
    assert list(target.parent.iterdir()) == []


def test_an_interrupted_backup_goes_on_where_it_was(living: Living, target: Path) -> None:
    """What was copied is not copied again; nothing stands under the final name before all is there."""

    class Enough(Exception):
        pass

    def stop(what: str, done: int, total: int) -> None:
        if what == "warc":
            raise Enough

    with pytest.raises(Enough):
        living.back_up(target, link=False, progress=stop)
    assert not target.exists()
    assert living.back_up(target, link=False).new_files == 2
    assert_whole(target, 3)


def test_two_at_once_do_not_meet(living: Living, target: Path) -> None:
    """The second one is told that the first is at work."""

    def again(what: str, done: int, total: int) -> None:
        with pytest.raises(BackupRefused, match="another process"):
            living.back_up(target)

    living.back_up(target, progress=again)
    assert_whole(target, 3)


def test_memory_does_not_grow_with_a_file(living: Living, target: Path) -> None:
    """Big files are copied in pieces."""
    import tracemalloc

    data = b"x" * 30_000_000
    file = living.folder / "media" / ".damaged" / "big"
    file.parent.mkdir()
    file.write_bytes(data)
    tracemalloc.start()
    try:
        living.back_up(target, link=False)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (target / "media" / ".damaged" / "big").stat().st_size == len(data)
    assert peak < 8_000_000
