"""The eleven basic colour terms by their share of the picture.

Berlin & Kay 1969 found eleven basic colour terms; each pixel is given the term of its nearest focal colour in CIELAB,
where equal distances look about equally different (the approach of Mojsilovic 2005 and, with learned regions, of
van de Weijer et al. 2009). The focal colours below are our own choice: a few a term, spread over what people call so.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from phototag.models.builtin.canvas import Canvas, to_lab

if TYPE_CHECKING:
    import numpy.typing as npt

FOCAL: dict[str, tuple[str, ...]] = {
    "black": ("000000", "141414", "1e1c1e", "0a0a1e", "1e0f0a", "0a190f"),
    "white": ("ffffff", "f2f2f2", "faf5eb", "ebf2fa"),
    "grey": ("808080", "505050", "b4b4b4", "a0a5aa", "646e78", "8c8782", "3c3c3c", "cdcdcd"),
    "red": ("d21428", "a01020", "ff1e1e", "780a14", "e63c3c", "c83232"),
    "orange": ("ff8c00", "f07820", "ffa040", "e66414", "ff6a1e"),
    "yellow": ("ffe600", "f5dc46", "ffff00", "dcc81e", "fff078", "e6be28"),
    "green": ("008c3c", "00ff00", "2d6e2d", "78c850", "90ee90", "144614", "6b8e23", "2e8b57", "a0c850", "3c7864"),
    "blue": ("0046c8", "0000ff", "1e90ff", "142878", "87c8f5", "4682b4", "00b4dc", "5078b4", "00008b", "286e8c"),
    "purple": ("800080", "6a2ca0", "9650c8", "4b1464", "b48cdc", "8a2be2", "783c82", "4b0082"),
    "pink": ("ff69b4", "ffc0cb", "ff1493", "e696b4", "ff96aa", "ff00ff", "f5b4d2", "dc6496"),
    "brown": ("8b4513", "64371e", "a0642d", "784b28", "462814", "aa8250", "966446", "c8a078"),
}
"""Focal colours in sRGB hex."""

TERMS = tuple(FOCAL)

_STEPS = 32


@lru_cache(maxsize=1)
def _table() -> npt.NDArray[np.uint8]:
    """Return the term of every colour, 32 steps a channel: (32768,) uint8 indexes into TERMS."""
    step = (np.arange(_STEPS) * 8 + 4).astype(np.uint8)
    cells = np.stack(np.meshgrid(step, step, step, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = to_lab(cells).astype(np.float64)
    distances = []
    for shades in FOCAL.values():
        rgb = np.array([list(bytes.fromhex(shade)) for shade in shades], np.uint8)
        focal = to_lab(rgb).astype(np.float64)
        squared = ((lab[:, None, :] - focal[None, :, :]) ** 2).sum(axis=2)
        distances.append(squared.min(axis=1))
    nearest: npt.NDArray[np.uint8] = np.stack(distances).argmin(axis=0).astype(np.uint8)
    return nearest


def shares(canvas: Canvas) -> npt.NDArray[np.float64]:
    """Return the share of each of TERMS, (11,) float64, sum 1."""
    seen = canvas.colours
    counts = np.bincount(_table()[seen], weights=canvas.colour_counts[seen], minlength=len(TERMS))
    found: npt.NDArray[np.float64] = counts / counts.sum()
    return found


def name_of(rgb: tuple[int, int, int]) -> str:
    """Return the basic colour term of one sRGB colour."""
    red, green, blue = (channel >> 3 for channel in rgb)
    return TERMS[int(_table()[(red << 10) | (green << 5) | blue])]


def measure(canvas: Canvas) -> dict[str, float]:
    """Return the share of each colour term as its score."""
    return dict(zip(TERMS, shares(canvas).tolist(), strict=True))
