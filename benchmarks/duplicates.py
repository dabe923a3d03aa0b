"""Near-duplicates: precision and recall on transformed photos, through a real scan; and what finding them costs.

Each version keeps the camera and the time, as editors do: without them nothing tells the frames of a burst from copies.
The photos are those of ``../shared/data/photos`` and of ``phototag demo``; where the first are missing, the second only.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import faiss
import numpy as np
from PIL import ExifTags, Image, ImageDraw, ImageEnhance, ImageFont

from benchmarks.row import Row, seconds, side_by_side
from phototag.demo.making import make
from phototag.errors import ImageError
from phototag.handle import Library
from phototag.imaging import decode
from phototag.imaging.phash import perceptual_hashes
from phototag.scan.run import Hooks
from phototag.search import duplicates, hamming
from phototag.search.looks import WHOLE_BITS
from phototag.tagging import Choice, run

PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "data" / "photos"
HASHES = 100_000
NEAR_SHARE = 0.05
SIDE_AT_LEAST_PX = 64

FAMILIES = (
    r"orientation/landscape_\d",  # one picture, stored in all eight orientations
    r"orientation/portrait_\d",
    r"DSCF2240|IMG-20211120-WA0003",  # what the demo draws as copies
    r"DSC_3409|balloons",
    r"IMG_0437",
    r"IMG_0633",
)
"""Sources that are one picture to begin with."""


def rows(count: int = HASHES) -> list[Row]:
    """Measure what is found, what is found wrongly, and the time."""
    with tempfile.TemporaryDirectory() as base:
        return [*_quality(base), *_cost(count)]


def _quality(base: str) -> list[Row]:
    root = os.path.join(base, "library")
    sources = _make_library(base, root)
    library = Library.open_or_make(root, cache_dir=os.path.join(base, "cache"), state_dir=os.path.join(base, "state"))
    run(library.tree, "", Choice(geo=False), Hooks())
    index = library.index()
    pairs: dict[str, set[str]] = defaultdict(set)
    right = wrong = 0
    for group in duplicates.find(index, index.alive, near=True):
        keep = index.path(group.keep)
        for other in index.paths(group.others):
            same = _family(keep) == _family(other)
            right, wrong = right + same, wrong + (not same)
            pairs[keep].add(other)
    together = [{keep, *others} for keep, others in pairs.items()]
    home = {path: number for number, members in enumerate(together) for path in members}
    recall = {name: _recall(home, sources, name) for name in CHANGES}
    kept = [value for name, value in recall.items() if name not in CROPS]
    detail = ", ".join(f"{name} {value:.2f}" for name, value in recall.items() if name not in CROPS)
    crops = ", ".join(f"{name} {recall[name]:.2f}" for name in CROPS)
    count = f"{len(sources)} photos, {right + wrong} pairs"
    return [
        Row("near-duplicates: precision", right / max(1, right + wrong), 0.99, unit="", at_least=True, detail=count),
        Row("near-duplicates: recall", float(np.mean(kept)), 0.9, unit="", at_least=True, detail=detail),
        Row(
            "near-duplicates: recall, crops",
            float(np.mean([recall[n] for n in CROPS])),
            0.0,
            unit="",
            at_least=True,
            detail=crops,
        ),
    ]


def _recall(home: dict[str, int], sources: list[str], change: str) -> float:
    """Return the share of ``sources`` whose changed version was found to be the same picture."""
    found = [home.get(f"{source}/original.png", -1) == home.get(f"{source}/{_file(change)}", -2) for source in sources]
    return sum(found) / max(1, len(found))


def _file(change: str) -> str:
    """Return the name of a changed version, without numbers: those tell the frames of a series apart."""
    return re.sub(r"\d", lambda digit: "abcdefghij"[int(digit[0])], change) + ".jpg"


def _family(path: str) -> str:
    source = path.partition("/")[0]
    return next((family for family in FAMILIES if re.search(family, _NAMES[source])), _NAMES[source])


_NAMES: dict[str, str] = {}
"""{folder of a source: its path before}."""


def _make_library(base: str, root: str) -> list[str]:
    """Write every photo and its changed versions into a folder of its own; return the folders."""
    drawn = os.path.join(base, "drawn")
    make(drawn)
    folders = []
    seen: set[bytes] = set()
    for number, path in enumerate(_photos([*([str(PHOTOS)] if PHOTOS.is_dir() else []), drawn])):
        data = Path(path).read_bytes()
        try:
            found = decode.read_upright(data, name=os.path.basename(path), side_px=1600)
        except ImageError:
            continue
        image, camera = found.image, _camera(data)
        look = image.tobytes()
        if min(image.size) < SIDE_AT_LEAST_PX or look in seen:
            continue
        seen.add(look)
        folder = f"{number:04}"
        _NAMES[folder] = path
        os.makedirs(os.path.join(root, folder))
        image.save(os.path.join(root, folder, "original.png"), exif=camera)
        for name, change in CHANGES.items():
            with open(os.path.join(root, folder, _file(name)), "wb") as file:
                file.write(_with_camera(change(image), camera))
        folders.append(folder)
    return folders


def _photos(folders: list[str]) -> Iterator[str]:
    for folder in folders:
        for base, _, names in sorted(os.walk(folder)):
            yield from (os.path.join(base, name) for name in sorted(names))


def _jpeg(image: Image.Image, quality: int = 90, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, **options)
    return out.getvalue()


def _camera(data: bytes) -> Image.Exif:
    """Return what the camera said, which editors keep; the picture is upright already."""
    made = Image.Exif()
    with contextlib.suppress(Exception), Image.open(io.BytesIO(data)) as image:
        for tag, value in image.getexif().get_ifd(ExifTags.IFD.Exif).items():
            if tag in (ExifTags.Base.DateTimeOriginal, ExifTags.Base.SubsecTimeOriginal):
                made.get_ifd(ExifTags.IFD.Exif)[tag] = value
        for tag in (ExifTags.Base.Make, ExifTags.Base.Model):
            if tag in image.getexif():
                made[tag] = image.getexif()[tag]
    return made


def _with_camera(jpeg: bytes, camera: Image.Exif) -> bytes:
    """Return ``jpeg`` with ``camera`` put into its head; one that has an orientation keeps it."""
    with Image.open(io.BytesIO(jpeg)) as image:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    if orientation is not None:
        return jpeg
    block = camera.tobytes()
    return jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + jpeg[2:]


def _resized(image: Image.Image, share: float) -> bytes:
    size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    return _jpeg(image.resize(size, Image.Resampling.LANCZOS))


def _turned(image: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _jpeg(image.transpose(Image.Transpose.ROTATE_90), exif=exif)


def _framed(image: Image.Image, colour: str, share: float) -> bytes:
    px = max(2, round(max(image.size) * share))
    made = Image.new("RGB", (image.width + 2 * px, image.height + 2 * px), colour)
    made.paste(image, (px, px))
    return _jpeg(made)


def _watermarked(image: Image.Image) -> bytes:
    layer = Image.new("RGBA", image.size)
    font = ImageFont.load_default(size=max(10, image.width // 14))
    at = (image.width * 0.3, image.height * 0.82)
    ImageDraw.Draw(layer).text(at, "(c) phototag", font=font, fill=(255, 255, 255, 150))
    return _jpeg(Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB"))


def _brightened(image: Image.Image, factor: float) -> bytes:
    return _jpeg(ImageEnhance.Brightness(image).enhance(factor))


def _cropped(image: Image.Image, share: float) -> bytes:
    x, y = image.width * share / 2, image.height * share / 2
    return _jpeg(image.crop((round(x), round(y), round(image.width - x), round(image.height - y))))


CHANGES: dict[str, Callable[[Image.Image], bytes]] = {
    "quality 85": lambda image: _jpeg(image, 85),
    "quality 40": lambda image: _jpeg(image, 40),
    "half size": lambda image: _resized(image, 0.5),
    "quarter size": lambda image: _resized(image, 0.25),
    "turned by EXIF": _turned,
    "white border": lambda image: _framed(image, "white", 0.04),
    "black border": lambda image: _framed(image, "black", 0.08),
    "watermark": _watermarked,
    "brighter": lambda image: _brightened(image, 1.2),
    "darker": lambda image: _brightened(image, 0.75),
    "crop 2 %": lambda image: _cropped(image, 0.02),
    "crop 5 %": lambda image: _cropped(image, 0.05),
}
CROPS = ("crop 2 %", "crop 5 %")


def _cost(count: int) -> list[Row]:
    rng = np.random.default_rng(1)
    hashes = _hashes(rng, count)
    flat = faiss.IndexBinaryFlat(256)
    flat.add(hashes)
    some = hashes[:: max(1, count // 2000)]
    all_pairs_s = seconds(lambda: flat.range_search(some, WHOLE_BITS + 1)) * len(hashes) / len(some)
    found = int(np.count_nonzero(hamming.connected(hashes, WHOLE_BITS) != np.arange(len(hashes))))
    ours_s = min(seconds(lambda: hamming.connected(hashes, WHOLE_BITS)) for _ in range(3))
    picture = np.asarray(Image.fromarray(rng.integers(0, 255, (30, 40, 3), dtype=np.uint8)).resize((512, 384)))
    one, _, _ = side_by_side(lambda: perceptual_hashes(picture), lambda: None, runs=50)
    detail = f"{ours_s:.2f} s, all pairs {all_pairs_s:.1f} s (IndexBinaryFlat, from {len(some):,} queries)"
    return [
        Row("near pairs found", found / (len(hashes) - count), 0.99, unit="", at_least=True),
        Row(f"pairs among {len(hashes):,} hashes", ours_s / all_pairs_s, 0.25, detail=detail),
        Row("perceptual hash of a decoded picture", one * 1e3, 1.5, unit="ms"),
    ]


def _hashes(rng: np.random.Generator, count: int) -> hamming.Hashes:
    """Return ``count`` random hashes and as many near ones as ``NEAR_SHARE`` says, up to 31 bits away."""
    hashes = rng.integers(0, 256, (count, 32), dtype=np.uint8)
    bits = np.unpackbits(hashes[: int(count * NEAR_SHARE)], axis=1)
    for row in bits:
        row[rng.choice(256, rng.integers(0, WHOLE_BITS + 1), replace=False)] ^= 1
    return np.vstack([hashes, np.packbits(bits, axis=1)])
