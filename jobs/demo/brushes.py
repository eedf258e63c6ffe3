"""What the demo's pictures are painted with: noise, colour ramps, warps and light; Pillow only, seeded, no files."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cache
from random import Random
from typing import Any

from PIL import Image, ImageChops, ImageDraw, ImageMath

Size = tuple[int, int]
Colour = tuple[int, int, int]
Point = tuple[float, float]
Stops = tuple[tuple[float, Colour], ...]
Line = Callable[[float], float]

BICUBIC, BILINEAR = Image.Resampling.BICUBIC, Image.Resampling.BILINEAR


def maths(formula: Callable[..., Any], *fields: Image.Image) -> Image.Image:
    """A float image computed pixel by pixel from float images: ``maths(lambda a, b: a * b, first, second)``."""
    named = {f"f{n}": field for n, field in enumerate(fields)}
    result: Image.Image = ImageMath.lambda_eval(lambda args: formula(*(args[name] for name in named)), **named)
    return result


def stretched(field: Image.Image) -> Image.Image:
    """The same field, spread over 0.0 to 1.0."""
    low, high = (float(value) for value in field.getextrema())  # type: ignore[arg-type]  # one band: two numbers
    return maths(lambda f: (f - low) * (1 / max(high - low, 1e-6)), field)


def noise(
    size: Size, rng: Random, *, cells: float, octaves: int = 5, gain: float = 0.5, tall: float = 1
) -> Image.Image:
    """A cloudy float field, 0.0 to 1.0: ``cells`` blobs across, each octave twice as fine and ``gain`` as strong.

    ``tall`` over 1 draws the blobs out downwards. Every octave is added while the picture is still small, so
    that all of them cost little more than the last enlargement.
    """
    across, down = cells, cells * size[1] / size[0] / tall
    field: Image.Image | None = None
    weight = 1.0
    for _ in range(octaves):
        grain = (max(2, round(across)) + 2, max(2, round(down)) + 2)
        fresh = Image.frombytes("L", grain, rng.randbytes(grain[0] * grain[1])).convert("F")
        if field is not None:
            fresh = maths(lambda f, g, w=weight: f + g * w, field.resize(grain, BICUBIC), fresh)
        field = fresh
        weight *= gain
        if grain[0] >= size[0]:
            break
        across, down = across * 2, down * 2
    assert field is not None, "octaves is at least one"  # noqa: S101 - for the reader and the type checker
    return stretched(field.resize(size, BICUBIC, box=(1, 1, field.width - 1, field.height - 1)))


def ridges(field: Image.Image, sharpness: float = 1.0) -> Image.Image:
    """Crests where ``field`` passes through one half: mountain chains, river beds, dune edges."""
    return stretched(maths(lambda f: (1 - abs(f * 2 - 1)) ** sharpness, field))


def slopes(field: Image.Image, strength: float) -> Image.Image:
    """How much light each point of a relief gets from the upper left, as a factor around 1.0."""
    shifted = field.copy()
    shifted.paste(field.crop((2, 2, *field.size)), (0, 0))
    return maths(lambda a, b: 1 + (b - a) * strength, field, shifted)


def grey(field: Image.Image, gain: float = 1.0, offset: float = 0.0) -> Image.Image:
    """A float field as an 8-bit mask: 0.0 is black, 1.0 is white, the rest is cut off."""
    return maths(lambda f: (f * gain + offset) * 255, field).point(lambda v: v * 1.0 + 0.5).convert("L")


def step(field: Image.Image, at: float, softness: float = 0.06) -> Image.Image:
    """A mask that is white where ``field`` is above ``at``, with an edge ``softness`` wide."""
    return grey(field, 1 / softness, -at / softness + 0.5)


@cache
def palette(stops: Stops) -> tuple[int, ...]:
    """256 colours, as a flat list, that run through ``stops`` (position 0 to 1, colour)."""
    colours: list[int] = []
    for n in range(256):
        at = n / 255
        low = max((s for s in stops if s[0] <= at), key=lambda s: s[0], default=stops[0])
        high = min((s for s in stops if s[0] >= at), key=lambda s: s[0], default=stops[-1])
        share = (at - low[0]) / (high[0] - low[0]) if high[0] > low[0] else 0.0
        colours += [round(a + (b - a) * share) for a, b in zip(low[1], high[1], strict=True)]
    return tuple(colours)


def ramp(field: Image.Image, stops: Stops) -> Image.Image:
    """A float field or a mask in colours."""
    mask = grey(field) if field.mode == "F" else field
    coloured = Image.frombytes("P", mask.size, mask.tobytes())
    coloured.putpalette(list(palette(stops)))
    return coloured.convert("RGB")


def lit(image: Image.Image, light: Image.Image) -> Image.Image:
    """``image`` under ``light`` (factors around 1.0, as ``slopes`` gives them)."""
    shade = grey(light, 0.5)
    both = Image.merge("RGB", (shade, shade, shade))
    return ImageChops.multiply(image, both).point(lambda v: min(255, v * 2))


def incline(size: Size, turn: float) -> Image.Image:
    """A float field that rises evenly from about 0.0 to 1.0 across the picture, in the direction ``turn`` (radians)."""
    reach = math.hypot(*size)
    right, down = 255 * math.cos(turn) / reach, 255 * math.sin(turn) / reach
    start = 128 - right * size[0] / 2 - down * size[1] / 2
    plane = (0.0, 0.0, 128.0, right, down, start)
    return maths(
        lambda f: f / 255,
        Image.linear_gradient("L").convert("F").transform(size, Image.Transform.AFFINE, plane, BILINEAR),
    )


def column(height: int, width: int, colour_at: Callable[[float], Colour]) -> Image.Image:
    """A vertical gradient; ``colour_at`` gets 0.0 at the top and 1.0 at the bottom."""
    strip = Image.new("RGB", (1, height))
    strip.putdata([colour_at(y / max(height - 1, 1)) for y in range(height)])
    return strip.resize((width, height), Image.Resampling.NEAREST)


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    """The colour ``share`` of the way from ``a`` to ``b``."""
    share = min(1.0, max(0.0, share))
    return (
        round(a[0] + (b[0] - a[0]) * share),
        round(a[1] + (b[1] - a[1]) * share),
        round(a[2] + (b[2] - a[2]) * share),
    )


def warped(
    image: Image.Image, size: Size, source: Callable[[float, float], Point], cell: Size = (32, 32)
) -> Image.Image:
    """A new image in which the point (x, y) shows what ``source(x, y)`` says of ``image``.

    ``source`` is asked at the corners of cells of ``cell`` pixels only; what lies outside ``image`` is black.
    """
    wide, high = cell
    across, down = math.ceil(size[0] / wide), math.ceil(size[1] / high)
    corners = [[source(c * wide, r * high) for c in range(across + 1)] for r in range(down + 1)]
    mesh = []
    for r in range(down):
        for c in range(across):
            box = (c * wide, r * high, (c + 1) * wide, (r + 1) * high)
            quad = (*corners[r][c], *corners[r + 1][c], *corners[r + 1][c + 1], *corners[r][c + 1])
            mesh.append((box, quad))
    full = (across * wide, down * high)
    return image.transform(full, Image.Transform.MESH, mesh, BILINEAR).crop((0, 0, *size))


def _disc(radius: float, stops: Stops) -> Image.Image:
    side = max(2, round(radius * 2))
    fading = ImageChops.invert(Image.radial_gradient("L")).point(lambda v: max(0, (v - 75) * 255 // 180))
    return ramp(fading.resize((side, side), BILINEAR), stops)


def shone(image: Image.Image, centre: Point, radius: float, stops: Stops) -> Image.Image:
    """``image`` with a round light: the last stop's colour at the centre, the first one's (black) at ``radius``."""
    at = (round(centre[0] - radius), round(centre[1] - radius))
    light = _disc(radius, stops)
    box = (at[0], at[1], at[0] + light.width, at[1] + light.height)
    image.paste(ImageChops.screen(image.crop(box), light), at)
    return image


def spot(size: Size, centre: Point, radius: float, *shades: tuple[float, int]) -> Image.Image:
    """A round mask, white at ``centre`` and black from ``radius`` on; ``shades`` (position, 0 to 255) lie between."""
    stops = tuple((at, (shade, shade, shade)) for at, shade in ((0.0, 0), *shades, (1.0, 255)))
    mask = Image.new("L", size)
    mask.paste(_disc(radius, stops).getchannel(0), (round(centre[0] - radius), round(centre[1] - radius)))
    return mask


def bloom(lights: Image.Image, spread: int, strength: float) -> Image.Image:
    """``lights`` with a halo; the halo is made small and enlarged, which is quicker than a blur and as soft."""
    small = lights.resize((max(1, lights.width // spread), max(1, lights.height // spread)), Image.Resampling.BOX)
    halo = small.resize(lights.size, BICUBIC).point(lambda v: min(255, round(v * strength)))
    return ImageChops.screen(lights, halo)


def stars(image: Image.Image, rng: Random, count: int, below: Callable[[float], float]) -> None:
    """Sprinkle ``count`` stars above the line ``below(x)``."""
    draw = ImageDraw.Draw(image)
    for _ in range(count):
        x, y = rng.uniform(0, image.width), rng.uniform(0, image.height)
        light = round(255 * rng.random() ** 3)
        tint = rng.choice([(255, 255, 255), (205, 222, 255), (255, 236, 205)])
        if y < below(x) and light > 25:
            draw.point((x, y), mixed((0, 0, 0), tint, light / 255))
            if light > 225:
                draw.ellipse((x - 0.8, y - 0.8, x + 0.8, y + 0.8), tint)


def smooth_line(rng: Random, length: int, sway: float, waves: float) -> Line:
    """A wandering line: some sines with random phases, ``sway`` high and ``waves`` to the ``length``."""
    parts = [(waves * k, rng.uniform(0, 2 * math.pi), sway / k) for k in (1, 1.9, 3.1)]
    return lambda x: sum(a * math.sin(2 * math.pi * w * x / length + p) for w, p, a in parts)


def polyline(draw: ImageDraw.ImageDraw, points: Iterable[Point], fill: int | Colour, width: int) -> None:
    """A line through ``points`` with round joints."""
    draw.line(list(points), fill=fill, width=width, joint="curve")
