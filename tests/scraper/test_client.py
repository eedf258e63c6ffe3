"""The polite client against a real server that misbehaves."""

from __future__ import annotations

import gzip
import hashlib
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from scraper.capture import Access, Request
from scraper.client import PoliteClient
from scraper.errors import Blocked, FetchError, Gone, RateLimited, Refused, ScraperError, TooLarge
from scraper.settings import HttpSettings

API = Access.API
Polite = Callable[..., PoliteClient]


def api(url: str, **fields: Any) -> Request:
    return Request(url=url, access=API, **fields)


# --- answers ---------------------------------------------------------------------------------------------------------


def test_an_answer_is_given_verbatim_with_its_address_time_and_headers(web: Any, polite: Polite) -> None:
    """Header names are lower-case, the time is aware, the request comes along."""
    request = api(web.on("/a", web.reply(body=b"\x00\xffhello", X_Thing="One")), carry="page 2")
    before = datetime.now(UTC)
    capture = polite().fetch(request)
    assert (capture.status, capture.url, capture.body) == (200, request.url, b"\x00\xffhello")
    assert capture.request.carry == "page 2"
    assert capture.headers["x-thing"] == "One"
    assert before <= capture.fetched_at <= datetime.now(UTC)
    assert capture.sha256 == hashlib.sha256(b"\x00\xffhello").hexdigest()


def test_we_say_who_we_are_and_keep_no_cookies(web: Any, polite: Polite, kept: Any) -> None:
    """Version and contact in the User-Agent, only encodings we can unpack, no cookie given back."""
    url = web.on("/a", web.reply(Set_Cookie="session=1"))
    client = polite()
    client.fetch(api(url, accept="application/json"))
    client.fetch(api(url))
    client.stream(api(url), kept)
    first, second, third = (headers for _, headers in web.asked)
    assert first["user-agent"] == second["user-agent"] == third["user-agent"] == "cupola/1.2 (+me@mission.test)"
    assert first["accept"] == "application/json"
    assert first["accept-encoding"] == "gzip, deflate"
    assert third["accept-encoding"] == "identity"
    assert not any("cookie" in headers for _, headers in web.asked)


