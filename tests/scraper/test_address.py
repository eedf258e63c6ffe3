"""Which addresses may be connected to."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest

from scraper.address import Door, Shut, is_public, target_of
from scraper.errors import Blocked
from scraper.masking import shown


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.1.2.3", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1",
        "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.88.99.1", "::", "::1",
        "fe80::1", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "100::1",
        "3fff::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_of_the_public_internet_is_known_as_such(address: str) -> None:
    """Private, loopback, link-local, shared, multicast, reserved, and each of them wrapped in IPv6."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2606:4700::1111", "2a00:1450::1",
     "64:ff9b::808:808", "::ffff:8.8.8.8"],
)  # fmt: skip
def test_an_address_of_the_public_internet_is_public(address: str) -> None:
    """Also when it comes through NAT64 or mapped."""
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
        "127.1",
        "0x7f000001",
        "0",
        "::1",
        "::ffff:127.0.0.1",
    ],
)
def test_no_spelling_of_this_machine_opens_the_door(host: str) -> None:
    """Decimal, octal, hexadecimal, shortened: what the resolver makes of it is judged."""
    with pytest.raises(Shut):
        Door([]).connect(host, 9, timeout=1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "a.localhost", "2130706433", "0x7f.1", "10.0.0.1", "::1"])
def test_a_name_is_judged_without_a_look_up_where_a_proxy_connects(host: str) -> None:
    """The proxy stands elsewhere; a literal private address in any notation is refused all the same."""
    with pytest.raises(Shut):
        Door([]).check_name(host, 80)
    Door([host]).check_name(host, 80)


def test_an_allowed_host_is_allowed_as_written_and_no_other_name_of_it() -> None:
    """host:port opens one port, host all of them; an alias of the same machine stays shut."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for allowed in (f"127.0.0.1:{port}", "127.0.0.1"):
            with Door([allowed]).connect("127.0.0.1", port, timeout=1) as opened:
                assert opened.getpeername() == ("127.0.0.1", port)
        for other in (f"127.0.0.1:{port + 1}", "localhost", f"localhost:{port}", "127.0.0.2"):
            with pytest.raises(Shut):
                Door([other]).connect("127.0.0.1", port, timeout=1)


def test_the_address_judged_is_the_address_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that answers differently the second time is never asked a second time."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def lying(host: str, port: int, **options: int) -> object:
        asked.append(host)
        return real("127.0.0.1" if len(asked) > 1 else "192.0.2.1", port, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lying)
    with pytest.raises(Shut) as caught:
        Door([]).connect("rebind.test", 80, timeout=1)
    assert caught.value.address == "192.0.2.1"
    assert asked == ["rebind.test"]


def test_without_a_contact_only_loopback_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked by a stranger: the door says so before a packet leaves."""
    place = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [place])
    with pytest.raises(Shut) as caught:
        Door([], anonymous=True).connect("anything.test", 80, timeout=1)
    assert caught.value.anonymous


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://host/x", "data:text/html,x", "gopher://host/", "javascript:alert(1)", "/x", "",
        "http://user@host/", "http://user:pass@host/", "http://good.test\\@evil.test/", "http://good.test\\evil.test/",
        "http://ho st/", "http:///path", "http://", "http://host:99999/", "http://host:0/", "http://host:x/",
        "http://[::1/", "http://[fe80::1%25eth0]/", "http://a..b/", "http://%31%32%37.0.0.1/", "http://ho\tst/",
        "http://host/\r\nX: y", "http://host/\x00", "http://" + "a" * 64 + ".test/", "http://host/\ud800",
    ],
)  # fmt: skip
def test_an_address_that_programs_read_differently_is_refused(url: str) -> None:
    """Other schemes, user names, backslashes, control characters, hosts that are none."""
    with pytest.raises(Blocked):
        target_of(url)


@pytest.mark.parametrize(
    ("url", "wire"),
    [
        ("HTTPS://WWW.Esa.INT", "https://www.esa.int/"),
        ("https://www.esa.int:443/a#part", "https://www.esa.int/a"),
        ("http://h:8080/a?b=c#d", "http://h:8080/a?b=c"),
        ("https://h/Sets/(offset)/50/(sortBy)/published", "https://h/Sets/(offset)/50/(sortBy)/published"),
        ("https://h/photo été.jpg", "https://h/photo%20%C3%A9t%C3%A9.jpg"),
        ("https://h/100%/50%25", "https://h/100%25/50%25"),
        ("https://h/public/../private/./x", "https://h/private/x"),
        ("https://h/../../x/..", "https://h/"),
        ("https://münchen.example/", "https://xn--mnchen-3ya.example/"),
        ("http://１２７.0.0.1/", "http://127.0.0.1/"),
        ("https://host./a", "https://host/a"),
        ("http://[2606:4700::1111]:81/", "http://[2606:4700::1111]:81/"),
        ("https://h/a\\b", "https://h/a%5Cb"),
    ],
)
def test_an_address_is_read_in_one_way_only(url: str, wire: str) -> None:
    """What goes over the wire is what robots.txt, the budget and the door are asked about."""
    assert target_of(url).url == wire
    assert target_of(wire).url == wire


def test_the_usual_ports_of_a_host_share_a_budget() -> None:
    """Both http and https of one host are one machine; another port is another server."""
    assert target_of("http://h/").budget == target_of("https://h/x").budget == "h"
    assert target_of("http://h:8080/").budget == "h:8080"
    assert target_of("https://h:443/").origin == "https://h"
    assert target_of("https://h:80/").origin == "https://h:80"


def test_a_message_shows_no_secret() -> None:
    """User names, passwords and tokens in an address are masked; the rest stands."""
    assert shown("https://me:pass@h/a?token=abc&page=2#x") == "https://***@h/a?token=***&page=2#x"
    assert shown("https://h/a?api_key=1&access_token=2;sig=3") == "https://h/a?api_key=***&access_token=***;sig=***"
    assert shown("https://h/@someone?keyword=esa") == "https://h/@someone?keyword=esa"
    assert "\x1b" not in shown("https://h/\x1b[31m")
