"""Land: mountains, lakes, fields, forests, dunes, winter."""

from __future__ import annotations

import numpy as np
from PIL import ImageDraw

from phototag.demo.canvas import Array, Canvas, Colour, mix, rgb

Sky = tuple[tuple[float, Colour], ...]
DAY: Sky = ((0, "#2f6db3"), (0.55, "#7fb2dc"), (1, "#d9e8ee"))
DAWN: Sky = ((0, "#33497f"), (0.45, "#8f7fa8"), (0.75, "#eba98c"), (1, "#fbdcae"))
SUNSET: Sky = ((0, "#27325e"), (0.4, "#824a74"), (0.7, "#e2714c"), (0.9, "#f8b35a"), (1, "#fde19a"))
OVERCAST: Sky = ((0, "#8895a1"), (0.6, "#b3bdc4"), (1, "#d8dcdc"))


def sky(canvas: Canvas, stops: Sky, horizon: float, clouds: float = 0.5, lit: Colour = "#ffffff") -> None:
    """Fill down to ``horizon`` with a sky that has ``clouds`` of [0, 1], lit from below by ``lit``."""
    canvas.gradient(stops, 0, horizon)
    rows = round(horizon * canvas.h)
    if clouds <= 0:
        return
    field = canvas.noise(2.5, 6, stretch=2.6, gain=0.55)[:rows]
    shade = canvas.noise(5, 4, stretch=2.2)[:rows]
    depth = np.linspace(1, 0.35, rows, dtype=np.float32)[:, None]
    mask = np.clip((field - (0.66 - 0.24 * clouds)) * 5, 0, 1) * depth * np.float32(0.9)
    over = rgb(lit) * (0.78 + 0.3 * shade)[..., None]
    canvas.blend(mask.astype(np.float32), np.minimum(over, 1))


def mountains(
    canvas: Canvas, stops: Sky = DAWN, *, sun: float | None = 0.7, lake: bool = False, snow: bool = True
) -> None:
    """Ranges one behind the other, each hazier; a sun at ``sun``, a lake in front where wanted."""
    horizon = 0.6 if lake else 0.8
    sky(canvas, stops, horizon + 0.1, 0.45, mix(stops[-1][1], "#ffffff", 0.35))
    haze = rgb(stops[-1][1])
    if sun is not None:
        canvas.glow(sun, horizon - 0.22, 0.25, mix(haze, "#fff1cf", 0.6), 0.75, 1.1)
        canvas.disc(sun, horizon - 0.22, 0.032, "#fff7e0", 0.006)
    layers = 6
    for layer in range(layers):
        near = layer / (layers - 1)
        edge = canvas.ridge(horizon - 0.26 + 0.24 * near, 0.17 - 0.1 * near, 2.2 + 2.2 * near)
        rock = mix(haze, "#16263a", 0.25 + 0.72 * near)
        canvas.below(edge, rock)
        if snow and layer < 2:
            snow_caps(canvas, edge, mix(rock, "#ffffff", 0.55), horizon)
        mist(canvas, horizon - 0.13 + 0.2 * near, haze, 0.42 * (1 - near))
    pines(canvas, horizon - 0.02, "#0e1a24", 0.05, 90)
    if lake:
        reflect(canvas, horizon + 0.01)
    else:
        canvas.below(canvas.ridge(horizon + 0.06, 0.03, 3), "#0c161d")
        pines(canvas, horizon + 0.08, "#0a1218", 0.12, 34)
    canvas.vignette(0.3)


def snow_caps(canvas: Canvas, edge: Array, colour: Colour, horizon: float) -> None:
    """Whiten the heights of a ridge, ragged at the lower rim."""
    depth = (horizon - edge) * 0.32
    ragged = canvas.ridge(0, 0.02, 40, 4)
    rows = np.arange(canvas.h, dtype=np.float32)[:, None] / canvas.h
    high = np.clip((0.35 * horizon + 0.18 - edge) * 8, 0, 1)
    mask = ((rows > edge[None]) & (rows < (edge + depth * high + ragged)[None])).astype(np.float32)
    canvas.blend(mask * np.float32(0.75), colour)


