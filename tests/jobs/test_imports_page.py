"""``docs/imports.md``: its examples come in, its recipes turn what the tools write (synthetic here) into our jsonl."""

from __future__ import annotations

import io
import json
import lzma
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scraper.imports import jsonl, table
from scraper.imports.bundle import Bundle
from scraper.imports.plain import FIELDS, Plain
from scraper.imports.records import Item

PAGE = Path(__file__).parents[2] / "docs/imports.md"


def block(mark: str) -> str:
    found = re.search(rf"<!-- {re.escape(mark)} -->\n```\w+\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, mark
    return found[1]


def read(path: Path) -> list[Any]:
    plain = Plain(source_id="x")
    with Bundle(path) as bundle:
        return list(table.read(bundle, plain) if path.suffix == ".csv" else jsonl.read(bundle, plain))


@pytest.mark.parametrize("name", ["posts.csv", "posts.jsonl"])
def test_the_examples_are_read_without_a_word(tmp_path: Path, name: str) -> None:
    """Two posts each, nothing wrong and nothing noted; the picture's file is named."""
    (tmp_path / name).write_text(block(f"example: {name}"), encoding="utf-8")
    found = read(tmp_path / name)
    assert [type(one) for one in found] == [Item, Item]
    first = found[0]
    assert str(first.post.published) == "2016-12-03T09:00:00Z"
    assert first.beside[first.post.attachments[0].key] == ("photos/alps.jpg",)
    assert "Snowy mountains" in (first.post.attachments[-1].alt or "")


def test_every_field_is_described() -> None:
    """The table of the page names all that a record may hold."""
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in FIELDS if f"`{name}`" not in page] == []


def turned(tmp_path: Path, name: str, given: Path) -> list[Any]:
    """What a recipe makes of a file, read as our jsonl."""
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", block(f"recipe: {name}"), str(given)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    path = given / "posts.jsonl" if given.is_dir() else given.parent / "posts.jsonl"
    path.write_text(done.stdout, encoding="utf-8")
    found = read(path)
    assert all(type(one) is Item for one in found), found
    return [one.post for one in found]


def test_instaloader(tmp_path: Path) -> None:
    """Caption, time and all pictures of a carousel; the profile itself is no post."""
    node = {
        "shortcode": "Abc",
        "taken_at_timestamp": 1480759200,
        "owner": {"username": "thom"},
        "edge_media_to_caption": {"edges": [{"node": {"text": "Bonjour la Terre\n.\nHello Earth"}}]},
    }
    stem = "2016-12-03_10-00-00_UTC"
    for name, said in ((stem, node), ("thom_1", {"username": "thom"})):
        (tmp_path / f"{name}.json.xz").write_bytes(lzma.compress(json.dumps({"node": said}).encode()))
    for number in (1, 2):
        out = io.BytesIO()
        Image.new("RGB", (8, 8)).save(out, "JPEG")
        (tmp_path / f"{stem}_{number}.jpg").write_bytes(out.getvalue())
    (post,) = turned(tmp_path, "instaloader", tmp_path)
    assert (post.native_id, str(post.published)) == ("Abc", "2016-12-03T10:00:00Z")
    assert len(post.attachments) == 2
    assert post.body.startswith("Bonjour la Terre")


def test_snscrape(tmp_path: Path) -> None:
    """Text, zone, media with their descriptions; retweets are left out."""
    tweet = {
        "id": 1,
        "url": "https://twitter.com/t/status/1",
        "user": {"displayname": "Thomas"},
        "date": "2016-12-03T10:00:00+00:00",
        "rawContent": "Bonjour",
        "lang": "fr",
        "media": [{"fullUrl": "https://pbs.twimg.com/media/A?format=jpg&name=orig", "altText": "La Terre"}],
    }
    path = tmp_path / "s.jsonl"
    path.write_text(
        json.dumps(tweet) + "\n" + json.dumps(tweet | {"id": 2, "retweetedTweet": {"id": 3}}), encoding="utf-8"
    )
    (post,) = turned(tmp_path, "snscrape", path)
    assert (post.native_id, post.attachments[0].alt, post.languages) == ("1", "La Terre", ("fr",))


def test_twarc2(tmp_path: Path) -> None:
    """A page of the v2 API: entities as characters, links as they lead on, media by their keys."""
    page = {
        "data": [
            {
                "id": "1",
                "author_id": "7",
                "created_at": "2016-12-03T10:00:00.000Z",
                "text": "Bonjour &amp; salut https://t.co/a https://t.co/b",
                "attachments": {"media_keys": ["3_1"]},
                "entities": {
                    "urls": [
                        {"url": "https://t.co/a", "expanded_url": "https://esa.example/"},
                        {"url": "https://t.co/b", "expanded_url": "https://x.example/photo/1", "media_key": "3_1"},
                    ]
                },
            },
            {
                "id": "2",
                "author_id": "7",
                "created_at": "2016-12-03T10:00:00.000Z",
                "text": "RT",
                "referenced_tweets": [{"type": "retweeted", "id": "9"}],
            },
        ],
        "includes": {
            "media": [{"media_key": "3_1", "url": "https://pbs.twimg.com/media/A.jpg", "alt_text": "alt"}],
            "users": [{"id": "7", "name": "Thomas", "username": "thom"}],
        },
        "__twarc": {},
    }  # fmt: skip
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps(page), encoding="utf-8")
    (post,) = turned(tmp_path, "twarc2", path)
    assert post.body == "Bonjour & salut https://esa.example/"
    assert (post.url, post.attachments[0].alt) == ("https://twitter.com/thom/status/1", "alt")


def test_meta_s_export(tmp_path: Path) -> None:
    """The texts, which Meta writes as Latin-1, are mended."""
    broken = "Été à bord 🚀".encode().decode("latin1")
    posts = [{"media": [{"uri": "media/posts/201612/1.jpg", "creation_timestamp": 1480759200, "title": broken}]}]
    path = tmp_path / "posts_1.json"
    path.write_text(json.dumps(posts), encoding="utf-8")
    (post,) = turned(tmp_path, "meta", path)
    assert post.body == "Été à bord 🚀"
    assert post.attachments[0].native_id == "media/posts/201612/1.jpg"
