"""``cupola import csv``, ``jsonl``, ``tweets``, ``gallery-dl``: files come in, with their media, once."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image


def cupola(*arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jobs", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def picture(path: Path, colour: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = io.BytesIO()
    Image.new("RGB", (24, 16), colour).save(made, "JPEG" if path.suffix == ".jpg" else "PNG")
    path.write_bytes(made.getvalue())


def bring(archive: Path, *arguments: Any) -> tuple[int, dict[str, Any], str]:
    done = cupola("import", *arguments, "--archive", archive, "--json")
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def test_a_table_comes_in_with_its_pictures_and_only_once(tmp_path: Path) -> None:
    """Bad rows are told with file and line; nothing outside is opened; what is missing comes the next time."""
    picture(tmp_path / "p/a.jpg", "red")
    picture(tmp_path / "p/é b.png", "blue")
    picture(tmp_path.parent / "secret.jpg", "black")
    (tmp_path / "p/link.jpg").symlink_to(tmp_path.parent / "secret.jpg")
    table = tmp_path / "posts.csv"
    table.write_text(
        "id;url;author;posted_at;text;media;alt\n"
        '1;https://x.example/1;Thomas;2016-12-03T10:00:00+01:00;"Bonjour la Terre\nHello Earth";p/a.jpg|p/é b.png;a|b\n'
        "2;;Thomas;2016-12-04;Salut tout le monde;https://x.example/b.jpg;\n"
        "3;;Thomas;2016-12-05 10:00;no zone;;\n"
        "4;;Thomas;;outside;../secret.jpg;\n"
        "5;;Thomas;;a link;p/link.jpg;\n"
        "6;;Thomas;;not there yet;p/late.jpg;\n"
        "1;;Thomas;;something else;;\n",
        encoding="utf-8-sig",
    )
    archive = tmp_path / "archive"
    status, told, _ = bring(archive, "csv", table)
    report = told["csv-posts"]
    assert (status, report["posts_added"], report["media_stored"]) == (1, 5, 2)
    messages = [failure["message"] for failure in report["failures"]]
    assert any(m.startswith("posts.csv, line 5: posted_at '2016-12-05 10:00' has no zone") for m in messages)
    assert any("posts.csv, line 6: '../secret.jpg' lies outside" in m for m in messages)
    assert any("posts.csv, line 7: 'p/link.jpg' cannot be opened" in m for m in messages)
    assert any("posts.csv, line 8: 'p/late.jpg' is not there" in m for m in messages)
    assert any("posts.csv, line 9: csv-posts:1 is told otherwise than in posts.csv, line 2" in m for m in messages)
    assert len(messages) == 5

    picture(tmp_path / "p/late.jpg", "green")
    _, told, _ = bring(archive, "csv", table, "--zone", "Europe/Paris")
    report = told["csv-posts"]
    assert (report["posts_added"], report["posts_updated"], report["media_stored"]) == (1, 0, 1)
    _, told, _ = bring(archive, "csv", table, "--zone", "Europe/Paris")
    report = told["csv-posts"]
    assert (report["posts_added"], report["posts_updated"], report["media_stored"]) == (0, 0, 0)
    assert cupola("verify", "--archive", archive).returncode == 0
    shown = cupola("show", "csv-posts:1", "--json", "--archive", archive)
    assert "Bonjour la Terre" in shown.stdout


def test_an_account_s_archive_comes_in_with_its_pictures(tmp_path: Path) -> None:
    """Its media come out of tweets_media; the post is of the account's own source."""
    data = tmp_path / "data"
    picture(data / "tweets_media/800000000000000001-Abc.jpg", "red")
    tweet = {
        "id_str": "800000000000000001",
        "created_at": "Wed Nov 16 10:00:00 +0000 2016",
        "full_text": "Bonjour https://t.co/p",
        "extended_entities": {
            "media": [
                {"id_str": "9", "url": "https://t.co/p", "media_url_https": "https://pbs.twimg.com/media/Abc.jpg"}
            ]
        },
    }
    (data / "tweets.js").write_text("window.YTD.tweets.part0 = " + json.dumps([{"tweet": tweet}]))
    (data / "account.js").write_text('window.YTD.account.part0 = [{"account": {"username": "Thom_test"}}]')
    archive = tmp_path / "archive"
    for stored in (1, 0):
        status, told, error = bring(archive, "tweets", tmp_path)
        assert (status, told["tweets-thom-test"]["media_stored"]) == (0, stored), error
    assert cupola("verify", "--archive", archive).returncode == 0


@pytest.mark.parametrize(
    ("name", "body", "told"),
    [
        ("csv", b"", "is empty"),
        ("csv", b"ids,text\n1,2\n", "has no column id or url; is 'ids' meant for 'id'?"),
        ("csv", b"id,texte\n1,2\n", "is 'texte' meant for 'text'?"),
        ("jsonl", b"<html>", "is no JSON"),
        ("tweets", b'[{"full_text": "x"}]', None),
        ("gallery-dl", b"{}", "is no folder"),
    ],
)
def test_what_is_no_such_file_is_wrong_use(tmp_path: Path, name: str, body: bytes, told: str | None) -> None:
    """The exit status is 2, in a sentence; a record that is wrong makes it 1."""
    path = tmp_path / "given"
    path.write_bytes(body)
    done = cupola("import", name, path, "--archive", tmp_path / "archive")
    assert done.returncode == (2 if told else 1), done.stderr
    assert "Traceback" not in done.stderr
    assert told is None or told in done.stderr


def test_gallery_dl_s_files_of_one_post_are_one_post(tmp_path: Path) -> None:
    """Wherever they lie; an id of the site's keeps them together, the text is plain, the date is UTC."""
    folder = tmp_path / "gallery-dl/mastodon"
    for number, place in ((1, "a/one.jpg"), (2, "b/two.jpg")):
        picture(folder / place, "red" if number == 1 else "blue")
        said = {
            "category": "mastodon",
            "id": "55",
            "content": "<p>Bonjour la Terre</p><p>Hello Earth</p>",
            "date": "2016-12-03 10:00:00",
            "url": "https://social.example/@t/55",
            "uri": "https://social.example/55",
            "account": {"display_name": "Thomas", "acct": "t", "url": "https://social.example/@t"},
            "media": {
                "id": str(number),
                "url": f"https://social.example/m/{number}.jpg",
                "description": f"alt {number}",
            },
            "num": number,
            "extension": "jpg",
            "tags": ["Proxima"],
        }
        (folder / f"{place}.json").write_text(json.dumps(said))
    (folder / "c.jpg.json").write_text('{"category": "mastodon"}')
    archive = tmp_path / "archive"
    status, told, _ = bring(archive, "gallery-dl", tmp_path / "gallery-dl")
    report = told["gallery-dl-mastodon"]
    assert (status, report["posts_added"], report["media_stored"]) == (1, 1, 2)
    assert report["failures"][0]["message"].startswith("mastodon/c.jpg.json: has no id of its post")
    shown = json.loads(cupola("show", "gallery-dl-mastodon:55", "--json", "--archive", archive).stdout)
    text = json.dumps(shown, ensure_ascii=False)
    assert "2016-12-03T10:00:00Z" in text
    assert "alt 2" in text
    assert "Hello Earth" in text