def mist(canvas: Canvas, at: float, colour: Colour, amount: float) -> None:
    """Lay a band of mist at the height ``at``."""
    band = np.exp(-(((canvas.y - at) / 0.07) ** 2)).astype(np.float32)
    canvas.blend(band * np.float32(amount) * np.ones_like(canvas.x), colour)


def pines(canvas: Canvas, ground: float, colour: Colour, size: float, count: int) -> None:
    """Draw a row of spruces standing at ``ground``, about ``size`` of the height tall."""
    places = canvas.rng.random((count, 3))

    def paint(draw: ImageDraw.ImageDraw, w: float, h: float) -> None:
        for x, grow, sink in places:
            pine(draw, x * w, (ground + sink * 0.03) * h, size * (0.55 + 0.8 * grow) * h)

    canvas.shape(paint, colour)


def pine(draw: ImageDraw.ImageDraw, x: float, foot: float, tall: float) -> None:
    """Draw one spruce: tiers of drooping branches."""
    draw.rectangle((x - tall * 0.015, foot - tall * 0.2, x + tall * 0.015, foot), fill=255)
    for tier in range(7):
        top = foot - tall * (1 - tier * 0.125)
        half = tall * (0.035 + 0.032 * tier)
        low = top + tall * 0.26
        outline = [(x, top), (x + half * 0.55, low - tall * 0.05), (x + half, low), (x, low - tall * 0.035)]
        draw.polygon([*outline, (x - half, low), (x - half * 0.55, low - tall * 0.05)], fill=255)


def reflect(canvas: Canvas, shore: float, tint: Colour = "#23405c", ripple: float = 1.0) -> None:
    """Turn everything below ``shore`` into water that mirrors what is above it."""
    line = round(shore * canvas.h)
    count = canvas.h - line
    rows = np.arange(count)
    depth = rows / max(count, 1)
    wave = canvas.noise(26, 2, stretch=9)[line:]
    shift = ((wave - 0.5) * (5 + 34 * depth[:, None]) * ripple * canvas.h / 1000).astype(int)
    source = np.clip(line - 1 - (rows[:, None] * 0.92).astype(int) + shift, 0, line - 1)
    mirrored = canvas.px[source, np.arange(canvas.w)[None, :]]
    fade = (0.16 + 0.3 * depth)[:, None, None].astype(np.float32)
    canvas.px[line:] = mirrored * (1 - fade) * np.float32(0.9) + rgb(tint) * fade
    canvas.light(np.clip((wave - 0.62) * 3, 0, 0.18) * (1 - depth[:, None]).astype(np.float32), "#ffffff", line)
    bank = np.exp(-((np.arange(canvas.h) - line) ** 2) / 8).astype(np.float32)[:, None] * np.ones_like(canvas.x)
    canvas.blend(bank * np.float32(0.45), "#0b141b")


def rows_of_flowers(canvas: Canvas, bloom: Colour = "#7a56b5", leaf: Colour = "#3d5a2f", stops: Sky = SUNSET) -> None:
    """A field of lavender (or whatever ``bloom`` is) in rows that meet at the horizon."""
    horizon = 0.42
    sky(canvas, stops, horizon + 0.01, 0.6, mix(stops[-1][1], "#ffffff", 0.4))
    canvas.glow(0.32, horizon - 0.04, 0.2, "#fff0c4", 0.8, 1.1)
    canvas.below(canvas.ridge(horizon - 0.02, 0.045, 2.5), mix(stops[-1][1], "#3c4a68", 0.65))
    canvas.below(canvas.ridge(horizon, 0.012, 5), mix(leaf, "#2c3d33", 0.5))
    depth = np.clip((canvas.y - horizon) / (1 - horizon), 0.002, 1)
    across = (canvas.x - 0.5) / (depth + 0.035) * 3.1
    fold = np.abs(across % 1 - 0.5) * 2
    tuft = canvas.noise(60, 3)
    crest = np.clip((fold - 0.3 + (tuft - 0.5) * 0.7) * 2.6, 0, 1)
    light = (0.55 + 0.6 * crest + (tuft - 0.5) * 0.5 * np.sqrt(depth))[..., None]
    ground = (rgb(leaf) * (1 - crest[..., None]) + rgb(bloom) * crest[..., None]) * light
    warm = rgb(stops[-1][1]) * (1 - depth)[..., None] * np.float32(0.28)
    edge = np.full(canvas.w, horizon, np.float32)
    canvas.below(edge, (ground + warm).astype(np.float32))
    lone_tree(canvas, 0.76, horizon + 0.02, 0.16, "#27301f")
    canvas.vignette(0.25)


