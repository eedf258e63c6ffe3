"""The deep pass: the whole history of a source is read, in slices, so that its visits have their turn in between.

What was queued when a slice ended is kept on the agenda, and the next slice goes on there; a pass that was killed goes
on from the last slice that ended. A pass of one slice is a whole look at the source; a longer one finds posts and
edits, but calls nothing gone: between two slices a listing may have moved.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jobs.duty import Done, Turn
from jobs.errors import Interrupted
from jobs.report import Report
from jobs.visit import Progress, Visit
from jobs.visiting import visiting
from scraper.capture import Access, Request
from scraper.crawl import Page
from storage.agenda import Ending

#: requests that are kept for the next slice; a pass with more of them begins anew
KEPT = 2000
#: a page that did not answer is asked for again after so long, so many times
REST, TRIES = timedelta(hours=1), 3
#: a pass that does not end by itself (a site that leads on for ever) is ended
LONGEST = timedelta(days=7)


class _Slice(Progress):
    """Ends a visit between two pages once its time is up."""

    def __init__(self, until: datetime, now: Callable[[], datetime]) -> None:
        self._until, self._now = until, now
        self.report: Report | None = None

    def page(self, page: Page, report: Report) -> None:
        """A page was dealt with."""
        self.report = report
        if report.left and self._now() >= self._until:
            raise Interrupted("the slice is over")


def deep_pass(visit: Visit, slice_: timedelta) -> Callable[[Turn], Done]:
    """One slice of a deep pass, as a duty is done; no pictures are taken, the next visit does that.

    Args:
        visit: the source as it is visited.
        slice_: a slice ends after so long, at the next page.
    """

    def do(turn: Turn) -> Done:
        now = turn.means.now()
        before = turn.matter.detail if turn.matter.detail.get("scope") == visit.scope else {}
        resumed = _requests(before, visit)
        part = _Slice(now + slice_, turn.means.now)
        again = dataclasses.replace(turn, means=dataclasses.replace(turn.means, progress=part))
        done = visiting(dataclasses.replace(visit, whole=True, media=False, resume=resumed))(again)
        if part.report is None:
            # no page was come to: as it was
            return dataclasses.replace(done, detail=before)
        began = _moment(before.get("began"), now) if resumed else now
        return _onward(done, part.report, _Pass(visit.scope, began, int(before.get("tries", 0)), bool(resumed)), turn)

    return do


@dataclass(frozen=True, slots=True)
class _Pass:
    """The pass that a slice is of: how the source is configured, since when, how often a page did not answer."""

    scope: str
    began: datetime
    tries: int
    is_resumed: bool


def _onward(done: Done, report: Report, of: _Pass, turn: Turn) -> Done:
    """What came of a slice, with what the next one goes on from; the pass is over when there is none."""
    now, is_cut = turn.means.now(), done.ending is Ending.INTERRUPTED
    tries = 0 if is_cut else of.tries + 1
    if not report.left or tries >= TRIES:
        return done
    is_endless = now - of.began > LONGEST or len(report.left) > KEPT
    if is_endless and not turn.means.stop.is_set():
        said = f"{done.said}; it is given up: {len(report.left)} pages are left"
        return dataclasses.replace(done, ending=Ending.PARTIAL, said=said)
    # of a source of which nothing could be read there is nothing to go on from but its beginning
    left = report.left if (report.posts_found or of.is_resumed) and not is_endless else ()
    kept = {"scope": of.scope, "began": of.began.isoformat(), "tries": tries, "left": _told(left)}
    rest = done.pause_until if is_cut else max(filter(None, (done.pause_until, now + REST)))
    return dataclasses.replace(done, ending=Ending.INTERRUPTED, detail={**done.detail, **kept}, pause_until=rest)


def _told(left: tuple[Request, ...]) -> str:
    """Requests as text, without tokens and validators."""
    return json.dumps([[item.url, str(item.access), item.accept, item.carry] for item in left])


def _requests(detail: Mapping[str, Any], visit: Visit) -> tuple[Request, ...]:
    """What the last slice had queued; none when there is nothing, or it is not ours any more."""
    try:
        first = next(iter(visit.source.start(None)))
        return tuple(
            Request(
                url=url,
                access=Access(access),
                accept=accept,
                carry=carry,
                # a token is sent to the host alone that the source itself sends it to
                token=first.token if _host(url) == _host(first.url) else None,
                key=first.key if _host(url) == _host(first.url) else None,
            )
            for url, access, accept, carry in json.loads(detail["left"])
        )
    except (KeyError, TypeError, ValueError, StopIteration):
        return ()


def _host(url: str) -> tuple[str, ...]:
    return tuple(url.split("/", 3)[:3])


def _moment(text: object, otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return otherwise
