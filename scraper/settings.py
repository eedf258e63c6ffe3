"""Pydantic models of what may be configured in this room; reads no file."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|m|h)")
#: names that mean nothing else; `key` and `token` may be plain parts of a query
_KEYED = re.compile(r"(?i)[?&;](?:access_token|api_?key|client_secret|password)=[^&;#]")
_PER = {"s": 1.0, "m": 60.0, "h": 3600.0}


class Settings(BaseModel):
    """Base of all settings: frozen, and an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _web_address(value: str) -> str:
    if not re.match(r"https?://[^\s/]", value):
        raise ValueError("expected a web address that starts with http:// or https://")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]


def _without_secret(value: str) -> str:
    if "@" in urlsplit(value).netloc:
        raise ValueError("expected an address without user name and password; where a token is wanted, set token_env")
    if _KEYED.search(value):
        raise ValueError(
            "expected an address without a key in it, since addresses are archived; see token_env and key_env"
        )
    return value


SourceAddress = Annotated[WebAddress, AfterValidator(_without_secret)]


def interval_of(rate: str) -> float:
    """Seconds between two requests for a rate such as ``1/s``, ``30/m`` or ``none`` (0.0: no budget).

    Raises:
        ValueError: not a rate.
    """
    if rate == "none":
        return 0.0
    found = _RATE.fullmatch(rate.strip())
    if not found or float(found.group(1)) == 0:
        raise ValueError("expected requests per time such as 1/s, 30/m or 300/h, or none")
    return _PER[found.group(2)] / float(found.group(1))


def _rate(value: object) -> str:
    interval_of(str(value))
    return str(value)


class HttpSettings(Settings):
    """How the web is read: who we say we are, how often we ask, what we refuse."""

    contact: str | None = None  # goes into the User-Agent: a mail address or a web address
    rate: Annotated[str, BeforeValidator(_rate)] = "1/s"  # requests per host
    connections: Annotated[int, Field(ge=1, le=32)] = 4  # pictures at once, per host
    allow_hosts: tuple[str, ...] = ()  # private or loopback hosts that may be reached: host or host:port
    timeout: Annotated[float, Field(gt=0, le=600)] = 30.0  # seconds without a byte before an attempt is given up
    attempts: Annotated[int, Field(ge=1, le=20)] = 6  # tries of one request, the first included
    max_wait: Annotated[float, Field(ge=0, le=86400)] = 120.0  # longest Retry-After in seconds that a run sits out
    max_page_bytes: Annotated[int, Field(ge=1)] = 32 * 2**20  # one page or API answer, decompressed
    max_media_bytes: Annotated[int, Field(ge=1)] = 256 * 2**20  # one picture
    max_pixels: Annotated[int, Field(ge=1)] = 500_000_000  # one picture, width times height
    max_requests: Annotated[int, Field(ge=1)] = 20_000  # pages in one run of one source
    proxy: WebAddress | None = None  # used for every request; the environment's proxies are not


class MissionSettings(Settings):
    """A mission as configured: its name, people, days and hashtags."""

    name: str
    people: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None
    hashtags: tuple[str, ...] = ()


class VideoSettings(Settings):
    """That films are taken, and how large one may be."""

    max_bytes: Annotated[int, Field(ge=1)] = 256 * 2**20  # one film


class SourceOptions(Settings):
    """What every kind of source may be told; a kind adds its own."""

    url: Annotated[SourceAddress, Field(description="where it is")]
    token_env: Annotated[str | None, Field(description="the environment variable that holds a read token")] = None
    token: Annotated[str | None, Field(repr=False, exclude=True)] = None  # filled in from token_env, never in the file
    video: VideoSettings | None = None  # films are taken, up to a size; only their posters without it
    ignore_opt_outs: Annotated[str | None, Field(min_length=10, description="the written reason against one")] = None
