"""Files that are on the disk for good: whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path
from threading import Barrier, Thread

import pytest

from storage.disk import disk_faults
from storage.durable import replacing, sync_folder
from storage.errors import StorageError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def names(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir())


def test_a_new_file_has_its_name_only_when_it_is_whole(path: Path) -> None:
    """Until the block has ended nothing stands under the name; then all that was written, and nothing beside it."""
    with replacing(path) as file:
        file.write(b"half")
        file.flush()
        assert not path.exists()
        file.write(b" and half")
    assert path.read_bytes() == b"half and half"
    assert names(path.parent) == ["list.csv"]


def test_an_old_file_is_read_whole_until_the_new_one_is(path: Path) -> None:
    """Who reads while the new file is written reads the old one; who had it open reads it to its end."""
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        with replacing(path) as file:
            file.write(b"new")
            file.flush()
            assert path.read_bytes() == b"old"
        assert (reader.read(), path.read_bytes()) == (b"old", b"new")


@pytest.mark.parametrize("why", [ValueError("no such picture"), KeyboardInterrupt(), GeneratorExit()])
def test_whatever_ends_the_writing_leaves_the_old_file(path: Path, why: BaseException) -> None:
    """An error, or a person who says stop, is passed on; the old file stays and no part of the new one."""
    path.write_bytes(b"old")

    def write() -> None:
        with replacing(path) as file:
            file.write(b"new")
            raise why

    with pytest.raises(type(why)) as caught:
        write()
    assert caught.value is why
    assert names(path.parent) == ["list.csv"]
    assert path.read_bytes() == b"old"


def test_text_can_be_written_through_a_wrapper_that_closes_the_file(path: Path) -> None:
    """A text wrapper around the file may be closed in the block: what it held back is there."""
    with replacing(path) as file, io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
        csv.writer(text).writerows([["clé", "légende"], ["1", "La Terre, vue d’ici"]])
    assert path.read_text(encoding="utf-8") == 'clé,légende\n1,"La Terre, vue d’ici"\n'


def test_what_was_written_can_be_read_again_in_the_block(path: Path) -> None:
    """The file may be read and rewound, as whoever writes a table of contents at the front needs."""
    with replacing(path) as file:
        file.write(b"....body")
        file.seek(0)
        assert file.read() == b"....body"
        file.seek(0)
        file.write(b"head")
    assert path.read_bytes() == b"headbody"


def test_several_may_write_the_same_file_at_once(path: Path) -> None:
    """Threads that write one file at once do not mix: it is the whole work of one of them."""
    ready = Barrier(4)

    def write(letter: bytes) -> None:
        with replacing(path) as file:
            ready.wait(timeout=30)
            file.write(letter * 100_000)

    threads = [Thread(target=write, args=(letter,)) for letter in (b"a", b"b", b"c", b"d")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    found = path.read_bytes()
    assert len(found) == 100_000
    assert len(set(found)) == 1
    assert names(path.parent) == ["list.csv"]


def test_a_link_is_replaced_and_what_it_leads_to_stays(path: Path, tmp_path: Path) -> None:
    """Nobody who puts a link where the file shall be has another file overwritten."""
    other = tmp_path / "other.txt"
    other.write_bytes(b"somebody's")
    path.symlink_to(other)
    with replacing(path) as file:
        file.write(b"ours")
    assert (path.is_symlink(), path.read_bytes(), other.read_bytes()) == (False, b"ours", b"somebody's")


def test_a_new_file_is_as_readable_as_any_other(path: Path) -> None:
    """It has the permissions that the person's umask gives to new files, not those of a temporary file."""
    beside = path.with_name("plain")
    beside.touch()
    with replacing(path):
        pass
    assert path.stat().st_mode == beside.stat().st_mode


def test_a_folder_in_its_place_is_an_error_and_leaves_nothing(path: Path) -> None:
    """Where the name is a folder's nothing is replaced; the error is the disk's, and can be told as ours."""
    path.mkdir()
    with pytest.raises(StorageError, match=r"list\.csv"), disk_faults(path), replacing(path) as file:
        file.write(b"new")
    assert names(path.parent) == ["list.csv"]


def test_a_folder_that_is_not_there_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    """Nothing is made on the way: neither the folder nor a file."""
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "none" / "list.csv"):
        pytest.fail("the block is not entered")
    assert names(tmp_path) == []


def test_a_kill_in_the_middle_leaves_the_old_file(path: Path) -> None:
    """Killed while the new file is written, the old one is whole; the part that is left is hidden and named."""
    path.write_bytes(b"old")
    program = (
        "import os, signal, sys; from pathlib import Path; from storage.durable import replacing\n"
        "with replacing(Path(sys.argv[1])) as file:\n"
        "    file.write(b'new'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    killed = subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=root, timeout=60, env={**os.environ, "PYTHONPATH": str(root)}
    )
    assert killed.returncode == -9
    left, kept = names(path.parent)
    assert (left.startswith(".list.csv."), left.endswith(".part"), kept) == (True, True, "list.csv")
    assert path.read_bytes() == b"old"


def test_the_bytes_are_on_the_disk_before_the_name_is_and_the_name_in_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut there is no empty file under the name: fsync of the file, the name, fsync of the folder."""
    done: list[str] = []
    fsync, rename = os.fsync, os.replace

    def noted_fsync(handle: int) -> None:
        done.append("folder" if os.path.isdir(f"/proc/self/fd/{handle}") else f"file of {os.fstat(handle).st_size}")
        fsync(handle)

    def noted_replace(source: Path, target: Path) -> None:
        done.append("name")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    with replacing(path) as file:
        file.write(b"new")
    assert done == ["file of 3", "name", "folder"]


def test_the_names_of_a_file_are_no_folder_to_be_synced(path: Path) -> None:
    """``sync_folder`` refuses what is no folder, so that no name is believed to be safe that is not."""
    path.touch()
    with pytest.raises(NotADirectoryError):
        sync_folder(path)
