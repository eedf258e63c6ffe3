"""Names of the AT Protocol: handles, DIDs, the addresses of records and blobs, and where an account's own server is.

See https://atproto.com/specs/did, https://atproto.com/specs/handle and https://atproto.com/specs/at-uri-scheme.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote, urlencode, urlsplit

POSTS = "app.bsky.feed.post"

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HANDLE = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
_ACCOUNT_DID = re.compile(rf"did:plc:[a-z2-7]{{24}}|did:web:(?:{_LABEL}\.)*{_LABEL}(?:%3[Aa]\d{{1,5}})?")
_DID = re.compile(r"did:[a-z]{1,20}:[A-Za-z0-9._:%-]{1,250}")
_RECORD = re.compile(rf"at://({_DID.pattern})/([A-Za-z0-9.-]{{1,317}})/([A-Za-z0-9._:~-]{{1,512}})")
_TID_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
_TID = re.compile(rf"[2-7a-j][{_TID_LETTERS}]{{12}}")
_PROFILE = re.compile(r"/profile/([^/]+)(?:/(?:post/[^/]+|media|replies|video)?)?/?")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordName:
    """A record: whose it is, of which collection, and its key there. Nothing in it changes with the handle."""

    did: str
    collection: str
    rkey: str

    @property
    def native_id(self) -> str:
        """What names a post for good: ``did:plc:…/3k…``."""
        return f"{self.did}/{self.rkey}"


def record_name(uri: object) -> RecordName:
    """The record that an ``at://`` address names.

    Raises:
        ValueError: it is none, or one that goes by a handle, which may be another's tomorrow.
    """
    found = _RECORD.fullmatch(uri) if isinstance(uri, str) else None
    if found is None:
        raise ValueError(f"its address is {str(uri)[:80]!r} and no at://did/collection/key")
    return RecordName(did=found[1], collection=found[2], rkey=found[3])


def is_did(text: object) -> bool:
    """Whether ``text`` is a DID of any method."""
    return isinstance(text, str) and _DID.fullmatch(text) is not None


def key_made_at(rkey: str) -> datetime | None:
    """When a record's key was made, aware UTC, by the clock of who made it; None for a key that is no TID.

    It is no date of a post, which may have been written long before: it says where a list of records has it.
    https://atproto.com/specs/tid
    """
    if not _TID.fullmatch(rkey):
        return None
    number = 0
    for letter in rkey:
        number = number * 32 + _TID_LETTERS.index(letter)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number >> 10)


def account_in(profile_url: str, account: str | None) -> str:
    """The handle (lower-case) or the DID of the account that is meant.

    Args:
        profile_url: ``https://bsky.app/profile/someone.bsky.social``, or with a DID in it.
        account: a handle or a DID; counts before the address.

    Raises:
        ValueError: neither names an account.
    """
    found = _PROFILE.fullmatch(unquote(urlsplit(profile_url).path)) if account is None else None
    name = (found[1] if found else account or "").strip().removeprefix("@")
    if _ACCOUNT_DID.fullmatch(name):
        return name
    if len(name) <= 253 and _HANDLE.fullmatch(name.lower()):
        return name.lower()
    raise ValueError("expected url: https://bsky.app/profile/someone.bsky.social, or account: a handle or a DID")


def document_url(did: str, directory: str) -> str:
    """Where the DID's document is: in the directory of did:plc, or at the host of a did:web.

    Raises:
        ValueError: a DID that this protocol does not use.
    """
    if not _ACCOUNT_DID.fullmatch(did):
        raise ValueError(f"{did[:80]!r} is no DID of an account")
    if did.startswith("did:web:"):
        return f"https://{unquote(did.removeprefix('did:web:'))}/.well-known/did.json"
    return f"{directory.rstrip('/')}/{did}"


def server_in(document: dict[str, object], did: str) -> str:
    """The address of the account's own server (PDS) that its DID document names, without a slash at its end.

    Raises:
        ValueError: the document is another's, or names none.
    """
    if document.get("id") != did:
        raise ValueError(f"it is the document of {str(document.get('id'))[:80]!r}, not of {did}")
    services = document.get("service")
    for service in services if isinstance(services, list) else ():
        if isinstance(service, dict) and service.get("type") == "AtprotoPersonalDataServer":
            place = service.get("serviceEndpoint")
            if str(service.get("id")).endswith("#atproto_pds") and is_server(place):
                return str(place).rstrip("/")
    raise ValueError("it names no server of the account (AtprotoPersonalDataServer)")


def is_server(place: object) -> bool:
    """Whether ``place`` is a web address of a server: scheme, host and perhaps a port, nothing more."""
    return isinstance(place, str) and re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]{1,255}/?", place) is not None


def blob_url(server: str, did: str, cid: str) -> str:
    """Where the account's own server gives a blob as it was uploaded."""
    return f"{server}/xrpc/com.atproto.sync.getBlob?{urlencode({'did': did, 'cid': cid}, safe=':')}"


def profile_url(site: str, did: str) -> str:
    """The profile's page, by the DID: a handle may be another's tomorrow."""
    return f"{site}/profile/{quote(did, safe=':%')}"


def post_url(site: str, name: RecordName) -> str:
    """The post's page, by the DID."""
    return f"{profile_url(site, name.did)}/post/{quote(name.rkey, safe=':~')}"
