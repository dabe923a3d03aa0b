"""Things close by: a flower, a cup, leaves, fruit, tiles."""

from __future__ import annotations

import math

import numpy as np
from PIL import ImageDraw

from phototag.demo.canvas import Array, Canvas, Colour, mix, rgb
from phototag.demo.night import bokeh


def flower(canvas: Canvas, petal: Colour = "#e85d8a", heart: Colour = "#f4c542", ground: Colour = "#3c6b3a") -> None:
    """One blossom, sharp before a background that is not."""
    canvas.gradient(((0, mix(ground, "#d8e8b0", 0.5)), (1, mix(ground, "#0c1f12", 0.45))))
    blotches = canvas.noise(4, 3)
    canvas.light(np.clip((blotches - 0.5) * 1.6, 0, 0.5), mix(ground, "#f2f6c0", 0.6))
    for _ in range(26):
        x, y, radius = canvas.rng.random(), canvas.rng.random(), canvas.rng.uniform(0.03, 0.11)
        bokeh(canvas, x, y, radius, mix("#f7f3c8", petal, canvas.rng.random() * 0.6), canvas.rng.uniform(0.06, 0.22))
    x, y, size = 0.5, 0.47, 0.37
    canvas.shape(
        lambda d, w, h: d.line(
            [((x + 0.03 * math.sin(t * 2)) * w, (y + t * 0.6) * h) for t in np.linspace(0, 1, 30)],
            fill=255,
            width=round(h * 0.02),
        ),
        mix(ground, "#5f8f3c", 0.6),
    )
    dx, dy = (canvas.x - x) * canvas.aspect, (canvas.y - y) * 1.08
    radius, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
    for ring, (count, reach, turn) in enumerate(((13, 1.0, 0.0), (13, 0.86, 0.24), (10, 0.66, 0.1))):
        part = (angle * count / (2 * math.pi) + turn) % 1 - 0.5
        length = size * reach * (1 - 0.55 * np.abs(part * 2) ** 3.2)
        mask = np.clip((length - radius) * 170, 0, 1)
        vein = 0.94 + 0.06 * np.cos(part * 50)
        tone = (
            (0.55 + 0.5 * (radius / (size * reach)).clip(0, 1))
            * vein
            * (1 - 0.5 * np.abs(part * 2) ** 4)
            * (0.86 + 0.09 * ring)
        )
        light = mix(petal, "#ffffff", 0.28)
        canvas.blend(
            mask.astype(np.float32), np.minimum(tone[..., None] * light * np.float32(1.12), 1).astype(np.float32)
        )
    seeds(canvas, x, y, size * 0.3, heart)
    canvas.vignette(0.35)


