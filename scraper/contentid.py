"""Addresses that promise what they lead to: a blob of the AT Protocol is named by the hash of its bytes.

A CID here is of version 1, of raw bytes, by SHA-256, in lower-case base32: ``bafkrei…``. See
https://atproto.com/specs/blob and https://github.com/multiformats/cid.
"""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

_GET_BLOB = "/xrpc/com.atproto.sync.getBlob"
#: version 1, raw bytes, SHA-256, 32 bytes of it
_HEAD = bytes((0x01, 0x55, 0x12, 0x20))
_LENGTH = 59  # of the text, with the «b» for base32


def sha256_of(cid: str) -> str | None:
    """The SHA-256 (lower-case hex) that ``cid`` is made of; None for a CID of another make, or none at all."""
    if len(cid) != _LENGTH or not cid.startswith("bafkrei"):
        return None
    try:
        decoded = base64.b32decode(cid[1:].upper() + "======")
    except ValueError:
        return None
    return decoded[len(_HEAD) :].hex() if decoded.startswith(_HEAD) and cid_of(decoded[len(_HEAD) :]) == cid else None


def cid_of(digest: bytes) -> str:
    """The CID of raw bytes with this SHA-256."""
    return "b" + base64.b32encode(_HEAD + digest).decode("ascii").rstrip("=").lower()


def promised_sha256(url: str) -> str | None:
    """The SHA-256 (lower-case hex) of what ``url`` leads to, where the address itself says it; else None."""
    if _GET_BLOB not in url:
        return None
    parts = urlsplit(url)
    named = parse_qs(parts.query).get("cid", [])
    return sha256_of(named[0]) if parts.path.endswith(_GET_BLOB) and len(named) == 1 else None
