"""After dark: stars, northern lights, cities, fireworks, rain on a window."""

from __future__ import annotations

import math

import numpy as np
from PIL import ImageDraw

from phototag.demo.canvas import Array, Canvas, Colour, mix, rgb
from phototag.demo.nature import pines, reflect


def stars(canvas: Canvas, until: float, count: int = 900) -> None:
    """Sprinkle stars above ``until``, many faint, few bright."""
    places = canvas.rng.random((count, 2))
    power = canvas.rng.pareto(2.2, count)

    def paint(draw: ImageDraw.ImageDraw, w: float, h: float) -> None:
        for (x, y), bright in zip(places, power, strict=True):
            radius = min(0.35 + 0.45 * bright, 3.2) * h / 2134
            value = int(min(70 + 120 * bright, 255))
            draw.ellipse((x * w - radius, y * until * h - radius, x * w + radius, y * until * h + radius), fill=value)

    canvas.lamps(paint, "#f2f6ff")


def milky_way(canvas: Canvas) -> None:
    """The galaxy over a dark ridge, a lit tent in front."""
    canvas.gradient(((0, "#050a1c"), (0.55, "#12274d"), (0.85, "#37567d"), (1, "#8d8a86")), 0, 0.84)
    axis = (canvas.x - 0.62) * 0.9 + (canvas.y - 0.4) * 0.55
    band = np.exp(-((axis / 0.14) ** 2)) * (0.45 + 0.9 * canvas.noise(6, 6, gain=0.6))
    dust = np.exp(-(((axis + 0.015) / 0.045) ** 2)) * np.clip((canvas.noise(9, 5) - 0.4) * 4, 0, 1)
    canvas.light((band * 0.5).astype(np.float32), "#c3cdf2")
    canvas.light((band * band * 0.28).astype(np.float32), "#f0c9a6")
    canvas.blend((dust * 0.5).astype(np.float32), "#0d1630")
    stars(canvas, 0.86, 2600)
    canvas.below(canvas.ridge(0.78, 0.14, 3), "#0a1220")
    canvas.below(canvas.ridge(0.9, 0.04, 3), "#05080f")
    canvas.glow(0.3, 0.885, 0.07, "#ffb45a", 0.55)
    canvas.shape(
        lambda d, w, h: d.polygon([(0.265 * w, 0.915 * h), (0.3 * w, 0.85 * h), (0.335 * w, 0.915 * h)], fill=255),
        "#ffc46b",
    )
    canvas.shape(
        lambda d, w, h: d.line((0.3 * w, 0.85 * h, 0.305 * w, 0.915 * h), fill=255, width=round(h / 300)), "#b8742c"
    )


def aurora(canvas: Canvas) -> None:
    """Northern lights above a frozen lake."""
    canvas.gradient(((0, "#04091a"), (0.6, "#0b2140"), (1, "#17465a")), 0, 0.72)
    stars(canvas, 0.7, 1100)
    for base, swing, colour, power in (
        (0.47, 0.2, "#4dff9e", 0.85),
        (0.4, 0.26, "#3fe6c0", 0.5),
        (0.33, 0.22, "#b06cff", 0.42),
    ):
        foot = canvas.ridge(base, swing, 2.4, 2)[None, :]
        folds = canvas.ridge(0.5, 0.42, 44, 3)[None, :]
        height = foot - canvas.y
        veil = np.where(height > 0, np.exp(-height / 0.17), np.exp(height / 0.014)) * np.clip(folds + 0.25, 0, 1.2)
        canvas.light((veil * power).astype(np.float32), colour)
    canvas.below(canvas.ridge(0.66, 0.13, 4), "#0c1a26")
    pines(canvas, 0.715, "#060d13", 0.1, 80)
    reflect(canvas, 0.73, "#0d2a38")
    canvas.vignette(0.3)


def city_night(canvas: Canvas, glow: Colour = "#ff9a52", top: Colour = "#0b1030", blue_hour: bool = False) -> None:
    """A skyline with lit windows, doubled in the river."""
    shore = 0.66
    low = mix(top, glow, 0.55) if not blue_hour else rgb("#e8a98a")
    canvas.gradient(((0, top), (0.6, mix(top, low, 0.45)), (1, low)), 0, shore)
    if not blue_hour:
        stars(canvas, 0.35, 120)
    canvas.glow(0.5, shore, 0.35, glow, 0.5, 1.2)
    for layer in range(3):
        towers(canvas, shore, layer, mix(mix(top, low, 0.5 - 0.18 * layer), "#060912", 0.3 + 0.25 * layer))
    canvas.light(halo(canvas, shore) * np.float32(0.35), glow)
    reflect(canvas, shore, mix(top, "#081018", 0.4), ripple=1.8)
    canvas.vignette(0.25)


