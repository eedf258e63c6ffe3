"""Attachments taken by the real client from a real server on loopback into a real folder; all pictures synthetic."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from PIL import Image

from scraper.capture import Access, Request
from scraper.client import PoliteClient
from scraper.contentid import cid_of
from scraper.media import MAX_HELD, fits, take
from scraper.model import Attachment, MediaKind, MediaResult, MediaState
from scraper.settings import HttpSettings
from storage.blobs import Blobs
from storage.errors import DiskFull


def drawn(form: str = "JPEG", shade: int = 90) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (shade, 20, 160)).save(file, form)
    return file.getvalue()


PICTURE = drawn()
LARGE = drawn("BMP") + bytes(range(256)) * (6 * 2**20 // 256)
PAGE = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>" + b"x" * 900


@dataclass
class Answer:
    """One scripted answer; ``declared`` is the Content-Length when it is not the true one."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    declared: int | None = None


class QuietServer(ThreadingHTTPServer):
    """Says nothing of clients that hang up: that is what many of these tests are about."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class Site:
    """A server that answers each path with its script, the last answer again and again, and remembers who asked."""

    def __init__(self) -> None:
        self.script: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else each answer waits 40 ms for the other end's acknowledgement

            def do_GET(self) -> None:
                site.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                answers = site.script.get(self.path, [Answer(status=404)])
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                length = len(answer.body) if answer.declared is None else answer.declared
                self.send_header("Content-Length", str(length))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client has seen enough
                    self.wfile.write(answer.body)
                self.close_connection = length != len(answer.body)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def says(self, path: str, *answers: Answer | bytes) -> str:
        self.script[path] = [Answer(body=answer) if isinstance(answer, bytes) else answer for answer in answers]
        return f"http://{self.host}{path}"

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def other_site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path)


Taking = Callable[..., MediaResult]


@pytest.fixture
def taking(site: Site, other_site: Site, blobs: Blobs) -> Iterator[Taking]:
    """Takes addresses (the first one and its alternatives) with the real client; waits cost nothing."""
    clients: list[PoliteClient] = []

    def taken(*urls: str, token: str | None = None, incoming: Any = None, **limits: Any) -> MediaResult:
        settings = HttpSettings(allow_hosts=(site.host, other_site.host), rate="none", **limits)
        client = PoliteClient(settings, version="0", sleep=lambda seconds: None)
        clients.append(client)
        return take(
            Attachment(url=urls[0], alternatives=urls[1:]),
            stream=client.stream,
            incoming=incoming or blobs.incoming,
            settings=settings,
            access=Access.API,
            token=token,
            clock=lambda: 1_500_000_000.0,
        )

    yield taken
    for client in clients:
        client.close()


def is_empty(folder: Path) -> bool:
    """Whether no file at all is in the archive, finished or not."""
    return not [path for path in folder.rglob("*") if path.is_file()]


def test_a_picture_is_stored_under_its_hash_with_all_that_is_known(site: Site, taking: Taking, blobs: Blobs) -> None:
    """Hash, size, type, width and height are those of the bytes, whatever name and type the server gives."""
    url = site.says("/picture.exe?size=huge", Answer(PICTURE, headers={"Content-Type": "text/html", "ETag": '"1"'}))
    result = taking(url)
    assert result.state is MediaState.STORED
    assert result.asset is not None
    asset = result.asset
    assert asset.sha256 == hashlib.sha256(PICTURE).hexdigest()
    assert (asset.media_type, asset.extension) == ("image/jpeg", "jpg")
    assert (asset.width, asset.height, asset.size) == (64, 48, len(PICTURE))
    assert (result.url, result.status) == (url, 200)
    assert dict(result.headers)["etag"] == '"1"'
    assert result.fetched_at is not None
    blobs.verify(asset.sha256, asset.extension)


def test_a_large_picture_goes_through_the_disk(site: Site, taking: Taking, blobs: Blobs) -> None:
    """A picture over what is held in memory is written as it comes, checked on the disk, and the same in the end."""
    assert len(LARGE) > MAX_HELD
    result = taking(site.says("/large", LARGE))
    assert result.asset is not None
    assert result.asset.size == len(LARGE)
    blobs.verify(hashlib.sha256(LARGE).hexdigest(), "bmp")


def test_a_large_picture_that_breaks_off_begins_again(site: Site, taking: Taking, blobs: Blobs) -> None:
    """What was already on the disk of a broken answer is dropped, and the next answer is stored whole."""
    broken = Answer(LARGE[: MAX_HELD + 2**20], declared=len(LARGE))
    result = taking(site.says("/large", broken, broken, LARGE))
    assert result.state is MediaState.STORED
    blobs.verify(hashlib.sha256(LARGE).hexdigest(), "bmp")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (PAGE, "an HTML page in place of a picture: “502 Bad Gateway”"),
        (b"", "zero bytes in place of a picture"),
        (PICTURE[:-40], "a damaged JPEG: it is cut short"),
        (b'{"error": "busy"}', "JSON in place of a picture"),
        (LARGE[: MAX_HELD // 2], None),
    ],
    ids=["page", "nothing", "cut", "json", "other-picture"],
)
def test_wrong_bytes_are_asked_for_again(
    site: Site, taking: Taking, tmp_path: Path, wrong: bytes, words: str | None
) -> None:
    """A page, nothing, or a cut picture with status 200 is tried again at once, and the picture stored in the end."""
    if words is None:
        assert taking(site.says("/p", wrong)).state is MediaState.STORED  # a sound picture needs no second try
        return
    result = taking(site.says("/p", wrong, wrong, wrong, PICTURE), attempts=4)
    assert result.state is MediaState.STORED
    result = taking(site.says("/q", wrong), attempts=3)
    assert result.state is MediaState.FAILED
    assert words in str(result.reason)
    assert "(3 tries)" in str(result.reason)
    assert (result.status, site.paths().count("/q")) == (200, 3)


def test_a_failed_try_leaves_nothing_on_the_disk(site: Site, taking: Taking, tmp_path: Path) -> None:
    """After any refusal there is no file in the archive, not even an unfinished one."""
    assert taking(site.says("/a", PAGE)).state is MediaState.FAILED
    assert taking(site.says("/b", b"BM" + LARGE[2:10] + b"\xff" * (MAX_HELD + 99))).state is MediaState.FAILED
    assert taking(site.says("/c", LARGE), max_pixels=100).state is MediaState.SKIPPED
    assert taking(site.says("/d", LARGE), max_media_bytes=MAX_HELD + 9).state is MediaState.SKIPPED
    assert is_empty(tmp_path)


@pytest.mark.parametrize(
    ("body", "limits", "words"),
    [
        (PICTURE, {"max_pixels": 64 * 48 - 1}, "a picture of 64 x 48, 3,072 pixels, over the cap of 3,071"),
        (PICTURE, {"max_media_bytes": 100}, "the cap is 100"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", {}, "an SVG drawing"),
        (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + b"\0" * 999, {}, "video/mp4"),
    ],
    ids=["pixels", "bytes", "svg", "film"],
)
def test_what_will_not_be_taken_is_skipped_with_the_reason(
    site: Site, taking: Taking, body: bytes, limits: dict[str, int], words: str
) -> None:
    """Over a cap or of a kind that is not taken: skipped after one request, since the next would bring the same."""
    result = taking(site.says("/p", body), **limits)
    assert result.state is MediaState.SKIPPED
    assert words in str(result.reason)
    assert site.paths() == ["/p"]


PACKED = Answer(gzip.compress(bytes(10**6)), headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    ("answer", "cap", "low", "needs"),
    [
        (PICTURE, "max_pixels", 100, 64 * 48),
        (PICTURE, "max_media_bytes", 100, len(PICTURE)),
        (PACKED, "max_media_bytes", 9_000, 9_001),
    ],
    ids=["pixels", "announced", "endless"],
)
def test_a_raised_cap_is_seen_in_the_reason(
    site: Site, taking: Taking, answer: Answer | bytes, cap: str, low: int, needs: int
) -> None:
    """Within the cap by now; or larger than the cap of then, nobody knows by how much: then it is worth a try."""
    result = taking(site.says("/p", answer), **{cap: low})
    assert result.state is MediaState.SKIPPED
    assert not fits(str(result.reason), HttpSettings(**{cap: needs - 1}))
    assert fits(str(result.reason), HttpSettings(**{cap: needs}))


def test_a_picture_that_is_refused_is_not_told_to_need_a_token(site: Site, taking: Taking) -> None:
    """No token goes with pictures: whoever set one would wait in vain."""
    result = taking(site.says("/p", Answer(status=403)))
    assert result.state is MediaState.FAILED
    assert "does not let us have this picture" in str(result.reason)
    assert "token_env" not in str(result.reason)


def test_a_reason_that_is_no_cap_holds() -> None:
    """What will not be taken for what it is stays skipped, whatever the caps are."""
    for reason in ("video is not taken yet", "https://x.example/p gave an SVG drawing", ""):
        assert not fits(reason, HttpSettings())


def test_a_film_is_not_read_to_its_end(site: Site, taking: Taking) -> None:
    """A file that is no picture is given up after its first bytes, however much of it there is."""
    film = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + b"\0" * 8_000_000
    written = 0

    class Place:
        def write(self, chunk: bytes) -> None:
            nonlocal written
            written += len(chunk)

        def reset(self) -> None: ...
        def open(self) -> BinaryIO:
            raise AssertionError("nothing was to be written")

        def commit(self, sha256: str, extension: str) -> None:
            raise AssertionError("nothing was to be kept")

        def discard(self) -> None: ...

    assert taking(site.says("/film", film), incoming=Place).state is MediaState.SKIPPED
    assert written == 0


@pytest.mark.parametrize("kind", [MediaKind.VIDEO, MediaKind.AUDIO, MediaKind.UNKNOWN])
def test_only_pictures_are_asked_for(blobs: Blobs, kind: MediaKind) -> None:
    """Video, audio and media of unknown kind are skipped with a reason, and nobody is asked."""

    def nobody(request: Request, sink: Any, *, max_bytes: int | None = None) -> Any:
        raise AssertionError("asked for it")

    for url in ("https://media.example/1", None):
        result = take(
            Attachment(url=url, kind=kind),
            stream=nobody,
            incoming=blobs.incoming,
            settings=HttpSettings(),
            access=Access.API,
        )
        assert result.state is MediaState.SKIPPED
        assert result.reason


def test_a_picture_that_the_platform_has_not_made_yet_stays_pending(blobs: Blobs) -> None:
    """Without an address the attachment is pending, and says why."""

    def nobody(request: Request, sink: Any, *, max_bytes: int | None = None) -> Any:
        raise AssertionError("asked for it")

    result = take(
        Attachment(url=None), stream=nobody, incoming=blobs.incoming, settings=HttpSettings(), access=Access.API
    )
    assert result.state is MediaState.PENDING
    assert result.reason == "the platform has not made the file yet"


@pytest.mark.parametrize(
    "first",
    [Answer(status=404), Answer(status=410), Answer(status=403), Answer(PAGE), Answer(b"<svg/>"), Answer(PICTURE[:99])],
    ids=["404", "410", "403", "page", "svg", "cut"],
)
def test_the_next_rendition_is_taken_where_the_largest_is_not_to_be_had(
    site: Site, taking: Taking, first: Answer
) -> None:
    """What is gone, refused or no picture leads to the alternatives in order; the address taken is told."""
    urls = [site.says("/hires", first), site.says("/gone"), site.says("/small", PICTURE), site.says("/tiny", PICTURE)]
    site.script["/gone"] = [Answer(status=404)]
    result = taking(*urls, attempts=2)
    assert (result.state, result.url) == (MediaState.STORED, urls[2])
    assert "/tiny" not in site.paths()


def blob_path(body: bytes) -> str:
    """Where a server of the AT Protocol has these bytes, named by their hash."""
    return f"/xrpc/com.atproto.sync.getBlob?did=did:plc:x&cid={cid_of(hashlib.sha256(body).digest())}"


@pytest.mark.parametrize("body", [PICTURE, LARGE], ids=["held", "through-the-disk"])
def test_bytes_that_an_address_promises_are_held_to_it(
    site: Site, taking: Taking, blobs: Blobs, tmp_path: Path, body: bytes
) -> None:
    """The promised picture is stored; another one, though sound, fails with both hashes, and nothing else is tried."""
    other = drawn(shade=10) if body is PICTURE else LARGE + b"."
    small = site.says("/small", PICTURE)
    url = site.says(blob_path(body), other)
    result = taking(url, small, attempts=2)
    assert (result.state, result.asset, result.status) == (MediaState.FAILED, None, 200)
    assert hashlib.sha256(other).hexdigest() in str(result.reason)
    assert hashlib.sha256(body).hexdigest() in str(result.reason)
    assert "(2 tries)" in str(result.reason)
    assert "/small" not in site.paths()
    assert is_empty(tmp_path)
    result = taking(site.says(blob_path(body), other, body), small)
    assert result.state is MediaState.STORED
    blobs.verify(hashlib.sha256(body).hexdigest(), "jpg" if body is PICTURE else "bmp")


@pytest.mark.parametrize("first", [Answer(status=404), Answer(status=400), Answer(PAGE)], ids=["404", "400", "page"])
def test_a_promised_picture_that_is_not_there_leads_to_what_was_made_of_it(
    site: Site, taking: Taking, first: Answer
) -> None:
    """Where the original is not to be had, the next rendition is taken, which no address holds to a hash."""
    result = taking(site.says(blob_path(LARGE), first), site.says("/img/fullsize", PICTURE), attempts=1)
    assert (result.state, result.url) == (MediaState.STORED, f"http://{site.host}/img/fullsize")


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_outage_does_not_settle_for_a_smaller_picture(site: Site, taking: Taking, status: int) -> None:
    """When the server is in trouble the largest rendition is asked for again another day; no smaller one is kept."""
    hires = site.says("/hires", Answer(status=status))
    result = taking(hires, site.says("/small", PICTURE), attempts=2)
    assert (result.state, result.status) == (MediaState.FAILED, status)
    assert "/small" not in site.paths()


def test_a_host_that_asks_for_a_long_pause_is_given_it(site: Site, taking: Taking) -> None:
    """Retry-After beyond what a run waits becomes the earliest time of the next try."""
    url = site.says("/p", Answer(status=429, headers={"Retry-After": "7200"}))
    result = taking(url)
    assert result.state is MediaState.FAILED
    assert result.not_before is not None
    assert result.not_before.timestamp() == 1_500_000_000 + 7200
    assert len(site.asked) == 1


def test_gone_everywhere_is_gone(site: Site, taking: Taking) -> None:
    """404 or 410 on every address is gone; the same address twice is asked once."""
    url = site.says("/a", Answer(status=404))
    result = taking(url, site.says("/b", Answer(status=410)), url)
    assert (result.state, result.url) == (MediaState.GONE, url)
    assert site.paths() == ["/a", "/b"]


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ([Answer(status=404), Answer(status=403)], MediaState.FAILED),
        ([Answer(b"<svg/>"), Answer(status=404)], MediaState.SKIPPED),
        ([Answer(status=404), Answer(PAGE), Answer(b"<svg/>")], MediaState.FAILED),
    ],
)
def test_of_several_reasons_the_most_hopeful_is_told(
    site: Site, taking: Taking, answers: list[Answer], state: MediaState
) -> None:
    """One address that another try may mend keeps the attachment alive; gone is only what is gone everywhere."""
    urls = [site.says(f"/{number}", answer) for number, answer in enumerate(answers)]
    assert taking(*urls, attempts=1).state is state


def test_a_blocked_address_fails_with_the_remedy(taking: Taking, tmp_path: Path) -> None:
    """A picture on a private address is not asked for; the reason names the address, and it can be allowed later."""
    result = taking("http://127.0.0.1:9/p.jpg")
    assert result.state is MediaState.FAILED
    assert "127.0.0.1" in str(result.reason)
    assert is_empty(tmp_path)


def test_a_token_goes_to_its_own_host_only(site: Site, other_site: Site, taking: Taking) -> None:
    """The read token is sent with the attachment's own address, not to an alternative on another host."""
    elsewhere = other_site.says("/p", PICTURE)
    taking(site.says("/p", Answer(status=404)), site.says("/q", Answer(status=404)), elsewhere, token="secret")
    assert [headers.get("authorization") for _, headers in site.asked] == ["Bearer secret"] * 2
    assert [headers.get("authorization") for _, headers in other_site.asked] == [None]


