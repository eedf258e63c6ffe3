"""What a source would give: its first page with posts, read as a visit reads it; nothing is archived."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from scraper.capture import Capture, Request
from scraper.crawl import crawl, parsed
from scraper.errors import ScraperError
from scraper.model import Lang, MediaKind, Mission, Post, Reading
from scraper.reading import read
from scraper.source import Source

#: a platform may want an account to be looked up before it gives a page
MOST_REQUESTS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A post that was found, and what its text says."""

    post: Post
    reading: Reading

    @property
    def captions(self) -> dict[str, str]:
        """The captions by ``fr`` and ``en``."""
        return {str(lang): caption.text for lang, caption in self.reading.captions.items()}

    @property
    def lacks(self) -> tuple[str, ...]:
        """What one would expect of a picture with its caption, and is not there."""
        pictures = [item for item in self.post.attachments if item.kind is MediaKind.IMAGE and item.url]
        found = {
            "date": self.reading.published is not None,
            "French": Lang.FR in self.reading.captions,
            "English": Lang.EN in self.reading.captions,
            "picture": bool(pictures),
        }
        return tuple(name for name, is_there in found.items() if not is_there)

    def as_json(self) -> dict[str, Any]:
        """All that a person who tries a source wants to know of a post."""
        post = self.post
        return {
            "native_id": post.native_id,
            "url": post.url,
            "author": post.author,
            "title": post.title,
            "published_at": str(self.reading.published) if self.reading.published else None,
            "captions": {"fr": self.captions.get("fr"), "en": self.captions.get("en")},
            "text": post.body,
            "credit": post.credit or (self.reading.credit.text if self.reading.credit else None),
            "license": post.license,
            "mission": self.reading.mission,
            "hashtags": list(self.reading.hashtags),
            "pictures": [
                {"url": item.url, "alternatives": list(item.alternatives), "alt": item.alt, "kind": str(item.kind)}
                for item in post.attachments
            ],
            "opt_outs": list(post.opt_outs),
            "lacks": list(self.lacks),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of it: the posts of one page, what was asked for, what would be next, and what went wrong."""

    posts: tuple[Tried, ...] = ()
    asked: tuple[str, ...] = ()
    following: tuple[str, ...] = ()
    failures: tuple[ScraperError, ...] = ()


def try_source(
    source: Source[Any],
    fetch: Callable[[Request], Capture],
    *,
    missions: Sequence[Mission] = (),
    mission: str | None = None,
    saved: Capture | None = None,
) -> Trial:
    """Ask for what a visit asks first, up to the first page with posts or with a failure.

    Args:
        source: which.
        fetch: answers a request or raises FetchError.
        missions: the configured ones.
        mission: the source's own.
        saved: a page that a person saved, in place of the network.
    """

    def tried(posts: Sequence[Post]) -> tuple[Tried, ...]:
        return tuple(Tried(post=post, reading=read(post, missions, mission)) for post in posts)

    if saved is not None:
        following: list[str] = []
        posts, failure = parsed(source, saved, None, lambda request: following.append(request.url))
        return Trial(
            posts=tried(posts), asked=(saved.url,), following=tuple(following), failures=(failure,) if failure else ()
        )
    asked: list[str] = []
    for page in islice(crawl(source, fetch), MOST_REQUESTS):
        asked.append(page.request.url)
        if page.posts or page.failure or not page.queued or len(asked) == MOST_REQUESTS:
            return Trial(
                posts=tried(page.posts),
                asked=tuple(asked),
                following=tuple(request.url for request in page.queued),
                failures=(page.failure,) if page.failure else (),
            )
    return Trial(asked=tuple(asked))