def halo(canvas: Canvas, shore: float) -> Array:
    """Return the light that hangs above the street lamps at the shore."""
    light: Array = np.exp(-(((canvas.y - shore) / 0.05) ** 2)) * np.ones_like(canvas.x)
    return light


def towers(canvas: Canvas, shore: float, layer: int, wall: Colour) -> None:
    """Draw one row of high-rises, back to front as ``layer`` grows, and their lit windows."""
    blocks = []
    x = -0.02
    while x < 1.02:
        wide = float(canvas.rng.uniform(0.022, 0.06))
        middle = math.exp(-(((x - 0.5) / 0.33) ** 2))
        tall = float(canvas.rng.uniform(0.08, 0.2 + 0.3 * middle)) * (1.15 - 0.24 * layer)
        blocks.append((x, wide, tall, bool(canvas.rng.random() < 0.22 and layer < 2)))
        x += wide * float(canvas.rng.uniform(0.8, 1.3))
    lit = canvas.rng.random((len(blocks), 60, 16))

    def walls(draw: ImageDraw.ImageDraw, w: float, h: float) -> None:
        for x, wide, tall, mast in blocks:
            draw.rectangle((x * w, (shore - tall) * h, (x + wide) * w, shore * h), fill=255)
            if mast:
                draw.rectangle(
                    ((x + wide * 0.3) * w, (shore - tall - 0.02) * h, (x + wide * 0.7) * w, shore * h), fill=255
                )
                draw.rectangle(
                    ((x + wide * 0.485) * w, (shore - tall - 0.08) * h, (x + wide * 0.515) * w, shore * h), fill=255
                )

    def windows(draw: ImageDraw.ImageDraw, w: float, h: float) -> None:
        cell = 0.0115 * h
        for block, (x, wide, tall, _) in enumerate(blocks):
            for row in range(min(60, int(tall * h / cell) - 1)):
                for column in range(min(16, int(wide * w / cell * 1.3) - 1)):
                    chance = lit[block, row, column]
                    if chance < 0.5:
                        px, py = x * w + (column + 0.6) * cell / 1.3, (shore - tall) * h + (row + 0.7) * cell
                        draw.rectangle((px, py, px + cell * 0.36, py + cell * 0.48), fill=int(120 + 270 * chance))

    canvas.shape(walls, wall)
    canvas.lamps(windows, ("#ffd58a", "#ffe6b8", "#cfe3ff")[layer], strength=0.75 + 0.15 * layer)
    canvas.lamps(windows, "#ffc873", blur_px=5, strength=0.6)


def light_trails(canvas: Canvas) -> None:
    """A road at night, exposed for seconds: white and red ribbons of light."""
    canvas.gradient(((0, "#070b1f"), (0.6, "#1b2348"), (1, "#6a4a55")), 0, 0.5)
    for layer in range(3):
        towers(canvas, 0.5, layer, mix("#2a2f4f", "#05070f", 0.35 + 0.3 * layer))
    edge = np.full(canvas.w, 0.5, np.float32)
    canvas.below(edge, "#0c0d14")
    canvas.glow(0.5, 0.5, 0.12, "#ffdca0", 0.8)
    for side, colours in ((-1, ("#ffffff", "#fff0c8")), (1, ("#ff3b2f", "#ff7a3c"))):
        lanes = canvas.rng.random((26, 3))
        for part, colour in enumerate(colours):

            def paint(
                draw: ImageDraw.ImageDraw, w: float, h: float, side: int = side, chosen: Array = lanes[part::2]
            ) -> None:
                for lane, bend, wide in chosen:
                    points = []
                    for t in np.linspace(0.02, 1, 40):
                        curve = 0.05 * math.sin(t * 3) * (1 - t)
                        x = 0.5 + curve + side * t**1.5 * (0.1 + 0.5 * lane)
                        points.append((x * w, (0.5 + 0.5 * t - 0.04 * bend * t) * h))
                    draw.line(points, fill=255, width=max(2, round((1 + 3 * wide) * h / 1067)))

            canvas.lamps(paint, colour, strength=0.9)
            canvas.lamps(paint, colour, blur_px=7, strength=0.6)
    canvas.vignette(0.3)