def test_a_full_disk_is_not_a_fault_of_the_picture(site: Site, taking: Taking) -> None:
    """What the archive raises comes through, after the unfinished file was dropped: the run has to stop."""
    events: list[str] = []

    class FullPlace:
        def write(self, chunk: bytes) -> None:
            raise DiskFull("no space")

        def reset(self) -> None: ...
        def open(self) -> BinaryIO:
            raise AssertionError("nothing was written")

        def commit(self, sha256: str, extension: str) -> None:
            raise AssertionError("nothing was written")

        def discard(self) -> None:
            events.append("discarded")

    for body in (PICTURE, LARGE):
        with pytest.raises(DiskFull):
            taking(site.says("/p", body), incoming=FullPlace)
    assert events == ["discarded"] * 2


def test_an_interrupt_comes_through_and_leaves_nothing(site: Site, blobs: Blobs, tmp_path: Path) -> None:
    """Ctrl-C in the middle of a large picture drops what was written and goes on up."""

    def interrupted(request: Request, sink: Any, *, max_bytes: int | None = None) -> Any:
        sink.begin(request.url, {})
        sink.write(LARGE[: MAX_HELD + 1])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(
            Attachment(url="https://media.example/1"),
            stream=interrupted,
            incoming=blobs.incoming,
            settings=HttpSettings(),
            access=Access.API,
        )
    assert is_empty(tmp_path)


def test_the_same_picture_from_two_addresses_is_held_once(site: Site, taking: Taking, blobs: Blobs) -> None:
    """Two attachments with the same bytes have the same asset and one file."""
    first, second = taking(site.says("/a", PICTURE)), taking(site.says("/b", PICTURE))
    assert first.asset == second.asset
    assert len(list(blobs.walk())) == 1


def test_a_reason_is_one_printable_line(site: Site, taking: Taking) -> None:
    """Neither the address nor the page's title can bring control characters into the terminal or the log."""
    title = "\x1b]0;owned\x07 " + "very " * 100
    result = taking(site.says("/p", f"<html><title>{title}</title>".encode()), attempts=1)
    assert str(result.reason).isprintable()
    assert len(str(result.reason)) < 500