def test_neither_netrc_nor_the_environments_proxies_are_used(
    web: Any, polite: Polite, kept: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A password lying about is not sent, a proxy set for other programs is not asked."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    client = polite()
    url = web.on("/a", web.reply())
    client.fetch(api(url))
    client.stream(api(url), kept)
    assert len(web.asked) == 2
    assert not any("authorization" in headers for _, headers in web.asked)


def test_connections_are_kept_and_shared_by_pages_and_pictures(web: Any, polite: Polite, kept: Any) -> None:
    """Ten requests in a row, errors and redirects among them, need one connection."""
    peers: set[Any] = set()

    def note(reply: Any) -> Callable[[Any], None]:
        def answer(exchange: Any) -> None:
            peers.add(exchange.client_address)
            exchange.close_connection = False
            exchange.reply(reply)

        return answer

    good = web.on("/a", note(web.reply(body=b"x" * 300_000)))
    moved = web.on("/moved", note(web.reply(302, b"moved", Location="/a")))
    missing = web.on("/missing", note(web.reply(404, b"not here")))
    client = polite()
    for _ in range(3):
        client.fetch(api(good))
        client.stream(api(moved), kept)
        with pytest.raises(Gone):
            client.stream(api(missing), kept)
    assert len(peers) == 1


def test_no_more_connections_than_configured_are_open_to_a_host(web: Any, polite: Polite, kept: Any) -> None:
    """Eight threads, two connections: all are served, never three at a time."""
    lock, busy, most = threading.Lock(), 0, 0

    def slowly(exchange: Any) -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.01)
        with lock:
            busy -= 1
        exchange.reply(web.reply(body=b"x"))

    url = web.on("/a", slowly)
    client = polite(connections=2)
    threads = [threading.Thread(target=client.fetch, args=(api(url),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert web.times("/a") == 8
    assert most <= 2


def test_a_stream_goes_into_the_sink(web: Any, polite: Polite, kept: Any) -> None:
    """Begun once, every byte written, and what is known of the answer handed back."""
    picture = bytes(range(256)) * 4000
    done = polite().stream(api(web.on("/p.jpg", web.reply(body=picture, Content_Type="image/jpeg"))), kept)
    assert (kept.body, kept.begun) == (picture, 1)
    assert (done.status, done.size, done.headers["content-type"]) == (200, len(picture), "image/jpeg")
    assert done.fetched_at.utcoffset() == timedelta(0)


def test_what_the_sink_raises_is_passed_on_and_the_client_goes_on(web: Any, polite: Polite, kept: Any) -> None:
    """A full disk is no fault of the network: it is not tried again; the connection pool is not used up."""
    url = web.on("/p", web.reply(body=b"x" * 1_000_000))

    class Full:
        def begin(self, url: str, headers: Any) -> None:
            pass

        def write(self, chunk: bytes) -> None:
            raise OSError(28, "No space left on device")

    class Refusing(Full):
        def begin(self, url: str, headers: Any) -> None:
            raise ScraperError("not a picture")

    client = polite(connections=1)
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            client.stream(api(url), Full())
        with pytest.raises(ScraperError, match="not a picture"):
            client.stream(api(url), Refusing())
    assert web.times("/p") == 4
    assert client.stream(api(url), kept).size == 1_000_000


# --- conditional requests --------------------------------------------------------------------------------------------


def test_validators_are_sent_and_304_is_an_answer(web: Any, polite: Polite, kept: Any) -> None:
    """A page that has not changed comes back as an empty capture; a picture leaves the sink alone."""
    url = web.on("/a", web.reply(304, ETag='W/"1"'))
    request = api(url, etag='W/"1"', last_modified="Sat, 03 Dec 2016 10:00:00 GMT")
    capture = polite().fetch(request)
    assert (capture.status, capture.body, capture.headers["etag"]) == (304, b"", 'W/"1"')
    assert web.asked[0][1]["if-none-match"] == 'W/"1"'
    assert web.asked[0][1]["if-modified-since"] == "Sat, 03 Dec 2016 10:00:00 GMT"
    assert polite().stream(request, kept).status == 304
    assert kept.begun == 0


def test_a_304_that_nobody_asked_for_is_an_error(web: Any, polite: Polite) -> None:
    """There is nothing held that could stand in for it."""
    with pytest.raises(FetchError, match="answered 304") as caught:
        polite().fetch(api(web.on("/a", web.reply(304))))
    assert caught.value.retriable


# --- statuses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error", "retriable", "says"),
    [
        (400, FetchError, False, "check the address"),
        (401, Refused, False, "needs a read token: set token_env"),
        (403, Refused, False, "needs a read token: set token_env"),
        (404, Gone, False, "not there"),
        (410, Gone, False, "not there"),
        (418, FetchError, False, "418"),
        (422, FetchError, False, "422"),
        (451, Refused, False, "legal reasons"),
        (500, FetchError, True, "ask again later"),
        (501, FetchError, True, "501"),
        (204, FetchError, False, "204 where 200 was expected"),
        (206, FetchError, False, "206 where 200 was expected"),
        (300, FetchError, False, "300"),
    ],
)
def test_each_status_is_the_error_that_it_means(
    web: Any, polite: Polite, status: int, error: type[FetchError], retriable: bool, says: str
) -> None:
    """Class, evidence and a sentence that says what to do; the status comes along."""
    url = web.on("/a", web.reply(status))
    with pytest.raises(FetchError, match=says) as caught:
        polite().fetch(api(url))
    assert type(caught.value) is error
    assert (caught.value.status, caught.value.url, caught.value.retriable) == (status, url, retriable)
    assert str(caught.value).startswith(url)


def test_a_refused_page_and_a_refused_token_say_other_things_than_a_missing_token(web: Any, polite: Polite) -> None:
    """Nobody is told to set a token for a page, or one that is set already."""
    url = web.on("/a", web.reply(403))
    with pytest.raises(Refused, match="the site does not let us read this"):
        polite().fetch(Request(url=url))
    with pytest.raises(Refused, match="the read token was not accepted"):
        polite().fetch(api(url, token="abc"))


# --- faults that pass ------------------------------------------------------------------------------------------------


def hang_up(exchange: Any) -> None:
    pass


def truncate(exchange: Any) -> None:
    exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 500)


def broken_chunk(exchange: Any) -> None:
    exchange.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n")


def short_chunk(exchange: Any) -> None:
    exchange.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhello")


def bad_gzip(exchange: Any) -> None:
    exchange.raw(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!"
    )


def short_gzip(exchange: Any) -> None:
    packed = gzip.compress(bytes(range(256)) * 100)[:-12]
    exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed)


