"""Imports into an archive whose database is on a server; all of it is synthetic."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter


@pytest.fixture
def config(tmp_path, make_archive, server):
    """A configuration that names the folder and the database of an empty archive."""
    name = server.fresh()
    make_archive(tmp_path / "archive", server.address(name))
    file = tmp_path / "config.yaml"
    file.write_text(f'archive: {{folder: archive, database: "{server.address(name)}"}}\n')
    yield file
    server.drop(name)


def jpeg(colour):
    out = io.BytesIO()
    Image.new("RGB", (24, 16), colour).save(out, "JPEG")
    return out.getvalue()


def warc(path, at, text):
    """A feed with one post and its picture, captured ``at``."""
    item = (
        f"<item><guid>1</guid><title>T</title><pubDate>Sat, 03 Dec 2016 10:00:00 GMT</pubDate><description>"
        f"&lt;p&gt;{text}&lt;/p&gt;&lt;img src='https://blog.example/1.jpg'/&gt;</description></item>"
    )
    feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>T</title>{item}</channel></rss>'.encode()
    answers = (
        ("https://blog.example/feed/", feed, "text/xml"),
        ("https://blog.example/1.jpg", jpeg("red"), "image/jpeg"),
    )
    with path.open("wb") as out:
        writer = WARCWriter(out, gzip=True)
        for url, body, kind in answers:
            http = StatusAndHeaders("200 OK", [("Content-Type", kind)], protocol="HTTP/1.1")
            made = writer.create_warc_record(
                url, "response", io.BytesIO(body), len(body), "", {"WARC-Date": at}, "", http
            )
            writer.write_record(made)
    return path


def test_files_come_in_and_a_second_time_change_nothing(cupola, tmp_path, config):
    """What is not held yet is taken from files beside; given again, nothing is added."""
    (tmp_path / "a.jpg").write_bytes(jpeg("blue"))
    post = {"id": "1", "posted_at": "2016-12-03", "text": "Bonjour\nHello", "media": ["a.jpg"]}
    (tmp_path / "p.jsonl").write_text(json.dumps(post))
    counts = []
    for _ in range(2):
        answer = cupola("import", "jsonl", tmp_path / "p.jsonl", "--config", config, "--json")
        assert answer.status == 0, answer.err
        report = json.loads(answer.out)["jsonl-p"]
        counts.append([report[name] for name in ("posts_added", "posts_updated", "posts_unchanged", "media_stored")])
    assert counts == [[1, 0, 0, 1], [0, 0, 1, 0]]


def test_an_older_capture_does_not_undo_a_later_one(cupola, tmp_path, config):
    """What is held of a later answer stays, and the very same answer is not kept twice."""
    later = warc(tmp_path / "later.warc.gz", "2017-06-01T00:00:00Z", "Bonjour la Terre")
    earlier = warc(tmp_path / "earlier.warc.gz", "2017-01-01T00:00:00Z", "Bonjour, ancien texte")
    counts = []
    for path in (later, earlier, later):
        arguments = ("--kind", "feed", "--url", "https://blog.example/feed/", "--config", config, "--json")
        answer = cupola("import", "warc", path, *arguments)
        assert answer.status == 0, answer.err
        report = json.loads(answer.out)["warc-feed"]
        counts.append([report[name] for name in ("posts_added", "posts_updated", "media_stored")])
    assert counts == [[1, 0, 1], [0, 0, 0], [0, 0, 0]]
    shown = cupola("show", "warc-feed:1", "--config", config, columns=200).out
    assert "Bonjour la Terre" in shown
    assert "ancien" not in shown
