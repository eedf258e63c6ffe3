"""What the status and the headers of an answer mean for who asked; pure, and blind to bodies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from scraper.address import Target, target_of
from scraper.capture import Access, Request
from scraper.errors import Blocked, FetchError, Gone, Refused
from scraper.masking import shown
from scraper.throttle import LONGEST_PAUSE

REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: answers that another try may change
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})

#: seconds for which an answer is believed to be fresh, at most
_LONGEST_FRESH = 366 * 86_400.0

_LOGIN_PATH = re.compile(
    r"(?i)/(?:log[_-]?in|sign[_-]?in|wp-login|oauth2?|sso|saml2?|authorize|authenticate|session/new)(?:\.\w+)?(?=/|$)"
)
_LOGIN_HOST = re.compile(r"(?:login|signin|sso|idp|accounts)\.")
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,9})?")


def redirect_target(target: Target, location: str | None, *, name: str) -> Target:
    """Where an answer sends us on.

    Args:
        target: who answered.
        location: the header ``Location`` as HTTP gives it (UTF-8 bytes read as Latin-1).
        name: how to call what was asked for in a message.

    Raises:
        FetchError: no place is named.
        Blocked: the place is no web address.
        Refused: it is a login page, or leaves https for http.
    """
    if not location:
        raise FetchError(f"{name}: answered with a redirect that does not say where to", url=name, retriable=False)
    with suppress(UnicodeError):  # then it was meant as it stands
        location = location.encode("latin-1").decode("utf-8")
    try:
        following = target_of(urljoin(target.url, location.strip()))
    except ValueError as error:
        message = f"{name}: answered with a redirect to {shown(location)[:200]!r}, which is no address ({error})"
        raise FetchError(message, url=name, retriable=False) from error
    except Blocked as blocked:
        raise Blocked(f"{name}: was sent on, but not followed: {blocked}", url=name, address="") from blocked
    if target.scheme == "https" and following.scheme == "http":
        raise Refused(
            f"{name}: was sent on from https to unprotected {shown(following.url)}; if that is right, "
            "write this address into the configuration",
            url=name,
        )
    if _is_login(following) and not _is_login(target):
        raise Refused(
            f"{name}: asks for a login (was sent on to {shown(following.url)}), and Cupola never logs in; "
            "where the site gives out read tokens, set token_env",
            url=name,
        )
    return following


def played_back(status: int, headers: Mapping[str, str], *, name: str) -> FetchError | None:
    """The error where an archive plays back an error of the site that it captured; None for an answer of its own.

    The two look alike but for ``Memento-Datetime`` (RFC 7089): of a 429 that was captured, nobody wants a pause now.
    """
    captured_at = headers.get("memento-datetime")
    if captured_at is None or status < 400:
        return None
    message = f"{name}: is the capture of an error: its site answered {status} on {captured_at[:40]}"
    if status in (404, 410):
        return Gone(message, url=name, status=status)
    return FetchError(message, url=name, retriable=False, status=status)


def error_for(request: Request, status: int, *, name: str, said: str = "") -> FetchError:
    """The error that an answer with this status is; ``said`` are its own words, where it has some."""
    if status in (401, 403, 407):
        asks, words = _what_a_refusal_asks_for(request, status), f"; it says: {said}" if said else ""
        return Refused(f"{name}: answered {status}: {asks}{words}", url=name, status=status)
    if status in (404, 410):
        return Gone(f"{name}: answered {status}: it is not there (any more)", url=name, status=status)
    if status == 451:
        message = f"{name}: answered 451: it is withheld for legal reasons where this machine stands"
        return Refused(message, url=name, status=status)
    if status in PASSING or status >= 500:
        message = f"{name}: answered {status}: the server has a fault or is busy; ask again later"
        return FetchError(message, url=name, retriable=True, status=status)
    if status == 304:
        message = f"{name}: answered 304 (not changed) though nothing was said to be held; ask again later"
        return FetchError(message, url=name, retriable=True, status=status)
    message = f"{name}: answered {status} where 200 was expected; check the address"
    return FetchError(message, url=name, retriable=False, status=status)


def pause_asked(status: int, headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until the host wants to be asked again, 0 to a day: Retry-After, for a 429 else its limit's reset.

    None when it says nothing that can be read. Header names are lower-case, ``now`` is aware.
    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    said = headers.get("retry-after", "").strip()
    if _NUMBER.fullmatch(said):
        return _clamped(float(said))
    if said and (moment := moment_of(said)) is not None:
        return _clamped((moment - now).total_seconds())
    return _until_reset(headers, now) if status == 429 else None


def budget_spent(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until the host's rate limit starts afresh, when its headers say that nothing is left of it.

    The reset is a time (Mastodon), seconds since 1970 (Bluesky, X) or seconds from now (IETF draft).
    https://docs.joinmastodon.org/api/rate-limits/
    """
    left = headers.get("x-ratelimit-remaining") or headers.get("ratelimit-remaining")
    if left is None or not _NUMBER.fullmatch(left.strip()) or float(left) > 0:
        return None
    return _until_reset(headers, now)


def fresh_until(headers: Mapping[str, str], fetched_at: datetime) -> datetime | None:
    """Until when an answer has nothing newer behind it, by its own word; None when it does not say.

    See https://www.rfc-editor.org/rfc/rfc9111#name-calculating-freshness-lifet; ``s-maxage`` is for caches that many
    share, which we are none of.

    Args:
        headers: by their lower-case names.
        fetched_at: when it came, aware.
    """
    said = headers.get("cache-control", "")
    if re.search(r"(?i)\bno-(?:cache|store)\b", said):
        return None
    if lasts := re.search(r"(?i)(?<![\w-])max-age\s*=\s*\"?(\d{1,9})", said):
        age = headers.get("age", "").strip()
        seconds = float(lasts.group(1)) - (float(age) if re.fullmatch(r"[0-9]{1,9}", age) else 0.0)
    else:
        expires, date = moment_of(headers.get("expires", "")), moment_of(headers.get("date", ""))
        if expires is None:
            return None
        # by the host's own clock, which may not be ours
        seconds = (expires - (date or fetched_at)).total_seconds()
    return fetched_at + timedelta(seconds=min(seconds, _LONGEST_FRESH)) if seconds > 0 else None


def _until_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    said = (headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset") or "").strip()
    if _NUMBER.fullmatch(said):
        number = float(said)
        if number > 1e11:  # milliseconds
            number /= 1000
        return _clamped(number - now.timestamp() if number > 1e9 else number)
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return _clamped(((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds())


def moment_of(text: str) -> datetime | None:
    """The time that an HTTP date names, aware; None when it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _clamped(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_PAUSE)


def _is_login(target: Target) -> bool:
    return bool(_LOGIN_PATH.search(target.path) or _LOGIN_HOST.match(target.host))


def _what_a_refusal_asks_for(request: Request, status: int) -> str:
    if status == 407:
        return "the proxy wants a user name and password; write them into http.proxy"
    if request.token is not None:
        return "the read token was not accepted; check the variable that token_env names, and what the token may read"
    if request.key is not None:
        return "the key was not accepted; check the variable that key_env names"
    if (request.accept or "").startswith("image/"):
        return "the host does not let us have this picture; no read token goes with pictures, so none would help"
    if request.access is Access.API:
        return "this server needs a read token: set token_env to the name of an environment variable that holds one"
    return "the site does not let us read this"
