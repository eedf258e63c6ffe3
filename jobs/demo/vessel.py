"""What stands between the camera and the Earth: the Station's wings, the panes of the cupola."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageDraw

from jobs.demo.brushes import BICUBIC, BILINEAR, Size, bloom, noise, ramp
from jobs.demo.horizons import aurora, limb, sunrise


def _panel(size: Size, rng: Random) -> Image.Image:
    """One solar wing, seen flat."""
    cells = noise(size, rng, cells=6, octaves=3)
    wing = ramp(cells, ((0.0, (104, 60, 28)), (0.6, (160, 102, 46)), (1.0, (236, 180, 100)))).convert("RGBA")
    draw = ImageDraw.Draw(wing)
    for x in range(0, size[0], 12):
        draw.line((x, 0, x, size[1]), (44, 26, 16, 255), 1)
    for y in range(0, size[1], max(8, size[1] // 8)):
        draw.line((0, y, size[0], y), (44, 26, 16, 255), 1)
    draw.rectangle((0, size[1] * 0.46, size[0], size[1] * 0.54), (208, 200, 184, 255))
    return wing


def station(size: Size, rng: Random) -> Image.Image:
    """Solar wings and a piece of truss in front of the day."""
    scene = limb(size, rng).convert("RGBA")
    width, height = size
    wing = _panel((round(width * 0.8), round(height * 0.24)), rng)
    layer = Image.new("RGBA", (width * 2, height * 2))
    for n in range(2):
        layer.paste(wing, (round(width * 0.62), round(height * (0.72 + 0.34 * n))))
    draw = ImageDraw.Draw(layer)
    left, right = width * 0.5, width * 0.6
    draw.rectangle((left, 0, right, height * 2), (24, 26, 32, 235))
    for y in range(0, height * 2, round(height * 0.11)):
        draw.line((left, y, right, y + height * 0.11), (190, 192, 198, 255), 4)
        draw.line((right, y, left, y + height * 0.11), (120, 122, 130, 255), 4)
        draw.line((left, y, right, y), (222, 222, 226, 255), 4)
    for x in (left, right):
        draw.line((x, 0, x, height * 2), (236, 236, 238, 255), 8)
    turn = math.radians(rng.uniform(-34, 34) + rng.choice((0, 0, 180)))
    at = (width * rng.uniform(0.35, 0.6), height * rng.uniform(0.35, 0.65))
    cos, sin = math.cos(turn), math.sin(turn)
    turned = (cos, sin, width - at[0] * cos - at[1] * sin, -sin, cos, height + at[0] * sin - at[1] * cos)
    scene.alpha_composite(layer.transform(size, Image.Transform.AFFINE, turned, BILINEAR))
    return scene.convert("RGB")


def window(size: Size, rng: Random) -> Image.Image:
    """The seven panes of the cupola, with the Earth behind."""
    view = rng.choice((limb, limb, sunrise, aurora))(size, rng)
    day = view.resize((1, 1), Image.Resampling.BOX)
    wide, high = size[0] * 2, size[1] * 2
    panes = Image.new("L", (wide, high))
    draw = ImageDraw.Draw(panes)
    mid, radius, turn = (wide / 2, high / 2), high * 0.25, rng.uniform(0, 1)
    draw.ellipse((mid[0] - radius, mid[1] - radius, mid[0] + radius, mid[1] + radius), 255)
    for n in range(6):
        corners = []
        for far, edge in ((1.34, 0.085), (2.5, 0.05), (2.5, 0.95), (1.34, 0.915)):
            angle = (n + edge + turn) * math.pi / 3
            corners.append((mid[0] + radius * far * math.cos(angle), mid[1] + radius * far * math.sin(angle)))
        draw.polygon(corners, 255)
    frame = ramp(noise(size, rng, cells=2, octaves=6), ((0.0, (14, 15, 18)), (1.0, (46, 47, 52))))
    draw = ImageDraw.Draw(frame)
    inner = radius / 2
    for far, count in ((1.17, 30), (2.62, 60)):
        for n in range(count):
            x = size[0] / 2 + inner * far * math.cos(2 * math.pi * n / count)
            y = size[1] / 2 + inner * far * math.sin(2 * math.pi * n / count)
            draw.ellipse((x - 2, y - 2, x + 2, y + 2), (92, 93, 98))
    glass = panes.resize(size, BICUBIC)
    shine = bloom(Image.merge("RGB", (glass, glass, glass)), 14, 1.0).getchannel(0)
    frame.paste(
        day.resize(size).point(lambda v: v // 2 + 24), mask=shine.point(lambda v: v // 3)
    )  # the frame catches the colour of the day outside
    return Image.composite(view, frame, glass)
