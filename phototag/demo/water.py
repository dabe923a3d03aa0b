"""Sea and shore: sunsets over water, beaches with palms, sails, a bridge, and under the surface."""

from __future__ import annotations

import math

import numpy as np
from PIL import ImageDraw

from phototag.demo.canvas import Array, Canvas, Colour, mix, rgb
from phototag.demo.nature import DAY, SUNSET, Sky, sky


def sea(
    canvas: Canvas, horizon: float, near: Colour, far: Colour, *, sun: float | None = None, glint: Colour = "#ffe3a8"
) -> None:
    """Fill from ``horizon`` down with waves that grow towards the viewer; the sun at ``sun`` glitters on them."""
    line = round(horizon * canvas.h)
    depth = ((np.arange(line, canvas.h) - line) / max(canvas.h - line, 1)).astype(np.float32)[:, None]
    waves = swell(canvas, line, depth)
    base = rgb(far) * (1 - depth**0.7)[..., None] + rgb(near) * (depth**0.7)[..., None]
    canvas.px[line:] = base * (0.86 + 0.42 * (waves - 0.5) + 0.07)[..., None]
    if sun is not None:
        spread = 0.02 + 0.16 * depth
        path = np.exp(-(((canvas.x - sun) / spread) ** 2))
        sparkle = np.clip((waves - 0.5) * 7, 0, 1) * 0.85 + 0.12
        canvas.light((path * sparkle).astype(np.float32), glint, line)


def swell(canvas: Canvas, line: int, depth: Array) -> Array:
    """Return (rows, w) wave noise in perspective: fine at the horizon, wide in front."""
    field = canvas.noise(34, 4, stretch=7)
    rows = (np.sqrt(depth[:, 0]) * (canvas.h - 1)).astype(int)
    columns = ((canvas.x[0] - 0.5) / (0.45 + 0.9 * depth) + 0.5) * canvas.w
    folded = np.abs((columns.astype(int) + canvas.w) % (2 * canvas.w) - canvas.w)  # mirrored, so that no seam shows
    found: Array = field[rows[:, None], np.clip(folded, 0, canvas.w - 1)]
    waves: Array = np.clip((found - 0.5) * 1.7 + 0.5, 0, 1).astype(np.float32)
    return waves


def sunset_sea(canvas: Canvas, stops: Sky = SUNSET, sun: float = 0.42, boat: bool = False) -> None:
    """The sun just above the sea, its path on the water."""
    horizon = 0.58
    sky(canvas, stops, horizon, 0.6, mix(stops[-1][1], "#ff9d7a", 0.3))
    canvas.glow(sun, horizon - 0.09, 0.3, "#ffcf8a", 0.7, 1.1)
    canvas.disc(sun, horizon - 0.085, 0.05, "#fff3cf", 0.006)
    sea(canvas, horizon, mix(stops[0][1], "#0f1c33", 0.6), mix(stops[-1][1], stops[0][1], 0.35), sun=sun)
    canvas.below(canvas.ridge(horizon + 0.004, 0.02, 2), mix(stops[0][1], "#15182a", 0.5), until=horizon + 0.008)
    if boat:
        sailing_boat(canvas, 0.66, horizon + 0.06, 0.2, "#1a1626", "#1a1626")
    canvas.vignette(0.3)


def sailing_boat(canvas: Canvas, x: float, line: float, size: float, hull: Colour, sail: Colour) -> None:
    """Draw a sloop under sail, and its shadow on the water."""

    def at(points: list[tuple[float, float]], w: float, h: float, flip: float = 1.0) -> list[tuple[float, float]]:
        return [(x * w + px * size * h, line * h + py * flip * size * h) for px, py in points]

    main, jib = [(0.02, -1.0), (0.02, -0.14), (0.42, -0.14)], [(-0.02, -0.92), (-0.02, -0.14), (-0.36, -0.14)]
    body = [(-0.42, -0.09), (0.46, -0.09), (0.34, 0.02), (-0.3, 0.02)]

    def cloth(draw: ImageDraw.ImageDraw, w: float, h: float, flip: float = 1.0) -> None:
        for outline in (main, jib):
            draw.polygon(at(outline, w, h, flip), fill=255)

    canvas.shape(lambda d, w, h: cloth(d, w, h, -0.5), hull, blur_px=5, opacity=0.4)
    canvas.shape(cloth, sail)
    canvas.shape(lambda d, w, h: d.polygon(at(body, w, h), fill=255), hull)


