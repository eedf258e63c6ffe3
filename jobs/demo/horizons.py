"""Scenes that look along the Earth's limb: day, sunrise, aurora, moonrise, star trails."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageChops, ImageDraw

from jobs.demo.brushes import (
    BICUBIC,
    BILINEAR,
    Colour,
    Line,
    Point,
    Size,
    Stops,
    bloom,
    column,
    grey,
    lit,
    maths,
    mixed,
    noise,
    ramp,
    ridges,
    shone,
    slopes,
    smooth_line,
    stars,
    step,
    warped,
)

BLACK: Colour = (2, 3, 8)
SEAS: tuple[Stops, ...] = (
    ((0.0, (8, 38, 88)), (0.6, (16, 74, 140)), (1.0, (44, 122, 178))),
    ((0.0, (6, 44, 92)), (0.5, (18, 96, 150)), (1.0, (58, 158, 188))),
    ((0.0, (12, 30, 70)), (0.7, (26, 66, 120)), (1.0, (70, 116, 160))),
)
LANDS: tuple[Stops, ...] = (
    ((0.0, (92, 84, 52)), (0.5, (136, 116, 72)), (1.0, (196, 170, 118))),
    ((0.0, (34, 66, 38)), (0.5, (70, 92, 50)), (1.0, (150, 134, 90))),
    ((0.0, (120, 66, 40)), (0.5, (176, 106, 62)), (1.0, (222, 168, 112))),
)


def _plain(size: Size) -> Size:
    """The size of the plane that is laid under ``size``: slant and haze hide that it is coarser."""
    return (round(size[0] * 0.75), round(size[1] * 0.6))


def receding(texture: Image.Image, size: Size, horizon: float, depth: float = 3.4) -> Image.Image:
    """``texture`` laid flat and seen from above, from the bottom edge up to the line ``horizon``."""
    width, height = size
    eye = horizon - (height - horizon) / (depth - 1)  # where the plane would vanish
    across = (horizon - eye) * texture.width / width
    near = (horizon - eye) * (texture.height - 2)
    mid, middle = texture.width / 2, width / 2
    plane = (-across / eye, -mid / eye, mid + across * middle / eye, 0.0, 0.0, -near / eye, 0.0, -1 / eye)
    return texture.transform(size, Image.Transform.PERSPECTIVE, plane, BILINEAR)


def by_day(size: Size, rng: Random, *, land: float = 0.0) -> Image.Image:
    """Sea, clouds and (``land`` from 0 to 1) coasts, seen from straight above."""
    ground = ramp(noise(size, rng, cells=3), rng.choice(SEAS))
    if land:
        relief = noise(size, rng, cells=3, octaves=7, gain=0.55)
        earth = lit(ramp(relief, rng.choice(LANDS)), slopes(relief, 3.2))
        shore = ImageChops.screen(ground, Image.new("RGB", size, (24, 70, 62)))
        ground.paste(shore, mask=step(relief, 0.97 - land * 0.62, 0.10))
        ground.paste(earth, mask=step(relief, 1.0 - land * 0.62, 0.01))
    wide = noise(size, rng, cells=3, octaves=3)
    fine = noise(size, rng, cells=14, octaves=6, gain=0.62)
    cover = maths(lambda a, b: (a - 0.5) * 1.5 + (b - 0.42) * 1.7, wide, fine)
    shadow = ImageChops.offset(grey(cover, 0.8), 5, 5)
    ground.paste((6, 18, 40), mask=shadow.point(lambda v: v * 110 // 255))
    ground.paste((250, 252, 255), mask=grey(cover, 1.25))
    return ground


def by_night(size: Size, rng: Random, *, tint: Colour = (14, 20, 36)) -> Image.Image:
    """Dark land and clouds with the lights of towns."""
    dark = ramp(noise(size, rng, cells=5, octaves=6), ((0.0, (3, 5, 12)), (1.0, mixed(tint, (40, 50, 70), 0.35))))
    lived = maths(lambda a, b: a * a * b, noise(size, rng, cells=4, octaves=4), ridges(noise(size, rng, cells=6), 7))
    speckle = Image.frombytes("L", size, rng.randbytes(size[0] * size[1])).convert("F")
    lamps = maths(lambda a, s: a * ((s / 255) ** 14 * 3.4 + (s / 255) ** 3 * 0.25), lived, speckle)
    towns = ramp(lamps, ((0.0, (0, 0, 0)), (0.3, (150, 84, 24)), (0.7, (255, 186, 96)), (1.0, (255, 240, 210))))
    return ImageChops.screen(dark, bloom(towns, 6, 1.5))


def air(height: int, width: int, horizon: float, thickness: float, glows: tuple[Colour, Colour, Colour]) -> Image.Image:
    """The sky over a flat horizon: a bright line, a coloured band, then the black of space."""
    line, band, high = glows

    def colour_at(share: float) -> Colour:
        up = (horizon - share * height) / thickness
        if up < 0:
            return line
        if up < 0.35:
            return mixed(line, band, up / 0.35)
        if up < 1:
            return mixed(band, high, (up - 0.35) / 0.65)
        return mixed(high, BLACK, 1 - math.exp(-(up - 1) * 1.6))

    return column(height, width, colour_at)


def hazed(ground: Image.Image, horizon: float, reach: float, colour: Colour, most: float = 0.92) -> Image.Image:
    """``ground`` that fades into the air towards the horizon."""
    height = ground.height

    def veil(share: float) -> Colour:
        value = round(255 * most * math.exp(-max(0.0, share * height - horizon) / reach))
        return (value, value, value)

    ground.paste(colour, mask=column(height, ground.width, veil).getchannel(0))
    return ground


def bent(flat: Image.Image, size: Size, *, sag: float, tilt: float) -> Image.Image:
    """The flat scene with the Earth's curve (``sag`` pixels at the edges) and the camera tilted (radians)."""
    width, height = size
    cos, sin = math.cos(tilt), math.sin(tilt)

    def source(x: float, y: float) -> Point:
        dx, dy = x - width / 2, y - height / 2
        across, down = dx * cos + dy * sin, dy * cos - dx * sin
        return (flat.width / 2 + across, flat.height / 2 + down - sag * (2 * across / width) ** 2)

    return warped(flat, size, source, (36, 36))