def lone_tree(canvas: Canvas, x: float, foot: float, size: float, colour: Colour) -> None:
    """Draw a round leafy tree."""
    blobs = canvas.rng.normal(0, 1, (70, 3))

    def paint(draw: ImageDraw.ImageDraw, w: float, h: float) -> None:
        draw.polygon(
            [((x - 0.004) * w, foot * h), ((x + 0.004) * w, foot * h), ((x + 0.002) * w, (foot - size * 0.5) * h)],
            fill=255,
        )
        for dx, dy, grow in blobs:
            radius = size * h * (0.1 + 0.035 * abs(grow))
            cx, cy = x * w + dx * size * h * 0.17, (foot - size * 0.62) * h + dy * size * h * 0.13
            draw.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=255)

    canvas.shape(paint, colour)


def meadow(canvas: Canvas, flowers: tuple[str, ...] = ("#f4d03f", "#ffffff", "#e25555")) -> None:
    """Green hills under a summer sky, flowers in front."""
    sky(canvas, DAY, 0.75, 0.75)
    for layer, colour in enumerate(("#7ea07a", "#6f9a55", "#5c8f3c", "#4a7f2c")):
        edge = canvas.ridge(0.5 + 0.075 * layer, 0.06, 1.6 + layer * 0.4, 3)
        shade = 0.82 + 0.4 * canvas.noise(14 + 10 * layer, 3, stretch=3)
        canvas.below(edge, rgb(colour) * shade[..., None])
        if layer < 3:
            lone_tree(
                canvas, float(canvas.rng.uniform(0.1, 0.9)), float(edge.mean()) + 0.03, 0.06 + 0.03 * layer, "#35552a"
            )
    for colour in flowers:
        spots = canvas.rng.random((240, 2))

        def paint(draw: ImageDraw.ImageDraw, w: float, h: float, spots: Array = spots) -> None:
            for x, deep in spots:
                y, radius = (0.76 + 0.25 * deep**1.3), (0.001 + 0.0065 * deep**1.5) * h
                draw.ellipse((x * w - radius, y * h - radius * 0.8, x * w + radius, y * h + radius * 0.8), fill=255)

        canvas.shape(paint, colour, opacity=0.92)
    canvas.vignette(0.2)


