"""How many posts a second each kind of source reads out of answers that are held, on one core.

``python benchmarks/parse.py [KIND ...]``: all kinds that have a function here, by default. Each function gives a source
and answers of the size that its platform sends, made of the repository's own fixtures; a new kind adds one, under the
kind's own name. Times are the processor's; wanted are 2,000 posts a second from JSON and 300 captions from HTML.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from scraper.capture import Capture, Request  # noqa: E402 - from this checkout
from scraper.model import Post  # noqa: E402
from scraper.registry import kind, made  # noqa: E402
from scraper.source import Source  # noqa: E402

FIXTURES = ROOT / "tests/fixtures/sources"
SECONDS = 2.0
Subject = tuple[Source[Any], list[Capture]]
SUBJECTS: dict[str, tuple[int, Callable[[], Subject]]] = {}


def subject(floor: int) -> Callable[[Callable[[], Subject]], Callable[[], Subject]]:
    """Adds a function under its own name; ``floor`` is how many posts a second are wanted."""

    def add(make: Callable[[], Subject]) -> Callable[[], Subject]:
        SUBJECTS[make.__name__] = (floor, make)
        return make

    return add


def answer(url: str, body: bytes, carry: str | None = None) -> Capture:
    """A held answer."""
    request = Request(url=url, carry=carry)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Capture(request=request, url=url, status=200, headers={}, body=body, fetched_at=at)


def repeated(items: Iterable[Any], count: int) -> list[Any]:
    """``count`` of the items, over and over."""
    return list(islice(cycle(items), count))


@subject(floor=2000)
def bluesky() -> Subject:
    """A page of an author feed: threads, facets, pictures, a gallery of twelve, film, card, quotation."""
    pages = [json.loads((FIXTURES / f"bluesky/feed/page-{number}.json").read_text()) for number in (1, 3, 4)]
    own = [item for page in pages for item in page["feed"] if "reasonRepost" not in json.dumps(item.get("reason"))]
    did = own[0]["post"]["author"]["did"]
    body = json.dumps({"feed": repeated(own, 100), "cursor": "next"}).encode()
    found = kind("bluesky")
    carry = json.dumps({"did": did, "server": "https://pds.example"})
    url = "https://public.api.bsky.app/xrpc/app.bsky.feed.getAuthorFeed"
    return found("b", found.options_type(url=found.example, replies=True)), [answer(url, body, carry)]


@subject(floor=2000)
def mastodon() -> Subject:
    """A page of an account's statuses with pictures, hashtags and content in HTML."""
    account = {"id": "7", "acct": "someone", "display_name": "Someone", "url": "https://social.example/@someone"}
    link = '<a href="https://social.example/tags/Proxima" class="mention hashtag">#<span>Proxima</span></a>'
    picture = {"type": "image", "url": "https://files.social.example/1.jpg", "description": "Les Alpes / The Alps"}
    status = {
        "created_at": "2016-12-03T10:00:00.000Z", "visibility": "public", "account": account, "language": "fr",
        "content": f"<p>Les Alpes<br>The Alps at dawn &amp; more {link}</p>", "tags": [{"name": "Proxima"}],
    }  # fmt: skip
    statuses = [
        {
            **status,
            "id": str(n),
            "uri": f"https://social.example/{n}",
            "media_attachments": [{**picture, "id": f"m{n}"}],
        }
        for n in range(40)
    ]
    found = kind("mastodon")
    url = "https://social.example/api/v1/accounts/7/statuses?limit=40"
    return found("m", found.options_type(url=found.example)), [answer(url, json.dumps(statuses).encode())]


@subject(floor=2000)
def wordpress() -> Subject:
    """A page of the REST API: featured pictures, figures, a gallery, credits in captions, two languages."""
    posts = json.loads((FIXTURES / "wordpress/two-pages/page-1.json").read_text())
    own = [post for post in posts if post["status"] == "publish" and not post["content"]["protected"]]
    # each post with pictures of its own
    written = [json.dumps({**post, "id": 1000 + at}) for at, post in enumerate(repeated(own, 100))]
    body = "[{}]".format(",".join(text.replace("/12/", f"/12/{at}-") for at, text in enumerate(written))).encode()
    found = kind("wordpress")
    url = "https://blogs.example/carnet/wp-json/wp/v2/posts"
    return found("w", found.options_type(url="https://blogs.example/carnet/")), [answer(url, body)]


@subject(floor=2000)
def flickr() -> Subject:
    """A page of the listing as it comes with a key: 500 photos with descriptions, tags, licences and sizes."""
    page = json.loads((FIXTURES / "flickr/with-a-key/page1.json").read_text())
    page["photos"]["photo"] = repeated(page["photos"]["photo"], 500)
    found = kind("flickr")
    url = "https://api.flickr.com/services/rest/?method=flickr.people.getPublicPhotos&user_id=34427469121@N01&page=1"
    return found("f", found.options_type(url=found.example, key_env="KEY")), [answer(url, json.dumps(page).encode())]


@subject(floor=300)
def gallery() -> Subject:
    """A page of 200 figures: lazy pictures in several sizes, captions, dates, credits."""
    case = yaml.safe_load((FIXTURES / "gallery/figures/case.yaml").read_text())
    text = (FIXTURES / "gallery/figures/page1.html").read_text()
    figure = text[text.index('<figure class="photo" id') : text.index('<figure class="group">')]
    many = "".join(
        figure.replace("delta-du", f"delta-{number}-du").replace("Le delta", f"Le delta {number}")
        for number in range(200)
    )
    found = kind("gallery")
    return found("g", found.options_type(**case["options"])), [
        answer(found.example, text.replace(figure, many).encode())
    ]


@subject(floor=300)
def wayback() -> Subject:
    """A captured page of twitter.com with a hundred tweets, two pictures each; the rest is its reader's own speed."""
    text = (FIXTURES / "wayback/tweets/page.html").read_text()
    start, end = text.index('<div class="tweet'), text.index('<div class="tweet', text.index('<div class="tweet') + 1)
    number = "805812345678901248"
    many = "".join(text[start:end].replace(number, str(int(number) + at)) for at in range(100))
    body = (text[:start] + many + "</body></html>").encode()
    options = kind("wayback").options_type.model_validate({"url": "https://twitter.com/Thom_astro", "as": "tweets"})
    url = "https://web.archive.org/web/20161206000000id_/https://twitter.com/Thom_astro"
    held = replace(answer(url, body), headers={"memento-datetime": "Tue, 06 Dec 2016 00:00:00 GMT"})
    return made("wayback", "w", options), [held]


def measured(source: Source[Any], captures: list[Capture]) -> float:
    """Posts a second."""
    posts, began = 0, time.process_time()
    while (spent := time.process_time() - began) < SECONDS:
        posts += sum(isinstance(item, Post) for capture in captures for item in source.parse(capture, None))
    return posts / spent


def main(names: list[str]) -> None:
    """Measure the kinds named, or all."""
    for name in names or sorted(SUBJECTS):
        floor, make = SUBJECTS[name]
        rate = measured(*make())
        print(f"{name:14} {rate:10,.0f} posts/s   wanted {floor:,}   {'' if rate >= floor else 'TOO SLOW'}".rstrip())


if __name__ == "__main__":
    main(sys.argv[1:])
