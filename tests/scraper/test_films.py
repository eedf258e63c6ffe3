"""What is told of a film by its bytes, and when one is taken; every film here is written by hand (synthetic)."""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper import films
from scraper.capture import Access, Request
from scraper.delivery import Sink, Streamed
from scraper.errors import TooLarge
from scraper.media import UNWANTED, fits, take
from scraper.model import Attachment, MediaKind, MediaResult, MediaState
from scraper.pictures import NotAPicture
from scraper.settings import HttpSettings

FILM = "https://x.example/film.mp4"


def box(name: bytes, inside: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(inside), name) + inside


def mp4(width: int = 640, height: int = 360, *, brand: bytes = b"isom", data: bytes = b"\0" * 600) -> bytes:
    """The smallest file that says all of an MP4 that is looked at: no player would find a frame in it."""
    header = box(b"tkhd", b"\0" * 76 + struct.pack(">II", width << 16, height << 16))
    sound = box(b"trak", box(b"tkhd", b"\0" * 84))
    moov = box(b"moov", box(b"mvhd", b"\0" * 100) + sound + box(b"trak", header))
    return box(b"ftyp", brand + b"\0\0\2\0" + brand) + moov + box(b"mdat", data)


def element(name: bytes, inside: bytes) -> bytes:
    return name + struct.pack(">Q", len(inside) | 1 << 56) + inside


def webm(width: int = 640, height: int = 360, *, kind: bytes = b"webm", is_live: bool = False) -> bytes:
    """The same for WebM; a live recording does not know how long it will be."""
    head = element(b"\x1a\x45\xdf\xa3", element(b"\x42\x82", kind))
    shape = element(b"\xb0", struct.pack(">H", width)) + element(b"\xba", struct.pack(">H", height))
    tracks = element(b"\x16\x54\xae\x6b", element(b"\xae", element(b"\xe0", shape)))
    inside = tracks + element(b"\x1f\x43\xb6\x75", b"\0" * 700)
    return head + (b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + inside if is_live else element(b"\x18\x53\x80\x67", inside))


def look(body: bytes) -> tuple[str, str, int, int]:
    found = films.examine(io.BytesIO(body), len(body))
    return found.media_type, found.extension, found.width, found.height


def test_films_are_told_by_their_bytes() -> None:
    """Kind, extension and the size of the picture, whatever their names say."""
    assert look(mp4()) == ("video/mp4", "mp4", 640, 360)
    assert look(mp4(1920, 1080, brand=b"mp42")) == ("video/mp4", "mp4", 1920, 1080)
    assert look(webm()) == look(webm(is_live=True)) == ("video/webm", "webm", 640, 360)


@pytest.mark.parametrize(
    ("body", "said", "lasting"),
    [
        (b"", "zero bytes", False),
        (b"<!doctype html><title>Sign in</title>", "a page or text in place of a film", False),
        (b'{"error": "no"}', "a page or text in place of a film", False),
        (b"\xff\xd8\xff\xe0" + b"\0" * 600, "no MP4 and no WebM", True),
        (mp4(brand=b"avif"), "a kind that is not taken", True),
        (mp4(brand=b"qt  "), "a kind that is not taken", True),
        (webm(kind=b"matroska"), "a kind that is not taken", True),
        (mp4(0, 0), "without a picture", True),
        (mp4()[:-1], "cut short", False),
        (mp4()[:400], "cut short", False),
        (webm()[:-1], "cut short", False),
        (box(b"ftyp", b"isom") + box(b"mdat", b"\0" * 600), "it has no film", False),
        (box(b"ftyp", b"isom") + struct.pack(">I4s", 3, b"moov") + b"\0" * 600, "a wrong length", False),
    ],
)
def test_what_is_no_film_or_not_whole_is_told(body: bytes, said: str, lasting: bool) -> None:
    """And whether another try may bring something else."""
    with pytest.raises(NotAPicture, match=said) as raised:
        look(body)
    assert raised.value.lasting is lasting