def seeds(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    """Draw the heart of a blossom: seeds on a sunflower spiral."""
    canvas.disc(x, y, size, mix(colour, "#5a3a10", 0.55), 0.006)
    golden = math.pi * (3 - math.sqrt(5))
    for tone, off in ((0.75, 0.0), (1.1, -0.0022)):

        def paint(draw: ImageDraw.ImageDraw, w: float, h: float, off: float = off) -> None:
            for number in range(260):
                reach, turn = size * math.sqrt(number / 260) * h, number * golden
                dot = h * (0.0035 + 0.0022 * number / 260)
                cx, cy = x * w + math.cos(turn) * reach, (y + off) * h + math.sin(turn) * reach / 1.08
                draw.ellipse((cx - dot, cy - dot, cx + dot, cy + dot), fill=255)

        canvas.shape(paint, np.minimum(rgb(colour) * np.float32(tone), 1))


def wood(canvas: Canvas, light: Colour = "#b98a5c", dark: Colour = "#7a5230", planks: int = 5) -> None:
    """Fill the picture with wooden boards seen from above."""
    board = np.floor(canvas.y * planks)
    grain = canvas.noise(60, 3, stretch=26) * 0.7 + 0.3 * canvas.noise(9, 3, stretch=12)
    rings = np.sin((grain * 9 + board * 2.3) * 2 * math.pi) * 0.5 + 0.5
    tone = (0.35 * rings + 0.65 * grain + 0.12 * np.sin(board * 5.1))[..., None].clip(0, 1)
    canvas.px = (rgb(light) * (1 - tone) + rgb(dark) * tone).astype(np.float32)
    gap = np.abs(canvas.y * planks - np.round(canvas.y * planks)) < 0.012
    canvas.blend(gap.astype(np.float32) * np.ones_like(canvas.x) * np.float32(0.8), "#2a190c")


def coffee(canvas: Canvas, cup: Colour = "#f4f1ea", drink: Colour = "#8a4f24") -> None:
    """A cup of coffee with a leaf poured into the foam, from above."""
    wood(canvas)
    x, y = 0.47, 0.52
    canvas.blend((shadow(canvas, x + 0.02, y + 0.045, 0.43) * np.float32(0.55)), "#1d0f06")
    for radius, colour in ((0.42, mix(cup, "#9a948a", 0.14)), (0.405, cup), (0.28, mix(cup, "#8f887c", 0.25))):
        canvas.disc(x, y, radius, colour, 0.004)
    canvas.blend(shadow(canvas, x + 0.015, y + 0.02, 0.29) * np.float32(0.25), "#5a4a38")
    for radius, colour in ((0.262, cup), (0.24, mix(drink, "#2a1206", 0.3)), (0.234, drink)):
        canvas.disc(x, y, radius, colour, 0.004)
    canvas.shape(
        lambda d, w, h: d.line(
            (x * w + 0.24 * h, y * h - 0.05 * h, x * w + 0.36 * h, y * h - 0.09 * h), fill=255, width=round(0.05 * h)
        ),
        cup,
    )
    dx, dy = (canvas.x - x) * canvas.aspect / 0.2, (canvas.y - y) / 0.2
    inside = np.hypot(dx, dy) < 1.12
    leaf = np.sin((dy * 1.0 + np.abs(dx) * 1.15) * 15) * np.clip(1.05 - np.hypot(dx * 1.25, dy), 0, 1)
    canvas.blend((np.clip(leaf * 6, 0, 1) * inside * (np.abs(dx) > 0.025)).astype(np.float32), "#f6e7cf")
    for bx, by in canvas.rng.normal(0, 1, (16, 2)):
        bean(canvas, 0.86 + bx * 0.06, 0.8 + by * 0.1, float(canvas.rng.uniform(0, math.pi)))
    canvas.vignette(0.3)


def shadow(canvas: Canvas, x: float, y: float, radius: float) -> Array:
    """Return a soft round shadow as a mask."""
    distance = np.hypot((canvas.x - x) * canvas.aspect, canvas.y - y)
    mask: Array = np.clip((radius + 0.03 - distance) / 0.06, 0, 1).astype(np.float32)
    return mask


def bean(canvas: Canvas, x: float, y: float, turn: float) -> None:
    """Draw one coffee bean."""
    top, left, dx, dy = canvas.around(x, y, 0.035)
    along, across = dx * math.cos(turn) + dy * math.sin(turn), -dx * math.sin(turn) + dy * math.cos(turn)
    inside = np.clip((1 - (along / 0.026) ** 2 - (across / 0.018) ** 2) * 6, 0, 1)
    tone = (0.75 + 8 * -across)[..., None].clip(0.4, 1.2)
    canvas.blend(inside.astype(np.float32), (rgb("#5a2f18") * tone).astype(np.float32), top, left)
    groove = np.abs(across - 0.003 * np.sin(along * 160)) < 0.0022
    canvas.blend((inside * groove).astype(np.float32), "#26110a", top, left)


def fruit(canvas: Canvas) -> None:
    """Oranges and lemons in a row of light."""
    canvas.gradient(((0, "#f3ead9"), (0.62, "#e6d2b5"), (0.63, "#c9a77c"), (1, "#a77f55")))
    for x, y, radius, colour in (
        (0.26, 0.55, 0.17, "#f28c1e"),
        (0.72, 0.53, 0.18, "#f39a24"),
        (0.5, 0.47, 0.2, "#ef7d12"),
        (0.39, 0.68, 0.15, "#f7d038"),
        (0.62, 0.7, 0.145, "#f5c92e"),
    ):
        canvas.blend(shadow(canvas, x + 0.03, y + radius * 0.72, radius * 0.75) * np.float32(0.4), "#4a2c12")
        ball(canvas, x, y, radius, colour)
    canvas.vignette(0.2)


def ball(canvas: Canvas, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw a lit sphere with the pores of a citrus peel."""
    top, left, dx, dy = canvas.around(x, y, radius * 1.02)
    dx, dy = dx / radius, dy / radius
    far = dx * dx + dy * dy
    z = np.sqrt(np.clip(1 - far, 0, 1))
    lit = np.clip(-0.5 * dx - 0.62 * dy + 0.6 * z, 0, 1)
    pores = (canvas.noise(150, 1)[top : top + dy.shape[0], left : left + dx.shape[1]] - 0.5) * 0.1
    body = rgb(colour) * (0.35 + 0.75 * lit + pores)[..., None] + (lit**22 * 0.5)[..., None]
    canvas.blend(np.clip((1 - far) * radius * 250, 0, 1).astype(np.float32), body.astype(np.float32), top, left)


def tiles(canvas: Canvas, colours: tuple[Colour, ...] = ("#1f5f8b", "#f2efe6", "#e0a43b")) -> None:
    """A wall of patterned tiles."""
    u, v = canvas.x * canvas.aspect * 5 % 1 - 0.5, canvas.y * 5 % 1 - 0.5
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    canvas.px[:] = rgb(colours[1])
    star = 0.3 + 0.1 * np.cos(angle * 8)
    for edge, colour in (
        (star + 0.1, colours[0]),
        (star + 0.05, colours[1]),
        (star, colours[2]),
        (star * 0.55, colours[0]),
    ):
        canvas.blend(np.clip((edge - radius) * 120, 0, 1).astype(np.float32), colour)
    corner = np.hypot(np.abs(u) - 0.5, np.abs(v) - 0.5)
    canvas.blend(np.clip((0.2 - corner) * 120, 0, 1).astype(np.float32), colours[0])
    canvas.blend(np.clip((0.13 - corner) * 120, 0, 1).astype(np.float32), colours[2])
    canvas.blend(((np.abs(u) > 0.487) | (np.abs(v) > 0.487)).astype(np.float32) * np.float32(0.7), "#8f887c")
    canvas.px *= (0.86 + 0.24 * canvas.noise(2, 3))[..., None]
    canvas.vignette(0.2)
