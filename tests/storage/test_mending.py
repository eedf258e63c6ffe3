"""Mending: what is damaged is asked for again, nothing is removed, and what is sound is left alone."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from storage.captures import Captures
from storage.damage import Damage, Trouble
from storage.mending import Mended, ask_again, ask_for_missing
from storage.states import RunStatus
from storage.verify import verify

NOW = datetime(2017, 6, 10, 12, 0, tzinfo=UTC)


def states(held: Any) -> list[tuple[str, str | None]]:
    with held.database.read() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT state, reason FROM attachments ORDER BY id"))]


def path_of(held: Any, data: bytes) -> Any:
    return next(held.folder.glob(f"media/*/*/{hashlib.sha256(data).hexdigest()}.jpg"))


def mend(held: Any) -> Mended:
    return ask_again(held.database, held.folder, verify(held.database, held.folder).damage, NOW)


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"pictura")])
def test_a_damaged_picture_is_wanted_again_by_every_post_that_has_it(held: Any, spoil: Any) -> None:
    """Both posts ask for it, at once; the file stays where it is, and what is sound stays stored."""
    held.add("1", pictures=({"data": b"picture"}, {"data": b"sound"}))
    held.add("2", pictures=({"data": b"picture", "attempts": 7}, {"state": "gone", "reason": "HTTP 404"}))
    path = path_of(held, b"picture")
    spoil(path)
    before = path.exists()
    assert mend(held) == Mended(pictures=2)
    assert states(held) == [
        ("failed", "its file was damaged"),
        ("stored", None),
        ("failed", "its file was damaged"),
        ("gone", "HTTP 404"),
    ]
    assert path.exists() == before
    with held.database.read() as connection:
        assert list(connection.execute(text("SELECT attempts FROM attachments WHERE state = 'failed'")).scalars()) == [
            0,
            0,
        ]
    assert mend(held) == Mended()


def test_a_picture_that_was_edited_away_is_not_asked_for(held: Any) -> None:
    """No run would take it: it stays as it is, and verify goes on telling of it."""
    held.add("1", pictures=({"data": b"picture"},))
    with held.database.write() as connection:
        connection.execute(text("UPDATE attachments SET removed_at = '2017-06-02 12:00:00'"))
    path_of(held, b"picture").unlink()
    assert mend(held) == Mended()
    assert not verify(held.database, held.folder).is_sound


def test_what_is_sound_again_is_left_alone(held: Any) -> None:
    """A file that a run has mended since it was told of is looked at once more."""
    held.add("1", pictures=({"data": b"picture"},))
    sha256 = hashlib.sha256(b"picture").hexdigest()
    told = Damage(trouble=Trouble.MISMATCH, what="media/…", message="damaged", sha256=sha256)
    assert ask_again(held.database, held.folder, [told], NOW) == Mended()
    assert states(held) == [("stored", None)]


def test_a_picture_called_stored_without_a_file_is_wanted_again(held: Any) -> None:
    """Nothing says which bytes it was: it is fetched anew."""
    held.add("1", pictures=({"state": "stored"},))
    assert mend(held) == Mended(pictures=1)
    assert states(held) == [("failed", "nothing said which bytes were held")]


def test_a_missing_file_is_found_without_reading_any(held: Any) -> None:
    """Looking at sizes is enough for what is not there or cut short; another source's pictures are not looked at."""
    held.add("1", pictures=({"data": b"missing"}, {"data": b"short"}, {"data": b"sound"}, {"data": b"changed"}))
    held.add("2", source="other", pictures=({"data": b"also missing"},))
    path_of(held, b"missing").unlink()
    path_of(held, b"also missing").unlink()
    path_of(held, b"short").write_bytes(b"sho")
    path_of(held, b"changed").write_bytes(b"CHANGED")
    assert ask_for_missing(held.database, held.folder, "esa-proxima") == 2
    assert [state for state, _ in states(held)] == ["failed", "failed", "stored", "stored", "stored"]
    assert ask_for_missing(held.database, held.folder, "esa-proxima") == 0


@pytest.mark.parametrize("spoil", ["record", "file"])
def test_a_damaged_answer_is_asked_for_without_validators(
    archive: Any, run: Any, capture_of: Any, now: datetime, spoil: str
) -> None:
    """The page of a damaged record is asked for unconditionally, and a sound answer takes the place of the damaged."""
    folder = archive.folder
    for url in ("https://x.example/1", "https://x.example/2"):
        number = archive.captures.keep(run, capture_of(url, url.encode() * 50, etag='"1"'))
        archive.captures.save_validators("iss", url, number)
    (file,) = (folder / "warc").iterdir()
    if spoil == "file":
        file.unlink()
    else:
        with archive.database.read() as connection:
            at = connection.execute(text('SELECT "offset" + length - 6 FROM captures WHERE id = 1')).scalar_one()
        data = bytearray(file.read_bytes())
        data[at] ^= 0xFF
        file.write_bytes(data)
    damage = verify(archive.database, folder).damage
    assert [item.file for item in damage] == [f"warc/{file.name}"]
    captures = Captures(folder, archive.database)
    archive.journal.close(run, RunStatus.COMPLETED, now=now)
    assert ask_again(archive.database, folder, damage, now) == Mended(pages=1 if spoil == "record" else 2)
    again = archive.journal.begin("iss", "mastodon", None, now=now + timedelta(hours=1))
    assert captures.validators("iss", "https://x.example/1") is None
    assert (captures.validators("iss", "https://x.example/2") is None) == (spoil == "file")
    for url in ("https://x.example/1", "https://x.example/2"):
        archive.captures.keep(again, capture_of(url, url.encode() * 50, etag='"1"'))
    archive.journal.close(again, RunStatus.COMPLETED, now=now)
    left = verify(archive.database, folder).damage
    assert [item.message for item in left if "came again" not in item.message] == []
    assert ask_again(archive.database, folder, left, now) == Mended(aside=1 if spoil == "record" else 0)
    assert verify(archive.database, folder).is_sound
    assert archive.captures.held("iss", "https://x.example/1") is not None
