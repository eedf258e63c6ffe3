"""Scenes that look straight down on what nature made: deltas, clouds, dunes, mountains, reefs, storms."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageDraw

from jobs.demo.brushes import (
    BICUBIC,
    Point,
    Size,
    Stops,
    bloom,
    grey,
    incline,
    lit,
    maths,
    noise,
    polyline,
    ramp,
    ridges,
    shone,
    slopes,
    smooth_line,
    spot,
    step,
    stretched,
    warped,
)
from jobs.demo.horizons import by_day


def _branches(draw: ImageDraw.ImageDraw, rng: Random, at: Point, turn: float, width: float, scale: float) -> None:
    """One arm of a river and, from its end, the arms it parts into."""
    x, y = at
    points = [at]
    bend = 0.0
    for _ in range(rng.randint(6, 10)):
        bend = bend * 0.6 + rng.uniform(-0.3, 0.3)
        turn = max(-1.2, min(1.2, turn * 0.97 + bend))  # downhill is to the right
        x, y = x + math.cos(turn) * scale, y + math.sin(turn) * scale
        points.append((x, y))
    polyline(draw, points, 255, max(2, round(width)))
    if width > 2.2:
        spread, share = rng.uniform(0.3, 0.6), rng.uniform(0.6, 0.85)
        _branches(draw, rng, (x, y), turn + spread * (1.2 - share), width * share, scale)
        _branches(draw, rng, (x, y), turn - spread, width * (1.42 - share), scale)


def delta(size: Size, rng: Random) -> Image.Image:
    """A river that parts into a fan of arms and colours the sea."""
    width, height = size
    relief = noise(size, rng, cells=6, octaves=7, gain=0.6)
    dry: Stops = rng.choice(
        (
            ((0.0, (104, 96, 54)), (0.5, (148, 128, 76)), (1.0, (198, 172, 118))),
            ((0.0, (128, 92, 58)), (0.5, (180, 138, 90)), (1.0, (224, 190, 138))),
            ((0.0, (48, 82, 42)), (0.5, (84, 112, 58)), (1.0, (150, 150, 92))),
        )
    )
    land = lit(ramp(relief, dry), slopes(relief, 2.6))
    arms = Image.new("L", (width * 2, height * 2))
    draw = ImageDraw.Draw(arms)
    wander = smooth_line(rng, width, height * 0.1, 1.8)
    start = height * rng.uniform(0.8, 1.2)
    head = [(x, start + wander(x) - wander(0)) for x in range(-20, round(width * 0.52), 12)]
    polyline(draw, head, 255, 15)
    for turn in (-0.7, 0.0, 0.7):
        _branches(draw, rng, head[-1], turn, 8, height * 0.046)
    river = arms.resize(size, BICUBIC)
    banks = bloom(Image.merge("RGB", (river, river, river)), 24, 4.0).getchannel(0)
    marsh = lit(ramp(relief, ((0.0, (26, 66, 40)), (0.5, (58, 100, 52)), (1.0, (118, 134, 76)))), slopes(relief, 1.4))
    land.paste(marsh, mask=banks)
    apex = (head[-1][0] / 2, head[-1][1] / 2)
    fan = spot(size, apex, width * 0.62).convert("F")
    rough = noise(size, rng, cells=6, octaves=6, gain=0.62)
    seaward = maths(lambda f, n, d: f + (n - 0.5) * 0.24 - (d / 255) * 0.34, incline(size, 0), rough, fan)
    swirls = noise(size, rng, cells=4, octaves=6, gain=0.62)
    mud = maths(lambda s, n: (s - 0.46) * 2.3 + n * 0.55 - 0.08, seaward, swirls)
    sea = ramp(mud, ((0.0, (186, 160, 106)), (0.25, (132, 160, 124)), (0.5, (40, 124, 140)), (1.0, (10, 58, 110))))
    land.paste(ramp(relief, ((0.0, (128, 152, 142)), (1.0, (196, 184, 146)))), mask=river)
    scene = Image.composite(sea, land, step(seaward, 0.5, 0.012))
    turned = (scene, scene.transpose(Image.Transpose.FLIP_LEFT_RIGHT), scene.transpose(Image.Transpose.ROTATE_180))
    return rng.choice(turned)


def clouds(size: Size, rng: Random) -> Image.Image:
    """Clouds, coasts and the sun's glint on the sea."""
    scene = by_day(size, rng, land=rng.choice((0.0, 0.5, 0.7)))
    glint = (size[0] * rng.uniform(0.15, 0.85), size[1] * rng.uniform(0.1, 0.9))
    return shone(scene, glint, size[1] * 0.55, ((0.0, (0, 0, 0)), (1.0, (112, 116, 110))))


