"""``Canvas``: float pixels and the few strokes all drawn photos are made of.

Coordinates are fractions of width and height, (0, 0) top left; colours are sRGB in [0, 1] or ``#rrggbb``. Everything
random comes from the canvas's own generator, so a seed is a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

Array = npt.NDArray[np.floating[Any]]
Colour = str | tuple[float, float, float] | Array
Painter = Callable[[ImageDraw.ImageDraw, float, float], None]
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def rgb(colour: Colour) -> Array:
    """Return ``colour`` as (3,) float32."""
    if isinstance(colour, str):
        return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)], np.float32)
    return np.asarray(colour, np.float32)


def mix(a: Colour, b: Colour, share: float) -> Array:
    """Return the colour ``share`` of the way from ``a`` to ``b``."""
    return rgb(a) * np.float32(1 - share) + rgb(b) * np.float32(share)


class Canvas:
    """A picture being drawn: ``px`` is (h, w, 3) float32, clipped only at the end."""

    def __init__(self, width_px: int, height_px: int, seed: int) -> None:
        self.w, self.h = width_px, height_px
        self.rng = np.random.default_rng(seed)
        self.px: Array = np.zeros((height_px, width_px, 3), np.float32)
        self.x: Array = np.linspace(0, 1, width_px, dtype=np.float32)[None, :]
        self.y: Array = np.linspace(0, 1, height_px, dtype=np.float32)[:, None]

    @property
    def aspect(self) -> float:
        """Return width by height."""
        return self.w / self.h

    def gradient(self, stops: Sequence[tuple[float, Colour]], top: float = 0.0, bottom: float = 1.0) -> None:
        """Fill the rows from ``top`` to ``bottom`` with colours that change at ``stops`` (fraction, colour)."""
        rows = slice(round(top * self.h), round(bottom * self.h))
        at = np.linspace(0, 1, rows.stop - rows.start)
        colours = np.stack([rgb(colour) for _, colour in stops])
        where = [place for place, _ in stops]
        lines = np.stack([np.interp(at, where, colours[:, band]) for band in range(3)], 1)
        self.px[rows] = lines[:, None, :].astype(np.float32)

    def blend(self, mask: Array, colour: Colour, top: int = 0, left: int = 0) -> None:
        """Lay ``colour``, (3,) or (rows, columns, 3), over the part at (``top``, ``left``) px, as much as ``mask`` says."""
        part = self.px[top : top + mask.shape[0], left : left + mask.shape[1]]
        part += (rgb(colour) - part) * mask[..., None]

    def light(self, mask: Array, colour: Colour, top: int = 0, left: int = 0) -> None:
        """Add light: screen ``colour`` over the part at (``top``, ``left``) px, as much as ``mask`` says."""
        part = self.px[top : top + mask.shape[0], left : left + mask.shape[1]]
        part += (1 - np.minimum(part, 1)) * rgb(colour) * mask[..., None]

    def around(self, x: float, y: float, reach: float) -> tuple[int, int, Array, Array]:
        """Return (top px, left px, dx, dy) of the square ``reach`` around a point; dx, dy in fractions of the height."""
        top, bottom = (round(min(max(v, 0), 1) * self.h) for v in (y - reach, y + reach))
        left, right = (round(min(max(v, 0), 1) * self.w) for v in (x - reach / self.aspect, x + reach / self.aspect))
        return top, left, (self.x[:, left:right] - np.float32(x)) * self.aspect, self.y[top:bottom] - np.float32(y)

    def glow(
        self, x: float, y: float, radius: float, colour: Colour, strength: float = 1.0, power: float = 2.0
    ) -> None:
        """Add a soft round light; ``radius`` is a fraction of the height."""
        top, left, dx, dy = self.around(x, y, radius * (2.6 if power >= 2 else 4.5))
        distance = np.hypot(dx, dy) / radius
        self.light((strength * np.exp(-(distance**power))).astype(np.float32), colour, top, left)

    def disc(self, x: float, y: float, radius: float, colour: Colour, soft: float = 0.002) -> None:
        """Draw a filled circle with an edge ``soft`` wide."""
        top, left, dx, dy = self.around(x, y, radius + soft)
        self.blend(np.clip((radius - np.hypot(dx, dy)) / soft + 0.5, 0, 1).astype(np.float32), colour, top, left)

    def below(self, edge: Array, colour: Colour, soft_px: float = 1.0, until: float = 1.0) -> None:
        """Fill everything below the line ``edge`` (w,), fractions of the height, down to ``until``."""
        top, bottom = max(int(edge.min() * self.h) - 2, 0), round(until * self.h)
        if top >= bottom:
            return
        rows = np.arange(top, bottom, dtype=np.float32)[:, None]
        mask = np.clip((rows - edge[None, :] * self.h) / soft_px + 0.5, 0, 1)
        over = colour[top:bottom] if isinstance(colour, np.ndarray) and colour.ndim == 3 else colour
        self.blend(mask.astype(np.float32), over, top)

    def shape(self, paint: Painter, colour: Colour, *, blur_px: float = 0.0, opacity: float = 1.0) -> None:
        """Fill what ``paint(draw, width, height)`` draws in white, antialiased, in ``colour``."""
        mask, top, left = self.stencil(paint, blur_px)
        self.blend(mask * np.float32(opacity), colour, top, left)

    def lamps(self, paint: Painter, colour: Colour, *, blur_px: float = 0.0, strength: float = 1.0) -> None:
        """Add what ``paint`` draws as light."""
        mask, top, left = self.stencil(paint, blur_px)
        self.light(mask * np.float32(strength), colour, top, left)

    def stencil(self, paint: Painter, blur_px: float = 0.0) -> tuple[Array, int, int]:
        """Return what ``paint`` draws as (mask in [0, 1], top px, left px); drawn twice as large, then reduced."""
        image = Image.new("L", (self.w * 2, self.h * 2))
        paint(ImageDraw.Draw(image), self.w * 2.0, self.h * 2.0)
        box = image.getbbox()
        if box is None:
            return np.zeros((0, 0), np.float32), 0, 0
        margin = round(blur_px * 3)
        left, top = (max(edge // 2 - margin, 0) for edge in box[:2])
        right, bottom = (
            min((edge + 1) // 2 + margin, most) for edge, most in zip(box[2:], (self.w, self.h), strict=True)
        )
        image = image.crop((left * 2, top * 2, right * 2, bottom * 2)).reduce(2)
        if blur_px:
            image = image.filter(ImageFilter.GaussianBlur(blur_px))
        return np.asarray(image, np.float32) / 255, top, left

    def noise(self, cells: float, octaves: int = 4, *, stretch: float = 1.0, gain: float = 0.5) -> Array:
        """Return fractal value noise (h, w) in about [0, 1]: ``cells`` across the height, ``stretch`` times wider."""
        total = np.zeros((self.h, self.w), np.float32)
        weight, norm = 1.0, 0.0
        for octave in range(octaves):
            rows = max(2, round(cells * 2**octave) + 1)
            columns = max(2, round(cells * 2**octave * self.aspect / stretch) + 1)
            if octave and (rows > self.h or columns > self.w):
                break
            grid = Image.fromarray(self.rng.random((rows, columns), dtype=np.float32))
            total += np.float32(weight) * np.asarray(grid.resize((self.w, self.h), Image.Resampling.BICUBIC))
            norm += weight
            weight *= gain
        return (total / np.float32(norm)).astype(np.float32)

    def ridge(self, height: float, swing: float, cells: float = 3.0, octaves: int = 7, gain: float = 0.52) -> Array:
        """Return a mountain line (w,): fractions of the height around ``height``, up and down by ``swing``."""
        total = np.zeros(self.w)
        weight = 1.0
        for octave in range(octaves):
            count = max(2, round(cells * 2**octave) + 1)
            knots = self.rng.random(count + 1) - 0.5
            at = np.linspace(0, count - 1e-6, self.w)
            step = at % 1
            if octave < 2:
                step = step * step * (3 - 2 * step)
            low = knots[at.astype(int)]
            total += weight * (low + (knots[at.astype(int) + 1] - low) * step)
            weight *= gain
        return (height - total * swing * 2).astype(np.float32)

    def blur(self, radius_px: float) -> None:
        """Blur the whole picture."""
        self.px = np.asarray(self.image().filter(ImageFilter.GaussianBlur(radius_px)), np.float32) / 255

    def grain(self, amount: float = 0.01) -> None:
        """Add the noise of a sensor."""
        tile = self.rng.normal(0, amount, (256, 256)).astype(np.float32)
        self.px += np.tile(tile, (self.h // 256 + 1, self.w // 256 + 1))[: self.h, : self.w, None]

    def vignette(self, amount: float = 0.25) -> None:
        """Darken the corners as a lens does."""
        distance = ((self.x - 0.5) ** 2 + (self.y - 0.5) ** 2) * 2
        self.px *= (1 - np.float32(amount) * distance**1.5)[..., None]

    def grey(self, contrast: float = 1.15) -> None:
        """Take the colours away."""
        luma = self.px @ _LUMA
        self.px = np.repeat(((luma - 0.5) * np.float32(contrast) + 0.5)[..., None], 3, 2)

    def image(self) -> Image.Image:
        """Return the picture as 8-bit RGB."""
        return Image.fromarray((np.clip(self.px, 0, 1) * 255 + 0.5).astype(np.uint8))
