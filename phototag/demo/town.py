"""Towns by day: streets, facades, rooftops, balloons above them."""

from __future__ import annotations

import math

import numpy as np
from PIL import ImageDraw

from phototag.demo.canvas import Array, Canvas, Colour, mix, rgb
from phototag.demo.nature import DAWN, DAY, Sky, lone_tree, pines, sky
from phototag.demo.water import sea

PASTELS = ("#e8b36a", "#d98a72", "#e9d8a6", "#a9c4b8", "#c9a0a0", "#f0c987", "#8fb0c4")


def harbour(canvas: Canvas, stops: Sky = DAY) -> None:
    """Coloured houses along a quay, mirrored a little in the water."""
    quay = 0.68
    sky(canvas, stops, quay, 0.6)
    canvas.below(canvas.ridge(0.42, 0.12, 2.5), "#7f9a86", until=quay)
    canvas.below(canvas.ridge(0.52, 0.08, 4), "#5f7f63", until=quay)
    x = -0.03
    while x < 1.02:
        wide, tall = float(canvas.rng.uniform(0.065, 0.11)), float(canvas.rng.uniform(0.2, 0.36))
        house(canvas, x, wide, quay - tall, quay, PASTELS[int(canvas.rng.integers(len(PASTELS)))])
        x += wide
    houses = canvas.px[: round(quay * canvas.h)].copy()
    sea(canvas, quay + 0.015, "#1e4f63", "#5b8f9a")
    line = round((quay + 0.015) * canvas.h)
    count = min(canvas.h - line, houses.shape[0])
    fade = np.linspace(0.45, 0.05, count, dtype=np.float32)[:, None, None]
    canvas.px[line : line + count] += (houses[::-1][:count] - canvas.px[line : line + count]) * fade
    canvas.below(np.full(canvas.w, quay, np.float32), "#77706a", until=quay + 0.016)
    canvas.vignette(0.15)


def house(canvas: Canvas, x: float, wide: float, top: float, foot: float, wall: Colour) -> None:
    """Draw one town house: roof, windows with shutters, a door."""

    def boxes(draw: ImageDraw.ImageDraw, w: float, h: float, grow: float = 0.0) -> None:
        columns, floors = max(2, round(wide / 0.03)), max(2, round((foot - top) / 0.085))
        for floor in range(floors):
            for column in range(columns):
                cx, cy = x + wide * (column + 0.5) / columns, top + (foot - top) * (floor + 0.45) / floors
                half_x, half_y = wide / columns * (0.2 + grow), 0.019
                draw.rectangle(((cx - half_x) * w, (cy - half_y) * h, (cx + half_x) * w, (cy + half_y) * h), fill=255)

    canvas.shape(lambda d, w, h: d.rectangle((x * w, top * h, (x + wide) * w, foot * h), fill=255), wall)
    roof = ((x - 0.004, top), (x + wide * 0.5, top - 0.055), (x + wide + 0.004, top))
    canvas.shape(lambda d, w, h: d.polygon([(px * w, py * h) for px, py in roof], fill=255), mix(wall, "#8c3b2a", 0.8))
    canvas.shape(lambda d, w, h: boxes(d, w, h, 0.14), mix(wall, "#3f6657", 0.75))
    canvas.shape(boxes, "#263540")


def balloons(canvas: Canvas, stops: Sky = DAWN) -> None:
    """Hot-air balloons over a valley at dawn."""
    sky(canvas, stops, 0.85, 0.4, "#ffe2cc")
    canvas.glow(0.2, 0.62, 0.3, "#fff0cf", 0.7, 1.1)
    haze = rgb(stops[-1][1])
    for layer in range(4):
        canvas.below(
            canvas.ridge(0.66 + 0.08 * layer, 0.13 - 0.025 * layer, 3 + layer, 5),
            mix(haze, "#3b3550", 0.2 + 0.24 * layer),
        )
    pines(canvas, 0.99, "#241f33", 0.07, 60)
    for x, y, size, a, b in (
        (0.62, 0.34, 0.27, "#e4483f", "#f7e7c6"),
        (0.3, 0.26, 0.16, "#2f7fa8", "#f4c34a"),
        (0.83, 0.2, 0.1, "#7a4f9e", "#f2a0b0"),
        (0.14, 0.48, 0.085, "#e98b2c", "#fff1d0"),
        (0.45, 0.58, 0.07, "#3f9a6b", "#f4e2a0"),
        (0.92, 0.5, 0.06, "#c23f63", "#ffd79a"),
    ):
        balloon(canvas, x, y, size, a, b)
    canvas.vignette(0.2)


