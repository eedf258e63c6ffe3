"""A body that breaks off is taken up where it did, and never with the rest of another version.

The server is real and misbehaves on a socket; all pictures are synthetic.
"""

from __future__ import annotations

import email.utils
import gzip
import hashlib
import io
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scraper.capture import Access, Request
from scraper.client import PoliteClient
from scraper.delivery import WORTH_RESUMING
from scraper.errors import FetchError, Gone, TooLarge
from scraper.media import MAX_HELD, take
from scraper.model import Attachment, MediaKind, MediaState
from scraper.settings import HttpSettings
from storage.blobs import Blobs

Polite = Callable[..., PoliteClient]

SIZE = 300_000
ONE, TWO = (random.Random(number).randbytes(SIZE) for number in (1, 2))  # two versions of equal size
TODAY = email.utils.formatdate(1_700_000_000, usegmt=True)
LONG_AGO = email.utils.formatdate(1_500_000_000, usegmt=True)


@dataclass(frozen=True)
class Part:
    """One answer: a file, or what is asked of it, of which so many bytes are sent before the line goes dead."""

    body: bytes = ONE
    cut: int | None = None
    headers: dict[str, str | None] = field(default_factory=lambda: {"ETag": '"one"'})
    #: ranges are understood; ``If-Range`` is obeyed
    ranges: bool = True
    honest: bool = True
    status: int | None = None
    chunked: bool = False

    def __call__(self, exchange: Any) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", exchange.headers.get("Range", ""))
        known = (self.headers.get("ETag"), self.headers.get("Last-Modified"))
        is_rest = bool(asked) and self.ranges and (not self.honest or exchange.headers.get("If-Range") in known)
        start = int(asked.group(1)) if asked and is_rest else 0
        body = self.body[start:]
        head = {"Content-Length": str(len(body)), "Date": TODAY}
        if is_rest:
            head["Content-Range"] = f"bytes {start}-{len(self.body) - 1}/{len(self.body)}"
        if self.chunked:
            del head["Content-Length"]
            head["Transfer-Encoding"] = "chunked"
        lines = [f"HTTP/1.1 {self.status or (206 if is_rest else 200)} told"]
        lines += [f"{name}: {value}" for name, value in {**head, **self.headers}.items() if value is not None]
        exchange.raw(("\r\n".join([*lines, "Connection: close", "", ""])).encode())
        sent = body if self.cut is None else body[: max(0, self.cut - start)]
        # counted first: once the bytes are out, the test may be over before this thread goes on
        exchange.web.sent = getattr(exchange.web, "sent", 0) + len(sent)
        exchange.raw(b"%x\r\n%s\r\n" % (len(sent), sent) + b"0\r\n\r\n" * (self.cut is None) if self.chunked else sent)


def ranges(web: Any) -> list[str | None]:
    """What each request asked of the file."""
    return [headers.get("range") for _, headers in web.asked]


def taken(client: PoliteClient, url: str, sink: Any, **options: Any) -> Any:
    return client.stream(Request(url=url, access=Access.API), sink, **options)


def test_the_rest_of_a_body_that_broke_off_is_asked_for(web: Any, polite: Polite, kept: Any) -> None:
    """The second request names the next byte and the version; nothing is sent twice, the sink does not begin again."""
    url = web.on("/p", Part(cut=100_000), Part())
    done = taken(polite(), url, kept)
    assert kept.body == ONE
    assert (kept.begun, done.size, done.status, web.sent) == (1, SIZE, 200, SIZE)
    assert ranges(web) == [None, "bytes=100000-"]
    assert web.asked[1][1]["if-range"] == '"one"'
    # what is told of it is the first answer's: the index says 200 and the whole length
    assert done.headers["content-length"] == str(SIZE)


