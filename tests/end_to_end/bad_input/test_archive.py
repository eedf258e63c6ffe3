"""An archive that cannot be used stops a run with exit status 3 and the way out; what it holds is untouched."""

from __future__ import annotations

import random
import resource
import shutil
import sqlite3
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storage.engine import open_database
from storage.errors import ArchiveLocked

NOISE = random.Random(1).randbytes(300_000).hex()


@pytest.fixture(scope="module")
def kept(opened: Callable[[str], Any], places: Callable[[], Any]) -> tuple[Any, Any]:
    """A diary, and an archive of its four posts."""
    diary, place = opened("diary"), places()
    place.configure({"diary": diary}, rate="1000/s")
    assert place.run("scrape", "-q").status == 0
    return diary, place


@pytest.fixture
def diary(kept: tuple[Any, Any]) -> Any:
    """The four posts that are held and a fifth that is not."""
    diary = kept[0]
    diary.mend()
    diary.statuses.insert(0, diary.status(5))
    diary.pictures[5] = diary.painted(5)
    diary.site.seen.clear()
    return diary


@pytest.fixture
def place(kept: tuple[Any, Any], diary: Any, tmp_path: Path) -> Any:
    """An archive of this test's own that lacks the newest post of the diary."""
    shutil.copytree(kept[1].folder, tmp_path, dirs_exist_ok=True)
    return type(kept[1])(tmp_path)


def assert_completed(place: Any) -> None:
    """The next run, now that the archive can be used, takes what was missed; nothing is there twice."""
    assert place.run("scrape", "-q").status == 0
    assert [row[0] for row in place.ask("SELECT key FROM archive_posts ORDER BY 1")] == [f"diary:{n}" for n in "12345"]
    assert place.ask("SELECT DISTINCT state, count(*) FROM archive_media") == [("stored", 5)]
    place.assert_sound(as_command=False)


def version(found: str) -> Callable[[Path], None]:
    """The archive says that it has this schema."""

    def change(file: Path) -> None:
        with sqlite3.connect(file) as database:
            database.execute("UPDATE alembic_version SET version_num = ?", (found,))
        database.close()

    return change


def foreign(file: Path) -> None:
    """The database of another program."""
    file.unlink()
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE recipes (name)")
    database.close()


