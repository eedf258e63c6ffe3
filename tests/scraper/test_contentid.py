"""CIDs as hashes, and the addresses that promise one."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.contentid import cid_of, promised_sha256, sha256_of

#: of the bytes «hello», as https://atproto.com/specs/blob makes them
HELLO = "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"


def test_a_cid_is_the_hash_of_its_bytes() -> None:
    """The CID of known bytes, as other programs write it, gives their SHA-256."""
    assert sha256_of(HELLO) == hashlib.sha256(b"hello").hexdigest()


@given(st.binary(min_size=32, max_size=32))
def test_a_hash_becomes_a_cid_and_back(digest: bytes) -> None:
    """There and back it is the same hash, and the CID has the form that names raw bytes."""
    cid = cid_of(digest)
    assert cid.startswith("bafkrei")
    assert sha256_of(cid) == digest.hex()


@pytest.mark.parametrize(
    "cid",
    [
        "",
        HELLO[:-1],
        HELLO + "a",
        HELLO.upper(),
        HELLO[:-1] + "r",  # other bits behind the last byte: not how the CID of anything is written
        "bafyrei" + HELLO[7:],  # of a record, in another encoding
        "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn",  # version 0
        "bafkrei" + "1" * 52,
        "é" * 59,
    ],
)
def test_what_is_no_such_cid_promises_nothing(cid: str) -> None:
    """A CID of another version, codec or hash, or none at all, is no promise and no error."""
    assert sha256_of(cid) is None


@pytest.mark.parametrize(
    ("url", "is_promise"),
    [
        (f"https://pds.example/xrpc/com.atproto.sync.getBlob?did=did:plc:x&cid={HELLO}", True),
        (f"https://pds.example/xrpc/com.atproto.sync.getBlob?cid={HELLO}", True),
        (f"https://pds.example/xrpc/com.atproto.sync.getBlob?cid={HELLO}&cid={HELLO}", False),
        ("https://pds.example/xrpc/com.atproto.sync.getBlob?did=did:plc:x", False),
        (f"https://cdn.example/img/feed_fullsize/plain/did:plc:x/{HELLO}@jpeg", False),
        (f"https://pds.example/xrpc/com.atproto.sync.getBlob/more?cid={HELLO}", False),
        (f"https://x.example/?next=/xrpc/com.atproto.sync.getBlob&cid={HELLO}", False),
    ],
)
def test_only_the_address_of_a_blob_promises_its_bytes(url: str, is_promise: bool) -> None:
    """What an AppView's CDN gives is made anew, though the CID stands in its address too."""
    assert (promised_sha256(url) is not None) is is_promise
