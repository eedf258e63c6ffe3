"""The demo's pictures: what is drawn where is data, the bytes are painted on demand and are always the same."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from random import Random

from PIL import Image

from jobs.demo import grounds, horizons, vessel, works
from jobs.demo.brushes import Size

SCENES: dict[str, Callable[[Size, Random], Image.Image]] = {
    "aurora": horizons.aurora,
    "city": works.city,
    "clouds": grounds.clouds,
    "delta": grounds.delta,
    "dunes": grounds.dunes,
    "fields": works.fields,
    "limb": horizons.limb,
    "moonrise": horizons.moonrise,
    "mountains": grounds.mountains,
    "patch": works.patch,
    "reef": grounds.reef,
    "station": vessel.station,
    "storm": grounds.storm,
    "sunrise": horizons.sunrise,
    "trails": horizons.trails,
    "window": vessel.window,
}
_FLAT = {"patch"}  # flat colours: smaller and sharper as a PNG
_REMARK = b"Synthetic: painted by Cupola's demo, not a photograph"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What to paint: equal drawings are equal bytes. ``taken`` (aware UTC), if given, is written as EXIF."""

    scene: str
    seed: int
    size: Size = (640, 427)
    taken: datetime | None = None

    def __post_init__(self) -> None:
        if self.scene not in SCENES:
            raise ValueError(f"no scene is called {self.scene!r}; there are {', '.join(SCENES)}")

    @property
    def extension(self) -> str:
        """``jpg`` or ``png``."""
        return "png" if self.scene in _FLAT else "jpg"

    @property
    def media_type(self) -> str:
        """The type of its bytes."""
        return "image/png" if self.scene in _FLAT else "image/jpeg"


def _exif(taken: datetime) -> Image.Exif:
    """Who, with what and when, in the tags of Exif 2.32."""
    exif = Image.Exif()
    exif[0x010E] = _REMARK.decode("ascii")  # ImageDescription
    exif[0x010F], exif[0x0110] = "Cupola", "Demo camera"  # Make, Model
    exif[0x0132] = taken.strftime("%Y:%m:%d %H:%M:%S")  # DateTime
    details = exif.get_ifd(0x8769)
    details[0x9003] = exif[0x0132]  # DateTimeOriginal
    details[0x9011] = "+00:00"  # OffsetTimeOriginal
    return exif


def _encoded(image: Image.Image, drawing: Drawing, quality: int) -> bytes:
    out = io.BytesIO()
    if drawing.scene in _FLAT:
        image.quantize(64).save(out, "PNG", optimize=True)
    else:
        exif = _exif(drawing.taken) if drawing.taken else Image.Exif()
        image.save(out, "JPEG", quality=quality, comment=_REMARK, exif=exif)
    return out.getvalue()


@cache
def painted(drawing: Drawing) -> bytes:
    """The picture's file: JPEG, or PNG for flat colours; some 20 to 140 KB, painted once in a process."""
    image = SCENES[drawing.scene](drawing.size, Random(f"{drawing.scene}{drawing.seed}"))  # noqa: S311 - art, not secrets
    return _encoded(image, drawing, 84)


@cache
def reduced(drawing: Drawing, width: int) -> bytes:
    """The same picture at most ``width`` pixels wide: what a site shows before one asks for the whole."""
    with Image.open(io.BytesIO(painted(drawing))) as image:
        height = round(image.height * width / image.width)
        smaller = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return _encoded(smaller, drawing, 78)