@given(st.integers(0, 1400), st.binary(max_size=12), st.sampled_from([mp4(), webm(), webm(is_live=True)]))
def test_a_film_changed_anywhere_is_read_or_refused(at: int, put: bytes, body: bytes) -> None:
    """Never another exception, and never a walk without an end."""
    changed = body[:at] + put + body[at + len(put) :]
    with contextlib.suppress(NotAPicture):
        assert look(changed)[0].startswith("video/")


# --- taking them -----------------------------------------------------------------------------------------------------


class Held:
    """A place in memory, with what was committed."""

    def __init__(self, kept: dict[str, bytes]) -> None:
        self.kept, self.bytes = kept, b""

    def write(self, chunk: bytes) -> None:
        self.bytes += chunk

    def reset(self) -> None:
        self.bytes = b""

    def open(self) -> BinaryIO:
        return io.BytesIO(self.bytes)

    def commit(self, sha256: str, extension: str) -> None:
        self.kept[extension] = self.bytes

    def discard(self) -> None:
        pass


def serving(files: Mapping[str, bytes], asked: list[Any]) -> Callable[..., Streamed]:
    def stream(request: Request, sink: Sink, *, max_bytes: int | None = None) -> Streamed:
        body = files[request.url]
        asked.append((request.accept, max_bytes))
        if max_bytes is not None and len(body) > max_bytes:
            message = f"{request.url}: announces {len(body)} bytes, the cap is {max_bytes} bytes (http.…)"
            raise TooLarge(message, url=request.url, limit=max_bytes)
        sink.begin(request.url, {"content-type": "text/plain"})
        for at in range(0, len(body), 100):
            sink.write(body[at : at + 100])
        return Streamed(
            url=request.url, status=200, headers={}, size=len(body), fetched_at=datetime(2026, 1, 1, tzinfo=UTC)
        )

    return stream


def taken(
    body: bytes, cap: int | None, kind: MediaKind = MediaKind.VIDEO
) -> tuple[MediaResult, dict[str, bytes], list[Any]]:
    kept: dict[str, bytes] = {}
    asked: list[Any] = []
    result = take(
        Attachment(url=FILM, kind=kind),
        stream=serving({FILM: body}, asked),
        incoming=lambda: Held(kept),
        settings=HttpSettings(attempts=2),
        access=Access.API,
        max_film_bytes=cap,
    )
    return result, kept, asked


@pytest.mark.parametrize("body", [mp4(), webm(), mp4(data=b"\0" * (5 * 2**20))])
def test_a_film_is_kept_where_it_may_be(body: bytes) -> None:
    """Whole, under the extension of its bytes, with the size of its picture; nothing of it is decoded."""
    result, kept, asked = taken(body, 2**23)
    assert (result.state, list(kept.values())) == (MediaState.STORED, [body])
    assert result.asset is not None
    assert (result.asset.width, result.asset.height, result.asset.size) == (640, 360, len(body))
    assert result.fingerprint is not None
    assert result.fingerprint.hash is None
    assert asked == [("video/*, */*;q=0.5", 2**23)]


def test_a_film_is_skipped_until_it_is_wanted_and_small_enough() -> None:
    """The reason says what to set; and once that is set, it is wanted again."""
    result, kept, asked = taken(mp4(), None)
    assert (result.state, result.reason, kept, asked) == (MediaState.SKIPPED, UNWANTED[MediaKind.VIDEO], {}, [])
    assert [fits(str(result.reason), HttpSettings(), cap) for cap in (None, 1)] == [False, True]
    assert fits("video is not taken yet", HttpSettings(), 1)
    large, _, _ = taken(mp4(), 500)
    assert large.state is MediaState.SKIPPED
    assert str(large.reason).endswith("of a film it is video.max_bytes of its source")
    assert [fits(str(large.reason), HttpSettings(), cap) for cap in (None, 500, 2000)] == [False, False, True]


def test_a_picture_is_no_film_and_a_film_no_picture() -> None:
    """What the post says it is, is what is looked for."""
    assert taken(b"\xff\xd8\xff\xe0" + b"\0" * 600, 2**20)[0].state is MediaState.SKIPPED
    assert taken(mp4(), 2**20, MediaKind.IMAGE)[0].state is MediaState.SKIPPED
    assert taken(b"<html><title>Sign in</title></html>", 2**20)[0].state is MediaState.FAILED
