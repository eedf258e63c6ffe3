"""One source as it is to be visited: its bounds, its pages, its posts read; and the dry run. Knows no archive."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any, Protocol

from jobs.downloads import Workers, always
from jobs.errors import Interrupted, PostUnreadable
from jobs.report import Failure, Outcome, Report
from scraper.capture import Access, Capture, Fetcher, Request
from scraper.client import Sink, Streamed
from scraper.crawl import Page, crawl
from scraper.errors import FetchError
from scraper.media import UNWANTED
from scraper.model import Attachment, MediaKind, MediaState, Mission, Post, Reading
from scraper.reading import licensed, read
from scraper.settings import HttpSettings, SourceOptions
from scraper.source import Source


class Web(Fetcher, Protocol):
    """What reaches the outside world: pages, and the bytes of pictures."""

    def stream(self, request: Request, sink: Sink, *, max_bytes: int | None = None) -> Streamed:
        """Write the answer's body into ``sink``; see ``PoliteClient.stream``."""
        ...


class Unplugged:
    """The web when there is none: asking for anything is an error."""

    def fetch(self, request: Request) -> Capture:
        """No answer.

        Raises:
            FetchError: always.
        """
        raise FetchError(f"{request.url}: nothing is fetched by this command", url=request.url, retriable=False)

    def stream(self, request: Request, sink: Sink, *, max_bytes: int | None = None) -> Streamed:
        """No bytes.

        Raises:
            FetchError: always.
        """
        raise FetchError(f"{request.url}: nothing is fetched by this command", url=request.url, retriable=False)