def balloon(canvas: Canvas, x: float, y: float, size: float, a: Colour, b: Colour) -> None:
    """Draw a striped balloon, its envelope ``size`` of the height tall."""
    top, left, dx, dy = canvas.around(x, y, size * 0.52)
    u, v = dx / (size * 0.44), dy / (size * 0.5)
    dome = np.sqrt(np.clip(1 - ((v - 0.1) / 1.1) ** 2, 0, 1))
    neck = np.clip(1 - (np.clip(v - 0.1, 0, 1) / 1.05) ** 1.7, 0.12, 1)
    half = np.where(v < 0.1, dome, neck)
    inside = np.clip((half - np.abs(u)) * size * 130, 0, 1) * (np.abs(v) < 1.0)
    around = np.arcsin(np.clip(u / np.maximum(half, 1e-3), -1, 1)) / math.pi
    stripe = (np.floor(around * 10 + 0.5) % 2)[..., None]
    shade = (0.62 + 0.5 * np.clip(0.55 - u * 0.55 - v * 0.15, 0, 1))[..., None]
    cloth = (rgb(a) * stripe + rgb(b) * (1 - stripe)) * shade
    canvas.blend(inside.astype(np.float32), cloth.astype(np.float32), top, left)

    def basket(draw: ImageDraw.ImageDraw, w: float, h: float) -> None:
        foot, wide = (y + size * 0.62) * h, size * 0.06 * h
        for side in (-1, 1):
            draw.line(
                (x * w + side * wide, (y + size * 0.49) * h, x * w + side * wide * 0.8, foot),
                fill=220,
                width=max(1, round(h / 900)),
            )
        draw.rectangle((x * w - wide, foot, x * w + wide, foot + size * 0.07 * h), fill=255)

    canvas.shape(basket, "#4a3322")


def facade(canvas: Canvas, frame: Colour = "#e8e3d8", glass: Colour = "#2d5f86") -> None:
    """A glass front that mirrors clouds, seen straight on."""
    cloud = np.clip(canvas.noise(3, 6, stretch=1.5) * 1.7 - 0.4, 0, 1)[..., None]
    canvas.px = (rgb(glass) * (1 - cloud) + rgb("#dfeaf2") * cloud) * (0.75 + 0.3 * (1 - canvas.y))[..., None]
    across, down = 12, 9
    tilt = canvas.rng.random((down, across)).astype(np.float32)
    cell = tilt[(canvas.y[:, 0] * down).astype(int).clip(0, down - 1)][
        :, (canvas.x[0] * across).astype(int).clip(0, across - 1)
    ]
    canvas.px *= (0.78 + 0.36 * cell)[..., None]
    bars = np.minimum(np.abs(canvas.x * across % 1 - 0.5), 0.5) > 0.46
    beams = np.abs(canvas.y * down % 1 - 0.5) > 0.45
    canvas.blend((bars | beams).astype(np.float32), frame)
    canvas.blend(
        (np.abs(canvas.x * across % 1 - 0.97) < 0.015).astype(np.float32) * np.ones_like(canvas.y),
        mix(frame, "#555555", 0.6),
    )
    canvas.vignette(0.25)


def autumn_road(
    canvas: Canvas, leaves: tuple[Colour, ...] = ("#d9822b", "#c4501e", "#e8b53a"), road: Colour = "#5a5753"
) -> None:
    """A straight road between trees in autumn colours."""
    horizon = 0.5
    canvas.gradient(((0, "#dfe5e6"), (1, "#f6e8cc")), 0, horizon + 0.02)
    verge = 0.75 + 0.5 * canvas.noise(40, 4)
    canvas.below(np.full(canvas.w, horizon, np.float32), rgb("#8a6a34") * verge[..., None])
    depth = np.clip((canvas.y - horizon) / (1 - horizon), 0, 1)
    inside = (np.abs(canvas.x - 0.5) < 0.012 + 0.3 * depth) & (canvas.y > horizon)
    canvas.blend(inside.astype(np.float32), rgb(road) * (0.85 + 0.25 * canvas.noise(90, 2))[..., None])
    dash = (np.abs(canvas.x - 0.5) < 0.0015 + 0.006 * depth) & (np.sin(9 / (depth + 0.06)) > 0) & (canvas.y > horizon)
    canvas.blend(dash.astype(np.float32) * np.float32(0.9), "#f2ede0")
    for step in range(9, -1, -1):
        near = (1 - step / 10) ** 2
        for side in (-1, 1):
            x, foot = 0.5 + side * (0.035 + 0.5 * near), horizon + 0.42 * near
            colour = mix(leaves[(step + (side > 0)) % len(leaves)], "#f3e6cf", 0.55 * (1 - near))
            trunk = (x, foot, 0.004 + 0.014 * near, 0.1 + 0.6 * near)

            def stem(draw: ImageDraw.ImageDraw, w: float, h: float, t: tuple[float, ...] = trunk) -> None:
                draw.rectangle(
                    ((t[0] - t[2] / 2) * w, (t[1] - t[3] * 0.6) * h, (t[0] + t[2] / 2) * w, t[1] * h), fill=255
                )

            canvas.shape(stem, mix("#3a2a1f", "#f3e6cf", 0.5 * (1 - near)))
            crown(canvas, x, foot - trunk[3] * 0.75, 0.09 + 0.34 * near, colour)
    canvas.vignette(0.25)


