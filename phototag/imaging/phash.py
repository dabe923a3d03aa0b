"""A perceptual hash: 256 bits that stay nearly the same when a picture is encoded again, scaled, framed or brightened.

Of the PDQ class (Facebook, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm", 2019): the
picture as 64 x 64 luma, its 16 x 16 lowest frequencies without the constant ones, and of each whether it is above
their median. Written anew from the description, with an area average in place of the two box filters, so the bits are
not those of the reference code. A picture within a plain frame has a second hash, of what is inside the frame.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE_PX = 64
DECODED_PX = 128
"""The shorter side of the decoded picture that gives hashes of full quality."""

_FREQUENCIES = 16
_PLAIN = 16
"""Luma steps that the lines of a plain frame may differ by: what JPEG does to one colour beside an edge."""
_FRAME_AT_MOST = 0.25
"""Share of a side that a frame may take."""
_LEAST_CONTRAST = 1.0
"""Mean luma step between neighbours of the 64 x 64; below it (a wall, fog, black) the bits would be noise."""

Luma = npt.NDArray[np.uint8]


class Hashes(NamedTuple):
    """The hashes of one picture, 32 bytes each; empty where there is nothing to tell it by."""

    whole: bytes
    inner: bytes
    """Of the picture within a plain frame; empty where there is no frame."""


def _cosines() -> npt.NDArray[np.float32]:
    """Return the rows 1 to 16 of the DCT-II of 64 points, (16, 64)."""
    frequency = np.arange(1, _FREQUENCIES + 1)[:, None]
    at = np.arange(SIDE_PX)[None, :]
    return np.cos(np.pi / SIDE_PX * frequency * (at + 0.5)).astype(np.float32)


_DCT = _cosines()


def perceptual_hashes(rgb: npt.NDArray[np.uint8]) -> Hashes:
    """Return the hashes of the upright picture ``rgb``, (h, w, 3) uint8."""
    grey = Image.fromarray(np.ascontiguousarray(rgb)).convert("L")
    whole, box = _hash(grey, None), inner_box(np.asarray(grey))
    return Hashes(whole, _hash(grey, box) if whole and box is not None else b"")


def _hash(grey: Image.Image, box: tuple[float, float, float, float] | None) -> bytes:
    luma = np.asarray(grey.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX, box=box), np.float32)
    contrast = np.abs(np.diff(luma, axis=0)).mean() + np.abs(np.diff(luma, axis=1)).mean()
    if contrast < _LEAST_CONTRAST:
        return b""
    waves = (_DCT @ luma @ _DCT.T).ravel()
    ordered = np.sort(waves)
    median = (ordered[len(ordered) // 2 - 1] + ordered[len(ordered) // 2]) / np.float32(2)
    return np.packbits(waves > median).tobytes()


def inner_box(luma: Luma) -> tuple[float, float, float, float] | None:
    """Return left, top, right, bottom of the picture within a plain frame, None where there is no frame.

    Opposite sides of a frame are taken as equally wide: where the picture meets one of them in the frame's own
    colour, the other side says where it ends. Parts of a pixel count, since a scaled picture blends with its frame.
    """
    height, width = luma.shape
    across = min(_frame_px(luma.T), _frame_px(luma.T[::-1]))
    down = min(_frame_px(luma), _frame_px(luma[::-1]))
    if not across and not down:
        return None
    return across, down, width - across, height - down


def _frame_px(luma: Luma) -> float:
    """Return how many lines from the first on are one plain colour; 0 where none is, or too many are for a frame."""
    line = np.sort(luma[0])
    colour = (int(line[(len(line) - 1) // 2]) + int(line[len(line) // 2])) // 2
    most = int(len(luma) * _FRAME_AT_MOST)
    plain = 0
    while plain <= most and _is_plain(luma[plain], colour):
        plain += 1
    if not 0 < plain <= most or plain + 1 >= len(luma):
        return 0
    blend, beyond = (float(np.abs(luma[at].astype(np.int16) - colour).mean()) for at in (plain, plain + 1))
    return plain + 1 - min(1.0, blend / max(beyond, 1.0))


def _is_plain(line: Luma, colour: int) -> bool:
    return int(line.max()) <= colour + _PLAIN and int(line.min()) >= colour - _PLAIN