def dunes(size: Size, rng: Random) -> Image.Image:
    """Rows of sand with long shadows."""
    turn, rows = rng.uniform(0.5, 1.3), rng.uniform(13, 20)
    wobble = noise(size, rng, cells=3, octaves=4, gain=0.42)
    phase = maths(lambda a, n: (a * rows + n * 2.4) % 1.0, incline(size, turn), wobble)
    # a dune climbs slowly with the wind and falls steeply behind
    crest = maths(lambda p: (p / 0.74) * (p < 0.74) + ((1 - p) / 0.26) * (p >= 0.74), phase)
    ripples = noise(size, rng, cells=22, octaves=4, gain=0.7)
    relief = maths(lambda c, n, f: c * (0.4 + n * 0.75) + n * 0.5 + f * 0.1, crest, wobble, ripples)
    soft = relief.resize((size[0] // 3, size[1] // 3), Image.Resampling.BOX).resize(size, BICUBIC)
    sands: Stops = rng.choice(
        (
            ((0.0, (128, 66, 36)), (0.5, (204, 120, 64)), (1.0, (250, 196, 130))),
            ((0.0, (150, 106, 66)), (0.5, (212, 168, 110)), (1.0, (252, 228, 178))),
            ((0.0, (108, 46, 36)), (0.5, (182, 90, 58)), (1.0, (240, 164, 110))),
        )
    )
    return lit(ramp(stretched(soft), sands), slopes(soft, 2.7))


def mountains(size: Size, rng: Random) -> Image.Image:
    """Snowy crests, dark valleys, here and there a lake."""
    chains = ridges(noise(size, rng, cells=3, octaves=7, gain=0.5), 1.5)
    spurs = ridges(noise(size, rng, cells=8, octaves=6, gain=0.5), 1.3)
    relief = stretched(
        maths(lambda a, b, c: a * (0.7 + b * 0.6) + c * 0.35, chains, spurs, noise(size, rng, cells=2, octaves=2))
    )
    alpine: Stops = (
        (0.0, (20, 44, 34)),
        (0.22, (44, 68, 44)),
        (0.38, (92, 90, 66)),
        (0.5, (128, 118, 108)),
        (0.6, (214, 220, 230)),
        (1.0, (255, 255, 255)),
    )
    andes: Stops = (
        (0.0, (58, 44, 40)),
        (0.3, (118, 82, 62)),
        (0.55, (160, 122, 94)),
        (0.74, (196, 178, 164)),
        (0.82, (244, 246, 250)),
        (1.0, (255, 255, 255)),
    )
    scene = lit(ramp(relief, rng.choice((alpine, alpine, andes))), slopes(relief, 6.5))
    lakes = maths(lambda r: 1 - r, relief)
    scene.paste((18, 74, 104), mask=step(lakes, 0.9, 0.02))
    haze = grey(noise(size, rng, cells=2, octaves=6, gain=0.6), 1.9, -1.25)
    scene.paste((244, 248, 255), mask=haze)
    return scene


def reef(size: Size, rng: Random) -> Image.Image:
    """Atolls: a deep sea, a turquoise shelf, sand and a few green islands."""
    width, height = size
    floor = maths(lambda n: n * 0.42, noise(size, rng, cells=4, octaves=7, gain=0.55))
    for _ in range(rng.randint(1, 3)):
        middle, radius = (
            (width * rng.uniform(0.2, 0.8), height * rng.uniform(0.2, 0.8)),
            height * rng.uniform(0.3, 0.55),
        )
        disc = spot(size, middle, radius).convert("F")
        floor = maths(
            lambda f, d: f + (1 - abs(d / 255 - 0.42) * 2.1) * (0.5 * (d > 1)) + 0.16 * (d / 255), floor, disc
        )
    wave = noise(size, rng, cells=26, octaves=4, gain=0.6)
    across, down = smooth_line(rng, height, height * 0.03, 2), smooth_line(rng, width, height * 0.03, 2)

    def wiggle(x: float, y: float) -> Point:
        return (min(max(x + across(y), 1), width - 2), min(max(y + down(x), 1), height - 2))

    bent = warped(floor, size, wiggle)
    depth = stretched(maths(lambda f, w: f + w * 0.13, bent, wave))
    water: Stops = (
        (0.0, (6, 32, 84)),
        (0.4, (8, 64, 124)),
        (0.55, (14, 122, 160)),
        (0.68, (52, 186, 190)),
        (0.8, (152, 226, 208)),
        (0.87, (240, 232, 196)),
        (0.91, (92, 128, 70)),
        (1.0, (48, 88, 48)),
    )
    scene = lit(ramp(depth, water), slopes(depth, 1.2))
    scene.paste((250, 252, 255), mask=grey(noise(size, rng, cells=9, octaves=6, gain=0.62), 3.0, -2.15))
    return scene


def storm(size: Size, rng: Random) -> Image.Image:
    """A cyclone with its eye."""
    width, height = size
    eye = (width * rng.uniform(0.42, 0.58), height * rng.uniform(0.42, 0.58))
    wide = (round(width * 1.5), round(width * 1.5))
    bands = noise(wide, rng, cells=7, octaves=6, gain=0.6)
    spin = rng.choice((-1, 1)) * 4.6

    def swirl(x: float, y: float) -> Point:
        dx, dy = x - eye[0], y - eye[1]
        far = math.hypot(dx, dy)
        turn = spin * math.exp(-far / (height * 0.42))
        cos, sin = math.cos(turn), math.sin(turn)
        return (wide[0] / 2 + (dx * cos - dy * sin) * 0.95, wide[1] / 2 + (dx * sin + dy * cos) * 0.95)

    arms = warped(bands, size, swirl, (16, 16))
    mass = spot(size, eye, height * 0.86, (0.45, 104))
    cover = maths(
        lambda a, m, n: (a - 0.5) * 1.5 + (m / 255) * 1.05 + n * 0.3 - 0.14,
        arms,
        mass.convert("F"),
        noise(size, rng, cells=26, octaves=5, gain=0.65),
    )
    sea = ramp(noise(size, rng, cells=3), ((0.0, (6, 26, 66)), (1.0, (20, 74, 132))))
    tops = lit(Image.new("RGB", size, (238, 242, 248)), slopes(cover, 1.5))
    sea.paste(tops, mask=grey(cover, 1.15, -0.05))
    hole = spot(size, eye, height * 0.052, (0.35, 255))
    sea.paste((30, 62, 104), mask=hole.point(lambda v: v * 4 // 5))
    return sea
