"""Write the sample library: drawn shots, a burst, copies and near-copies, screenshots, papers, one cut short."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec
import numpy as np
from PIL import Image

from phototag import fsio
from phototag.demo import cameras, screens, water
from phototag.demo.album import LANDSCAPE, SHOTS, Shot
from phototag.demo.canvas import Canvas

QUALITY = 86
Files = list[tuple[str, bytes]]


class Made(msgspec.Struct, frozen=True):
    """What was written."""

    folder: str
    files: int
    written: int
    """Fewer than ``files`` when some were there already: nothing is ever written over."""
    size_bytes: int


def make(
    folder: str,
    *,
    started: Callable[[int], None] = lambda total: None,
    advanced: Callable[[int], None] = lambda count: None,
) -> Made:
    """Draw the sample library into ``folder``; about ten seconds of one core. Raises WriteError.

    Equal bytes on every run with the same Pillow and numpy; files that exist are left as they are.
    """
    jobs: list[Callable[[], Files]] = [partial(drawn, seed, shot) for seed, shot in enumerate(SHOTS, 1)]
    jobs += [burst, papers]
    files = written = size = 0
    masters: dict[str, bytes] = {}
    # Drawing is mostly numpy and Pillow, which let go of the interpreter lock.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        started(len(jobs))
        for made in pool.map(lambda job: job(), jobs):
            masters.update({path: data for path, data in made if path in COPIED})
            files, size = files + len(made), size + sum(len(data) for _, data in made)
            written += sum(put(folder, path, data) for path, data in made)
            advanced(1)
    for path, data in copies(masters):
        files, size, written = files + 1, size + len(data), written + put(folder, path, data)
    return Made(folder, files, written, size)


def put(folder: str, path: str, data: bytes) -> bool:
    """Write one file unless it exists; return whether it was written."""
    target = os.path.join(folder, path)
    if os.path.lexists(target):
        return False
    fsio.make_folder(os.path.dirname(target))
    return fsio.write_atomic(target, data, sync=False)


def drawn(seed: int, shot: Shot) -> Files:
    """Return path and JPEG of one shot."""
    canvas = Canvas(*shot.size, seed)
    shot.draw(canvas)
    if shot.finish:
        shot.finish(canvas)
    canvas.grain(0.006)
    return [(shot.path, developed(canvas.image(), shot, seed))]


def developed(image: Image.Image, shot: Shot, nudge: int) -> bytes:
    """Return the JPEG with EXIF of a shot's pixels."""
    exif = cameras.exif(
        shot.camera,
        shot.taken,
        place=shot.place,
        nudge=nudge,
        exposure=shot.exposure,
        iso=shot.iso,
        orientation=6 if shot.sideways else 1,
        flash=shot.flash,
    )
    return encoded(image.rotate(90, expand=True) if shot.sideways else image, "JPEG", exif=exif)


def encoded(image: Image.Image, fmt: str, *, quality: int = QUALITY, exif: Image.Exif | None = None) -> bytes:
    """Return ``image`` as the bytes of a file."""
    out = io.BytesIO()
    options = {} if exif is None else {"exif": exif}
    image.save(out, fmt, quality=quality, **options)
    return out.getvalue()


def burst() -> Files:
    """Return four frames a third of a second apart: the camera moved a little, the noise differs."""
    canvas = Canvas(LANDSCAPE[0] + 48, LANDSCAPE[1] + 32, 77)
    water.sails(canvas)
    full = canvas.px
    frames: Files = []
    for frame, taken in enumerate(("31.05", "31.38", "31.71", "32.04")):
        part = Canvas(*LANDSCAPE, 770 + frame)
        x, y = 6 + 11 * frame, 4 + 7 * frame
        part.px = np.ascontiguousarray(full[y : y + LANDSCAPE[1], x : x + LANDSCAPE[0]])
        part.grain(0.012)
        stamp = f"2022-06-08T14:05:{taken}+03:00"
        shot = Shot(f"2022/Santorini/DSC_33{12 + frame}.jpg", water.sails, stamp, cameras.EOS_TELE, "Oia")
        frames.append((shot.path, developed(part.image(), shot, 30)))
    return frames


def papers() -> Files:
    """Return screenshots, charts and scans; they have no EXIF, as such files have none."""
    return [
        ("Screenshots/Screenshot_20240511_094107.png", encoded(screens.phone_chat(1), "PNG")),
        ("Screenshots/Screenshot_20240906_094155.png", encoded(screens.phone_weather(2), "PNG")),
        ("Screenshots/Screenshot from 2024-03-12 17-20-33.png", encoded(screens.desktop_code(3), "PNG")),
        ("Documents/visitors.png", encoded(screens.bar_chart(4), "PNG")),
        ("Documents/sea-level.png", encoded(screens.line_chart(0), "PNG")),
        ("Documents/Scan_0001.jpg", encoded(screens.letter(5), "JPEG", quality=70)),
        ("Documents/Scan_0002.jpg", encoded(screens.receipt(6), "JPEG", quality=70)),
    ]


SUNSET_AT_SEA = "2019/Nice/IMG_0633.jpg"
LAKE = "2019/Zermatt/IMG_0437.jpg"
BRIDGE = "2021/San Francisco/DSCF2240.jpg"
BALLOONS = "2022/Cappadocia/DSC_3409.jpg"
COPIED = (SUNSET_AT_SEA, LAKE, BRIDGE, BALLOONS)


def copies(masters: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield exact copies, near-copies, and a file whose transfer broke off."""
    yield "Backup/IMG_0633.jpg", masters[SUNSET_AT_SEA]
    yield "Backup/IMG_0437 (1).jpg", masters[LAKE]
    bridge = Image.open(io.BytesIO(masters[BRIDGE]))
    yield (
        "Phone/IMG-20211120-WA0003.jpg",
        encoded(bridge.resize((1024, 683), Image.Resampling.LANCZOS), "JPEG", quality=68),
    )
    yield "2021/San Francisco/DSCF2240-edited.jpg", encoded(bridge, "JPEG", quality=95, exif=bridge.getexif())
    balloons = Image.open(io.BytesIO(masters[BALLOONS]))
    yield "Phone/balloons.webp", encoded(balloons.resize((1200, 800), Image.Resampling.LANCZOS), "WEBP", quality=80)
    yield "Phone/broken-transfer.jpg", masters[BALLOONS][: len(masters[BALLOONS]) * 11 // 20]
