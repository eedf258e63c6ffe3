"""The WARC file: read by warcio, judged by its ``check``, replayed by pywb. All posts are synthetic."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from warcio.archiveiterator import ArchiveIterator
from warcio.cli import main as warcio

from storage.schema import AttachmentRecord, CaptureRecord

NOW_GONE = datetime(2016, 12, 5, tzinfo=UTC)


def records(path: Path) -> list[dict[str, Any]]:
    """The records of a file: type, address, what they hold."""
    found = []
    with path.open("rb") as file:
        for record in ArchiveIterator(file, check_digests="raise"):
            headers = record.rec_headers
            http = record.http_headers
            found.append(
                {
                    "type": record.rec_type,
                    "url": headers.get_header("WARC-Target-URI"),
                    "id": headers.get_header("WARC-Record-ID"),
                    "date": headers.get_header("WARC-Date"),
                    "http": http and [http.get_statuscode(), dict(http.headers)],
                    "body": record.content_stream().read(),
                }
            )
    return found


def of(found: list[dict[str, Any]], kind: str, url: str | None = None) -> list[dict[str, Any]]:
    return [record for record in found if record["type"] == kind and url in (None, record["url"])]


def checked(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """See that ``warcio check`` finds nothing wrong."""
    with pytest.raises(SystemExit) as ended:
        warcio(["check", "-v", str(path)])
    told = capsys.readouterr().out
    assert ended.value.code == 0, told
    assert "digest pass" in told


def test_answers_and_pictures_come_together(voyage: Any, tmp_path: Path, capsys: Any) -> None:
    """Each answer is there once as it came, each picture with its headers and bytes, and what is known of each post."""
    report = voyage.export("warc", tmp_path / "out.warc.gz")
    assert (report.posts, report.missing, report.notes) == (3, (), ())
    found = records(tmp_path / "out.warc.gz")
    checked(tmp_path / "out.warc.gz", capsys)
    assert found[0]["type"] == "warcinfo"
    assert b"software: cupola 1.0\r\n" in found[0]["body"]
    pages = [record["url"] for record in of(found, "response") if "/api/" in record["url"]]
    assert pages == ["https://social.example/api/1", "https://social.example/api/2"]
    (picture,) = of(found, "response", "https://media.example/partage.jpg")
    assert picture["body"] == voyage.pictures["partage"]
    assert picture["date"] == "2016-12-03T21:04:05Z"
    status, headers = picture["http"]
    assert (status, headers["content-type"], headers["x-orig-content-length"]) == ("200", "image/jpeg", "1")
    assert headers["content-length"] == str(len(voyage.pictures["partage"]))
    told = {record["url"]: json.loads(record["body"]) for record in of(found, "metadata")}
    assert list(told) == [f"https://social.example/@iss/10000{number}" for number in (1, 2, 3)]
    second = told["https://social.example/@iss/100002"]
    assert (second["credit"], second["license"]) == ("ESA/NASA", "CC BY-SA IGO 3.0")
    assert second["citation"].startswith("Thomas Pesquet: “")
    assert second["incomplete"] == ["media_pending"]
    assert (second["answer"], second["pictures_lost"]) == ("in this file", [])
    assert len({record["id"] for record in found}) == len(found)


def test_the_same_posts_are_the_same_file(voyage: Any, tmp_path: Path) -> None:
    """No clock and no chance: the file is repeated byte for byte."""
    files = [tmp_path / "a" / "out.warc.gz", tmp_path / "b" / "out.warc.gz"]
    for path in files:
        path.parent.mkdir()
        voyage.export("warc", path)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_an_archive_without_posts_has_a_first_record(kept: Any, tmp_path: Path) -> None:
    """Of no post it is a WARC file all the same."""
    kept.export("warc", tmp_path / "out.warc.gz")
    assert [record["type"] for record in records(tmp_path / "out.warc.gz")] == ["warcinfo"]


def test_without_pictures(voyage: Any, tmp_path: Path) -> None:
    """Under --no-media the answers go alone."""
    voyage.export("warc", tmp_path / "out.warc.gz", with_media=False)
    assert {record["url"] for record in of(records(tmp_path / "out.warc.gz"), "response")} == {
        "https://social.example/api/1",
        "https://social.example/api/2",
    }


def test_an_answer_that_shows_a_post_that_is_gone_stays(kept: Any, tmp_path: Path) -> None:
    """A page with a post that may not be passed on does not leave, though others came with it; that is told."""
    gone = kept.entry("100001", "Chez moi, rue des Étoiles, au numéro sept", "chez")
    kept.page("https://social.example/api/1", gone, kept.entry("100002", "Paris, la nuit, sous les nuages"))
    # the post is on this page, too, and its row does not say so
    kept.page("https://social.example/api/2", gone, kept.entry("100003", "Le Nil, un fil de lumière"))
    # here only its words are
    body = b"<p>Il disait : chez moi,<br>rue des \xc3\x89toiles, au num\xc3\xa9ro sept</p>"
    kept.page("https://social.example/html", kept.entry("100004", "Il disait quelque chose"), body=body)
    kept.page("https://social.example/api/3", kept.entry("100005", "Rien de tel ici, que du ciel"))
    kept.take()
    everything = kept.export("warc", tmp_path / "before.warc.gz")
    assert everything.notes == ()
    kept.set("100001", gone_at=NOW_GONE)
    report = kept.export("warc", tmp_path / "out.warc.gz")
    data = b"".join(record["body"] for record in records(tmp_path / "out.warc.gz"))
    found = records(tmp_path / "out.warc.gz")
    assert [record["url"] for record in of(found, "response")] == ["https://social.example/api/3"]
    assert b"toiles" not in data
    assert "chez" not in {record["url"] for record in found}
    assert report.posts == 4
    assert [note[:2] for note in report.notes] == ["3 "]
    told = {record["url"][-1]: json.loads(record["body"])["answer"] for record in of(found, "metadata")}
    assert {number: answer[:9] for number, answer in told.items()} == {
        "2": "kept back",
        "3": "kept back",
        "4": "kept back",
        "5": "in this f",
    }
    mine = kept.export("warc", tmp_path / "mine.warc.gz", private=True)
    assert (mine.posts, mine.notes) == (5, ())
    assert len(of(records(tmp_path / "mine.warc.gz"), "response")) == 5, "four answers and a picture"


def test_what_was_taken_away_and_published_again_leaves(kept: Any, tmp_path: Path) -> None:
    """The words of a post that is gone are no secret where the same words were published again."""
    words = "Une aurore vue depuis la Cupola, quel spectacle"
    kept.page("https://social.example/api/1", kept.entry("100001", words))
    kept.page("https://social.example/api/2", kept.entry("100002", words))
    kept.set("100001", gone_at=NOW_GONE)
    report = kept.export("warc", tmp_path / "out.warc.gz")
    found = records(tmp_path / "out.warc.gz")
    assert [record["url"] for record in of(found, "response")] == ["https://social.example/api/2"]
    assert (report.posts, report.notes) == (1, ())


def test_what_is_damaged_or_lost_is_left_out_and_told(voyage: Any, tmp_path: Path, capsys: Any) -> None:
    """A picture with other bytes, one that is not there and an answer cut short are named; the rest is a good file."""
    damaged = voyage.file_of("nil")
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    voyage.file_of("terre").unlink()
    (warc,) = (voyage.archive.folder / "warc").iterdir()
    warc.write_bytes(warc.read_bytes()[:-200])
    report = voyage.export("warc", tmp_path / "out.warc.gz")
    checked(tmp_path / "out.warc.gz", capsys)
    found = records(tmp_path / "out.warc.gz")
    assert [record["url"] for record in of(found, "response")] == [
        "https://social.example/api/1",
        "https://media.example/partage.jpg",
    ]
    assert len(report.missing) == 3
    assert any("iss:100003: its answer in warc/" in sentence for sentence in report.missing)
    lost = [json.loads(record["body"])["pictures_lost"] for record in of(found, "metadata")]
    assert [len(paths) for paths in lost] == [1, 0, 1]
    warc.unlink()
    report = voyage.export("warc", tmp_path / "none.warc.gz")
    checked(tmp_path / "none.warc.gz", capsys)
    assert sum("its answer in warc/" in sentence for sentence in report.missing) == 2


def test_pictures_are_copied_a_piece_at_a_time(voyage: Any, tmp_path: Path) -> None:
    """A picture of many pieces comes out whole, and is found damaged at its last byte without a trace in the file."""
    from io import BytesIO

    from storage.export.records import Writer

    data = bytes(range(256)) * 20_000
    sha256 = hashlib.sha256(data).hexdigest()
    with (tmp_path / "one.warc.gz").open("x+b") as file:
        headers = {"WARC-Type": "resource", "WARC-Record-ID": "<urn:x>", "WARC-Date": "2016-12-03T21:04:05Z"}
        Writer(file).checked(headers, b"", BytesIO(data), len(data), sha256)
        end = file.tell()
        for other in (data[:-1], data + b"!", data[:-1] + b"!"):
            with pytest.raises(ValueError, match="not those of its name"):
                Writer(file).checked(headers, b"", BytesIO(other), len(data), sha256)
            assert file.tell() == end == file.seek(0, 2)
    assert [record["body"] for record in records(tmp_path / "one.warc.gz")] == [data]


def test_a_picture_without_an_answer_is_a_resource(voyage: Any, tmp_path: Path, capsys: Any) -> None:
    """A picture that was brought by hand has no answer to rebuild; what a broken download went on with is whole."""
    with voyage.archive.database.write() as connection:
        terre, nil = (f"https://media.example/{name}.jpg" for name in ("terre", "nil"))
        connection.execute(update(AttachmentRecord).where(AttachmentRecord.url == terre).values(capture_id=None))
        connection.execute(
            update(CaptureRecord)
            .where(CaptureRecord.url == nil)
            .values(status=206, headers=(("content-range", "bytes 5-9/10"), ("content-type", "image/jpeg")))
        )
    voyage.export("warc", tmp_path / "out.warc.gz")
    checked(tmp_path / "out.warc.gz", capsys)
    found = records(tmp_path / "out.warc.gz")
    (brought,) = of(found, "resource")
    assert (brought["url"], brought["body"]) == (terre, voyage.pictures["terre"])
    (whole,) = of(found, "response", nil)
    assert whole["http"][0] == "200"
    assert "content-range" not in whole["http"][1]
    assert whole["body"] == voyage.pictures["nil"]


@pytest.mark.parametrize(
    ("body", "stays"),
    [
        (b'<a href="/x">100001</a>', True),
        (b'<a href="https://social.example/@iss/100001">', True),
        (b'<img src="https://media.example/grande-marche-dans-l-espace.jpg">', True),
        (b'<img src="/grande-marche-dans-l-espace.jpg">', True),
        (b"<p>2100001</p> et rien d'autre", False),
        (b"<p>Une grande marche</p>", False),
    ],
)
def test_a_post_that_is_gone_is_known_by_its_names(kept: Any, tmp_path: Path, body: bytes, stays: bool) -> None:
    """An id, an address, and that of a picture, whole or as its own host writes it, show a post without its words."""
    gone = kept.entry("100001", "Ouf !", "grande-marche-dans-l-espace")
    kept.page("https://social.example/api/1", gone)
    kept.page("https://social.example/html", kept.entry("100002", "Une grande marche"), body=body)
    kept.set("100001", gone_at=NOW_GONE)
    report = kept.export("warc", tmp_path / "out.warc.gz")
    assert len(of(records(tmp_path / "out.warc.gz"), "response")) == (0 if stays else 1)
    assert bool(report.notes) is stays