class Limb:
    """The measures of one look at the horizon: the flat canvas is larger than the picture, so that it can be bent."""

    def __init__(self, size: Size, rng: Random, *, at: float) -> None:
        self.size, self.rng = size, rng
        self.flat: Size = (round(size[0] * 1.16), round(size[1] * 1.36))
        self.horizon = self.flat[1] / 2 + size[1] * (at - 0.5)
        self.sag = size[0] * rng.uniform(0.07, 0.13)
        self.tilt = rng.uniform(-0.2, 0.2)

    def over(self, sky: Image.Image, ground: Image.Image) -> Image.Image:
        """``sky`` down to the horizon, ``ground`` below it."""
        sky.paste(ground.crop((0, round(self.horizon), *self.flat)), (0, round(self.horizon)))
        return sky

    def seen(self, flat: Image.Image) -> Image.Image:
        """The finished picture."""
        return bent(flat, self.size, sag=self.sag, tilt=self.tilt)


DAY_AIR: tuple[Colour, Colour, Colour] = ((226, 242, 255), (94, 166, 240), (16, 44, 120))


def limb(size: Size, rng: Random) -> Image.Image:
    """Clouds and sea by day under the blue line of the atmosphere."""
    view = Limb(size, rng, at=rng.uniform(0.3, 0.42))
    sky = air(view.flat[1], view.flat[0], view.horizon, size[1] * 0.075, DAY_AIR)
    texture = by_day(_plain(view.flat), rng, land=rng.choice((0.0, 0.6, 0.85)))
    ground = receding(texture, view.flat, view.horizon)
    return view.seen(view.over(sky, hazed(ground, view.horizon, size[1] * 0.16, (176, 212, 248))))


