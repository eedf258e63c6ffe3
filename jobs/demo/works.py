"""What people made: cities at night, watered fields, the mission's patch."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageChops, ImageDraw

from jobs.demo.brushes import (
    BICUBIC,
    Colour,
    Size,
    bloom,
    grey,
    lit,
    maths,
    mixed,
    noise,
    polyline,
    ramp,
    ridges,
    slopes,
    smooth_line,
    spot,
    step,
    stretched,
)


def city(size: Size, rng: Random) -> Image.Image:
    """A great city at night: a bright heart, ring roads, a grid and a dark coast or river."""
    width, height = size
    heart = (width * rng.uniform(0.38, 0.62), height * rng.uniform(0.38, 0.62))
    land = noise(size, rng, cells=4, octaves=6)
    scene = ramp(land, ((0.0, (3, 5, 12)), (0.6, (10, 14, 26)), (1.0, (24, 26, 36))))
    lines = Image.new("L", size)
    draw = ImageDraw.Draw(lines)
    tilt = rng.uniform(0, math.pi / 2)
    pitch = max(7, round(height / rng.randint(34, 52)))
    far = math.hypot(width, height)
    for n in range(-round(far / pitch), round(far / pitch)):
        for turn in (tilt, tilt + math.pi / 2):
            off = n * pitch + rng.uniform(-1.5, 1.5)
            x, y = heart[0] - off * math.sin(turn), heart[1] + off * math.cos(turn)
            dx, dy = far * math.cos(turn), far * math.sin(turn)
            draw.line((x - dx, y - dy, x + dx, y + dy), rng.randint(60, 150) if n % 4 else 230, 1 if n % 4 else 2)
    crowd = spot(size, heart, height * 0.72, (0.5, 70))
    lived = stretched(
        maths(lambda c, n: (c / 255) * (0.35 + n * 0.9), crowd.convert("F"), noise(size, rng, cells=9, octaves=4))
    )
    speckle = Image.frombytes("L", size, rng.randbytes(width * height)).convert("F")
    lamps = maths(
        lambda p, r, s: p * (r / 255) * (0.35 + (s / 255) ** 2) + p * p * (s / 255) ** 5,
        lived,
        lines.convert("F"),
        speckle,
    )
    roads = Image.new("L", size)
    draw = ImageDraw.Draw(roads)
    for n in range(rng.randint(7, 10)):
        turn, wander = 2 * math.pi * n / 8 + rng.uniform(-0.25, 0.25), smooth_line(rng, height, height * 0.05, 0.7)
        points = []
        for d in range(0, round(far), 14):
            side = wander(d)
            points.append(
                (
                    heart[0] + d * math.cos(turn) - side * math.sin(turn),
                    heart[1] + d * math.sin(turn) + side * math.cos(turn),
                )
            )
        polyline(draw, points, rng.randint(110, 190), 2)
    for ring in (0.16, 0.33):
        box = (
            heart[0] - height * ring * 1.1,
            heart[1] - height * ring,
            heart[0] + height * ring * 1.1,
            heart[1] + height * ring,
        )
        draw.ellipse(box, outline=170, width=2)
    lamps = maths(lambda a, b, s: a + (b / 255) * (0.25 + 0.6 * s / 255), lamps, roads.convert("F"), speckle)
    water = step(ridges(noise(size, rng, cells=1.6, octaves=4, gain=0.35)), 0.965, 0.012)
    colours = rng.choice(((150, 84, 24), (120, 96, 60)))
    lights = ramp(lamps, ((0.0, (0, 0, 0)), (0.25, colours), (0.6, (255, 190, 100)), (1.0, (255, 244, 220))))
    lights.paste((0, 0, 0), mask=water)
    scene = ImageChops.screen(scene, bloom(lights, 7, 1.25))
    veil = grey(noise(size, rng, cells=3, octaves=4), 0.9, -0.5)
    scene.paste((66, 56, 52), mask=veil.point(lambda v: v // 3))
    return scene


def fields(size: Size, rng: Random) -> Image.Image:
    """Round fields, watered from their middle, in a desert."""
    width, height = size
    relief = noise(size, rng, cells=5, octaves=7, gain=0.6)
    scene = lit(
        ramp(relief, ((0.0, (150, 112, 76)), (0.5, (190, 150, 104)), (1.0, (226, 194, 148)))), slopes(relief, 1.6)
    ).resize((width * 2, height * 2), BICUBIC)
    draw = ImageDraw.Draw(scene)
    pitch = height * 2 / rng.choice((7, 8, 10))
    tilt = rng.uniform(-0.25, 0.25)
    crops = [(58, 104, 48), (84, 128, 54), (40, 80, 44), (128, 136, 66), (150, 116, 70), (186, 160, 100), (70, 60, 44)]
    growing = noise((24, 16), rng, cells=3, octaves=3)
    for row in range(-6, 16):
        for place in range(-6, 24):
            x = width + (place - 9) * pitch * math.cos(tilt) - (row - 5) * pitch * math.sin(tilt)
            y = height + (place - 9) * pitch * math.sin(tilt) + (row - 5) * pitch * math.cos(tilt)
            there = growing.getpixel((min(23, max(0, place)), min(15, max(0, row))))
            if rng.random() > float(there) * 2.2 - 0.2:  # type: ignore[arg-type]  # one band: a number
                continue
            radius = pitch * 0.47
            box = (x - radius, y - radius, x + radius, y + radius)
            first, second = rng.choice(crops), rng.choice(crops)
            draw.ellipse(box, first)
            start = rng.uniform(0, 360)
            draw.pieslice(box, start, start + rng.choice((0, 40, 90, 180)), second)
            for ring in (0.75, 0.5, 0.25):
                inner = (x - radius * ring, y - radius * ring, x + radius * ring, y + radius * ring)
                draw.ellipse(inner, outline=mixed(first, (255, 255, 220), 0.12), width=2)
    grain = noise(size, rng, cells=60, octaves=3)
    return lit(scene.resize(size, Image.Resampling.BOX), maths(lambda g: 0.82 + g * 0.36, grain))


def patch(size: Size, rng: Random) -> Image.Image:
    """The mission's patch: an orbit round a planet under curtains of light. Flat colours, for a PNG."""
    side = min(size)
    big = Image.new("RGB", (side * 2, side * 2), (244, 241, 234))
    draw = ImageDraw.Draw(big)
    mid, outer = side, side * 0.94
    navy: Colour = (16, 26, 62)
    draw.ellipse((mid - outer, mid - outer, mid + outer, mid + outer), (236, 180, 76))
    inner = outer * 0.955
    draw.ellipse((mid - inner, mid - inner, mid + inner, mid + inner), navy)
    art = Image.new("RGB", big.size, navy)
    pen = ImageDraw.Draw(art)
    for _ in range(70):
        x, y, r = rng.uniform(0, side * 2), rng.uniform(0, side * 1.3), rng.choice((1.5, 2, 3.5))
        pen.ellipse((x - r, y - r, x + r, y + r), (238, 240, 255))
    for n, colour in enumerate(((84, 56, 140), (38, 126, 130), (70, 196, 138), (150, 236, 164))):
        wave = smooth_line(rng, side * 2, side * 0.07, 1.1)
        top, foot = side * (0.5 + n * 0.14), side * (0.92 + n * 0.12)
        upper = [(x, top + wave(x)) for x in range(0, side * 2 + 1, 8)]
        lower = [(x, foot + wave(x) * 0.4) for x in range(side * 2, -1, -8)]
        pen.polygon(upper + lower, colour)
    pen.ellipse((mid - side * 1.5, side * 1.3, mid + side * 1.5, side * 4.3), (28, 92, 164))
    pen.ellipse((mid - side * 1.5, side * 1.36, mid + side * 1.5, side * 4.36), (18, 62, 122))
    pen.arc((mid - side * 0.82, side * 0.5, mid + side * 0.82, side * 1.5), 150, 345, (236, 180, 76), 9)
    points = [
        (
            mid + (34 if n % 2 else 92) * math.cos(n * math.pi / 4 - 0.2),
            side * 0.62 + (34 if n % 2 else 92) * math.sin(n * math.pi / 4 - 0.2),
        )
        for n in range(8)
    ]
    pen.polygon([(x + side * 0.42, y) for x, y in points], (255, 246, 224))
    disc = Image.new("L", big.size)
    ImageDraw.Draw(disc).ellipse((mid - inner * 0.97, mid - inner * 0.97, mid + inner * 0.97, mid + inner * 0.97), 255)
    big.paste(art, mask=disc)
    return big.resize((side, side), BICUBIC)
