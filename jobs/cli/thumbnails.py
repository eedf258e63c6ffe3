"""Held pictures made small for a terminal; one that is damaged, hostile or too large is none."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps

from scraper.pictures import NotAPicture, examine

#: what is decoded of one file, and of all files of a table; what comes later has no thumbnail
MAX_BYTES, MAX_PIXELS, ALL_PIXELS = 64_000_000, 40_000_000, 400_000_000
#: decoded at once: the largest that are no JPEG take 160 MB each
_AT_ONCE = 2
#: the decoders that remote bytes may reach
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF")
_GROUND = (255, 255, 255)


def thumbnails(paths: Sequence[Path | None], edges: tuple[int, int]) -> list[Image.Image | None]:
    """The pictures in these files, each as large as fits into so many pixels; None where there is none to show.

    What is decoded is bounded: by ``MAX_BYTES`` and ``MAX_PIXELS`` for a file, ``ALL_PIXELS`` for all of them.
    """
    left = ALL_PIXELS

    def affordable() -> Iterator[Path | None]:
        nonlocal left
        for path in paths:
            pixels = None if path is None else _pixels(path)
            if pixels is None or pixels > left:
                yield None
            else:
                left -= pixels
                yield path

    # decoding lets go of Python's lock; what Pillow has to say of odd metadata is for nobody here
    with warnings.catch_warnings(), ThreadPoolExecutor(_AT_ONCE) as pool:
        warnings.simplefilter("ignore")
        return list(pool.map(lambda path: None if path is None else _small(path, edges), affordable()))


def _pixels(path: Path) -> int | None:
    """How many pixels a file holds that may be decoded; nothing is decoded for that."""
    try:
        if not path.is_file() or not 0 < (size := path.stat().st_size) <= MAX_BYTES:
            return None
        with path.open("rb") as file:
            picture = examine(file, size, max_pixels=MAX_PIXELS)
    except (OSError, ValueError, NotAPicture):
        return None
    return picture.width * picture.height


def _small(path: Path, edges: tuple[int, int]) -> Image.Image | None:
    try:
        with path.open("rb") as file:
            return _decoded(file, edges)
    except Exception:  # noqa: BLE001 - a decoder may raise anything for bytes that it does not understand
        return None


def _decoded(file: BinaryIO, edges: tuple[int, int]) -> Image.Image:
    with Image.open(file, formats=_FORMATS) as image:
        # a JPEG is decoded at a fraction of its size
        image.draft("RGB", (edges[0] * 2, edges[1] * 2))
        # lying down as it is stored, it may stand up when shown
        longest = max(edges)
        image.thumbnail((longest * 2, longest * 2), reducing_gap=2.0)
        upright = ImageOps.exif_transpose(image)
        if upright.has_transparency_data:
            over = upright.convert("RGBA")
            upright = Image.new("RGB", over.size, _GROUND)
            upright.paste(over, mask=over.getchannel("A"))
        upright = upright.convert("RGB")
        upright.thumbnail(edges)
        return upright
