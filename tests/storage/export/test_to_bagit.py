"""The bag: judged by bagit-python and by its command line. All posts are synthetic."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from datetime import date
from pathlib import Path
from subprocess import run as call
from typing import Any

import bagit
import pytest

from storage.export.formats import Wishes


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text().splitlines()))


def test_a_bag_is_valid_and_holds_everything(voyage: Any, tmp_path: Path) -> None:
    """Records, a table and each picture once, with a checksum of every file and what the bag is about."""
    dest = tmp_path / "bag"
    wishes = Wishes(organisation="Musée de l’espace\nBag-Size: 1", date=date(2026, 11, 22))
    report = voyage.export("bagit", dest, wishes=wishes)
    assert (report.posts, report.missing) == (3, ())
    bag = bagit.Bag(str(dest))
    bag.validate()
    assert bag.version_info == (1, 0)
    assert bag.info["Source-Organization"] == "Musée de l’espace Bag-Size: 1"
    assert bag.info["Bagging-Date"] == "2026-11-22"
    assert bag.info["External-Description"].startswith("3 posts of space missions, published from 2016-12-03 to 2016")
    assert bag.info["Rights"][0].startswith("2 posts: CC BY-SA IGO 3.0;")
    assert bag.info["Internal-Sender-Description"].startswith("3 posts of the source iss (mastodon, https://")
    files = [path for path in (dest / "data").rglob("*") if path.is_file()]
    assert bag.info["Payload-Oxum"] == f"{sum(path.stat().st_size for path in files)}.{len(files)}"
    assert {path.relative_to(dest / "data").as_posix() for path in files} == {
        "posts.jsonl",
        "posts.csv",
        "incomplete.csv",
        *(voyage.file_of(name).relative_to(voyage.archive.folder).as_posix() for name in ("terre", "partage", "nil")),
    }
    told = [json.loads(line) for line in (dest / "data/posts.jsonl").read_text().splitlines()]
    assert [record["key"] for record in told[1:]] == ["iss:100001", "iss:100002", "iss:100003"]
    assert told[1]["credit"] == "ESA/NASA"
    assert rows(dest / "data/incomplete.csv")[1:] == [
        ["iss:100002", "media_pending", "1", "", "https://media.example/absente.jpg"]
    ]


def test_the_same_posts_are_the_same_bag(voyage: Any, tmp_path: Path, again: Any) -> None:
    """No clock and no chance: a bag is repeated byte for byte, and takes the place of the one before under --force."""
    voyage.export("bagit", tmp_path / "a")
    voyage.export("bagit", tmp_path / "b")
    first = again(tmp_path / "a")
    assert first == again(tmp_path / "b")
    voyage.export("bagit", tmp_path / "b", force=True)
    assert first == again(tmp_path / "b")
    assert "Bagging-Date" not in first["bag-info.txt"].decode()


def test_what_is_damaged_or_lost_is_named_in_the_bag(voyage: Any, tmp_path: Path) -> None:
    """A picture with other bytes or without a file is left out, told and listed; the bag is valid."""
    damaged = voyage.file_of("nil")
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    voyage.file_of("partage").unlink()
    report = voyage.export("bagit", tmp_path / "bag")
    assert len(report.missing) == 3, "two posts lack the one picture"
    bag = bagit.Bag(str(tmp_path / "bag"))
    bag.validate()
    assert sorted(path.name for path in (tmp_path / "bag/data/media").rglob("*.jpg")) == [voyage.file_of("terre").name]
    lost = [row for row in rows(tmp_path / "bag/data/incomplete.csv") if row[1] == "media_lost"]
    assert [row[3] for row in lost] == list(report.missing)
    assert bag.info["Incomplete"].startswith("4 things")


def test_without_pictures_and_without_posts(kept: Any, tmp_path: Path) -> None:
    """A bag of nothing is a valid bag, and so is one without pictures."""
    kept.export("bagit", tmp_path / "empty")
    bagit.Bag(str(tmp_path / "empty")).validate()
    kept.page("https://social.example/api/1", kept.entry("1", "Bonjour", "terre"))
    kept.take()
    kept.export("bagit", tmp_path / "bag", with_media=False)
    bag = bagit.Bag(str(tmp_path / "bag"))
    bag.validate()
    assert bag.info["External-Description"].endswith("without their pictures")
    assert not (tmp_path / "bag/data/media").exists()
    assert len((tmp_path / "bag/data/posts.jsonl").read_text().splitlines()) == 2


def test_a_cell_of_the_tables_is_run_by_no_spreadsheet(voyage: Any, tmp_path: Path) -> None:
    """A caption that is a formula is text."""
    voyage.export("bagit", tmp_path / "bag")
    cells = [cell for row in rows(tmp_path / "bag/data/posts.csv") for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not any(cell.startswith("=") for cell in cells)


@pytest.mark.proof
def test_its_command_line_says_that_it_is_valid_and_finds_a_flipped_bit(voyage: Any, tmp_path: Path) -> None:
    """``bagit.py --validate`` takes the bag, and refuses it when one byte of a picture is another."""
    voyage.export("bagit", tmp_path / "bag")
    command = [sys.executable, "-m", "bagit", "--validate", str(tmp_path / "bag")]
    assert call(command, capture_output=True).returncode == 0
    picture = next((tmp_path / "bag/data/media").rglob("*.jpg"))
    assert hashlib.sha256(picture.read_bytes()).hexdigest() == picture.stem
    picture.write_bytes(b"?" + picture.read_bytes()[1:])
    assert call(command, capture_output=True).returncode == 1