def sails(canvas: Canvas) -> None:
    """Boats on a bright sea."""
    sky(canvas, DAY, 0.5, 0.7)
    canvas.below(canvas.ridge(0.49, 0.06, 3), "#8fa9b8", until=0.505)
    sea(canvas, 0.5, "#0d4f7d", "#5d9fc0", sun=0.6, glint="#ffffff")
    for x, line, size, colour in (
        (0.18, 0.56, 0.16, "#f4f1ea"),
        (0.74, 0.59, 0.2, "#f7e9d0"),
        (0.42, 0.74, 0.46, "#ffffff"),
    ):
        sailing_boat(canvas, x, line, size, "#24333f", colour)
    canvas.vignette(0.15)


def beach(canvas: Canvas, palm: bool = True, stops: Sky = DAY, water: Colour = "#1f9eb0") -> None:
    """Sand, foam, turquoise water, and a palm leaning in."""
    sky(canvas, stops, 0.42, 0.55)
    sea(canvas, 0.42, mix(water, "#bff0e4", 0.45), mix(water, "#0b4f83", 0.6), sun=None)
    canvas.below(canvas.ridge(0.415, 0.03, 4), "#5f8a78", until=0.423)
    grains = 0.9 + 0.2 * canvas.noise(150, 2)
    for shift, colour, soft in (
        (0.0, "#ffffff", 10.0),
        (0.018, "#d9efe8", 14.0),
        (0.04, "#b99a70", 26.0),
        (0.12, "#ecd5a8", 90.0),
    ):
        edge = (
            0.7
            + shift
            + 0.1 * (canvas.x[0] - 0.5)
            + 0.018 * np.sin(canvas.x[0] * 9 + shift * 20)
            + (canvas.ridge(0, 0.006, 14))
        )
        canvas.below(edge.astype(np.float32), rgb(colour) * grains[..., None], soft_px=soft)
    if palm:
        palms(canvas, ((0.86, 1.02, 0.3, 0.17), (0.97, 1.02, 0.42, 0.34)), "#1f2c1c")
    canvas.vignette(0.15)


def palms(canvas: Canvas, trees: tuple[tuple[float, float, float, float], ...], colour: Colour) -> None:
    """Draw palms: (x of the foot, its y, x lean, y of the crown)."""

    def paint(draw: ImageDraw.ImageDraw, w: float, h: float) -> None:
        for x, foot, lean, top in trees:
            bend = [((x - lean * 0.35 * t**1.7) * w, (foot + (top - foot) * t) * h) for t in np.linspace(0, 1, 90)]
            for number, (px, py) in enumerate(bend):
                half = (0.012 - 0.007 * number / 90) * h
                draw.ellipse((px - half, py - half, px + half, py + half), fill=255)
            for angle in np.linspace(-0.5, math.pi + 0.5, 11):
                frond(draw, bend[-1], angle, 0.24 * h)

    canvas.shape(paint, colour)


def frond(draw: ImageDraw.ImageDraw, start: tuple[float, float], angle: float, length: float) -> None:
    """Draw one drooping palm leaf with its leaflets."""
    x, y = start
    for step in range(26):
        t = step / 26
        px = x + math.cos(angle) * length * t
        py = y - math.sin(angle) * length * t * 0.75 + length * 0.75 * t * t
        leaf = length * 0.24 * math.sin(math.pi * min(t + 0.12, 1))
        draw.line((px, py, px + math.cos(angle) * leaf * 0.5, py + leaf), fill=255, width=max(2, round(length / 90)))
        draw.line(
            (px, py, px + math.cos(angle) * leaf * 0.9, py - leaf * 0.25), fill=255, width=max(2, round(length / 90))
        )


