"""A picture is known again in another size, quality, format or position; one that cannot be known again says why."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from random import Random

import pytest
from PIL import Image

from jobs.demo.pictures import SCENES
from scraper.fingerprint import MAX_PIXELS, MAX_PIXELS_JPEG, fingerprint
from scraper.model import Fingerprint

RADIUS = 6
Image_ = Image.Image


@pytest.fixture(scope="module")
def scenes() -> dict[str, Image_]:
    """Synthetic pictures, as the demo paints them."""
    names = ("city", "clouds", "limb", "moonrise", "reef", "station")
    return {name: SCENES[name]((300, 200), Random(7)).convert("RGB") for name in names}


def saved(image: Image_, kind: str = "PNG", **how: object) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file


def look(image: Image_, kind: str = "PNG", **how: object) -> int:
    found = fingerprint(saved(image, kind, **how), image.width * image.height)
    assert found.hash is not None, found.reason
    return found.hash


def trimmed(image: Image_, share: float) -> Image_:
    width, height = (int(length * share) for length in image.size)
    return image.crop((width, height, image.width - width, image.height - height))


CHANGES: dict[str, Callable[[Image_], int]] = {
    "a quarter of the size": lambda image: look(image.resize((image.width // 4, image.height // 4))),
    "poor JPEG": lambda image: look(image, "JPEG", quality=30),
    "progressive JPEG": lambda image: look(image, "JPEG", quality=85, progressive=True),
    "256 colours": lambda image: look(image.convert("P"), "GIF"),
    "WebP": lambda image: look(image, "WEBP", quality=60),
    "grey": lambda image: look(image.convert("L")),
    "CMYK": lambda image: look(image.convert("CMYK"), "JPEG"),
    "16 bits": lambda image: look(image.convert("L").convert("I").point(lambda shade: shade * 257).convert("I;16")),
    "with an alpha channel": lambda image: look(image.convert("RGBA")),
    "brighter": lambda image: look(image.point(lambda shade: min(255, int(shade * 1.1)))),
    "a border of 1 % cut off": lambda image: look(trimmed(image, 0.01)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_same_picture_is_known_again(scenes: dict[str, Image_], name: str) -> None:
    """Whatever was done to it, at most RADIUS of 64 bits differ."""
    far = {scene: (CHANGES[name](image) ^ look(image)).bit_count() for scene, image in scenes.items()}
    assert max(far.values()) <= RADIUS, far


def test_different_pictures_are_not_alike(scenes: dict[str, Image_]) -> None:
    """No two scenes are within the radius of each other."""
    found = [look(image) for image in scenes.values()]
    near = [(one ^ other).bit_count() for at, one in enumerate(found) for other in found[:at]]
    assert min(near) > RADIUS


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_90),
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_270),
    ],
)
def test_a_picture_that_lies_on_its_side_is_turned(
    scenes: dict[str, Image_], orientation: int, stored: Image.Transpose
) -> None:
    """Stored as the camera was held and told so by EXIF, it looks as upright."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = scenes["city"]
    turned = look(image.transpose(stored), "JPEG", exif=exif)
    assert (turned ^ look(image)).bit_count() <= RADIUS
    assert (look(image.transpose(stored), "JPEG") ^ look(image)).bit_count() > RADIUS


@pytest.mark.parametrize("shade", ["black", "white", "#123456"])
def test_a_picture_of_one_shade_has_none(shade: str) -> None:
    """All pictures of one colour would be alike."""
    found = fingerprint(saved(Image.new("RGB", (64, 48), shade), "JPEG"), 64 * 48)
    assert found.hash is None
    assert "one shade" in (found.reason or "")


def test_what_shows_through_is_white() -> None:
    """The colour that a transparent picture hides behind itself does not count."""
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((200, 30, 30, 255), (10, 20, 40, 64))
    flat = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    assert (look(image) ^ look(flat)).bit_count() <= 2


def test_broken_bytes_have_none_and_raise_nothing(scenes: dict[str, Image_]) -> None:
    """Cut anywhere, with bytes turned over, empty or foreign: a reason, or a hash, and never an exception."""
    chance = Random(3)
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"):
        whole = saved(scenes["reef"].resize((96, 64)), kind).getvalue()
        for _ in range(8):
            broken = bytearray(whole[: chance.randrange(len(whole))])
            for _ in range(chance.randrange(4)):
                if broken:
                    broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow's, of Exif that was turned over
                found = fingerprint(io.BytesIO(bytes(broken)), 96 * 64)
            assert isinstance(found, Fingerprint)
    assert fingerprint(io.BytesIO(b""), 1).reason
    assert fingerprint(io.BytesIO(b"<html>no picture"), 1).reason


def test_a_picture_that_would_fill_the_memory_is_not_decoded() -> None:
    """More pixels than are allowed: told before anything is decoded, sooner for what cannot be read in part."""
    small = saved(Image.new("RGB", (8, 8), "red"), "PNG")
    for pixels in (MAX_PIXELS + 1, MAX_PIXELS_JPEG + 1):
        assert "more than are decoded" in (fingerprint(small, pixels).reason or "")


def test_a_fingerprint_is_a_hash_or_a_reason() -> None:
    """Neither both nor none of the two, and 64 bits."""
    for wrong in ({}, {"hash": 1, "reason": "x"}, {"hash": 1 << 64}, {"hash": -1}):
        with pytest.raises(ValueError, match="fingerprint"):
            Fingerprint(**wrong)