def no_http(exchange: Any) -> None:
    exchange.raw(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n")


def two_lengths(exchange: Any) -> None:
    exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\nhello")


FAULTS = [hang_up, truncate, broken_chunk, short_chunk, bad_gzip, short_gzip, no_http, two_lengths]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_broken_answer_is_asked_for_again_and_ends_whole(
    web: Any, polite: Polite, kept: Any, clock: Any, fault: Callable[[Any], None]
) -> None:
    """Pages and pictures alike; the sink begins anew, and holds nothing of the first try."""
    url = web.on("/a", fault, web.reply(body=b"whole"))
    assert polite().fetch(api(url)).body == b"whole"
    web.on("/a", fault, web.reply(body=b"whole"))
    assert polite().stream(api(url), kept).size == 5
    assert kept.body == b"whole"
    assert len(clock.slept) == 2


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_that_does_not_pass_is_a_retriable_error(
    web: Any, polite: Polite, kept: Any, fault: Callable[[Any], None]
) -> None:
    """After the last try the error names the address and may be taken up by a later run."""
    url = web.on("/a", fault)
    for ask in (lambda client: client.fetch(api(url)), lambda client: client.stream(api(url), kept)):
        with pytest.raises(FetchError) as caught:
            ask(polite(attempts=2))
        assert type(caught.value) is FetchError
        assert caught.value.retriable
        assert str(caught.value).startswith(url)
    assert web.times("/a") == 4


def test_500_twice_then_200_is_200(web: Any, polite: Polite, clock: Any) -> None:
    """Each wait is longer than the one before."""
    web.on("/a", web.reply(500), web.reply(503), web.reply(body=b"at last"))
    assert polite().fetch(api(web.url("/a"))).body == b"at last"
    assert clock.slept == [0.375, 0.75]


def test_waits_between_tries_are_spread_and_bounded(web: Any, clock: Any) -> None:
    """Exponential with jitter: half to whole of 0.5, 1, 2 … 60 s."""
    web.on("/a", web.reply(500))
    for chance, first, last in ((0.0, 0.25, 30.0), (0.999, 0.5, 60.0)):
        clock.slept.clear()
        settings = HttpSettings(rate="none", allow_hosts=(web.place,), attempts=12)
        with (
            PoliteClient(settings, version="1", clock=clock, sleep=clock.sleep, random=chance.__float__) as client,
            pytest.raises(FetchError),
        ):
            client.fetch(api(web.url("/a")))
        assert len(clock.slept) == 11
        assert clock.slept[0] == pytest.approx(first, abs=0.001)
        assert clock.slept[-1] == pytest.approx(last, abs=0.1)


def test_an_interruption_ends_a_wait(web: Any) -> None:
    """What the given sleep raises comes through."""

    class Interrupted(Exception):
        pass

    def stop(_: float) -> None:
        raise Interrupted

    settings = HttpSettings(rate="none", allow_hosts=(web.place,))
    with PoliteClient(settings, version="1", sleep=stop) as client, pytest.raises(Interrupted):
        client.fetch(api(web.on("/a", web.reply(500))))


def test_every_wait_is_told_with_host_and_reason(web: Any, clock: Any) -> None:
    """So that a progress line can say why nothing moves."""
    told: list[tuple[str, float, str]] = []
    settings = HttpSettings(rate="none", allow_hosts=(web.place,))
    web.on("/a", web.reply(500), web.reply(429, Retry_After="7"), web.reply())
    with PoliteClient(
        settings,
        version="1",
        clock=clock,
        sleep=clock.sleep,
        on_wait=lambda *wait: told.append(wait),
        random=lambda: 0.5,
    ) as client:
        client.fetch(api(web.url("/a")))
    assert [(host, seconds) for host, seconds, _ in told] == [(web.place, 0.375), (web.place, 7.0)]
    assert "answered 500" in told[0][2]
    assert told[1][2] == "the host asked for a pause"


def test_nobody_at_home_is_a_retriable_error(polite: Polite, clock: Any) -> None:
    """A port where nothing listens: tried as often as configured."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(FetchError, match="the connection failed") as caught:
        polite(allow_hosts=(place,)).fetch(api(f"http://{place}/"))
    assert caught.value.retriable
    assert len(clock.slept) == 2


def test_an_unknown_host_name_is_said_so(polite: Polite) -> None:
    """Retriable for a later run: the line may be down."""
    with pytest.raises(FetchError, match="host name is not known") as caught:
        polite().fetch(api("http://nobody.invalid/"))
    assert caught.value.retriable


# --- time ------------------------------------------------------------------------------------------------------------


def test_a_silent_server_is_given_up(web: Any, polite: Polite) -> None:
    """Neither no answer nor half an answer is waited for longer than the time-out."""

    def silent(exchange: Any) -> None:
        web.ended.wait(5)

    def stalled(exchange: Any) -> None:
        exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        web.ended.wait(5)

    for fault in (silent, stalled):
        with pytest.raises(FetchError, match="took too long") as caught:
            polite(timeout=0.1, attempts=1).fetch(api(web.on("/a", fault)))
        assert caught.value.retriable


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
    ],
    ids=["status", "headers", "body", "chunk"],
)
def test_a_byte_now_and_then_does_not_last_for_ever(web: Any, polite: Polite, kept: Any, head: bytes) -> None:
    """Each byte comes well within the time-out; the whole would take minutes; it is given up all the same."""

    def drip(exchange: Any) -> None:
        exchange.raw(head)
        exchange.drip(b"x" * 100_000, every=0.02)

    url = web.on("/a", drip)
    for ask in (lambda client: client.fetch(api(url)), lambda client: client.stream(api(url), kept)):
        with pytest.raises(FetchError, match="took too long"):
            ask(polite(timeout=0.1, attempts=1))


# --- Retry-After and budgets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_obeyed(web: Any, polite: Polite, clock: Any, status: int) -> None:
    """The wait is the one asked for, not the client's own."""
    url = web.on("/a", web.reply(status, Retry_After="17"), web.reply(body=b"ok"))
    assert polite().fetch(api(url)).body == b"ok"
    assert clock.slept == [17.0]


def test_retry_after_as_a_date_is_obeyed(web: Any, clock: Any) -> None:
    """The pause lasts until that time by our clock."""
    now = datetime(2017, 6, 2, 14, 10, tzinfo=UTC)
    date = format_datetime(now + timedelta(seconds=42), usegmt=True)
    url = web.on("/a", web.reply(429, Retry_After=date), web.reply(body=b"ok"))
    settings = HttpSettings(rate="none", allow_hosts=(web.place,))
    with PoliteClient(settings, version="1", now=lambda: now, clock=clock, sleep=clock.sleep) as client:
        assert client.fetch(api(url)).body == b"ok"
    assert clock.slept == [42.0]


@pytest.mark.parametrize(
    "said", ["-5", "0", "NaN", "inf", "soon", "", "1e9", "9" * 5000, "Thu, 01 Jan 1970 00:00:00 GMT", "Mon, 99 Foo 20"]
)
def test_a_senseless_retry_after_neither_hammers_nor_hangs(web: Any, polite: Polite, clock: Any, said: str) -> None:
    """Nought, the past and nonsense: at most the client's own wait of a second or so."""
    url = web.on("/a", web.reply(429, Retry_After=said), web.reply(body=b"ok"))
    assert polite().fetch(api(url)).body == b"ok"
    assert sum(clock.slept) <= 1.0


@pytest.mark.parametrize("said", ["Fri, 31 Dec 9999 23:59:59 GMT", "999999999", "86401"])
def test_a_pause_longer_than_a_run_waits_is_an_error_that_names_it(
    web: Any, polite: Polite, clock: Any, said: str
) -> None:
    """Clamped to a day; nobody sleeps, and nobody asks this host again in this run."""
    url = web.on("/a", web.reply(429, Retry_After=said))
    client = polite()
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            client.fetch(api(url))
        assert (caught.value.retry_after, caught.value.retriable) == (86_400.0, True)
    assert clock.slept == []
    assert web.times("/a") == 1


def test_429_without_end_is_an_error_after_the_last_try(web: Any, polite: Polite, clock: Any) -> None:
    """It says how long to stay away."""
    with pytest.raises(RateLimited, match="asks for a pause of 3 s") as caught:
        polite().fetch(api(web.on("/a", web.reply(429, Retry_After="3"))))
    assert (caught.value.retry_after, caught.value.status) == (3.0, 429)
    assert clock.slept == [3.0, 3.0]


def test_a_pause_holds_back_the_whole_budget_of_the_host(web: Any, polite: Polite, kept: Any, clock: Any) -> None:
    """Whatever is asked for next waits too, also when whoever was told has given up."""
    client = polite(rate="1000/s", attempts=1)
    with pytest.raises(RateLimited):
        client.fetch(api(web.on("/limited", web.reply(429, Retry_After="50"))))
    client.stream(api(web.on("/other", web.reply(body=b"ok"))), kept)
    assert clock.slept == [50.0]


def test_a_budget_that_is_spent_by_the_servers_own_word_is_waited_for(web: Any, clock: Any) -> None:
    """X-RateLimit-Remaining 0: the reset as a time (Mastodon), since 1970 (Bluesky) or from now (IETF)."""
    now = datetime(2026, 8, 1, 13, 55, tzinfo=UTC)
    spent = {"X_RateLimit_Remaining": "0"}
    replies = [
        web.reply(**spent, X_RateLimit_Reset="2026-08-01T13:55:30.000000Z"),
        web.reply(X_RateLimit_Remaining="299", X_RateLimit_Reset="2026-08-01T13:59:00Z"),
        web.reply(**spent, X_RateLimit_Reset=str(int(now.timestamp()) + 40)),
        web.reply(RateLimit_Remaining="0", RateLimit_Reset="50"),
        web.reply(**spent, X_RateLimit_Reset="2026-08-01T13:00:00Z"),
        web.reply(**spent, X_RateLimit_Reset="never"),
        web.reply(**spent),
        web.reply(X_RateLimit_Remaining="NaN", X_RateLimit_Reset="60"),
        web.reply(),
    ]
    url = web.on("/a", *replies)
    settings = HttpSettings(rate="none", allow_hosts=(web.place,))
    with PoliteClient(settings, version="1", now=lambda: now, clock=clock, sleep=clock.sleep) as client:
        for _ in replies:
            client.fetch(api(url))
    assert clock.slept == [30.0, 40.0, 50.0]


def test_requests_of_one_host_are_spaced_by_the_rate_whoever_makes_them(
    web: Any, polite: Polite, kept: Any, clock: Any
) -> None:
    """Pages, pictures and hops of redirects share the budget."""
    client = polite(rate="30/m")
    client.fetch(api(web.on("/a", web.reply())))
    client.stream(api(web.on("/moved", web.reply(302, Location="/a"))), kept)
    assert clock.slept == [2.0, 2.0]


# --- robots.txt ------------------------------------------------------------------------------------------------------


def test_robots_txt_binds_pages_and_their_pictures_but_not_an_api(web: Any, polite: Polite, kept: Any) -> None:
    """Read once, under our own name; an API is bound by its own terms."""
    web.on("/robots.txt", web.reply(body=b"User-agent: cupola\nDisallow: /private"))
    url, other = web.on("/private/a", web.reply(body=b"x")), web.on("/b", web.reply(body=b"x"))
    client = polite()
    assert client.fetch(Request(url=other)).body == b"x"
    with pytest.raises(Refused, match=r"robots\.txt"):
        client.fetch(Request(url=url))
    with pytest.raises(Refused, match=r"robots\.txt"):
        client.stream(Request(url=url), kept)
    assert client.fetch(api(url)).body == b"x"
    assert web.times("/robots.txt") == 1
    assert web.times("/private/a") == 1


@pytest.mark.parametrize("status", [404, 403, 401, 410])
def test_no_robots_txt_means_allowed(web: Any, polite: Polite, status: int) -> None:
    """400 to 499: there are no rules."""
    web.on("/robots.txt", web.reply(status))
    assert polite().fetch(Request(url=web.on("/a", web.reply(body=b"x")))).body == b"x"


def packed_unasked(exchange: Any) -> None:
    exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nxyz")


@pytest.mark.parametrize(
    "fault", [503, hang_up, truncate, packed_unasked], ids=lambda fault: getattr(fault, "__name__", str(fault))
)
def test_a_robots_txt_that_cannot_be_read_puts_the_source_off(web: Any, polite: Polite, fault: Any) -> None:
    """The page is not asked for; the error may be taken up later."""
    web.on("/robots.txt", web.reply(fault) if isinstance(fault, int) else fault)
    with pytest.raises(FetchError, match="put off") as caught:
        polite().fetch(Request(url=web.on("/a", web.reply())))
    assert caught.value.retriable
    assert web.times("/a") == 0


def test_a_crawl_delay_widens_the_budget(web: Any, polite: Polite, clock: Any) -> None:
    """Also where no budget is configured."""
    web.on("/robots.txt", web.reply(body=b"User-agent: *\nCrawl-delay: 20"))
    client = polite()
    for path in ("/a", "/b"):
        client.fetch(Request(url=web.on(path, web.reply())))
    assert clock.slept == [20.0, 20.0]


@pytest.mark.parametrize("size", [None, 9_000_000_000], ids=["endless", "boastful"])
def test_an_endless_or_moved_robots_txt_is_read_as_far_as_needed(web: Any, polite: Polite, size: int | None) -> None:
    """Half a megabyte counts; redirects are followed."""

    def endless(exchange: Any) -> None:
        exchange.raw(b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\nDisallow: /private\n")
        while not exchange.close_connection or not web.ended.is_set():
            try:
                exchange.wfile.write(b"# for ever and ever\n" * 1000)
            except OSError:
                return

    def boastful(exchange: Any) -> None:
        exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n")
        exchange.wfile.write(b"User-agent: *\nDisallow: /private\n" + b"# for ever and ever\n" * 30_000)

    web.on("/robots.txt", web.reply(301, Location="/rules"))
    web.on("/rules", endless if size is None else boastful)
    client = polite()
    with pytest.raises(Refused):
        client.fetch(Request(url=web.url("/private")))
    assert client.fetch(Request(url=web.on("/a", web.reply(body=b"x")))).body == b"x"


# --- size ------------------------------------------------------------------------------------------------------------


def test_more_than_the_cap_is_refused_by_its_own_word_and_in_fact(web: Any, polite: Polite, kept: Any) -> None:
    """Announced: before a byte is read. Not announced: as soon as the cap is passed."""

    def endless(exchange: Any) -> None:
        exchange.raw(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            try:
                exchange.wfile.write(b"x" * 65536)
            except OSError:
                return

    client = polite(max_page_bytes=1000)
    with pytest.raises(TooLarge, match="announces 1001 bytes") as caught:
        client.fetch(api(web.on("/a", web.reply(body=b"x" * 1001))))
    assert (caught.value.limit, caught.value.retriable) == (1000, False)
    for url in (web.on("/b", endless), web.on("/c", endless)):
        with pytest.raises(TooLarge, match="too large, the cap is 1000 bytes"):
            client.fetch(api(url))
        with pytest.raises(TooLarge):
            client.stream(api(url), kept, max_bytes=5000)
    assert len(kept.body) <= 5000
    assert client.fetch(api(web.on("/d", web.reply(body=b"x" * 1000)))).body == b"x" * 1000


BOMB = gzip.compress(bytes(2**26), 9)  # 64 MiB in 64 KiB


@pytest.mark.parametrize("packed", [BOMB, gzip.compress(b"x") + BOMB, zlib.compress(bytes(2**26), 9)])
def test_a_bomb_is_noticed_before_it_is_unpacked(web: Any, polite: Polite, kept: Any, packed: bytes) -> None:
    """The cap counts unpacked bytes, and no more than a piece over it is ever made."""
    encoding = "gzip" if packed[:2] == b"\x1f\x8b" else "deflate"
    url = web.on("/a", web.reply(body=packed, Content_Encoding=encoding))
    with pytest.raises(TooLarge):
        polite(max_page_bytes=2**20).fetch(api(url))
    with pytest.raises(TooLarge):
        polite().stream(api(url), kept, max_bytes=2**20)
    assert len(kept.body) <= 2**20


def test_a_bomb_on_an_error_or_a_redirect_is_not_unpacked_at_all(web: Any, polite: Polite, kept: Any) -> None:
    """Bodies that nobody wants are thrown away as they are, a few kilobytes at most, endless ones too."""

    def endless_error(exchange: Any) -> None:
        exchange.raw(b"HTTP/1.1 404 Not Found\r\nContent-Encoding: gzip\r\n\r\n")
        for _ in range(10_000):
            try:
                exchange.wfile.write(b"x" * 65536)
            except OSError:
                return
        raise AssertionError("the client read 600 MB of an error's body")

    good = web.on("/good", web.reply(body=b"ok"))
    moved = web.on("/moved", web.reply(302, BOMB, Content_Encoding="gzip", Location=good))
    wrong = web.on("/wrong", web.reply(404, BOMB, Content_Encoding="gzip"))
    endless = web.on("/endless", endless_error)
    client = polite()
    assert client.fetch(api(moved)).body == b"ok"
    assert client.stream(api(moved), kept).size == 2
    for url in (wrong, endless):
        with pytest.raises(Gone):
            client.fetch(api(url))
        with pytest.raises(Gone):
            client.stream(api(url), kept)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"bonjour", mtime=0)),
        ("x-gzip", gzip.compress(b"bon", mtime=0) + gzip.compress(b"jour", mtime=0)),
        ("GZip", gzip.compress(b"bonjour", mtime=0) + b"\0" * 64),
        ("deflate", zlib.compress(b"bonjour")),
        ("deflate", zlib.compress(b"bonjour")[2:-4]),
        ("identity", b"bonjour"),
        ("", b"bonjour"),
        ("utf-8", b"bonjour"),
    ],
)
def test_packed_answers_are_unpacked(web: Any, polite: Polite, kept: Any, encoding: str, packed: bytes) -> None:
    """Gzip in one or several members, deflate with and without its wrapper, and not at all."""
    url = web.on("/a", web.reply(body=packed, Content_Encoding=encoding))
    assert polite().fetch(api(url)).body == b"bonjour"
    assert polite().stream(api(url), kept).size == 7