def forest(canvas: Canvas, fog: Colour = "#cfd9c6", trunk: Colour = "#241f18", leaves: Colour = "#5f7f34") -> None:
    """Trunks that fade into fog, light falling through the leaves."""
    canvas.gradient(
        ((0, mix(fog, leaves, 0.55)), (0.45, fog), (0.8, mix(fog, leaves, 0.35)), (1, mix(leaves, trunk, 0.5)))
    )
    canvas.glow(0.62, 0.3, 0.33, "#fffbe0", 0.8, 1.3)
    for layer in range(5):
        near = layer / 4
        stems = canvas.rng.random((15 - 2 * layer, 3))

        def paint(draw: ImageDraw.ImageDraw, w: float, h: float, stems: Array = stems, near: float = near) -> None:
            for x, lean, wide in stems:
                half = (0.0025 + 0.016 * near**1.6) * w * (0.6 + 0.6 * wide)
                top = x * w + (lean - 0.5) * 0.05 * w
                foot = (0.68 + 0.27 * near) * h
                draw.polygon(
                    [(top - half * 0.6, 0), (top + half * 0.6, 0), (x * w + half, foot), (x * w - half, foot)], fill=255
                )

        canvas.shape(paint, mix(fog, trunk, 0.22 + 0.74 * near))
        crown = canvas.noise(7 + 5 * layer, 4)
        reach = np.clip(0.36 + 0.04 * layer - canvas.y, 0, 1) * 2.6
        canvas.blend(
            np.clip((crown - 0.56 + 0.2 * reach) * 7, 0, 1) * np.clip(reach, 0, 1), mix(fog, leaves, 0.35 + 0.5 * near)
        )
        canvas.below(
            canvas.ridge(0.69 + 0.06 * layer, 0.018, 6, 5),
            mix(mix(fog, leaves, 0.3 + 0.6 * near), trunk, 0.15 + 0.45 * near),
        )
    angle = (canvas.x - 0.62) + (canvas.y - 0.05) * 0.45
    beams = np.clip(np.sin(angle * 46) * np.sin(angle * 19 + 1), 0, 1) * np.exp(-((angle / 0.33) ** 2))
    canvas.light((beams * (0.85 - canvas.y).clip(0, 1) * 0.5).astype(np.float32), "#fff6cf")
    canvas.vignette(0.35)


def dunes(canvas: Canvas, stops: Sky = DAY, sand: Colour = "#dd9a54", shade: Colour = "#7b3f2b") -> None:
    """Desert dunes, one side in the sun, wind ripples on it."""
    canvas.gradient(stops, 0, 0.62)
    ripple_x = canvas.noise(3, 3, stretch=2)
    for layer in range(4):
        near = layer / 3
        crest = canvas.ridge(0.46 + 0.13 * layer, 0.11, 1.3, 2)
        slope = np.clip(0.55 + np.gradient(crest) * canvas.w * 1.8, 0, 1)
        # The edge between light and shade runs down the dune aslant, as a slip face does.
        aslant = ((canvas.x + np.clip(canvas.y - crest[None, :], 0, 1) * 0.9) * canvas.w).astype(int)
        lit = slope[np.clip(aslant, 0, canvas.w - 1)]
        deep = np.clip((canvas.y - crest[None, :]) * 3, 0, 1)
        ripples = np.sin(canvas.y * (240 - 110 * near) + ripple_x * 30 + canvas.x * 24) * 0.045 * (0.3 + near)
        tone = np.clip(lit * (1 - 0.35 * deep) + 0.2 * deep + ripples, 0, 1)[..., None]
        colour = rgb(shade) * (1 - tone) + rgb(sand) * tone
        far = mix(stops[-1][1], sand, 0.4)
        canvas.below(crest, (colour * (0.55 + 0.45 * near) + far * (0.45 - 0.45 * near)).astype(np.float32))
    canvas.vignette(0.2)


def winter(canvas: Canvas) -> None:
    """Snow, blue shade, spruces in white."""
    sky(canvas, ((0, "#8fb3d9"), (0.6, "#cfdeea"), (1, "#f3e3d8")), 0.7, 0.4)
    canvas.below(canvas.ridge(0.45, 0.12, 3), "#b4c7dc")
    for layer in range(3):
        canvas.below(canvas.ridge(0.58 + 0.1 * layer, 0.045, 2, 3), mix("#dfe9f3", "#f8fbff", layer / 2))
        pines(canvas, 0.6 + 0.11 * layer, mix("#6d8794", "#22404a", layer / 2), 0.1 + 0.09 * layer, 26 - 8 * layer)
    flakes = canvas.rng.random((420, 3))

    def paint(draw: ImageDraw.ImageDraw, w: float, h: float) -> None:
        for x, y, grow in flakes:
            radius = (0.8 + 3.4 * grow**4) * h / 1067
            draw.ellipse((x * w - radius, y * h - radius, x * w + radius, y * h + radius), fill=255)

    canvas.shape(paint, "#ffffff", blur_px=0.8, opacity=0.85)
