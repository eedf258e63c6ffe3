"""An address as it may stand in a message or a record."""

from __future__ import annotations

import re

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
