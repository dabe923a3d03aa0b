"""Pictures drawn for tests of models: each shows one property as plainly as can be."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from phototag.imaging.picture import Picture


def picture(image: Image.Image, **fields: Any) -> Picture:
    """Return ``image`` as a decode gives it to models: upright RGB, alpha on white."""
    if image.mode in ("RGBA", "LA", "P"):
        rgba = image.convert("RGBA")
        flat = Image.new("RGBA", rgba.size, "white")
        rgb = Image.alpha_composite(flat, rgba).convert("RGB")
    else:
        rgb = image.convert("RGB")
    defaults: dict[str, Any] = {
        "width_px": image.width,
        "height_px": image.height,
        "format": "jpeg",
        "name": "IMG_0001.jpg",
        "grey": image.mode in ("L", "1", "LA"),
        "alpha": image.mode in ("RGBA", "LA"),
    }
    return Picture(rgb=np.asarray(rgb), **(defaults | fields))


def plain(colour: str, size: tuple[int, int] = (384, 256)) -> Image.Image:
    """Return one colour all over."""
    return Image.new("RGB", size, colour)


def scene(seed: int = 1, size: tuple[int, int] = (384, 256)) -> Image.Image:
    """Return something like a photo: clouds of 1/f noise in colour with a few hard-edged shapes."""
    rng = np.random.default_rng(seed)
    width, height = size
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    falloff = 1.0 / np.maximum(np.hypot(fy, fx), 1 / max(size)) ** 1.4
    channels = []
    for _ in range(3):
        phase = rng.uniform(0, 2 * np.pi, falloff.shape)
        cloud = np.fft.irfft2(falloff * np.exp(1j * phase), s=(height, width))
        channels.append(128 + 40 * cloud / cloud.std())
    image = Image.fromarray(np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = rng.integers(0, width), rng.integers(0, height)
        rx, ry = rng.integers(8, width // 5), rng.integers(8, height // 5)
        fill = tuple(int(c) for c in rng.integers(10, 246, 3))
        shape = pen.ellipse if rng.random() < 0.5 else pen.rectangle
        shape((int(x - rx), int(y - ry), int(x + rx), int(y + ry)), fill=fill)
    grain = rng.normal(0, 1.5, (height, width, 1))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


def blurred(image: Image.Image, radius_px: float = 5) -> Image.Image:
    """Return ``image`` out of focus."""
    return image.filter(ImageFilter.GaussianBlur(radius_px))


def noisy(image: Image.Image, sigma: float = 25, seed: int = 0) -> Image.Image:
    """Return ``image`` with the noise of a high ISO."""
    values = np.asarray(image) + np.random.default_rng(seed).normal(0, sigma, (image.height, image.width, 3))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def page(size: tuple[int, int] = (620, 877), seed: int = 3) -> Image.Image:
    """Return a page of text-like marks on paper."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, (247, 246, 242))
    pen = ImageDraw.Draw(image)
    for y in range(60, size[1] - 60, 18):
        x = 60
        while x < size[0] - 90:
            word = int(rng.integers(15, 60))
            for stem in range(x, x + word, 4):
                top = y + int(rng.integers(-3, 2))
                pen.line((stem, top, stem, y + 8), fill=(25, 25, 28), width=2)
            x += word + 10
    return image


def graphic(size: tuple[int, int] = (400, 300)) -> Image.Image:
    """Return a chart: flat colours with hard edges."""
    image = Image.new("RGB", size, (255, 250, 235))
    pen = ImageDraw.Draw(image)
    for i, fill in enumerate(((214, 40, 40), (0, 120, 80), (20, 70, 180), (240, 180, 0))):
        pen.rectangle((30 + 90 * i, 250 - 50 * (i + 1), 90 + 90 * i, 270), fill=fill)
    return image


def reencoded(image: Image.Image, *, scale: float = 1.0, quality: int = 80) -> Image.Image:
    """Return ``image`` after a resize and a trip through JPEG."""
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    out = io.BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(out, "JPEG", quality=quality)
    return Image.open(io.BytesIO(out.getvalue()))
