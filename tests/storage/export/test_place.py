"""Where an export goes: its name is taken when it is whole, and nothing of another kind is ever replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage.errors import DiskFull, ExportRefused
from storage.export.place import placed

WRITE = """
import sys
from pathlib import Path
from storage.export.place import placed
with placed(Path(sys.argv[1]), folder=sys.argv[2] == "folder", force=True, marks=("a",)) as place:
    if sys.argv[2] == "folder":
        (place.folder / "a").write_bytes(b"half")
    else:
        place.file.write(b"half")
        place.file.flush()
    print("written", flush=True)
    sys.stdin.read()
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def make(dest: Path, what: str, content: bytes = b"new", **more) -> None:
    with placed(dest, folder=what == "folder", marks=("a",), **more) as place:
        if what == "folder":
            with place.create("a") as file:
                file.write(content)
        else:
            place.file.write(content)


def content(dest: Path) -> bytes:
    return (dest / "a" if dest.is_dir() else dest).read_bytes()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_it_has_its_name_when_it_is_whole(tmp_path: Path, what: str) -> None:
    """While it is written there is nothing under its name; afterwards there is nothing else."""
    dest = tmp_path / "dest"
    with placed(dest, folder=what == "folder"):
        assert not dest.exists()
    assert names(tmp_path) == ["dest"]


@pytest.mark.parametrize("what", ["file", "folder"])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_is_left_when_it_ends_badly(tmp_path: Path, what: str, error: type[BaseException]) -> None:
    """Neither under its name nor under another one; what was there stays as it was."""
    dest = tmp_path / "dest"
    make(dest, what, b"old")
    with pytest.raises(error), placed(dest, folder=what == "folder", force=True, marks=("a",)):
        raise error
    assert names(tmp_path) == ["dest"]
    assert content(dest) == b"old"


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_is_there_is_replaced_on_request_only(tmp_path: Path, what: str) -> None:
    """Refused, with the way out named; under force the new one is there and the old one gone."""
    dest = tmp_path / "dest"
    make(dest, what, b"old")
    with pytest.raises(ExportRefused, match="--force"):
        make(dest, what)
    assert content(dest) == b"old"
    make(dest, what, force=True)
    assert (content(dest), names(tmp_path)) == (b"new", ["dest"])


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_comes_meanwhile_stays(tmp_path: Path, what: str) -> None:
    """Somebody else's, made while the export was written, is not replaced."""
    dest = tmp_path / "dest"

    def both() -> None:
        with placed(dest, folder=what == "folder"):
            make(dest, what, b"theirs")

    with pytest.raises(ExportRefused, match="somebody else"):
        both()
    assert (content(dest), names(tmp_path)) == (b"theirs", ["dest"])


def test_a_folder_of_something_else_is_never_replaced(tmp_path: Path) -> None:
    """Not even under force: a home, say. An empty one is taken."""
    dest = tmp_path / "dest"
    dest.mkdir()
    make(dest, "folder", force=True)
    (dest / "a").rename(dest / "b")
    with pytest.raises(ExportRefused, match="something else"):
        make(dest, "folder", force=True)
    assert names(dest) == ["b"]


@pytest.mark.parametrize(
    ("there", "what", "said"),
    [("folder", "file", "is a folder"), ("file", "folder", "is a file"), ("missing/dest", "file", "no folder")],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, there: str, what: str, said: str) -> None:
    """A folder for a file, a file for a folder, a parent that is not there; under force, too."""
    dest = tmp_path / there
    if there == "folder":
        dest.mkdir()
    elif there == "file":
        dest.touch()
    with pytest.raises(ExportRefused, match=said):
        make(dest, what, force=True)


def test_a_device_and_the_root_are_refused(tmp_path: Path) -> None:
    """What is neither a file nor a folder is left alone."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ExportRefused, match="device"):
        make(tmp_path / "pipe", "file", force=True)
    with pytest.raises(ExportRefused, match="name a folder in it"):
        make(Path("/"), "folder", force=True)


def test_a_link_to_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """What a link points to stays as it is."""
    (tmp_path / "other").write_bytes(b"other")
    (tmp_path / "dest").symlink_to("other")
    make(tmp_path / "dest", "file", force=True)
    assert ((tmp_path / "other").read_bytes(), (tmp_path / "dest").read_bytes()) == (b"other", b"new")


@pytest.mark.parametrize("name", ["../a", "/a", "", "a/../../b"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    """A name that would is a mistake of the format's."""
    with placed(tmp_path / "dest", folder=True) as place, pytest.raises(ValueError, match="inside"), place.create(name):
        pass


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_a_kill_leaves_is_removed_by_the_next_export(tmp_path: Path, what: str) -> None:
    """Killed in the middle: nothing under the name. One that is still at work is left alone; its leftovers go."""
    dest = tmp_path / "dest"
    command = [sys.executable, "-c", WRITE, str(dest), what]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        make(dest, what, b"meanwhile")
        assert len(names(tmp_path)) == 2  # the other one is at work
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert content(dest) == b"meanwhile"
    make(dest, what, force=True)
    assert (names(tmp_path), content(dest)) == (["dest"], b"new")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_told(tmp_path: Path) -> None:
    """The sentence names the folder and what to do."""
    tmp_path.chmod(0o500)
    with pytest.raises(ExportRefused, match="may not be written to"):
        make(tmp_path / "dest", "file")


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 256 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_full_disk_is_told_and_nothing_is_left(small_disk: Path, what: str) -> None:
    """On a disk that is really full: no half of it, and the room is free again."""
    with pytest.raises(DiskFull, match="make room"):
        make(small_disk / "dest", what, b"x" * 500_000)
    assert names(small_disk) == []
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(ExportRefused, match="may not be written to"):
        make(small_disk / "dest", what)
