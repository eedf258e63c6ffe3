"""The insides of picture files: size, frames, Exif, and whether the file goes on to its end; decodes nothing.

Each reader takes a seekable file and its length, reads headers and skips the rest, so that its memory is bounded
whatever the file claims; it raises ``Damaged`` where the file is cut short or does not hold together.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from scraper.exif import read_exif, tags_of
from scraper.tiff import Directories, DirectoryError, shapes_of

_BLOCK = 2**16
_MAX_EXIF = 2**20  # Exif is 64 KiB at most in a JPEG; larger blocks elsewhere are somebody's private data
_MAX_JUNK = 4096  # bytes between two segments of a JPEG
_MAX_BOXES = 4096  # of one level of an AVIF


class Damaged(Exception):
    """A file that is cut short or does not hold together; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Width and height as stored; ``largest_frame`` in pixels, where there are frames; the tags read."""

    width: int
    height: int
    largest_frame: int = 0
    exif: tuple[tuple[str, str], ...] = ()


def _take(file: BinaryIO, length: int) -> bytes:
    block = file.read(length)
    if len(block) != length:
        raise Damaged("it is cut short")
    return block


# --- JPEG: ISO/IEC 10918-1, annex B


def read_jpeg(file: BinaryIO, size: int) -> Found:
    """Segments up to the first scan, then the end mark, with whatever a phone or camera has put behind it."""
    file.seek(2)
    shape: tuple[int, int] | None = None
    exif: tuple[tuple[str, str], ...] = ()
    while True:
        code = _next_mark(file)
        if code == 0x01 or 0xD0 <= code <= 0xD8:  # marks without a segment
            continue
        (length,) = struct.unpack(">H", _take(file, 2))
        following = file.tell() - 2 + length
        if length < 2 or following > size:
            raise Damaged("it is cut short, or one of its parts has a wrong length")
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):  # a frame header of any coding
            _, height, width = struct.unpack(">BHH", _take(file, 5))
            shape = (width, height)
        elif code == 0xE1 and not exif and file.read(6) == b"Exif\0\0":
            exif = read_exif(file.read(length - 8))
        file.seek(following)
        if code == 0xDA:
            break
    if shape is None:
        raise Damaged("a scan stands before any frame")
    # inside coded data FF is always followed by 00 or a restart mark: an end mark behind the scan's start is real
    if not _holds(file, b"\xff\xd9", following, size):
        raise Damaged("it is cut short, its end mark is missing")
    return Found(width=shape[0], height=shape[1], exif=exif)


def _next_mark(file: BinaryIO) -> int:
    """The code of the next mark; like decoders, over a little junk between two segments."""
    for _ in range(_MAX_JUNK):
        if _take(file, 1) != b"\xff":
            continue
        while (code := _take(file, 1)[0]) == 0xFF:  # fill bytes
            pass
        if code == 0xD9:
            raise Damaged("it ends before its picture begins")
        if code:
            return code
    raise Damaged(f"there is no segment at byte {file.tell() - _MAX_JUNK:,}")


def _holds(file: BinaryIO, mark: bytes, start: int, end: int) -> bool:
    """Whether ``mark`` is between two places; looked for from the end, where it should be."""
    while end > start:
        begin = max(start, end - _BLOCK)
        file.seek(begin)
        if file.read(end - begin).rfind(mark) >= 0:  # from the end: `in` costs 60 µs a picture more
            return True
        if begin == start:
            return False
        end = begin + len(mark) - 1  # a mark may lie across two blocks
    return False


# --- PNG: https://www.w3.org/TR/png-3/


def read_png(file: BinaryIO, size: int) -> Found:
    """Chunks with their checksums up to IEND."""
    file.seek(8)
    width = height = largest = 0
    exif: tuple[tuple[str, str], ...] = ()
    has_data = False
    while True:
        length, name = struct.unpack(">I4s", _take(file, 8))
        if file.tell() + length + 4 > size:
            raise Damaged("it is cut short")
        if not width and (name != b"IHDR" or length != 13):
            raise Damaged("it does not begin with its header")
        wanted = name in (b"IHDR", b"fcTL", b"eXIf") and length <= _MAX_EXIF
        held = _take(file, length) if wanted else b""
        checksum = zlib.crc32(held, zlib.crc32(name))
        for done in range(0, 0 if wanted else length, _BLOCK):
            checksum = zlib.crc32(_take(file, min(_BLOCK, length - done)), checksum)
        if checksum != struct.unpack(">I", _take(file, 4))[0]:
            raise Damaged(f"the checksum of its {name.decode('ascii', 'replace')} part is wrong")
        if name == b"IHDR":
            width, height = struct.unpack(">II", held[:8])
            if not width or not height:
                raise Damaged("it has no pixels")
        elif name == b"fcTL" and length >= 12:
            frame = struct.unpack(">II", held[4:12])
            largest = max(largest, frame[0] * frame[1])
        elif name == b"eXIf":
            exif = read_exif(held)
        elif name == b"IDAT":
            has_data = True
        elif name == b"IEND":
            break
    if not has_data:
        raise Damaged("it has a header and no picture")
    return Found(width=width, height=height, largest_frame=largest, exif=exif)


# --- GIF: https://www.w3.org/Graphics/GIF/spec-gif89a.txt


def read_gif(file: BinaryIO, size: int) -> Found:
    """Blocks up to the trailer."""
    file.seek(6)
    width, height, flags = struct.unpack("<HHB2x", _take(file, 7))
    _skip_palette(file, flags)
    largest = frames = 0
    while (block := _take(file, 1)) != b";":
        if block == b"!":
            file.seek(1, io.SEEK_CUR)
        elif block == b",":
            _, _, frame_width, frame_height, flags = struct.unpack("<HHHHB", _take(file, 9))
            largest, frames = max(largest, frame_width * frame_height), frames + 1
            _skip_palette(file, flags)
            file.seek(1, io.SEEK_CUR)  # the code size
        elif block != b"\0":  # zeros between blocks are written by some old programs
            raise Damaged(f"there is no block at byte {file.tell() - 1}")
        if block != b"\0":
            while count := _take(file, 1)[0]:
                file.seek(count, io.SEEK_CUR)
    if not frames:
        raise Damaged("it has no frame")
    return Found(width=width, height=height, largest_frame=largest)


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), io.SEEK_CUR)


# --- WebP: RFC 9649


def read_webp(file: BinaryIO, size: int) -> Found:
    """RIFF chunks; the length in the RIFF header is the end mark."""
    file.seek(4)
    end = struct.unpack("<I", _take(file, 4))[0] + 8
    if end > size:
        raise Damaged(f"it is cut short at {size:,} of {end:,} bytes")
    file.seek(12)
    shape: tuple[int, int] | None = None
    canvas: tuple[int, int] | None = None
    largest = 0
    exif: tuple[tuple[str, str], ...] = ()
    while file.tell() + 8 <= end:
        name, length = struct.unpack("<4sI", _take(file, 8))
        start = file.tell()
        if start + length > end:
            raise Damaged(f"its {name.decode('ascii', 'replace')} part is longer than the file")
        if name == b"VP8X":
            head = _take(file, 10)
            canvas = (int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1)
        elif name == b"ANMF":
            head = _take(file, 12)
            shape = (int.from_bytes(head[6:9], "little") + 1, int.from_bytes(head[9:12], "little") + 1)
        elif name == b"VP8 ":
            head = _take(file, 10)
            if head[3:6] != b"\x9d\x01\x2a":
                raise Damaged("its picture does not begin with a key frame")
            shape = (int.from_bytes(head[6:8], "little") & 0x3FFF, int.from_bytes(head[8:10], "little") & 0x3FFF)
        elif name == b"VP8L":
            head = _take(file, 5)
            bits = int.from_bytes(head[1:5], "little")
            shape = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        elif name == b"EXIF" and length <= _MAX_EXIF:
            exif = read_exif(_take(file, length))
        if shape:
            largest = max(largest, shape[0] * shape[1])
        file.seek(start + length + length % 2)
    if shape is None:
        raise Damaged("it has a header and no picture")
    width, height = canvas or shape
    return Found(width=width, height=height, largest_frame=largest, exif=exif)


# --- TIFF 6.0


def read_tiff(file: BinaryIO, size: int) -> Found:
    """Every directory, and that the strips or tiles it names lie within the file."""
    try:
        shapes = shapes_of(Directories(file, size))
    except DirectoryError as error:
        raise Damaged(f"it is cut short or its directory is broken ({error})") from error
    largest = max(width * height for width, height in shapes)
    return Found(width=shapes[0][0], height=shapes[0][1], largest_frame=largest, exif=tags_of(file, size))


# --- BMP: https://learn.microsoft.com/windows/win32/gdi/bitmap-storage


def read_bmp(file: BinaryIO, size: int) -> Found:
    """The header, and that the rows it promises are there."""
    file.seek(10)
    start, header = struct.unpack("<II", _take(file, 8))
    if header == 12:
        width, height, _, depth = struct.unpack("<HHHH", _take(file, 8))
        coding, coded = 0, 0
    elif header >= 40:
        width, height, _, depth, coding, coded = struct.unpack("<iiHHII", _take(file, 20))
        height = abs(height)  # negative: the rows run downwards
    else:
        raise Damaged(f"a header of {header} bytes")
    if width < 0:
        raise Damaged(f"a width of {width}")
    rows = coded if coding in (1, 2, 4, 5) else (width * depth + 31) // 32 * 4 * height
    if start + rows > size:
        raise Damaged(f"it is cut short at {size:,} of {start + rows:,} bytes")
    return Found(width=width, height=height)


# --- AVIF: ISO/IEC 14496-12 (boxes) and 23008-12 (pictures in them)


def read_avif(file: BinaryIO, size: int) -> Found:
    """The outer boxes, which must fill the file, and the largest picture that is described; Exif is not read."""
    boxes = dict(_boxes(file, 0, size))
    if b"meta" not in boxes or b"mdat" not in boxes:
        raise Damaged("it has no picture, or is cut short")
    start, end = boxes[b"meta"]
    place = (start + 4, end)  # after the version and flags
    for level in (b"iprp", b"ipco"):
        place = dict(_boxes(file, *place)).get(level, (0, 0))
    shapes = []
    for name, (start, _) in _boxes(file, *place):
        if name == b"ispe":
            file.seek(start + 4)
            shapes.append(struct.unpack(">II", _take(file, 8)))
    if not shapes:
        raise Damaged("it does not tell its size")
    # a thumbnail, a tile or a gain map is described too: the picture is the largest
    width, height = max(shapes, key=lambda shape: shape[0] * shape[1])
    return Found(width=width, height=height)


def _boxes(file: BinaryIO, start: int, end: int) -> list[tuple[bytes, tuple[int, int]]]:
    """Name and inside of the boxes between two places."""
    found: list[tuple[bytes, tuple[int, int]]] = []
    while start < end:
        file.seek(start)
        length, name = struct.unpack(">I4s", _take(file, 8))
        inside = start + 8
        if length == 1:
            (length,) = struct.unpack(">Q", _take(file, 8))
            inside += 8
        elif length == 0:  # up to the end
            length = end - start
        if length < inside - start or start + length > end or len(found) == _MAX_BOXES:
            raise Damaged("it is cut short, or one of its parts has a wrong length")
        found.append((name, (inside, start + length)))
        start += length
    return found
