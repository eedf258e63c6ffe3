"""What a film is by its bytes alone: MP4 or WebM, the size of its picture, whether it is whole; decodes nothing.

MP4: ISO/IEC 14496-12 (boxes within boxes; the picture's size stands in a track's header). WebM: RFC 9559 on top of
RFC 8794 (elements whose names and lengths are numbers of one to eight bytes).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

from scraper.containers import Damaged
from scraper.pictures import HEAD, NotAPicture, Picture

#: brands of what is no film, though it comes in the same boxes
_OTHER_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"crx ", b"qt  ", b"M4A ")
_MATROSKA = b"\x1a\x45\xdf\xa3"
_MAX_PARTS = 200_000  # of one level: a fragmented film has two for each second or so
_SEGMENT, _TRACKS, _TRACK, _VIDEO, _WIDTH, _HEIGHT = 0x18538067, 0x1654AE6B, 0xAE, 0xE0, 0xB0, 0xBA

#: where a part's inside begins and ends in the file
Place = tuple[int, int]


def recognise(head: bytes) -> str:
    """The media type of the film that begins with ``head`` (its first ``HEAD`` bytes; 512 are enough to tell).

    Raises:
        NotAPicture: it is none of a kind that is taken; the message says what it seems to be.
    """
    if head[4:8] == b"ftyp" and head[8:12] not in _OTHER_BRANDS:
        return "video/mp4"
    if head.startswith(_MATROSKA) and b"webm" in head[:512]:
        return "video/webm"
    if not head:
        raise NotAPicture("zero bytes in place of a film", lasting=False)
    if head.startswith(_MATROSKA) or head[4:8] == b"ftyp":
        raise NotAPicture("a film of a kind that is not taken (MP4 and WebM are)", lasting=True)
    is_text = head.lstrip()[:1] in (b"<", b"{", b"[")
    raise NotAPicture("a page or text in place of a film" if is_text else "no MP4 and no WebM", lasting=not is_text)


def examine(file: BinaryIO, size: int) -> Picture:
    """The film in ``file``, checked from its head to its end as far as its own table of parts goes.

    Args:
        file: seekable; headers are read and the rest is skipped.
        size: its length in bytes.

    Raises:
        NotAPicture: no film, none with a picture, or not whole.
        OSError: the file cannot be read.
    """
    file.seek(0)
    media_type = recognise(file.read(HEAD))
    extension = media_type.removeprefix("video/")
    read: Callable[[BinaryIO, int], tuple[int, int]] = _read_mp4 if extension == "mp4" else _read_webm
    try:
        width, height = read(file, size)
    except Damaged as error:
        raise NotAPicture(f"a damaged {extension.upper()}: {error}", lasting=False) from error
    if width * height == 0:
        raise NotAPicture(f"a {extension.upper()} without a picture", lasting=True)
    return Picture(media_type=media_type, extension=extension, width=width, height=height)


def _take(file: BinaryIO, at: int, length: int) -> bytes:
    file.seek(at)
    block = file.read(length)
    if len(block) != length:
        raise Damaged("it is cut short")
    return block


# --- MP4


def _read_mp4(file: BinaryIO, size: int) -> tuple[int, int]:
    parts = list(_boxes(file, (0, size)))
    names = {name for name, _ in parts}
    if not names >= {b"moov", b"mdat"}:
        raise Damaged("it has no film, or is cut short")
    shapes = [(0, 0)]
    for name, place in parts:
        for track in _inside(file, place, b"trak") if name == b"moov" else ():
            shapes += [_shape(file, header) for header in _inside(file, track, b"tkhd")]
    return max(shapes, key=lambda shape: shape[0] * shape[1])


def _shape(file: BinaryIO, place: Place) -> tuple[int, int]:
    """Width and height at the end of a track's header, in 65536ths of a pixel."""
    start, end = place
    if end - start < 8:
        raise Damaged("one of its parts has a wrong length")
    width, height = struct.unpack(">II", _take(file, end - 8, 8))
    return width >> 16, height >> 16


def _inside(file: BinaryIO, place: Place, wanted: bytes) -> Iterator[Place]:
    return (inside for name, inside in _boxes(file, place) if name == wanted)


def _boxes(file: BinaryIO, place: Place) -> Iterator[tuple[bytes, Place]]:
    at, end = place
    for _ in range(_MAX_PARTS):
        if at == end:
            return
        length, name = struct.unpack(">I4s", _take(file, at, 8))
        inside = at + 8
        if length == 1:
            (length,) = struct.unpack(">Q", _take(file, inside, 8))
            inside += 8
        elif length == 0:  # up to the end
            length = end - at
        if length < inside - at or at + length > end:
            raise Damaged("it is cut short, or one of its parts has a wrong length")
        yield name, (inside, at + length)
        at += length
    raise Damaged("it has more parts than a film has")


# --- WebM


def _read_webm(file: BinaryIO, size: int) -> tuple[int, int]:
    shapes = [(0, 0)]
    for name, place in _elements(file, (0, size)):
        for track in _within(file, place, _TRACKS, _TRACK) if name == _SEGMENT else ():
            for video in _within(file, track, _VIDEO):
                told = {
                    kind: int.from_bytes(_take(file, at, min(end - at, 8)))
                    for kind, (at, end) in _elements(file, video)
                }
                shapes.append((told.get(_WIDTH, 0), told.get(_HEIGHT, 0)))
    return max(shapes, key=lambda shape: shape[0] * shape[1])


def _within(file: BinaryIO, place: Place, *path: int) -> Iterator[Place]:
    for name, inside in _elements(file, place):
        if name == path[0]:
            yield from _within(file, inside, *path[1:]) if path[1:] else (inside,)


def _elements(file: BinaryIO, place: Place) -> Iterator[tuple[int, Place]]:
    at, end = place
    for _ in range(_MAX_PARTS):
        if at >= end:
            return
        name, at = _number(file, at, keeps_mark=True)
        length, at = _number(file, at, keeps_mark=False)
        following = end if length < 0 else at + length  # of unknown length: a live recording, up to the end
        if following > end:
            raise Damaged("it is cut short, or one of its parts has a wrong length")
        yield name, (at, following)
        at = following
    raise Damaged("it has more parts than a film has")


def _number(file: BinaryIO, at: int, *, keeps_mark: bool) -> tuple[int, int]:
    """A number whose first bits say how many bytes it has, and the place behind it; -1 for «unknown»."""
    first = _take(file, at, 1)[0]
    if first == 0:
        raise Damaged("one of its parts has a wrong length")
    count = 9 - first.bit_length()
    value = int.from_bytes(_take(file, at, count))
    bare = value & ((1 << 7 * count) - 1)
    if keeps_mark:
        return value, at + count
    return (-1 if bare == (1 << 7 * count) - 1 else bare), at + count
