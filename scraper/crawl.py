"""The loop: fetch, parse, follow. Yields a page at a time and holds no more than one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from scraper.capture import Capture, Request
from scraper.errors import FetchError, ScraperError
from scraper.masking import named
from scraper.model import History, Post
from scraper.source import Source
from scraper.text.wishes import asked_of_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer and what was found in it.

    ``failure`` is what went wrong, if anything: in fetching (then there is no ``capture``) or in
    parsing (then the capture is the evidence, and ``posts`` are those read before the fault).
    ``queued`` is what is to be asked for after it, as far as the source has said by now.
    """

    request: Request
    capture: Capture | None = None
    posts: tuple[Post, ...] = ()
    failure: ScraperError | None = None
    queued: tuple[Request, ...] = ()
    #: what went wrong where the source knows another way, which is asked for after this; no failure
    detour: ScraperError | None = None

    @property
    def more(self) -> bool:
        """Whether the source asked for further pages."""
        return bool(self.queued)


def crawl(
    source: Source[Any],
    fetch: Callable[[Request], Capture],
    *,
    since: datetime | None = None,
    after: str | None = None,
    first: Sequence[Request] = (),
    max_requests: int = 20_000,
) -> Iterator[Page]:
    """Visit a source: a ``Page`` for each request made, in the order they were asked for.

    One page that fails stops only itself; the pages it would have led to are not known then.
    An address is asked for once in a visit, so that a listing that points back to itself ends.
    The cap on requests ends the visit with a failure that says so.

    Args:
        source: where to go.
        fetch: answers a request or raises FetchError.
        since: see ``Source.start``; filtering is the harvest's, not the crawl's.
        after: see ``Source.start``.
        first: what to ask for in place of ``Source.start``: what another visit had queued when it was cut off.
        max_requests: pages asked for at most.
    """
    queue: deque[Request] = deque()
    asked: set[str] = set()

    def enqueue(request: Request) -> None:
        if request.url not in asked:
            asked.add(request.url)
            queue.append(request)

    for request in first or source.start(since, after):
        enqueue(request)
    made = 0
    while queue:
        request = queue.popleft()
        if made == max_requests:
            message = f"{named(request.url)}: not asked for, the cap of {max_requests} requests in a run is reached"
            failed = FetchError(message, url=request.url, retriable=True)
            yield Page(request=request, failure=failed, queued=tuple(queue))
            return
        made += 1
        capture: Capture | None = None
        posts: tuple[Post, ...] = ()
        failure: ScraperError | None
        try:
            capture = fetch(request)
        except FetchError as error:
            failure = source.explain(error)
        else:
            posts, failure = parsed(source, capture, since, enqueue)
        other = source.instead(request, failure) if failure is not None and not posts else None
        if other is None or (other and asked.issuperset(way.url for way in other)):  # a way back leads nowhere
            yield Page(request=request, capture=capture, posts=posts, failure=failure, queued=tuple(queue))
            continue
        for way in other:
            enqueue(way)
        yield Page(request=request, capture=capture, queued=tuple(queue), detour=failure if other else None)


def parsed(
    source: Source[Any],
    capture: Capture,
    since: datetime | None,
    enqueue: Callable[[Request], None] = lambda request: None,
    tell: Callable[[History], None] = lambda history: None,
) -> tuple[tuple[Post, ...], ScraperError | None]:
    """The posts of one answer, once each, and what was wrong with it if anything was.

    What the server asks of those who archive (``X-Robots-Tag``) holds for each of the posts, whatever their kind.

    Args:
        source: who understands it.
        capture: the answer.
        since: see ``Source.parse``.
        enqueue: told what the source wants to ask next.
        tell: told what a platform's own history says of a post.
    """
    posts: dict[str, Post] = {}
    asked = asked_of_us(capture.headers.get("x-robots-tag", ""))
    try:
        for item in source.parse(capture, since):
            if isinstance(item, Post):
                wishes = item.opt_outs if asked.issubset(item.opt_outs) else tuple(sorted({*item.opt_outs, *asked}))
                posts.setdefault(item.native_id, item if wishes is item.opt_outs else replace(item, opt_outs=wishes))
            elif isinstance(item, History):
                tell(item)
            else:
                enqueue(item)
    except ScraperError as error:
        return tuple(posts.values()), error
    except Exception as error:  # noqa: BLE001 - a parser's bug on one page must not end the visit; it is recorded with the page
        bug = capture.parse_error(f"the {source.kind} parser failed on this page ({type(error).__name__}: {error})")
        bug.__cause__ = error
        return tuple(posts.values()), bug
    return tuple(posts.values()), None
