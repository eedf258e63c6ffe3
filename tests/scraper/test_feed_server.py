"""The feed source against a server that answers: the bench's fake one on loopback, through the real client."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scraper.client import PoliteClient
from scraper.crawl import Page, crawl
from scraper.model import Post
from scraper.settings import HttpSettings, SourceOptions
from scraper.sources.feed import Feed

KINDS = ["rss", "atom"]


def truth_of(server: str) -> dict[str, dict[str, Any]]:
    """What the server says of its posts, by the last part of their address."""
    with urllib.request.urlopen(f"{server}/__ctl/truth", timeout=30) as answer:
        return {told["id"]: told for told in json.load(answer)}


def visit(server: str, kind: str, since: datetime | None = None) -> list[Page]:
    source = Feed("f", SourceOptions(url=f"{server}/feed.{kind}?n=40"))
    settings = HttpSettings(rate="none", allow_hosts=(server.removeprefix("http://"),))
    with PoliteClient(settings, version="test") as client:
        return list(crawl(source, client.fetch, since=since))


def posts_of(pages: list[Page]) -> list[Post]:
    assert [page.failure for page in pages if page.failure] == []
    return [post for page in pages for post in page.posts]


@pytest.mark.parametrize("kind", KINDS)
def test_every_post_is_read_over_all_pages(fake_server: str, kind: str) -> None:
    """The feed links page after page; each entry is a post with its date, its text and every picture once."""
    truth = truth_of(fake_server)
    pages = visit(fake_server, kind)
    posts = posts_of(pages)
    assert len(pages) > len(truth) / 40
    assert len(posts) == len({post.native_id for post in posts})
    assert {post.native_id.rpartition("/")[2] for post in posts} >= set(truth)
    for post in posts:
        assert post.native_id == post.url
        told = truth.get(post.native_id.rpartition("/")[2])
        if told is None:  # the feeds hold boosts too
            continue
        assert str(post.published).removesuffix("Z") == told["created_at"][:19]
        assert post.body.startswith(told["raw"].strip())
        assert [medium.alt for medium in post.attachments] == [medium["alt"] or None for medium in told["media"]]
    assert any(len(post.attachments) > 1 for post in posts)


@pytest.mark.parametrize("kind", KINDS)
def test_since_ends_the_paging_and_loses_nothing(fake_server: str, kind: str) -> None:
    """At, just before and just after an entry's second, every younger entry is read, and few pages more."""
    everything = posts_of(visit(fake_server, kind))
    dates = sorted(post.published.at for post in everything if post.published)
    assert len(dates) == len(everything)
    for since in [dates[at] + timedelta(seconds=s) for at in (0, 130, -1) for s in (-1, 0, 1)]:
        pages = visit(fake_server, kind, since)
        wanted = {post.key for post in everything if post.published and post.published.overlaps(since, None)}
        assert {post.key for post in posts_of(pages)} >= wanted
        assert len(pages) <= len(wanted) // 40 + 2
    assert len(visit(fake_server, kind, datetime(2100, 1, 1, tzinfo=UTC))) == 1