def test_an_unpacked_body_is_whole_at_any_size(web: Any, polite: Polite) -> None:
    """Around the size of a piece, where a byte is easily lost."""
    for size in (0, 1, 2**18 - 1, 2**18, 2**18 + 1, 2**19, 3 * 2**18):
        body = b"\0" * size
        for encoding, packed in (("gzip", gzip.compress(body)), ("deflate", zlib.compress(body)[2:-4])):
            url = web.on("/a", web.reply(body=packed, Content_Encoding=encoding))
            assert polite().fetch(api(url)).body == body


def test_an_encoding_that_was_not_asked_for_is_an_error(web: Any, polite: Polite) -> None:
    """Better none than a file of bytes that nobody can read."""
    with pytest.raises(FetchError, match="'br'") as caught:
        polite().fetch(api(web.on("/a", web.reply(body=b"xx", Content_Encoding="br"))))
    assert not caught.value.retriable


def test_more_bytes_than_announced_do_not_spill_into_the_next_answer(web: Any, polite: Polite) -> None:
    """The announced ones are taken, and the connection is not trusted with another request."""

    def too_long(exchange: Any) -> None:
        exchange.close_connection = False
        exchange.raw(
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
        )

    client = polite(connections=1)
    assert client.fetch(api(web.on("/a", too_long))).body == b"hello"
    assert client.fetch(api(web.on("/b", web.reply(body=b"good")))).body == b"good"


