"""What a picture looks like, as 64 bits: the same or nearly so in another size, quality or format, or a little cropped.

The perceptual hash by cosine transform (C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash
Functions", 2010): the picture in 32 by 32 shades of grey, of its transform the 8 by 8 lowest frequencies, a bit for
each that is above their median. This is the one place where Cupola decodes a picture, and only as far as it has to: a
JPEG at an eighth of its size. docs/adr/0012 says why it is made here.
"""

from __future__ import annotations

import math
import statistics
from operator import mul
from typing import TYPE_CHECKING, BinaryIO

from scraper.exif import clean
from scraper.model import Fingerprint

if TYPE_CHECKING:
    from PIL.Image import Image

#: pixels of a picture that is decoded; more than that, and Pillow warns of it. A JPEG takes an eighth of its memory
MAX_PIXELS_JPEG = 89_000_000
#: pixels of any other picture: 160 MB for a moment
MAX_PIXELS = 40_000_000

_KINDS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF")
_SIDE, _LOW = 32, 8
#: by how much shades vary (standard deviation, of 255) in a picture that has nothing to be known by
_FLAT = 2.0
#: row k: the cosine of frequency k at the middle of each pixel
_COSINES = [
    [math.cos(math.pi * frequency * (2 * at + 1) / (2 * _SIDE)) for at in range(_SIDE)] for frequency in range(_LOW)
]
#: the tag of EXIF that says how the picture is to be turned
_ORIENTATION = 0x0112


def fingerprint(file: BinaryIO, pixels: int) -> Fingerprint:
    """What the picture in ``file`` looks like, turned as its EXIF says; or why that cannot be said.

    No picture raises anything, however broken it is: one without a fingerprint is kept like any other.

    Args:
        file: seekable; checked by ``scraper.pictures``.
        pixels: its width times its height, as found there.
    """
    from PIL import Image, UnidentifiedImageError

    if pixels > MAX_PIXELS_JPEG:
        return _none(f"{pixels:,} pixels are more than are decoded for a fingerprint")
    try:
        file.seek(0)
        with Image.open(file, formats=_KINDS) as image:
            if image.format != "JPEG" and pixels > MAX_PIXELS:
                return _none(f"{pixels:,} pixels are more than are decoded for a fingerprint")
            return _of(_shades(image))
    except UnidentifiedImageError:
        return _none("it is of a kind that cannot be decoded, or broken at its start")
    except Exception as error:  # noqa: BLE001 - a decoder that meets hostile bytes may raise anything
        return _none(f"it cannot be decoded: {type(error).__name__}: {error}")


def _none(reason: str) -> Fingerprint:
    return Fingerprint(reason=clean(reason, 300))


def _shades(image: Image) -> list[list[int]]:
    """The rows of the upright picture in 32 by 32 shades."""
    from PIL import Image as Pillow

    turn = image.getexif().get(_ORIENTATION)
    image.draft("L", (2 * _SIDE, 2 * _SIDE))  # of a JPEG only as much as is needed; of others nothing happens
    small = _plain(image).resize((_SIDE, _SIDE), Pillow.Resampling.LANCZOS, reducing_gap=2.0)
    if small.mode == "RGBA":
        # what shows through is white, as where such a picture is saved as JPEG
        small = Pillow.alpha_composite(Pillow.new("RGBA", small.size, "white"), small)
    grey = small.convert("L")
    turned = {
        2: Pillow.Transpose.FLIP_LEFT_RIGHT,
        3: Pillow.Transpose.ROTATE_180,
        4: Pillow.Transpose.FLIP_TOP_BOTTOM,
        5: Pillow.Transpose.TRANSPOSE,
        6: Pillow.Transpose.ROTATE_270,
        7: Pillow.Transpose.TRANSVERSE,
        8: Pillow.Transpose.ROTATE_90,
    }.get(turn or 1)
    shades = (grey if turned is None else grey.transpose(turned)).tobytes()
    return [list(shades[at : at + _SIDE]) for at in range(0, len(shades), _SIDE)]


def _plain(image: Image) -> Image:
    """The picture in a mode in which it can be made smaller."""
    if image.mode in ("L", "RGB", "RGBA"):
        return image
    if image.mode.startswith("I"):
        # 16 bits a shade: as they are shown
        return image.convert("I").point(lambda shade: shade * (1 / 256)).convert("L")
    return image.convert("RGBA" if "transparency" in image.info or image.mode.endswith("A") else "RGB")


def _of(rows: list[list[int]]) -> Fingerprint:
    shades = [shade for row in rows for shade in row]
    mean = sum(shades) / len(shades)
    # statistics.pstdev is exact, and takes as long as all the rest
    varying = math.sqrt(max(sum(map(mul, shades, shades)) / len(shades) - mean * mean, 0.0))
    if varying < _FLAT:
        return _none(f"it is of one shade (they vary by {varying:.1f} of 255), as many others are")
    along = [[sum(map(mul, row, wave)) for row in rows] for wave in _COSINES]
    found = [sum(map(mul, column, wave)) for wave in _COSINES for column in along]
    # the first is the mean shade, which says nothing of what is where
    middle = statistics.median(found[1:])
    bits = 0
    for amount in found:
        bits = bits << 1 | (amount > middle)
    return Fingerprint(hash=bits)
