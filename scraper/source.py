"""The abstract Source: all that a contributor must learn; pure, so that it can be replayed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, Self, TypeVar

from scraper.capture import Access, Capture, Request
from scraper.errors import FetchError, ScraperError
from scraper.finding import Finding
from scraper.model import History, Post
from scraper.settings import SourceOptions

O = TypeVar("O", bound=SourceOptions)


class Reach(StrEnum):
    """What a visit that read its listing whole has looked through: a post in there that it did not find may be gone."""

    #: nothing can be concluded
    NOTHING = "nothing"
    #: every post that the source dates between the visit's bound and now
    WINDOW = "window"
    #: every post that the source dates between the oldest and the newest one found, if they come newest first
    EXTENT = "extent"
    #: every post of each page that was read, whatever its date
    PAGE = "page"


#: gives a kind of source by its name; LookupError where there is none
Kinds = Callable[[str], "type[Source[Any]]"]


class Source(ABC, Generic[O]):
    """A configured place that publishes posts: the class is its kind, the instance has an id.

    A source does no I/O and reads no clock: the same capture always gives the same posts.
    The docstring of each kind names the site, its terms and API page, and an example address.
    """

    kind: ClassVar[str]
    #: one line for ``cupola sources``
    summary: ClassVar[str]
    #: an address that this kind reads, for the documentation
    example: ClassVar[str]
    options_type: ClassVar[type[SourceOptions]]
    #: which rules bind this kind's pictures (its requests say so one by one)
    media_access: ClassVar[Access] = Access.PAGE
    #: of a kind, or of one source of it
    reach: Reach = Reach.NOTHING

    def __init__(self, source_id: str, options: O) -> None:
        self.id = source_id
        self.options = options

    @classmethod
    def made(cls, source_id: str, options: O, kinds: Kinds) -> Self:
        """The source; one that hands what it reads to another kind gets that one from ``kinds``.

        Raises:
            OptionsError: the options name a kind that is not there, or options that it does not take.
        """
        return cls(source_id, options)

    @abstractmethod
    def start(self, since: datetime | None, after: str | None = None) -> Iterator[Request]:
        """The first requests of a visit.

        Args:
            since: posts older than this are not wanted; a listing may end at a whole page of them.
            after: the native id of the newest post but one already held that is older than ``since``: where a
                platform can page forward from an id, no post can slip between two pages, and the newest one is
                seen again, which shows that the platform did page from there.
        """

    @abstractmethod
    def parse(self, capture: Capture, since: datetime | None) -> Iterator[Post | Request | History]:
        """The posts of one answer, and what to ask next; of an answer to ``history`` what it tells.

        Every post found is given, also those older than ``since``: the harvest leaves them out
        (one place decides), ``since`` only says when to stop paging.

        Raises:
            ParseError: the answer is not what this kind of source publishes. An answer in which
                nothing was found, and nothing said that it is empty, is such an answer.
        """

    def instead(self, request: Request, error: ScraperError) -> tuple[Request, ...] | None:
        """What to ask in place of a ``request`` that failed, or whose answer was not understood and gave no post.

        None where there is no other way: then it is a failure. What leads to another way is none, and the report notes
        it; nothing at all in its place says that the listing simply ends there. What is found by another way counts at
        most as a listing that was seen from its newest to its oldest post (``Reach.EXTENT``).
        """
        return None

    def history(self, post: Post) -> Request | None:
        """The request for what ``post`` said before it was edited; None where it was not, or no platform tells.

        It is no part of the listing: an answer that fails says nothing of the other posts.
        """
        return None

    @classmethod
    def knows(cls, url: str) -> Iterator[Finding | Request]:
        """What ``url`` alone says to this kind: the stanzas to offer for it, and what to ask to know more.

        Pure, and never an exception, whatever the address. A finding of the rank CERTAIN says that the page itself need
        not be looked at. By default a kind knows no address.
        """
        return iter(())

    @classmethod
    def finds(cls, capture: Capture) -> Iterator[Finding | Request]:
        """What an answer says to this kind: the page at the address looked at, or what this kind asked for itself.

        Pure. The page comes with ``capture.request.carry`` None, so give requests of your own a ``carry``; their
        answers come to this kind alone, and none comes where asking failed. A ParseError, or any other error, is
        taken for «nothing of mine».
        """
        return iter(())

    def explain(self, error: FetchError) -> FetchError:
        """``error`` in words that help with this kind of source (a token that is missing, say), else itself."""
        return error


def page_is_older(posts: list[Post], since: datetime | None) -> bool:
    """Whether a listing may end here: the page has unpinned posts, and all of them are older than ``since``.

    An undated post is not older than anything.
    """
    unpinned = [post for post in posts if not post.pinned]
    if since is None or not unpinned:
        return False
    return all(post.published is not None and not post.published.overlaps(since, None) for post in unpinned)