# --- redirects -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_and_the_final_address_is_told(web: Any, polite: Polite, status: int) -> None:
    """A relative one with spaces and accents in it too."""
    web.on("/a", web.reply(status, Location="b/été 1?x=é".encode().decode("latin-1")))
    web.on("/b/%C3%A9t%C3%A9%201", web.reply(body=b"here"))
    capture = polite().fetch(api(web.url("/a")))
    assert capture.body == b"here"
    assert capture.url == web.url("/b/%C3%A9t%C3%A9%201?x=%C3%A9")
    assert capture.request.url == web.url("/a")


def test_a_redirect_loop_ends_after_ten_hops(web: Any, polite: Polite) -> None:
    """It is not a fault that passes."""
    with pytest.raises(FetchError, match="sent on over 10 times") as caught:
        polite().fetch(api(web.on("/a", web.reply(302, Location="/a"))))
    assert not caught.value.retriable
    assert web.times("/a") == 11


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("file:///etc/hostname", Blocked),
        ("data:text/html,hello", Blocked),
        ("javascript:alert(1)", Blocked),
        ("ftp://127.0.0.1/x", Blocked),
        ("http://127.0.0.2:9/", Blocked),
        ("http://localhost:9/", Blocked),
        ("http://169.254.169.254/latest/meta-data/", Blocked),
        ("http://[::1]:9/", Blocked),
        ("http://[::ffff:127.0.0.1]:9/", Blocked),
        ("http://2130706433:9/", Blocked),
        ("http://0x7f.1:9/", Blocked),
        ("http://user:pass@127.0.0.1/", Blocked),
        ("http://good.test\\@127.0.0.1/", Blocked),
        ("http://[half/", FetchError),
        ("", FetchError),
    ],
)
def test_a_redirect_to_where_nobody_may_be_sent_is_refused(
    web: Any, polite: Polite, kept: Any, location: str, error: type[FetchError]
) -> None:
    """Each hop is judged like an address of our own, for pages and for pictures."""
    url = web.on("/a", web.reply(302, Location=location))
    for ask in (lambda client: client.fetch(api(url)), lambda client: client.stream(api(url), kept)):
        with pytest.raises(error) as caught:
            ask(polite())
        assert not caught.value.retriable
        assert "pass@" not in str(caught.value)
    assert kept.begun == 0


