"""What posts said before they were edited: asked for where a platform tells, beside the listing and never in its way.

A history that fails makes no listing incomplete and holds no cursor. It is asked for once for each state of a post.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Protocol

from jobs.asking import Answers
from jobs.errors import PostUnreadable
from jobs.visit import Means, Visit
from scraper.capture import Request
from scraper.crawl import parsed
from scraper.errors import FetchError
from scraper.model import History
from scraper.reading import read
from storage import hindsight
from storage.archive import Archive
from storage.changes import Change, Entry, differing
from storage.errors import RowRefused, UnknownKey
from storage.hindsight import Earlier

logger = logging.getLogger(__name__)

#: so many histories in a row that a server does not tell, and it is not asked for more in this visit
PATIENCE = 3
#: such a server has none, or not for us
_UNTOLD = (401, 403, 404, 410)
_HELD = (Change.ADDED, Change.UPDATED, Change.UNCHANGED)


def earlier(visit: Visit, archive: Archive, means: Means, history: History, capture_id: int) -> list[Earlier]:
    """The states of a post that its history tells and that the archive does not know; none of one that is not held.

    Args:
        visit: the source, and bounds on the dates of its posts.
        archive: what is known.
        means: the missions.
        history: what is told.
        capture_id: in which answer.

    Raises:
        PostUnreadable: what it said then cannot be read, by a fault of ours.
        StorageError: the archive cannot be read.
    """
    try:
        stored, reading = archive.entry(history.key)
    except UnknownKey:
        return []
    if stored.edited_at is None or not (
        reading.published is None or reading.published.overlaps(visit.since, visit.until)
    ):
        return []
    found: list[Earlier] = []
    states: list[Entry] = []
    for number, edition in enumerate(history.editions):
        post = replace(
            stored,
            body=edition.body,
            content_warning=edition.content_warning,
            attachments=edition.attachments,
            # those of now: what the text then said is read in it
            hashtags=(),
            edited_at=edition.at if number else None,
        )
        try:
            states.append((post, read(post, means.missions, visit.mission)))
        except Exception as error:  # a parser's fault costs this history alone
            raise PostUnreadable(
                f"what it said at {edition.at} cannot be read ({type(error).__name__}: {error})"
            ) from error
    for (edition, after), (state, next_state) in zip(pairwise(history.editions), pairwise(states), strict=True):
        if edition.at >= stored.edited_at:
            # it is as it is held, or was edited once more meanwhile
            break
        fields = differing(state, next_state)
        # an edit of what is not kept (a poll, say) is none here
        if set(fields) - {"edited_at"}:
            found.append(Earlier(entry=state, since=edition.at, until=after.at, fields=fields))
    return hindsight.untold(archive.database, history.key, capture_id, found)


class Fail(Protocol):
    """Records that something failed, with its evidence."""

    def __call__(
        self, stage: str, error: Exception, *, url: str, capture_id: int | None, key: str | None = None
    ) -> None:
        """Record it."""


class Hindsight:
    """The histories of one visit's posts.

    Args:
        visit: the source and its bounds.
        archive: where they are kept.
        means: the missions, and who asks to stop.
        answers: of the visit's run.
        fail: records what went wrong.
    """

    def __init__(self, visit: Visit, archive: Archive, means: Means, answers: Answers, *, fail: Fail) -> None:
        self._visit, self._archive, self._means, self._answers, self._fail = visit, archive, means, answers, fail
        self._untold = 0
        self._is_noted = False

    def ask(self, entries: Sequence[Entry], changes: Mapping[str, Change]) -> None:
        """Ask for the histories of posts of a page that was recorded: of those that are held, and were edited since."""
        requests: dict[str, Request] = {}
        for post, _ in entries:
            request = self._visit.source.history(post)
            if request is not None and changes.get(post.key) in _HELD:
                requests[post.native_id] = request
        addresses = {native_id: request.url for native_id, request in requests.items()}
        wanted = hindsight.unasked(self._archive.database, self._visit.source.id, addresses)
        for native_id, request in requests.items():
            if native_id in wanted and self._untold < PATIENCE:
                self._means.go_on()
                self._one(request)

    def _one(self, request: Request) -> None:
        source, answers = self._visit.source, self._answers
        answers.report.pages += 1
        try:
            capture = answers.fetch(request)
        except FetchError as error:
            self._went_wrong(source.explain(error), request)
            return
        self._untold = 0
        histories: list[History] = []
        _, failure = parsed(source, capture, None, tell=histories.append)
        number, _ = answers.keep(capture, histories)
        if failure is not None:
            self._fail("page", failure, url=request.url, capture_id=number)
            return
        for history in histories:
            try:
                states = earlier(self._visit, self._archive, self._means, history, number)
                told = hindsight.tell(self._archive.database, answers.run.id, number, history.key, states)
                logger.info("%s: its history tells %d earlier states", history.key, told)
            except (PostUnreadable, RowRefused) as error:
                self._fail("post", error, url=request.url, key=history.key, capture_id=number)
                return
        self._archive.captures.save_validators(source.id, request.url, number, always=True)

    def _went_wrong(self, error: FetchError, request: Request) -> None:
        if error.status not in _UNTOLD:
            self._fail("page", error, url=request.url, capture_id=None)
            return
        self._untold += 1
        if not self._is_noted:
            self._answers.report.notes.append(f"what edited posts said before is not told: {error}")
        self._is_noted = True