def fireworks(canvas: Canvas) -> None:
    """Three bursts over a skyline."""
    city_night(canvas, "#c45a8a", "#070a20")
    for x, y, size, colour in ((0.3, 0.25, 0.24, "#ffd65c"), (0.66, 0.2, 0.29, "#ff5f7a"), (0.5, 0.4, 0.15, "#7ad7ff")):
        rays = canvas.rng.random((110, 2))

        def burst(
            draw: ImageDraw.ImageDraw,
            w: float,
            h: float,
            x: float = x,
            y: float = y,
            size: float = size,
            rays: Array = rays,
        ) -> None:
            for turn, reach in rays:
                angle, length = turn * 2 * math.pi, size * h * (0.35 + 0.65 * math.sqrt(reach))
                points = [
                    (x * w + math.cos(angle) * length * t, y * h - math.sin(angle) * length * t + 0.09 * h * t * t)
                    for t in np.linspace(0.18, 1, 12)
                ]
                draw.line(points, fill=200, width=max(2, round(h / 700)))
                end = points[-1]
                draw.ellipse((end[0] - h / 420, end[1] - h / 420, end[0] + h / 420, end[1] + h / 420), fill=255)

        canvas.lamps(burst, colour, strength=0.95)
        canvas.lamps(burst, colour, blur_px=8, strength=0.7)
        canvas.glow(x, y, size * 0.9, colour, 0.3)


def rainy_window(canvas: Canvas) -> None:
    """City lights out of focus behind a wet pane."""
    canvas.gradient(((0, "#0c1222"), (0.6, "#1a2138"), (1, "#2a2230")))
    for colour in ("#ffb347", "#ff5e4d", "#6fc7ff", "#ffe9b0", "#7dffb0", "#e58bff"):
        for _ in range(9):
            x, y = canvas.rng.random(), canvas.rng.normal(0.55, 0.2)
            radius = canvas.rng.uniform(0.03, 0.075)
            bokeh(canvas, x, y, radius, colour, canvas.rng.uniform(0.25, 0.7))
    drops = canvas.rng.random((420, 3))

    def paint(draw: ImageDraw.ImageDraw, w: float, h: float, grow: float = 1.0, up: float = 0.0) -> None:
        for x, y, size in drops:
            radius = (0.0015 + 0.011 * size**3) * h * grow
            cx, cy = x * w, (y - up * size**3 * 0.006) * h
            draw.ellipse((cx - radius, cy - radius * 1.15, cx + radius, cy + radius * 1.15), fill=255)

    canvas.shape(paint, "#05070e", blur_px=1.5, opacity=0.55)
    canvas.lamps(lambda d, w, h: paint(d, w, h, 0.62, 1.0), "#dfe9ff", blur_px=1.2, strength=0.42)
    canvas.vignette(0.4)


def bokeh(canvas: Canvas, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
    """Add a light out of focus: an even disc, a little brighter at its rim."""
    top, left, dx, dy = canvas.around(x, y, radius * 1.1)
    distance = np.hypot(dx, dy) / radius
    disc = np.clip((1 - distance) / 0.1 + 0.5, 0, 1) * (0.6 + 0.4 * np.minimum(distance, 1) ** 3)
    canvas.light((disc * strength).astype(np.float32), colour, top, left)


def moonrise(canvas: Canvas) -> None:
    """A large moon over hills."""
    canvas.gradient(((0, "#0a1330"), (0.6, "#2c3a66"), (1, "#8a6f80")), 0, 0.86)
    stars(canvas, 0.6, 300)
    x, y, radius = 0.64, 0.42, 0.2
    canvas.glow(x, y, 0.3, "#ffe9c4", 0.45, 1.3)
    canvas.disc(x, y, radius, "#f6e8cc", 0.004)
    inside = np.clip((radius - np.hypot((canvas.x - x) * canvas.aspect, canvas.y - y)) / 0.01, 0, 1)
    seas = np.clip((canvas.noise(7, 5, gain=0.55) - 0.5) * 4, 0, 1) * inside * 0.4
    canvas.blend(seas.astype(np.float32), "#9c8f86")
    canvas.below(canvas.ridge(0.76, 0.1, 3), "#1b2238")
    canvas.below(canvas.ridge(0.88, 0.05, 3), "#0a0e1a")
    pines(canvas, 0.9, "#070a13", 0.14, 26)
