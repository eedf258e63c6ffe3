"""What pages and servers ask of those who archive is recorded alike by every kind; the fixtures are synthetic."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from scraper.capture import Capture, Request
from scraper.crawl import crawl
from scraper.model import Post
from scraper.registry import kinds, made
from scraper.replay import Replay

FIXTURES = Path(__file__).parents[1] / "fixtures" / "sources"
#: a case of each kind that gives posts; those whose answers are web pages
CASES = {
    "bluesky": "feed",
    "esa_gallery": "figure-figcaption",
    "feed": "atom-content-types",
    "flickr": "public-feed",
    "gallery": "figures",
    "mastodon": "first-visit",
    "wayback": "esa-gallery",
    "wordpress": "two-pages",
}
PAGES = ("esa_gallery", "gallery", "wayback")
#: how an archive names what the original server said
HEADER = {"wayback": "x-archive-orig-x-robots-tag"}


def posts_of(kind: str, said: str = "", head: str = "") -> list[Post]:
    """The posts of a case whose answers all have the header ``said``, and their pages ``head`` in their heads."""
    folder = FIXTURES / kind / CASES[kind]
    spec: dict[str, Any] = yaml.safe_load((folder / "case.yaml").read_text("utf-8"))
    found = kinds()[kind]
    source = made(kind, "a-source", found.options_type(**spec["options"]))
    answers: list[Capture] = []
    for given in spec["answers"]:
        body = (folder / given["file"]).read_bytes() if "file" in given else b""
        headers = {name.lower(): value for name, value in given.get("headers", {}).items()}
        answers.append(
            Capture(
                request=Request(url=given["url"]),
                url=given.get("final_url", given["url"]),
                status=given.get("status", 200),
                headers=headers | ({HEADER.get(kind, "x-robots-tag"): said} if said else {}),
                body=re.sub(rb"(?i)<head>|(?<=<html)>", lambda tag: tag[0] + head.encode(), body, count=1),
                fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
        )
    return [post for page in crawl(source, Replay(answers).fetch, since=None) for post in page.posts]


def test_every_kind_has_its_case() -> None:
    """A new kind is held to the same."""
    assert set(CASES) == set(kinds())


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("said", ["noarchive", "nofollow, NOARCHIVE", "googlebot: noindex, cupola: noarchive"])
def test_a_header_holds_for_every_post_of_every_kind(kind: str, said: str) -> None:
    """Of the answer, or with an archive's capture of the original server; nothing else changes for it."""
    plain, asked = posts_of(kind), posts_of(kind, said)
    assert asked
    assert all("noarchive" in post.opt_outs for post in asked)
    assert [dataclasses.replace(post, opt_outs=()) for post in asked] == [
        dataclasses.replace(post, opt_outs=()) for post in plain
    ]


@pytest.mark.parametrize("kind", CASES)
def test_what_is_asked_of_others_is_not_asked_of_us(kind: str) -> None:
    """A header for one search engine says nothing to an archive."""
    assert posts_of(kind, "googlebot: noarchive") == posts_of(kind)


@pytest.mark.parametrize("kind", CASES)
def test_noindex_counts_with_pages_and_not_with_interfaces(kind: str) -> None:
    """Servers send it with every feed and answer of an API; a page that is not to be listed says so of itself."""
    opted_out = {label for post in posts_of(kind, "noindex") for label in post.opt_outs}
    # a blog is found by its front page, which is a page
    assert ("noindex" in opted_out) == (kind in (*PAGES, "wordpress"))
    assert {label for post in posts_of(kind, "cupola: noindex") for label in post.opt_outs} == {"noindex"}


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize(
    ("head", "labels"),
    [
        ('<meta name="robots" content="noarchive">', {"noarchive"}),
        ('<META content="None" NAME="Robots">', {"noindex"}),
        ('<meta name="cupola" content="noarchive"><meta name="robots" content="all">', {"noarchive"}),
        ('<meta name="googlebot" content="noarchive">', set()),
    ],
)
def test_a_page_s_head_is_read_for_us(kind: str, head: str, labels: set[str]) -> None:
    """The name of all robots, or ours; that of another one is not for us."""
    (first, *others) = posts_of(kind, head=head)
    assert {frozenset(post.opt_outs) for post in (first, *others)} == {frozenset(labels)}
