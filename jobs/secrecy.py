"""What must not be told: secrets of the environment, and what addresses carry, are masked in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, unquote

from scraper.masking import shown
from storage.settings import masked

#: a shorter value would be found in words that mean nothing by it
_LEAST = 6
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>]+")
_CREDENTIALS = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}")

_hidden: tuple[str, ...] = ()


def hide(values: Iterable[str]) -> None:
    """From now on none of ``values`` is told; called again (the configuration was read anew), they come to the others.

    As it stands, and as an address spells it. A value that holds addresses (apprise's have their tokens where others
    have host and path) is hidden address by address, and so is what stands in one before the ``@``.
    """
    global _hidden
    found = set(_hidden)
    for value in values:
        for word in value.split():
            _, scheme, rest = word.partition("://")
            secret, at, _ = rest.rpartition("@")
            found |= {word, unquote(word), quote(word, safe=""), quote_plus(word), rest if scheme else word}
            if at:
                found |= {part for whole in (secret, unquote(secret)) for part in (whole, whole.partition(":")[2])}
        found.add(value.strip())
    _hidden = tuple(sorted((value for value in found if len(value) >= _LEAST), key=len, reverse=True))


def discreet(text: str) -> str:
    """``text`` without secrets: the hidden values, passwords and tokens in addresses, what goes into Authorization."""
    for value in _hidden:
        text = text.replace(value, "***")
    text = _ADDRESS.sub(lambda found: shown(masked(found[0])), text)
    return _CREDENTIALS.sub(r"\1 ***", text)
