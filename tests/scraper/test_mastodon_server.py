"""The Mastodon source against a server that answers: the bench's fake one on loopback, through the real client."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scraper.client import PoliteClient
from scraper.crawl import Page, crawl
from scraper.model import Post
from scraper.settings import HttpSettings
from scraper.sources.mastodon import Mastodon, MastodonOptions


@dataclass(frozen=True)
class Server:
    """A running fake server of 300 mixed posts: replies, boosts, threads, content warnings, 0 to 4 pictures."""

    address: str

    def control(self, verb: str, *, post: bool = False) -> Any:
        request = urllib.request.Request(f"{self.address}/__ctl/{verb}", method="POST" if post else "GET")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def kept(self) -> dict[str, dict[str, Any]]:
        """The truth about every post that is archived by default, by id."""
        return {truth["id"]: truth for truth in self.control("truth") if truth["kept"]}

    def visit(self, since: datetime | None = None, after: str | None = None, **options: bool) -> list[Page]:
        source = Mastodon("m", MastodonOptions(url=f"{self.address}/@atelier", **options))
        settings = HttpSettings(rate="none", allow_hosts=(self.address.removeprefix("http://"),))
        with PoliteClient(settings, version="test") as client:
            return list(crawl(source, client.fetch, since=since, after=after))


@pytest.fixture
def server(fake_server: str) -> Server:
    return Server(fake_server)


def posts_of(pages: list[Page]) -> list[Post]:
    assert [page.failure for page in pages if page.failure] == []
    return [post for page in pages for post in page.posts]


def test_a_first_visit_takes_every_post_of_the_author_once(server: Server) -> None:
    """All the author's own posts, threads linked, with text, dates, pictures and alt texts; nobody else's."""
    truth = server.kept()
    posts = posts_of(server.visit())
    assert sorted(post.native_id for post in posts) == sorted(truth)
    for post in posts:
        told = truth[post.native_id]
        assert post.published is not None
        assert post.published.at == datetime.fromisoformat(told["created_at"])
        assert post.in_reply_to == told["in_reply_to"]
        assert [medium.alt for medium in post.attachments] == [medium["alt"] for medium in told["media"]]
        assert post.body.startswith(told["raw"])
    assert any(post.content_warning for post in posts)
    assert any(post.in_reply_to for post in posts)


def test_replies_and_boosts_are_taken_when_wanted(server: Server) -> None:
    """With both options every status of the account is a post."""
    posts = posts_of(server.visit(replies=True, boosts=True))
    assert sorted(post.native_id for post in posts) == sorted(truth["id"] for truth in server.control("truth"))


def test_since_leaves_out_older_posts_only_and_asks_for_fewer_pages(server: Server) -> None:
    """At, just before and just after a post's second, the visit holds every younger post and stops soon after."""
    truth = server.kept()
    times = sorted(datetime.fromisoformat(told["created_at"]) for told in truth.values())
    edges = [times[at] + timedelta(seconds=s) for at in (0, 40, 121, -1) for s in (-1, 0, 1)]
    everything = len(server.visit())
    for since in [*edges, datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)]:
        pages = server.visit(since)
        found = {post.native_id for post in posts_of(pages) if post.published and post.published.overlaps(since, None)}
        moment_before = since - timedelta(seconds=1)
        assert found == {
            told["id"] for told in truth.values() if datetime.fromisoformat(told["created_at"]) > moment_before
        }
        assert len(pages) <= 3 + len(found) // 40 <= everything + 1


def test_what_is_new_is_read_upwards_without_a_hole(server: Server) -> None:
    """After growing by several pages, a visit from the newest id held takes exactly the new posts."""
    held = server.kept()
    newest = max(held, key=lambda native_id: held[native_id]["created_at"])
    assert posts_of(server.visit(after=newest)) == []
    server.control("grow?n=130", post=True)
    added = sorted(set(server.kept()) - set(held))
    assert len(added) > 80
    posts = posts_of(server.visit(after=newest, since=datetime(2100, 1, 1, tzinfo=UTC)))
    assert sorted(post.native_id for post in posts) == added
    middle = len(added) // 2
    rest = posts_of(server.visit(after=added[middle]))
    assert sorted(post.native_id for post in rest) == added[middle + 1 :]


def test_an_edit_and_a_deletion_show_at_the_next_visit(server: Server) -> None:
    """A changed post comes with its new text and the time of the edit, a deleted one no more."""
    truth = sorted(server.kept().values(), key=lambda told: told["n"])
    edited, deleted = truth[-1], truth[-2]
    server.control(f"edit?n={edited['n']}", post=True)
    server.control(f"delete?n={deleted['n']}", post=True)
    posts = {post.native_id: post for post in posts_of(server.visit())}
    assert deleted["id"] not in posts
    assert "(v2)" in posts[edited["id"]].body
    assert posts[edited["id"]].edited_at is not None
