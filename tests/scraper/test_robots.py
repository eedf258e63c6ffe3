"""What robots.txt lets us read."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest
from protego import Protego

from scraper.address import target_of
from scraper.errors import Blocked, FetchError, Gone, RateLimited, Refused
from scraper.robots import LARGEST, Head, Robots


class Files:
    """Robots.txt files by address, and how often each was read."""

    def __init__(self, **by_host: bytes | FetchError) -> None:
        self.by_host = by_host
        self.read: list[str] = []

    def __call__(self, url: str, head: Head) -> None:
        self.read.append(url)
        found = self.by_host[target_of(url).host]
        if isinstance(found, FetchError):
            raise found
        head.begin(url, {})
        for start in range(0, len(found), 65536):
            head.write(found[start : start + 65536])


def check(robots: Robots, url: str) -> float:
    return robots.check(target_of(url), name=url)


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        (b"", "/a", True),
        (b"User-agent: *\nDisallow: /private/", "/private/x", False),
        (b"User-agent: *\nDisallow: /private/", "/public", True),
        (b"User-agent: *\nDisallow: /\nUser-agent: cupola\nDisallow: /x", "/a", True),
        (b"User-agent: *\nAllow: /\nUser-agent: Cupola\nDisallow: /", "/a", False),
        (b"User-agent: other\nDisallow: /", "/a", True),
        (b"User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        (b"User-agent: *\nDisallow: /*.jpg$", "/image.jpg", False),
        (b"User-agent: *\nDisallow: /private", "/public/../private", False),
        (b"User-agent: *\nDisallow: /caf%C3%A9", "/caf\xe9", False),
        (b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /a\r\n", "/a", False),
        (b"<html><body>Welcome!</body></html>", "/a", True),
        (b"\xff\xfe\x00\x00garbage", "/a", True),
    ],
)
def test_the_rules_for_our_name_or_for_all_decide(rules: bytes, path: str, allowed: bool) -> None:
    """The product token is cupola; the longest rule wins; what is no rule forbids nothing."""
    robots = Robots(Files(site=rules))
    if allowed:
        assert check(robots, f"https://site{path}") == 0.0
    else:
        with pytest.raises(Refused, match=r"robots\.txt of https://site asks cupola not to read"):
            check(robots, f"https://site{path}")


def test_each_origin_is_asked_once_a_day(clock: Any) -> None:
    """Two pages, one reading; http and https are two origins; after a day the rules are read afresh."""
    files = Files(site=b"User-agent: *\nDisallow: /x")
    robots = Robots(files, clock)
    for url in ("https://site/a", "https://site/b", "http://site/a"):
        check(robots, url)
    assert files.read == ["https://site/robots.txt", "http://site/robots.txt"]
    clock.now += 86_401
    check(robots, "https://site/a")
    assert len(files.read) == 3


def test_rules_that_are_over_are_let_go(clock: Any) -> None:
    """Who runs for months and meets a host a day holds the rules of the last one, not of all."""
    robots = Robots(Files(**{f"host{number}": b"User-agent: *\nDisallow: /x" for number in range(9)}), clock)
    before = len(_held())
    for number in range(9):
        check(robots, f"https://host{number}/a")
        clock.now += 86_401
    assert len(_held()) == before + 1


def _held() -> list[Protego]:
    gc.collect()
    return [found for found in gc.get_objects() if isinstance(found, Protego)]


def test_threads_that_come_together_read_the_rules_once() -> None:
    """One reads, the others wait for its answer."""
    files = Files(site=b"")
    robots = Robots(files)
    threads = [threading.Thread(target=check, args=(robots, f"https://site/{n}")) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(files.read) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Gone("404", url="u", status=404),
        Refused("403", url="u", status=403),
        FetchError("418", url="u", retriable=False, status=418),
    ],
)
def test_rules_that_are_not_there_forbid_nothing(fault: FetchError) -> None:
    """RFC 9309: 400 to 499 is "unavailable"."""
    assert check(Robots(Files(site=fault)), "https://site/a") == 0.0


def test_rules_that_could_not_be_read_put_the_source_off(clock: Any) -> None:
    """A server fault is no permission; it is remembered for five minutes, then asked again."""
    files = Files(site=FetchError("answered 503", url="u", retriable=True, status=503))
    robots = Robots(files, clock)
    for _ in range(3):
        message = r"^https://site/a: put off, because robots\.txt could not be read: answered 503$"
        with pytest.raises(FetchError, match=message) as caught:
            check(robots, "https://site/a")
        assert (caught.value.retriable, caught.value.url) == (True, "https://site/a")
    assert len(files.read) == 1
    clock.now += 301
    files.by_host["site"] = b""
    assert check(robots, "https://site/a") == 0.0


def test_a_blocked_address_stays_blocked() -> None:
    """The rules of a private host cannot be read, and that is said as what it is."""
    robots = Robots(Files(site=Blocked("private", url="u", address="10.0.0.1")))
    with pytest.raises(Blocked) as caught:
        check(robots, "https://site/a")
    assert caught.value.address == "10.0.0.1"


@pytest.mark.parametrize(("said", "delay"), [("2.5", 2.5), ("60", 60.0), ("nan", 0.0), ("-5", 0.0), ("soon", 0.0)])
def test_a_crawl_delay_up_to_a_minute_is_handed_on(said: str, delay: float) -> None:
    """What is not a number of seconds is not one."""
    assert check(Robots(Files(site=b"User-agent: *\nCrawl-delay: " + said.encode())), "https://site/a") == delay


def test_a_longer_crawl_delay_refuses_the_source_clearly() -> None:
    """It says what was asked for, and what we keep."""
    with pytest.raises(Refused, match="asks for 3600 s between two requests"):
        check(Robots(Files(site=b"User-agent: *\nCrawl-delay: 3600")), "https://site/a")


def test_a_huge_file_is_read_as_far_as_the_standard_asks() -> None:
    """500 KiB count, and half a rule at the cut does not."""
    head = b"User-agent: *\nDisallow: /early\n"
    filler = b"#" * (LARGEST - len(head) - 12) + b"\n"
    robots = Robots(Files(site=head + filler + b"Disallow: /late\n" * 100_000))
    with pytest.raises(Refused):
        check(robots, "https://site/early")
    assert check(robots, "https://site/late") == 0.0
    assert check(robots, "https://site/other") == 0.0


def test_a_host_that_is_in_a_pause_says_for_how_long() -> None:
    """Its robots.txt is not asked for either, and the pause is told as one, so that the next visit heeds it."""
    robots = Robots(Files(site=RateLimited("wait", url="https://site/robots.txt", retry_after=900.0)))
    with pytest.raises(RateLimited, match=r"could not be read: wait$") as caught:
        check(robots, "https://site/a")
    assert caught.value.retry_after == 900.0