def test_a_private_address_is_blocked_whatever_its_port_and_says_how_to_allow_it(web: Any, polite: Polite) -> None:
    """The error names the address found and the setting."""
    with pytest.raises(Blocked, match=r"http\.allow_hosts") as caught:
        polite(allow_hosts=()).fetch(api(web.on("/a", web.reply())))
    assert caught.value.address == "127.0.0.1"
    assert web.asked == []


def test_robots_txt_is_asked_at_every_hop(web: Any, polite: Polite) -> None:
    """An allowed page may not lead into a forbidden one."""
    web.on("/robots.txt", web.reply(body=b"User-agent: *\nDisallow: /private"))
    web.on("/private", web.reply(body=b"secret"))
    with pytest.raises(Refused, match=r"robots\.txt"):
        polite().fetch(Request(url=web.on("/a", web.reply(302, Location="/private"))))
    assert web.times("/private") == 0


@pytest.mark.parametrize(
    "location",
    [
        "/login",
        "/auth/sign_in",
        "/users/sign_in?next=/a",
        "/oauth/authorize",
        "/wp-login.php",
        "/accounts/login/",
        "/Signin",
    ],
)
def test_a_redirect_to_a_login_page_is_a_refusal(web: Any, polite: Polite, location: str) -> None:
    """It is not followed, and not taken for the answer."""
    web.on(location.partition("?")[0], web.reply(body=b"<form>password</form>"))
    with pytest.raises(Refused, match="asks for a login"):
        polite().fetch(api(web.on("/a", web.reply(302, Location=location))))
    assert len(web.asked) == 1