def test_a_body_may_break_off_again_and_again(web: Any, polite: Polite, kept: Any) -> None:
    """Each try goes on from where the last one ended, as long as there are tries."""
    url = web.on("/p", Part(cut=100_000), Part(cut=100_001), Part(cut=250_000), Part())
    assert taken(polite(attempts=4), url, kept).size == SIZE
    assert (kept.body == ONE, kept.begun, web.sent) == (True, 1, SIZE)
    assert ranges(web) == [None, "bytes=100000-", "bytes=100001-", "bytes=250000-"]


def test_tries_that_are_used_up_are_an_error(web: Any, polite: Polite, kept: Any) -> None:
    """Taking up is a try like any other."""
    url = web.on("/p", Part(cut=100_000), Part(cut=150_000))
    with pytest.raises(FetchError, match="broke off") as raised:
        taken(polite(attempts=3), url, kept)
    assert raised.value.retriable
    assert web.times("/p") == 3


@pytest.mark.parametrize("repeated", [True, False])
def test_an_old_last_modified_is_proof_when_the_rest_repeats_it(
    web: Any, polite: Polite, kept: Any, repeated: bool
) -> None:
    """Without an ETag the date does, if it is a minute older than the answer and stands over the rest too."""
    dated: dict[str, str | None] = {"Last-Modified": LONG_AGO}
    url = web.on("/p", Part(cut=100_000, headers=dated), Part(headers=dated if repeated else {}, honest=False), Part())
    taken(polite(), url, kept)
    assert web.asked[1][1]["if-range"] == LONG_AGO
    assert kept.body == ONE
    assert kept.begun == (1 if repeated else 2)


def test_an_etag_is_enough_where_the_rest_leaves_out_the_date(web: Any, polite: Polite, kept: Any) -> None:
    """RFC 9110 lets a 206 leave out what If-Range has settled."""
    both: dict[str, str | None] = {"ETag": '"one"', "Last-Modified": LONG_AGO}
    url = web.on("/p", Part(cut=100_000, headers=both), Part())
    taken(polite(), url, kept)
    assert (kept.body == ONE, kept.begun) == (True, 1)


# no proof, no rest


def test_a_file_that_changed_comes_whole(web: Any, polite: Polite, kept: Any) -> None:
    """A server that obeys If-Range answers with all of the new version, of equal size, and that is what is kept."""
    url = web.on("/p", Part(cut=100_000), Part(body=TWO, headers={"ETag": '"two"'}))
    done = taken(polite(), url, kept)
    assert (kept.body == TWO, kept.begun, web.times("/p")) == (True, 2, 2)
    assert done.headers["etag"] == '"two"'


DISTRUSTED: dict[str, dict[str, str | None]] = {
    "another etag": {"ETag": '"two"'},
    "a weak etag": {"ETag": 'W/"one"'},
    "no etag": {},
    "no range": {"ETag": '"one"', "Content-Range": None},
    "an empty range": {"ETag": '"one"', "Content-Range": ""},
    "another start": {"ETag": '"one"', "Content-Range": f"bytes 99999-{SIZE - 2}/{SIZE}"},
    "from the start": {"ETag": '"one"', "Content-Range": f"bytes 0-{SIZE - 100_001}/{SIZE}"},
    "another total": {"ETag": '"one"', "Content-Range": f"bytes 100000-{SIZE - 1}/{SIZE + 1}"},
    "no total": {"ETag": '"one"', "Content-Range": f"bytes 100000-{SIZE - 1}/*"},
    "an end beyond the total": {
        "ETag": '"one"',
        "Content-Range": f"bytes 100000-{SIZE}/{SIZE}",
        "Content-Length": str(SIZE - 100_000 + 1),
    },
    "an end before the start": {"ETag": '"one"', "Content-Range": f"bytes 100000-5/{SIZE}"},
    "another unit": {"ETag": '"one"', "Content-Range": f"lines 100000-{SIZE - 1}/{SIZE}"},
    "nonsense": {"ETag": '"one"', "Content-Range": "bytes ٣-٤/٥"},
    "two parts": {"ETag": '"one"', "Content-Range": None, "Content-Type": "multipart/byteranges; boundary=x"},
    "another length": {"ETag": '"one"', "Content-Length": "7"},
    "another date": {"ETag": '"one"', "Last-Modified": LONG_AGO},
    "a packed rest": {"ETag": '"one"', "Content-Encoding": "gzip"},
}