class Progress:
    """Told what happens; this one says nothing."""

    def page(self, page: Page, report: Report) -> None:
        """A page was dealt with."""

    def media(self, report: Report, waiting: int) -> None:
        """Pictures were dealt with; ``waiting`` are handed in and not finished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One source as it is to be visited now.

    ``mission`` is the id that posts get when nothing in them says otherwise. ``since`` and ``until`` are a
    person's bounds on the posts' dates (aware, UTC); None takes everything. ``limit`` is the number
    of posts to take at most. ``saved`` answers the first request in place of the network, and
    nothing further is asked. Without ``listing`` only pictures are taken: those still wanted, due or not, or
    those that are due with ``due_only``. ``whole`` reads the whole history, wherever the last visit ended; it
    may ``resume`` what another one had queued when it was cut off, and is then no whole look by itself.
    ``despite_failures`` is a person's word that the next visit may go on from this one although a page failed.
    """

    source: Source[Any]
    mission: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    media: bool = True
    listing: bool = True
    due_only: bool = False
    whole: bool = False
    resume: tuple[Request, ...] = ()
    despite_failures: bool = False
    saved: Capture | None = None

    @property
    def partial(self) -> bool:
        """Whether this is no whole look at the source, so that its cursor must not move."""
        bounds = (self.until, self.limit, self.saved)
        return not self.listing or bool(self.resume) or any(bound is not None for bound in bounds)

    @property
    def is_whole(self) -> bool:
        """Whether it is what a visit by schedule is: all that is new, with its pictures."""
        return self.media and self.since is None and not self.partial

    @property
    def scope(self) -> str:
        """How the source is configured to be read: what another configuration leaves out is not gone.

        An option that is as it is without a word of the configuration is left out: a newer version that knows more
        options does not make another scope.
        """
        options: SourceOptions = self.source.options
        return f"{self.source.kind} {options.model_dump_json(exclude={'token', 'video'}, exclude_defaults=True)}"

    @property
    def max_film_bytes(self) -> int | None:
        """The cap on a film; None where films are not taken."""
        video = self.source.options.video
        return None if video is None else video.max_bytes

    def enough(self, report: Report) -> bool:
        """Whether the limit is reached."""
        return self.limit is not None and report.posts_found >= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a visit works with; ``stop`` is set by a signal, ``now`` is the clock (aware, UTC).

    ``crew`` makes workers for pictures out of an archive's folder, the rules and the cap on films; without it
    threads of this process take them. ``room`` says whether the disk has room for pictures; without it they stay
    pending, and texts go on.
    """

    web: Web
    http: HttpSettings
    missions: Sequence[Mission]
    now: Callable[[], datetime]
    stop: Event = field(default_factory=Event)
    progress: Progress = field(default_factory=Progress)
    crew: Callable[[Path, Access, int | None], Workers] | None = None
    room: Callable[[], bool] = always

    def go_on(self) -> None:
        """Nothing, or Interrupted when somebody asked to stop."""
        if self.stop.is_set():
            raise Interrupted("asked to stop")


def plan(attachment: Attachment, *, max_film_bytes: int | None = None) -> tuple[MediaState, str | None]:
    """The state in which an attachment begins, and why it will not be taken if so; films are where they have a cap."""
    is_film = attachment.kind is MediaKind.VIDEO and max_film_bytes is not None
    reason = None if is_film else UNWANTED.get(attachment.kind)
    return (MediaState.SKIPPED, reason) if reason else (MediaState.PENDING, None)


def pages(
    visit: Visit, means: Means, fetch: Callable[[Request], Capture], *, since: datetime | None, after: str | None
) -> Iterator[Page]:
    """The pages of a visit, ended between two of them by an interrupt."""

    def answer(request: Request) -> Capture:
        means.go_on()
        if visit.saved is not None:
            return dataclasses.replace(visit.saved, request=request, url=request.url)
        return fetch(request)

    cap = means.http.max_requests
    for page in crawl(visit.source, answer, since=since, after=after, first=visit.resume, max_requests=cap):
        yield page
        if visit.saved is not None:
            return


def entries_of(
    visit: Visit, means: Means, page: Page, report: Report, fail: Callable[[Post, PostUnreadable], None]
) -> list[tuple[Post, Reading]]:
    """The posts of a page that are wanted, each with all that its text says.

    An undated post is wanted, and flagged. A post whose author asks not to be archived is left out unless
    the configuration gives a reason; the report says how many. ``fail`` is told of each that cannot be read.
    """
    entries: list[tuple[Post, Reading]] = []
    for post in page.posts:
        if visit.limit is not None and report.posts_found + len(entries) >= visit.limit:
            break
        if post.opt_outs and (reason := visit.source.options.ignore_opt_outs) is None:
            report.left_out(post.opt_outs)
            continue
        try:
            stated, reading = licensed(post), read(post, means.missions, visit.mission)
        except Exception as error:  # noqa: BLE001 - one post that cannot be read must not cost the page; it is told
            unreadable = PostUnreadable(f"cannot be read ({type(error).__name__}: {error})")
            unreadable.__cause__ = error
            fail(post, unreadable)
            continue
        if reading.published is None or reading.published.overlaps(visit.since, visit.until):
            entries.append((stated, reading))
            if post.opt_outs and reason is not None:
                report.kept_in_spite(post.opt_outs, reason)
    return entries


def rehearse(visit: Visit, means: Means) -> Report:
    """A dry run: the source is read and its posts are counted; no archive is touched, no picture taken."""
    report = Report(source_id=visit.source.id)
    started = means.now()

    def unreadable(post: Post, error: PostUnreadable) -> None:
        report.fail(Failure.of("post", error, url=post.url, key=post.key))

    try:
        for page in pages(visit, means, means.web.fetch, since=visit.since, after=None):
            report.pages += 1
            if page.failure is not None:
                report.fail(Failure.of("page", page.failure, url=page.request.url))
            report.went_round(page)
            entries = entries_of(visit, means, page, report, unreadable)
            report.posts_found += len(entries)
            report.needs_review += sum(reading.needs_review for _, reading in entries)
            plans = [
                plan(item, max_film_bytes=visit.max_film_bytes)[0] for post, _ in entries for item in post.attachments
            ]
            report.media_pending += plans.count(MediaState.PENDING) if visit.media else 0
            means.progress.page(page, report)
            if visit.enough(report):
                break
    except Interrupted:
        report.outcome = Outcome.INTERRUPTED
    if report.failed and report.outcome is Outcome.COMPLETED:
        report.outcome = Outcome.PARTIAL
    report.seconds = (means.now() - started).total_seconds()
    return report
