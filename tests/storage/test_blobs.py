"""Media files on a real disk; every byte here is synthetic."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scraper.model import Asset
from storage.blobs import Blobs, relative_path
from storage.disk import disk_fault
from storage.errors import ArchiveReadOnly, BlobMismatch, BlobMissing, DiskFull, StorageError

PICTURE = b"synthetic picture " * 1000


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def keep(blobs: Blobs, body: bytes, extension: str = "jpg") -> Path:
    place = blobs.incoming()
    place.write(body)
    place.commit(digest(body), extension)
    size = len(body)
    return blobs.path_of(
        Asset(sha256=digest(body), media_type="image/jpeg", extension=extension, size=size, width=1, height=1)
    )


def unfinished(folder: Path) -> list[Path]:
    return list((folder / "media" / ".incoming").glob("*"))


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=st.lists(st.binary(max_size=4000), min_size=1, max_size=6))
def test_what_is_kept_is_read_back(blobs: Blobs, chunks: list[bytes]) -> None:
    """Whatever is written in whatever pieces is read back, verifies, and is listed once."""
    body = b"".join(chunks)
    place = blobs.incoming()
    for chunk in chunks:
        place.write(chunk)
    with place.open() as written:
        assert written.read() == body
    place.commit(digest(body), "png")
    with blobs.open(digest(body), "png") as held:
        assert held.read() == body
    blobs.verify(digest(body), "png")
    assert [blob.size for blob in blobs.walk() if blob.sha256 == digest(body)] == [len(body)]


def test_a_file_lies_at_the_promised_path(blobs: Blobs, tmp_path: Path) -> None:
    """The path is media/ab/cd/<sha256>.<ext>, readable by everybody, and the working folder is empty again."""
    path = keep(blobs, PICTURE)
    sha256 = digest(PICTURE)
    assert path == tmp_path / "media" / sha256[:2] / sha256[2:4] / f"{sha256}.jpg"
    assert relative_path(sha256, "jpg") == path.relative_to(tmp_path).as_posix()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert unfinished(tmp_path) == []


def test_nothing_is_made_before_the_first_byte(blobs: Blobs, tmp_path: Path) -> None:
    """A place that is never written to leaves no trace, not even a folder."""
    place = blobs.incoming()
    place.reset()
    place.discard()
    assert list(tmp_path.iterdir()) == []
    assert list(blobs.walk()) == []


def test_a_file_that_begins_again_holds_only_the_new_bytes(blobs: Blobs) -> None:
    """After reset, what was written before is gone."""
    place = blobs.incoming()
    place.write(b"the longer beginning of a broken answer")
    place.reset()
    place.write(PICTURE)
    place.commit(digest(PICTURE), "jpg")
    blobs.verify(digest(PICTURE), "jpg")


def test_a_dropped_file_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    """After discard neither the file nor its unfinished part is there; a second discard does nothing."""
    place = blobs.incoming()
    place.write(PICTURE)
    assert len(unfinished(tmp_path)) == 1
    place.discard()
    place.discard()
    assert unfinished(tmp_path) == []
    assert list(blobs.walk()) == []


def test_an_unfinished_file_is_for_its_writer_only(blobs: Blobs, tmp_path: Path) -> None:
    """Before it is kept, nobody else may read it."""
    place = blobs.incoming()
    place.write(PICTURE)
    (path,) = unfinished(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    place.discard()


def test_the_same_bytes_are_held_once(blobs: Blobs, tmp_path: Path) -> None:
    """A second file with the same hash is dropped, and the first one is not touched."""
    before = keep(blobs, PICTURE).stat()
    after = keep(blobs, PICTURE).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert unfinished(tmp_path) == []
    assert len(list(blobs.walk())) == 1


def test_many_writers_of_the_same_bytes_end_with_one_file(tmp_path: Path) -> None:
    """Two archives' worth of threads that keep the same bytes at once neither fail nor leave two files."""
    crew = [Blobs(tmp_path), Blobs(tmp_path)]
    start = threading.Barrier(8)
    faults: list[BaseException] = []

    def work(blobs: Blobs) -> None:
        try:
            start.wait()
            for _ in range(10):
                keep(blobs, PICTURE)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            faults.append(error)

    threads = [threading.Thread(target=work, args=(crew[number % 2],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert [blob.sha256 for blob in crew[0].walk()] == [digest(PICTURE)]
    assert unfinished(tmp_path) == []


@pytest.mark.parametrize("damage", [b"", PICTURE[:-1], b"X" + PICTURE[1:]], ids=["empty", "short", "changed"])
def test_a_damaged_file_is_found_and_mended_by_fetching_it_again(
    blobs: Blobs, tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Verify tells of it with its hash; keeping the right bytes puts it aside, and says so."""
    path = keep(blobs, PICTURE)
    path.write_bytes(damage)
    with pytest.raises(BlobMismatch, match="is damaged") as caught:
        blobs.verify(digest(PICTURE), "jpg")
    assert caught.value.sha256 == digest(PICTURE)
    with caplog.at_level(logging.WARNING):
        keep(blobs, PICTURE)
    blobs.verify(digest(PICTURE), "jpg")
    assert "a sound copy takes its place" in caplog.text
    (aside,) = blobs.aside()
    assert (tmp_path / aside).read_bytes() == damage
    assert aside.startswith(f"media/.damaged/{path.name}.")
    assert [blob.sha256 for blob in blobs.walk()] == [digest(PICTURE)]


def test_every_damaged_file_is_kept_beside_the_others(blobs: Blobs, tmp_path: Path) -> None:
    """A file that is damaged twice leaves two; where links cannot be made the damaged one is moved."""
    path = keep(blobs, PICTURE)
    for damage in (b"one", b"two"):
        path.write_bytes(damage)
        keep(blobs, PICTURE)
    assert sorted((tmp_path / aside).read_bytes() for aside in blobs.aside()) == [b"one", b"two"]
    path.unlink()
    path.mkdir()
    keep(blobs, PICTURE)
    assert len(blobs.aside()) == 3
    assert path.read_bytes() == PICTURE


def test_a_file_that_is_not_there_is_told_by_its_path(blobs: Blobs) -> None:
    """Open and verify of what was never kept raise BlobMissing, in an empty archive and in a full one."""
    with pytest.raises(BlobMissing, match=relative_path(digest(b"no"), "jpg")):
        blobs.open(digest(b"no"), "jpg")
    keep(blobs, PICTURE)
    with pytest.raises(BlobMissing) as caught:
        blobs.verify(digest(b"no"), "jpg")
    assert caught.value.sha256 == digest(b"no")


@pytest.mark.parametrize(
    ("sha256", "extension"),
    [
        ("../../../etc/passwd", "jpg"),
        (digest(b"")[:-1], "jpg"),
        (digest(b"").upper(), "jpg"),
        (digest(b""), ""),
        (digest(b""), "../x"),
        (digest(b""), "jpg\n"),
        (digest(b""), "JPG"),
        (digest(b""), "a.b"),
        (digest(b""), "x" * 300),
    ],
)
def test_only_a_hash_and_a_plain_extension_make_a_name(
    blobs: Blobs, tmp_path: Path, sha256: str, extension: str
) -> None:
    """What is no hash or no plain extension is refused before the disk is touched with it."""
    with pytest.raises(ValueError, match="named by its hash"):
        relative_path(sha256, extension)
    place = blobs.incoming()
    place.write(PICTURE)
    with pytest.raises(ValueError, match="named by its hash"):
        place.commit(sha256, extension)
    place.discard()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_link_in_place_of_a_file_is_not_followed(blobs: Blobs, tmp_path: Path) -> None:
    """A link with a picture's name is not read through; keeping the picture replaces it and spares its target."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    path = tmp_path / relative_path(digest(PICTURE), "jpg")
    path.parent.mkdir(parents=True)
    path.symlink_to(victim)
    with pytest.raises(BlobMissing):
        blobs.open(digest(PICTURE), "jpg")
    assert list(blobs.walk()) == []
    keep(blobs, PICTURE)
    assert not path.is_symlink()
    blobs.verify(digest(PICTURE), "jpg")
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("level", [".incoming", "first", "second"])
def test_a_link_in_place_of_a_folder_is_not_followed(blobs: Blobs, tmp_path: Path, level: str) -> None:
    """Where a folder below media is a link elsewhere, nothing is written there and the error names the remedy."""
    sha256 = digest(PICTURE)
    place = {".incoming": ".incoming", "first": sha256[:2], "second": f"{sha256[:2]}/{sha256[2:4]}"}[level]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = tmp_path / "media" / place
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    with pytest.raises(StorageError, match="holds a link"):
        keep(blobs, PICTURE)
    assert list(elsewhere.iterdir()) == []


def test_media_may_be_a_link_to_another_disk(blobs: Blobs, tmp_path: Path) -> None:
    """The folder media itself may be a link: that is how an archivist moves pictures to a larger disk."""
    (tmp_path / "large").mkdir()
    (tmp_path / "media").symlink_to(tmp_path / "large")
    keep(blobs, PICTURE)
    blobs.verify(digest(PICTURE), "jpg")
    assert len(list((tmp_path / "large").rglob("*.jpg"))) == 1


def test_what_is_not_ours_is_passed_over(blobs: Blobs, tmp_path: Path) -> None:
    """Notes, previews, folders and files in a wrong folder are not listed, and stay."""
    path = keep(blobs, PICTURE)
    strangers = [path.parent / "Thumbs.db", path.parent.parent / "x.jpg", tmp_path / "media" / "README"]
    strangers.append(path.parent / f"{digest(b'wrong folder')}.jpg")
    for stranger in strangers:
        stranger.write_bytes(b"")
    (path.parent / f"{digest(PICTURE)}.d").mkdir()
    assert [blob.sha256 for blob in blobs.walk()] == [digest(PICTURE)]
    assert all(stranger.exists() for stranger in strangers)


def test_files_are_listed_in_the_order_of_their_hashes(blobs: Blobs) -> None:
    """The listing is the same whatever order the files came in."""
    for number in range(30):
        keep(blobs, b"%d" % number)
    listed = [blob.sha256 for blob in blobs.walk()]
    assert listed == sorted(digest(b"%d" % number) for number in range(30))


WRITER = """
import hashlib, os, signal, sys
from pathlib import Path
from storage.blobs import Blobs
folder, moment = Path(sys.argv[1]), sys.argv[2]
body = b"synthetic picture " * 1000

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

real = os.replace
def replace_and_die(*args, **kwargs):
    real(*args, **kwargs)
    die()

if moment == "before-sync":
    os.fchmod = die
elif moment == "before-rename":
    os.replace = die
elif moment == "after-rename":
    os.replace = replace_and_die
place = Blobs(folder).incoming()
place.write(body)
if moment == "write":
    die()
place.commit(hashlib.sha256(body).hexdigest(), "jpg")
"""


@pytest.mark.parametrize("moment", ["write", "before-sync", "before-rename", "after-rename"])
def test_a_killed_writer_leaves_a_whole_file_or_none(tmp_path: Path, moment: str) -> None:
    """Killed at any moment, what has a name is sound, what has none is swept when the next writer begins."""
    done = subprocess.run([sys.executable, "-c", WRITER, str(tmp_path), moment], cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL
    blobs = Blobs(tmp_path)
    held = list(blobs.walk())
    assert len(held) == (1 if moment == "after-rename" else 0)
    for blob in held:
        blobs.verify(blob.sha256, blob.extension)
    assert len(unfinished(tmp_path)) == (0 if moment == "after-rename" else 1)
    keep(blobs, b"another picture")
    assert unfinished(tmp_path) == []
    keep(blobs, PICTURE)
    blobs.verify(digest(PICTURE), "jpg")


def test_what_a_living_writer_has_in_hand_is_not_swept(tmp_path: Path) -> None:
    """A second process that begins, or a sweep by hand, leaves a file alone whose writer lives."""
    place = Blobs(tmp_path).incoming()
    place.write(PICTURE)
    other = Blobs(tmp_path)
    assert other.sweep() == 0
    keep(other, b"another picture")
    place.commit(digest(PICTURE), "jpg")
    other.verify(digest(PICTURE), "jpg")


def test_a_sweep_counts_what_it_removed(blobs: Blobs, tmp_path: Path) -> None:
    """It removes unfinished files only, and nothing where there is nothing."""
    assert blobs.sweep() == 0
    folder = tmp_path / "media" / ".incoming"
    folder.mkdir(parents=True)
    (folder / "left.part").write_bytes(b"half")
    (folder / "note.txt").write_bytes(b"not ours")
    assert blobs.sweep() == 1
    assert [path.name for path in folder.iterdir()] == ["note.txt"]


LIMITED = """
import resource, sys
from pathlib import Path
from storage.blobs import Blobs
from storage.errors import DiskFull
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
place = Blobs(Path(sys.argv[1])).incoming()
try:
    place.write(b"x" * 9_000)
    place.write(b"x" * 9_000)
except DiskFull as error:
    place.discard()
    print(error)
"""


def test_a_file_that_the_disk_has_no_room_for_is_a_full_disk(tmp_path: Path) -> None:
    """Where the system takes no more bytes, writing raises DiskFull with a remedy, and nothing stays behind."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "no space left" in done.stdout
    assert unfinished(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, check=False
        )
        if os.geteuid() == 0
        else None
    )
    if mounted is None or mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_the_archive_stays_sound(small_disk: Path) -> None:
    """On a disk that is really full the error is DiskFull; what was held stays, and room made is used again."""
    blobs = Blobs(small_disk)
    keep(blobs, PICTURE)
    place = blobs.incoming()
    with pytest.raises(DiskFull, match="make room"):
        place.write(b"x" * 500_000)
    place.discard()
    assert unfinished(small_disk) == []
    assert [blob.sha256 for blob in blobs.walk()] == [digest(PICTURE)]
    keep(blobs, b"a smaller picture")
    blobs.verify(digest(b"a smaller picture"), "jpg")


def test_a_disk_mounted_read_only_is_told(small_disk: Path) -> None:
    """On a read-only disk keeping raises ArchiveReadOnly, and reading goes on."""
    keep(Blobs(small_disk), PICTURE)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    blobs = Blobs(small_disk)
    with pytest.raises(ArchiveReadOnly, match="permissions"):
        keep(blobs, b"another picture")
    blobs.verify(digest(PICTURE), "jpg")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EROFS, ArchiveReadOnly),
        (errno.EACCES, ArchiveReadOnly),
        (errno.EIO, StorageError),
    ],
)
def test_each_error_of_the_system_has_its_own_kind(code: int, kind: type[StorageError]) -> None:
    """Full, read-only and broken are told apart, with the path and the system's own words."""
    fault = disk_fault(OSError(code, os.strerror(code)), Path("archive/media"))
    assert type(fault) is kind
    assert "archive/media" in str(fault)
    assert os.strerror(code) in str(fault)
