"""What an address leads to: every kind of source is asked what it knows of it and finds there."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from scraper.capture import Capture, Request
from scraper.closed import closed
from scraper.errors import FetchError, OptionsError, ScraperError
from scraper.finding import Finding, Rank
from scraper.source import Kinds, Source

#: requests made for one address at most, the page itself included
MOST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What was found, best first; ``closed`` says why nothing is to be had there and what to do instead.

    ``failures`` are of what was asked for and did not come.
    """

    findings: tuple[Finding, ...] = ()
    closed: str | None = None
    failures: tuple[FetchError, ...] = ()


def address(text: str) -> str:
    """What a person typed as an address: ``https://`` in front where nothing stands there."""
    text = text.strip()
    return text if re.match(r"[a-z][a-z0-9+.-]*:", text, re.IGNORECASE) and "://" in text else f"https://{text}"


def look(text: str, kinds: Iterable[str], kind_of: Kinds, fetch: Callable[[Request], Capture]) -> Discovery:
    """Look at what a person typed: an address, or the name of an account.

    The page itself is asked for unless a kind is certain without it, or the place is known to be closed.

    Args:
        text: as it was typed.
        kinds: the names of all kinds.
        kind_of: gives each by its name.
        fetch: answers a request or raises FetchError.
    """
    found: dict[tuple[str, str], Finding] = {}
    queue: deque[tuple[type[Source[Any]] | None, Request]] = deque()
    failures: list[FetchError] = []
    classes = [kind_of(name) for name in kinds]

    def note(cls: type[Source[Any]], given: Iterator[Finding | Request]) -> None:
        try:
            for item in given:
                if isinstance(item, Finding):
                    place = (item.kind, str(item.options.get("url") or sorted(item.options.items())))
                    found.pop(place, None)
                    found[place] = item
                else:
                    queue.append((cls, item))
        except (ScraperError, ValueError):
            return  # nothing of its own
        except Exception:  # noqa: BLE001 - one kind that fails must not hide what the others find
            return

    why = closed(text) or closed(address(text))
    for cls in classes:
        note(cls, cls.knows(text.strip()))
        if address(text) != text.strip():
            note(cls, cls.knows(address(text)))
    if why is None and not any(item.rank is Rank.CERTAIN for item in found.values()) and _is_web(address(text)):
        queue.appendleft((None, Request(url=address(text))))
    asked: set[str] = set()
    while queue and len(asked) < MOST and why is None:
        owner, request = queue.popleft()
        if request.url in asked and owner is not None:
            continue
        asked.add(request.url)
        try:
            capture = fetch(request)
        except FetchError as error:
            failures += [error] if owner is None else []
            continue
        for cls in classes if owner is None else [owner]:
            note(cls, cls.finds(capture))
    least = Rank.CLOSED if why is None else Rank.BESIDE  # of a closed place a form alone says nothing
    good = [item for item in found.values() if item.rank >= least and _is_valid(item, kind_of)]
    good.sort(key=lambda item: -item.rank)
    return Discovery(findings=tuple(good), closed=why, failures=tuple(failures))


def _is_valid(item: Finding, kind_of: Kinds) -> bool:
    """Whether a stanza of these options would be taken."""
    try:
        cls = kind_of(item.kind)
        cls.made("found", cls.options_type.model_validate(dict(item.options)), kind_of)
    except (ValidationError, LookupError, OptionsError):
        return False
    return True


def _is_web(url: str) -> bool:
    return re.match(r"https?://[^\s/@]+(?:[/?#]|$)", url) is not None
