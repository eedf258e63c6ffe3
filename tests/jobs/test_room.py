"""The disk guard: under a set free space no picture is taken, texts go on, and it resumes by itself."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.room import Room

MIB = 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or mount is None or umount is None:
        pytest.skip("only root can mount a small file system")
    made = subprocess.run([mount, "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip(f"no small file system can be mounted here: {made.stderr.decode().strip()}")
    yield folder
    subprocess.run([umount, str(folder)], check=True)


def test_a_real_disk_fills_and_is_freed(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is short while a file fills it, and has room again when the file is gone; each is said once."""
    (small_disk / "media").mkdir()
    room = Room(small_disk, 4 * MIB)
    with caplog.at_level(logging.WARNING):
        assert room()
        (small_disk / "big").write_bytes(bytes(5 * MIB))
        assert not room()
        assert not room()
        (small_disk / "big").unlink()
        assert room()
    assert len(caplog.records) == 2


def test_it_resumes_only_with_a_little_more(tmp_path: Path) -> None:
    """What is freed by a hair does not begin it again, so that it is not said each minute."""
    free = [1000]
    room = Room(tmp_path, 1000, free=lambda _: free[0])
    told = []
    for free[0] in (1000, 999, 1001, 1049, 1050, 1001, 999):
        told.append(room())
    assert told == [True, False, False, False, True, True, False]


def test_a_disk_that_does_not_say_is_not_guarded(tmp_path: Path) -> None:
    """Nothing is held back for a disk that cannot be asked."""
    space = Room(tmp_path / "nothing", 1000).look()
    assert (space.free, space.is_short) == (None, False)