@pytest.mark.parametrize("what", DISTRUSTED)
@pytest.mark.parametrize("body", [ONE, TWO], ids=["same", "changed"])
def test_a_rest_that_proves_nothing_is_not_taken(web: Any, polite: Polite, kept: Any, what: str, body: bytes) -> None:
    """Whatever is odd about a 206, the body begins again, and no try is lost over it."""
    url = web.on(
        "/p", Part(cut=100_000), Part(body=body, headers=DISTRUSTED[what], honest=False), Part(body=body, cut=None)
    )
    taken(polite(attempts=2), url, kept)
    assert hashlib.sha256(kept.body).digest() == hashlib.sha256(body).digest()
    assert kept.begun == 2
    assert ranges(web) == [None, "bytes=100000-", None]


def test_416_begins_again(web: Any, polite: Polite, kept: Any) -> None:
    """A range that cannot be had is not asked for twice."""
    url = web.on("/p", Part(cut=100_000), Part(status=416, honest=False), Part())
    taken(polite(attempts=2), url, kept)
    assert (kept.body == ONE, kept.begun, ranges(web)) == (True, 2, [None, "bytes=100000-", None])


def test_a_rest_longer_than_its_range_is_not_believed(web: Any, polite: Polite, kept: Any) -> None:
    """Too many bytes, which only a chunked rest can hold, spoil it; too few are one more break."""
    said: dict[str, str | None] = {"ETag": '"one"', "Content-Range": f"bytes 100000-{SIZE - 1}/{SIZE}"}
    long = Part(body=ONE + b"more", chunked=True, headers=said, honest=False)
    short = Part(body=ONE[:200_000], chunked=True, headers=said, honest=False)
    url = web.on("/p", Part(cut=100_000), long, Part(cut=100_000), short, Part())
    taken(polite(attempts=5), url, kept)
    assert (kept.body == ONE, kept.begun) == (True, 2)
    assert ranges(web) == [None, "bytes=100000-", None, "bytes=100000-", "bytes=200000-"]


def test_a_server_may_give_less_than_was_asked(web: Any, polite: Polite, kept: Any) -> None:
    """A range that ends early, and says so, is taken; what is still missing is asked for."""
    less: dict[str, str | None] = {"ETag": '"one"', "Content-Range": f"bytes 100000-199999/{SIZE}"}
    url = web.on("/p", Part(cut=100_000), Part(body=ONE[:200_000], headers=less), Part())
    taken(polite(), url, kept)
    assert (kept.body == ONE, kept.begun, web.sent) == (True, 1, SIZE)


# when nothing is asked


@pytest.mark.parametrize(
    "first",
    [
        Part(cut=WORTH_RESUMING - 1),
        Part(cut=100_000, headers={}),
        Part(cut=100_000, headers={"ETag": 'W/"one"'}),
        Part(cut=100_000, headers={"ETag": "one"}),
        Part(cut=100_000, headers={"ETag": '"o"n"e"'}),
        Part(cut=100_000, headers={"ETag": 'W/"one"', "Last-Modified": LONG_AGO}),
        Part(cut=100_000, headers={"Last-Modified": TODAY}),
        Part(cut=100_000, headers={"Last-Modified": "yesterday"}),
        Part(cut=100_000, headers={"Last-Modified": LONG_AGO, "Date": None}),
        Part(cut=100_000, headers={"ETag": '"one"'}, chunked=True),
        Part(cut=100_000, headers={"ETag": '"one"', "Content-Length": str(SIZE)}, chunked=True),
        Part(body=gzip.compress(ONE), cut=100_000, headers={"ETag": '"one"', "Content-Encoding": "gzip"}),
    ],
    ids=[
        "little", "nothing", "weak", "bare", "odd", "weak and dated", "just changed", "no date", "no clock", "chunked",
        "chunked and declared", "packed",
    ],
)  # fmt: skip
def test_without_proof_or_profit_no_range_is_asked_for(web: Any, polite: Polite, kept: Any, first: Part) -> None:
    """Little that came, no strong validator, no declared size or a packed body: it begins again, as ever."""
    url = web.on("/p", first, Part(body=TWO, headers={}))
    taken(polite(), url, kept)
    assert (kept.body == TWO, kept.begun, ranges(web)) == (True, 2, [None, None])


