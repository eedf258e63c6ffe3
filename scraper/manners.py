"""How anything is asked for: whom, when, how often again and how far along redirects; blind to what carries it.

The carrier (``scraper.client``) opens one connection and hands over one answer. Everything that makes the
asking polite, and an answer trusted, is decided here, the same for pages, API answers and pictures.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from scraper.address import Door, Shut, Target, target_of
from scraper.answers import (
    PASSING,
    REDIRECTS,
    budget_spent,
    error_for,
    pause_asked,
    played_back,
    redirect_target,
)
from scraper.capture import Access, Request
from scraper.delivery import Answer, Broken, Delivery, Sink, Streamed, words_of
from scraper.errors import Blocked, FetchError, RateLimited, Refused
from scraper.limits import limit_of
from scraper.masking import shown, with_key, without_key
from scraper.robots import Robots
from scraper.settings import HttpSettings, interval_of
from scraper.throttle import Throttle
from scraper.wire import NotAsEncoded

MOST_REDIRECTS = 10
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.5, 60.0  # seconds
_NOBODY = re.compile(r"(?i)[@/.](?:example\.(?:org|com|net)|[\w-]+\.(?:example|invalid))(?![\w.-])")


Carrier = Callable[[Target, Mapping[str, str]], Answer]


class _Passing(Exception):
    """A fault that another try may mend; ``error`` is raised if none does."""

    def __init__(self, error: FetchError, *, host: str, pause: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.host = host
        self.pause = pause


def usable_contact(contact: str | None) -> str | None:
    """The contact as it goes into the User-Agent; None when it would lead to nobody."""
    text = (contact or "").strip()
    if not re.search(r"[@.]", text) or not (text.isascii() and text.isprintable()) or _NOBODY.search(f"@{text}"):
        return None
    return text


class Manners:
    """Asks by the rules that the settings set.

    Args:
        settings: tries, waits, caps.
        agent: the User-Agent.
        door: judges names where a proxy connects in our place.
        pages: carries requests for robots.txt.
        now: the time, aware UTC.
        clock: seconds that only go forward.
        sleep: waits; what it raises is passed on.
        on_wait: told host, seconds and reason before each wait.
        random: a number in [0, 1).
        throttle: of those who asked before, which goes on with its own clock and sleep; a new one when not given.
    """

    def __init__(
        self,
        settings: HttpSettings,
        *,
        agent: str,
        door: Door,
        pages: Carrier,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        on_wait: Callable[[str, float, str], None] | None,
        random: Callable[[], float],
        throttle: Throttle | None = None,
    ) -> None:
        self._settings = settings
        self._agent = agent
        self._door = door
        self._now = now
        self._random = random
        interval = interval_of(settings.rate)
        self._budgeted = interval > 0
        self.throttle = throttle or Throttle(interval, clock, sleep, on_wait)
        self.throttle.reset(interval)
        # without a cap: the head of the file is taken, however long it says that it is
        self._robots = Robots(
            lambda url, head: self.ask(Request(url=url, access=Access.API), pages, head, sys.maxsize), clock
        )

    def ask(self, request: Request, carry: Carrier, sink: Sink, limit: int, *, resumes: bool = False) -> Streamed:
        """Ask until there is an answer or the tries are used up; its body, of ``limit`` bytes at most, into ``sink``.

        With ``resumes`` a body that broke off is taken up where it did, if its host can do that.

        Raises:
            FetchError: there is no usable answer; its class says why.
        """
        name = shown(request.url)
        # where a 304 may be the answer, the sink may hold another version than the one it confirms
        resumes = resumes and not (request.etag or request.last_modified)
        delivery = Delivery(sink, limit, name, resumes=resumes)
        attempt = 1
        while True:
            try:
                return self._follow(request, carry, delivery, name)
            except _Passing as fault:
                backoff = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** (attempt - 1)) * (0.5 + self._random() / 2)
                pause = fault.pause
                if pause is None and fault.error.status == 429:
                    pause = max(1.0, 2 * backoff)
                if pause is not None and self._budgeted:
                    self.throttle.pause(fault.host, pause)
                if attempt >= self._settings.attempts:
                    raise fault.error from fault.__cause__
                if pause is None:
                    self.throttle.rest(fault.host, backoff, f"try {attempt} failed: {fault.error}")
                elif not self._budgeted:  # no queue to hold back: who was told to wait does
                    self.throttle.rest(fault.host, pause, "the host asked for a pause")
            attempt += 1

    def _follow(self, request: Request, carry: Carrier, delivery: Delivery, name: str) -> Streamed:
        """One try: from the address asked for along its redirects; every hop is judged like the first."""
        target = target_of(request.url)
        headers = self._headers(request, target, name)
        key = request.key
        for _ in range(MOST_REDIRECTS + 1):
            self._admit(target, request.access, name)
            rest = delivery.asking(target.url)
            try:
                keyed = target if key is None else replace(target, url=with_key(target.url, key))
                answer = carry(keyed, headers | rest)
            except Shut as shut:
                raise self._shut_out(shut, target, name) from None
            except Broken as broken:
                raise self._fault(broken, target, name) from broken
            try:
                if rest and answer.status in (206, 416) and not delivery.is_continued_by(answer):
                    continue  # not the rest of what we have: the same again, from the start
                moved = self._judge(request, target, answer, name, of_rest=bool(rest))
                if moved is None:
                    return self._take(target, answer, delivery, name)
            finally:
                answer.let_go()
            if request.key is not None:  # a host may name it again in what it answers
                moved = replace(moved, url=without_key(moved.url, request.key))
            if moved.origin != target.origin:
                headers.pop("Authorization", None)  # and it stays out, also on the way back
                key = None
            target = moved
        message = f"{name}: was sent on over {MOST_REDIRECTS} times, last to {shown(target.url)}; check the address"
        raise FetchError(message, url=name, retriable=False)

    def _headers(self, request: Request, target: Target, name: str) -> dict[str, str]:
        headers = {"User-Agent": self._agent, "Accept": request.accept or "*/*"}
        if request.token is not None:
            token = request.token.strip()
            if not (token and token.isascii() and token.isprintable()):
                message = f"{name}: the read token is empty or holds characters that cannot be sent; check token_env"
                raise Refused(message, url=name)
            if target.scheme == "http" and not self._door.allows(target.host, target.port):
                raise Refused(f"{name}: a read token is not sent unprotected; write https:// in the address", url=name)
            headers["Authorization"] = f"Bearer {token}"
        if request.key is not None and target.scheme == "http" and not self._door.allows(target.host, target.port):
            raise Refused(f"{name}: a key is not sent unprotected; write https:// in the address", url=name)
        held = {"If-None-Match": request.etag, "If-Modified-Since": request.last_modified}
        return headers | {header: value for header, value in held.items() if value and value.isascii()}

    def _admit(self, target: Target, access: Access, name: str) -> None:
        """Return when ``target`` may be asked."""
        if self._settings.proxy is not None:
            try:
                self._door.check_name(target.host, target.port)
            except Shut as shut:
                raise self._shut_out(shut, target, name) from None
        limit = limit_of(target)
        if limit is None:
            if access is Access.PAGE and (delay := self._robots.check(target, name=name)):
                self.throttle.widen(target.budget, delay)
        else:
            self.throttle.widen(limit.budget, limit.interval)
            self.throttle.wait(limit.budget, url=name, at_most=self._settings.max_wait)
        self.throttle.wait(target.budget, url=name, at_most=self._settings.max_wait)

    def _judge(self, request: Request, target: Target, answer: Answer, name: str, *, of_rest: bool) -> Target | None:
        """Where the answer sends us on, or None when it is one to take; raises the error that it is."""
        status = answer.status
        conditional = request.etag or request.last_modified
        if status == 200 or (status == 206 and of_rest) or (status == 304 and conditional):
            if (spent := budget_spent(answer.headers, self._now())) is not None:
                self.throttle.pause(target.budget, spent)
            return None
        if status in REDIRECTS:
            return redirect_target(target, answer.headers.get("location"), name=name)
        if (played := played_back(status, answer.headers, name=name)) is not None:
            raise played
        error = error_for(request, status, name=name, said=words_of(answer) if status == 403 else "")
        if status not in PASSING:
            raise error
        pause = pause_asked(status, answer.headers, self._now())
        if pause is None and status == 429 and (limit := limit_of(target)) is not None:
            pause = limit.pause
        too_long = pause is not None and pause > self._settings.max_wait
        if status == 429 or too_long:
            named = "names no pause" if pause is None else f"asks for a pause of {pause:.0f} s"
            message = f"{name}: answered {status}: the host {named}; run again later, or lower http.rate"
            error = RateLimited(message, url=name, retry_after=pause or 0.0, status=status)
        if pause is not None and too_long:
            self.throttle.pause(target.budget, pause)
            raise error
        raise _Passing(error, host=target.budget, pause=pause)

    def _take(self, target: Target, answer: Answer, delivery: Delivery, name: str) -> Streamed:
        """Read the body into its sink."""
        try:
            return delivery.take(target.url, answer, self._now())
        except Broken as broken:
            raise self._fault(broken, target, name) from broken
        except NotAsEncoded as error:
            message = f"{name}: the body is not as packed as it claims to be ({error})"
            raise _Passing(FetchError(message, url=name, retriable=True), host=target.budget) from error

    def _fault(self, broken: Broken, target: Target, name: str) -> Exception:
        via = "" if target.url == name else f" (at {shown(target.url)})"
        error = FetchError(f"{name}: {broken}{via}", url=name, retriable=broken.retriable)
        limit = limit_of(target)
        if broken.refused and limit is not None:
            # whoever knocks again now is shut out for longer
            self.throttle.pause(target.budget, limit.shut)
            message = f"{name}: {target.host} refuses connections, as it does for minutes when asked too often"
            return RateLimited(f"{message}; run again later", url=name, retry_after=limit.shut)
        return _Passing(error, host=target.budget) if broken.passing else error

    def _shut_out(self, shut: Shut, target: Target, name: str) -> FetchError:
        if shut.anonymous:
            message = (
                f"{name}: not asked for, because nobody would know who is asking: set http.contact in config.yaml "
                "to your mail or web address (not one at example.org)"
            )
            return Refused(message, url=name)
        message = (
            f"{name}: {target.host} leads to {shut.address}, which is not an address of the public internet; "
            "if that host is meant to be reached, name it in http.allow_hosts"
        )
        return Blocked(message, url=name, address=shut.address)
