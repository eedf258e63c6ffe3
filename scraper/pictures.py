"""What a file is by its bytes alone: the kind of picture, its size, whether it is whole; decodes nothing.

The kind is told by ``filetype`` (small, and knows what else a file may be). The structure is walked here and not
by ``PIL.Image.open``, measured with Pillow 13: that warns of large pictures process-wide at a limit of its own,
allocates the canvas when a GIF or WebP is opened, reads any chunk of a PNG whole, decodes for the Exif of one, and
takes a JPEG, GIF or TIFF that was cut short. The tests hold these readers against Pillow's.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import filetype

from scraper.containers import Damaged, Found, read_avif, read_bmp, read_gif, read_jpeg, read_png, read_tiff, read_webp
from scraper.exif import clean

#: the bytes from the start that ``recognise`` wants to see (fewer where the file is shorter)
HEAD = 8192

_WALKERS: dict[str, tuple[str, str, Callable[[BinaryIO, int], Found]]] = {
    "image/jpeg": ("image/jpeg", "jpg", read_jpeg),
    "image/png": ("image/png", "png", read_png),
    "image/apng": ("image/png", "png", read_png),  # an animated PNG is a PNG to whoever opens it
    "image/gif": ("image/gif", "gif", read_gif),
    "image/webp": ("image/webp", "webp", read_webp),
    "image/tiff": ("image/tiff", "tif", read_tiff),
    "image/bmp": ("image/bmp", "bmp", read_bmp),
    "image/avif": ("image/avif", "avif", read_avif),
}
_TITLE = re.compile(r"<title[^>]{0,200}>(.{0,400}?)<", re.IGNORECASE | re.DOTALL)


class NotAPicture(Exception):
    """Bytes that are no picture, or not a whole one; the message goes on from "the address gave …".

    ``lasting`` says that another try would bring the same: the file is what it should be, and Cupola
    does not take it.
    """

    def __init__(self, message: str, *, lasting: bool) -> None:
        super().__init__(message)
        self.lasting = lasting


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What the bytes of a picture say; ``width`` and ``height`` are pixels as stored, before any EXIF rotation."""

    media_type: str
    extension: str
    width: int
    height: int
    exif: tuple[tuple[str, str], ...] = ()


def recognise(head: bytes) -> str:
    """The media type of the picture that begins with ``head`` (its first ``HEAD`` bytes; 512 are enough to tell).

    Raises:
        NotAPicture: it is not one of a kind that is taken; the message says what it seems to be.
    """
    if not head:
        raise NotAPicture("zero bytes in place of a picture", lasting=False)
    guess = filetype.guess(head)
    if guess is None:
        message, lasting = _in_words(head)
        raise NotAPicture(message, lasting=lasting)
    media_type = str(guess.mime)
    if media_type not in _WALKERS:
        raise NotAPicture(f"{media_type} in place of a picture, a kind of file that is not taken", lasting=True)
    return media_type


def examine(file: BinaryIO, size: int, *, max_pixels: int) -> Picture:
    """The picture in ``file``, checked from header to end mark.

    Args:
        file: seekable; read in small pieces, so that memory does not grow with it.
        size: its length in bytes.
        max_pixels: the cap on width times height, of each frame too.

    Raises:
        NotAPicture: no picture, over the cap, or not whole.
        OSError: the file cannot be read.
    """
    file.seek(0)
    media_type, extension, walk = _WALKERS[recognise(file.read(HEAD))]
    name = media_type.removeprefix("image/").upper()
    try:
        found = walk(file, size)
    except Damaged as error:
        raise NotAPicture(f"a damaged {name}: {error}", lasting=False) from error
    if found.width * found.height == 0:
        raise NotAPicture(f"a damaged {name}: {found.width} x {found.height} pixels", lasting=False)
    largest = max(found.width * found.height, found.largest_frame)
    if largest > max_pixels:
        message = f"a picture of {found.width} x {found.height}, {largest:,} pixels, over the cap of {max_pixels:,}"
        raise NotAPicture(message, lasting=True)
    return Picture(media_type=media_type, extension=extension, width=found.width, height=found.height, exif=found.exif)


def _in_words(head: bytes) -> tuple[str, bool]:
    """What bytes of no known signature seem to be, and whether they would be the same next time."""
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "ignore").lstrip()
    start = text[:1024].lower()
    if "<svg" in start and start.startswith("<"):
        return "an SVG drawing, a kind of file that is not taken", True
    if start.startswith("<") and (
        "<html" in start or "<!doctype html" in start or "<head" in start or "<body" in start
    ):
        title = _TITLE.search(text)
        named = clean(html.unescape(title.group(1)), 80) if title else ""
        return "an HTML page in place of a picture" + (f": “{named}”" if named else ""), False
    if start.startswith("<?xml"):
        return "an XML document in place of a picture", False
    if start.startswith(("{", "[")):
        return f"JSON in place of a picture: {clean(text, 80)}", False
    if clean(text[:200]) and _is_text(head):
        return f"text in place of a picture: “{clean(text, 80)}”", False
    return "bytes of no known kind in place of a picture", False


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    reader = io.TextIOWrapper(io.BytesIO(head), encoding="utf-8", errors="replace")
    text = reader.read()
    # the last character may have been cut in two
    return text[:-1].count("\ufffd") == 0