def test_a_server_without_ranges_costs_nothing_more(web: Any, polite: Polite, kept: Any) -> None:
    """Its 200 is taken as it comes: as many requests and waits as without a range."""
    url = web.on("/p", Part(cut=100_000), Part(ranges=False))
    taken(polite(attempts=2), url, kept)
    assert (kept.body == ONE, kept.begun, web.times("/p")) == (True, 2, 2)


def test_a_conditional_request_is_not_taken_up(web: Any, polite: Polite, kept: Any) -> None:
    """Where a 304 may be the answer, the rest of another version could hide behind it."""
    url = web.on("/p", Part(cut=100_000), Part())
    polite().stream(Request(url=url, access=Access.API, etag='"held"'), kept)
    assert (kept.body == ONE, ranges(web)) == (True, [None, None])


def test_a_page_is_not_taken_up(web: Any, polite: Polite) -> None:
    """What is kept as evidence is one answer, byte for byte."""
    url = web.on("/p", Part(cut=100_000), Part())
    assert polite().fetch(Request(url=url, access=Access.API)).body == ONE
    assert ranges(web) == [None, None]


def test_a_206_that_nobody_asked_for_is_an_error(web: Any, polite: Polite, kept: Any) -> None:
    """A part of a file is not taken for the file."""
    url = web.on("/p", Part(status=206))
    with pytest.raises(FetchError, match="206 where 200 was expected"):
        taken(polite(), url, kept)
    assert kept.begun == 0


# on the way


def test_a_fault_between_two_parts_loses_nothing(web: Any, polite: Polite, kept: Any) -> None:
    """A 503 or a dead line before the rest leaves what came where it is."""
    url = web.on("/p", Part(cut=100_000), web.reply(503, b"busy"), lambda exchange: None, Part())
    taken(polite(attempts=4), url, kept)
    assert (kept.body == ONE, kept.begun) == (True, 1)


def test_what_is_gone_meanwhile_is_gone(web: Any, polite: Polite, kept: Any) -> None:
    """An answer to the request for the rest means what it means."""
    url = web.on("/p", Part(cut=100_000), web.reply(404))
    with pytest.raises(Gone):
        taken(polite(), url, kept)


def test_a_rest_is_asked_for_at_the_address_that_gave_the_beginning(web: Any, polite: Polite, kept: Any) -> None:
    """Redirects are followed anew, without a range; another place at their end begins again."""
    for name in ("a", "b"):
        web.on(f"/{name}", Part(cut=100_000), Part(cut=200_000), Part())
    web.on("/same", web.reply(302, location="/a"))
    taken(polite(), web.url("/same"), kept)
    assert (kept.body == ONE, kept.begun) == (True, 1)
    assert ranges(web) == [None, None, None, "bytes=100000-", None, "bytes=200000-"]
    web.asked.clear()
    web.on("/a", Part(cut=100_000))
    web.on("/b", Part(body=TWO, headers={"ETag": '"one"'}))  # one ETag for all: not told apart but by their address
    web.on("/moving", web.reply(302, location="/a"), web.reply(302, location="/b"))
    taken(polite(), web.url("/moving"), kept)
    assert kept.body == TWO
    assert set(ranges(web)) == {None}


