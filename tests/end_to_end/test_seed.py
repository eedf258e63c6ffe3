"""The page that asked for it (where ../shared is): its caption and introduction, from a saved page to the query."""

from __future__ import annotations

import html
import json
import subprocess
import sys
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

ROOT = Path(__file__).parents[2]
CAPTIONS = ROOT.parent / "shared" / "captions" / "real.jsonl"
CUPOLA = Path(sys.executable).parent / "cupola"


@pytest.fixture(scope="module")
def captions() -> dict[str, dict]:
    """The labelled real captions by id."""
    if not CAPTIONS.exists():
        pytest.skip("../shared is not here: the real captions are not part of this repository")
    lines = CAPTIONS.read_text(encoding="utf-8").splitlines()
    return {line["id"]: line for line in map(json.loads, lines)}


def part(caption: dict, lang: str) -> str:
    return "\n".join(segment["text"] for segment in caption["segments"] if segment["lang"] == lang)


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run([str(CUPOLA), *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_the_seed_page_becomes_its_posts(captions, tmp_path):
    """A saved page gives the picture's captions, credit and day, and the introduction as the page's post."""
    picture, intro = captions["esa-proxima-gallery-1"], captions["esa-proxima-gallery-intro"]
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in picture["raw"].split("\n"))
    paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in intro["raw"].split("\n"))
    page = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>ESA</title>
<meta property="og:title" content="Images de la mission Proxima"></head><body>
<div class="modal__header"><h1 class="heading">Images de la mission Proxima</h1>
<div class="meta"><span>14/04/2021</span></div></div>
<div id="modal__tab-content--details"><div class="modal__tab-description">{paragraphs}</div></div>
<figure><img src="/var/esa/storage/images/sun/23243105-1-eng-GB/Sun_pillars.jpg" alt="">
<figcaption><p>Image caption</p>{lines}</figcaption></figure></body></html>"""
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    run(tmp_path, "config", "init")
    run(tmp_path, "scrape", "esa-proxima", "--from-file", "page.html", "--no-media")
    posts = [json.loads(line) for line in run(tmp_path, "query", "--format", "jsonl").splitlines()]
    by_id = {post["native_id"]: post for post in posts}
    assert len(by_id) == 2
    seed = by_id.pop("23243105")
    assert seed["captions"] == {"fr": part(picture, "fr"), "en": part(picture, "en")}
    assert seed["text"] == picture["raw"]
    assert (seed["published_at"], seed["published_precision"], seed["published_origin"]) == (
        "2016-12-03",
        "day",
        "caption",
    )
    assert seed["credit"] == "Thomas Pesquet, Proxima mission image 03/12/2016"
    assert seed["mission"] == "proxima"
    assert not seed["needs_review"]
    (whole,) = by_id.values()
    assert whole["title"] == "Images de la mission Proxima"
    assert whole["published_at"] == "2021-04-14"
    assert whole["captions"] == {"fr": part(intro, "fr"), "en": part(intro, "en")}


def test_a_saved_page_is_no_forged_answer(tmp_path):
    """What a person saved is kept as a resource: the WARC has no request and no answer, since there were none."""
    (tmp_path / "page.html").write_text(
        '<html><body><h1>Vues</h1><figure><img src="/var/esa/storage/images/sun/24000001-1-eng-GB/Sun.jpg">'
        '<figcaption>« Bonjour la Terre. »<br>"Hello, Earth."<br>A. Nonyme, Aurore mission image 03/12/2016'
        "</figcaption></figure></body></html>",
        encoding="utf-8",
    )
    run(tmp_path, "config", "init")
    run(tmp_path, "scrape", "esa-proxima", "--from-file", "page.html", "--no-media")
    (file,) = (tmp_path / "archive" / "warc").iterdir()
    with file.open("rb") as stream:
        kinds = [record.rec_type for record in ArchiveIterator(stream)]
    assert kinds == ["warcinfo", "resource"]
    assert "a file that was saved" in run(tmp_path, "show", "esa-proxima:24000001")
    run(tmp_path, "verify")
    run(tmp_path, "reparse", "--dry-run")