@pytest.mark.parametrize("location", ["/blogindex", "/2016/logins-explained", "/catalogin", "/signing-of-the-treaty"])
def test_a_page_that_only_sounds_like_a_login_is_followed(web: Any, polite: Polite, location: str) -> None:
    """Whole words of the path count."""
    web.on(location, web.reply(body=b"ok"))
    assert polite().fetch(api(web.on("/a", web.reply(302, Location=location)))).body == b"ok"


# --- credentials -----------------------------------------------------------------------------------------------------


def test_a_token_goes_to_its_own_origin_only_and_does_not_come_back(web: Any, polite: Polite, kept: Any) -> None:
    """Sent on to another host and back again, the request goes without."""
    elsewhere = f"http://localhost:{web.port}/b"
    web.on("/a", web.reply(302, Location="/same"))
    web.on("/same", web.reply(302, Location=elsewhere))
    web.on("/b", web.reply(302, Location=web.url("/c")))
    web.on("/c", web.reply(body=b"ok"))
    client = polite(allow_hosts=("127.0.0.1", "localhost"))
    for ask in (client.fetch, lambda request: client.stream(request, kept)):
        web.asked.clear()
        ask(api(web.url("/a"), token="secret\n"))
        sent = {path: headers.get("authorization") for path, headers in web.asked}
        assert sent == {"/a": "Bearer secret", "/same": "Bearer secret", "/b": None, "/c": None}


@pytest.mark.parametrize("token", ["", "two\r\nlines", "caf\u00e9"])
def test_a_token_that_cannot_be_sent_is_refused(web: Any, polite: Polite, token: str) -> None:
    """No header is smuggled in through it, and it is not shown."""
    with pytest.raises(Refused, match="token_env") as caught:
        polite().fetch(api(web.on("/a", web.reply()), token=token))
    assert not token or token not in str(caught.value)
    assert web.asked == []


def test_a_token_is_not_sent_unprotected(polite: Polite) -> None:
    """Plain http is for hosts that the configuration names."""
    with pytest.raises(Refused, match="unprotected"):
        polite().fetch(api("http://192.0.2.1/", token="secret"))


