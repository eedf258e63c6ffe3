"""Which addresses may be connected to: web addresses read strictly, then judged again on the address actually used.

A name is looked up once; every address that came back is judged, and the socket is opened to one of those
very addresses, so that a name server cannot answer differently the second time (DNS rebinding).
What counts as public: https://www.iana.org/assignments/iana-ipv4-special-registry and
https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import quote, urlsplit

from scraper.errors import Blocked
from scraper.masking import shown

DEFAULT_PORTS = {"http": 80, "https": 443}

_CLOSED_V4 = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/3",
    )
)  # fmt: skip
_OPEN_V6 = ip_network("2000::/3")
# protocol assignments with Teredo, documentation (two), 6to4
_CLOSED_V6 = tuple(ip_network(block) for block in ("2001::/23", "2001:db8::/32", "3fff::/20", "2002::/16"))
_NAT64 = ip_network("64:ff9b::/96")

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SAFE = "!$%&'()*+,/:;=@~[]|"


@dataclass(frozen=True, slots=True)
class Target:
    """A web address read strictly: ``url`` is what goes over the wire, without fragment and default port."""

    url: str
    scheme: str
    host: str  # a lower-case name in ASCII, or a literal address without brackets
    port: int
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port (unless it is the scheme's own): what robots.txt and credentials are bound to."""
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{_in_url(self.host)}{port}"

    @property
    def budget(self) -> str:
        """The name of the rate budget: the host, whichever of the two usual ports is asked."""
        return self.host if self.port in DEFAULT_PORTS.values() else f"{_in_url(self.host)}:{self.port}"


def target_of(url: str) -> Target:
    """Read a web address.

    Spaces and letters outside ASCII are percent-encoded, dot segments are resolved and the host is
    lower-cased, so that every part of the client sees the same address.

    Raises:
        Blocked: another scheme than http(s), a user name, a backslash or a control character where
            programs differ in what they read, or no valid host.
    """
    if _CONTROL.search(url):
        raise _unreadable(url, "holds a control character")
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
        path = quote(_LONE_PERCENT.sub("%25", parts.path), safe=_SAFE) or "/"
        query = quote(_LONE_PERCENT.sub("%25", parts.query), safe=_SAFE + "?")
    except ValueError as error:  # also what is not Unicode text, a port that is no number, half an IPv6 address
        raise _unreadable(url, f"cannot be read ({error})") from error
    if parts.scheme not in DEFAULT_PORTS:
        raise _unreadable(url, f"is {parts.scheme or 'relative'}:, and only http: and https: are read")
    if "@" in parts.netloc or "\\" in parts.netloc:
        raise _unreadable(url, "holds a user name or a backslash before the path; write the plain address")
    host = host.rstrip(".")
    if not (_HOST_NAME.fullmatch(host) or (":" in host and _is_v6(host))) or port == 0:
        raise _unreadable(url, f"names no valid host ({host[:80]!r})")
    port = port or DEFAULT_PORTS[parts.scheme]
    path = _without_dots(path)
    place = Target(url="", scheme=parts.scheme, host=host, port=port, path=path)
    return replace(place, url=f"{place.origin}{path}{'?' + query if query else ''}")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether this is an address of the public internet; addresses wrapped in others are judged unwrapped."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(IPv4Address(address.packed[-4:]))
        return address in _OPEN_V6 and not any(address in block for block in _CLOSED_V6)
    return not any(address in block for block in _CLOSED_V4)


class Shut(Exception):
    """The door stays shut to ``address``: it is not public, or (``anonymous``) we have not said who we are."""

    def __init__(self, address: str, *, anonymous: bool = False) -> None:
        super().__init__(address)
        self.address = address
        self.anonymous = anonymous


class Door:
    """Opens sockets to public addresses, and to the hosts that the configuration names.

    Args:
        allow_hosts: private hosts that may be reached, each ``host`` or ``host:port``, matched as written.
        anonymous: no usable contact is configured: only loopback may be reached.
    """

    def __init__(self, allow_hosts: Iterable[str], *, anonymous: bool = False) -> None:
        self._allowed = frozenset(name.strip().lower() for name in allow_hosts)
        self._anonymous = anonymous

    def allows(self, host: str, port: int) -> bool:
        """Whether the configuration names this host (and port)."""
        bracketed = _in_url(host)
        return not self._allowed.isdisjoint({host, bracketed, f"{bracketed}:{port}"})

    def check_name(self, host: str, port: int) -> None:
        """Judge a name without looking it up: for requests that a proxy makes in our place.

        Raises:
            Shut: it is a private address in any notation, or a name of this machine.
        """
        address = _literal(host)
        local = host == "localhost" or host.endswith(".localhost") or (address is not None and _is_loopback(address))
        if not self.allows(host, port) and (local or (address is not None and not is_public(address))):
            raise Shut(str(address or host))
        if self._anonymous and not local:
            raise Shut(host, anonymous=True)

    def connect(
        self, host: str, port: int, *, timeout: float, options: Sequence[tuple[int, int, int | bytes]] = ()
    ) -> socket.socket:
        """A connected socket.

        Args:
            host: a name or a literal address.
            port: the TCP port.
            timeout: seconds for all the host's addresses together; also the timeout of the socket.
            options: arguments for ``setsockopt``.

        Raises:
            Shut: no address of the host may be connected to.
            OSError: the name does not resolve, or nobody answers.
        """
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            if self._anonymous:  # the first thing to do is to say who is asking, whatever the name may be
                raise Shut(host, anonymous=True) from None
            raise
        usable = [entry for entry in found if self.allows(host, port) or is_public(_address(entry[4][0]))]
        if not usable:
            raise Shut(str(found[0][4][0]))
        if self._anonymous and not (usable := [e for e in usable if _is_loopback(_address(e[4][0]))]):
            raise Shut(str(found[0][4][0]), anonymous=True)
        deadline = time.monotonic() + timeout
        failure: OSError = OSError("no address")
        for index, (family, kind, protocol, _, place) in enumerate(usable):
            opened = socket.socket(family, kind, protocol)
            try:
                for option in options:
                    opened.setsockopt(*option)
                opened.settimeout(max(0.01, (deadline - time.monotonic()) / (len(usable) - index)))
                opened.connect(place)
                opened.settimeout(timeout)
            except OSError as error:
                opened.close()
                failure = error
            except BaseException:
                opened.close()
                raise
            else:
                return opened
        raise failure


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that ``host`` is, in any notation that a resolver takes (``0x7f.1``, ``2130706433``)."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _address(text: str | int) -> IPv4Address | IPv6Address:
    return ip_address(str(text).partition("%")[0])


def _is_loopback(address: IPv4Address | IPv6Address) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _is_v6(host: str) -> bool:
    try:
        return "%" not in host and IPv6Address(host) is not None
    except ValueError:
        return False


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _without_dots(path: str) -> str:
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if segments[-1] in (".", "..") and kept else "")


def _unreadable(url: str, why: str) -> Blocked:
    return Blocked(f"{shown(url)[:300]}: the address {why}", url=shown(url), address="")
