"""An address as it may stand in a message or a record."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, urlencode

#: a shorter value would be found in words that mean nothing by it
_LEAST = 6
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SECRET = re.compile(
    r"(?i)([?&;](?:access_token|api_?key|auth|client_secret|key|pass(?:word)?|secret|sig(?:nature)?|token)=)[^&;#]*"
)


def shown(url: str) -> str:
    """An address for messages and records: user names, passwords and tokens in it are masked."""
    head, slashes, rest = url.partition("//")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if slashes and "@" in authority:
        rest = "***@" + rest[authority.rindex("@") + 1 :]
    return _SECRET.sub(r"\1***", _CONTROL.sub("?", head + slashes + rest))


def named(url: str) -> str:
    """An address to begin a message with: as ``shown``, and not longer than a person reads."""
    text = shown(url)
    return text if len(text) <= 300 else f"{text[:299]}…"


def with_key(url: str, key: tuple[str, str]) -> str:
    """``url`` as it goes to its host: with the name and the value of ``key`` in its query."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode([key])}"


def without_key(url: str, key: tuple[str, str]) -> str:
    """``url``, which a host named, without ``key`` in its query."""
    head, mark, query = url.partition("?")
    own = {f"{key[0]}={value}" for value in _spellings(key[1])}
    left = "&".join(piece for piece in query.split("&") if piece not in own)
    return f"{head}{mark}{left}" if left else head


def veiled(data: bytes, secrets: Iterable[str]) -> bytes:
    """``data`` with an asterisk for each byte of a secret in it, however it is spelt there."""
    for secret in secrets:
        for spelling in sorted(_spellings(secret), key=len, reverse=True):
            if (raw := spelling.encode()) in data:
                data = data.replace(raw, b"*" * len(raw))
    return data


def _spellings(secret: str) -> set[str]:
    secret = secret.strip()
    return {secret, quote(secret, safe=""), quote_plus(secret)} if len(secret) >= _LEAST else set()
