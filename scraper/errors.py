"""Everything that can go wrong outside, and the evidence each error carries.

ScraperError                     one base for the room
 +-- FetchError                  no usable answer; ``url``, ``retriable``
 |    +-- RateLimited            asked to wait longer than a run waits; ``retry_after`` seconds
 |    +-- Refused                401/403, a login page, robots.txt: not ours to read; ``status``
 |    +-- Gone                   404/410: no longer there; ``status``
 |    +-- TooLarge               more bytes than the cap, declared or real; ``limit``
 |    +-- Blocked                the address is not one that may be connected to; ``address``
 +-- ParseError                  an answer that was not understood; ``url``, ``sha256`` of the evidence
 +-- MediaError                  bytes that are not the picture they should be; ``url``, ``reason``
 |    +-- OtherBytes             a picture, and another one than its address promises by a hash
 +-- OptionsError                options that contradict each other; ``key`` of the option at fault

Please add a line here with every new error.
"""

from typing import Any


class ScraperError(Exception):
    """Base of the scraper's errors; the message is one sentence for a person."""


class FetchError(ScraperError):
    """No usable answer came back for ``url``; ``retriable`` says whether to ask again later."""

    def __init__(self, message: str, *, url: str, retriable: bool, status: int | None = None) -> None:
        super().__init__(message)
        self.url = url
        self.retriable = retriable
        #: the HTTP status, where there was one
        self.status = status


class RateLimited(FetchError):
    """The host asked for a longer pause than a run waits; ``retry_after`` is in seconds."""

    def __init__(self, message: str, *, url: str, retry_after: float, status: int | None = None) -> None:
        super().__init__(message, url=url, retriable=True, status=status)
        self.retry_after = retry_after


class Refused(FetchError):
    """The host (401, 403, a login page) or its robots.txt does not let us read this."""

    #: whether it is robots.txt that does not
    by_robots = False

    def __init__(self, message: str, *, url: str, status: int | None = None, retriable: bool = False) -> None:
        super().__init__(message, url=url, retriable=retriable, status=status)


class Gone(FetchError):
    """404 or 410: it is not there (any more)."""

    def __init__(self, message: str, *, url: str, status: int | None = None) -> None:
        super().__init__(message, url=url, retriable=False, status=status)


class TooLarge(FetchError):
    """The answer is over the cap of ``limit`` bytes, by its own word or in fact."""

    def __init__(self, message: str, *, url: str, limit: int) -> None:
        super().__init__(message, url=url, retriable=False)
        self.limit = limit


class Blocked(FetchError):
    """The name leads to ``address``, which may not be connected to (private, loopback, reserved)."""

    def __init__(self, message: str, *, url: str, address: str) -> None:
        super().__init__(message, url=url, retriable=False)
        self.address = address


class ParseError(ScraperError):
    """An answer that its source does not understand; the capture with ``sha256`` is the evidence."""

    def __init__(self, message: str, *, url: str, sha256: str) -> None:
        super().__init__(message)
        self.url = url
        self.sha256 = sha256


class MediaError(ScraperError):
    """Bytes that are not the picture they should be; ``retriable`` as for a fetch."""

    def __init__(self, message: str, *, url: str, retriable: bool) -> None:
        super().__init__(message)
        self.url = url
        self.retriable = retriable


class OtherBytes(MediaError):
    """A picture with another hash than the one that its address is made of."""


class OptionsError(ScraperError):
    """Options that do not go together, which none of them shows alone; ``key`` leads to the one at fault.

    Where the options for another kind (``model``) are at fault, the cause is pydantic's ValidationError.
    """

    def __init__(self, message: str, *, key: tuple[str, ...], model: Any = None) -> None:
        super().__init__(message)
        self.key = key
        self.model = model