def crown(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    """Draw leaves as three tones of small blobs around (x, y)."""
    for tone, count, spread in ((0.72, 170, 0.46), (1.0, 190, 0.44), (1.18, 120, 0.4)):
        spots = canvas.rng.normal(0, spread, (count, 3))

        def paint(draw: ImageDraw.ImageDraw, w: float, h: float, spots: Array = spots) -> None:
            for dx, dy, grow in spots:
                radius = size * h * (0.035 + 0.04 * abs(grow))
                cx, cy = x * w + dx * size * h * 0.62, y * h + dy * size * h * 0.62
                draw.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=255)

        canvas.shape(paint, np.minimum(rgb(colour) * np.float32(tone), 1))


def hill_town(canvas: Canvas) -> None:
    """A white village above the sea."""
    sky(canvas, DAY, 0.7, 0.25)
    sea(canvas, 0.45, "#155a94", "#6fb0d0")
    edge = 0.95 - 0.55 * np.clip(canvas.x[0] * 1.15 - 0.05, 0, 1) + canvas.ridge(0, 0.02, 8)
    canvas.below(edge.astype(np.float32), rgb("#b39a78") * (0.8 + 0.35 * canvas.noise(30, 3))[..., None])
    boxes = sorted(
        ((float(canvas.rng.uniform(0.2, 1.0)), float(canvas.rng.uniform(-0.06, 0.36))) for _ in range(95)),
        key=lambda b: b[1],
    )
    for x, down in boxes:
        base = float(edge[min(int(x * canvas.w), canvas.w - 1)]) + 0.03 + down
        cube(canvas, x, base, float(canvas.rng.uniform(0.03, 0.055)), bool(canvas.rng.random() < 0.16))
    lone_tree(canvas, 0.12, 0.98, 0.2, "#3f5a35")
    canvas.vignette(0.15)


def cube(canvas: Canvas, x: float, foot: float, size: float, dome: bool) -> None:
    """Draw one white house: a lit and a shaded side, a window, now and then a blue dome."""
    tall = size * 1.5
    left, right = int((x - size / 2) * canvas.w), int((x + size / 2) * canvas.w)
    top, bottom = int((foot - tall) * canvas.h), int(foot * canvas.h)
    left, right = max(left, 0), min(right, canvas.w)
    top, bottom = max(top, 0), min(bottom, canvas.h)
    if right - left < 4 or bottom - top < 4:
        return
    middle = left + (right - left) * 2 // 3
    if dome:
        radius = (right - left) / 2
        ys, xs = np.mgrid[max(top - int(radius), 0) : top, left:right]
        inside = ((xs - (left + right) / 2) ** 2 + (ys - top) ** 2 < radius**2)[..., None]
        area = canvas.px[max(top - int(radius), 0) : top, left:right]
        area += (rgb("#2f6fb5") * (1.1 - 0.4 * (xs - left) / (right - left))[..., None] - area) * inside
    canvas.px[top:bottom, left:middle] = rgb("#faf7f0")
    canvas.px[top:bottom, middle:right] = rgb("#cfd4da")
    wide, high = max((right - left) // 8, 2), max((bottom - top) // 6, 3)
    at_x, at_y = left + (middle - left) // 2, top + (bottom - top) // 2
    canvas.px[at_y - high // 2 : at_y + high, at_x - wide : at_x + wide] = rgb("#3f6f9e")
