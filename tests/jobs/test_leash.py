"""The web of one visit: its waits end with it alone, and what hosts ask of us is noted for the next one."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from jobs.errors import Interrupted
from jobs.leash import Leash, Shared, Waits
from scraper.capture import Capture, Request
from scraper.client import PoliteClient
from scraper.errors import FetchError, Gone, RateLimited, Refused
from scraper.settings import HttpSettings

URL = "https://a.example/feed"
NOW = datetime(2026, 6, 15, 12, 0, 0, tzinfo=UTC)


class Host:
    """Answers with what it is given, in turn: an error or headers; and waits before it, if it is to."""

    def __init__(self, *answers: Exception | dict[str, str], waits: Waits | None = None) -> None:
        self._answers, self._waits = list(answers), waits

    def fetch(self, request: Request) -> Capture:
        if self._waits is not None:
            self._waits.sleep(30)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Capture(request=request, url=URL, status=200, headers=answer, body=b"", fetched_at=NOW)

    def stream(self, request: Request, sink: Any, *, max_bytes: int | None = None) -> Any:
        self.fetch(request)


def asked(*answers: Exception | dict[str, str]) -> Leash:
    """A leash after a request for each of these answers."""
    leash = Leash(Host(*answers), Waits(Event()), Event())
    for _ in answers:
        try:
            leash.fetch(Request(url=URL))
        except FetchError:
            continue
    return leash


def by_robots() -> Refused:
    error = Refused("robots.txt", url=URL)
    error.by_robots = True
    return error


@pytest.mark.parametrize(
    ("answers", "is_closed"),
    [
        ([Gone("410", url=URL, status=410)], True),
        ([by_robots()], True),
        ([Gone("404", url=URL, status=404)], False),
        ([Refused("403", url=URL, status=403)], False),
        ([Refused("no contact is set", url=URL)], False),
        ([FetchError("no answer", url=URL, retriable=True)], False),
        # only what the source itself begins with is the source
        ([{}, Gone("410", url=URL, status=410)], False),
    ],
)
def test_what_closes_a_source(answers: list[Any], is_closed: bool) -> None:
    """410 or robots.txt at its first request; whatever else fails may be over the next time."""
    assert (asked(*answers).closed is not None) is is_closed


def test_the_longest_pause_is_noted() -> None:
    """Of all that was asked for in answer to pages."""
    pauses = [RateLimited("later", url=URL, retry_after=seconds) for seconds in (5.0, 900.0, 60.0)]
    assert asked({}, *pauses).pause == 900.0
    assert asked({}).pause == 0.0


def test_how_long_the_first_answer_is_fresh_is_noted() -> None:
    """Of the first alone: that is the list of what there is."""
    leash = asked({"cache-control": "max-age=600"}, {"cache-control": "max-age=9000"})
    assert leash.fresh_until == NOW + timedelta(minutes=10)


def test_a_wait_ends_with_its_own_visit_and_no_other() -> None:
    """Two visits wait for one client: the one that is stopped is interrupted, the other waits on."""
    everything = Event()
    waits, stops, ended = Waits(everything), (Event(), Event()), (Event(), Event())
    client = Host({}, {}, waits=waits)

    def visit(number: int) -> None:
        with pytest.raises(Interrupted):
            Leash(client, waits, stops[number]).fetch(Request(url=URL))
        ended[number].set()

    threads = [threading.Thread(target=visit, args=(number,), daemon=True) for number in (0, 1)]
    for thread in threads:
        thread.start()
    stops[0].set()
    assert ended[0].wait(20)
    assert not ended[1].is_set()
    stops[1].set()
    assert ended[1].wait(20)


class Closable(PoliteClient):
    """Says whether it was closed."""

    is_closed = False

    def close(self) -> None:
        self.is_closed = True
        super().close()


def test_a_client_is_closed_when_it_is_retired_and_its_last_visit_has_ended() -> None:
    """Not while a visit is under way with it, and not while more may come."""
    client = Closable(HttpSettings(), version="0")
    shared = Shared(client, Waits(Event()))
    with shared.leash(Event()):
        with shared.leash(Event()):
            pass
        assert not client.is_closed
        shared.retire()
        assert not client.is_closed
    assert client.is_closed
    unused = Closable(HttpSettings(), version="0")
    Shared(unused, Waits(Event())).retire()
    assert unused.is_closed