def bridge(canvas: Canvas, stops: Sky = SUNSET, steel: Colour = "#2a1f33") -> None:
    """A suspension bridge against the evening."""
    horizon = 0.66
    sky(canvas, stops, horizon, 0.4, mix(stops[-1][1], "#ffb38a", 0.4))
    canvas.glow(0.55, horizon - 0.05, 0.26, "#ffdf9f", 0.8, 1.1)
    canvas.below(canvas.ridge(horizon - 0.03, 0.07, 3), mix(stops[-1][1], steel, 0.6), until=horizon + 0.01)
    sea(canvas, horizon, mix(steel, "#101527", 0.5), mix(stops[-1][1], steel, 0.45), sun=0.55)
    towers, deck, top = (0.2, 0.72), 0.6, 0.16

    def cable(x: float) -> float:
        if towers[0] <= x <= towers[1]:
            t = (x - towers[0]) / (towers[1] - towers[0]) * 2 - 1
            return deck - 0.03 - (deck - 0.03 - top) * t * t
        edge = towers[0] if x < towers[0] else towers[1]
        return top + (deck - top) * min(abs(x - edge) / 0.36, 1)

    def paint(draw: ImageDraw.ImageDraw, w: float, h: float) -> None:
        for x in towers:
            for off in (-0.011, 0.011):
                draw.polygon(
                    [
                        ((x + off - 0.004) * w, 0.7 * h),
                        ((x + off + 0.004) * w, 0.7 * h),
                        ((x + off * 0.7 + 0.003) * w, top * h),
                        ((x + off * 0.7 - 0.003) * w, top * h),
                    ],
                    fill=255,
                )
            for y in (top + 0.01, 0.27, 0.38, 0.5):
                draw.rectangle(((x - 0.011) * w, y * h, (x + 0.011) * w, (y + 0.012) * h), fill=255)
        draw.polygon(
            [(0, (deck + 0.005) * h), (w, (deck - 0.01) * h), (w, (deck + 0.012) * h), (0, (deck + 0.027) * h)],
            fill=255,
        )
        xs = np.linspace(0, 1, 300)
        draw.line([(float(x) * w, cable(float(x)) * h) for x in xs], fill=255, width=round(h / 220))
        for x in np.linspace(0.01, 0.99, 74):
            draw.line(
                (float(x) * w, cable(float(x)) * h, float(x) * w, deck * h), fill=150, width=max(1, round(h / 900))
            )

    canvas.shape(paint, steel)
    canvas.vignette(0.3)


def underwater(canvas: Canvas) -> None:
    """Light from above, a school of fish, corals on the ground."""
    canvas.gradient(((0, "#9fe3e6"), (0.25, "#39a3c4"), (0.7, "#0f5a8c"), (1, "#083255")))
    canvas.glow(0.45, -0.05, 0.4, "#f0fff5", 0.8, 1.2)
    angle = (canvas.x - 0.45) / (canvas.y + 0.25)
    rays = np.clip(np.sin(angle * 17 + 1) + 0.5 * np.sin(angle * 41), 0, 1) * np.clip(0.85 - canvas.y, 0, 1)
    canvas.light((rays * 0.35).astype(np.float32), "#dffcf4")
    for layer, colour in enumerate(("#0b4a70", "#0a3a58", "#062338")):
        canvas.below(canvas.ridge(0.78 + 0.07 * layer, 0.1, 5 + 2 * layer, 6, 0.6), colour)
    corals = canvas.rng.random((46, 4))
    for part, colour in enumerate(("#d0567a", "#e08a4f", "#7a4f9e")):

        def coral(draw: ImageDraw.ImageDraw, w: float, h: float, chosen: Array = corals[part::3]) -> None:
            for x, deep, grow, _ in chosen:
                foot = (0.9 + 0.12 * deep) * h
                for spread in np.linspace(-0.5, 0.5, 7):
                    tall = (0.04 + 0.07 * grow) * h * (1 - abs(spread) * 0.7)
                    tip = (x * w + spread * 0.09 * h, foot - tall)
                    draw.line((x * w, foot, *tip), fill=255, width=round(h / 130))
                    draw.ellipse((tip[0] - h / 140, tip[1] - h / 140, tip[0] + h / 140, tip[1] + h / 140), fill=255)

        canvas.shape(coral, mix(colour, "#0b3a58", 0.25))
    fish = canvas.rng.normal(0, 1, (60, 3))

    def school(draw: ImageDraw.ImageDraw, w: float, h: float) -> None:
        for dx, dy, grow in fish:
            x, y, size = (0.55 + 0.13 * dx) * w, (0.45 + 0.08 * dy + 0.03 * dx) * h, (0.016 + 0.004 * grow) * h
            draw.ellipse((x - size * 1.5, y - size * 0.55, x + size * 1.5, y + size * 0.55), fill=255)
            draw.polygon(
                [(x + size * 1.2, y), (x + size * 2.2, y - size * 0.6), (x + size * 2.2, y + size * 0.6)], fill=255
            )

    canvas.shape(school, "#f6c04d")
    canvas.vignette(0.4)