def test_a_key_goes_into_the_query_on_its_own_origin_only(web: Any, polite: Polite) -> None:
    """Neither another host, nor the way back from it, nor the capture's address has it; what repeats it is veiled."""
    elsewhere = f"http://localhost:{web.port}/b"
    web.on("/a", web.reply(302, Location="/same?page=1&api_key=hush+hush"))
    web.on("/same", web.reply(302, Location=f"{elsewhere}?api_key=hush%20hush&page=2"))
    web.on("/b", web.reply(302, Location=web.url("/c")))
    web.on("/c", web.reply(body=b"you said hush%20hush and hush hush", X_Asked="hush+hush"))
    client = polite(allow_hosts=("127.0.0.1", "localhost"))
    capture = client.fetch(api(web.url("/a?page=1"), key=("api_key", "hush hush")))
    keyed = ["/a?page=1&api_key=hush+hush", "/same?page=1&api_key=hush+hush"]
    assert [path for path, _ in web.asked] == [*keyed, "/b?page=2", "/c"]
    assert capture.url == web.url("/c")
    assert capture.body == b"you said *********** and *********"
    assert capture.headers["x-asked"] == "*********"


def test_a_key_is_not_sent_unprotected(polite: Polite) -> None:
    """Plain http is for hosts that the configuration names."""
    with pytest.raises(Refused, match="unprotected"):
        polite().fetch(api("http://192.0.2.1/", key=("api_key", "secret")))


def test_an_error_shows_no_secret_of_the_address(web: Any, polite: Polite) -> None:
    """Neither in its words nor in its evidence."""
    with pytest.raises(Gone) as caught:
        polite().fetch(api(web.url("/a?api_key=hush&page=1")))
    assert "hush" not in str(caught.value) + caught.value.url
    assert "page=1" in caught.value.url


# --- who we are ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "contact",
    [
        None,
        "",
        "archivist@example.org",
        "https://example.org/bot",
        "me@mail.EXAMPLE.com",
        "nobody",
        "a@b.c\r\nX: y",
        "é@b.c",
    ],
)
def test_without_a_contact_only_loopback_is_asked(
    web: Any, polite: Polite, contact: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal says what to set, also where the network is down; one's own server needs no contact."""
    client = polite(contact=contact)
    assert client.fetch(api(web.on("/a", web.reply(body=b"x")))).body == b"x"
    assert web.asked[0][1]["user-agent"] == "cupola/1.2"
    place = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [place])
    with pytest.raises(Refused, match=r"set http\.contact in config\.yaml"):
        client.fetch(api("http://mission.test/"))

    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Refused, match=r"set http\.contact in config\.yaml"):
        client.fetch(api("http://mission.test/"))


# --- proxy and TLS ---------------------------------------------------------------------------------------------------


def test_a_configured_proxy_is_used_and_private_names_are_not_asked_through_it(
    web: Any, polite: Polite, kept: Any
) -> None:
    """The proxy need not be allowed apart; its password goes to it alone."""
    client = polite(proxy=f"http://me:pass@{web.place}", allow_hosts=())
    seen: list[str] = []

    def answer(exchange: Any) -> None:
        seen.append(f"{exchange.path} {exchange.headers['Host']} {exchange.headers['Proxy-Authorization']}")
        exchange.reply(web.reply(body=b"ok"))

    web.on("http://mission.test/a", answer)
    assert client.fetch(api("http://mission.test/a")).body == b"ok"
    assert client.stream(api("http://mission.test/a"), kept).size == 2
    assert seen == ["http://mission.test/a mission.test Basic bWU6cGFzcw=="] * 2
    for url in (web.url("/"), "http://localhost/", "http://2130706433/", "http://10.0.0.1/", "http://[::1]/"):
        with pytest.raises(Blocked):
            client.fetch(api(url))


@pytest.fixture
def tls_port(web: Any) -> Any:
    """The port of a TLS server with a certificate that only those trust who are told to (synthetic)."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(Path(__file__).with_name("loopback.pem"))

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with plain:
                try:
                    with context.wrap_socket(plain, server_side=True) as protected:
                        protected.recv(65536)
                        where = f"Location: {web.url('/plain')}\r\n".encode()
                        protected.sendall(
                            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\n" + where + b"\r\n"
                        )
                except OSError:
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_certificate_that_is_not_trusted_is_refused(tls_port: int, polite: Polite, kept: Any) -> None:
    """TLS is verified for pages and pictures; it is not tried again."""
    client = polite(allow_hosts=("127.0.0.1",))
    url = f"https://127.0.0.1:{tls_port}/"
    for ask in (client.fetch, lambda request: client.stream(request, kept)):
        with pytest.raises(FetchError, match="certificate is not valid") as caught:
            ask(api(url))
        assert not caught.value.retriable


def test_a_redirect_from_https_to_http_is_refused(
    tls_port: int, web: Any, polite: Polite, kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the certificate trusted the connection stands, and what was protected does not go on in the open."""
    monkeypatch.setenv("SSL_CERT_FILE", str(Path(__file__).with_name("loopback.pem")))
    client = polite(allow_hosts=("127.0.0.1",))
    for ask in (client.fetch, lambda request: client.stream(request, kept)):
        with pytest.raises(Refused, match="from https to unprotected"):
            ask(api(f"https://127.0.0.1:{tls_port}/"))
    assert web.asked == []