def cut(file: Path) -> None:
    """Half of a database."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


UNUSABLE: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "newer": (version("9999"), ("newer Cupola", "9999", "upgrade Cupola")),
    "older": (version("0000"), ("older schema 0000", "cupola db upgrade")),
    "no-database": (lambda file: file.write_text("Dear diary\n" * 999), ("not a database", "backup")),
    "foreign": (foreign, ("a database, but not one of Cupola's", "for the archive")),
    "cut": (cut, ("damaged", "backup")),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_archive_that_is_none_of_ours_is_left_as_it_is(place: Any, diary: Any, name: str) -> None:
    """Status 3 and the file named, for a writer and for a reader; not a byte changes and no site is asked."""
    spoil, says = UNUSABLE[name]
    file = place.archive / "cupola.db"
    sound = file.read_bytes()
    spoil(file)
    spoiled = file.read_bytes()
    for done in [place.finish(begun) for begun in [place.start(command) for command in ("scrape", "query")]]:
        assert (done.status, done.out) == (3, "")
        assert all(word in done.err for word in (*says, "cupola.db")), done.err
        assert len(done.err.splitlines()) == 1
    assert file.read_bytes() == spoiled
    assert diary.site.seen == []
    file.write_bytes(sound)
    if name == "cut":
        assert_completed(place)


@pytest.mark.parametrize("name", ["older", "foreign"])
def test_an_upgrade_touches_no_archive_that_it_does_not_know(place: Any, name: str) -> None:
    """``db upgrade`` of what this version cannot upgrade: status 3, a sentence, and not a byte changes."""
    file = place.archive / "cupola.db"
    UNUSABLE[name][0](file)
    spoiled = file.read_bytes()
    done = place.run("db", "upgrade")
    assert (done.status, done.out) == (3, "")
    assert "cupola.db" in done.err
    assert len(done.err.splitlines()) == 1
    assert file.read_bytes() == spoiled


def test_there_is_no_archive_to_ask(place: Any) -> None:
    """A reader makes none: status 3, and the folder and the way out named."""
    shutil.rmtree(place.archive)
    done = place.run("query")
    assert (done.status, done.out) == (3, "")
    assert "there is no archive in" in done.err
    assert "cupola scrape" in done.err
    assert not place.archive.exists()


def test_a_lock_of_another_process_is_waited_for_and_does_not_stop_readers(place: Any) -> None:
    """A scrape that finds the database locked goes on when it is free again; a query does not even wait."""
    locked = sqlite3.connect(place.archive / "cupola.db", isolation_level=None, check_same_thread=False)
    locked.execute("BEGIN EXCLUSIVE")
    database = open_database(place.archive, busy_timeout=0.05)
    with pytest.raises(ArchiveLocked, match="another process; wait until it is done, or stop it"), database.write():
        pass  # never reached
    database.close()
    writer = place.start("scrape", "-q")
    assert place.run("query", "--count").out == "4\n"
    assert writer.poll() is None
    locked.close()
    assert place.finish(writer).status == 0
    assert_completed(place)


@pytest.mark.proof
def test_a_lock_that_lasts_stops_the_run(place: Any) -> None:
    """After half a minute: status 3 and the way out; nothing is lost."""
    locked = sqlite3.connect(place.archive / "cupola.db", isolation_level=None)
    locked.execute("BEGIN EXCLUSIVE")
    done = place.run("scrape")
    assert (done.status, done.out) == (3, "")
    assert "being written to by another process; wait until it is done, or stop it" in done.err
    locked.close()
    assert_completed(place)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Mounts on the archive's folder with the given arguments, until the test is over; skips where nobody may."""
    archive = tmp_path / "archive"
    mounts = 0

    def mount(*arguments: str) -> None:
        nonlocal mounts
        done = subprocess.run(["mount", *arguments, str(archive)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
        mounts += "remount" not in " ".join(arguments)

    yield mount
    for _ in range(mounts):
        subprocess.run(["umount", "--lazy", str(archive)], check=True)


def grow(diary: Any, what: str) -> None:
    """The fifth post has more to it than there is room for."""
    if what == "picture":
        head, data, end = diary.pictures[5][:33], b"IDAT" + bytes.fromhex(NOISE) * 4, diary.pictures[5][-12:]
        chunk = (len(data) - 4).to_bytes(4, "big") + data + zlib.crc32(data).to_bytes(4, "big")
        diary.pictures[5] = head + chunk + end
    else:
        diary.statuses[0]["content"] = f"<p>{NOISE[:250_000]}</p>" * 4


@pytest.mark.parametrize("what", ["picture", "text"])
def test_a_full_disk_stops_the_run_and_room_completes_it(
    place: Any, diary: Any, mounted: Callable[..., None], what: str
) -> None:
    """Status 3 and what to do, wherever the disk gets full; what was held is sound, and the next run goes on."""
    kept = place.folder / "kept"
    place.archive.rename(kept)
    place.archive.mkdir()
    mounted("-t", "tmpfs", "-o", "size=1200k", "tmpfs")
    shutil.copytree(kept, place.archive, dirs_exist_ok=True)
    grow(diary, what)
    done = place.run("scrape", "--json")
    assert (done.status, done.out) == (3, "")
    assert "no space" in done.err
    assert str(place.archive) in done.err
    assert "make room" in done.err
    place.assert_sound(as_command=False)
    assert place.ask("SELECT count(*) FROM archive_posts") == [(5 if what == "picture" else 4,)]
    mounted("-o", "remount,size=16m")
    assert_completed(place)


@pytest.mark.parametrize("what", ["picture"])
def test_a_file_that_may_not_grow_stops_the_run(place: Any, diary: Any, what: str) -> None:
    """The same by a limit on the size of files, which needs no rights: status 3, and the next run goes on."""
    grow(diary, what)
    limit = place.archive.joinpath("cupola.db").stat().st_size + 100_000

    def confine() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = place.run("scrape", preexec_fn=confine)
    assert (done.status, done.out) == (3, "")
    assert str(place.archive) in done.err
    place.assert_sound(as_command=False)
    assert_completed(place)


def test_a_read_only_archive_can_be_asked_and_says_why_it_cannot_be_written(
    place: Any, diary: Any, mounted: Callable[..., None]
) -> None:
    """A medium that is read-only: query, show and verify work; scrape ends with status 3 and names the file."""
    mounted("--bind", str(place.archive))
    mounted("-o", "remount,ro,bind")
    done = place.run("scrape")
    assert (done.status, done.out) == (3, "")
    assert "cupola.db cannot be opened; check that the folder is yours to read and write" in done.err
    assert place.run("query", "--count").out == "4\n"
    assert place.run("show", "diary:4", "--json").json["key"] == "diary:4"
    assert place.run("verify").status == 0
    assert diary.site.seen == []
    mounted("-o", "remount,rw,bind")
    assert_completed(place)
