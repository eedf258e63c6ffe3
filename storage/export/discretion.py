"""What an export for others does not say of addresses and headers: user names, passwords, tokens, cookies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scraper.masking import shown

# addresses are gone through by the million, and nearly none has anything to mask: this is a tenth of the time
_SUSPECT = re.compile(r"//[^/?#\\]*@|[?&;]\w+=")
_ADDRESS = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
#: headers that are about who asked (RFC 6265, RFC 9110 section 11)
_PERSONAL = frozenset({"set-cookie", "set-cookie2", "cookie", "authorization", "proxy-authorization"})
#: under these names an ``archive`` of ``storage.transfer`` has addresses, or what may be one
_ADDRESSES = frozenset({"url", "author_url", "requested_url", "fetched_url", "alternatives", "key", "medium"})


#: how the names end, in small letters, whose values are masked in an address
_NAMES = (b"token", b"key", b"auth", b"secret", b"pass", b"password", b"sig", b"signature")
_USER = re.compile(rb"//[^/?#\\]*@")


def discreet(url: str) -> str:
    """An address as it may leave: user name, password and tokens masked; the same where there are none."""
    return shown(url) if _SUSPECT.search(url) else url


def discreet_headers(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Headers as they may leave: none that is about who asked, the addresses in others masked; the same otherwise."""
    for name, value in headers:
        if name.lower() not in _PERSONAL:
            yield name, _ADDRESS.sub(lambda found: discreet(found[0]), value) if "://" in value else value


def is_suspect(line: bytes) -> bool:
    """Whether a record, written as JSON, may have something to mask; a fraction of the time that it takes to look."""
    small = line.lower()
    at = small.find(b"=")
    while at >= 0:
        if small.endswith(_NAMES, 0, at):
            return True
        at = small.find(b"=", at + 1)
    return b"cookie" in small or b"authorization" in small or _USER.search(line) is not None


def discreet_archive(value: Any) -> Any:
    """What an archive holds of a post beside its public record, as it may leave."""
    if isinstance(value, Mapping):
        return {name: _named(name, item) for name, item in value.items()}
    return [discreet_archive(item) for item in value] if isinstance(value, list | tuple) else value


def _named(name: str, value: Any) -> Any:
    if name == "headers":
        return list(discreet_headers(value))
    return _masked(value) if name in _ADDRESSES else discreet_archive(value)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return discreet(value)
    return [_masked(item) for item in value] if isinstance(value, list | tuple) else value