def test_the_cap_holds_over_all_parts(web: Any, polite: Polite, kept: Any) -> None:
    """A rest that goes on beyond the cap is stopped there, whatever was announced."""
    said: dict[str, str | None] = {"ETag": '"one"', "Content-Range": f"bytes 100000-{SIZE - 1}/{SIZE}"}
    endless = Part(body=ONE + bytes(2_000_000), chunked=True, headers=said, honest=False)
    url = web.on("/p", Part(cut=100_000), endless)
    with pytest.raises(TooLarge):
        taken(polite(), url, kept, max_bytes=SIZE)
    assert len(kept.body) <= SIZE


def test_no_two_versions_ever_become_one_file(web: Any, polite: Polite) -> None:
    """A hundred files that change at any request, on servers that break off, lie and misunderstand: each that comes
    whole is one version, by its hash.
    """
    versions = [random.Random(seed).randbytes(SIZE) for seed in range(6)]
    hashes = {hashlib.sha256(version).digest() for version in versions}
    dice = random.Random(2016)
    whole = resumed = 0
    client = polite(attempts=6)
    for number in range(100):
        plan = []
        version = dice.randrange(len(versions))
        for _ in range(8):
            if dice.random() < 0.3:
                version = dice.randrange(len(versions))
            headers: dict[str, str | None] = {"ETag": f'"{version}"'}
            if dice.random() < 0.1:
                headers = {}
            if dice.random() < 0.1:
                headers["Content-Range"] = f"bytes {dice.randrange(SIZE)}-{SIZE - 1}/{SIZE}"
            cut = dice.randrange(SIZE) if dice.random() < 0.7 else None
            ranged = dice.random() < 0.9
            plan.append(Part(versions[version], cut, headers, ranges=ranged, honest=dice.random() < 0.5))
        sink = Fresh()
        begun = len(web.asked)
        try:
            taken(client, web.on(f"/{number}", *plan), sink)
        except FetchError:
            continue
        whole += 1
        assert hashlib.sha256(sink.body).digest() in hashes
        resumed += any("range" in headers for _, headers in web.asked[begun:]) and sink.begun == 1
    assert whole > 50
    assert resumed > 5


class Fresh:
    """A sink in memory, for one file of many."""

    body = b""
    begun = 0

    def begin(self, url: str, headers: Any) -> None:
        self.body = b""
        self.begun += 1

    def write(self, chunk: bytes) -> None:
        self.body += chunk


# down to the disk


@pytest.mark.parametrize("size", [SIZE, MAX_HELD + SIZE], ids=["held in memory", "spilled to a file"])
@pytest.mark.parametrize("changed", [False, True])
def test_a_picture_in_two_parts_is_one_file_under_its_hash(
    web: Any, polite: Polite, tmp_path: Path, size: int, changed: bool
) -> None:
    """Hash, file and size are those of one whole picture, whether it was taken up or changed meanwhile."""
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 20, 160)).save(file, "BMP")
    one, two = (file.getvalue() + random.Random(seed).randbytes(size) for seed in (3, 4))
    after = Part(body=two, headers={"ETag": '"two"'}, honest=False) if changed else Part(body=one)
    url = web.on("/p.bmp", Part(body=one, cut=size - 50_000), after, Part(body=two, headers={"ETag": '"two"'}))
    blobs = Blobs(tmp_path)
    result = take(
        Attachment(url=url, kind=MediaKind.IMAGE),
        stream=polite().stream,
        incoming=blobs.incoming,
        settings=HttpSettings(),
        access=Access.API,
    )
    body = two if changed else one
    assert result.state is MediaState.STORED, result.reason
    assert result.asset is not None
    assert result.asset.sha256 == hashlib.sha256(body).hexdigest()
    (held,) = (path for path in (tmp_path / "media").rglob("*") if path.is_file())
    assert held.read_bytes() == body
    assert (result.status, dict(result.headers)["content-length"]) == (200, str(len(body)))
    assert web.sent == len(body) if not changed else web.times("/p.bmp") == 3
