"""Screenshot, document or scan, drawing or graphic: what the file's name, its metadata and its flatness say.

Evidence is added up, never guessed at from content: a name the system gives to screenshots, a screen's exact size
without a camera, areas of one exact colour, mostly paper with fine dark marks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from phototag.imaging.picture import Picture
from phototag.models.builtin.canvas import Canvas, ramp

if TYPE_CHECKING:
    import numpy.typing as npt

_NAME = re.compile(
    r"screen[-_ ]?shot|screen[-_ ]?grab|screencap|bildschirmfoto|capture d.?.?[eé]cran|captura de (pantalla|ecr)|schermata"
    r"|schermafbeelding|снимок экрана|スクリーンショット|屏幕截图|截屏|스크린샷|ekran g",
    re.IGNORECASE,
)
_SCREENS: dict[int, tuple[int, ...]] = {
    640: (1136,),
    720: (
        1280,
        1600,
    ),
    750: (1334,),
    768: (
        1024,
        1366,
    ),
    800: (1280,),
    828: (1792,),
    864: (1536,),
    900: (
        1440,
        1600,
    ),
    956: (1470,),
    982: (1512,),
    1008: (2244,),
    1024: (1280,),
    1050: (1680,),
    1080: (
        1920,
        2160,
        2220,
        2280,
        2340,
        2400,
        2408,
        2560,
    ),
    1117: (1728,),
    1125: (2436,),
    1170: (2532,),
    1179: (2556,),
    1200: (
        1600,
        1920,
    ),
    1206: (2622,),
    1242: (
        2208,
        2688,
    ),
    1284: (2778,),
    1290: (2796,),
    1320: (2868,),
    1344: (2992,),
    1440: (
        2304,
        2560,
        2960,
        3040,
        3088,
        3120,
        3200,
        3440,
    ),
    1536: (2048,),
    1600: (2560,),
    1620: (2160,),
    1640: (2360,),
    1664: (2560,),
    1668: (
        2224,
        2388,
    ),
    1800: (2880,),
    1864: (2880,),
    1964: (3024,),
    2048: (2732,),
    2160: (3840,),
    2234: (3456,),
    2520: (4480,),
    2880: (5120,),
}
"""Common screens in pixels: shorter side to longer sides."""


def measure(picture: Picture, canvas: Canvas) -> dict[str, float]:
    """Return the scores of screenshot, document and drawing."""
    flat = flat_share(canvas)
    screen = screenshot(picture, flat)
    paper = document(canvas)
    graphic = ramp(flat, 0.55, 0.9)
    if graphic > 0:
        graphic *= ramp(palette_share(canvas), 0.7, 0.95)
    if has_camera(picture):
        graphic *= 0.3  # a lens was there: a plain wall is flat too
    return {"screenshot": screen, "document": paper, "drawing": graphic * (1.0 - max(screen, paper))}


def has_camera(picture: Picture) -> bool:
    """Say whether a lens took it: an exposure, a focal length or an aperture was written."""
    exif = picture.exif
    return any(value is not None for value in (exif.exposure, exif.fnumber, exif.focal, exif.iso))


def screenshot(picture: Picture, flat: float) -> float:
    """Return how surely the file is a screenshot: named so, or of a screen's exact size, flat and without a camera."""
    exif = picture.exif
    named = _NAME.search(picture.name) or any(
        _NAME.search(t or "") for t in (exif.description, exif.title, exif.software)
    )
    score = 0.9 if named else 0.0
    short, long = sorted((picture.width_px, picture.height_px))
    if not has_camera(picture) and long in _SCREENS.get(short, ()):
        lossless = picture.format in ("png", "webp", "bmp")
        score = max(score, (0.35 if lossless else 0.15) + 0.45 * ramp(flat, 0.25, 0.6))
    return score


def document(canvas: Canvas) -> float:
    """Return how surely it is a page: mostly colourless paper of one lightness with fine darker marks all over."""
    # What most photos fail is looked at first, and the rest left out.
    if min(canvas.luma.shape) < 128:  # letters need pixels
        return 0.0
    luma = canvas.luma
    white = canvas.luma_percentile(85)
    share = _share(luma > 0.86 * white)
    paper = ramp(white, 120, 170) * ramp(share, 0.45, 0.65)
    if paper == 0:
        return 0.0
    paper *= ramp(_share(canvas.spread < 40), 0.75, 0.92)
    if paper == 0:
        return 0.0
    edges = np.abs(np.diff(luma, axis=1))[:-1] > 0.10 * white
    rows, columns = edges.shape[0] // 8 * 8, edges.shape[1] // 8 * 8
    blocks = edges[:rows, :columns].reshape(rows // 8, 8, columns // 8, 8).mean(axis=(1, 3))
    marks, spread = _share(edges), _share(blocks > 0.04)
    return paper * ramp(marks, 0.01, 0.04) * ramp(spread, 0.08, 0.25) * ramp(share, 0.985, 0.96)


def _share(mask: npt.NDArray[np.bool_]) -> float:
    """Return the share of ``mask`` that is true: counting is ten times as quick as a mean."""
    return float(np.count_nonzero(mask) / mask.size)


def flat_share(canvas: Canvas) -> float:
    """Return the share of pixels that equal their right and lower neighbour to one step: drawn areas, not noise."""
    luma = canvas.luma
    if min(luma.shape) < 2:
        return 1.0
    across = np.abs(luma[:-1, 1:] - luma[:-1, :-1]) < 0.75
    down = np.abs(luma[1:, :-1] - luma[:-1, :-1]) < 0.75
    return _share(across & down)


def palette_share(canvas: Canvas) -> float:
    """Return the share of the picture that its sixteen commonest colours cover (32 steps a channel)."""
    counts = np.sort(canvas.colour_counts[canvas.colours])
    return float(counts[-16:].sum() / counts.sum())