def sunrise(size: Size, rng: Random) -> Image.Image:
    """The sun behind the limb: a thin fire between a black planet and a black sky."""
    view = Limb(size, rng, at=rng.uniform(0.5, 0.66))
    width, height = view.flat
    sun = (width * rng.uniform(0.34, 0.66), view.horizon - size[1] * 0.012)
    warm = rng.choice(
        (((255, 214, 150), (255, 128, 44), (64, 74, 150)), ((255, 236, 200), (250, 120, 70), (60, 92, 190)))
    )
    sky = air(height, width, view.horizon, size[1] * 0.06, warm)
    side = column(1, width, lambda _: BLACK)
    fade = Image.new("L", (width, 1))
    fade.putdata([round(255 * math.exp(-(((x - sun[0]) / (width * 0.36)) ** 2))) for x in range(width)])
    sky = Image.composite(sky, side.resize(view.flat), fade.resize(view.flat))
    texture = by_night(_plain(view.flat), rng, tint=(20, 24, 44))
    ground = hazed(receding(texture, view.flat, view.horizon), view.horizon, size[1] * 0.02, (120, 60, 34), 0.8)
    scene = view.over(sky, Image.composite(ground, ground.point(lambda v: v // 3), fade.resize(view.flat)))
    flames: Stops = (
        (0.0, (0, 0, 0)),
        (0.25, (38, 18, 22)),
        (0.6, (190, 92, 40)),
        (0.85, (255, 206, 128)),
        (1.0, (255, 255, 240)),
    )
    halo: Stops = ((0.0, (0, 0, 0)), (0.5, (20, 16, 30)), (1.0, (120, 84, 74)))
    scene = shone(scene, sun, size[1] * 0.62, halo)
    scene = shone(scene, sun, size[1] * 0.2, flames)
    rays = Image.new("RGB", view.flat)
    draw = ImageDraw.Draw(rays)
    for n in range(12):
        turn, far = math.pi * n / 6 + 0.13, size[1] * (0.34 if n % 2 else 0.2)
        tip = (sun[0] + far * math.cos(turn), sun[1] + far * math.sin(turn))
        out = (math.sin(turn) * 2.2, -math.cos(turn) * 2.2)
        draw.polygon([(sun[0] + out[0], sun[1] + out[1]), tip, (sun[0] - out[0], sun[1] - out[1])], (150, 118, 84))
    rays = rays.resize((width // 2, height // 2), Image.Resampling.BOX).resize(view.flat, BICUBIC)
    return view.seen(ImageChops.screen(scene, bloom(rays, 5, 0.8)))


def aurora(size: Size, rng: Random) -> Image.Image:
    """Green and purple curtains over the night side."""
    view = Limb(size, rng, at=rng.uniform(0.6, 0.72))
    width, height = view.flat
    sky = air(height, width, view.horizon, size[1] * 0.05, ((120, 170, 110), (46, 92, 60), (12, 30, 40)))
    stars(sky, rng, 700, lambda _: view.horizon - size[1] * 0.04)
    texture = by_night(_plain(view.flat), rng, tint=(12, 34, 34))
    scene = view.over(
        sky, hazed(receding(texture, view.flat, view.horizon), view.horizon, size[1] * 0.05, (70, 120, 84), 0.8)
    )
    tall = round(size[1] * rng.uniform(0.5, 0.62))
    top = rng.choice(((210, 50, 170), (250, 60, 90), (150, 80, 250)))

    def colour_at(share: float) -> Colour:  # red or purple tops, green feet with a sharp lower edge
        if share > 0.9:
            return mixed((70, 255, 150), (0, 0, 0), (share - 0.9) / 0.1)
        strength = math.exp(-(0.9 - share) * 2.7)
        return mixed((0, 0, 0), mixed(top, (60, 255, 140), (share - 0.3) / 0.45), strength)

    # curtains are soft: they are hung at half the size
    half: Size = (width // 2, height // 2)
    curtains = Image.new("RGB", half)
    for n in range(3):
        rays = noise((half[0], 1), rng, cells=8, octaves=6, gain=0.7)
        broad = noise((half[0], 1), rng, cells=3, octaves=2)
        light = grey(maths(lambda a, b: a * b * 1.9, rays, broad)).resize((half[0], tall // 2))
        cloth = ImageChops.multiply(column(tall // 2, half[0], colour_at), Image.merge("RGB", (light, light, light)))
        sheet = Image.new("RGB", half)
        sheet.paste(cloth, (0, round((view.horizon - tall * 0.86) / 2)))
        sway, fold = smooth_line(rng, half[0], size[1] * 0.045, 0.8), smooth_line(rng, half[0], size[0] * 0.025, 2.2)
        drop = size[1] * (0.015 + 0.025 * n)

        def hung(x: float, y: float, sway: Line = sway, fold: Line = fold, drop: float = drop) -> Point:
            return (x + fold(x), y + sway(x) - drop)

        curtains = ImageChops.screen(curtains, warped(sheet, half, hung, (10, half[1])))
    scene = ImageChops.screen(scene, curtains.resize(view.flat, BICUBIC))
    return view.seen(bloom(scene, 12, 0.25))


def moonrise(size: Size, rng: Random) -> Image.Image:
    """A small moon over the blue line."""
    view = Limb(size, rng, at=rng.uniform(0.62, 0.74))
    sky = air(view.flat[1], view.flat[0], view.horizon, size[1] * 0.1, ((232, 246, 255), (70, 140, 232), (10, 30, 96)))
    texture = by_day(_plain(view.flat), rng)
    ground = hazed(receding(texture, view.flat, view.horizon), view.horizon, size[1] * 0.12, (170, 208, 248))
    scene = view.seen(view.over(sky, ground))
    side = round(size[1] * rng.uniform(0.11, 0.17))
    seas = noise((side, side), rng, cells=3, octaves=5)
    face = ramp(seas, ((0.0, (104, 102, 108)), (0.45, (196, 194, 190)), (1.0, (250, 247, 240))))
    disc = Image.new("L", (side * 4, side * 4))
    ImageDraw.Draw(disc).ellipse((6, 6, side * 4 - 6, side * 4 - 6), 255)
    if rng.random() < 0.5:  # a crescent: the lit side is towards the sun, below the horizon
        dark = side * rng.uniform(0.7, 1.8)
        ImageDraw.Draw(disc).ellipse((6 - dark, 6 - dark, side * 4 - 6 - dark * 0.7, side * 4 - 6 - dark * 0.7), 0)
    at = (round(size[0] * rng.uniform(0.3, 0.65)), round(size[1] * rng.uniform(0.06, 0.2)))
    scene.paste(face, at, disc.resize((side, side), BICUBIC))
    return bloom(scene, 16, 0.1)


def trails(size: Size, rng: Random) -> Image.Image:
    """A long exposure: the stars draw arcs, the towns draw lines."""
    view = Limb(size, rng, at=0.74)
    width, height = view.flat
    sky = air(height, width, view.horizon, size[1] * 0.05, ((190, 170, 90), (110, 128, 70), (26, 40, 62)))
    arcs = Image.new("RGB", view.flat)
    draw = ImageDraw.Draw(arcs)
    pole = (width * rng.uniform(0.3, 0.7), view.horizon - size[1] * rng.uniform(0.25, 0.5))
    for _ in range(340):
        far, start = width * 0.9 * math.sqrt(rng.random()) + 4, rng.uniform(0, 360)
        tint = rng.choice([(255, 255, 255), (170, 200, 255), (255, 214, 160), (255, 180, 150)])
        box = (pole[0] - far, pole[1] - far, pole[0] + far, pole[1] + far)
        draw.arc(box, start, start + 24, mixed(BLACK, tint, 0.15 + 0.75 * rng.random() ** 2), 1)
    sky = ImageChops.lighter(sky, arcs)
    ground = Image.new("RGB", view.flat, (5, 6, 12))
    draw = ImageDraw.Draw(ground)
    for _ in range(420):
        y = view.horizon + (height - view.horizon) * rng.random() ** 1.5
        x, long = rng.uniform(-60, width), (y - view.horizon) * 0.9 + 6
        tint = mixed((40, 22, 10), rng.choice([(255, 178, 84), (255, 226, 170), (170, 200, 255)]), rng.random() ** 2)
        draw.line((x, y, x + long, y + long * 0.06), tint, 1 + (rng.random() < 0.1))
    scene = view.over(sky, hazed(bloom(ground, 5, 1.3), view.horizon, size[1] * 0.03, (120, 116, 60), 0.8))
    return view.seen(scene)
